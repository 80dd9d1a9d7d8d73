"""Tuners that do not learn."""

from __future__ import annotations

from gemmini_xdsl.tvm_bridge.autotvm.tuners.base import Tuner


class RandomTuner(Tuner):
    """Measures points in random order."""

    def _propose(self, count: int) -> list[int]:
        return self._random(count, set())


class GridSearchTuner(Tuner):
    """Measures points in the order of their indices."""

    _next = 0

    def _propose(self, count: int) -> list[int]:
        batch: list[int] = []
        while len(batch) < count:
            index = int(self.candidates[self._next])
            self._next += 1
            if index not in self.visited:
                batch.append(index)
        return batch
