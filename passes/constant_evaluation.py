"""What integer operations yield for known operands."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation

from gemmini_xdsl.dialects.bounds import constant_value

_BINARY: dict[type[Operation], Callable[[int, int], int]] = {
    arith.AddiOp: lambda a, b: a + b,
    arith.SubiOp: lambda a, b: a - b,
    arith.MuliOp: lambda a, b: a * b,
    arith.AndIOp: lambda a, b: a & b,
    arith.OrIOp: lambda a, b: a | b,
    arith.MinSIOp: min,
    arith.MaxSIOp: max,
}
"""Operations on index values, which this compiler makes of small numbers only."""

_DIVISIONS: dict[type[Operation], Callable[[int, int], int]] = {
    arith.DivUIOp: lambda a, b: a // b,
    arith.RemUIOp: lambda a, b: a % b,
}
"""Unsigned operations: for numbers that are not negative, and positive divisors."""

_COMPARISONS: dict[int, Callable[[int, int], bool]] = {
    0: lambda a, b: a == b,
    1: lambda a, b: a != b,
    2: lambda a, b: a < b,
    3: lambda a, b: a <= b,
    4: lambda a, b: a > b,
    5: lambda a, b: a >= b,
}
"""Signed predicates of `arith.cmpi` by number."""


def evaluate(op: Operation, operands: Sequence[int]) -> int | None:
    """The result of `op` for these operands; None if it is not understood."""
    match op:
        case arith.ConstantOp():
            return constant_value(op.result) if isinstance(op.value, IntegerAttr) else None
        case arith.SelectOp():
            return operands[1] if operands[0] else operands[2]
        case arith.IndexCastOp() | arith.ExtUIOp():
            return operands[0]
        case arith.CmpiOp():
            comparison = _COMPARISONS.get(op.predicate.value.data)
            return None if comparison is None else int(comparison(*operands))
        case arith.DivUIOp() | arith.RemUIOp():
            dividend, divisor = operands
            defined = dividend >= 0 and divisor > 0
            return _DIVISIONS[type(op)](dividend, divisor) if defined else None
    binary = _BINARY.get(type(op))
    return None if binary is None else binary(*operands)
