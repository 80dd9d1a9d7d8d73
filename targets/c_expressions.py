"""Scalar operations as C expressions.

Operands are atoms (a variable or a literal), so that no precedence is ever in doubt. Integer
arithmetic wraps; shifts use the amount modulo the width, as RISC-V does (MLIR leaves larger
amounts undefined).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from xdsl.dialects import arith, math
from xdsl.ir import Operation

from gemmini_xdsl.targets.c_types import (
    CType,
    as_signed,
    integer_literal,
    signed_literal,
    unsigned_literal,
)

I1 = CType(1)
_SMALL = 1 << 31


@dataclass(frozen=True)
class CValue:
    """A C atom: a variable, or an integer constant (whose `constant` is its value)."""

    text: str
    type: CType
    constant: int | None = None

    @staticmethod
    def integer(value: int, type_: CType) -> CValue:
        """An integer constant."""
        return CValue(integer_literal(value, type_), type_, value)

    @property
    def modular(self) -> str:
        """The value in an unsigned type that wraps: an operand of +, -, *, &, |, ^, <<."""
        bits = max(32, self.type.bits)
        if self.constant is not None:
            return unsigned_literal(self.constant, bits)
        return self.text if self.type.bits == 64 else f"({self.type.modular}){self.text}"

    @property
    def unsigned(self) -> str:
        """The value as an unsigned integer of its own width."""
        if self.constant is not None:
            return unsigned_literal(self.constant, self.type.bits)
        return self.text if self.type.bits in (1, 64) else f"({self.type.unsigned}){self.text}"

    @property
    def signed(self) -> str:
        """The value as a signed integer of its own width."""
        if self.constant is not None:
            return signed_literal(self.constant, self.type.bits)
        if self.type.bits == 1:
            return f"(-(int32_t){self.text})"
        return f"(int64_t){self.text}" if self.type.bits == 64 else self.text

    @property
    def plain(self) -> str:
        """The value where the other operand already has the unsigned type that matters."""
        if self.constant is not None and 0 <= self.constant < _SMALL:
            return str(self.constant)
        return self.modular


def _pair(a: CValue, b: CValue, form: str) -> tuple[str, str]:
    """Both operands in `form`; a small constant beside a variable is written plainly."""

    def text(value: CValue, other: CValue) -> str:
        small = value.constant is not None and 0 <= value.constant < _SMALL
        if small and other.constant is None and value.type.bits > 1:
            return str(value.constant)
        return str(getattr(value, form))

    return text(a, b), text(b, a)


@dataclass
class Helpers:
    """Names of the helper functions that the module needs, in order of first use."""

    used: dict[str, None] = field(default_factory=dict)

    def call(self, name: str, type_: CType, *arguments: str) -> str:
        """A call of the helper `name` for `type_`."""
        key = f"{name}_{type_.suffix}"
        self.used.setdefault(key)
        return f"gemmini_{key}({', '.join(arguments)})"


Builder = Callable[[Operation, Sequence[CValue], CType, Helpers], "str | None"]
"""From an operation, its operands and its result type to an expression (None: unsupported)."""


def _narrow(expression: str, type_: CType) -> str:
    if type_.bits == 64:
        return expression
    if type_.bits == 1:
        return f"(({expression}) & 1U) != 0"
    return f"({type_.name})({expression})"


def _modular(operator: str) -> Builder:
    def build(_: Operation, args: Sequence[CValue], result: CType, __: Helpers) -> str:
        a, b = args
        right = b.plain if a.constant is None else b.modular
        left = a.plain if a.constant is not None and b.constant is None else a.modular
        return _narrow(f"{left} {operator} {right}", result)

    return build


def _shift(operator: str, form: str) -> Builder:
    def build(_: Operation, args: Sequence[CValue], result: CType, __: Helpers) -> str | None:
        a, b = args
        if result.bits == 1:
            return None
        mask = result.bits - 1
        amount = f"({b.modular} & {mask})" if b.constant is None else str(b.constant & mask)
        return _narrow(f"{getattr(a, form)} {operator} {amount}", result)

    return build


def _division(name: str, form: str) -> Builder:
    def build(_: Operation, args: Sequence[CValue], result: CType, helpers: Helpers) -> str | None:
        a, b = args
        if result.bits == 1:
            return None
        operator = {"div": "/", "rem": "%"}.get(name[:3])
        if operator is not None and b.constant is not None and b.constant not in (0, -1):
            left, right = _pair(a, b, form)
            return _narrow(f"{left} {operator} {right}", result)
        call = helpers.call(name, result, getattr(a, form), getattr(b, form))
        return call if form == result_form(result) else f"({result.name}){call}"

    return build


def result_form(type_: CType) -> str:
    """Which of a `CValue`'s forms has the variable's own C type."""
    return "signed" if type_.is_signed else "unsigned"


def _trivial_less(a: CValue, b: CValue, form: str, or_equal: bool) -> str | None:
    """What `a < b` (or `a <= b`) is when a constant at the end of the type's range decides it.

    Compilers warn about such comparisons.
    """
    bits = a.type.bits
    low, high = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1)
    if form == "unsigned":
        low, high = (0, (1 << bits) - 1)
    x, y = (_in_range(value, bits, form) for value in (a, b))
    if or_equal:
        if x == low or y == high:
            return _decided((a, b), True)
        if x == high or y == low:
            return f"{getattr(a, form)} == {getattr(b, form)}"
    else:
        if x == high or y == low:
            return _decided((a, b), False)
        if x == low or y == high:
            return f"{getattr(a, form)} != {getattr(b, form)}"
    return None


def _decided(operands: Sequence[CValue], result: bool) -> str:
    """A constant that still uses the operands: their variables may have no other use."""
    uses = [f"(void){value.text}" for value in operands if value.constant is None]
    return f"({', '.join([*uses, str(int(result))])})"


def _in_range(value: CValue, bits: int, form: str) -> int | None:
    if value.constant is None:
        return None
    pattern = value.constant & ((1 << bits) - 1)
    return pattern if form == "unsigned" else as_signed(pattern, bits)


def _extremum(operator: str, form: str) -> Builder:
    def build(_: Operation, args: Sequence[CValue], __: CType, ___: Helpers) -> str:
        a, b = args
        less = _trivial_less(*((a, b) if operator == "<" else (b, a)), form, False)
        if less is not None:
            return f"{less} ? {a.text} : {b.text}"
        left, right = _pair(a, b, form)
        first, second = _pair(a, b, "text")
        return f"{left} {operator} {right} ? {first} : {second}"

    return build


_CMPI = ["==", "!=", "<", "<=", ">", ">=", "<", "<=", ">", ">="]
_FIRST_UNSIGNED = 6


def _cmpi(op: Operation, args: Sequence[CValue], _: CType, __: Helpers) -> str:
    assert isinstance(op, arith.CmpiOp)
    predicate = op.predicate.value.data
    a, b = args
    equality = predicate < 2
    form = result_form(a.type) if equality or predicate >= _FIRST_UNSIGNED else "signed"
    if predicate >= _FIRST_UNSIGNED:
        form = "unsigned"
    operator = _CMPI[predicate]
    if not equality:
        first, second = (a, b) if operator[0] == "<" else (b, a)
        trivial = _trivial_less(first, second, form, operator.endswith("="))
        if trivial is not None:
            return trivial
    left, right = _pair(a, b, form)
    return f"{left} {operator} {right}"


# Ordered predicates are C's own operators (false on NaN); unordered ones negate their opposites.
_CMPF = {
    1: "{a} == {b}",
    2: "{a} > {b}",
    3: "{a} >= {b}",
    4: "{a} < {b}",
    5: "{a} <= {b}",
    6: "{a} < {b} || {a} > {b}",
    7: "!__builtin_isunordered({a}, {b})",
    8: "!({a} < {b} || {a} > {b})",
    9: "!({a} <= {b})",
    10: "!({a} < {b})",
    11: "!({a} >= {b})",
    12: "!({a} > {b})",
    13: "!({a} == {b})",
    14: "__builtin_isunordered({a}, {b})",
}


def _cmpf(op: Operation, args: Sequence[CValue], _: CType, __: Helpers) -> str:
    assert isinstance(op, arith.CmpfOp)
    predicate = op.predicate.value.data
    if predicate in (0, 15):
        return _decided(args, predicate == 15)
    return _CMPF[predicate].format(a=args[0].text, b=args[1].text)


def _select(_: Operation, args: Sequence[CValue], __: CType, ___: Helpers) -> str:
    condition, a, b = (value.text for value in args)
    return f"{condition} ? {a} : {b}"


def _convert_integer(form: str) -> Builder:
    def build(_: Operation, args: Sequence[CValue], result: CType, __: Helpers) -> str:
        (a,) = args
        text = a.signed if form == "signed" else f"{a.unsigned}"
        if result.bits == 1:
            return f"({a.modular} & 1U) != 0"
        return f"({result.name}){text}"

    return build


def _convert_float(form: str) -> Builder:
    def build(_: Operation, args: Sequence[CValue], result: CType, __: Helpers) -> str:
        return f"({result.name}){getattr(args[0], form)}"

    return build


def _to_integer(signed: bool) -> Builder:
    def build(_: Operation, args: Sequence[CValue], result: CType, __: Helpers) -> str | None:
        if result.bits == 1:
            return None
        through = result.signed if signed else result.unsigned
        text = f"({through}){args[0].text}"
        return text if through == result.name else f"({result.name}){text}"

    return build


def _bitcast(_: Operation, args: Sequence[CValue], result: CType, helpers: Helpers) -> str | None:
    (a,) = args
    if a.type == result:
        return a.text
    if a.type.is_float == result.is_float:
        return None
    floating = a.type if a.type.is_float else result
    helpers.used.setdefault(f"bits_{floating.suffix}")
    if a.type.is_float:
        return _narrow(f"gemmini_bits_{floating.suffix}({a.text})", result)
    return f"gemmini_from_bits_{floating.suffix}({a.unsigned})"


def _infix(operator: str) -> Builder:
    def build(_: Operation, args: Sequence[CValue], __: CType, ___: Helpers) -> str:
        return f"{args[0].text} {operator} {args[1].text}"

    return build


def _helper(name: str) -> Builder:
    def build(_: Operation, args: Sequence[CValue], result: CType, helpers: Helpers) -> str:
        return helpers.call(name, result, *(value.text for value in args))

    return build


def _builtin(name: str) -> Builder:
    def build(_: Operation, args: Sequence[CValue], result: CType, __: Helpers) -> str:
        suffix = "f" if result.bits == 32 else ""
        return f"__builtin_{name}{suffix}({', '.join(value.text for value in args)})"

    return build


def _fma(_: Operation, args: Sequence[CValue], result: CType, helpers: Helpers) -> str | None:
    if result.bits != 32:
        return None
    helpers.used.setdefault("bits_f64")
    return helpers.call("fma", result, *(value.text for value in args))


def _absi(_: Operation, args: Sequence[CValue], result: CType, __: Helpers) -> str | None:
    (a,) = args
    if result.bits == 1:
        return None
    return _narrow(f"{a.signed} < 0 ? 0 - {a.modular} : {a.modular}", result)


def _count(name: str) -> Builder:
    def build(_: Operation, args: Sequence[CValue], result: CType, helpers: Helpers) -> str | None:
        if result.bits == 1:
            return None
        return f"({result.name}){helpers.call(name, result, args[0].unsigned)}"

    return build


BUILDERS: dict[type[Operation], Builder] = {
    arith.AddiOp: _modular("+"),
    arith.SubiOp: _modular("-"),
    arith.MuliOp: _modular("*"),
    arith.AndIOp: _modular("&"),
    arith.OrIOp: _modular("|"),
    arith.XOrIOp: _modular("^"),
    arith.ShLIOp: _shift("<<", "modular"),
    arith.ShRUIOp: _shift(">>", "unsigned"),
    arith.ShRSIOp: _shift(">>", "signed"),
    arith.DivSIOp: _division("divsi", "signed"),
    arith.RemSIOp: _division("remsi", "signed"),
    arith.FloorDivSIOp: _division("floordivsi", "signed"),
    arith.CeilDivSIOp: _division("ceildivsi", "signed"),
    arith.DivUIOp: _division("divui", "unsigned"),
    arith.RemUIOp: _division("remui", "unsigned"),
    arith.CeilDivUIOp: _division("ceildivui", "unsigned"),
    arith.MinSIOp: _extremum("<", "signed"),
    arith.MaxSIOp: _extremum(">", "signed"),
    arith.MinUIOp: _extremum("<", "unsigned"),
    arith.MaxUIOp: _extremum(">", "unsigned"),
    arith.CmpiOp: _cmpi,
    arith.CmpfOp: _cmpf,
    arith.SelectOp: _select,
    arith.IndexCastOp: _convert_integer("signed"),
    arith.ExtSIOp: _convert_integer("signed"),
    arith.ExtUIOp: _convert_integer("unsigned"),
    arith.TruncIOp: _convert_integer("signed"),
    arith.SIToFPOp: _convert_float("signed"),
    arith.UIToFPOp: _convert_float("unsigned"),
    arith.FPToSIOp: _to_integer(True),
    arith.FPToUIOp: _to_integer(False),
    arith.ExtFOp: _convert_float("text"),
    arith.TruncFOp: _convert_float("text"),
    arith.BitcastOp: _bitcast,
    arith.AddfOp: _infix("+"),
    arith.SubfOp: _infix("-"),
    arith.MulfOp: _infix("*"),
    arith.DivfOp: _infix("/"),
    arith.NegfOp: lambda _, args, __, ___: f"-{args[0].text}",
    arith.MaximumfOp: _helper("maximumf"),
    arith.MinimumfOp: _helper("minimumf"),
    arith.MaxnumfOp: _helper("maxnumf"),
    arith.MinnumfOp: _helper("minnumf"),
    math.AbsFOp: _builtin("fabs"),
    math.CopySignOp: _builtin("copysign"),
    math.RoundEvenOp: _helper("roundeven"),
    math.RoundOp: _helper("round"),
    math.TruncOp: _helper("trunc"),
    math.FloorOp: _helper("floor"),
    math.CeilOp: _helper("ceil"),
    math.FmaOp: _fma,
    math.AbsIOp: _absi,
    math.CountLeadingZerosOp: _count("ctlz"),
    math.CountTrailingZerosOp: _count("cttz"),
    math.CtPopOp: _count("ctpop"),
}
