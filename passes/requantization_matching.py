"""Recognition of a requantisation in a chain of scalar operations.

The hardware computes `clamp(rne(f32(relu?(acc)) * scale), -128, 127)` (`gemmini.matmul` with an
int8 result). A chain of operations on an int32 sum equals that only if every step does: bounds may
be applied before rounding (rounding is monotonic), but a second multiplication, a non-constant
scale or a division that is not by a power of two round differently and are refused, unless
approximations are allowed.
"""

from __future__ import annotations

import math as pymath
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from xdsl.dialects import arith, math
from xdsl.dialects.builtin import IntegerType, f32, i8, i32, i64
from xdsl.ir import Operation

from gemmini_xdsl.dialects.matmul import INT8_MAX, INT8_MIN
from gemmini_xdsl.passes.scalar_expression import Apply, Constant, Element, Expression

INT32_REACH = 1 << 31
"""Greatest magnitude of an int32."""


@dataclass(frozen=True)
class Step:
    """One operation of a chain: `op(value, operand)`, or `op(operand, value)` if `reversed_`."""

    op: type[Operation]
    operand: Constant | Element | None
    type: object
    reversed_: bool = False

    @property
    def number(self) -> int | float | None:
        """The operand, if it is a constant and the step is not reversed."""
        if isinstance(self.operand, Constant) and not self.reversed_:
            return self.operand.value
        return None


_COMMUTATIVE = (
    arith.AddiOp,
    arith.MuliOp,
    arith.MaxSIOp,
    arith.MinSIOp,
    arith.AddfOp,
    arith.MulfOp,
    arith.MaximumfOp,
    arith.MinimumfOp,
)


def chain_of(expression: Expression, start: Element) -> list[Step] | None:
    """The operations applied to `start` one after another, or None if it is not such a chain."""
    if expression == start:
        return []
    if not isinstance(expression, Apply) or len(expression.arguments) > 2:
        return None
    for number, argument in enumerate(expression.arguments):
        steps = chain_of(argument, start)
        if steps is None:
            continue
        rest = [item for index, item in enumerate(expression.arguments) if index != number]
        if any(isinstance(item, Apply) or item == start for item in rest):
            return None
        other = rest[0] if rest else None
        assert not isinstance(other, Apply)
        reversed_ = number == 1 and expression.op not in _COMMUTATIVE
        return [*steps, Step(expression.op, other, expression.type, reversed_)]
    return None


@dataclass
class Bounds:
    """`clamp(x, low, high)` after any sequence of maxima, minima and additions."""

    low: float = -pymath.inf
    high: float = pymath.inf

    def at_least(self, value: float) -> None:
        """Apply a maximum."""
        self.low, self.high = max(self.low, value), max(self.high, value)

    def at_most(self, value: float) -> None:
        """Apply a minimum."""
        self.low, self.high = min(self.low, value), min(self.high, value)

    def shift(self, value: float) -> None:
        """Apply an addition."""
        self.low += value
        self.high += value

    def within(self, low: float, high: float) -> bool:
        """Whether every value lies in [low, high]."""
        return low <= self.low and self.high <= high


@dataclass
class Requantization:
    """A recognised requantisation to int8; `approximations` lists why it is not exact."""

    scale: float = 1.0
    relu: bool = False
    zero_point: int = 0
    low: int = INT8_MIN
    high: int = INT8_MAX
    half_away: bool = False
    approximations: list[str] = field(default_factory=list)

    @property
    def runs_on_hardware(self) -> bool:
        """Whether the array's store does it: no zero point, and no other range than int8."""
        return self.zero_point == 0 and (self.low, self.high) == (INT8_MIN, INT8_MAX)

    def normalize(self) -> None:
        """Express a lower bound at the zero point as ReLU, and drop bounds that ReLU implies."""
        if self.scale < 0:
            return
        self.relu = self.relu or self.low == self.zero_point
        if self.relu and self.low <= self.zero_point < self.high:
            self.low = INT8_MIN


@dataclass
class Epilogue:
    """What follows a product: an optional addition, and a requantisation unless it stays int32."""

    bias: Constant | Element | None = None
    requantization: Requantization | None = None


def match_epilogue(steps: Sequence[Step], approximate: bool) -> Epilogue | None:
    """The epilogue that `steps` are, or None. `approximate` also allows inexact equivalents."""
    return _Matcher(list(steps), approximate).run()


