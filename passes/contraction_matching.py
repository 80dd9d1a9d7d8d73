"""Recognition of matrix products in linalg operations on memrefs.

A product is recognised by what it computes, not by its name: the body adds to the result the
product of two int8 elements (sign-extended, possibly minus constant zero points), and the indexing
maps address a matrix of each operand. All other dimensions are batch dimensions.
"""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects import arith, linalg
from xdsl.dialects.builtin import IntegerType, MemRefType, i8, i32
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.ir import Operation, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineMap

from gemmini_xdsl.dialects.matmul import INT8_MAX, INT8_MIN
from gemmini_xdsl.passes.memory_uses import BlockUses, root
from gemmini_xdsl.passes.scalar_expression import (
    Apply,
    Constant,
    Element,
    Expression,
    constant_results,
    elements,
    expression_of,
    reindex,
    stored_expression,
    substitute,
)


@dataclass(frozen=True)
class Factor:
    """One of the two matrices: its int8 element over the product's loops, and its zero point.

    `producers` are the operations whose results it bypasses, in the order they run; the memory of
    `element` is first read at `read_at`.
    """

    element: Element
    zero_point: int
    producers: tuple[Operation, ...]
    read_at: Operation


@dataclass(frozen=True)
class Contraction:
    """`c[...] += (a - a_zero_point) * (b - b_zero_point)`, over the loops of `op`.

    `row`, `column` and `depth` are the loops of one matrix product; every other loop is a batch
    loop. `result_map` addresses C.
    """

    op: LinalgStructuredOperation
    a: Factor
    b: Factor
    result: SSAValue
    result_map: AffineMap
    row: int
    column: int
    depth: int

    @property
    def extents(self) -> tuple[int, ...]:
        """Extent of every loop."""
        return loop_extents(self.op)


def loop_extents(op: LinalgStructuredOperation) -> tuple[int, ...]:
    """Extent of every loop of `op`."""
    return tuple(op.get_static_loop_ranges())


def match_contraction(op: Operation, uses: BlockUses) -> Contraction | None:
    """The product that `op` is, or None."""
    if not isinstance(op, LinalgStructuredOperation) or len(op.outputs) != 1 or op.results:
        return None
    if isinstance(op, linalg.ops.GenericOp) and op.library_call is not None:
        return None
    result = op.outputs[0]
    if not isinstance(result.type, MemRefType) or result.type.element_type != i32:
        return None
    if not all(_is_static(operand) for operand in op.operands):
        return None
    maps = [attribute.data for attribute in op.get_indexing_maps().data]
    expression = expression_of(op)
    if not isinstance(expression, Apply) or expression.op is not arith.AddiOp:
        return None
    accumulator = Element(result, maps[-1])
    first, second = expression.arguments
    product = second if first == accumulator else first if second == accumulator else None
    if not isinstance(product, Apply) or product.op is not arith.MuliOp:
        return None
    if any(item.operand is result for item in elements(product)):
        return None
    left = resolve_factor(product.arguments[0], op, uses)
    right = resolve_factor(product.arguments[1], op, uses)
    if left is None or right is None:
        return None
    return _assign_loops(op, left, right, result, maps[-1])


def _is_static(value: SSAValue) -> bool:
    return not isinstance(value.type, MemRefType) or all(
        size > 0 for size in value.type.get_shape()
    )


