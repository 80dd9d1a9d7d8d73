"""C functions that emitted code needs where C's own operators differ from MLIR's operations.

Everything is freestanding: no libm, no string.h. A module contains only the helpers it uses.
"""

from __future__ import annotations

_BITS_F32 = """
static inline uint32_t gemmini_bits_f32(float value) {
  union {
    float value;
    uint32_t bits;
  } pun = {.value = value};
  return pun.bits;
}
static inline float gemmini_from_bits_f32(uint32_t bits) {
  union {
    uint32_t bits;
    float value;
  } pun = {.bits = bits};
  return pun.value;
}
"""

_BITS_F64 = """
static inline uint64_t gemmini_bits_f64(double value) {
  union {
    double value;
    uint64_t bits;
  } pun = {.value = value};
  return pun.bits;
}
static inline double gemmini_from_bits_f64(uint64_t bits) {
  union {
    uint64_t bits;
    double value;
  } pun = {.bits = bits};
  return pun.value;
}
"""

# Adding and subtracting 2^52 would round by itself; integer conversions need no assumption about
# the optimiser. Values of at least 2^mantissa are integers (or NaN, or infinite) already.
_ROUNDING = """
/* {comment} */
static inline {t} gemmini_{name}_{s}({t} value) {{
  const {t} magnitude = __builtin_fabs{f}(value);
  if (!(magnitude < {limit})) return value;
  const int64_t whole = (int64_t)magnitude;
{fraction}  const {t} rounded = ({t})({expression});
  return __builtin_copysign{f}(rounded, value);
}}
"""
_FRACTION = "  const {t} fraction = magnitude - ({t})whole;\n"
_ROUNDINGS = {
    "roundeven": (
        "Round to nearest, ties to even.",
        "whole + (fraction > {half} || (fraction == {half} && (whole & 1) != 0))",
    ),
    "round": ("Round to nearest, ties away from zero.", "whole + (fraction >= {half})"),
    "trunc": ("Round towards zero.", "whole"),
    "floor": (
        "Round towards minus infinity.",
        "whole + (fraction > {zero} && __builtin_signbit(value))",
    ),
    "ceil": (
        "Round towards plus infinity.",
        "whole + (fraction > {zero} && !__builtin_signbit(value))",
    ),
}

_FMA_F32 = """
/* a * b + c with one rounding: the product is exact in double, and the sum is rounded to odd
 * there, so that the rounding to float is the only one that counts. */
static inline float gemmini_fma_f32(float a, float b, float c) {
  const double product = (double)a * (double)b;
  const double sum = product + (double)c;
  if (!(__builtin_fabs(sum) < __builtin_inf())) return (float)sum;
  const double part = sum - product;
  const double error = (product - (sum - part)) + ((double)c - part);
  uint64_t bits = gemmini_bits_f64(sum);
  if (error != 0.0 && (bits & 1U) == 0) {
    bits = ((error > 0.0) == (sum > 0.0)) ? bits + 1U : bits - 1U;
  }
  return (float)gemmini_from_bits_f64(bits);
}
"""

_DIVISION = """
/* {what} of signed integers; results wrap, and a division by zero gives what RISC-V gives. */
static inline {t} gemmini_{name}_{s}({t} a, {t} b) {{
  if (b == 0) return {by_zero};
  if (b == -1) return {by_minus_one};
{body}
}}
"""
_NEGATED = "({t})(({m})0 - ({m})a)"
_DIVISIONS = {
    "divsi": ("Quotient, rounded towards zero,", "({t})-1", _NEGATED, "  return ({t})(a / b);"),
    "remsi": ("Remainder, with the sign of the dividend,", "a", "0", "  return ({t})(a % b);"),
    "floordivsi": (
        "Quotient, rounded down,",
        "({t})-1",
        _NEGATED,
        "  const {t} quotient = ({t})(a / b);\n"
        "  return ({t})(quotient - (a % b != 0 && (a < 0) != (b < 0)));",
    ),
    "ceildivsi": (
        "Quotient, rounded up,",
        "({t})-1",
        _NEGATED,
        "  const {t} quotient = ({t})(a / b);\n"
        "  return ({t})(quotient + (a % b != 0 && (a < 0) == (b < 0)));",
    ),
}

_UNSIGNED_DIVISION = """
/* {what} of unsigned integers; a division by zero gives what RISC-V gives. */
static inline {t} gemmini_{name}_{s}({t} a, {t} b) {{
  if (b == 0) return {by_zero};
  return ({t})({expression});
}}
"""
_UNSIGNED_DIVISIONS = {
    "divui": ("Quotient, rounded down,", "({t})-1", "a / b"),
    "remui": ("Remainder", "a", "a % b"),
    "ceildivui": ("Quotient, rounded up,", "({t})-1", "a / b + (a % b != 0)"),
}