@dataclass
class _Matcher:
    steps: list[Step]
    approximate: bool
    position: int = 0
    bias: Constant | Element | None = None
    scale: float | None = None
    result: Requantization = field(default_factory=Requantization)
    bounds: Bounds = field(default_factory=Bounds)

    def peek(self, ahead: int = 0) -> Step | None:
        index = self.position + ahead
        return self.steps[index] if index < len(self.steps) else None

    def take(self) -> Step | None:
        step = self.peek()
        self.position += 1
        return step

    def run(self) -> Epilogue | None:
        if not self.integer_sum():
            return None
        if self.peek() is None:
            return None if self.result.relu else Epilogue(self.bias)
        step = self.peek()
        assert step is not None
        if step.op is arith.SIToFPOp and step.type == f32:
            self.position += 1
            ok = self.scaling() and self.rounded()
        elif step.op in (arith.ExtSIOp, arith.ShLIOp, arith.AddiOp):
            ok = self.approximate and self.fixed_point()
        else:
            ok = True
        if not ok or not self.integer_result():
            return None
        return Epilogue(self.bias, self.result) if self.finish() else None

    # -- the int32 sum ----------------------------------------------------------------------------

    def integer_sum(self) -> bool:
        """Bias and ReLU before scaling. False if the chain cannot be matched."""
        while (step := self.peek()) is not None and step.type == i32:
            following = self.peek(1)
            if step.op is arith.AddiOp and step.operand is not None:
                if following is not None and following.op is arith.ShRSIOp:
                    return True
                if self.bias is not None or self.result.relu:
                    return False
                self.bias = step.operand
            elif step.op is arith.SubiOp and isinstance(step.operand, Constant):
                if self.bias is not None or self.result.relu or step.reversed_:
                    return False
                negated = -int(step.operand.value)
                self.bias = Constant(-INT32_REACH if negated == INT32_REACH else negated, i32)
            elif step.op is arith.MaxSIOp and step.number == 0 and _scales(following):
                self.result.relu = True
            else:
                return True
            self.position += 1
        return True

    # -- scaling in float32 -----------------------------------------------------------------------

    def scaling(self) -> bool:
        """Everything from the conversion to float32 up to rounding."""
        while (step := self.take()) is not None:
            number = step.number
            match step.op:
                case math.RoundEvenOp | math.RoundOp:
                    self.result.half_away = step.op is math.RoundOp
                    self.bounds.low = _rounded(self.bounds.low, step.op)
                    self.bounds.high = _rounded(self.bounds.high, step.op)
                    return True
                case _ if number is None or pymath.isnan(number):
                    return False
                case arith.MaximumfOp if number == 0 and self.scale is None:
                    following = self.peek()
                    if following is not None and following.op in (arith.MulfOp, arith.DivfOp):
                        self.result.relu = True
                    else:
                        self.bounds.at_least(0.0)
                case arith.MaximumfOp:
                    self.scale = 1.0 if self.scale is None else self.scale
                    self.bounds.at_least(number)
                case arith.MinimumfOp:
                    self.scale = 1.0 if self.scale is None else self.scale
                    self.bounds.at_most(number)
                case arith.MulfOp | arith.DivfOp:
                    if not self.multiply(number, step.op is arith.DivfOp):
                        return False
                case _:
                    return False
        return False

    def multiply(self, number: float, divide: bool) -> bool:
        """One multiplication or division by a constant; only the first is exact."""
        if self.bounds != Bounds():
            return False
        with np.errstate(all="ignore"):
            factor = np.float32(1) / np.float32(number) if divide else np.float32(number)
        if divide and (number == 0 or abs(pymath.frexp(number)[0]) != 0.5):
            if not self.approximate:
                return False
            self.result.approximations.append(
                f"the division by {number:g} becomes a multiplication, which rounds differently"
            )
        elif self.scale is not None:
            if not self.approximate:
                return False
            self.result.approximations.append(
                "two multiplications become one, which rounds differently"
            )
        with np.errstate(all="ignore"):
            self.scale = float(np.float32(1 if self.scale is None else self.scale) * factor)
        return pymath.isfinite(self.scale)

    def rounded(self) -> bool:
        """Bounds and zero point on rounded float32 values, up to the conversion to an integer."""
        self.scale = 1.0 if self.scale is None else self.scale
        self.bound_by_relu()
        while (step := self.take()) is not None:
            number = step.number
            if step.op is arith.FPToSIOp and isinstance(step.type, IntegerType):
                limit = float(1 << (step.type.bitwidth - 1))
                return self.bounds.within(-limit, limit - 1) or self.reach() < limit
            if number is None or not (float(number).is_integer() or pymath.isinf(number)):
                return False
            match step.op:
                case arith.MaximumfOp:
                    self.bounds.at_least(number)
                case arith.MinimumfOp:
                    self.bounds.at_most(number)
                case arith.AddfOp | arith.SubfOp if abs(number) <= INT8_MAX - INT8_MIN:
                    self.add(int(number) if step.op is arith.AddfOp else -int(number))
                case _:
                    return False
        return False

    def bound_by_relu(self) -> None:
        """Note the lower bound that ReLU before scaling is."""
        if self.result.relu and self.scale is not None and self.scale >= 0:
            self.bounds.at_least(0)

    def reach(self) -> float:
        """An upper bound of the magnitude of the value so far, float32 rounding included."""
        scale = 1.0 if self.scale is None else self.scale
        limit = abs(scale) * INT32_REACH * (1 + 2.0**-22) + abs(self.result.zero_point) + 1
        if pymath.isfinite(self.bounds.low) and pymath.isfinite(self.bounds.high):
            limit = min(limit, max(abs(self.bounds.low), abs(self.bounds.high)))
        return limit

    def add(self, value: int) -> None:
        """Add to the zero point."""
        self.result.zero_point += value
        self.bounds.shift(value)

    # -- fixed point ------------------------------------------------------------------------------

    def fixed_point(self) -> bool:
        """`(x << left) * multiplier * 2^-right`, rounded half up, as a float32 scale."""
        multiplier = 1
        wide = False
        while (step := self.take()) is not None:
            number = step.number
            match step.op:
                case arith.ExtSIOp if step.type == i64 and not wide:
                    wide = True
                case arith.ShLIOp if number is not None and 0 <= number < 63:
                    multiplier <<= int(number)
                case arith.MuliOp if number is not None and wide and multiplier != 0:
                    multiplier *= int(number)
                case arith.AddiOp if number is not None:
                    shift = self.take()
                    if shift is None or shift.op is not arith.ShRSIOp or shift.number is None:
                        return False
                    if int(number) != 1 << (int(shift.number) - 1):
                        return False
                    if wide:
                        narrow = self.take()
                        if narrow is None or narrow.op is not arith.TruncIOp or narrow.type != i32:
                            return False
                    self.scale = float(np.float32(multiplier * 2.0 ** -int(shift.number)))
                    self.bound_by_relu()
                    self.result.approximations.append(
                        "the fixed-point multiplication becomes one in float32, rounded half to "
                        "even"
                    )
                    return abs(self.scale) < 1 and abs(multiplier) < 1 << 32
                case _:
                    return False
        return False

    # -- the integer result -----------------------------------------------------------------------

    def integer_result(self) -> bool:
        """Bounds and zero point on integers, up to int8."""
        self.scale = 1.0 if self.scale is None else self.scale
        while (step := self.take()) is not None:
            if not isinstance(step.type, IntegerType):
                return False
            number = step.number
            limit = float(1 << (step.type.bitwidth - 1))
            match step.op:
                case arith.ExtSIOp:
                    pass
                case arith.TruncIOp:
                    if not (self.bounds.within(-limit, limit - 1) or self.reach() < limit):
                        return False
                case arith.MaxSIOp if number is not None:
                    self.bounds.at_least(number)
                case arith.MinSIOp if number is not None:
                    self.bounds.at_most(number)
                case arith.AddiOp | arith.SubiOp if number is not None:
                    if self.reach() + abs(number) >= limit:
                        return False
                    self.add(int(number) if step.op is arith.AddiOp else -int(number))
                case _:
                    return False
        return self.steps[-1].type == i8

    def finish(self) -> bool:
        """Settle scale, bounds and activation."""
        assert self.scale is not None
        result = self.result
        result.scale = self.scale
        if not self.bounds.within(INT8_MIN, INT8_MAX):
            return False
        if not INT8_MIN <= result.zero_point <= INT8_MAX:
            return False
        result.low, result.high = int(self.bounds.low), int(self.bounds.high)
        result.normalize()
        return True


def _scales(step: Step | None) -> bool:
    return step is not None and step.op in (arith.SIToFPOp, arith.ExtSIOp)


def _rounded(value: float, op: type[Operation]) -> float:
    if not pymath.isfinite(value):
        return value
    if op is math.RoundEvenOp:
        return float(np.rint(np.float64(value)))
    return pymath.copysign(pymath.floor(abs(value) + 0.5), value)
