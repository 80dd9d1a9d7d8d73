"""`ConfigSpace`: knobs, the points that their choices span, and which of them make sense.

A point is numbered as in AutoTVM: its index is the mixed-radix number of the choices, the first
knob varying fastest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.knobs import (
    Entity,
    Knob,
    OtherOptionEntity,
    ReorderEntity,
    SplitEntity,
    Values,
    split_entities,
)

Predicate = Callable[[Values], bool]
Mask = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]


@dataclass(frozen=True)
class _Rule:
    """A predicate that depends on some knobs only, so that it is evaluated once for each."""

    names: tuple[str, ...]
    holds: Predicate


class ConfigSpace:
    """Knobs and the rules between them.

    Constraints say which points are *valid*, that is compile; among the valid points,
    equivalences say which are *distinct*: of several that give the same program, one.
    """

    def __init__(self) -> None:
        self.knobs: dict[str, Knob] = {}
        self._constraints: list[_Rule] = []
        self._representatives: list[_Rule] = []

    # -- definition ---------------------------------------------------------------------------

    def define_knob(self, name: str, candidates: Iterable[str | int | float | bool]) -> None:
        """A knob that takes one of `candidates`."""
        self.define(name, [OtherOptionEntity(value) for value in candidates])

    def define_split(
        self,
        name: str,
        axis: int,
        policy: str = "factors",
        num_outputs: int = 2,
        filter: Callable[[SplitEntity], bool] | None = None,
        candidate: Sequence[Sequence[int]] = (),
    ) -> None:
        """A knob that splits an axis of `axis` steps; see `split_entities`."""
        self.define(name, split_entities(axis, policy, num_outputs, candidate, filter))

    def define_reorder(self, name: str, candidates: Iterable[Sequence[int]]) -> None:
        """A knob that orders axes: each candidate is a permutation of their numbers."""
        self.define(name, [ReorderEntity(tuple(perm)) for perm in candidates])

    def define(self, name: str, entities: Sequence[Entity]) -> None:
        """A knob with these values, all different."""
        if name in self.knobs:
            raise ValueError(f"the knob '{name}' is defined twice")
        if not entities or len(set(entities)) != len(entities):
            raise ValueError(f"the knob '{name}' needs candidates, all different")
        self.knobs[name] = Knob(name, tuple(entities))

    def add_constraint(self, names: Sequence[str], holds: Predicate) -> None:
        """Points are valid only if `holds` for their values of the knobs `names`."""
        self._constraints.append(self._rule(names, holds))

    def add_representative(self, names: Sequence[str], holds: Predicate) -> None:
        """Of points that give the same program, only those for which `holds` are distinct."""
        self._representatives.append(self._rule(names, holds))

    def _rule(self, names: Sequence[str], holds: Predicate) -> _Rule:
        for name in names:
            self._knob(name)
        self.__dict__.pop("valid_mask", None)
        self.__dict__.pop("distinct", None)
        self.__dict__.pop("distinct_points", None)
        return _Rule(tuple(names), holds)

    def _knob(self, name: str) -> Knob:
        if name not in self.knobs:
            raise TuningError(f"unknown knob '{name}'; knobs are {', '.join(self.knobs)}")
        return self.knobs[name]

    def restrict(self, **allowed: Iterable[Any]) -> ConfigSpace:
        """The same space with fewer candidates, given as records write them.

        Raises `TuningError` for an unknown knob or if one is left without a candidate.
        """
        wanted = {name: list(values) for name, values in allowed.items()}
        for name in wanted:
            self._knob(name)
        smaller = ConfigSpace()
        for name, knob in self.knobs.items():
            kept = tuple(
                entity
                for entity in knob.entities
                if name not in wanted or entity.to_json() in wanted[name]
            )
            if not kept:
                raise TuningError(f"the knob '{name}' has none of the candidates {wanted[name]}")
            smaller.knobs[name] = Knob(name, kept)
        smaller._constraints = self._constraints
        smaller._representatives = self._representatives
        return smaller

    # -- points -------------------------------------------------------------------------------

    @cached_property
    def dims(self) -> tuple[int, ...]:
        """The number of candidates of every knob."""
        return tuple(len(knob.entities) for knob in self.knobs.values())

    def __len__(self) -> int:
        """The number of points, valid or not."""
        return prod(self.dims)

    def get(self, index: int) -> ConfigEntity:
        """The point number `index`. Raises `IndexError`."""
        return ConfigEntity(self, index, self.values(self.point(index)))

    def point(self, index: int) -> tuple[int, ...]:
        """The choice of every knob at `index`. Raises `IndexError`."""
        if not 0 <= index < len(self):
            raise IndexError(f"the space has {len(self)} points, there is none of index {index}")
        choices = []
        for count in self.dims:
            index, choice = divmod(index, count)
            choices.append(choice)
        return tuple(choices)

    def index(self, point: Sequence[int]) -> int:
        """The index of the point with these choices."""
        index = 0
        for count, choice in zip(reversed(self.dims), reversed(point), strict=True):
            index = index * count + int(choice)
        return index

    def points(self, indices: Indices) -> Indices:
        """The choices at many indices: one row each, one column a knob."""
        return np.stack(np.unravel_index(indices, self.dims, order="F"), axis=-1)

    def indices(self, points: Indices) -> Indices:
        """The indices of many points, one a row."""
        found = np.ravel_multi_index(tuple(points.T), self.dims, order="F")
        return np.asarray(found, dtype=np.int64)

    def values(self, point: Sequence[int]) -> dict[str, Entity]:
        """What the knobs are set to at a point."""
        return {
            name: knob.entities[choice]
            for (name, knob), choice in zip(self.knobs.items(), point, strict=True)
        }

    def find(self, values: Values) -> ConfigEntity:
        """The point at which the knobs have these values.

        Raises `TuningError` for an unknown or missing knob, or a value that is no candidate.
        """
        for name in values:
            self._knob(name)
        point = []
        for name, knob in self.knobs.items():
            if name not in values:
                raise TuningError(f"the knob '{name}' is missing")
            if values[name] not in knob.entities:
                raise TuningError(
                    f"the knob '{name}' has no candidate {values[name].to_json()!r} here"
                )
            point.append(knob.entities.index(values[name]))
        return self.get(self.index(point))

    # -- rules --------------------------------------------------------------------------------

    def is_valid(self, index: int) -> bool:
        """Whether the point satisfies every constraint."""
        if "valid_mask" in self.__dict__:
            return bool(self.valid_mask[index])
        values = self.values(self.point(index))
        return all(rule.holds({n: values[n] for n in rule.names}) for rule in self._constraints)

    @cached_property
    def valid_mask(self) -> Mask:
        """For every index, whether it is valid."""
        return self._mask(self._constraints)

    @cached_property
    def distinct(self) -> Indices:
        """The indices of the valid points that differ in the program they give, ascending."""
        return np.flatnonzero(self.valid_mask & self._mask(self._representatives))

    @cached_property
    def distinct_points(self) -> Indices:
        """The choices at the distinct points: one row each, one column a knob."""
        return self.points(self.distinct)

    @property
    def valid_count(self) -> int:
        """The number of valid points."""
        return int(np.count_nonzero(self.valid_mask))

    def _mask(self, rules: Sequence[_Rule]) -> Mask:
        mask = np.ones(self.dims, dtype=np.bool_)
        names = list(self.knobs)
        for rule in rules:
            candidates = [self.knobs[name].entities for name in rule.names]
            table = np.array(
                [rule.holds(dict(zip(rule.names, v, strict=True))) for v in product(*candidates)],
                dtype=np.bool_,
            ).reshape([len(entities) for entities in candidates])
            axes = [names.index(name) for name in rule.names]
            table = table.transpose(np.argsort(axes))
            mask &= table.reshape([n if i in axes else 1 for i, n in enumerate(self.dims)])
        return mask.ravel(order="F")


@dataclass(frozen=True)
class ConfigEntity:
    """One point of a space."""

    space: ConfigSpace
    index: int
    values: dict[str, Entity]

    def __getitem__(self, name: str) -> Entity:
        """The value of a knob."""
        return self.values[name]

    def to_json(self) -> dict[str, Any]:
        """The `config` of a record."""
        return {
            "index": self.index,
            "code_hash": None,
            "entity": entity_list(self.values),
        }


def entity_list(values: Values) -> list[list[Any]]:
    """The `entity` of a record: name, tag and value of every knob."""
    return [[name, entity.tag, entity.to_json()] for name, entity in values.items()]
