"""Views of memory whose elements follow each other, as rows and matrices."""

from __future__ import annotations

from math import prod

from xdsl.dialects import memref
from xdsl.dialects.builtin import (
    ArrayAttr,
    DenseArrayBase,
    IntegerAttr,
    MemRefType,
    NoneAttr,
    StridedLayoutAttr,
    i64,
)
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.schedule_rules import ceil_div


def as_vector(builder: IndexBuilder, matrix: SSAValue) -> SSAValue:
    """A matrix without gaps, or of one row, as a memref of rank 1."""
    type_ = matrix.type
    assert isa(type_, MemRefType)
    vector = _reshaped(type_, [prod(type_.get_shape())], [1])
    op = memref.CollapseShapeOp(
        operands=[matrix], result_types=[vector], properties={"reassociation": _ALL}
    )
    return builder.insert(op).results[0]


def as_matrix(builder: IndexBuilder, vector: SSAValue, rows: int, cols: int) -> SSAValue:
    """A memref of rank 1, of `rows` x `cols` elements, as a matrix."""
    type_ = vector.type
    assert isa(type_, MemRefType)
    op = memref.ExpandShapeOp(
        operands=[vector, []],
        result_types=[_reshaped(type_, [rows, cols], [cols, 1])],
        properties={
            "reassociation": _ALL,
            "static_output_shape": DenseArrayBase.from_list(i64, [rows, cols]),
        },
    )
    return builder.insert(op).results[0]


def every_row(builder: IndexBuilder, matrix: SSAValue, step: int, first: int) -> SSAValue:
    """Every `step`-th row of a matrix from row `first` on, as a matrix."""
    type_ = matrix.type
    assert isa(type_, MemRefType)
    rows, cols = type_.get_shape()
    slices = [first, 0], [ceil_div(rows - first, step), cols], [step, 1]
    view = memref.SubviewOp.infer_result_type(type_, *slices)
    return builder.insert(memref.SubviewOp.get(matrix, *slices, view)).results[0]


_ALL = ArrayAttr([ArrayAttr([IntegerAttr(dim, i64) for dim in range(2)])])


def _reshaped(type_: MemRefType, shape: list[int], strides: list[int]) -> MemRefType:
    layout = type_.layout
    if isinstance(layout, StridedLayoutAttr):
        layout = StridedLayoutAttr(strides, layout.offset)
    else:
        assert isinstance(layout, NoneAttr)
    return MemRefType(type_.element_type, shape, layout, type_.memory_space)
