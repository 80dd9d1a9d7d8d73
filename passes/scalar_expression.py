"""The body of a linalg operation as an expression over the elements it reads.

Expressions of consecutive elementwise operations compose, which is how a chain of them is
recognised whatever the number of operations it is spread over.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from xdsl.dialects import arith, linalg, memref
from xdsl.dialects.builtin import (
    Float32Type,
    FloatAttr,
    IntegerAttr,
    IntegerType,
    MemRefType,
    f32,
    i8,
)
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.ir.affine import AffineConstantExpr, AffineDimExpr, AffineMap

from gemmini_xdsl.passes.constant_globals import constant_contents


@dataclass(frozen=True)
class Element:
    """An element of `operand` at `map_` of the iteration space (a scalar operand: an empty map)."""

    operand: SSAValue
    map_: AffineMap

    @property
    def type(self) -> Attribute:
        """Element type."""
        type_ = self.operand.type
        return type_.element_type if isinstance(type_, MemRefType) else type_


@dataclass(frozen=True)
class Constant:
    """A constant; floating-point values are those of `type`."""

    value: int | float
    type: Attribute


@dataclass(frozen=True)
class Apply:
    """An operation applied to expressions; `detail` is the predicate of a comparison."""

    op: type[Operation]
    arguments: tuple[Expression, ...]
    type: Attribute
    detail: int = 0


Expression = Element | Constant | Apply


def constant_of(value: SSAValue) -> Constant | None:
    """The constant that `value` is, or the only element of a constant global, or None."""
    owner = value.owner
    contents = constant_contents(value)
    if contents is not None and contents.size == 1:
        assert isinstance(value.type, MemRefType)
        # A matrix of one int8 element may be an operand of a product.
        if contents.ndim == 0 or value.type.element_type != i8:
            return Constant(contents.item(), value.type.element_type)
    if not isinstance(owner, arith.ConstantOp):
        return None
    match owner.value:
        case IntegerAttr():
            return Constant(owner.value.value.data, value.type)
        case FloatAttr():
            return Constant(_rounded(owner.value.value.data, value.type), value.type)
    return None


def _rounded(value: float, type_: Attribute) -> float:
    return float(np.float32(value)) if type_ == f32 else value


def expression_of(op: LinalgStructuredOperation) -> Expression | None:
    """What `op` stores, over its iteration space; None if it is not understood."""
    maps = [attribute.data for attribute in op.get_indexing_maps().data]
    block = op.body.block
    if len(op.outputs) != 1 or op.results:
        return None

    def visit(value: SSAValue) -> Expression | None:
        constant = constant_of(value)
        if constant is not None:
            return constant
        if isinstance(value, BlockArgument):
            if value.block is not block:
                return None
            operand = op.operands[value.index]
            return constant_of(operand) or Element(operand, maps[value.index])
        owner = value.owner
        if not isinstance(owner, Operation) or owner.regions or len(owner.results) != 1:
            return None
        if isinstance(owner, linalg.ops.IndexOp) or owner.parent_block() is not block:
            return None
        arguments = [visit(operand) for operand in owner.operands]
        if not arguments or any(argument is None for argument in arguments):
            return None
        detail = 0
        if isinstance(owner, arith.CmpiOp | arith.CmpfOp):
            detail = owner.predicate.value.data
        return _simplified(
            Apply(type(owner), tuple(item for item in arguments if item), value.type, detail)
        )

    terminator = block.last_op
    if not isinstance(terminator, linalg.ops.YieldOp) or len(terminator.operands) != 1:
        return None
    return visit(terminator.operands[0])


# -- simplification -------------------------------------------------------------------------------

_GREATER = {arith.CmpiOp: (4, 5), arith.CmpfOp: (2, 3)}
_LESS = {arith.CmpiOp: (2, 3), arith.CmpfOp: (4, 5)}
_FLOAT_FOLDERS: dict[type[Operation], Callable[[np.float32, np.float32], np.float32]] = {
    arith.AddfOp: operator.add,
    arith.SubfOp: operator.sub,
    arith.MulfOp: operator.mul,
    arith.DivfOp: operator.truediv,
}
_INTEGER_FOLDERS: dict[type[Operation], Callable[[int, int], int]] = {
    arith.AddiOp: operator.add,
    arith.SubiOp: operator.sub,
    arith.MuliOp: operator.mul,
}


def _simplified(apply: Apply) -> Expression:
    if all(isinstance(argument, Constant) for argument in apply.arguments):
        return _folded(apply)
    if apply.op is arith.SelectOp:
        return _select_as_extremum(apply)
    return apply


def _folded(apply: Apply) -> Expression:
    values = [item.value for item in apply.arguments if isinstance(item, Constant)]
    if isinstance(apply.type, IntegerType):
        if apply.op in _INTEGER_FOLDERS:
            result = _INTEGER_FOLDERS[apply.op](int(values[0]), int(values[1]))
        elif apply.op in (arith.ExtSIOp, arith.TruncIOp):
            result = int(values[0])
        else:
            return apply
        span = 1 << apply.type.bitwidth
        return Constant((result + span // 2) % span - span // 2, apply.type)
    if not isinstance(apply.type, Float32Type):
        return apply
    if apply.op is arith.SIToFPOp:
        return Constant(float(np.float32(int(values[0]))), apply.type)
    if apply.op in _FLOAT_FOLDERS:
        with np.errstate(all="ignore"):
            folded = _FLOAT_FOLDERS[apply.op](np.float32(values[0]), np.float32(values[1]))
        return Constant(float(folded), apply.type)
    return apply


def _select_as_extremum(apply: Apply) -> Expression:
    """`select(x > y, x, y)` and its variants as a maximum or minimum."""
    condition, first, second = apply.arguments
    if not isinstance(condition, Apply) or condition.op not in _GREATER:
        return apply
    if condition.arguments == (first, second):
        greater_is_max = True
    elif condition.arguments == (second, first):
        greater_is_max = False
    else:
        return apply
    if condition.detail in _GREATER[condition.op]:
        is_max = greater_is_max
    elif condition.detail in _LESS[condition.op]:
        is_max = not greater_is_max
    else:
        return apply
    ops: tuple[type[Operation], type[Operation]] = (
        (arith.MaximumfOp, arith.MinimumfOp)
        if condition.op is arith.CmpfOp
        else (arith.MaxSIOp, arith.MinSIOp)
    )
    return Apply(ops[0] if is_max else ops[1], (first, second), apply.type)


# -- composition ----------------------------------------------------------------------------------


def elements(expression: Expression) -> Iterator[Element]:
    """All elements that an expression reads, with repetitions."""
    match expression:
        case Element():
            yield expression
        case Apply():
            for argument in expression.arguments:
                yield from elements(argument)


def substitute(expression: Expression, replace: Callable[[Element], Expression]) -> Expression:
    """`expression` with every element replaced."""
    match expression:
        case Element():
            return replace(expression)
        case Apply():
            arguments = tuple(substitute(item, replace) for item in expression.arguments)
            return _simplified(Apply(expression.op, arguments, expression.type, expression.detail))
        case _:
            return expression


def reindex(expression: Expression, map_: AffineMap) -> Expression:
    """`expression` over another iteration space: `map_` gives its dimensions from the new ones."""
    return substitute(
        expression, lambda element: Element(element.operand, element.map_.compose(map_))
    )


def inverse_permutation(map_: AffineMap) -> AffineMap | None:
    """The inverse of a permutation of all dimensions, or None if `map_` is not one."""
    positions = [item.position for item in map_.results if isinstance(item, AffineDimExpr)]
    if len(positions) != len(map_.results) or sorted(positions) != list(range(map_.num_dims)):
        return None
    inverse = [0] * len(positions)
    for index, position in enumerate(positions):
        inverse[position] = index
    return AffineMap(map_.num_dims, 0, tuple(AffineDimExpr(index) for index in inverse))


def is_elementwise(op: Operation) -> bool:
    """Whether `op` is a linalg operation on memrefs that writes each element of one memref once."""
    if isinstance(op, linalg.ops.GenericOp) and op.library_call is not None:
        return False
    if not isinstance(op, LinalgStructuredOperation) or len(op.outputs) != 1 or op.results:
        return False
    if not isinstance(op.outputs[0].type, MemRefType):
        return False
    if any(item.data != linalg.attrs.IteratorType.PARALLEL for item in op.get_iterator_types()):
        return False
    return inverse_permutation(op.get_indexing_maps().data[-1].data) is not None


def stored_expression(op: Operation) -> Expression | None:
    """What an elementwise operation stores, over the indices of the memref that it writes.

    None for anything else, and for operations that read the memref they write.
    """
    if isinstance(op, memref.CopyOp):
        type_ = op.source.type
        assert isinstance(type_, MemRefType)
        return Element(op.source, AffineMap.identity(type_.get_num_dims()))
    if not is_elementwise(op):
        return None
    assert isinstance(op, LinalgStructuredOperation)
    expression = expression_of(op)
    inverse = inverse_permutation(op.get_indexing_maps().data[-1].data)
    if expression is None or inverse is None:
        return None
    if any(element.operand is op.outputs[0] for element in elements(expression)):
        return None
    return reindex(expression, inverse)


def constant_results(map_: AffineMap) -> bool:
    """Whether all results of a map are dimensions or constants."""
    return all(isinstance(item, AffineDimExpr | AffineConstantExpr) for item in map_.results)
