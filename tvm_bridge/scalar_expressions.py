"""Translation of scalar TIR expressions to arith and math operations."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from xdsl.dialects import arith, math
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, IntegerType, f32, i1, i8, i16, i32, i64
from xdsl.ir import Attribute, Block, Operation, SSAValue

from gemmini_xdsl.tvm_bridge import tir_access as tir

SCALAR_TYPES: dict[str, Attribute] = {
    "bool": i1,
    "int8": i8,
    "int16": i16,
    "int32": i32,
    "int64": i64,
    "float32": f32,
}
"""TVM element types that can be computed with. Signless integers are signed, as in TVM."""


class UnsupportedExpressionError(Exception):
    """An expression has no exact counterpart; the message says which and why."""


def scalar_type(dtype: str) -> Attribute:
    """The MLIR type of a TVM scalar type; raises `UnsupportedExpressionError` if there is none."""
    if dtype not in SCALAR_TYPES:
        known = ", ".join(SCALAR_TYPES)
        raise UnsupportedExpressionError(f"element type {dtype} is not supported (use {known})")
    return SCALAR_TYPES[dtype]


_INTEGER_BINARY: dict[str, type[arith.SignlessIntegerBinaryOperation]] = {
    "Add": arith.AddiOp,
    "Sub": arith.SubiOp,
    "Mul": arith.MuliOp,
    "Div": arith.DivSIOp,
    "Mod": arith.RemSIOp,
    "FloorDiv": arith.FloorDivSIOp,
    "Min": arith.MinSIOp,
    "Max": arith.MaxSIOp,
    "And": arith.AndIOp,
    "Or": arith.OrIOp,
    "bitwise_and": arith.AndIOp,
    "bitwise_or": arith.OrIOp,
    "bitwise_xor": arith.XOrIOp,
    "shift_left": arith.ShLIOp,
    "shift_right": arith.ShRSIOp,
    "BitwiseAnd": arith.AndIOp,
    "BitwiseOr": arith.OrIOp,
    "BitwiseXor": arith.XOrIOp,
    "LShift": arith.ShLIOp,
    "RShift": arith.ShRSIOp,
}
# The maximum and minimum of TVM do not define what NaN gives; these propagate it.
_FLOAT_BINARY: dict[str, type[arith.FloatingPointLikeBinaryOperation]] = {
    "Add": arith.AddfOp,
    "Sub": arith.SubfOp,
    "Mul": arith.MulfOp,
    "Div": arith.DivfOp,
    "Min": arith.MinimumfOp,
    "Max": arith.MaximumfOp,
}
_COMPARISONS = {"EQ": "eq", "NE": "ne", "LT": "slt", "LE": "sle", "GT": "sgt", "GE": "sge"}
_FLOAT_COMPARISONS = {
    "EQ": "oeq",
    "NE": "une",
    "LT": "olt",
    "LE": "ole",
    "GT": "ogt",
    "GE": "oge",
}
# Only functions with one correctly rounded result: any other would differ between libraries.
_FLOAT_UNARY: dict[str, Callable[[SSAValue], Operation]] = {
    "round": math.RoundOp,
    "nearbyint": math.RoundEvenOp,
    "fabs": math.AbsFOp,
    "floor": math.FloorOp,
    "ceil": math.CeilOp,
    "trunc": math.TruncOp,
    "sqrt": math.SqrtOp,
}


@dataclass
class ScalarTranslator:
    """Appends to `block` the operations that compute an expression.

    `load` gives the value of a load, `axis` that of an iteration variable (or None).
    """

    block: Block
    load: Callable[[Any], SSAValue]
    axis: Callable[[Any, Attribute], SSAValue | None]
    lets: list[tuple[Any, SSAValue]] = field(default_factory=list)

    def translate(self, expression: Any) -> SSAValue:
        """The value of `expression`; raises `UnsupportedExpressionError`."""
        if tir.as_load(expression) is not None:
            return self.load(expression)
        type_ = scalar_type(tir.expression_dtype(expression))
        constant = tir.constant_value(expression)
        if constant is not None:
            return self._constant(constant, type_)
        if tir.is_variable(expression):
            return self._variable(expression, type_)
        let = tir.as_let(expression)
        if let is not None:
            self.lets.append((let[0], self.translate(let[1])))
            return self.translate(let[2])
        call = tir.as_call(expression)
        if call is not None:
            return self._call(*call, type_)
        if not tir.is_operator(expression):
            raise UnsupportedExpressionError(
                f"{tir.kind(expression)} expression '{expression}' is not supported"
            )
        return self._operator(expression, type_)

    def _append(self, operation: Operation) -> SSAValue:
        self.block.add_op(operation)
        return operation.results[0]

    def _constant(self, value: int | float, type_: Attribute) -> SSAValue:
        if isinstance(type_, IntegerType):
            truncated = IntegerAttr(int(value), type_, truncate_bits=True)
            return self._append(arith.ConstantOp(truncated))
        return self._append(arith.ConstantOp(FloatAttr(float(value), f32)))

    def _variable(self, variable: Any, type_: Attribute) -> SSAValue:
        for bound, value in self.lets:
            if tir.same(bound, variable):
                return value
        found = self.axis(variable, type_)
        if found is None:
            raise UnsupportedExpressionError(f"variable '{variable}' is not bound in the block")
        return found

    def _operator(self, expression: Any, type_: Attribute) -> SSAValue:
        kind = tir.kind(expression)
        values = [self.translate(operand) for operand in tir.operands(expression)]
        if kind == "Cast":
            return self._cast(values[0], type_)
        if kind == "Not":
            return self._append(arith.XOrIOp(values[0], self._constant(1, i1)))
        if kind == "BitwiseNot":
            return self._append(arith.XOrIOp(values[0], self._constant(-1, type_)))
        if kind == "Select":
            return self._append(arith.SelectOp(values[0], values[1], values[2]))
        left, right = values
        if kind in _COMPARISONS:
            if left.type == f32:
                return self._append(arith.CmpfOp(left, right, _FLOAT_COMPARISONS[kind]))
            # bool is unsigned: true is the greater value.
            predicate = _COMPARISONS[kind]
            if left.type == i1 and predicate[0] == "s":
                predicate = "u" + predicate[1:]
            return self._append(arith.CmpiOp(left, right, predicate))
        if kind == "FloorMod" and type_ != f32:
            quotient = self._append(arith.FloorDivSIOp(left, right))
            product = self._append(arith.MuliOp(quotient, right))
            return self._append(arith.SubiOp(left, product))
        return self._binary(kind, left, right, type_)

    def _binary(self, name: str, left: SSAValue, right: SSAValue, type_: Attribute) -> SSAValue:
        if type_ == f32 and name in _FLOAT_BINARY:
            return self._append(_FLOAT_BINARY[name](left, right))
        if type_ != f32 and name in _INTEGER_BINARY:
            return self._append(_INTEGER_BINARY[name](left, right))
        raise UnsupportedExpressionError(f"operator {name} on {type_} is not supported")

    def _cast(self, value: SSAValue, type_: Attribute) -> SSAValue:
        source = value.type
        if source == type_:
            return value
        if source == f32:
            assert isinstance(type_, IntegerType)
            if type_ == i1:
                zero = self._constant(0.0, f32)
                return self._append(arith.CmpfOp(value, zero, "une"))
            return self._append(arith.FPToSIOp(value, type_))
        if type_ == f32:
            convert = arith.UIToFPOp if source == i1 else arith.SIToFPOp
            return self._append(convert(value, type_))
        assert isinstance(source, IntegerType)
        assert isinstance(type_, IntegerType)
        if type_ == i1:
            return self._append(arith.CmpiOp(value, self._constant(0, source), "ne"))
        if type_.bitwidth < source.bitwidth:
            return self._append(arith.TruncIOp(value, type_))
        extend = arith.ExtUIOp if source == i1 else arith.ExtSIOp
        return self._append(extend(value, type_))

    def _call(self, name: str, arguments: list[Any], type_: Attribute) -> SSAValue:
        if name == "q_multiply_shift":
            return self._q_multiply_shift(arguments, type_)
        if name == "if_then_else":
            # Both arms are in bounds (every load is checked), so neither needs guarding.
            condition, first, second = (self.translate(argument) for argument in arguments)
            return self._append(arith.SelectOp(condition, first, second))
        if name in _FLOAT_UNARY and type_ == f32 and len(arguments) == 1:
            return self._append(_FLOAT_UNARY[name](self.translate(arguments[0])))
        if name == "bitwise_not":
            value = self.translate(arguments[0])
            return self._append(arith.XOrIOp(value, self._constant(-1, type_)))
        if name in _INTEGER_BINARY and len(arguments) == 2:
            left, right = (self.translate(argument) for argument in arguments)
            return self._binary(name, left, right, type_)
        raise UnsupportedExpressionError(f"call of '{name}' is not supported")

    def _q_multiply_shift(self, arguments: list[Any], type_: Attribute) -> SSAValue:
        """`round(x * multiplier * 2^(shift - fraction_bits))`, ties upwards, exactly as TVM does.

        TVM computes in 64 bits, except for the multiplier 2^30, which it takes for one half
        whatever `fraction_bits` is, in 32 bits (intrin_rule.cc, "default.FLegalize").
        """
        multiplier, fraction_bits, shift = (tir.integer_value(item) for item in arguments[1:])
        if type_ != i32 or multiplier is None or fraction_bits is None or shift is None:
            raise UnsupportedExpressionError(
                "q_multiply_shift needs an int32 value and constant multiplier, fraction bits "
                "and shift"
            )
        value = self.translate(arguments[0])
        half = 1 << 30
        if multiplier == half and shift > 0:
            if not 1 < shift <= 32:
                raise UnsupportedExpressionError(
                    f"q_multiply_shift by the power of two 2^{shift - 1} is not defined by TVM"
                )
            return self._append(arith.ShLIOp(value, self._constant(shift - 1, i32)))
        if multiplier == half:
            if shift < -30:
                raise UnsupportedExpressionError(f"q_multiply_shift by 2^{shift - 1}: shift > 31")
            return self._rounding_shift(value, 1 - shift, i32)
        right = fraction_bits + max(-shift, 0)
        if not 1 <= right <= 63 or shift > 63:
            raise UnsupportedExpressionError(
                f"q_multiply_shift shifts right by {right} bits; 1 to 63 are possible"
            )
        wide = self._append(arith.ExtSIOp(value, i64))
        if shift > 0:
            wide = self._append(arith.ShLIOp(wide, self._constant(shift, i64)))
        wide = self._append(arith.MuliOp(wide, self._constant(multiplier, i64)))
        return self._append(arith.TruncIOp(self._rounding_shift(wide, right, i64), i32))

    def _rounding_shift(self, value: SSAValue, bits: int, type_: IntegerType) -> SSAValue:
        rounded = self._append(arith.AddiOp(value, self._constant(1 << (bits - 1), type_)))
        return self._append(arith.ShRSIOp(rounded, self._constant(bits, type_)))
