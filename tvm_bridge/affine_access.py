"""Affine index expressions of TIR and the memref views that linalg can address with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from xdsl.ir.affine import AffineDimExpr, AffineExpr

from gemmini_xdsl.tvm_bridge import tir_access as tir


class NotAffineError(Exception):
    """An index is not an affine expression of the block's iteration variables."""


def affine_index(expression: Any, variables: Sequence[Any]) -> AffineExpr:
    """`expression` over the dimensions that `variables` are; raises `NotAffineError`."""
    constant = tir.integer_value(expression)
    if constant is not None:
        return AffineExpr.constant(constant)
    if tir.is_variable(expression):
        for position, variable in enumerate(variables):
            if tir.same(variable, expression):
                return AffineExpr.dimension(position)
        raise NotAffineError(f"index uses '{expression}', which is not bound by the block")
    kind = tir.kind(expression)
    if kind == "Cast":
        return affine_index(tir.operands(expression)[0], variables)
    if kind in ("Add", "Sub", "Mul", "FloorDiv", "FloorMod"):
        left, right = (affine_index(item, variables) for item in tir.operands(expression))
        divisor = tir.integer_value(tir.operands(expression)[1])
        match kind:
            case "Add":
                return left + right
            case "Sub":
                return left - right
            case "Mul" if divisor is not None or tir.integer_value(tir.operands(expression)[0]):
                return left * right
            case "FloorDiv" if divisor is not None and divisor > 0:
                return left // right
            case "FloorMod" if divisor is not None and divisor > 0:
                return left % right
    raise NotAffineError(f"index '{expression}' is not affine in the block's variables")


@dataclass(frozen=True)
class LinearForm:
    """`sum(coefficients[d] * d) + constant`."""

    coefficients: tuple[tuple[int, int], ...]
    constant: int

    def span(self, extents: Sequence[int]) -> tuple[int, int]:
        """Least and greatest value over the iteration space."""
        low = high = self.constant
        for dim, coefficient in self.coefficients:
            reach = coefficient * (extents[dim] - 1)
            low, high = low + min(reach, 0), high + max(reach, 0)
        return low, high


def linear_form(expression: AffineExpr, num_dims: int) -> LinearForm | None:
    """The linear form of an expression without divisions, else None."""
    if "floordiv" in str(expression) or "mod" in str(expression) or "ceildiv" in str(expression):
        return None
    origin = [0] * num_dims
    constant = expression.eval(origin, [])
    coefficients = []
    for dim in range(num_dims):
        point = list(origin)
        point[dim] = 1
        coefficient = expression.eval(point, []) - constant
        if coefficient != 0:
            coefficients.append((dim, coefficient))
    return LinearForm(tuple(coefficients), constant)


@dataclass(frozen=True)
class DimensionAccess:
    """How one dimension of a buffer is addressed: a slice of it and an index into the slice."""

    offset: int
    size: int
    stride: int
    index: AffineExpr


def dimension_access(
    expression: AffineExpr, extents: Sequence[int], size: int
) -> DimensionAccess | None:
    """The access of a dimension of `size` elements, or None if it may leave the dimension.

    linalg infers loop bounds from shapes, so a single variable must cover a whole dimension of
    its operand: anything else becomes a slice (offset, size and stride) that it covers.
    """
    form = linear_form(expression, len(extents))
    if form is None:
        # Non-negative operands of floordiv and mod: sampling the ends is not enough, so accept
        # only what interval arithmetic bounds.
        bounds = _interval(expression, extents)
        if bounds is None or bounds[0] < 0 or bounds[1] >= size:
            return None
        return DimensionAccess(0, size, 1, expression)
    low, high = form.span(extents)
    if low < 0 or high >= size:
        return None
    if len(form.coefficients) == 1 and form.coefficients[0][1] > 0:
        dim, stride = form.coefficients[0]
        stride = stride if extents[dim] > 1 else 1
        return DimensionAccess(form.constant, extents[dim], stride, AffineDimExpr(dim))
    return DimensionAccess(0, size, 1, expression)


def _interval(expression: AffineExpr, extents: Sequence[int]) -> tuple[int, int] | None:
    from xdsl.ir.affine import AffineBinaryOpExpr, AffineBinaryOpKind

    form = linear_form(expression, len(extents))
    if form is not None:
        return form.span(extents)
    if not isinstance(expression, AffineBinaryOpExpr):
        return None
    left = _interval(expression.lhs, extents)
    right = _interval(expression.rhs, extents)
    if left is None or right is None:
        return None
    match expression.kind:
        case AffineBinaryOpKind.Add:
            return left[0] + right[0], left[1] + right[1]
        case AffineBinaryOpKind.Mul:
            products = [a * b for a in left for b in right]
            return min(products), max(products)
        case AffineBinaryOpKind.FloorDiv:
            return left[0] // right[0], left[1] // right[0]
        case AffineBinaryOpKind.Mod:
            if left[0] >= 0 and left[1] < right[0]:
                return left
            return 0, right[0] - 1
    return None
