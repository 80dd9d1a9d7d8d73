"""The space of schedules of one matrix product: knobs for every field of `#gemmini.schedule`."""

from __future__ import annotations

from functools import partial
from itertools import permutations

from gemmini_xdsl.dialects.attributes import (
    OPERANDS,
    TILE_DIMS,
    Dataflow,
    Lowering,
    Placement,
    Schedule,
)
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_rules import Problem, Tiling, schedule_problem
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.knobs import (
    Entity,
    OtherOptionEntity,
    ReorderEntity,
    SplitEntity,
    split_sizes,
)
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigSpace, Values

TILES = tuple(f"tile_{dim}" for dim in TILE_DIMS)
SLOTS = tuple(f"double_buffer_{operand}" for operand in OPERANDS)
EXCHANGE, INNER, DATAFLOW = "exchange_axis", "inner_order", "dataflow"
MVIN, MVOUT, PLACEMENT, LOWERING = "mvin_cols", "mvout_cols", "placement", "lowering"
KNOBS = (*TILES, EXCHANGE, INNER, DATAFLOW, *SLOTS, MVIN, MVOUT, PLACEMENT, LOWERING)

_PLAIN, _EXCHANGED = "mnk", "nmk"
_DEFAULT = Schedule((1, 1, 1))


def gemm_space(problem: Problem, config: GemminiConfig) -> ConfigSpace:
    """All schedules of `problem` on `config` that a tuner may choose.

    Splits are [number of tiles (-1), blocks of a tile, elements of a block]; tiles that do not
    divide a size are allowed. The valid points are exactly those that `schedule_problem` allows.
    """
    space = ConfigSpace()
    depths = {"m": config.dim, "n": config.dim, "k": config.exact_depth}
    limit = max(config.accumulator_rows, config.scratchpad_rows) // config.dim
    for name, dim, blocks in zip(TILES, TILE_DIMS, problem.blocks(config), strict=True):
        sizes = [size for size in split_sizes(blocks, "balanced") if size <= limit]
        space.define_split(
            name, blocks, "candidate", 3, candidate=[(-1, size, depths[dim]) for size in sizes]
        )
    space.define_knob(EXCHANGE, (False, True))
    default = tuple(TILE_DIMS.index(dim) for dim in _DEFAULT.inner_order)
    orders = sorted(permutations(range(len(TILE_DIMS))), key=lambda order: order != default)
    space.define_reorder(INNER, orders)
    space.define_knob(DATAFLOW, [str(dataflow) for dataflow in Dataflow])
    for name in SLOTS:
        space.define_knob(name, (False, True))
    widest = config.max_block_cols
    space.define_knob(MVIN, _widths(widest, config))
    space.define_knob(MVOUT, _widths(1 if problem.wide_result else widest, config))
    # Interleaved buffers are for unrolled products only.
    space.define_knob(PLACEMENT, [str(Placement.BANKED), str(Placement.PACKED)])
    space.define_knob(LOWERING, [str(lowering) for lowering in Lowering])
    _add_constraints(space, problem, config)
    _add_representatives(space, problem, config)
    return space


def _widths(blocks: int, config: GemminiConfig) -> list[int]:
    """Powers of two of blocks, in columns, widest first."""
    return [size * config.dim for size in reversed(split_sizes(blocks, "power2"))]


