"""Removal of buffers that are only written."""

from __future__ import annotations

from collections.abc import Iterable

from xdsl.dialects import arith, memref
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter

from gemmini_xdsl.passes.memory_uses import is_view
from gemmini_xdsl.passes.scalar_expression import is_elementwise


def users(memory: SSAValue) -> set[Operation]:
    """All operations that use a memref or a view of it, views excepted."""
    found: set[Operation] = set()
    for use in memory.uses:
        if is_view(use.operation):
            found |= users(use.operation.results[0])
        else:
            found.add(use.operation)
    return found


def erase_dead_buffers(buffers: Iterable[SSAValue]) -> None:
    """Erase those of `buffers` that are allocations nothing reads, and what only writes them.

    Writing them may have been the only use of other buffers among them: these go as well.
    """
    pending = {buffer for buffer in buffers if isinstance(buffer.owner, memref.AllocOp)}
    progress = True
    while progress:
        progress = False
        for buffer in list(pending):
            if all(_only_writes(op, buffer) for op in users(buffer)):
                _erase(buffer)
                pending.remove(buffer)
                progress = True


def _only_writes(op: Operation, buffer: SSAValue) -> bool:
    if isinstance(op, memref.DeallocOp):
        return True
    if isinstance(op, memref.CopyOp):
        return op.destination is buffer and op.source is not buffer
    if not is_elementwise(op) or op.operands[-1] is not buffer:
        return False
    return buffer not in op.operands[:-1]


def erase_with_constants(op: Operation) -> None:
    """Erase an operation and the constants that only it used."""
    operands = list(op.operands)
    Rewriter.erase_op(op)
    for operand in operands:
        if isinstance(operand.owner, arith.ConstantOp) and not operand.uses.get_length():
            Rewriter.erase_op(operand.owner)


def _erase(buffer: SSAValue) -> None:
    for op in users(buffer):
        erase_with_constants(op)
    for use in list(buffer.uses):
        Rewriter.erase_op(use.operation)
    assert isinstance(buffer.owner, Operation)
    Rewriter.erase_op(buffer.owner)