_EXTREMUM = """
/* {what}; -0 is less than +0, and {nan}. */
static inline {t} gemmini_{name}_{s}({t} a, {t} b) {{
  if (__builtin_isunordered(a, b)) return {unordered};
  if (a == b) return (__builtin_signbit(a) != 0) == {negative} ? a : b;
  return a {operator} b ? a : b;
}}
"""
_PROPAGATE = ("a NaN operand gives a NaN", "a + b")
_IGNORE = ("a NaN operand is ignored", "a != a ? b : a")
_EXTREMA = {
    "maximumf": ("Maximum", "0", ">", *_PROPAGATE),
    "minimumf": ("Minimum", "1", "<", *_PROPAGATE),
    "maxnumf": ("Maximum", "0", ">", *_IGNORE),
    "minnumf": ("Minimum", "1", "<", *_IGNORE),
}

_MULHU_I64 = """
/* Upper 64 bits of the product of two unsigned 64-bit integers. */
static inline uint64_t gemmini_mulhu_i64(uint64_t a, uint64_t b) {
  const uint64_t a_low = a & UINT32_MAX, a_high = a >> 32;
  const uint64_t b_low = b & UINT32_MAX, b_high = b >> 32;
  const uint64_t middle = a_high * b_low + ((a_low * b_low) >> 32);
  const uint64_t other = a_low * b_high + (middle & UINT32_MAX);
  return a_high * b_high + (middle >> 32) + (other >> 32);
}
"""

_COUNT = """
/* {what}; of 0: the width. */
static inline uint32_t gemmini_{name}_{s}({t} value) {{
  uint32_t count = 0;
  while (count < {bits}U && ((value >> {shift}) & 1U) == 0) count++;
  return count;
}}
"""

_POPCOUNT = """
/* Number of bits that are set. */
static inline uint32_t gemmini_ctpop_{s}({t} value) {{
  uint32_t count = 0;
  for (; value != 0; value &= ({t})(value - 1U)) count++;
  return count;
}}
"""

_PLAIN = {
    "bits_f32": _BITS_F32,
    "bits_f64": _BITS_F64,
    "fma_f32": _FMA_F32,
    "mulhu_i64": _MULHU_I64,
}
DEPENDENCIES = {"fma_f32": ("bits_f64",)}


def helper_text(key: str) -> str:
    """C text of the helper `key`, such as `roundeven_f32` (function `gemmini_roundeven_f32`)."""
    if key in _PLAIN:
        return _PLAIN[key]
    name, _, suffix = key.rpartition("_")
    if suffix.startswith("f"):
        return _float_helper(name, suffix)
    return _integer_helper(name, suffix)


def _float_helper(name: str, suffix: str) -> str:
    single = suffix == "f32"
    names = {"t": "float" if single else "double", "s": suffix, "name": name}
    if name in _EXTREMA:
        what, negative, operator, nan, unordered = _EXTREMA[name]
        return _EXTREMUM.format(
            what=what, negative=negative, operator=operator, nan=nan, unordered=unordered, **names
        )
    comment, expression = _ROUNDINGS[name]
    f = "f" if single else ""
    return _ROUNDING.format(
        comment=comment,
        expression=expression.format(half=f"0.5{f}", zero=f"0.0{f}"),
        fraction="" if name == "trunc" else _FRACTION.format(**names),
        limit="0x1p23f" if single else "0x1p52",
        f=f,
        **names,
    )


def _integer_helper(name: str, suffix: str) -> str:
    bits = int(suffix[1:])
    if name in _DIVISIONS:
        what, by_zero, by_minus_one, body = _DIVISIONS[name]
        names = {"t": f"int{bits}_t", "m": f"uint{max(32, bits)}_t"}
        return _DIVISION.format(
            what=what,
            name=name,
            s=suffix,
            by_zero=by_zero.format(**names),
            by_minus_one=by_minus_one.format(**names),
            body=body.format(**names),
            t=names["t"],
        )
    names = {"t": f"uint{bits}_t", "s": suffix, "name": name}
    if name in _UNSIGNED_DIVISIONS:
        what, by_zero, expression = _UNSIGNED_DIVISIONS[name]
        by_zero = by_zero.format(**names)
        return _UNSIGNED_DIVISION.format(what=what, by_zero=by_zero, expression=expression, **names)
    if name == "ctpop":
        return _POPCOUNT.format(**names)
    leading = name == "ctlz"
    return _COUNT.format(
        what="Leading zeros" if leading else "Trailing zeros",
        bits=bits,
        shift=f"({bits - 1}U - count)" if leading else "count",
        **names,
    )
