"""Linear forms: sums of values times constants, modulo 2^64, as packed operands are."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects import arith
from xdsl.ir import SSAValue

from gemmini_xdsl.dialects.bounds import constant_value

MODULUS = 1 << 64


@dataclass(frozen=True)
class LinearForm:
    """`constant + sum(coefficient * value)`; values are of type index, i64 or i1."""

    constant: int = 0
    terms: tuple[tuple[SSAValue, int], ...] = ()

    @staticmethod
    def of(value: SSAValue | int) -> LinearForm:
        """The form of `value`, seen through additions and products with constants."""
        constant = constant_value(value)
        if constant is not None:
            return LinearForm(constant % MODULUS)
        assert isinstance(value, SSAValue)
        match value.owner:
            case arith.AddiOp():
                return LinearForm.of(value.owner.lhs) + LinearForm.of(value.owner.rhs)
            case arith.SubiOp():
                return LinearForm.of(value.owner.lhs) + LinearForm.of(value.owner.rhs) * -1
            case arith.IndexCastOp():
                return LinearForm.of(value.owner.input)
            case arith.MuliOp():
                lhs, rhs = constant_value(value.owner.lhs), constant_value(value.owner.rhs)
                if rhs is not None:
                    return LinearForm.of(value.owner.lhs) * rhs
                if lhs is not None:
                    return LinearForm.of(value.owner.rhs) * lhs
        return LinearForm(0, ((value, 1),))

    def __add__(self, other: LinearForm | int) -> LinearForm:
        """The sum."""
        if isinstance(other, int):
            return LinearForm((self.constant + other) % MODULUS, self.terms)
        coefficients = dict(self.terms)
        for value, coefficient in other.terms:
            coefficients[value] = (coefficients.get(value, 0) + coefficient) % MODULUS
        terms = tuple((value, c) for value, c in coefficients.items() if c)
        return LinearForm((self.constant + other.constant) % MODULUS, terms)

    def __mul__(self, factor: int) -> LinearForm:
        """The product with a constant."""
        terms = tuple(
            (value, product) for value, c in self.terms if (product := c * factor % MODULUS)
        )
        return LinearForm(self.constant * factor % MODULUS, terms)

    def coefficient(self, value: SSAValue) -> int:
        """The factor of `value`, 0 if it does not occur."""
        return dict(self.terms).get(value, 0)

    def without(self, values: set[SSAValue]) -> LinearForm:
        """The form less the terms of `values`."""
        return LinearForm(self.constant, tuple(t for t in self.terms if t[0] not in values))
