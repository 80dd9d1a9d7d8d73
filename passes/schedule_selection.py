"""Which kind of schedule a product gets that nobody chose one for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from gemmini_xdsl.dialects.attributes import Dataflow, Schedule
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.rearranging_schedules import rearranging_schedules
from gemmini_xdsl.passes.schedule_heuristic import default_dataflow, default_schedule
from gemmini_xdsl.passes.schedule_rules import Problem, instruction_count
from gemmini_xdsl.passes.unrolled_schedule import (
    software_pipelines,
    transposed_columns,
    unrolled_schedule,
)

if TYPE_CHECKING:
    from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask


LOOPED_INSTRUCTIONS = 150_000
"""Loops that execute more were slower than LOOP_WS wherever both were timed (timing model)."""


def select_schedule(matmul: MatmulOp, config: GemminiConfig) -> Schedule | None:
    """The schedule of `matmul`, or None if `config` cannot execute it: see `schedule_for`."""

    def task() -> GemmTask:
        from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload

        return GemmTask(Workload.of(matmul), config)

    return schedule_for(Problem.of(matmul), config, task)


def schedule_for(
    problem: Problem, config: GemminiConfig, task: Callable[[], GemmTask]
) -> Schedule | None:
    """The schedule of a product, or None if `config` cannot execute it; `task` is for measuring.

    A product that fits an instruction cache is unrolled: all of its instructions are ordered at
    compile time. Others run in a loop over unrolled tiles, on LOOP_WS, or in loops over single
    instructions, whichever is fastest in the timing model. The latter are no rival where blocks at
    the edges are partial, since the core would be too busy with them, or where there are so many
    tiles that LOOP_WS loses nothing at their ends. A small product that stays far from its bound
    when it is unrolled is tried in a loop over unrolled tiles and on LOOP_WS, too, or in loops over
    single instructions if its dataflow is not LOOP_WS's. Schedules that transpose, or fold rows,
    come before all of these where there are any.
    """
    dataflow = default_dataflow(problem, config)
    promising = rearranging_schedules(problem, config)
    unrolled = None if dataflow is None else unrolled_schedule(problem, config, dataflow)
    fsm = dataflow == Dataflow.WS and config.has_loop_ws
    looped = default_schedule(problem, config) if unrolled is None or not fsm else None
    if unrolled is None and not fsm and not promising:
        return looped
    # Imported here: it needs the timing model.
    from gemmini_xdsl.tvm_bridge.autotvm.quick_choice import quick_choice

    rivals: list[Schedule] = []
    if dataflow is not None and fsm:
        rivals += software_pipelines(problem, config, dataflow)
        rivals += transposed_columns(problem, config, dataflow)
    if looped is not None and (not fsm or _suits_loops(looped, problem, config)):
        rivals.append(looped)
    best = quick_choice(task(), unrolled, rivals, promising)
    return best or unrolled or looped or next(iter(promising), None)


def _suits_loops(looped: Schedule, problem: Problem, config: GemminiConfig) -> bool:
    """Whether all blocks are full, and few enough for loops over single instructions to pay."""
    whole = all(size % config.dim == 0 for size in (problem.m, problem.n, problem.k))
    return whole and instruction_count(looped, problem, config) <= LOOPED_INSTRUCTIONS
