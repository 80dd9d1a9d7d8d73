"""AutoTVM's cost-model tuner: gradient-boosted trees predict costs, the best are measured."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.tvm_bridge.autotvm.bound import Columns, features, relative_cost
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import find_record, gemm_space
from gemmini_xdsl.tvm_bridge.autotvm.local import available_cores
from gemmini_xdsl.tvm_bridge.autotvm.records import Record
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigSpace, Indices
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask
from gemmini_xdsl.tvm_bridge.autotvm.tuners.base import (
    FIRST_TRIALS,
    Tuner,
    closest_point,
    first_guesses,
)

PARAMETERS = {
    "max_depth": 3,
    "eta": 0.3,
    "gamma": 1e-4,
    "min_child_weight": 1,
    "subsample": 1.0,
    "objective": "reg:squarederror",
    "nthread": 1,
    "verbosity": 0,
}
ROUNDS = 120
EPSILON = 0.05
"""Share of each batch that is random; half of the batches are while little is known."""

NEIGHBOURS = 0.5
"""Share of each batch that differs from one of the best points in a single knob."""

LITTLE = 2 * FIRST_TRIALS
"""Up to so many known costs count as little."""

LEADERS = 4
"""How many of the best points have their neighbours looked at."""

PREDICT_ALL = 400_000
"""Up to this many candidates, all are ranked; beyond, annealing looks for the best."""

MANY = 10_000
"""From so many predictions on, it pays to use all cores."""

ANNEALING_POINTS = 128
ANNEALING_STEPS = 200
ANNEALING_PATIENCE = 30
FAILURE_PENALTY = 2.0
"""How much worse than the worst measured point a failure counts, in doublings of the time."""


class XGBTuner(Tuner):
    """Fits trees to all costs so far and proposes the points of least predicted cost.

    What is predicted is the logarithm of the time over the array's least time, so that costs of
    other workloads, which `load_history` takes, teach something about this one.
    """

    plan_size = 8

    def __init__(self, task: GemmTask, space: ConfigSpace, seed: int = 0) -> None:
        super().__init__(task, space, seed)
        try:
            import xgboost
        except ImportError as error:
            raise TuningError(
                f"the xgb tuner needs xgboost: pip install 'gemmini-xdsl[tvm]' ({error})"
            ) from None
        self._xgboost: Any = xgboost
        self._seed = seed
        self._history: list[tuple[Columns, float]] = []
        self._guesses = first_guesses(task, space, FIRST_TRIALS)
        self._suggested = False

    def suggest(self, schedules: Sequence[Schedule]) -> None:
        """Guess these schedules, or what the space has closest to them, by turns with what the
        bound says.
        """
        found = [closest_point(self.task, self.space, schedule) for schedule in schedules]
        first, *others = self._guesses
        turns = [index for pair in zip(found, others, strict=False) for index in pair]
        rest = [*found[len(others) :], *others[len(found) :]]
        self._guesses = list(dict.fromkeys([first, *turns, *rest]))
        self._suggested = bool(found)

    def load_history(self, records: Sequence[tuple[GemmTask, Record]]) -> None:
        """Learn from records of other workloads; points that their spaces lack are passed over."""
        spaces: dict[GemmTask, ConfigSpace] = {}
        for task, record in records:
            if not record.result.ok:
                continue
            if task not in spaces:
                spaces[task] = gemm_space(task.workload.problem, task.config)
            try:
                entity = find_record(
                    spaces[task], record.values, task.workload.problem, task.config
                )
            except TuningError:
                continue
            row = features(task, spaces[task], np.array([entity.index]))[0]
            self._history.append((row, relative_cost(task, record.result.mean)))

    def _propose(self, count: int) -> list[int]:
        batch: list[int] = []
        measured = [index for index, cost in self.costs.items() if cost is not None]
        if len(self.costs) < FIRST_TRIALS:
            # What a model has learnt, here or from other sizes, is worth as much as guesses.
            learnt = measured or (self._history and not self._suggested)
            while self._guesses and len(batch) < (count // 2 if learnt else count):
                guess = self._guesses.pop(0)
                if guess not in self.visited:
                    batch.append(guess)
        if len(batch) < count and (measured or self._history):
            little = len(self.costs) + len(self._history) < LITTLE
            share = 0.5 if little else EPSILON
            wanted = count - len(batch) - int(self.rng.binomial(count - len(batch), share))
            model = self._fit()
            near = self._neighbours()
            batch += self._least(model, near, int(NEIGHBOURS * wanted), set(batch))
            batch += self._best_predicted(model, count=wanted - len(batch), taken=set(batch))
        return batch + self._random(count - len(batch), set(batch))

    def _best_predicted(self, model: Any, count: int, taken: set[int]) -> list[int]:
        if count <= 0:
            return []
        if len(self.candidates) <= PREDICT_ALL:
            costs = self._predict(model, self._all_features)
            return self._pick(self.candidates, costs, count, taken)
        return self._pick(*self._anneal(model), count, taken)

    def _least(self, model: Any, indices: Indices, count: int, taken: set[int]) -> list[int]:
        if count <= 0 or not len(indices):
            return []
        costs = self._predict(model, features(self.task, self.space, indices))
        return self._pick(indices, costs, count, taken)

    def _pick(self, indices: Indices, costs: Columns, count: int, taken: set[int]) -> list[int]:
        """The `count` indices of least cost that are neither visited nor taken."""
        excluded = self.visited | taken
        best: list[int] = []
        for index in indices[np.argsort(costs, kind="stable")]:
            if len(best) == count:
                break
            if int(index) not in excluded:
                best.append(int(index))
        return best

    def _neighbours(self) -> Indices:
        """Candidates that differ from one of the best points in one knob."""
        known = sorted((cost, index) for index, cost in self.costs.items() if cost is not None)
        found: set[int] = set()
        for _, index in known[:LEADERS]:
            point = self.space.point(index)
            for knob, size in enumerate(self.space.dims):
                for choice in range(size):
                    near = self.space.index((*point[:knob], choice, *point[knob + 1 :]))
                    if self._is_candidate(near):
                        found.add(near)
        return np.array(sorted(found), dtype=np.int64)

    @cached_property
    def _all_features(self) -> Columns:
        return features(self.task, self.space, self.candidates)

    def _fit(self) -> Any:
        indices = np.array(sorted(self.costs), dtype=np.int64)
        rows: list[Columns] = []
        targets: list[float] = []
        if len(indices):
            rows.append(features(self.task, self.space, indices))
            known = [
                relative_cost(self.task, cost) for cost in self.costs.values() if cost is not None
            ]
            worst = max(known, default=0.0) + FAILURE_PENALTY
            for index in indices:
                cost = self.costs[int(index)]
                targets.append(worst if cost is None else relative_cost(self.task, cost))
        if self._history:
            rows.append(np.stack([row for row, _ in self._history]))
            targets.extend(target for _, target in self._history)
        # Near the best costs small differences count; far from them only the rough size.
        values = np.array(targets)
        weights = 1 / (0.1 + values - values.min())
        data = self._xgboost.DMatrix(np.concatenate(rows), label=values, weight=weights)
        return self._xgboost.train({**PARAMETERS, "seed": self._seed}, data, ROUNDS)

    def _predict(self, model: Any, rows: Columns) -> Columns:
        # Nothing is measured meanwhile, and rows do not depend on each other.
        model.set_param({"nthread": available_cores() if len(rows) > MANY else 1})
        return np.asarray(model.inplace_predict(rows), dtype=np.float64)

    def _anneal(self, model: Any) -> tuple[Indices, Columns]:
        """Points that simulated annealing of the predicted cost came across, with those costs.

        Temperature falls from 1 to 0, as in AutoTVM, relative to the spread of the predictions.
        """
        known = sorted((c, i) for i, c in self.costs.items() if c is not None)
        start = [index for _, index in known[: ANNEALING_POINTS // 2]]
        start += self._random(ANNEALING_POINTS - len(start), set())
        current = np.array(start, dtype=np.int64)
        costs = self._predict(model, features(self.task, self.space, current))
        seen = dict(zip(current.tolist(), costs.tolist(), strict=True))
        spread = float(costs.std()) or 1.0
        best, idle = float(costs.min()), 0
        mask = np.zeros(len(self.space), dtype=np.bool_)
        mask[self.candidates] = True
        for step in range(ANNEALING_STEPS):
            points = self.space.points(current)
            knobs = self.rng.integers(len(self.space.dims), size=len(points))
            choices = self.rng.integers(np.array(self.space.dims)[knobs])
            points[np.arange(len(points)), knobs] = choices
            proposed = self.space.indices(points)
            legal = mask[proposed]
            predicted = np.full(len(proposed), np.inf)
            if legal.any():
                rows = features(self.task, self.space, proposed[legal])
                predicted[legal] = self._predict(model, rows)
            seen.update(zip(proposed[legal].tolist(), predicted[legal].tolist(), strict=True))
            temperature = spread * (1 - step / ANNEALING_STEPS) + 1e-9
            rise = np.maximum(predicted - costs, 0)
            accept = self.rng.random(len(proposed)) < np.exp(-rise / temperature)
            current = np.where(accept, proposed, current)
            costs = np.where(accept, predicted, costs)
            if float(costs.min()) < best - 1e-6:
                best, idle = float(costs.min()), 0
            else:
                idle += 1
                if idle >= ANNEALING_PATIENCE and temperature < spread / 2:
                    break
        return np.array(list(seen), dtype=np.int64), np.array(list(seen.values()))
