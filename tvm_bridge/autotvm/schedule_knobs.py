"""How knobs stand for the fields of `#gemmini.schedule`: `FIELD_KNOBS`, a row for each field.

A new field of `Schedule` whose values are plain (a flag, one of an enumeration, a number) is one
row more, made by `plain`; the tuner's space, its records and the cost model's features follow.
A field that no tuner may choose goes into `LEFT_OUT`, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import permutations
from math import prod
from typing import Any

from xdsl.utils.str_enum import StrEnum

from gemmini_xdsl.dialects.attributes import BUFFER_SLOTS, OPERANDS, TILE_DIMS, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_rules import (
    MAX_UNROLLED_INSTRUCTIONS,
    Problem,
    Tiling,
    as_executed,
)
from gemmini_xdsl.passes.unrolled_schedule import PREFETCH_DISTANCES
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.knobs import (
    Entity,
    OtherOptionEntity,
    ReorderEntity,
    SplitEntity,
    Values,
    split_sizes,
)

Candidates = Sequence[Sequence[Entity]]
"""The values of each knob of a field, the usual one first."""

TILES = tuple(f"tile_{dim}" for dim in TILE_DIMS)
SLOTS = tuple(f"double_buffer_{operand}" for operand in OPERANDS)
EXCHANGE, INNER, DATAFLOW = "exchange_axis", "inner_order", "dataflow"
MVIN, MVOUT, PLACEMENT, LOWERING = "mvin_cols", "mvout_cols", "placement", "lowering"
UNROLL = "unroll"
SOFTWARE_PIPELINE = "software_pipeline"
PREFETCH_DISTANCE = "prefetch_distance"
PROLOGUE_TILES = "prologue_tiles"

_PLAIN, _EXCHANGED = "mnk", "nmk"
_DEFAULT = Schedule((1, 1, 1))


@dataclass(frozen=True)
class FieldKnobs:
    """The knobs `names` that stand for one field of `Schedule`.

    `read` gives the field's value for knob values, its default where knobs are missing, as they
    are in records of an older space; it raises `ValueError` or `TuningError`. `write` is the
    inverse. `limited_with` are the knobs that decide, together with these, whether a schedule is
    allowed. `loop_ws` tells whether the field means anything to the LOOP_WS state machine.
    """

    field: str
    names: tuple[str, ...]
    candidates: Callable[[Problem, GemminiConfig], Candidates]
    read: Callable[[Values], Any]
    write: Callable[[Schedule, Problem, GemminiConfig], Sequence[Entity]]
    limited_with: tuple[str, ...] = (DATAFLOW, LOWERING)
    loop_ws: bool = True


def plain(
    field: str,
    candidates: Callable[[Problem, GemminiConfig], Sequence[int]] | None = None,
    *,
    unset: Callable[[Problem, GemminiConfig], int] | None = None,
    limited_with: tuple[str, ...] = (DATAFLOW, LOWERING),
    loop_ws: bool = False,
) -> FieldKnobs:
    """A knob with the name and the values of `field`: False and True, those of an enumeration, or
    what `candidates` says. `unset` is the number that a field of 0 stands for.
    """
    default = getattr(_DEFAULT, field)
    kind: type = type(default)

    def choices(problem: Problem, config: GemminiConfig) -> Candidates:
        if candidates is not None:
            values: Sequence[Any] = candidates(problem, config)
        elif kind is bool:
            values = (False, True)
        else:
            assert issubclass(kind, StrEnum)
            values = [str(member) for member in kind]
        return [[OtherOptionEntity(value) for value in values]]

    def read(values: Values) -> Any:
        if field not in values:
            return default
        value = _option(values, field)
        if issubclass(kind, StrEnum):
            return kind(value)
        if type(value) is not kind:
            wanted = "true or false" if kind is bool else "a number"
            raise TuningError(f"{field} must be {wanted}, got {value!r}")
        return value

    def write(schedule: Schedule, problem: Problem, config: GemminiConfig) -> Sequence[Entity]:
        value = getattr(schedule, field)
        if unset is not None and value == 0:
            value = unset(problem, config)
        return [OtherOptionEntity(str(value) if isinstance(value, StrEnum) else value)]

    return FieldKnobs(field, (field,), choices, read, write, limited_with, loop_ws)


def _option(values: Values, name: str) -> str | int | float | bool:
    entity = values[name]
    if not isinstance(entity, OtherOptionEntity):
        raise TuningError(f"{name} must be a plain value, got {entity.to_json()!r}")
    return entity.val


def _flag(values: Values, name: str) -> bool:
    if name not in values:
        return False
    value = _option(values, name)
    if type(value) is not bool:
        raise TuningError(f"{name} must be true or false, got {value!r}")
    return value


# -- fields that are not plain ---------------------------------------------------------------------


def _depths(config: GemminiConfig) -> tuple[int, int, int]:
    """Elements of a block in M, N and K."""
    return config.dim, config.dim, config.exact_depth


def _tile_candidates(problem: Problem, config: GemminiConfig) -> Candidates:
    """Splits into [number of tiles (-1), blocks of a tile, elements of a block].

    Tiles that do not divide a size are allowed; none is larger than both local memories.
    """
    limit = max(config.accumulator_rows, config.scratchpad_rows) // config.dim
    return [
        [SplitEntity((-1, size, depth)) for size in split_sizes(blocks, "balanced", most=limit)]
        for blocks, depth in zip(problem.blocks(config), _depths(config), strict=True)
    ]


def tile_size(values: Values, name: str) -> int:
    """Blocks of a tile; raises `TuningError` if the knob is missing or no split."""
    entity = values.get(name)
    if not isinstance(entity, SplitEntity) or len(entity.size) != 3:
        raise TuningError(f"{name} must be a split [-1, blocks, elements of a block]")
    return entity.size[1]


def _read_tile(values: Values) -> tuple[int, ...]:
    return tuple(tile_size(values, name) for name in TILES)


def _write_tile(schedule: Schedule, problem: Problem, config: GemminiConfig) -> Sequence[Entity]:
    tile = Tiling.of(*as_executed(schedule, problem), config).tile
    pairs = zip(tile, _depths(config), strict=True)
    return [SplitEntity((-1, size, depth)) for size, depth in pairs]


def _inner_candidates(problem: Problem, config: GemminiConfig) -> Candidates:
    (default,) = _write_inner(_DEFAULT, problem, config)
    orders = [ReorderEntity(order) for order in permutations(range(len(TILE_DIMS)))]
    return [sorted(orders, key=lambda order: order != default)]


def _read_inner(values: Values) -> str:
    if INNER not in values:
        return _DEFAULT.inner_order
    perm = values[INNER]
    if not isinstance(perm, ReorderEntity) or len(perm.perm) != len(TILE_DIMS):
        raise TuningError(f"{INNER} must order {len(TILE_DIMS)} axes")
    return "".join(TILE_DIMS[axis] for axis in perm.perm)


def _write_inner(schedule: Schedule, problem: Problem, config: GemminiConfig) -> Sequence[Entity]:
    return [ReorderEntity(tuple(TILE_DIMS.index(dim) for dim in schedule.inner_order))]


def _read_slots(values: Values) -> tuple[str, ...]:
    return tuple(o for o, name in zip(OPERANDS, SLOTS, strict=True) if _flag(values, name))


def _flags(count: int) -> Candidates:
    return [[OtherOptionEntity(False), OtherOptionEntity(True)]] * count


def _widths(blocks: int, config: GemminiConfig) -> list[int]:
    """Powers of two of blocks, in columns, widest first."""
    return [size * config.dim for size in reversed(split_sizes(blocks, "power2"))]


def _unrollable(problem: Problem, config: GemminiConfig) -> list[bool]:
    """Whether there may be so few instructions that no loop is needed, or one: the products alone
    are two for each block.
    """
    short = 2 * prod(problem.blocks(config)) <= MAX_UNROLLED_INSTRUCTIONS
    return [False, True] if short or any(_pipelinable(problem, config)) else [False]


def _pipelinable(problem: Problem, config: GemminiConfig) -> list[bool]:
    """Whether there may be several tiles, each of all of M or N, of so few instructions that two
    of them are no more code than is allowed.
    """
    m, n, k = problem.blocks(config)
    short = [4 * k * size <= MAX_UNROLLED_INSTRUCTIONS for size in (m, n)]
    return [False, True] if (short[0] and n > 1) or (short[1] and m > 1) else [False]


def _distances(problem: Problem, config: GemminiConfig) -> list[int]:
    """Prefetch distances of software pipelines."""
    return [0, *PREFETCH_DISTANCES] if any(_pipelinable(problem, config)) else [0]


def _prologues(problem: Problem, config: GemminiConfig) -> list[int]:
    """Tiles that the prologue of a software pipeline computes."""
    most = BUFFER_SLOTS if any(_pipelinable(problem, config)) else 1
    return list(range(1, most + 1))


def _widest_store(problem: Problem, config: GemminiConfig) -> int:
    """Blocks that one MVOUT moves at most."""
    return 1 if problem.wide_result else config.max_block_cols


FIELD_KNOBS = (
    FieldKnobs(
        "tile", TILES, _tile_candidates, _read_tile, _write_tile, limited_with=(*SLOTS, LOWERING)
    ),
    FieldKnobs(
        "order",
        (EXCHANGE,),
        lambda problem, config: _flags(1),
        lambda values: _EXCHANGED if _flag(values, EXCHANGE) else _PLAIN,
        lambda schedule, problem, config: [OtherOptionEntity(schedule.order == _EXCHANGED)],
    ),
    FieldKnobs(
        "inner_order", (INNER,), _inner_candidates, _read_inner, _write_inner, loop_ws=False
    ),
    plain("dataflow", limited_with=(LOWERING,), loop_ws=True),
    FieldKnobs(
        "double_buffer",
        SLOTS,
        lambda problem, config: _flags(len(SLOTS)),
        _read_slots,
        lambda schedule, problem, config: [
            OtherOptionEntity(operand in schedule.double_buffer) for operand in OPERANDS
        ],
        limited_with=(*TILES, LOWERING),
        loop_ws=False,
    ),
    plain(
        "mvin_cols",
        lambda problem, config: _widths(config.max_block_cols, config),
        unset=lambda problem, config: config.max_block_cols * config.dim,
    ),
    plain(
        "mvout_cols",
        lambda problem, config: _widths(_widest_store(problem, config), config),
        unset=lambda problem, config: config.dim,
    ),
    plain("placement", limited_with=(MVIN, UNROLL, LOWERING)),
    plain("lowering", limited_with=(DATAFLOW,), loop_ws=True),
    plain("unroll", _unrollable, limited_with=(LOWERING,)),
    plain("software_pipeline", _pipelinable, limited_with=(UNROLL,)),
    plain("prefetch_distance", _distances, limited_with=(PLACEMENT, UNROLL, SOFTWARE_PIPELINE)),
    # Few schedules have any; they are tried beside the space.
    plain("transposed_tiles", lambda problem, config: [0]),
    plain("swap_operands", lambda problem, config: [False]),
    plain("transpose_resident", lambda problem, config: [False]),
    plain("fold_rows", lambda problem, config: [False]),
    plain(
        "prologue_tiles",
        _prologues,
        limited_with=(PLACEMENT, UNROLL, SOFTWARE_PIPELINE, PREFETCH_DISTANCE),
    ),
)
"""The knobs of every field, in the order of the knobs."""

LEFT_OUT: Mapping[str, str] = {}
"""Fields of `Schedule` that tuners leave at their default, and why."""

KNOBS = tuple(name for entry in FIELD_KNOBS for name in entry.names)

OPTION_NUMBERS: Mapping[str, float] = {
    str(member): number
    for field in fields(Schedule)
    if isinstance(field.default, StrEnum)
    for number, member in enumerate(type(field.default))
}
"""Members of the schedule's enumerations as numbers, for models that learn from knob values."""


def schedule_of(values: Values) -> Schedule:
    """The schedule that knob values stand for; knobs that are missing have their default.

    Raises `TuningError` for unknown knobs, impossible values, without all three tiles, and for
    values that contradict each other.
    """
    schedule = read_schedule(values)
    if (broken := schedule.problem()) is not None:
        raise TuningError(broken)
    return schedule


def read_schedule(values: Values) -> Schedule:
    """The same for any point of a space, valid or not: values may contradict each other."""
    unknown = [name for name in values if name not in KNOBS]
    if unknown:
        raise TuningError(f"unknown knob '{unknown[0]}'; knobs are {', '.join(KNOBS)}")
    try:
        return Schedule(**{entry.field: entry.read(values) for entry in FIELD_KNOBS})
    except ValueError as error:
        raise TuningError(str(error)) from None


def values_of(schedule: Schedule, problem: Problem, config: GemminiConfig) -> dict[str, Entity]:
    """The knob values that stand for `schedule`; the inverse of `schedule_of`."""
    values: dict[str, Entity] = {}
    for entry in FIELD_KNOBS:
        values.update(zip(entry.names, entry.write(schedule, problem, config), strict=True))
    return values
