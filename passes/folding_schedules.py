"""Schedules of products of few columns, several rows of whose result make one of the array."""

from __future__ import annotations

from gemmini_xdsl.dialects.attributes import Placement, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_rules import Problem, schedule_problem
from gemmini_xdsl.passes.unrolled_schedule import PREFETCH_DISTANCES

LEAST_ROWS = 4
"""Two rows of the result in one save few loads and stores, beside the time for unpacking B."""


def folding_schedules(problem: Problem, config: GemminiConfig) -> list[Schedule]:
    """Legal schedules with `fold_rows`; none for a single column, which is a row in memory."""
    rows, rest = divmod(config.dim, problem.n)
    if problem.n == 1 or rest or rows < LEAST_ROWS:
        return []
    found = [
        Schedule(
            (rows, 1, problem.blocks(config)[2]),
            inner_order="mnk",
            double_buffer=("a", "c"),
            placement=Placement.CYCLIC,
            unroll=True,
            software_pipeline=True,
            prefetch_distance=distance,
            fold_rows=True,
        )
        for distance in PREFETCH_DISTANCES
    ]
    return [item for item in found if schedule_problem(item, problem, config) is None]
