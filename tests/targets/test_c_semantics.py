"""Every scalar operation in emitted C, at extreme values, against numpy; UBSan aborts on UB."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

from gemmini_xdsl.tools.inputs import make_context, parse_mlir
from gemmini_xdsl.tools.reference import evaluate_function

Array = NDArray[np.generic]
Load = Callable[[str], ctypes.CDLL]

WIDTHS = (8, 16, 32, 64)


def integers(bits: int) -> NDArray[np.signedinteger]:
    """Extreme, small and some seeded random values."""
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    special = [low, low + 1, -2, -1, 0, 1, 2, 3, 7, high - 1, high]
    random = np.random.default_rng(bits).integers(low, high, 9, endpoint=True)
    return np.array([*special, *random.tolist()], dtype=f"int{bits}")


FLOATS = [0.0, -0.0, 0.5, -0.5, 1.5, 2.5, -2.5, 1e-45, 1e30, -1e30, math.inf, -math.inf, math.nan]


def floats(bits: int) -> NDArray[np.floating]:
    near = [0.49999997, 0.50000006, 8388607.5, 8388608.0, 8388609.0, -4194303.5, 1e-38, 0.1]
    wide = [0.49999999999999994, 4503599627370495.5, 4503599627370497.0] if bits == 64 else []
    random = np.random.default_rng(bits).normal(0, 100, 12)
    return np.array([*FLOATS, *near, *wide, *random], dtype=f"float{bits}")


def pairs(values: Array) -> tuple[Array, Array]:
    a, b = np.meshgrid(values, values, indexing="ij")
    return a.ravel().copy(), b.ravel().copy()


def run(
    load: Load,
    body: str,
    inputs: list[Array],
    types: list[str],
    result: str,
    *,
    reference: bool = True,
) -> Array:
    """Apply `body` (from %x0, %x1, ... to %y) to every element, by C and by the reference."""
    count = inputs[0].size
    parameters = [f"%a{i}: memref<{count}x{t}>" for i, t in enumerate(types)]
    loads = [f"%x{i} = memref.load %a{i}[%i] : memref<{count}x{t}>" for i, t in enumerate(types)]
    text = f"""
      func.func @apply({", ".join(parameters)}, %out: memref<{count}x{result}>) {{
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %n = arith.constant {count} : index
        scf.for %i = %c0 to %n step %c1 {{
          {chr(10).join(loads)}
          {body}
          memref.store %y, %out[%i] : memref<{count}x{result}>
        }}
        func.return
      }}
    """
    numpy_name = {"i1": "int8"}.get(result, result.replace("i", "int").replace("f", "float"))
    output = np.zeros(count, dtype=numpy_name)
    arrays = [np.ascontiguousarray(a) for a in inputs]
    load(text).apply(*(ctypes.c_void_p(a.ctypes.data) for a in [*arrays, output]))
    if reference:
        same_values(output, by_reference(body, arrays, types, result), body)
    return output


def by_reference(body: str, inputs: list[Array], types: list[str], result: str) -> Array:
    """What the numpy reference of `gemmini run --check` makes of the same operations."""
    count = inputs[0].size
    parameters = [f"%a{i}: memref<{count}x{t}>" for i, t in enumerate(types)]
    names = ", ".join(f"%a{i}" for i in range(len(types)))
    memrefs = ", ".join(f"memref<{count}x{t}>" for t in types)
    maps = ", ".join(["affine_map<(i) -> (i)>"] * (len(types) + 1))
    elements = ", ".join(f"%x{i}: {t}" for i, t in enumerate(types))
    text = f"""
      func.func @apply({", ".join(parameters)}, %out: memref<{count}x{result}>) {{
        linalg.generic {{indexing_maps = [{maps}], iterator_types = ["parallel"]}}
          ins({names} : {memrefs}) outs(%out : memref<{count}x{result}>) {{
        ^bb0({elements}, %unused: {result}):
          {body}
          linalg.yield %y : {result}
        }}
        func.return
      }}
    """
    arrays = [a != 0 if t == "i1" else a for a, t in zip(inputs, types, strict=True)]
    dtypes = {"i1": "bool", "f32": "float32", "f64": "float64"}
    output = np.zeros(count, dtypes.get(result, result.replace("i", "int")))
    module = parse_mlir(text, "test", make_context())
    evaluate_function(module, "apply", [*arrays, output])
    return output


def same_values(got: Array, expected: Array, name: str) -> None:
    if expected.dtype.kind == "f":
        same_floats(got, expected, name)
    else:
        np.testing.assert_array_equal(got, expected, err_msg=name)


def unsigned(a: Array) -> Array:
    return a.view(f"uint{a.dtype.itemsize * 8}")


def trunc_div(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def by_python(function: Callable[[int, int], int]) -> Callable[[Array, Array], Array]:
    def apply(a: Array, b: Array) -> Array:
        bits = a.dtype.itemsize * 8
        results = [function(int(x), int(y)) for x, y in zip(a, b, strict=True)]
        wrapped = [(r + (1 << (bits - 1))) % (1 << bits) - (1 << (bits - 1)) for r in results]
        return np.array(wrapped, dtype=f"int{bits}")

    return apply


BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "addi": by_python(lambda a, b: a + b),
    "subi": by_python(lambda a, b: a - b),
    "muli": by_python(lambda a, b: a * b),
    "andi": by_python(lambda a, b: a & b),
    "ori": by_python(lambda a, b: a | b),
    "xori": by_python(lambda a, b: a ^ b),
    "minsi": np.minimum,
    "maxsi": np.maximum,
    "minui": lambda a, b: np.minimum(unsigned(a), unsigned(b)).view(a.dtype),
    "maxui": lambda a, b: np.maximum(unsigned(a), unsigned(b)).view(a.dtype),
}
DIVISIONS: dict[str, Callable[[int, int], int]] = {
    "divsi": trunc_div,
    "remsi": lambda a, b: a - b * trunc_div(a, b),
    "floordivsi": lambda a, b: a // b,
    "ceildivsi": lambda a, b: -(-a // b),
}
UNSIGNED_DIVISIONS: dict[str, Callable[[int, int], int]] = {
    "divui": lambda a, b: a // b,
    "remui": lambda a, b: a % b,
    "ceildivui": lambda a, b: -(-a // b),
}


@pytest.mark.parametrize("bits", WIDTHS)
def test_integer_operations(load_c: Load, bits: int) -> None:
    a, b = pairs(integers(bits))
    for name, expected in BINARY.items():
        body = f"%y = arith.{name} %x0, %x1 : i{bits}"
        got = run(load_c, body, [a, b], [f"i{bits}"] * 2, f"i{bits}")
        np.testing.assert_array_equal(got, expected(a, b), err_msg=name)


@pytest.mark.parametrize("bits", WIDTHS)
def test_divisions(load_c: Load, bits: int) -> None:
    a, b = pairs(integers(bits))
    a, b = a[b != 0], b[b != 0]
    for name, function in DIVISIONS.items():
        body = f"%y = arith.{name} %x0, %x1 : i{bits}"
        got = run(load_c, body, [a, b], [f"i{bits}"] * 2, f"i{bits}")
        np.testing.assert_array_equal(got, by_python(function)(a, b), err_msg=name)
    for name, function in UNSIGNED_DIVISIONS.items():
        body = f"%y = arith.{name} %x0, %x1 : i{bits}"
        got = run(load_c, body, [a, b], [f"i{bits}"] * 2, f"i{bits}")
        expected = by_python(function)(unsigned(a), unsigned(b)).view(a.dtype)
        np.testing.assert_array_equal(got, expected, err_msg=name)


def test_division_by_zero_is_defined(load_c: Load) -> None:
    # MLIR leaves it undefined; C gives what RISC-V does, and the numpy reference need not.
    a = integers(32)
    zero = np.zeros_like(a)
    operands = ([a, zero], ["i32"] * 2, "i32")
    quotient = run(load_c, "%y = arith.divsi %x0, %x1 : i32", *operands, reference=False)
    remainder = run(load_c, "%y = arith.remui %x0, %x1 : i32", *operands, reference=False)
    np.testing.assert_array_equal(quotient, np.full_like(a, -1))
    np.testing.assert_array_equal(remainder, a)


@pytest.mark.parametrize("bits", WIDTHS)
@pytest.mark.parametrize("constant", ["min", -1, 0, 1, 7, "max"])
def test_constant_operands(load_c: Load, bits: int, constant: int | str) -> None:
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    value = {"min": low, "max": high}.get(str(constant), constant)
    a = integers(bits)
    b = np.full_like(a, value)
    names = [*BINARY, *([] if value == 0 else [*DIVISIONS, *UNSIGNED_DIVISIONS])]
    lines = [f"%c = arith.constant {value} : i{bits}"]
    expected = np.zeros_like(a)
    lines.append("%s0 = arith.xori %x0, %x0 : i" + str(bits))
    for index, name in enumerate(names):
        for order, (x, y) in enumerate((("%x0", "%c"), ("%c", "%x0"))):
            if order == 1 and name not in BINARY:
                continue
            key = f"{2 * index + order}"
            lines.append(f"%v{key} = arith.{name} {x}, {y} : i{bits}")
            lines.append(f"%p{key} = arith.muli %s{key}, %three : i{bits}")
            lines.append(f"%s{int(key) + 1} = arith.addi %p{key}, %v{key} : i{bits}")
            left, right = (a, b) if order == 0 else (b, a)
            if name in BINARY:
                part = BINARY[name](left, right)
            elif name in DIVISIONS:
                part = by_python(DIVISIONS[name])(left, right)
            else:
                part = by_python(UNSIGNED_DIVISIONS[name])(unsigned(left), unsigned(right))
            expected = by_python(lambda s, v: 3 * s + v)(expected, part.view(a.dtype))
        if name not in BINARY:
            lines.append(f"%s{2 * index + 2} = arith.addi %s{2 * index + 1}, %zero : i{bits}")
    lines.insert(1, f"%three = arith.constant 3 : i{bits}")
    lines.insert(1, f"%zero = arith.constant 0 : i{bits}")
    lines.append(f"%y = arith.addi %s{2 * len(names)}, %zero : i{bits}")
    got = run(load_c, "\n".join(lines), [a], [f"i{bits}"], f"i{bits}")
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("bits", WIDTHS)
def test_shifts(load_c: Load, bits: int) -> None:
    values = integers(bits)
    amounts = np.arange(bits, dtype=values.dtype)
    a, b = (g.ravel().copy() for g in np.meshgrid(values, amounts, indexing="ij"))
    cases: dict[str, Array] = {
        "shli": by_python(lambda x, y: x << y)(a, b),
        "shrsi": by_python(lambda x, y: x >> y)(a, b),
        "shrui": by_python(lambda x, y: x >> y)(unsigned(a), unsigned(b)).view(a.dtype),
    }
    for name, expected in cases.items():
        body = f"%y = arith.{name} %x0, %x1 : i{bits}"
        got = run(load_c, body, [a, b], [f"i{bits}"] * 2, f"i{bits}")
        np.testing.assert_array_equal(got, expected, err_msg=name)


PREDICATES: dict[str, Callable[[Array, Array], Array]] = {
    "eq": np.equal,
    "ne": np.not_equal,
    "slt": np.less,
    "sle": np.less_equal,
    "sgt": np.greater,
    "sge": np.greater_equal,
    "ult": lambda a, b: unsigned(a) < unsigned(b),
    "ule": lambda a, b: unsigned(a) <= unsigned(b),
    "ugt": lambda a, b: unsigned(a) > unsigned(b),
    "uge": lambda a, b: unsigned(a) >= unsigned(b),
}


@pytest.mark.parametrize("bits", WIDTHS)
def test_integer_comparisons(load_c: Load, bits: int) -> None:
    a, b = pairs(integers(bits))
    for name, expected in PREDICATES.items():
        body = f"%y = arith.cmpi {name}, %x0, %x1 : i{bits}"
        got = run(load_c, body, [a, b], [f"i{bits}"] * 2, "i1")
        np.testing.assert_array_equal(got != 0, expected(a, b), err_msg=name)


@pytest.mark.parametrize("bits", [8, 32, 64])
@pytest.mark.parametrize("constant", ["min", -1, 0, "max"])
def test_comparisons_with_constants_do_not_warn(
    load_c: Load, bits: int, constant: int | str
) -> None:
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    value = {"min": low, "max": high}.get(str(constant), constant)
    a = integers(bits)
    b = np.full_like(a, value)
    lines = [f"%c = arith.constant {value} : i{bits}", "%s0 = arith.constant 0 : i32"]
    expected = np.zeros(a.size, dtype=np.int32)
    for index, (name, function) in enumerate(PREDICATES.items()):
        for order, (x, y) in enumerate((("%x0", "%c"), ("%c", "%x0"))):
            key = 2 * index + order
            lines += [
                f"%v{key} = arith.cmpi {name}, {x}, {y} : i{bits}",
                f"%e{key} = arith.extui %v{key} : i1 to i32",
                f"%k{key} = arith.constant {1 << key} : i32",
                f"%m{key} = arith.muli %e{key}, %k{key} : i32",
                f"%s{key + 1} = arith.addi %s{key}, %m{key} : i32",
            ]
            hit = function(a, b) if order == 0 else function(b, a)
            expected += hit.astype(np.int32) << key
    lines.append(f"%y = arith.ori %s{2 * len(PREDICATES)}, %s0 : i32")
    got = run(load_c, "\n".join(lines), [a], [f"i{bits}"], "i32")
    np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize(("source", "target"), [(8, 16), (8, 32), (8, 64), (16, 32), (32, 64)])
def test_extension_and_truncation(load_c: Load, source: int, target: int) -> None:
    a, wide = integers(source), integers(target)
    types = f": i{source} to i{target}"
    signed = run(load_c, f"%y = arith.extsi %x0 {types}", [a], [f"i{source}"], f"i{target}")
    zero = run(load_c, f"%y = arith.extui %x0 {types}", [a], [f"i{source}"], f"i{target}")
    back = f"%y = arith.trunci %x0 : i{target} to i{source}"
    narrow = run(load_c, back, [wide], [f"i{target}"], f"i{source}")
    np.testing.assert_array_equal(signed, a.astype(f"int{target}"))
    np.testing.assert_array_equal(zero, unsigned(a).astype(f"int{target}"))
    np.testing.assert_array_equal(narrow, wide.astype(f"int{source}"))


def test_booleans(load_c: Load) -> None:
    a, b = pairs(np.array([0, 1], dtype=np.int8))
    cases: dict[str, Callable[[Array, Array], Array]] = {
        "addi": np.bitwise_xor,
        "muli": np.bitwise_and,
        "andi": np.bitwise_and,
        "ori": np.bitwise_or,
        "xori": np.bitwise_xor,
    }
    for name, expected in cases.items():
        got = run(load_c, f"%y = arith.{name} %x0, %x1 : i1", [a, b], ["i1", "i1"], "i1")
        np.testing.assert_array_equal(got, expected(a, b), err_msg=name)
    for name, less in {"slt": np.greater, "ult": np.less, "eq": np.equal}.items():
        got = run(load_c, f"%y = arith.cmpi {name}, %x0, %x1 : i1", [a, b], ["i1", "i1"], "i1")
        np.testing.assert_array_equal(got != 0, less(a, b), err_msg=name)
    extended = run(load_c, "%y = arith.extsi %x0 : i1 to i32", [a], ["i1"], "i32")
    np.testing.assert_array_equal(extended, -a.astype(np.int32))
    wide = integers(32)
    got = run(load_c, "%y = arith.trunci %x0 : i32 to i1", [wide], ["i32"], "i1")
    np.testing.assert_array_equal(got, wide & 1)


@pytest.mark.parametrize("bits", WIDTHS)
def test_extended_products_and_sums(load_c: Load, bits: int) -> None:
    a, b = pairs(integers(bits))
    t = [f"i{bits}"] * 2
    signed = f"%l, %y = arith.mulsi_extended %x0, %x1 : i{bits}"
    plain = f"%l, %y = arith.mului_extended %x0, %x1 : i{bits}"
    low = f"%y, %h = arith.mulsi_extended %x0, %x1 : i{bits}"
    carry = f"%s, %y = arith.addui_extended %x0, %x1 : i{bits}, i1"
    got = run(load_c, signed, [a, b], t, f"i{bits}")
    np.testing.assert_array_equal(got, by_python(lambda x, y: (x * y) >> bits)(a, b))
    got = run(load_c, plain, [a, b], t, f"i{bits}")
    expected = by_python(lambda x, y: (x * y) >> bits)(unsigned(a), unsigned(b))
    np.testing.assert_array_equal(got, expected.view(a.dtype))
    got = run(load_c, low, [a, b], t, f"i{bits}")
    np.testing.assert_array_equal(got, by_python(lambda x, y: x * y)(a, b))
    got = run(load_c, carry, [a, b], t, "i1")
    sums = [int(x) + int(y) for x, y in zip(unsigned(a), unsigned(b), strict=True)]
    np.testing.assert_array_equal(got, [value >> bits for value in sums])


def same_floats(got: Array, expected: Array, name: str) -> None:
    """Equal bit by bit, except that any NaN equals any other."""
    nan = np.isnan(expected)
    np.testing.assert_array_equal(np.isnan(got), nan, err_msg=name)
    np.testing.assert_array_equal(unsigned(got)[~nan], unsigned(expected)[~nan], err_msg=name)


def maximum(a: Array, b: Array, sign: int, propagate: bool) -> Array:
    results = []
    for x, y in zip(a.tolist(), b.tolist(), strict=True):
        if math.isnan(x) or math.isnan(y):
            results.append(math.nan if propagate else (y if math.isnan(x) else x))
        else:
            key = [(sign * v, sign * math.copysign(1, v)) for v in (x, y)]
            results.append(x if key[0] > key[1] else y)
    return np.array(results, dtype=a.dtype)


@pytest.mark.parametrize("bits", [32, 64])
def test_float_operations(load_c: Load, bits: int) -> None:
    a, b = pairs(floats(bits))
    t = f"f{bits}"
    with np.errstate(all="ignore"):
        cases: dict[str, Array] = {
            "arith.addf": a + b,
            "arith.subf": a - b,
            "arith.mulf": a * b,
            "arith.maximumf": maximum(a, b, 1, True),
            "arith.minimumf": maximum(a, b, -1, True),
            "arith.maxnumf": maximum(a, b, 1, False),
            "arith.minnumf": maximum(a, b, -1, False),
            "math.copysign": np.copysign(a, b),
            "arith.divf": a / b,
        }
    for name, expected in cases.items():
        got = run(load_c, f"%y = {name} %x0, %x1 : {t}", [a, b], [t, t], t)
        same_floats(got, expected, name)


@pytest.mark.parametrize("bits", [32, 64])
def test_float_functions(load_c: Load, bits: int) -> None:
    a = floats(bits)
    t = f"f{bits}"
    away = np.array(
        [x if not math.isfinite(x) else math.copysign(_round_away(x), x) for x in a.tolist()],
        dtype=a.dtype,
    )
    cases: dict[str, Array] = {
        "math.roundeven": np.rint(a),
        "math.round": away,
        "math.trunc": np.trunc(a),
        "math.floor": np.floor(a),
        "math.ceil": np.ceil(a),
        "math.absf": np.abs(a),
        "arith.negf": -a,
    }
    for name, expected in cases.items():
        got = run(load_c, f"%y = {name} %x0 : {t}", [a], [t], t)
        same_floats(got, expected, name)


def _round_away(value: float) -> float:
    from decimal import ROUND_HALF_UP, Decimal

    return (
        float(abs(Decimal(value)).quantize(Decimal(1), rounding=ROUND_HALF_UP))
        if abs(value) < 2.0**60
        else abs(value)
    )


@pytest.mark.parametrize("bits", [32, 64])
def test_float_comparisons(load_c: Load, bits: int) -> None:
    a, b = pairs(floats(bits))
    t = f"f{bits}"
    unordered = np.isnan(a) | np.isnan(b)
    ordered: dict[str, Array] = {
        "eq": a == b,
        "gt": a > b,
        "ge": a >= b,
        "lt": a < b,
        "le": a <= b,
        "ne": (a != b) & ~unordered,
    }
    cases: dict[str, Array] = {"ord": ~unordered, "uno": unordered}
    cases["false"] = np.zeros(a.size, bool)
    cases["true"] = ~cases["false"]
    for key, value in ordered.items():
        cases[f"o{key}"] = value
        cases[f"u{key}"] = value | unordered
    for name, expected in cases.items():
        got = run(load_c, f"%y = arith.cmpf {name}, %x0, %x1 : {t}", [a, b], [t, t], "i1")
        np.testing.assert_array_equal(got != 0, expected, err_msg=name)


def test_fma_rounds_once(load_c: Load) -> None:
    rng = np.random.default_rng(1)
    count = 20000
    a, b, c = (
        (rng.normal(size=count) * 2.0 ** rng.integers(-20, 20, count)).astype(np.float32)
        for _ in range(3)
    )
    # Make many sums nearly cancel, and some products tie exactly.
    c[::3] = -(a[::3].astype(np.float64) * b[::3]).astype(np.float32)
    got = run(load_c, "%y = math.fma %x0, %x1, %x2 : f32", [a, b, c], ["f32"] * 3, "f32")
    from fractions import Fraction

    exact = [
        _to_float32(Fraction(float(x)) * Fraction(float(y)) + Fraction(float(z)))
        for x, y, z in zip(a, b, c, strict=True)
    ]
    np.testing.assert_array_equal(got, np.array(exact, dtype=np.float32))


def _to_float32(value: object) -> float:
    """The nearest float32 of a fraction, ties to even, by integer arithmetic."""
    from fractions import Fraction

    assert isinstance(value, Fraction)
    if value == 0:
        return 0.0
    sign, magnitude = (-1, -value) if value < 0 else (1, value)
    exponent = magnitude.numerator.bit_length() - magnitude.denominator.bit_length() - 24
    exponent = max(exponent, -149)
    while magnitude / Fraction(2) ** exponent >= 1 << 24:
        exponent += 1
    scaled = magnitude / Fraction(2) ** exponent
    return sign * math.ldexp(round(scaled), exponent)


def test_conversions_between_integers_and_floats(load_c: Load) -> None:
    a = integers(32)
    signed = run(load_c, "%y = arith.sitofp %x0 : i32 to f32", [a], ["i32"], "f32")
    plain = run(load_c, "%y = arith.uitofp %x0 : i32 to f32", [a], ["i32"], "f32")
    same_floats(signed, a.astype(np.float32), "sitofp")
    same_floats(plain, unsigned(a).astype(np.float32), "uitofp")
    f = np.array([0.0, 0.9, -0.9, 127.99, -128.0, 2147483520.0, -2147483648.0], np.float32)
    got = run(load_c, "%y = arith.fptosi %x0 : f32 to i32", [f], ["f32"], "i32")
    np.testing.assert_array_equal(got, f.astype(np.int32))
    positive = np.abs(f[:-1])
    got = run(load_c, "%y = arith.fptoui %x0 : f32 to i32", [positive], ["f32"], "i32")
    np.testing.assert_array_equal(got, positive.astype(np.uint32).view(np.int32))
    values = floats(64)
    with np.errstate(over="ignore"):
        same = values.astype(np.float32)
    got = run(load_c, "%y = arith.truncf %x0 : f64 to f32", [values], ["f64"], "f32")
    same_floats(got, same, "truncf")
    got = run(load_c, "%y = arith.extf %x0 : f32 to f64", [same], ["f32"], "f64")
    same_floats(got, same.astype(np.float64), "extf")
    got = run(load_c, "%y = arith.bitcast %x0 : f32 to i32", [same], ["f32"], "i32")
    np.testing.assert_array_equal(got, same.view(np.int32))
    got = run(load_c, "%y = arith.bitcast %x0 : i32 to f32", [a], ["i32"], "f32")
    same_floats(got, a.view(np.float32), "bitcast")


def test_float_constants_are_exact(load_c: Load) -> None:
    rng = np.random.default_rng(3)
    values = np.concatenate([floats(32), rng.integers(0, 1 << 31, 40).astype(np.int32).view("f4")])
    values = values[np.isfinite(values)]
    lines = []
    for index, value in enumerate(values):
        lines.append(f"%k{index} = arith.constant {float(value):.17e} : f32")
        lines.append(f"%b{index} = arith.bitcast %k{index} : f32 to i32")
        previous = f"%s{index - 1}" if index else "%x0"
        lines.append(f"%p{index} = arith.muli {previous}, %prime : i32")
        lines.append(f"%s{index} = arith.addi %p{index}, %b{index} : i32")
    lines.insert(0, "%prime = arith.constant 31 : i32")
    lines.append(f"%y = arith.addi %s{len(values) - 1}, %x0 : i32")
    zero = np.zeros(1, np.int32)
    expected = 0
    for bits in values.view(np.int32).tolist():
        expected = (expected * 31 + bits) % (1 << 32)
    got = run(load_c, "\n".join(lines), [zero], ["i32"], "i32")
    assert int(got[0]) % (1 << 32) == expected


@pytest.mark.parametrize("bits", WIDTHS)
def test_bit_counts(load_c: Load, bits: int) -> None:
    a = integers(bits)
    texts = [format(int(x) % (1 << bits), f"0{bits}b") for x in a]
    cases = {
        "ctlz": [len(t) - len(t.lstrip("0")) for t in texts],
        "cttz": [len(t) - len(t.rstrip("0")) for t in texts],
        "ctpop": [t.count("1") for t in texts],
    }
    for name, expected in cases.items():
        got = run(load_c, f"%y = math.{name} %x0 : i{bits}", [a], [f"i{bits}"], f"i{bits}")
        np.testing.assert_array_equal(got, expected, err_msg=name)
    got = run(load_c, f"%y = math.absi %x0 : i{bits}", [a], [f"i{bits}"], f"i{bits}")
    with np.errstate(over="ignore"):
        np.testing.assert_array_equal(got, np.abs(a))
