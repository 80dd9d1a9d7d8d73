"""AutoTVM's genetic tuner."""

from __future__ import annotations

import numpy as np

from gemmini_xdsl.tvm_bridge.autotvm.tuners.base import Tuner, first_guesses

POPULATION = 32
ELITE = 3
MUTATION = 0.1
ATTEMPTS = 64


class GATuner(Tuner):
    """Crosses points in proportion to their throughput, and mutates single knobs.

    The first population is half made of the points of least analytical bound.
    """

    def _propose(self, count: int) -> list[int]:
        batch: list[int] = []
        if not self.costs:
            batch = first_guesses(self.task, self.space, count // 2)
            batch = [index for index in batch if index not in self.visited]
        elif any(cost is not None for cost in self.costs.values()):
            batch = self._offspring(count)
        return batch + self._random(count - len(batch), set(batch))

    def _offspring(self, count: int) -> list[int]:
        ranked = sorted((cost, index) for index, cost in self.costs.items() if cost is not None)
        # The population is the best of all so far, so that the elite never dies.
        parents = ranked[: max(POPULATION, ELITE)]
        points = [self.space.point(index) for _, index in parents]
        fitness = np.array([1 / cost for cost, _ in parents])
        fitness /= fitness.sum()
        children: list[int] = []
        for _ in range(count * ATTEMPTS):
            if len(children) == count:
                break
            first, second = self.rng.choice(len(points), 2, p=fitness)
            cut = int(self.rng.integers(len(self.space.dims)))
            child = [*points[first][:cut], *points[second][cut:]]
            for knob, size in enumerate(self.space.dims):
                if self.rng.random() < MUTATION:
                    child[knob] = int(self.rng.integers(size))
            index = self.space.index(child)
            if index not in self.visited and index not in children and self._is_candidate(index):
                children.append(index)
        return children
