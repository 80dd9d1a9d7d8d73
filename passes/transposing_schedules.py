"""Schedules of products that get faster by a transposition: of an operand, or of the whole."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from gemmini_xdsl.dialects.attributes import Dataflow, Placement, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_heuristic import default_dataflow
from gemmini_xdsl.passes.schedule_rules import Problem, ceil_div, schedule_problem, transposes
from gemmini_xdsl.passes.unrolled_schedule import (
    LEAST_PAIRS,
    PREFETCH_DISTANCES,
    Legal,
    software_pipelines,
    unrolled_schedule,
)

FEW_STRIPS = 2
"""So many are no loop."""


def transposing_schedules(problem: Problem, config: GemminiConfig) -> list[Schedule]:
    """Legal schedules with `transpose_resident`, `swap_operands` or both."""
    found = list(_with_resident_transposed(problem, config))
    if problem.n == 1 and not problem.has_gaps:
        swapped = problem.swapped
        if swapped.transpose_b:
            rows = list(_with_resident_transposed(swapped, config))
        else:
            rows = _whole_and_pipelines(swapped, config, default_dataflow(swapped, config))
        found += [replace(schedule, swap_operands=True) for schedule in rows]
    return [item for item in found if schedule_problem(item, problem, config) is None]


def _with_resident_transposed(problem: Problem, config: GemminiConfig) -> Iterator[Schedule]:
    """Those of the product that is left once an operand has been transposed, which then stays.

    A in the os dataflow, if it is not stored transposed, and B in the ws dataflow: where its blocks
    are used several times, or A is a single row.
    """
    if not problem.transpose_b:
        return
    m, n, _ = problem.blocks(config)
    row = problem.m == 1
    for dataflow, uses, order in ((Dataflow.OS, n, "nmk"), (Dataflow.WS, m, "mnk")):
        possible = config.supports_dataflow(dataflow.value)
        if not possible or (uses == 1 and not (row and dataflow == Dataflow.OS)):
            continue
        kind = Schedule((1, 1, 1), dataflow=dataflow, transpose_resident=True)
        transpose_a, transpose_b = transposes(kind, problem)
        left = replace(problem, transpose_a=transpose_a, transpose_b=transpose_b)

        def legal(schedule: Schedule) -> bool:
            transposing = replace(schedule, transpose_resident=True)
            return schedule_problem(transposing, problem, config) is None

        candidates = _whole_and_pipelines(left, config, dataflow, legal)
        candidates.append(_looped(order, left, config, dataflow))
        if uses <= FEW_STRIPS:
            candidates.append(_ahead(left, config, dataflow))
        for schedule in candidates:
            # What stays is there before the first tile.
            once = schedule.order == order and schedule.prologue_tiles == 1
            if once or schedule.tile == left.blocks(config):
                yield replace(schedule, transpose_resident=True)


def _whole_and_pipelines(
    problem: Problem,
    config: GemminiConfig,
    dataflow: Dataflow | None,
    legal: Legal | None = None,
) -> list[Schedule]:
    if dataflow is None:
        return []
    whole = unrolled_schedule(problem, config, dataflow)
    pipelines = software_pipelines(problem, config, dataflow, legal)
    return [*([] if whole is None else [whole]), *pipelines]


def _ahead(problem: Problem, config: GemminiConfig, dataflow: Dataflow) -> Schedule:
    """The whole product, with loads shortly before the products that use them."""
    return Schedule(
        problem.blocks(config),
        inner_order="nkm",
        dataflow=dataflow,
        placement=Placement.CYCLIC,
        unroll=True,
        prefetch_distance=max(PREFETCH_DISTANCES),
    )


def _looped(order: str, problem: Problem, config: GemminiConfig, dataflow: Dataflow) -> Schedule:
    """Loops over single instructions, for products of too many of them to be unrolled."""
    m, n, k = problem.blocks(config)
    if order[0] == "m":
        tile, streamed = (min(m, ceil_div(LEAST_PAIRS, n * k)), n, k), "a"
    else:
        tile, streamed = (m, min(n, ceil_div(LEAST_PAIRS, m * k)), k), "b"
    return Schedule(tile, order=order, dataflow=dataflow, double_buffer=(streamed, "c"))
