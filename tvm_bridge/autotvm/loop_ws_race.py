"""A `loop_ws` schedule that is close to the best, found while the compiler runs.

How the FSM's loads and products meet in the banks no simple estimate foresees, so many schedules
start on the timing model. Each round goes on with those that promise most.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_search import (
    loop_ws_schedules,
    neighbours,
    other_order,
)
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_trial import LoopWsTrial
from gemmini_xdsl.tvm_bridge.autotvm.programs import loop_ws_program, placements_of
from gemmini_xdsl.tvm_bridge.autotvm.simulate import placement_bytes
from gemmini_xdsl.tvm_bridge.autotvm.task import QUICK_HOST_GAP, GemmTask

STARTERS, STARTERS_PER_DEPTH = 40, 2
"""Schedules of least estimate that are tried, and how many of each depth at least."""


@dataclass(frozen=True)
class Round:
    """The trials that take part go on until they have done `work` cycles of the busiest unit."""

    work: float
    trials: int
    climbers: int = 0
    """How many of the best bring their neighbours along."""


ROUNDS = (Round(8e3, 1 << 10), Round(24e3, 24), Round(64e3, 12, climbers=3))

FINAL_WORK, FINAL_TRIALS = 2.2e6, 8
"""Work that the last round shares out among the best, and how many these are at most."""

LONGEST = 8e5
"""Work after which a trial ends even in the last round."""


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
        self._keep(self._share(FINAL_WORK))
        self._advance(LONGEST)
        self._repeat()
        best = min(self._trials, key=LoopWsTrial.cycles)
        return best.schedule, best.cycles()

    def _share(self, work: float) -> int:
        """How many trials may go on to their ends if these have so much work together."""
        return max(2, min(FINAL_TRIALS, round(work / self._trials[0].work)))

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
                self._trials.append(LoopWsTrial(program, QUICK_HOST_GAP))

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
        """What a call leaves in the L2 decides if not all fits: time second calls of the best."""
        size = sum(map(placement_bytes, placements_of(self._task)))
        if size <= self._task.config.l2_bytes or not all(trial.done for trial in self._trials):
            return
        self._keep(self._share(LONGEST))
        for trial in self._trials:
            trial.repeat()


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