def _assign_loops(
    op: LinalgStructuredOperation,
    left: Factor,
    right: Factor,
    result: SSAValue,
    result_map: AffineMap,
) -> Contraction | None:
    """Tell apart rows, columns, depth and batch loops."""
    maps = (left.element.map_, right.element.map_, result_map)
    if not all(constant_results(map_) for map_ in maps):
        return None
    left_dims, right_dims, result_dims = ([*_dims(map_)] for map_ in maps)
    for dims in (left_dims, right_dims, result_dims):
        if len(set(dims)) != len(dims):
            return None
    reductions = [
        dim
        for dim, item in enumerate(op.get_iterator_types())
        if item.data == linalg.attrs.IteratorType.REDUCTION
    ]
    parallel = [dim for dim in range(result_map.num_dims) if dim not in reductions]
    if sorted(result_dims) != parallel or len(reductions) != 1:
        return None
    depth = reductions[0]
    if depth not in left_dims or depth not in right_dims or not result_map.results:
        return None
    # The columns are contiguous in C; B is the operand that has them.
    last = result_map.results[-1]
    if not isinstance(last, AffineDimExpr):
        return None
    column = last.position
    if column in left_dims and column not in right_dims:
        left, right = right, left
        left_dims, right_dims = right_dims, left_dims
    if column in left_dims or column not in right_dims:
        return None
    rows = [dim for dim in result_dims if dim in left_dims and dim not in right_dims]
    if not rows:
        return None
    row = left_dims[-1] if left_dims[-1] in rows else rows[-1]
    if left_dims[-1] not in (row, depth) or right_dims[-1] not in (column, depth):
        return None
    if not all(_ends_in_dim(item.element.map_) for item in (left, right)):
        return None
    return Contraction(op, left, right, result, result_map, row, column, depth)


def _dims(map_: AffineMap) -> list[int]:
    return [item.position for item in map_.results if isinstance(item, AffineDimExpr)]


def _ends_in_dim(map_: AffineMap) -> bool:
    return isinstance(map_.results[-1], AffineDimExpr)


# -- factors --------------------------------------------------------------------------------------


def resolve_factor(
    expression: Expression, op: Operation, uses: BlockUses, producers: tuple[Operation, ...] = ()
) -> Factor | None:
    """An expression as an int8 element minus a zero point, through the operations that produce it.

    Looks through as many producers as possible: whatever only widens, shifts by a constant or
    transposes need not run at all.
    """
    read_at = producers[0] if producers else op
    element = _only_element(expression)
    if element is None or not isinstance(element.operand.type, MemRefType):
        return None
    produced = producer_of(element, read_at, uses)
    if produced is not None:
        producer, value = produced
        through = resolve_factor(
            substitute(expression, lambda _: value), op, uses, (producer, *producers)
        )
        if through is not None:
            return through
    zero_point = _zero_point(expression)
    if zero_point is None or not INT8_MIN <= zero_point <= INT8_MAX:
        return None
    return Factor(element, zero_point, producers, read_at)


def _only_element(expression: Expression) -> Element | None:
    found = list(elements(expression))
    return found[0] if len(found) == 1 else None


def producer_of(
    element: Element, read_at: Operation, uses: BlockUses
) -> tuple[Operation, Expression] | None:
    """The operation that wrote `element`, and what it stored, over the loops of the reader."""
    memory = element.operand
    if root(memory) is not memory:
        return None
    use = uses.last_write_before(memory, read_at)
    if use is None:
        return None
    value = stored_expression(use.op)
    target = use.op.operands[-1]
    if value is None or target is not memory:
        return None
    return use.op, reindex(value, element.map_)


def _zero_point(expression: Expression) -> int | None:
    """`z` if the expression is an int8 element minus `z`, computed without overflow in int32."""
    shift = _shift(expression)
    if shift is None or (isinstance(expression, Element) or expression.type != i32):
        return None
    return -shift


def _shift(expression: Expression) -> int | None:
    match expression:
        case Element():
            return 0 if expression.type == i8 else None
        case Apply(arith.ExtSIOp, (inner,), _):
            return _shift(inner)
        case Apply(arith.AddiOp, (inner, Constant(value, _)), IntegerType() as type_):
            return _shifted(inner, int(value), type_)
        case Apply(arith.AddiOp, (Constant(value, _), inner), IntegerType() as type_):
            return _shifted(inner, int(value), type_)
        case Apply(arith.SubiOp, (inner, Constant(value, _)), IntegerType() as type_):
            return _shifted(inner, -int(value), type_)
    return None


def _shifted(inner: Expression, value: int, type_: IntegerType) -> int | None:
    shift = _shift(inner)
    if shift is None:
        return None
    shift += value
    limit = 1 << (type_.bitwidth - 1)
    if -limit <= INT8_MIN + shift and INT8_MAX + shift < limit:
        return shift
    return None


def matrix_order(map_: AffineMap, outer: int, inner: int) -> bool:
    """Whether `outer` comes before `inner` in a map."""
    dims = _dims(map_)
    return dims.index(outer) < dims.index(inner)
