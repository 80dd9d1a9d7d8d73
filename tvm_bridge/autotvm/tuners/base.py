"""What all tuners have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.passes.schedule_selection import schedule_for
from gemmini_xdsl.tvm_bridge.autotvm.bound import bound
from gemmini_xdsl.tvm_bridge.autotvm.knobs import SplitEntity
from gemmini_xdsl.tvm_bridge.autotvm.records import Record
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import (
    DATAFLOW,
    LOWERING,
    TILES,
    UNROLL,
    tile_size,
    values_of,
)
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigSpace, Indices
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

FIRST_TRIALS = 16


class Tuner(ABC):
    """Proposes distinct points of a space, each once, and learns from their costs.

    The proposals depend on the seed and on the costs alone, not on the order in which trials of
    a batch end.
    """

    plan_size = 16
    """How many points are proposed at a time."""

    def __init__(self, task: GemmTask, space: ConfigSpace, seed: int = 0) -> None:
        self.task = task
        self.space = space
        self.rng = np.random.default_rng(seed)
        self.candidates: Indices = space.distinct
        self.visited: set[int] = set()
        self.costs: dict[int, float | None] = {}

    def next_batch(self, count: int) -> list[int]:
        """Up to `count` points to measure next; none when all were proposed."""
        count = min(count, len(self.candidates) - len(self.visited))
        if count <= 0:
            return []
        batch = self._propose(count)
        self.visited.update(batch)
        return batch

    @abstractmethod
    def _propose(self, count: int) -> list[int]:
        """Exactly `count` points that are not in `visited`, all different."""

    def update(self, costs: Sequence[tuple[int, float | None]]) -> None:
        """Take note of the seconds of measured points; None for a failure."""
        for index, cost in costs:
            self.costs[index] = cost
            if self._is_candidate(index):
                self.visited.add(index)

    def suggest(self, schedules: Sequence[Schedule]) -> None:
        """Start from these schedules; tuners that do not learn do not."""
        return

    def load_history(self, records: Sequence[tuple[GemmTask, Record]]) -> None:
        """Learn from records of other workloads; tuners without a cost model cannot."""
        return

    def _is_candidate(self, index: int) -> bool:
        position = int(np.searchsorted(self.candidates, index))
        return position < len(self.candidates) and int(self.candidates[position]) == index

    def _random(self, count: int, taken: set[int]) -> list[int]:
        """`count` random candidates that are neither visited nor in `taken`."""
        excluded = self.visited | taken
        chosen: list[int] = []
        if len(excluded) + count > len(self.candidates) // 2:
            left = self.candidates[~np.isin(self.candidates, sorted(excluded))]
            return [int(index) for index in self.rng.permutation(left)[:count]]
        while len(chosen) < count:
            index = int(self.candidates[self.rng.integers(len(self.candidates))])
            if index not in excluded:
                excluded.add(index)
                chosen.append(index)
        return chosen


def first_guesses(task: GemmTask, space: ConfigSpace, count: int = FIRST_TRIALS) -> list[int]:
    """What the heuristic would choose, then the distinct points of least analytical bound.

    Of the latter at most one for each kind of program: points of one kind share tile, dataflow
    and lowering, and the bound tells little about what else they differ in.
    """
    candidates = space.distinct
    order = np.argsort(bound(task, space, candidates), kind="stable")
    columns = [list(space.knobs).index(name) for name in (*TILES, DATAFLOW, LOWERING)]
    seen: set[tuple[int, ...]] = set()
    chosen = _default_point(task, space)
    rest: list[int] = []
    for index in candidates[order[: count * 512]]:
        point = space.point(int(index))
        kind = tuple(point[column] for column in columns)
        if int(index) not in chosen:
            (rest if kind in seen else chosen).append(int(index))
        seen.add(kind)
        if len(chosen) >= count:
            break
    return (chosen + rest)[:count]


KIND = (DATAFLOW, LOWERING, UNROLL)
"""Knobs that say what kind of program a schedule becomes; most others refine one kind only."""


def _default_point(task: GemmTask, space: ConfigSpace) -> list[int]:
    """The distinct point that is closest to the default schedule, if there is one."""
    schedule = schedule_for(task.workload.problem, task.config, lambda: task)
    if schedule is None or not len(space.distinct):
        return []
    return [closest_point(task, space, schedule)]


def closest_point(task: GemmTask, space: ConfigSpace, schedule: Schedule) -> int:
    """The distinct point that has most in common with `schedule`, which may be of another size."""
    wanted = values_of(schedule, task.workload.problem, task.config)
    points = space.distinct_points
    score = np.zeros(len(points))
    for column, (name, knob) in enumerate(space.knobs.items()):
        value = wanted[name]
        if isinstance(value, SplitEntity):
            # A tile says more than all that is left; a doubling of it as much as all other knobs.
            sizes = [tile_size({name: entity}, name) for entity in knob.entities]
            away = np.abs(np.log2(np.array(sizes) / tile_size(wanted, name)))
            worth = -len(space.knobs) * away
        else:
            worth = np.array([float(entity == value) for entity in knob.entities])
            if name in KIND:
                worth *= len(space.knobs)
        score += worth[points[:, column]]
    return int(space.distinct[int(np.argmax(score))])
