"""The passes around level 1 keep every bit: random programs before and after, in numpy."""

from __future__ import annotations

import itertools
import random
from typing import Any

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from gemmini_xdsl.passes.convert_linalg_to_gemmini import ConvertLinalgToGemminiPass
from gemmini_xdsl.passes.gemmini_fold_zero_points import GemminiFoldZeroPointsPass
from gemmini_xdsl.passes.gemmini_legalize_requantization import GemminiLegalizeRequantizationPass
from gemmini_xdsl.tools.universe import load_universe

M, N, K = 4, 5, 6


def parse(text: str) -> ModuleOp:
    context = Context()
    for name, load in load_universe().all_dialects.items():
        context.register_dialect(name, load)
    module = Parser(context, text).parse_module()
    module.verify()
    return module


def product(
    *,
    ta: bool = False,
    tb: bool = False,
    bias: str | None = None,
    result: str = "i32",
    attributes: str = "",
    weights: Any = None,
) -> str:
    """A function with one `gemmini.matmul`; constant weights if given."""
    a = f"memref<{K}x{M}xi8>" if ta else f"memref<{M}x{K}xi8>"
    shape = f"{N}x{K}" if tb else f"{K}x{N}"
    b, c = f"memref<{shape}xi8>", f"memref<{M}x{N}x{result}>"
    arguments = [f"%A: {a}", f"%C: {c}"]
    setup, prefix = "", ""
    if weights is None:
        arguments.append(f"%B: {b}")
    else:
        prefix = (
            f'"memref.global"() <{{sym_name = "w", type = {b}, initial_value = dense<'
            f'{weights.tolist()}> : tensor<{shape}xi8>, sym_visibility = "private", constant}}>'
            " : () -> ()\n"
        )
        setup += f"%B = memref.get_global @w : {b}\n"
    use = ""
    if bias == "scalar":
        setup += "%D = arith.constant -2147483648 : i32\n"
        use = "bias(%D : i32) "
    elif bias is not None:
        type_ = {"row": f"memref<{N}xi32>", "full": f"memref<{M}x{N}xi32>"}[bias]
        arguments.append(f"%D: {type_}")
        use = f"bias(%D : {type_}) "
    flags = [name for name, on in (("transpose_a", ta), ("transpose_b", tb)) if on]
    properties = ", ".join([*flags, *([attributes] if attributes else [])])
    return (
        f"{prefix}func.func @kernel({', '.join(arguments)}) {{\n{setup}"
        f"gemmini.matmul ins(%A, %B : {a}, {b}) {use}outs(%C : {c}) {{{properties}}}\n"
        "func.return\n}"
    )


def wrapping_arguments(bridge: Any, module: ModuleOp, seed: int) -> list[Any]:
    """Random arguments; some int8 all extreme, int32 over the whole range, so that sums wrap."""
    generator = np.random.default_rng(seed)
    arguments = bridge.random_arguments(module, "kernel", seed, "random")
    for index, array in enumerate(arguments):
        if array.dtype == np.int32:
            arguments[index] = generator.integers(-(2**31), 2**31, array.shape).astype(np.int32)
        elif seed % 2:
            arguments[index] = generator.choice([-128, 127], array.shape).astype(np.int8)
    return arguments


def same(bridge: Any, before: ModuleOp, after: ModuleOp, seeds: range = range(4)) -> None:
    for seed in seeds:
        arguments = wrapping_arguments(bridge, before, seed)
        expected = bridge.interpret(before, "kernel", arguments)
        got = bridge.interpret(after, "kernel", arguments)
        for left, right in zip(expected, got, strict=True):
            np.testing.assert_array_equal(left, right)


