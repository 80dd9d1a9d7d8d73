"""The default schedule: the tile of least estimated time among those that fit.

The estimate is a roofline of one whole product (cycles of the array, of the loads and of the
stores, whichever is the longest) plus what cannot overlap: the first loads and the last stores.
Loads move one bus beat a cycle; a tile loaded again for another tile of the other operand costs
its traffic again. All constants come from the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator

from gemmini_xdsl.dialects.attributes import Dataflow, Lowering, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_rules import (
    Problem,
    Tiling,
    ceil_div,
    schedule_problem,
)


def default_schedule(
    problem: Problem, config: GemminiConfig, lowering: Lowering = Lowering.ISA
) -> Schedule | None:
    """The best schedule of the heuristic's candidates, or None if none is legal.

    Deterministic: ties go to the first candidate, that with fewer and larger tiles.
    """
    dataflow = _default_dataflow(problem, config)
    if dataflow is None:
        return None
    best: Schedule | None = None
    best_cost = 0
    for schedule in _candidates(problem, config, dataflow, lowering):
        if schedule_problem(schedule, problem, config) is not None:
            continue
        cost = _estimated_cycles(schedule, problem, config)
        if best is None or cost < best_cost:
            best, best_cost = schedule, cost
    return best


def _default_dataflow(problem: Problem, config: GemminiConfig) -> Dataflow | None:
    """Weight-stationary unless both operands are transposed, which only os can do."""
    both = problem.transpose_a and problem.transpose_b
    wanted = [Dataflow.OS] if both else [Dataflow.WS]
    if not both and not problem.transpose_b:
        wanted.append(Dataflow.OS)
    return next((d for d in wanted if config.supports_dataflow(d.value)), None)


def _candidates(
    problem: Problem, config: GemminiConfig, dataflow: Dataflow, lowering: Lowering
) -> Iterator[Schedule]:
    m, n, k = problem.blocks(config)
    double_buffers: tuple[tuple[str, ...], ...] = (("a", "b", "c"), ())
    if lowering == Lowering.LOOP_WS:
        double_buffers = ((),)
    for double_buffer in double_buffers:
        for tile_m in _sizes(m, config.accumulator_rows // config.dim):
            for tile_n in _sizes(n, config.accumulator_rows // config.dim):
                if tile_m * tile_n * config.dim > config.accumulator_rows:
                    continue
                for tile_k in _sizes(k, config.scratchpad_rows // config.dim):
                    for order in ("mnk", "nmk"):
                        yield Schedule(
                            (tile_m, tile_n, tile_k),
                            order=order,
                            dataflow=dataflow,
                            double_buffer=double_buffer,
                            lowering=lowering,
                        )


def _sizes(total: int, limit: int) -> list[int]:
    """Tile sizes worth trying, largest first: equal parts of `total`, and powers of two."""
    sizes = {ceil_div(total, parts) for parts in range(1, min(total, 8) + 1)}
    sizes.update(1 << power for power in range(total.bit_length()))
    return sorted((size for size in sizes if size <= limit), reverse=True)


def _estimated_cycles(schedule: Schedule, problem: Problem, config: GemminiConfig) -> int:
    tiling = Tiling.of(schedule, problem, config)
    m, n, k = problem.blocks(config)
    tile_m, tile_n, tile_k = tiling.tile
    trip_m, trip_n, trip_k = tiling.trips
    beat = config.dma_bus_bits // 8
    block = config.dim * config.dim
    # Whichever operand the inner of the m and n loops does not index stays if k is one tile.
    a_loads = m * k * (1 if trip_k == 1 and schedule.order == "mnk" else trip_n)
    b_loads = k * n * (1 if trip_k == 1 and schedule.order == "nmk" else trip_m)
    load = ceil_div((a_loads + b_loads) * block * config.input_bytes, beat)
    if problem.has_bias:
        load += m * n * config.dim
    narrow = config.acc_bytes if problem.wide_result else config.input_bytes
    store = ceil_div(m * n * block * narrow, beat) + m * n * config.dim // 2
    compute = m * n * k * config.dim
    first = ceil_div((tile_m + tile_n) * tile_k * block * config.input_bytes, beat)
    last = tile_m * tile_n * config.dim
    per_tile = 2 * config.dim * trip_m * trip_n * trip_k
    overlapped = bool(schedule.double_buffer) or schedule.lowering == Lowering.LOOP_WS
    steady = max(compute, load, store) if overlapped else compute + load + store
    return steady + first + last + per_tile