def schedule_of(values: Values) -> Schedule:
    """The schedule that knob values stand for; knobs that are missing have their default.

    Raises `TuningError` for unknown knobs, impossible values, and without all three tiles.
    """
    unknown = [name for name in values if name not in KNOBS]
    if unknown:
        raise TuningError(f"unknown knob '{unknown[0]}'; knobs are {', '.join(KNOBS)}")
    try:
        tile = tuple(_tile_size(values, name) for name in TILES)
        order = _EXCHANGED if _option(values, EXCHANGE, False) else _PLAIN
        inner = _DEFAULT.inner_order
        if INNER in values:
            perm = values[INNER]
            if not isinstance(perm, ReorderEntity) or len(perm.perm) != len(TILE_DIMS):
                raise ValueError(f"{INNER} must order {len(TILE_DIMS)} axes")
            inner = "".join(TILE_DIMS[axis] for axis in perm.perm)
        schedule = Schedule(
            (tile[0], tile[1], tile[2]),
            order,
            inner,
            Dataflow(_option(values, DATAFLOW, str(_DEFAULT.dataflow))),
            tuple(o for o, name in zip(OPERANDS, SLOTS, strict=True) if _option(values, name, 0)),
            _width(values, MVIN),
            _width(values, MVOUT),
            Placement(_option(values, PLACEMENT, str(_DEFAULT.placement))),
            Lowering(_option(values, LOWERING, str(_DEFAULT.lowering))),
        )
    except ValueError as error:
        raise TuningError(str(error)) from None
    if (broken := schedule.problem()) is not None:
        raise TuningError(broken)
    return schedule


def _tile_size(values: Values, name: str) -> int:
    entity = values.get(name)
    if not isinstance(entity, SplitEntity) or len(entity.size) != 3:
        raise TuningError(f"{name} must be a split [-1, blocks, elements of a block]")
    return entity.size[1]


def _option(values: Values, name: str, default: str | int) -> str | int | float | bool:
    entity = values.get(name, OtherOptionEntity(default))
    if not isinstance(entity, OtherOptionEntity):
        raise TuningError(f"{name} must be a plain value, got {entity.to_json()!r}")
    return entity.val


def _width(values: Values, name: str) -> int:
    width = _option(values, name, 0)
    if type(width) is not int:
        raise TuningError(f"{name} must be a number of columns, got {width!r}")
    return width


def values_of(schedule: Schedule, problem: Problem, config: GemminiConfig) -> dict[str, Entity]:
    """The knob values that stand for `schedule`; the inverse of `schedule_of`."""
    depths = (config.dim, config.dim, config.exact_depth)
    tile = Tiling.of(schedule, problem, config).tile
    values: dict[str, Entity] = {
        name: SplitEntity((-1, size, depth))
        for name, size, depth in zip(TILES, tile, depths, strict=True)
    }
    values[EXCHANGE] = OtherOptionEntity(schedule.order == _EXCHANGED)
    values[INNER] = ReorderEntity(tuple(TILE_DIMS.index(dim) for dim in schedule.inner_order))
    values[DATAFLOW] = OtherOptionEntity(str(schedule.dataflow))
    for name, operand in zip(SLOTS, OPERANDS, strict=True):
        values[name] = OtherOptionEntity(operand in schedule.double_buffer)
    widest = config.max_block_cols * config.dim
    values[MVIN] = OtherOptionEntity(schedule.mvin_cols or widest)
    values[MVOUT] = OtherOptionEntity(schedule.mvout_cols or config.dim)
    values[PLACEMENT] = OtherOptionEntity(str(schedule.placement))
    values[LOWERING] = OtherOptionEntity(str(schedule.lowering))
    return values


# -- rules ----------------------------------------------------------------------------------------


def _add_constraints(space: ConfigSpace, problem: Problem, config: GemminiConfig) -> None:
    """`schedule_problem`, in parts that each depend on few knobs.

    Capacity depends on tile, slots and lowering; legality of the dataflow on it and on the
    lowering; each transfer width on nothing else.
    """
    smallest: dict[str, Entity] = {name: space.knobs[name].entities[0] for name in TILES}

    def fits(values: Values) -> bool:
        return schedule_problem(schedule_of({**smallest, **values}), problem, config) is None

    legal = [
        str(dataflow) for dataflow in Dataflow if fits({DATAFLOW: OtherOptionEntity(str(dataflow))})
    ]
    if not legal:
        space.add_constraint((DATAFLOW,), lambda _: False)
        return
    usual: Values = {DATAFLOW: OtherOptionEntity(legal[0])}
    space.add_constraint((DATAFLOW, LOWERING), fits)
    space.add_constraint((MVIN,), lambda values: fits({**usual, **values}))
    space.add_constraint((MVOUT,), lambda values: fits({**usual, **values}))
    # Illegal dataflows are excluded above; here only capacity counts.
    by_lowering = {
        str(lowering): OtherOptionEntity(
            str(Dataflow.WS) if lowering == Lowering.LOOP_WS else legal[0]
        )
        for lowering in Lowering
    }
    space.add_constraint(
        (*TILES, *SLOTS, LOWERING),
        lambda values: fits({**values, DATAFLOW: by_lowering[str(values[LOWERING].to_json())]}),
    )


