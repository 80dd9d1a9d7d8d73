"""A schedule that is close to the best, found while the compiler runs.

How the FSM's loads and products meet in the banks no simple estimate foresees, so many LOOP_WS
schedules start on the timing model. Each round goes on with those that promise most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gemmini_xdsl.dialects.attributes import Dataflow, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.lower_bound import lower_bound
from gemmini_xdsl.passes.schedule_rules import instruction_count
from gemmini_xdsl.passes.unrolled_schedule import unrolled_moves
from gemmini_xdsl.runtime_c.timing import TimingError, TimingModel
from gemmini_xdsl.targets.arguments import Role
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_search import (
    loop_ws_schedules,
    neighbours,
    other_order,
)
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_trial import LoopWsTrial
from gemmini_xdsl.tvm_bridge.autotvm.part_timing import extrapolated_cycles
from gemmini_xdsl.tvm_bridge.autotvm.programs import (
    compile_schedule,
    loop_ws_program,
    placements_of,
)
from gemmini_xdsl.tvm_bridge.autotvm.simulate import call_cycles, core_gap, placement_bytes
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

HOST_GAP = 5
"""Cycles between commands whose operands change by constants."""

CORE_SHARE = 0.003
"""What the core's own loops add to the time of programs that use them, in parts of it."""

STARTERS, STARTERS_PER_DEPTH = 40, 2
"""Schedules of least estimate that are tried, and how many of each depth at least."""


WHOLE_RIVALS = 2
"""Of schedules that parts do not tell enough about, so many are measured as a whole."""

UNROLLED_INSTRUCTIONS = 4000
"""No other unrolled schedule is tried once so many instructions were."""

NEAR_BOUND = 1.05
"""Times the lower bound: an unrolled schedule that is so fast has no rivals."""


@dataclass(frozen=True)
class Round:
    """The trials that take part go on until they have done `work` cycles of the busiest unit."""

    work: float
    trials: int
    climbers: int = 0
    """How many of the best bring their neighbours along."""


ROUNDS = (Round(8e3, 1 << 10), Round(24e3, 24), Round(64e3, 8, climbers=3))

FINAL_WORK, FINAL_TRIALS = 1.6e6, 5
"""Work that the last round shares out among the best, and how many these are at most."""


def quick_choice(
    task: GemmTask, unrolled: Schedule | None, rivals: Sequence[Schedule] = ()
) -> Schedule | None:
    """A schedule close to the best: one like `unrolled`, one of `rivals`, or `loop_ws`.

    None if none is legal, or the timing model does not represent the configuration.
    """
    if not _is_modelled(task.config):
        return None
    costs: dict[Schedule, float] = {}
    if unrolled is not None:
        schedule, cycles = quick_unrolled(task, unrolled)
        if cycles <= NEAR_BOUND * lower_bound(task.workload.problem, task.config).cycles:
            return schedule
        costs[schedule] = cycles
    costs |= _rival_costs(task, rivals)
    best = quick_loop_ws(task) if unrolled is None or _is_ws(unrolled) else None
    if best is not None:
        costs[best[0]] = best[1]
    return min(costs, key=lambda schedule: costs[schedule], default=None)


def _rival_costs(task: GemmTask, rivals: Sequence[Schedule]) -> dict[Schedule, float]:
    """Cycles of schedules in equal tiles; of the best ones only if parts of them tell too little.

    That is so if results fill most of a good part of the L2: they meet lines of earlier calls.
    """
    costs = {rival: extrapolated_cycles(task, rival, HOST_GAP) for rival in rivals}
    sizes = {place.argument.role: placement_bytes(place) for place in placements_of(task)}
    total = sum(map(placement_bytes, placements_of(task)))
    if total > task.config.l2_bytes / 2 and sizes[Role.OUTPUT] > total / 2:
        ranked = sorted(costs, key=lambda rival: costs[rival])
        costs = {rival: _cycles(task, rival) for rival in ranked[:WHOLE_RIVALS]}
    return {rival: cycles * (1 + CORE_SHARE) for rival, cycles in costs.items()}


def _cycles(task: GemmTask, schedule: Schedule) -> int:
    program = compile_schedule(task, schedule)
    return call_cycles(task, program, core_gap(schedule, HOST_GAP), warm=True)


