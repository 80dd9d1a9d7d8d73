"""C types and literals of MLIR's scalar types.

Integers of up to 32 bits are signed C variables, 64-bit integers and `index` are `uint64_t`
(which RoCC operands are), and arithmetic that may wrap is always done on unsigned types.
Elements in memory are signed, whatever their width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from xdsl.dialects.builtin import (
    Float32Type,
    Float64Type,
    IndexType,
    IntegerType,
    Signedness,
)
from xdsl.ir import Attribute

INT_WIDTHS = (1, 8, 16, 32, 64)


@dataclass(frozen=True)
class CType:
    """A scalar type: its bits, whether it is a float, and its C names."""

    bits: int
    is_float: bool = False

    @property
    def is_signed(self) -> bool:
        """Whether the C variable is signed."""
        return not self.is_float and self.bits in (8, 16, 32)

    @property
    def name(self) -> str:
        """C type of a variable."""
        if self.is_float:
            return "float" if self.bits == 32 else "double"
        if self.bits == 1:
            return "_Bool"
        return f"int{self.bits}_t" if self.is_signed else f"uint{self.bits}_t"

    @property
    def signed(self) -> str:
        """C signed integer type of the same width (of i1: 32 bits)."""
        return f"int{32 if self.bits == 1 else self.bits}_t"

    @property
    def unsigned(self) -> str:
        """C unsigned integer type of the same width (of i1: `uint32_t`)."""
        return f"uint{32 if self.bits == 1 else self.bits}_t"

    @property
    def modular(self) -> str:
        """C unsigned type in which sums and products of this width wrap without promotion."""
        return f"uint{max(32, self.bits)}_t"

    @property
    def element(self) -> str:
        """C type of an element in memory."""
        if self.is_float:
            return self.name
        return f"int{max(8, self.bits)}_t"

    @property
    def suffix(self) -> str:
        """Short name for helper functions: `i8`, `f32`."""
        return f"{'f' if self.is_float else 'i'}{self.bits}"


def c_type(type_: Attribute) -> CType | None:
    """The C type of a scalar, or None if there is none."""
    match type_:
        case IndexType():
            return CType(64)
        case IntegerType() if (
            type_.width.data in INT_WIDTHS and type_.signedness.data == Signedness.SIGNLESS
        ):
            return CType(type_.width.data)
        case Float32Type():
            return CType(32, True)
        case Float64Type():
            return CType(64, True)
        case _:
            return None


def as_signed(value: int, bits: int) -> int:
    """`value` modulo 2^bits, in [-2^(bits-1), 2^(bits-1))."""
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def signed_literal(value: int, bits: int) -> str:
    """A constant expression of the signed type of `bits` bits."""
    value = as_signed(value, bits) if bits > 1 else -(value & 1)
    if bits == 64:
        return "INT64_MIN" if value == -(1 << 63) else f"INT64_C({value})"
    if value == -(1 << 31):
        return "INT32_MIN"
    return str(value) if value >= 0 else f"({value})"


def unsigned_literal(value: int, bits: int) -> str:
    """A constant expression of the unsigned type of `bits` bits (at least `unsigned`)."""
    value &= (1 << bits) - 1
    digits = str(value) if value < 1 << 16 else f"{value:#x}"
    return f"UINT64_C({digits})" if bits == 64 else f"{digits}U"


def integer_literal(value: int, type_: CType) -> str:
    """A constant of the C variable type of `type_`."""
    if type_.bits == 1:
        return str(value & 1)
    if type_.is_signed:
        return signed_literal(value, type_.bits)
    return unsigned_literal(value, type_.bits)


def float_literal(value: float, type_: CType) -> str:
    """A constant of exactly that value: the shortest decimal digits that round to it."""
    suffix = "f" if type_.bits == 32 else ""
    if math.isnan(value):
        return f'__builtin_nan{suffix}("")'
    if math.isinf(value):
        return f"{'(-' if value < 0 else ''}__builtin_inf{suffix}(){')' if value < 0 else ''}"
    digits = str(np.float32(value)) if type_.bits == 32 else repr(float(value))
    if "." not in digits and "e" not in digits:
        digits += ".0"
    return f"({digits}{suffix})" if digits.startswith("-") else digits + suffix