def _add_representatives(space: ConfigSpace, problem: Problem, config: GemminiConfig) -> None:
    """Which of several points that give the same commands stands for them."""
    blocks = problem.blocks(config)

    def tile(values: Values) -> dict[str, int]:
        sizes = (_tile_size(values, name) for name in TILES)
        return dict(zip(TILE_DIMS, sizes, strict=True))

    def slots_matter(values: Values) -> bool:
        schedule = schedule_of(values)
        if schedule.lowering == Lowering.LOOP_WS:
            return not schedule.double_buffer
        tiling = Tiling.of(schedule, problem, config)
        return all(tiling.slots(schedule, name) > 1 for name in schedule.double_buffer)

    def order_matters(values: Values) -> bool:
        m, n = (_tile_size(values, name) for name in TILES[:2])
        return not values[EXCHANGE].to_json() or (m < blocks[0] and n < blocks[1])

    orders = [entity.to_json() for entity in space.knobs[INNER].entities]

    def inner_is_first(values: Values) -> bool:
        long = {TILE_DIMS.index(dim) for dim, size in tile(values).items() if size > 1}

        def visible(order: object) -> tuple[list[int], int]:
            # The innermost axis decides which operand is kept, whatever its length.
            assert isinstance(order, list)
            return [axis for axis in order if axis in long], order[-1]

        wanted = values[INNER].to_json()
        first = next(order for order in orders if visible(order) == visible(wanted))
        return wanted == first

    transposes = (problem.transpose_a, problem.transpose_b)

    def columns(values: Values) -> dict[str, tuple[int, ...]]:
        """Columns of the tiles that each kind of transfer moves, as they lie in memory."""
        sizes = {
            dim: size * depth
            for (dim, size), depth in zip(
                tile(values).items(), (config.dim, config.dim, config.exact_depth), strict=True
            )
        }
        a, b = ("m" if transposes[0] else "k"), ("k" if transposes[1] else "n")
        return {MVIN: (sizes[a], sizes[b]), MVOUT: (sizes["n"],)}

    def width_is_first(name: str, values: Values) -> bool:
        def moved(width: object) -> list[int]:
            assert isinstance(width, int)
            return [min(width, total) for total in columns(values)[name]]

        wanted = values[name].to_json()
        widths = (entity.to_json() for entity in space.knobs[name].entities)
        return wanted == next(width for width in widths if moved(width) == moved(wanted))

    space.add_representative((*TILES, MVIN), partial(width_is_first, MVIN))
    space.add_representative((*TILES, MVOUT), partial(width_is_first, MVOUT))
    first = {name: space.knobs[name].entities[0] for name in (INNER, MVIN, MVOUT, PLACEMENT)}
    space.add_representative((*TILES, *SLOTS, LOWERING), slots_matter)
    space.add_representative((*TILES[:2], EXCHANGE), order_matters)
    space.add_representative((*TILES, INNER), inner_is_first)
    for name, entity in first.items():
        space.add_representative(
            (name, LOWERING),
            lambda values, name=name, entity=entity: (  # type: ignore[misc]
                values[LOWERING].to_json() != str(Lowering.LOOP_WS) or values[name] == entity
            ),
        )
