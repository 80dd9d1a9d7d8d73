"""What integer operations yield for known operands."""

from __future__ import annotations

import operator
from collections.abc import Callable, Sequence
from typing import TypeAlias

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr
from xdsl.ir import Operation

from gemmini_xdsl.dialects.bounds import constant_value

Function: TypeAlias = Callable[..., int | None]
"""Operands to the result; None if it is not defined for them."""


def _unsigned(function: Callable[[int, int], int]) -> Function:
    """An unsigned division: for numbers that are not negative, and positive divisors."""
    return lambda a, b: function(a, b) if a >= 0 and b > 0 else None


_FUNCTIONS: dict[type[Operation], Function] = {
    arith.AddiOp: operator.add,
    arith.SubiOp: operator.sub,
    arith.MuliOp: operator.mul,
    arith.AndIOp: operator.and_,
    arith.OrIOp: operator.or_,
    arith.MinSIOp: min,
    arith.MaxSIOp: max,
    arith.DivUIOp: _unsigned(operator.floordiv),
    arith.RemUIOp: _unsigned(operator.mod),
    arith.SelectOp: lambda condition, a, b: a if condition else b,
    arith.IndexCastOp: lambda a: a,
    arith.ExtUIOp: lambda a: a,
}
"""Operations on index values, which this compiler makes of small numbers only."""

_COMPARISONS: dict[int, Function] = {
    0: lambda a, b: int(a == b),
    1: lambda a, b: int(a != b),
    2: lambda a, b: int(a < b),
    3: lambda a, b: int(a <= b),
    4: lambda a, b: int(a > b),
    5: lambda a, b: int(a >= b),
}
"""Signed predicates of `arith.cmpi` by number."""


def function_of(op: Operation) -> Function | None:
    """What `op` computes from its operands; None if it is not understood."""
    match op:
        case arith.ConstantOp():
            value = constant_value(op.result) if isinstance(op.value, IntegerAttr) else None
            return None if value is None else lambda: value
        case arith.CmpiOp():
            return _COMPARISONS.get(op.predicate.value.data)
    return _FUNCTIONS.get(type(op))


def evaluate(op: Operation, operands: Sequence[int]) -> int | None:
    """The result of `op` for these operands; None if it is not understood, or not defined."""
    function = function_of(op)
    return None if function is None else function(*operands)
