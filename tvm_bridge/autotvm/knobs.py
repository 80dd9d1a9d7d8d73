"""What a knob may be set to: AutoTVM's entities, and how a record writes them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeGuard

from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError


@dataclass(frozen=True)
class SplitEntity:
    """How an axis is split, outermost part first; -1 stands for what the others leave over."""

    tag: ClassVar[str] = "sp"

    size: tuple[int, ...]

    def to_json(self) -> list[int]:
        """The value in a record."""
        return list(self.size)


@dataclass(frozen=True)
class ReorderEntity:
    """An order of axes: position i holds the axis `perm[i]`."""

    tag: ClassVar[str] = "re"

    perm: tuple[int, ...]

    def to_json(self) -> list[int]:
        """The value in a record."""
        return list(self.perm)


@dataclass(frozen=True)
class OtherOptionEntity:
    """One of several plain values."""

    tag: ClassVar[str] = "ot"

    val: str | int | float | bool

    def to_json(self) -> str | int | float | bool:
        """The value in a record."""
        return self.val


Entity = SplitEntity | ReorderEntity | OtherOptionEntity
Values = Mapping[str, Entity]
"""Knobs by name and what they are set to."""


def entity_from_json(tag: object, value: object) -> Entity:
    """The entity that a record writes as `value`. Raises `TuningError`."""
    if tag == SplitEntity.tag and _is_integer_list(value):
        return SplitEntity(tuple(value))
    if tag == ReorderEntity.tag and _is_integer_list(value):
        if sorted(value) != list(range(len(value))):
            raise TuningError(f"a reorder must be a permutation of axis numbers, got {value}")
        return ReorderEntity(tuple(value))
    if tag == OtherOptionEntity.tag and isinstance(value, str | int | float | bool):
        return OtherOptionEntity(value)
    raise TuningError(f"no knob value has the tag {tag!r} and the value {value!r}")


def _is_integer_list(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(item) is int for item in value)


@dataclass(frozen=True)
class Knob:
    """A name and the entities to choose from."""

    name: str
    entities: tuple[Entity, ...]


SPLIT_POLICIES = ("factors", "power2", "balanced", "verbose", "candidate")


def split_entities(
    extent: int,
    policy: str = "factors",
    num_outputs: int = 2,
    candidate: Sequence[Sequence[int]] = (),
    filter: Callable[[SplitEntity], bool] | None = None,
) -> tuple[SplitEntity, ...]:
    """The ways to split an axis of `extent` into `num_outputs` nested parts.

    The outermost part is -1: as many as it takes to cover the axis, the last one clipped. So
    parts need not divide the extent and every axis has at least one split. Sizes come from
    `policy`: divisors (`factors`), powers of two, the sizes of equal parts as well as powers of
    two (`balanced`), all up to the extent (`verbose`), or `candidate` as given. Raises
    `ValueError` for arguments that make no sense or if `filter` leaves nothing.
    """
    if extent < 1 or num_outputs < 1:
        raise ValueError("a split needs an extent and a number of parts of at least 1")
    if policy not in SPLIT_POLICIES:
        raise ValueError(f"policy must be one of {', '.join(SPLIT_POLICIES)}, got '{policy}'")
    if policy == "candidate":
        entities = [SplitEntity(tuple(sizes)) for sizes in candidate]
    else:
        entities = [
            SplitEntity((-1, *sizes)) for sizes in _nested_sizes(extent, policy, num_outputs - 1)
        ]
    kept = tuple(entity for entity in entities if filter is None or filter(entity))
    if not kept:
        raise ValueError(f"the policy '{policy}' leaves no way to split an axis of {extent}")
    return kept


def _nested_sizes(extent: int, policy: str, count: int) -> list[tuple[int, ...]]:
    if count == 0:
        return [()]
    return [
        (size, *inner)
        for size in split_sizes(extent, policy)
        for inner in _nested_sizes(max(1, extent // size), policy, count - 1)
    ]


def split_sizes(extent: int, policy: str, parts: int = 8, most: int | None = None) -> list[int]:
    """Sizes of a part that a policy proposes, up to `most`, ascending.

    `parts` bounds `balanced`.
    """
    sizes = _policy_sizes(extent, policy, parts)
    return [size for size in sizes if most is None or size <= most]


def _policy_sizes(extent: int, policy: str, parts: int) -> list[int]:
    if policy == "verbose":
        return list(range(1, extent + 1))
    if policy == "factors":
        return [size for size in range(1, extent + 1) if extent % size == 0]
    sizes = {1 << power for power in range(extent.bit_length())}
    if policy == "balanced":
        sizes.update(-(-extent // count) for count in range(1, min(extent, parts) + 1))
    return sorted(sizes)
