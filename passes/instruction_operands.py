"""What an instruction works on, whatever its kind, and the instruction for other operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.ir import Operation, SSAValue

from gemmini_xdsl.dialects.isa import (
    MVIN_OPS,
    ComputeAccumulatedOp,
    ComputePreloadedOp,
    MvoutOp,
    PreloadOp,
)
from gemmini_xdsl.dialects.mixed import Index

COMPUTES = (ComputePreloadedOp, ComputeAccumulatedOp)


@dataclass(frozen=True)
class InstructionOperands:
    """A matrix in DRAM with the offsets of an element, and local addresses with their sizes.

    `addresses` are those of the assembly in order, None for one that is left out; `sizes` gives
    rows and columns of each.
    """

    matrix: SSAValue | None
    offsets: Sequence[Index]
    addresses: tuple[SSAValue | None, ...]
    sizes: Sequence[Index]


def operands_of(op: Operation) -> InstructionOperands | None:
    """What `op` works on; None if it is no transfer and no part of a product."""
    match op:
        case MvoutOp():
            return InstructionOperands(
                op.destination, op.mixed_offsets, (op.source,), op.mixed_sizes
            )
        case PreloadOp():
            sizes = [*op.mixed_stationary_sizes, *op.mixed_destination_sizes]
            return InstructionOperands(None, (), (op.stationary, op.destination), sizes)
        case ComputePreloadedOp() | ComputeAccumulatedOp():
            sizes = [*op.mixed_a_sizes, *op.mixed_bd_sizes]
            return InstructionOperands(None, (), (op.a, op.bd), sizes)
        case _ if isinstance(op, MVIN_OPS):
            return InstructionOperands(
                op.source, op.mixed_offsets, (op.destination,), op.mixed_sizes
            )
    return None


def with_operands(op: Operation, new: InstructionOperands) -> Operation:
    """An instruction of the kind of `op` that works on something else."""
    matrix, offsets, sizes = new.matrix, new.offsets, new.sizes
    first, *others = new.addresses
    match op:
        case MvoutOp():
            assert first is not None
            assert matrix is not None
            return MvoutOp(first, matrix, offsets, sizes)
        case PreloadOp():
            return PreloadOp(first, sizes[:2], others[0], sizes[2:])
        case ComputePreloadedOp() | ComputeAccumulatedOp():
            assert first is not None
            return type(op)(first, sizes[:2], others[0], sizes[2:])
        case _:
            assert isinstance(op, MVIN_OPS)
            assert first is not None
            return type(op)(matrix, offsets, first, sizes)
