"""Upper bounds of index values, as verifiers of partly dynamic sizes need them."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import IntegerAttr, i1
from xdsl.ir import SSAValue


def constant_value(value: SSAValue | int) -> int | None:
    """The value of an integer or of an `arith.constant`, else None; `true` is 1."""
    if isinstance(value, int):
        return value
    if isinstance(value.owner, arith.ConstantOp) and isinstance(value.owner.value, IntegerAttr):
        number: int = value.owner.value.value.data
        return number & 1 if value.type == i1 else number
    return None


def upper_bound(value: SSAValue | int) -> int | None:
    """The least bound that the defining operations of a non-negative `value` show, else None.

    Understands constants, `minsi`, `minui`, `andi`, sums, differences, quotients and remainders
    by a constant, and `select`.
    """
    constant = constant_value(value)
    if constant is not None or isinstance(value, int):
        return constant
    match value.owner:
        case arith.MinSIOp() | arith.MinUIOp() | arith.AndIOp():
            bounds = [upper_bound(operand) for operand in value.owner.operands]
            return min((bound for bound in bounds if bound is not None), default=None)
        case arith.RemSIOp() | arith.RemUIOp():
            divisor = constant_value(value.owner.operands[1])
            return None if divisor is None else abs(divisor) - 1
        case arith.AddiOp():
            bounds = [upper_bound(operand) for operand in value.owner.operands]
            return None if None in bounds else sum(bound for bound in bounds if bound is not None)
        case arith.SubiOp():
            return upper_bound(value.owner.lhs)
        case arith.DivUIOp():
            dividend, divisor = upper_bound(value.owner.lhs), constant_value(value.owner.rhs)
            return None if dividend is None or not divisor else dividend // divisor
        case arith.SelectOp():
            first, second = upper_bound(value.owner.lhs), upper_bound(value.owner.rhs)
            return None if first is None or second is None else max(first, second)
        case _:
            return None
