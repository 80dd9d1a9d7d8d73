"""The schedule of products that are small enough to be unrolled."""

from __future__ import annotations

from collections.abc import Iterator

from gemmini_xdsl.dialects.attributes import Dataflow, Placement, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_rules import (
    Problem,
    ceil_div,
    instruction_count,
    schedule_problem,
)


def unrolled_schedule(
    problem: Problem, config: GemminiConfig, dataflow: Dataflow
) -> Schedule | None:
    """The unrolled schedule of fewest instructions, or None if none fits an instruction cache."""
    fitting = [
        schedule
        for schedule in _candidates(problem, config, dataflow)
        if schedule_problem(schedule, problem, config) is None
    ]
    return min(
        fitting,
        key=lambda schedule: instruction_count(schedule, problem, config),
        default=None,
    )


def _candidates(problem: Problem, config: GemminiConfig, dataflow: Dataflow) -> Iterator[Schedule]:
    """The whole product as one tile; else strips of rows or columns with two slots of sums."""
    m, n, k = problem.blocks(config)
    # Blocks of sums are finished one after another, in different banks. Weights that change cost
    # a second pass if they are transposed, so these are used for all rows at once.
    transposed = problem.transpose_b and dataflow == Dataflow.WS and m > 1
    inner_order = "knm" if transposed else "nmk"

    def schedule(tile: tuple[int, int, int], order: str, slots: tuple[str, ...]) -> Schedule:
        return Schedule(
            tile,
            order=order,
            inner_order=inner_order,
            dataflow=dataflow,
            double_buffer=slots,
            placement=Placement.INTERLEAVED,
            unroll=True,
        )

    yield schedule((m, n, k), "mnk", ())
    sums = config.accumulator_rows // config.dim // 2
    for parts in range(2, m + 1):
        rows = ceil_div(m, parts)
        if rows * n <= sums:
            yield schedule((rows, n, k), "mnk", ("a", "c"))
            break
    for parts in range(2, n + 1):
        cols = ceil_div(n, parts)
        if cols * m <= sums:
            yield schedule((m, cols, k), "nmk", ("b", "c"))
            break
