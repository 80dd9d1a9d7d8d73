"""Loops over batch dimensions and the matrices that one iteration works on."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import arith, memref, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, MemRefType, StridedLayoutAttr
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineDimExpr, AffineMap


class BatchLoops:
    """A nest of `scf.for` over batch dimensions, and views of what each iteration addresses.

    Without batch dimensions of more than one iteration there are no loops. `outermost` holds the
    operations to insert.
    """

    def __init__(self, extents: Sequence[int], batch: Sequence[int]):
        self.extents = tuple(extents)
        self.outermost: list[Operation] = []
        self._innermost: Block | None = None
        self._bodies: list[Block] = []
        self._indices: dict[int, SSAValue] = {}
        for dim in batch:
            if extents[dim] > 1:
                self._open_loop(dim)

    def _open_loop(self, dim: int) -> None:
        lower, upper, step = (
            arith.ConstantOp(IntegerAttr(value, IndexType())) for value in (0, self.extents[dim], 1)
        )
        body = Block(arg_types=[IndexType()])
        loop = scf.ForOp(lower, upper, step, [], Region(body))
        self.append(lower, upper, step, loop)
        self._bodies.append(body)
        self._innermost = body
        self._indices[dim] = body.args[0]

    def append(self, *ops: Operation) -> None:
        """Add operations to the innermost loop."""
        if self._innermost is None:
            self.outermost.extend(ops)
        else:
            self._innermost.add_ops(ops)

    def close(self) -> list[Operation]:
        """Terminate the loops; returns the operations to insert."""
        for body in self._bodies:
            body.add_op(scf.YieldOp())
        return self.outermost

    def matrix(self, operand: SSAValue, map_: AffineMap, matrix: Sequence[int]) -> SSAValue:
        """The part of `operand` that the dimensions `matrix` of `map_` span in one iteration."""
        type_ = operand.type
        assert isinstance(type_, MemRefType)
        spanned = [
            isinstance(item, AffineDimExpr) and item.position in matrix for item in map_.results
        ]
        if all(spanned):
            return operand
        offsets: list[SSAValue | int] = []
        sizes: list[int] = []
        kept: list[int] = []
        for position, size in enumerate(type_.get_shape()):
            if spanned[position]:
                kept.append(position)
            offsets.append(0 if spanned[position] else self._index(map_.results[position]))
            sizes.append(size if spanned[position] else 1)
        unit = [1] * len(sizes)
        full = memref.SubviewOp.infer_result_type(type_, offsets, sizes, unit)
        layout = full.layout
        assert isinstance(layout, StridedLayoutAttr)
        strides = layout.get_strides()
        view_type = MemRefType(
            type_.element_type,
            [sizes[position] for position in kept],
            StridedLayoutAttr([strides[position] for position in kept], layout.get_offset()),
            type_.memory_space,
        )
        view = memref.SubviewOp.get(operand, offsets, sizes, unit, view_type)
        self.append(view)
        return view.result

    def element(self, operand: SSAValue, map_: AffineMap) -> SSAValue:
        """The element of `operand` at `map_` in one iteration; a scalar is its own element."""
        if not isinstance(operand.type, MemRefType):
            return operand
        indices = []
        for item in map_.results:
            index = self._index(item)
            if isinstance(index, int):
                constant = arith.ConstantOp(IntegerAttr(index, IndexType()))
                self.append(constant)
                index = constant.result
            indices.append(index)
        load = memref.LoadOp.get(operand, indices)
        self.append(load)
        return load.res

    def _index(self, item: object) -> SSAValue | int:
        if isinstance(item, AffineConstantExpr):
            return item.value
        assert isinstance(item, AffineDimExpr)
        return self._indices.get(item.position, 0)
