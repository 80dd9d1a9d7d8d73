"""A schedule that is close to the best, found while the compiler runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import inf

from gemmini_xdsl.dialects.attributes import Dataflow, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.lower_bound import lower_bound
from gemmini_xdsl.passes.schedule_rules import (
    instruction_count,
    schedule_problem,
    stores_whole_beats,
)
from gemmini_xdsl.passes.unrolled_moves import MOVES, PIPELINE_MOVES, legal_moves
from gemmini_xdsl.runtime_c.timing import TimingError, TimingModel
from gemmini_xdsl.targets.arguments import Role
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_race import quick_loop_ws
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureError
from gemmini_xdsl.tvm_bridge.autotvm.part_timing import extrapolated_cycles
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule, placements_of
from gemmini_xdsl.tvm_bridge.autotvm.simulate import call_cycles, core_gap, placement_bytes
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

UNROLLED_INSTRUCTIONS, UNROLLED_TRIALS = 5000, 12
"""Trials of unrolled schedules end once so many instructions were tried; as long as none is near
the bound, only once there were so many trials, too."""

WHOLE_CALLS = 3e5
"""Cycles of the calls that are measured as a whole where parts tell too little, about."""

FEW_RESULTS = 1 / 16
"""Results of at most this share of all bytes: how they are stored hardly matters."""

MANY_CACHES = 16
"""Calls that touch so many times the L2 find next to nothing of an earlier one there."""

CHANGED_PIPELINES = 2
"""So many of the best software pipelines are changed."""

NEAR_BOUND, FAR_FROM_BOUND = 1.05, 1.08
"""Times the lower bound: an unrolled schedule that is so fast has no rivals, and one that is slower
has all. Between them it has LOOP_WS if that is possible: the others take longer to compile, and
gain too little there."""


def quick_choice(
    task: GemmTask,
    unrolled: Schedule | None,
    rivals: Sequence[Schedule] = (),
    promising: Sequence[Schedule] = (),
) -> Schedule | None:
    """A schedule close to the best: one like `unrolled`, one of the others, or `loop_ws`.

    If one of the `promising` ones is near the bound, no other is measured.

    None if none is legal, or the timing model does not represent the configuration.
    """
    if not _is_modelled(task.config):
        return None
    costs = _rival_costs(task, promising)
    best_promising = min(costs, key=lambda schedule: costs[schedule], default=None)
    if best_promising is not None and costs[best_promising] <= NEAR_BOUND * _least(task):
        return best_promising
    far = True
    if unrolled is not None:
        schedule, cycles = quick_unrolled(task, unrolled)
        ratio = cycles / _least(task)
        if ratio <= NEAR_BOUND:
            return schedule
        costs[schedule] = cycles
        far = ratio > FAR_FROM_BOUND
    best = quick_loop_ws(task) if unrolled is None or _is_ws(unrolled) else None
    if best is not None:
        costs[best[0]] = best[1]
    if far or best is None:
        costs |= _rival_costs(task, rivals)
    return min(costs, key=lambda schedule: costs[schedule], default=None)


def _rival_costs(task: GemmTask, rivals: Sequence[Schedule]) -> dict[Schedule, float]:
    """Cycles of schedules in equal tiles; of the best ones only if parts of them tell too little.

    That is so if memory sets the pace and the product fills a good part of the L2, where it meets
    lines of earlier calls. Stores of whole lines may be faster then, and where rows of the result
    do not begin on a beat of the bus.
    """
    costs = {rival: _part_cycles(task, rival) for rival in rivals}
    _change_pipelines(task, costs)
    problem = task.workload.problem
    least = lower_bound(problem, task.config)
    places = placements_of(task)
    total = _touched_bytes(task)
    results = sum(placement_bytes(place) for place in places if place.argument.role == Role.OUTPUT)
    moves = results > total / 2 or least.load > least.array
    whole = moves and total > task.config.l2_bytes / 2
    if not costs or not (whole or not stores_whole_beats(problem, task.config)):
        return costs
    ranked = sorted(costs, key=lambda rival: costs[rival])
    wide = replace(ranked[0], mvout_cols=task.config.max_block_cols * task.config.dim)
    matters = results > FEW_RESULTS * total
    lines = [wide] if matters and schedule_problem(wide, problem, task.config) is None else []
    if whole:
        best = ranked[: max(1, int(WHOLE_CALLS / costs[ranked[0]]))]
        return {rival: _cycles(task, rival) for rival in [*best, *lines]}
    return costs | {rival: _part_cycles(task, rival) for rival in lines}


def _change_pipelines(task: GemmTask, costs: dict[Schedule, float]) -> None:
    """Add what the best software pipelines cost with changes, unless one is near the bound."""
    problem, config = task.workload.problem, task.config
    if min(costs.values(), default=0.0) <= NEAR_BOUND * _least(task):
        return
    pipelines = [item for item in costs if item.software_pipeline and not item.prefetch_distance]
    for best in sorted(pipelines, key=lambda item: costs[item])[:CHANGED_PIPELINES]:
        for moves in PIPELINE_MOVES:
            changed = legal_moves(moves, best, problem, config)
            costs |= {move: _part_cycles(task, move) for move in changed if move not in costs}
            best = min((best, *changed), key=lambda item: costs[item])


def _part_cycles(task: GemmTask, schedule: Schedule) -> float:
    """Cycles of a call, from those of a part; see `_cycles`."""
    try:
        return extrapolated_cycles(task, schedule)
    except (TimingError, TuningError):
        return inf


def _cycles(task: GemmTask, schedule: Schedule) -> float:
    """Cycles of a call; no end of them if the accelerator would hang, or buffers do not fit."""
    warm = _touched_bytes(task) <= MANY_CACHES * task.config.l2_bytes
    try:
        program = compile_schedule(task, schedule)
        return call_cycles(task, program, core_gap(schedule), warm=warm)
    except (MeasureError, TuningError):
        return inf


def quick_unrolled(task: GemmTask, start: Schedule) -> tuple[Schedule, float]:
    """The fastest unrolled schedule on a short climb from `start`, and its cycles."""
    problem, config = task.workload.problem, task.config
    near = NEAR_BOUND * _least(task)
    best, instructions = start, 0
    cycles: dict[Schedule, float] = {}

    def measure(schedule: Schedule) -> None:
        nonlocal instructions
        instructions += instruction_count(schedule, problem, config)
        cycles[schedule] = _cycles(task, schedule)

    def goes_on() -> bool:
        far = len(cycles) < UNROLLED_TRIALS and min(cycles.values()) > near
        return instructions < UNROLLED_INSTRUCTIONS or far

    measure(start)
    improved = True
    while improved:
        before = best
        for moves in MOVES:
            for move in legal_moves(moves, best, problem, config):
                if move not in cycles and goes_on():
                    measure(move)
            best = min(cycles, key=lambda schedule: cycles[schedule])
        improved = best != before
    return best, cycles[best]


def _touched_bytes(task: GemmTask) -> int:
    return sum(map(placement_bytes, placements_of(task)))


def _least(task: GemmTask) -> float:
    """The lower bound in cycles."""
    return lower_bound(task.workload.problem, task.config, full_blocks=False).cycles


def _is_modelled(config: GemminiConfig) -> bool:
    try:
        TimingModel(config).close()
    except TimingError:
        return False
    return True


def _is_ws(schedule: Schedule) -> bool:
    return schedule.dataflow == Dataflow.WS
