"""Random quantised products written in TE, compiled by us and by TVM's LLVM back end."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

pytest.importorskip("tvm")

import tvm
from tvm import te, tirx
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.tools.compile import compile_module
from gemmini_xdsl.tvm_bridge.import_tir import import_tir

NUMBER = 60


@dataclass(frozen=True)
class Written:
    """A product as a user of TVM writes it; every field changes the TIR."""

    m: int
    n: int
    k: int
    transpose_a: bool
    transpose_b: bool
    factors_swapped: bool
    bias: str
    zero_points: tuple[int, int]
    epilogue: str
    scale: float


def _draw(rng: random.Random) -> Written:
    return Written(
        *(rng.choice([1, 16, rng.randint(1, 70)]) for _ in range(3)),
        rng.random() < 0.4,
        rng.random() < 0.4,
        rng.random() < 0.3,
        rng.choice(["none", "row", "full"]),
        (rng.choice([0, 0, 3]), rng.choice([0, 0, -7])),
        rng.choice(["none", "int8", "relu", "relu first", "zero point", "shift"]),
        rng.choice([0.5, 0.0123, 0.001]),
    )


def _constant(value: float, dtype: str) -> Any:
    return tirx.const(value, dtype)


def _clip(x: Any, low: float, high: float, dtype: str) -> Any:
    return tirx.max(tirx.min(x, _constant(high, dtype)), _constant(low, dtype))


def _requantise(x: Any, case: Written) -> Any:
    if case.epilogue == "relu first":
        x = tirx.max(x, _constant(0, "int32"))
    if case.epilogue == "shift":
        shifted = tirx.q_multiply_shift(
            x, _constant(1288490189, "int32"), _constant(31, "int32"), _constant(-6, "int32")
        )
        return _clip(shifted, -128, 127, "int32").astype("int8")
    rounded = tirx.nearbyint(x.astype("float32") * _constant(case.scale, "float32"))
    if case.epilogue == "zero point":
        rounded = rounded + _constant(5.0, "float32")
    low = 0.0 if case.epilogue == "relu" else -128.0
    return _clip(rounded, low, 127.0, "float32").astype("int8")


def _prim_func(case: Written) -> Any:
    m, n, k_size = case.m, case.n, case.k
    a = te.placeholder((k_size, m) if case.transpose_a else (m, k_size), "int8", name="A")
    b = te.placeholder((n, k_size) if case.transpose_b else (k_size, n), "int8", name="B")
    k = te.reduce_axis((0, k_size), "k")

    def product(i: Any, j: Any) -> Any:
        left = (a[k, i] if case.transpose_a else a[i, k]).astype("int32")
        right = (b[j, k] if case.transpose_b else b[k, j]).astype("int32")
        za, zb = case.zero_points
        left = left - _constant(za, "int32") if za else left
        right = right - _constant(zb, "int32") if zb else right
        return te.sum(right * left if case.factors_swapped else left * right, axis=k)

    current = te.compute((m, n), product, name="product")
    arguments = [a, b]
    if case.bias != "none":
        d = te.placeholder((n,) if case.bias == "row" else (m, n), "int32", name="D")
        arguments.append(d)
        total = current
        current = te.compute(
            (m, n),
            lambda i, j: total[i, j] + (d[j] if case.bias == "row" else d[i, j]),
            name="biased",
        )
    if case.epilogue != "none":
        sums = current
        current = te.compute((m, n), lambda i, j: _requantise(sums[i, j], case), name="result")
    return te.create_prim_func([*arguments, current])


def _arguments(case: Written, rng: np.random.Generator) -> list[Any]:
    extreme = rng.random() < 0.3

    def int8(shape: tuple[int, int]) -> Any:
        if extreme:
            return rng.choice(np.array([-128, 127], np.int8), size=shape)
        return rng.integers(-128, 128, size=shape).astype(np.int8)

    a = int8((case.k, case.m) if case.transpose_a else (case.m, case.k))
    b = int8((case.n, case.k) if case.transpose_b else (case.k, case.n))
    if case.bias == "none":
        return [a, b]
    shape = (case.n,) if case.bias == "row" else (case.m, case.n)
    return [a, b, rng.integers(-20_000, 20_000, size=shape).astype(np.int32)]


def _by_tvm(function: Any, inputs: list[Any], result: Any) -> Any:
    compiled = tvm.compile(function.with_attr("global_symbol", "main"), "llvm")
    tensors = [tvm.runtime.tensor(array.copy()) for array in [*inputs, result]]
    compiled["main"](*tensors)
    return tensors[-1].numpy()


def test_against_llvm(build: Callable[..., Any]) -> None:
    draw = random.Random(60)
    cases = [_draw(draw) for _ in range(NUMBER)]
    functions = [_prim_func(case) for case in cases]
    module = ModuleOp([])
    for number, function in enumerate(functions):
        imported = import_tir(function, f"f{number}")
        for op in list(imported.body.block.ops):
            op.detach()
            module.body.block.add_op(op)
    kernels = build(compile_module(module))
    rng = np.random.default_rng(60)
    for number, (case, function) in enumerate(zip(cases, functions, strict=True)):
        inputs = _arguments(case, rng)
        empty = np.zeros((case.m, case.n), np.int32 if case.epilogue == "none" else np.int8)
        expected = _by_tvm(function, inputs, empty)
        got = kernels.run(f"f{number}", inputs, empty)
        np.testing.assert_array_equal(got, expected, err_msg=str(case))