def quick_unrolled(task: GemmTask, start: Schedule) -> tuple[Schedule, int]:
    """The fastest unrolled schedule on a short climb from `start`, and its cycles."""
    problem, config = task.workload.problem, task.config
    best, left = start, float(UNROLLED_INSTRUCTIONS)
    cycles: dict[Schedule, int] = {}

    def measure(schedule: Schedule) -> None:
        nonlocal left
        left -= instruction_count(schedule, problem, config)
        cycles[schedule] = _cycles(task, schedule)

    measure(start)
    improved = True
    while improved:
        before = best
        for group in range(len(unrolled_moves(best, problem, config))):
            for move in unrolled_moves(best, problem, config)[group]:
                if move not in cycles and left > 0:
                    measure(move)
            best = min(cycles, key=lambda schedule: cycles[schedule])
        improved = best != before
    return best, cycles[best]


def quick_loop_ws(task: GemmTask) -> tuple[Schedule, float] | None:
    """A `loop_ws` schedule that is close to the best, and its cycles as far as they are known."""
    candidates = loop_ws_schedules(task.workload.problem, task.config)
    if not candidates:
        return None
    race = _Race(task, candidates)
    try:
        return race.run()
    finally:
        race.close()


class _Race:
    """Trials that go on in turns."""

    def __init__(self, task: GemmTask, candidates: list[Schedule]) -> None:
        self._task = task
        self._candidates = candidates
        self._known: set[Schedule] = set()
        self._trials: list[LoopWsTrial] = []
        self._enter(_starters(candidates))

    def run(self) -> tuple[Schedule, float]:
        """All rounds; the winner and its cycles."""
        for stage in ROUNDS:
            self._keep(stage.trials)
            for place, trial in enumerate(list(self._trials) if stage.climbers else []):
                self._enter([other_order(trial.schedule)])
                if place < stage.climbers:
                    self._enter(neighbours(trial.schedule, self._candidates))
            self._advance(stage.work)
        longest = self._trials[0].work
        self._keep(max(2, min(FINAL_TRIALS, round(FINAL_WORK / longest))))
        self._advance(FINAL_WORK / 2)
        self._repeat()
        best = min(self._trials, key=LoopWsTrial.cycles)
        return best.schedule, best.cycles()

    def close(self) -> None:
        """Free all models."""
        for trial in self._trials:
            trial.close()

    def _enter(self, schedules: Sequence[Schedule]) -> None:
        legal = set(self._candidates)
        for schedule in schedules:
            if schedule in legal and schedule not in self._known:
                self._known.add(schedule)
                program = loop_ws_program(self._task, schedule)
                self._trials.append(LoopWsTrial(program, HOST_GAP))

    def _advance(self, work: float) -> None:
        for trial in self._trials:
            trial.advance(work)

    def _keep(self, count: int) -> None:
        """Go on with the `count` best."""
        if len(self._trials) <= count:
            return
        ranked = sorted(self._trials, key=LoopWsTrial.cycles)
        for trial in ranked[count:]:
            trial.close()
        self._trials = ranked[:count]

    def _repeat(self) -> None:
        """What a call leaves in the L2 decides if not all fits: time the second one."""
        size = sum(map(placement_bytes, placements_of(self._task)))
        if size > self._task.config.l2_bytes and all(trial.done for trial in self._trials):
            for trial in self._trials:
                trial.repeat()


def _is_modelled(config: GemminiConfig) -> bool:
    try:
        TimingModel(config).close()
    except TimingError:
        return False
    return True


def _is_ws(schedule: Schedule) -> bool:
    return schedule.dataflow == Dataflow.WS


def _starters(candidates: list[Schedule]) -> list[Schedule]:
    """Those of least estimate, in all and of each depth, in one order of the loops."""
    ranked = list({schedule.tile: schedule for schedule in reversed(candidates)}.values())[::-1]
    chosen = dict.fromkeys(ranked[:STARTERS])
    by_depth: dict[int, list[Schedule]] = {}
    for schedule in ranked:
        by_depth.setdefault(schedule.tile[2], []).append(schedule)
    for same in by_depth.values():
        chosen.update(dict.fromkeys(same[:STARTERS_PER_DEPTH]))
    return list(chosen)
