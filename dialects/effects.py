"""Memory effects of `gemmini` operations, by resource.

xDSL's generic passes look at the kind of an effect only; passes of this project that reorder
operations look at the resource as well.
"""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import cache

from xdsl.ir import Attribute, Operation
from xdsl.traits import EffectInstance, MemoryEffect, MemoryEffectKind, Resource

from gemmini_xdsl.dialects.attributes import Space


@dataclass(frozen=True)
class Dram(Resource):
    """Main memory, shared with the core."""

    def name(self) -> str:
        """Name in diagnostics."""
        return "<Dram>"


@dataclass(frozen=True)
class Scratchpad(Resource):
    """Local memory of A and B."""

    def name(self) -> str:
        """Name in diagnostics."""
        return "<Scratchpad>"


@dataclass(frozen=True)
class Accumulator(Resource):
    """Local memory of C."""

    def name(self) -> str:
        """Name in diagnostics."""
        return "<Accumulator>"


@dataclass(frozen=True)
class ConfigState(Resource):
    """The configuration registers, all of them."""

    def name(self) -> str:
        """Name in diagnostics."""
        return "<ConfigState>"


@dataclass(frozen=True)
class ArrayState(Resource):
    """The operand that stays inside the array between instructions."""

    def name(self) -> str:
        """Name in diagnostics."""
        return "<ArrayState>"


DRAM = Dram()
SCRATCHPAD = Scratchpad()
ACCUMULATOR = Accumulator()
CONFIG_STATE = ConfigState()
ARRAY_STATE = ArrayState()
ALL_RESOURCES: tuple[Resource, ...] = (DRAM, SCRATCHPAD, ACCUMULATOR, CONFIG_STATE, ARRAY_STATE)


@cache
def read(resource: Resource) -> EffectInstance:
    """A read of `resource`."""
    return EffectInstance(MemoryEffectKind.READ, resource=resource)


@cache
def write(resource: Resource) -> EffectInstance:
    """A write of `resource`."""
    return EffectInstance(MemoryEffectKind.WRITE, resource=resource)


@dataclass(frozen=True)
class FixedEffects(MemoryEffect):
    """Effects that every instance of an operation has, as (reads, writes)."""

    reads: tuple[Resource, ...] = ()
    writes: tuple[Resource, ...] = ()

    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance] | None:
        """The union of the fixed effects declared on `op`."""
        return _fixed_effects(type(op))


@cache
def _fixed_effects(kind: type[Operation]) -> frozenset[EffectInstance]:
    traits = kind.get_traits_of_type(FixedEffects)
    reads = (read(resource) for trait in traits for resource in trait.reads)
    writes = (write(resource) for trait in traits for resource in trait.writes)
    return frozenset((*reads, *writes))


class MatmulEffect(MemoryEffect):
    """A whole product: its operands are read and C is written; all local state is lost."""

    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance] | None:
        """Reads of A, B and a bias in memory, a write of C, and writes of all local state."""
        from gemmini_xdsl.dialects.matmul import MatmulOp

        assert isinstance(op, MatmulOp)
        sources = [op.a, op.b, *([op.bias] if op.bias is not None else [])]
        effects = {EffectInstance(MemoryEffectKind.READ, value, DRAM) for value in sources}
        effects.add(EffectInstance(MemoryEffectKind.WRITE, op.c, DRAM))
        effects.update(write(resource) for resource in ALL_RESOURCES if resource is not DRAM)
        return effects


class LocalAllocation(MemoryEffect):
    """Reserves rows of one local memory; unused allocations may be erased."""

    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance] | None:
        """An allocation of the resource of the result's space."""
        result = op.results[0]
        return {EffectInstance(MemoryEffectKind.ALLOC, result, local_resource(result.type))}


class LocalTransfer(MemoryEffect):
    """Moves data between DRAM and one local memory, after setting its configuration."""

    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance] | None:
        """For a load: DRAM is read and the buffer written; for a store the reverse."""
        from gemmini_xdsl.dialects.tile import LoadOp, StoreOp

        assert isinstance(op, LoadOp | StoreOp)
        local = local_resource(op.buffer.type)
        if isinstance(op, LoadOp):
            transfer = {
                EffectInstance(MemoryEffectKind.READ, op.source, DRAM),
                EffectInstance(MemoryEffectKind.WRITE, op.buffer, local),
            }
        else:
            transfer = {
                EffectInstance(MemoryEffectKind.READ, op.buffer, local),
                EffectInstance(MemoryEffectKind.WRITE, op.destination, DRAM),
            }
        return transfer | {write(CONFIG_STATE)}


class LocalTransposition(MemoryEffect):
    """Moves a matrix from DRAM to the scratchpad through the array."""

    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance] | None:
        """DRAM is read, and all buffers; the scratchpad and all state but sums are written."""
        from gemmini_xdsl.dialects.tile import LoadTransposedOp

        assert isinstance(op, LoadTransposedOp)
        return {
            EffectInstance(MemoryEffectKind.READ, op.source, DRAM),
            read(SCRATCHPAD),
            *(write(resource) for resource in (SCRATCHPAD, ARRAY_STATE, CONFIG_STATE)),
        }


class AddressedEffects(MemoryEffect):
    """Effects of an instruction that names local addresses and may touch DRAM."""

    @classmethod
    def get_effects(cls, op: Operation) -> AbstractSet[EffectInstance] | None:
        """Reads and writes by operand, for MVIN, MVOUT and PRELOAD."""
        from gemmini_xdsl.dialects.isa import MVIN_OPS, MvoutOp, PreloadOp

        effects = {read(CONFIG_STATE)}
        if isinstance(op, PreloadOp):
            effects.add(write(ARRAY_STATE))
            if op.stationary is not None:
                effects.add(read(local_resource(op.stationary.type)))
            if op.destination is not None:
                effects.add(write(local_resource(op.destination.type)))
            return effects
        if isinstance(op, MvoutOp):
            effects.add(EffectInstance(MemoryEffectKind.WRITE, op.destination, DRAM))
            effects.add(read(local_resource(op.source.type)))
            return effects
        assert isinstance(op, MVIN_OPS)
        if op.source is not None:
            effects.add(EffectInstance(MemoryEffectKind.READ, op.source, DRAM))
        effects.add(write(local_resource(op.destination.type)))
        return effects


def local_resource(type_: Attribute) -> Resource:
    """The local memory that values of a buffer or local address type refer to."""
    from gemmini_xdsl.dialects.local_memory import BufferType, LocalAddressType

    assert isinstance(type_, BufferType | LocalAddressType)
    return SCRATCHPAD if type_.space.data == Space.SCRATCHPAD else ACCUMULATOR
