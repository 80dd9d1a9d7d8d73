"""The space of schedules of one matrix product, and the rules between its knobs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from gemmini_xdsl.dialects.attributes import (
    OPERANDS,
    TILE_DIMS,
    Dataflow,
    Lowering,
    Placement,
    Schedule,
)
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.rearranging_schedules import rearranging_schedules
from gemmini_xdsl.passes.schedule_heuristic import default_dataflow
from gemmini_xdsl.passes.schedule_rules import (
    Problem,
    Tiling,
    loads_whole_pieces,
    pipeline_problem,
    schedule_problem,
    unroll_problem,
)
from gemmini_xdsl.passes.unrolled_schedule import transposed_columns
from gemmini_xdsl.tvm_bridge.autotvm.knobs import Entity, OtherOptionEntity, Values
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import (
    DATAFLOW,
    EXCHANGE,
    FIELD_KNOBS,
    INNER,
    LOWERING,
    MVIN,
    MVOUT,
    PROLOGUE_TILES,
    SLOTS,
    SOFTWARE_PIPELINE,
    TILES,
    UNROLL,
    read_schedule,
    schedule_of,
    tile_size,
    values_of,
)
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigEntity, ConfigSpace


def gemm_space(problem: Problem, config: GemminiConfig) -> ConfigSpace:
    """All schedules of `problem` on `config` that a tuner may choose.

    The valid points are exactly those that `schedule_problem` allows.
    """
    space = ConfigSpace()
    for entry in FIELD_KNOBS:
        candidates = entry.candidates(problem, config)
        for name, entities in zip(entry.names, candidates, strict=True):
            space.define(name, entities)
    _add_constraints(space, problem, config)
    _add_representatives(space, problem, config)
    return space


def find_record(
    space: ConfigSpace, values: Values, problem: Problem, config: GemminiConfig
) -> ConfigEntity:
    """The point of a record, which may be of an older space that had fewer knobs.

    Raises `TuningError` for knobs and values that this space does not have.
    """
    return space.find(values_of(schedule_of(values), problem, config))


def schedules_beside_space(problem: Problem, config: GemminiConfig) -> list[Schedule]:
    """Schedules that are worth a trial and have no point in the space."""
    dataflow = default_dataflow(problem, config)
    columns = [] if dataflow is None else transposed_columns(problem, config, dataflow)
    return [*columns, *rearranging_schedules(problem, config)]


def _add_constraints(space: ConfigSpace, problem: Problem, config: GemminiConfig) -> None:
    """`schedule_problem`, in parts that each depend on few knobs."""
    smallest: dict[str, Entity] = {name: space.knobs[name].entities[0] for name in TILES}

    def allowed(values: Values, problem: Problem = problem) -> bool:
        schedule = read_schedule({**smallest, **values})
        if schedule.placement == Placement.CYCLIC:
            # What it needs beyond the other placement by pieces is a rule of its own.
            schedule = replace(schedule, placement=Placement.INTERLEAVED, prefetch_distance=0)
        if DATAFLOW not in values:
            schedule = replace(schedule, dataflow=usual[schedule.lowering])
        return schedule_problem(schedule, problem, config) is None

    def allowed_whatever_the_size(values: Values) -> bool:
        return allowed(values, replace(problem, m=1, n=1, k=1))

    def short_if_unrolled(values: Values) -> bool:
        if not values[UNROLL].to_json():
            return True
        schedule = read_schedule(values)
        if not schedule.software_pipeline:
            return allowed(values)
        # The slots that it needs, and whether they fit, are rules of their own.
        return unroll_problem(schedule, problem, config) is None

    def slots_if_pipelined(values: Values) -> bool:
        if not values[SOFTWARE_PIPELINE].to_json():
            return True
        return pipeline_problem(read_schedule({**smallest, **values}), problem, config) is None

    def consistent(values: Values) -> bool:
        return read_schedule({**smallest, **values}).problem() is None

    legal = [flow for flow in Dataflow if allowed({DATAFLOW: OtherOptionEntity(str(flow))})]
    if not legal:
        space.add_constraint((DATAFLOW,), lambda _: False)
        return
    # What a dataflow forbids is a rule of its own; elsewhere it must not matter.
    usual = {Lowering.ISA: legal[0], Lowering.LOOP_WS: Dataflow.WS}
    a, b, c = SLOTS
    m, n, _ = TILES
    # The scratchpad's capacity and the accumulator's: the less of the other, the better.
    space.add_constraint((*TILES, a, b, LOWERING), allowed)
    space.add_constraint((m, n, c, LOWERING), allowed)
    space.add_constraint((DATAFLOW, LOWERING), allowed)
    space.add_constraint(
        (*TILES, EXCHANGE, MVIN, MVOUT, UNROLL, SOFTWARE_PIPELINE, PROLOGUE_TILES),
        short_if_unrolled,
    )
    space.add_constraint(
        (*TILES[:2], *SLOTS, SOFTWARE_PIPELINE, PROLOGUE_TILES), slots_if_pipelined
    )
    space.add_constraint(
        (MVIN, SOFTWARE_PIPELINE),
        lambda values: loads_whole_pieces(read_schedule({**smallest, **values}), config),
    )
    for entry in FIELD_KNOBS:
        if not {*TILES, *SLOTS} & {*entry.names}:
            names = (*entry.names, *entry.limited_with)
            # A pipeline needs several tiles.
            pipelines = SOFTWARE_PIPELINE in names
            space.add_constraint(names, consistent if pipelines else allowed_whatever_the_size)


def _add_representatives(space: ConfigSpace, problem: Problem, config: GemminiConfig) -> None:
    """Which of several points that give the same commands stands for them."""
    _add_slots(space, problem, config)
    _add_orders(space, problem, config)
    _add_widths(space, problem, config)
    for entry in FIELD_KNOBS:
        if entry.loop_ws:
            continue
        for name in entry.names:
            first = space.knobs[name].entities[0]
            space.add_representative(
                (name, LOWERING),
                lambda values, name=name, first=first: (  # type: ignore[misc]
                    values[LOWERING].to_json() != str(Lowering.LOOP_WS) or values[name] == first
                ),
            )


def _add_slots(space: ConfigSpace, problem: Problem, config: GemminiConfig) -> None:
    """Of a buffer that is filled once, a second slot is never used."""
    blocks = dict(zip(TILE_DIMS, problem.blocks(config), strict=True))
    for slot, operand, dims in zip(SLOTS, OPERANDS, ("mk", "kn", "mn"), strict=True):
        names = {dim: TILES[TILE_DIMS.index(dim)] for dim in dims}

        def matters(
            values: Values, slot: str = slot, operand: str = operand, names: dict[str, str] = names
        ) -> bool:
            if not values[slot].to_json():
                return True
            tile = tuple(
                tile_size(values, names[dim]) if dim in names else blocks[dim] for dim in TILE_DIMS
            )
            schedule = Schedule((tile[0], tile[1], tile[2]), double_buffer=(operand,))
            return Tiling.of(schedule, problem, config).slots(schedule, operand) > 1

        space.add_representative((*names.values(), slot), matters)


def _add_orders(space: ConfigSpace, problem: Problem, config: GemminiConfig) -> None:
    """The order of loops of which at most one is longer than a step means nothing.

    The innermost axis of loops over blocks decides which operand is kept, whatever its length.
    """
    blocks = problem.blocks(config)

    def order_matters(values: Values) -> bool:
        m, n = (tile_size(values, name) for name in TILES[:2])
        return not values[EXCHANGE].to_json() or (m < blocks[0] and n < blocks[1])

    orders = [entity.to_json() for entity in space.knobs[INNER].entities]

    def inner_is_first(values: Values) -> bool:
        long = [axis for axis, name in enumerate(TILES) if tile_size(values, name) > 1]

        def visible(order: object) -> tuple[list[int], int]:
            assert isinstance(order, list)
            innermost = order[-1]
            if values[UNROLL].to_json() and not values[SOFTWARE_PIPELINE].to_json():
                # Without loops it only matters whether weights stay in the array.
                ws = values[DATAFLOW].to_json() == str(Dataflow.WS)
                innermost = int(ws and innermost == 0 and 0 in long)
            return [axis for axis in order if axis in long], innermost

        wanted = values[INNER].to_json()
        first = next(order for order in orders if visible(order) == visible(wanted))
        return wanted == first

    space.add_representative((*TILES[:2], EXCHANGE), order_matters)
    names = (*TILES, INNER, UNROLL, SOFTWARE_PIPELINE, DATAFLOW)
    space.add_representative(names, inner_is_first)


def _add_widths(space: ConfigSpace, problem: Problem, config: GemminiConfig) -> None:
    """Widths beyond the tile's own move the same."""
    depths = dict(zip(TILES, (config.dim, config.dim, config.exact_depth), strict=True))
    m, n, k = TILES
    # The dimensions that lie along rows in memory.
    rows = {
        MVIN: (m if problem.transpose_a else k, k if problem.transpose_b else n),
        MVOUT: (n,),
    }
    for knob, tiles in rows.items():
        widths = [entity.to_json() for entity in space.knobs[knob].entities]

        def is_first(
            values: Values,
            knob: str = knob,
            tiles: tuple[str, ...] = tiles,
            widths: Sequence[object] = widths,
        ) -> bool:
            def moved(width: object) -> list[int]:
                assert isinstance(width, int)
                return [min(width, tile_size(values, name) * depths[name]) for name in tiles]

            wanted = values[knob].to_json()
            return wanted == next(width for width in widths if moved(width) == moved(wanted))

        space.add_representative((*dict.fromkeys(tiles), knob), is_first)