@pytest.mark.parametrize("bias", [None, "scalar", "row", "full"])
@pytest.mark.parametrize("constant", [False, True], ids=["runtime", "constant"])
def test_zero_points_fold_exactly(bridge: Any, bias: str | None, constant: bool) -> None:
    generator = np.random.default_rng(3)
    for ta, tb, (za, zb) in itertools.product(
        (False, True), (False, True), ((-128, 0), (127, -128), (0, 5))
    ):
        weights = generator.choice([-128, 127, 3], (N, K) if tb else (K, N)) if constant else None
        text = product(
            ta=ta,
            tb=tb,
            bias=bias,
            attributes=f"a_zero_point = {za} : i32, b_zero_point = {zb} : i32",
            weights=weights,
        )
        before, after = parse(text), parse(text)
        GemminiFoldZeroPointsPass().apply(Context(), after)
        after.verify()
        (folded,) = bridge.matmuls(after)
        assert folded.zero_points == (0, 0, 0)
        same(bridge, before, after, range(2))


REQUANTIZATIONS = [
    f"scale = {scale} : f32, c_zero_point = {zero} : i32, clip_min = {low} : i32, "
    f"clip_max = {high} : i32, activation = #gemmini<activation {activation}>"
    for scale, zero, (low, high), activation in itertools.product(
        ("0.01", "-0.02", "1.7"),
        (0, 7, -128),
        ((-128, 127), (0, 127), (-20, 30), (-128, -128)),
        ("none", "relu"),
    )
]


def test_requantization_is_split_exactly(bridge: Any) -> None:
    for attributes in REQUANTIZATIONS:
        text = product(bias="row", result="i8", attributes=attributes)
        before, after = parse(text), parse(text)
        GemminiLegalizeRequantizationPass().apply(Context(), after)
        after.verify()
        (left,) = bridge.matmuls(after)
        assert left.zero_points[2] == 0
        assert left.clip == (-128, 127)
        same(bridge, before, after, range(1, 2))


