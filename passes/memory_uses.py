"""Which operations of a block read or write which memory.

Memrefs are taken to be the same memory only through views of one allocation or argument: two
arguments of a function never alias, as the emitted C states with `restrict`. Memory of any other
origin may be any memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass

from xdsl.dialects import arith, func, linalg, math, memref, scf
from xdsl.dialects.builtin import MemRefType, NoneAttr
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.ir import Attribute, Block, Operation, OpResult, SSAValue
from xdsl.traits import is_side_effect_free

Memory = SSAValue | Attribute
"""An allocation or argument, the symbol of a global, or `UNKNOWN`."""

UNKNOWN = NoneAttr()
"""Memory that may be any memory."""

_VIEWS = (
    memref.SubviewOp,
    memref.CastOp,
    memref.CollapseShapeOp,
    memref.ExpandShapeOp,
    memref.ReinterpretCastOp,
    memref.ViewOp,
    memref.MemorySpaceCastOp,
)
_NO_ACCESS = (
    memref.AllocOp,
    memref.DeallocOp,
    memref.GetGlobalOp,
    memref.DimOp,
    linalg.ops.YieldOp,
    linalg.ops.IndexOp,
    scf.YieldOp,
    arith.ConstantOp,
    *_VIEWS,
)
# Not all of their operations say that they are pure.
_PURE_DIALECTS = (arith.Arith.name, math.Math.name)
_STRUCTURED_CONTROL_FLOW = (scf.ForOp, scf.IfOp)


def is_view(op: Operation) -> bool:
    """Whether an operation only gives another view of the memory of its first operand."""
    return isinstance(op, _VIEWS)


def root(value: SSAValue) -> Memory:
    """The memory that a memref is a view of."""
    while isinstance(value, OpResult) and isinstance(value.op, _VIEWS):
        value = value.op.operands[0]
    match value.owner:
        case memref.AllocOp() | memref.AllocaOp():
            return value
        case memref.GetGlobalOp():
            return value.owner.name_
        case Block() if isinstance(value.owner.parent_op(), func.FuncOp):
            return value
        case _:
            return UNKNOWN


def may_overlap(memory: Memory, others: Set[Memory]) -> bool:
    """Whether `memory` may be, or be part of, one of `others`."""
    return memory in others or UNKNOWN in others or (memory == UNKNOWN and bool(others))


@dataclass(frozen=True)
class MemoryUse:
    """Memory that one operation reads and writes, nested operations included."""

    op: Operation
    reads: frozenset[Memory]
    writes: frozenset[Memory]

    @property
    def touches(self) -> frozenset[Memory]:
        """Memory read or written."""
        return self.reads | self.writes


def memory_use(op: Operation) -> MemoryUse:
    """What `op` reads and writes; an operation that is not known may do both to anything."""
    from gemmini_xdsl.dialects.matmul import MatmulOp

    reads: set[Memory] = set()
    writes: set[Memory] = set()
    match op:
        case LinalgStructuredOperation():
            reads.update(_roots(op.inputs))
            writes.update(_roots(op.outputs))
            outputs = op.body.block.args[len(op.inputs) :]
            if any(argument.uses.get_length() for argument in outputs):
                reads.update(_roots(op.outputs))
        case MatmulOp():
            reads.update(_roots([op.a, op.b, *([op.bias] if op.bias is not None else [])]))
            writes.update(_roots([op.c]))
        case memref.LoadOp():
            reads.add(root(op.memref))
        case memref.StoreOp():
            writes.add(root(op.memref))
        case memref.CopyOp():
            reads.add(root(op.source))
            writes.add(root(op.destination))
        case _ if isinstance(op, (*_NO_ACCESS, *_STRUCTURED_CONTROL_FLOW)):
            pass
        case _ if op.dialect_name() not in _PURE_DIALECTS and not is_side_effect_free(op):
            reads.add(UNKNOWN)
            writes.add(UNKNOWN)
    for region in op.regions:
        for block in region.blocks:
            for nested in block.ops:
                use = memory_use(nested)
                reads.update(use.reads)
                writes.update(use.writes)
    return MemoryUse(op, frozenset(reads), frozenset(writes))


def _roots(values: Iterable[SSAValue]) -> set[Memory]:
    return {root(value) for value in values if isinstance(value.type, MemRefType)}


@dataclass(frozen=True)
class BlockUses:
    """The memory uses of all operations of a block, in order."""

    uses: tuple[MemoryUse, ...]

    @classmethod
    def of(cls, block: Block) -> BlockUses:
        """Collect them."""
        return cls(tuple(memory_use(op) for op in block.ops))

    def position(self, op: Operation) -> int:
        """Index of `op` in its block."""
        return next(number for number, use in enumerate(self.uses) if use.op is op)

    def last_touch_before(self, memory: Memory, op: Operation) -> MemoryUse | None:
        """The last operation before `op` that may read or write `memory`."""
        before = reversed(self.uses[: self.position(op)])
        return next((use for use in before if may_overlap(memory, use.touches)), None)

    def last_write_before(self, memory: Memory, op: Operation) -> MemoryUse | None:
        """The last operation before `op` that may write `memory`."""
        before = reversed(self.uses[: self.position(op)])
        return next((use for use in before if may_overlap(memory, use.writes)), None)

    def written_between(
        self, memory: Memory, start: Operation, end: Operation, but: Iterable[Operation] = ()
    ) -> bool:
        """Whether an operation between `start` and `end`, but not `but`, may write `memory`."""
        excluded = set(but)
        return any(
            may_overlap(memory, use.writes) and use.op not in excluded
            for use in self.uses[self.position(start) + 1 : self.position(end)]
        )
