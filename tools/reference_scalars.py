"""Scalar operations of MLIR on numpy values: one entry for each operation.

Values are numpy scalars or arrays (all elements at once), i1 as bool, `index` as int64. Integer
arithmetic wraps as numpy's does.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import (
    Float32Type,
    Float64Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    IntegerType,
)
from xdsl.ir import Attribute, Operation

from gemmini_xdsl.tools.errors import GemminiError

Value = Any
"""A numpy scalar or array."""


def dtype_of(type_: Attribute) -> np.dtype[Any]:
    """The numpy type of a scalar type. Raises `GemminiError`."""
    match type_:
        case IndexType():
            return np.dtype(np.int64)
        case IntegerType() if type_.width.data == 1:
            return np.dtype(np.bool_)
        case IntegerType() if type_.width.data in (8, 16, 32, 64):
            return np.dtype(f"int{type_.width.data}")
        case Float32Type():
            return np.dtype(np.float32)
        case Float64Type():
            return np.dtype(np.float64)
        case _:
            raise GemminiError(f"the reference cannot evaluate values of type {type_}")


def evaluate_scalar(op: Operation, operands: Sequence[Value]) -> list[Value] | None:
    """The results of `op`, or None if it is not a scalar operation."""
    if isinstance(op, arith.ConstantOp):
        return [_constant(op)]
    function = _OPERATIONS.get(type(op))
    if function is None:
        return None
    result = function(op, *operands)
    if isinstance(result, tuple):
        return list(result)
    return [np.asarray(result).astype(dtype_of(op.results[0].type), copy=False)[()]]


def _constant(op: arith.ConstantOp) -> Value:
    dtype = dtype_of(op.result.type)
    match op.value:
        case IntegerAttr():
            value = op.value.value.data
            if dtype == np.bool_:
                return np.bool_(value & 1)
            bits = dtype.itemsize * 8
            value &= (1 << bits) - 1
            return dtype.type(value - (1 << bits) if value >> (bits - 1) else value)
        case FloatAttr():
            return dtype.type(op.value.value.data)
        case _:
            raise GemminiError(f"the reference cannot evaluate {op.name} of {op.result.type}")


def _unsigned(value: Value) -> NDArray[Any]:
    array = np.asarray(value)
    return array if array.dtype == np.bool_ else array.view(f"uint{array.dtype.itemsize * 8}")


def _signed(value: Value) -> NDArray[Any]:
    array = np.asarray(value)
    return -array.astype(np.int8) if array.dtype == np.bool_ else array


def _bitwise(
    function: Callable[[Value, Value], Value], on_bool: Any = None
) -> Callable[..., Value]:
    def apply(_: Operation, a: Value, b: Value) -> Value:
        if np.asarray(a).dtype == np.bool_ and on_bool is not None:
            return on_bool(a, b)
        return function(a, b)

    return apply


def _as_unsigned(function: Callable[[Value, Value], Value]) -> Callable[..., Value]:
    def apply(_: Operation, a: Value, b: Value) -> Value:
        result = np.asarray(function(_unsigned(a), _unsigned(b)))
        return result if result.dtype == np.bool_ else result.view(np.asarray(a).dtype)

    return apply


def _as_signed(function: Callable[[Value, Value], Value]) -> Callable[..., Value]:
    return lambda _, a, b: function(_signed(a), _signed(b))


def _trunc_div(a: NDArray[Any], b: NDArray[Any]) -> Value:
    quotient = np.floor_divide(a, b)
    inexact = (np.remainder(a, b) != 0) & ((a < 0) != (b < 0))
    return quotient + inexact.astype(np.asarray(a).dtype)


def _ceil_div(a: NDArray[Any], b: NDArray[Any]) -> Value:
    return np.floor_divide(a, b) + (np.remainder(a, b) != 0).astype(np.asarray(a).dtype)


def _remainder(a: NDArray[Any], b: NDArray[Any]) -> Value:
    return np.fmod(a, b)


_CMPI: list[Callable[..., Value]] = [
    _bitwise(np.equal),
    _bitwise(np.not_equal),
    _as_signed(np.less),
    _as_signed(np.less_equal),
    _as_signed(np.greater),
    _as_signed(np.greater_equal),
    _as_unsigned(np.less),
    _as_unsigned(np.less_equal),
    _as_unsigned(np.greater),
    _as_unsigned(np.greater_equal),
]


def _cmpi(op: arith.CmpiOp, a: Value, b: Value) -> Value:
    return _CMPI[op.predicate.value.data](op, a, b)


def _cmpf(op: arith.CmpfOp, a: Value, b: Value) -> Value:
    unordered = np.isnan(a) | np.isnan(b)
    ordered = [
        np.zeros_like(unordered),
        a == b,
        a > b,
        a >= b,
        a < b,
        a <= b,
        (a < b) | (a > b),
        ~unordered,
    ]
    predicate = op.predicate.value.data
    if predicate < len(ordered):
        return ordered[predicate]
    # From 8 on: ueq, ugt, uge, ult, ule, une, uno, true.
    compared = [*ordered[1:7], np.zeros_like(unordered), ~unordered]
    return compared[predicate - len(ordered)] | unordered


def _maximum(sign: int, propagate: bool) -> Callable[..., Value]:
    def apply(_: Operation, a: Value, b: Value) -> Value:
        # Where the operands are equal, -0 is the lesser.
        first = np.where(a == b, np.signbit(a) == (sign < 0), a > b if sign > 0 else a < b)
        if propagate:
            return np.where(np.isnan(a) | np.isnan(b), a + b, np.where(first, a, b))
        return np.where(np.isnan(a), b, np.where(np.isnan(b) | first, a, b))

    return apply


def _round_away(_: Operation, a: Value) -> Value:
    whole = np.trunc(a)
    return np.copysign(whole + np.copysign(np.abs(a - whole) >= 0.5, a), a)


def _wide(a: Value, b: Value, signed: bool) -> tuple[Value, Value]:
    dtype = np.asarray(a).dtype
    bits = dtype.itemsize * 8
    mask = (1 << bits) - 1
    x, y = (np.asarray(_signed(v) if signed else _unsigned(v)).astype(object) for v in (a, b))
    product = x * y

    def part(value: Any) -> Value:
        wrapped = (value & mask) - ((value >> (bits - 1) & 1) << bits)
        return np.asarray(wrapped).astype(dtype)[()]

    return part(product), part(product >> bits)


def _add_extended(_: Operation, a: Value, b: Value) -> tuple[Value, Value]:
    total = _unsigned(a) + _unsigned(b)
    return np.asarray(total).view(np.asarray(a).dtype)[()], total < _unsigned(a)


def _convert(op: Operation, a: Value) -> Value:
    return np.asarray(a).astype(dtype_of(op.results[0].type))


def _convert_signed(op: Operation, a: Value) -> Value:
    return np.asarray(_signed(a)).astype(dtype_of(op.results[0].type))


def _convert_unsigned(op: Operation, a: Value) -> Value:
    return np.asarray(_unsigned(a)).astype(dtype_of(op.results[0].type))


def _truncate(op: Operation, a: Value) -> Value:
    dtype = dtype_of(op.results[0].type)
    return (np.asarray(a) & 1) != 0 if dtype == np.bool_ else np.asarray(a).astype(dtype)


def _to_unsigned(op: Operation, a: Value) -> Value:
    dtype = dtype_of(op.results[0].type)
    return np.asarray(a).astype(f"uint{dtype.itemsize * 8}").view(dtype)


def _shift(function: Callable[[Value, Value], Value], unsigned: bool) -> Callable[..., Value]:
    def apply(_: Operation, a: Value, b: Value) -> Value:
        dtype = np.asarray(a).dtype
        amount = np.asarray(b) & (dtype.itemsize * 8 - 1)
        if not unsigned:
            return function(a, amount)
        return np.asarray(function(_unsigned(a), _unsigned(amount))).view(dtype)

    return apply


def _fma(op: math.FmaOp, a: Value, b: Value, c: Value) -> Value:
    if np.asarray(a).dtype != np.float32:
        raise GemminiError(f"the reference evaluates {op.name} for f32 only")
    # Extended precision holds the product; rounding the sum to odd makes the last rounding exact.
    product, addend = np.float64(a) * np.float64(b), np.float64(c)
    total = product + addend
    part = total - product
    error = (product - (total - part)) + (addend - part)
    bits = np.asarray(total).view(np.int64)
    step = np.where((error > 0) == (total > 0), 1, -1)
    odd = np.where((error != 0) & np.isfinite(total) & (bits & 1 == 0), bits + step, bits)
    return odd.view(np.float64)


def _bits(value: Value) -> NDArray[Any]:
    """The bits of integers, most significant first, along a new last axis."""
    array = _unsigned(value)
    shifts = np.arange(array.dtype.itemsize * 8 - 1, -1, -1).astype(array.dtype)
    return np.asarray((array[..., np.newaxis] >> shifts) & 1 != 0)


def _leading_zeros(_: Operation, a: Value) -> Value:
    bits = _bits(a)
    return np.where(bits.any(-1), bits.argmax(-1), bits.shape[-1])


def _trailing_zeros(_: Operation, a: Value) -> Value:
    bits = _bits(a)[..., ::-1]
    return np.where(bits.any(-1), bits.argmax(-1), bits.shape[-1])


def _unary(function: Callable[[Value], Value]) -> Callable[..., Value]:
    return lambda _, a: function(a)


_OPERATIONS: dict[type[Operation], Callable[..., Any]] = {
    arith.AddiOp: _bitwise(np.add, np.logical_xor),
    arith.SubiOp: _bitwise(np.subtract, np.logical_xor),
    arith.MuliOp: _bitwise(np.multiply),
    arith.AndIOp: _bitwise(np.bitwise_and),
    arith.OrIOp: _bitwise(np.bitwise_or),
    arith.XOrIOp: _bitwise(np.bitwise_xor),
    arith.ShLIOp: _shift(np.left_shift, False),
    arith.ShRSIOp: _shift(np.right_shift, False),
    arith.ShRUIOp: _shift(np.right_shift, True),
    arith.DivSIOp: _as_signed(_trunc_div),
    arith.RemSIOp: _as_signed(_remainder),
    arith.FloorDivSIOp: _as_signed(np.floor_divide),
    arith.CeilDivSIOp: _as_signed(_ceil_div),
    arith.DivUIOp: _as_unsigned(np.floor_divide),
    arith.RemUIOp: _as_unsigned(np.remainder),
    arith.CeilDivUIOp: _as_unsigned(_ceil_div),
    arith.MinSIOp: _as_signed(np.minimum),
    arith.MaxSIOp: _as_signed(np.maximum),
    arith.MinUIOp: _as_unsigned(np.minimum),
    arith.MaxUIOp: _as_unsigned(np.maximum),
    arith.CmpiOp: _cmpi,
    arith.CmpfOp: _cmpf,
    arith.SelectOp: lambda _, condition, a, b: np.where(condition, a, b),
    arith.IndexCastOp: _convert_signed,
    arith.ExtSIOp: _convert_signed,
    arith.ExtUIOp: _convert_unsigned,
    arith.TruncIOp: _truncate,
    arith.SIToFPOp: _convert_signed,
    arith.UIToFPOp: _convert_unsigned,
    arith.FPToSIOp: _convert,
    arith.FPToUIOp: _to_unsigned,
    arith.ExtFOp: _convert,
    arith.TruncFOp: _convert,
    arith.BitcastOp: lambda op, a: np.asarray(a).view(dtype_of(op.results[0].type)),
    arith.AddfOp: _bitwise(np.add),
    arith.SubfOp: _bitwise(np.subtract),
    arith.MulfOp: _bitwise(np.multiply),
    arith.DivfOp: _bitwise(np.divide),
    arith.NegfOp: _unary(np.negative),
    arith.MaximumfOp: _maximum(1, True),
    arith.MinimumfOp: _maximum(-1, True),
    arith.MaxnumfOp: _maximum(1, False),
    arith.MinnumfOp: _maximum(-1, False),
    arith.MulSIExtendedOp: lambda _, a, b: _wide(a, b, True),
    arith.MulUIExtendedOp: lambda _, a, b: _wide(a, b, False),
    arith.AddUIExtendedOp: _add_extended,
    math.AbsFOp: _unary(np.abs),
    math.AbsIOp: _unary(np.abs),
    math.CopySignOp: _bitwise(np.copysign),
    math.RoundEvenOp: _unary(np.rint),
    math.RoundOp: _round_away,
    math.TruncOp: _unary(np.trunc),
    math.FloorOp: _unary(np.floor),
    math.CeilOp: _unary(np.ceil),
    math.FmaOp: _fma,
    math.CountLeadingZerosOp: _leading_zeros,
    math.CountTrailingZerosOp: _trailing_zeros,
    math.CtPopOp: lambda _, a: _bits(a).sum(-1),
}