def test_fast_requantization_stays_within_its_bound(
    bridge: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    for number, attributes in enumerate(REQUANTIZATIONS):
        bias = [None, "scalar-free", "row", "full"][number % 4]
        text = product(
            bias=None if bias == "scalar-free" else bias, result="i8", attributes=attributes
        )
        before, after = parse(text), parse(text)
        capsys.readouterr()
        GemminiLegalizeRequantizationPass("fast").apply(Context(), after)
        after.verify()
        warning = capsys.readouterr().err
        bound = int(warning.rsplit("differ by ", 1)[1]) if warning else 0
        for seed in range(2):
            # Sums that do not wrap: with an addition to the bias they would wrap elsewhere.
            arguments = bridge.random_arguments(before, "kernel", seed, "random")
            expected = bridge.interpret(before, "kernel", arguments)[1].astype(int)
            got = bridge.interpret(after, "kernel", arguments)[1].astype(int)
            assert np.abs(expected - got).max() <= bound, attributes


FLOATS = (
    *("0.0", "-0.0", "1.0", "-1.0", "0.5", "127.0", "-128.0", "127.4", "126.5", "-128.5"),
    *("100.0", "-7.0", "0.01", "-0.01", "0.25", "1.0e-3", "3.5"),
)
INTEGERS = (
    *("0", "1", "-1", "127", "-128", "100", "-7", "255"),
    *("-32768", "32767", "2147483647", "65536"),
)


def random_chain(generator: random.Random) -> str:
    """The body of an elementwise operation from int32 to int8 that looks like a requantisation."""
    lines: list[str] = []
    value = "%s"

    def step(text: str) -> None:
        nonlocal value
        lines.append(f"%{len(lines) + 10} = {text}")
        value = f"%{len(lines) + 9}"

    def constant(text: str, type_: str) -> str:
        lines.append(f"%{len(lines) + 10} = arith.constant {text} : {type_}")
        return f"%{len(lines) + 9}"

    def integers(type_: str, count: int) -> None:
        for _ in range(count):
            op = generator.choice(["maxsi", "minsi", "addi", "subi", "maxsi", "minsi"])
            other = constant(generator.choice(INTEGERS), type_)
            current = value
            step(f"arith.{op} {current}, {other} : {type_}")

    def floats(ops: list[str], count: int) -> None:
        for _ in range(count):
            op = generator.choice(ops)
            other = constant(generator.choice(FLOATS), "f32")
            current = value
            step(f"arith.{op} {current}, {other} : f32")

    if generator.random() < 0.2:
        zero = constant("0", "i32")
        step(f"arith.maxsi {value}, {zero} : i32")
    if generator.random() < 0.1:
        integers("i32", 1)
    if generator.random() < 0.85:
        step(f"arith.sitofp {value} : i32 to f32")
        bounds = ["maximumf", "minimumf"]
        if generator.random() < 0.2:
            floats(bounds, 1)
        if generator.random() < 0.9:
            floats(["mulf", "mulf", "mulf", "divf"], 1 if generator.random() < 0.9 else 2)
        if generator.random() < 0.3:
            floats(bounds, 1)
        if generator.random() < 0.9:
            step(f"math.roundeven {value} : f32")
        if generator.random() < 0.2:
            floats([*bounds, "addf", "subf"], generator.randint(1, 2))
        if generator.random() < 0.8:
            low = constant(generator.choice(["-128.0", "0.0", "-128.0", "0.0", "-9.0"]), "f32")
            step(f"arith.maximumf {value}, {low} : f32")
            high = constant(generator.choice(["127.0", "127.0", "127.0", "100.0"]), "f32")
            step(f"arith.minimumf {value}, {high} : f32")
        wide = generator.choice(["i8", "i32"])
        step(f"arith.fptosi {value} : f32 to {wide}")
    else:
        wide = "i32"
    if wide == "i32":
        integers("i32", generator.choice([0, 0, 0, 1, 2]))
        if generator.random() < 0.8:
            for op, bound in (("maxsi", "-128"), ("minsi", "127")):
                other = constant(generator.choice([bound] * 6 + ["0", "-7"]), "i32")
                step(f"arith.{op} {value}, {other} : i32")
        step(f"arith.trunci {value} : i32 to i8")
    return "\n".join([*lines, f"linalg.yield {value} : i8"])


def test_random_epilogues_are_exact(bridge: Any) -> None:
    generator = random.Random(11)
    fused = compared = 0
    for _ in range(200):
        text = f"""
        func.func @kernel(%A: memref<3x40xi8>, %B: memref<40x7xi8>, %D: memref<7xi32>,
                          %C: memref<3x7xi8>) {{
          %S = memref.alloc() : memref<3x7xi32>
          linalg.generic {{indexing_maps = [affine_map<(i, j) -> (j)>,
                                            affine_map<(i, j) -> (i, j)>],
                           iterator_types = ["parallel", "parallel"]}}
              ins(%D : memref<7xi32>) outs(%S : memref<3x7xi32>) {{
          ^bb0(%d: i32, %s: i32):
            linalg.yield %d : i32
          }}
          linalg.quantized_matmul ins(%A, %B, %z, %z : memref<3x40xi8>, memref<40x7xi8>, i32, i32)
              outs(%S : memref<3x7xi32>)
          linalg.generic {{indexing_maps = [affine_map<(i, j) -> (i, j)>,
                                            affine_map<(i, j) -> (i, j)>],
                           iterator_types = ["parallel", "parallel"]}}
              ins(%S : memref<3x7xi32>) outs(%C : memref<3x7xi8>) {{
          ^bb0(%s: i32, %c: i8):
            {random_chain(generator)}
          }}
          func.return
        }}""".replace("%S = memref", "%z = arith.constant 0 : i32\n%S = memref", 1)
        before, after = parse(text), parse(text)
        ConvertLinalgToGemminiPass().apply(Context(), after)
        after.verify()
        (found,) = bridge.matmuls(after)
        if str(found.c_type.element_type) != "i8":
            continue
        fused += 1
        for seed in range(2):
            arguments = wrapping_arguments(bridge, before, seed)
            # Sums from small ones, with many ties, to the ends of the range.
            ends = np.array([0, 50, -50, 1 << 24, -(1 << 24), 2**31 - 1, -(2**31)], np.int32)
            arguments[2] = ends if seed else ends // 1000
            try:
                expected = bridge.interpret(before, "kernel", arguments)
            except AssertionError as error:
                if "out of range" not in str(error):
                    raise
                continue  # A conversion that is out of range has no defined result.
            got = bridge.interpret(after, "kernel", arguments)
            np.testing.assert_array_equal(expected[3], got[3], err_msg=text)
            compared += 1
    assert fused > 30
    assert compared > 30
