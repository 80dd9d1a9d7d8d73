"""Floating-point literals in LLVM IR as all versions of LLVM read them.

Since version 23 LLVM prints the shortest decimal for the type (`float 1.1`), `+inf`, `+qnan`,
`-nan(0x1)` and the bits of the type itself (`f0x3F8CCCCD`). Before, it takes exact decimals only,
and the bits of the value as a double (`0x3FF19999A0000000`), which newer versions read as well.
"""

from __future__ import annotations

import re
import struct

_TOKEN = re.compile(
    r"""
    (?P<string>"[^"]*")
    | (?<![\w%@.])(?P<type>float|double)\b
    | (?<=[\s,(\[])
      (?:
        f0x(?P<bits>[0-9A-Fa-f]{16}|[0-9A-Fa-f]{8})
        | (?P<sign>[+-])(?:(?P<infinity>inf)|(?P<nan>qnan|nan\(0x(?P<quiet>[0-9A-Fa-f]+)\)
                                            |snan\(0x(?P<signalling>[0-9A-Fa-f]+)\)))
        | (?P<decimal>[+-]?\d+\.\d*(?:[eE][+-]?\d+)?)
      )(?![\w.])
    """,
    re.VERBOSE,
)

_DOUBLE_MANTISSA_BITS = 52
_FLOAT_MANTISSA_BITS = 23
_INFINITY = 0x7FF << _DOUBLE_MANTISSA_BITS
_QUIET = 1 << (_DOUBLE_MANTISSA_BITS - 1)
_SIGN = 1 << 63


def with_portable_literals(ir: str) -> str:
    """`ir` with all literals of types `float` and `double` as the bits of a double.

    The type of a literal is the last one named before it on its line, in every instruction and
    constant of LLVM IR.
    """
    return "".join(_line(line) for line in ir.splitlines(keepends=True))


def _line(line: str) -> str:
    type_: str | None = None

    def replace(match: re.Match[str]) -> str:
        nonlocal type_
        if match["string"] is not None:
            return match[0]
        if match["type"] is not None:
            type_ = match["type"]
            return match[0]
        bits = None if type_ is None else _double_bits(match, type_)
        return match[0] if bits is None else f"0x{bits:016X}"

    return _TOKEN.sub(replace, line)


def _double_bits(match: re.Match[str], type_: str) -> int | None:
    """The bits of the literal's value as a double."""
    if match["decimal"] is not None:
        value = float(match["decimal"])
        if type_ == "float":
            (value,) = struct.unpack("<f", struct.pack("<f", value))
        return _bits_of(value)
    if match["bits"] is not None:
        return _widened(int(match["bits"], 16), is_float=len(match["bits"]) == 8)
    bits = _INFINITY | (_SIGN if match["sign"] == "-" else 0)
    if match["infinity"] is not None:
        return bits
    payload = int(match["quiet"] or match["signalling"] or "0", 16)
    if type_ == "float":
        payload <<= _DOUBLE_MANTISSA_BITS - _FLOAT_MANTISSA_BITS
    return bits | payload | (0 if match["signalling"] else _QUIET)


def _bits_of(value: float) -> int:
    bits: int = struct.unpack("<Q", struct.pack("<d", value))[0]
    return bits


def _widened(bits: int, is_float: bool) -> int:
    """The bits of a double with the value that `bits` have, NaNs with their payload."""
    if not is_float:
        return bits
    magnitude = bits & 0x7FFFFFFF
    if magnitude > 0x7F800000:
        sign = _SIGN if bits != magnitude else 0
        shift = _DOUBLE_MANTISSA_BITS - _FLOAT_MANTISSA_BITS
        return sign | _INFINITY | (magnitude & ((1 << _FLOAT_MANTISSA_BITS) - 1)) << shift
    (value,) = struct.unpack("<f", bits.to_bytes(4, "little"))
    return _bits_of(value)
