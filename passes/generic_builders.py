"""Construction of `linalg.generic` operations that passes insert."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import arith, linalg
from xdsl.dialects.builtin import AffineMapAttr, IntegerAttr, IntegerType, MemRefType, StringAttr
from xdsl.ir import Block, Operation, Region, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineMap


def dims_map(num_dims: int, *dims: int) -> AffineMap:
    """The map to some of `num_dims` dimensions."""
    return AffineMap(num_dims, 0, tuple(AffineDimExpr(dim) for dim in dims))


class BodyBuilder:
    """Builds the body of a generic operation."""

    def __init__(self, block: Block):
        self.block = block

    def add(self, op: Operation) -> SSAValue:
        """Append an operation and return its result."""
        self.block.add_op(op)
        return op.results[0]

    def integer(self, value: int, type_: IntegerType) -> SSAValue:
        """An integer constant, wrapped to `type_`."""
        return self.add(arith.ConstantOp(IntegerAttr(value, type_, truncate_bits=True)))


def generic(
    doc: str,
    inputs: Sequence[tuple[SSAValue, AffineMap]],
    output: tuple[SSAValue, AffineMap],
    body: Callable[[BodyBuilder, Sequence[SSAValue]], SSAValue],
    reductions: Sequence[int] = (),
) -> linalg.ops.GenericOp:
    """A generic operation with one output; `body` gets the elements of inputs and output."""
    operands = [*inputs, output]
    block = Block(arg_types=[_element_type(value) for value, _ in operands])
    result = body(BodyBuilder(block), block.args)
    block.add_op(linalg.ops.YieldOp(result))
    iterators = [
        linalg.attrs.IteratorTypeAttr.reduction() if dim in reductions else _PARALLEL
        for dim in range(output[1].num_dims)
    ]
    return linalg.ops.GenericOp(
        [value for value, _ in inputs],
        [output[0]],
        Region(block),
        [AffineMapAttr(map_) for _, map_ in operands],
        iterators,
        doc=StringAttr(doc),
    )


_PARALLEL = linalg.attrs.IteratorTypeAttr.parallel()


def _element_type(value: SSAValue) -> IntegerType:
    type_ = value.type.element_type if isinstance(value.type, MemRefType) else value.type
    assert isinstance(type_, IntegerType)
    return type_
