"""Every way in which TVM writes a quantised GEMM ends as `gemmini.matmul`, bit-exact."""

# TVMScript names buffers and namespaces in capitals.
# ruff: noqa: N803, N806, N812

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("tvm")

from tvm import te, tirx, topi
from tvm.script import tirx as T

from gemmini_xdsl.dialects.attributes import Activation
from gemmini_xdsl.tvm_bridge.import_tir import import_tir

M, N, K = 5, 7, 9


def te_gemm(ta: bool, tb: bool, epilogue: Any = None, sizes: Any = (M, N, K)) -> Any:
    m, n, k_size = sizes
    a = te.placeholder((k_size, m) if ta else (m, k_size), "int8", name="A")
    b = te.placeholder((n, k_size) if tb else (k_size, n), "int8", name="B")
    k = te.reduce_axis((0, k_size), "k")

    def product(i: Any, j: Any) -> Any:
        left = (a[k, i] if ta else a[i, k]).astype("int32")
        right = (b[j, k] if tb else b[k, j]).astype("int32")
        return te.sum(left * right, axis=k)

    c = te.compute((m, n), product, name="C")
    if epilogue is None:
        return te.create_prim_func([a, b, c])
    d = te.placeholder((n,), "int32", name="D")
    e = te.compute((m, n), lambda i, j: epilogue(c[i, j] + d[j]), name="E")
    return te.create_prim_func([a, b, d, e])


def const(value: float, dtype: str = "float32") -> Any:
    return tirx.const(value, dtype)


def clip(x: Any, low: float, high: float) -> Any:
    dtype = str(x.ty)
    return tirx.max(tirx.min(x, const(high, dtype)), const(low, dtype))


def requantize(x: Any, scale: float = 0.0123, low: float = -128, high: float = 127) -> Any:
    rounded = tirx.nearbyint(x.astype("float32") * const(scale))
    return clip(rounded, low, high).astype("int8")


@pytest.mark.parametrize("ta", [False, True])
@pytest.mark.parametrize("tb", [False, True])
def test_te_transposes(bridge: Any, ta: bool, tb: bool) -> None:
    lowered = bridge.check_against_tvm(te_gemm(ta, tb))
    (product,) = bridge.matmuls(lowered)
    assert (product.transpose_a is not None, product.transpose_b is not None) == (ta, tb)
    assert product.bias is None
    assert not bridge.generics(lowered)


@pytest.mark.parametrize(
    ("epilogue", "scale", "activation"),
    [
        pytest.param(requantize, 0.0123, Activation.NONE, id="int8"),
        pytest.param(lambda x: requantize(x, low=0), 0.0123, Activation.RELU, id="relu-by-bound"),
        pytest.param(
            lambda x: requantize(tirx.max(x, const(0, "int32"))), 0.0123, Activation.RELU,
            id="relu-before-scaling",
        ),
        pytest.param(
            lambda x: requantize(tirx.max(x, const(0, "int32")), scale=-0.01),
            -0.01, Activation.RELU, id="relu-before-negative-scale",
        ),
        pytest.param(
            lambda x: tirx.nearbyint(
                clip(x.astype("float32") * const(0.02), -128.4, 127.3)
            ).astype("int8"),
            0.02, Activation.NONE, id="clip-before-rounding",
        ),
        pytest.param(
            lambda x: clip(
                tirx.nearbyint(tirx.max(x.astype("float32") * const(0.02), const(0)))
                .astype("int32"), -128, 127,
            ).astype("int8"),
            0.02, Activation.RELU, id="relu-after-scaling-clip-as-int32",
        ),
        pytest.param(
            lambda x: clip(tirx.nearbyint(x.astype("float32") / const(64)), -128, 127)
            .astype("int8"),
            1 / 64, Activation.NONE, id="division-by-power-of-two",
        ),
        pytest.param(
            lambda x: clip(x, -128, 127).astype("int8"), 1.0, Activation.NONE, id="no-scale",
        ),
        pytest.param(
            lambda x: clip(x, 0, 127).astype("int8"), 1.0, Activation.RELU, id="no-scale-relu",
        ),
        pytest.param(
            lambda x: clip(tirx.nearbyint(x.astype("float32") * const(3e7)), -128, 127)
            .astype("int8"),
            3e7, Activation.NONE, id="huge-scale",
        ),
    ],
)  # fmt: skip
def test_epilogues_on_hardware(
    bridge: Any, epilogue: Any, scale: float, activation: Activation
) -> None:
    lowered = bridge.check_against_tvm(te_gemm(False, False, epilogue))
    (product,) = bridge.matmuls(lowered)
    assert product.scale.value.data == pytest.approx(scale, rel=1e-7)
    assert product.activation.data == activation
    assert product.bias is not None
    assert product.clip == (-128, 127)
    assert not bridge.generics(lowered)


@pytest.mark.parametrize(
    "epilogue",
    [
        pytest.param(lambda x: requantize(x, low=-100, high=90), id="other-clip"),
        pytest.param(lambda x: requantize(x, scale=-0.01, low=0), id="bound-0-negative-scale"),
        pytest.param(
            lambda x: clip(
                tirx.nearbyint(x.astype("float32") * const(0.01)) + const(5), -128, 127
            ).astype("int8"),
            id="zero-point",
        ),
        pytest.param(
            lambda x: clip(
                tirx.nearbyint(x.astype("float32") * const(0.01) + const(5)), -128, 127
            ).astype("int8"),
            id="zero-point-before-rounding",
        ),
        pytest.param(
            lambda x: clip(tirx.nearbyint(x.astype("float32") / const(81)), -128, 127)
            .astype("int8"),
            id="division",
        ),
        pytest.param(
            lambda x: clip(
                tirx.nearbyint(x.astype("float32") * const(0.1) * const(0.13)), -128, 127
            ).astype("int8"),
            id="two-scales",
        ),
        pytest.param(
            lambda x: clip(
                tirx.q_multiply_shift(
                    x, const(1288490189, "int32"), const(31, "int32"), const(-6, "int32")
                ), -128, 127,
            ).astype("int8"),
            id="fixed-point",
        ),
        pytest.param(
            lambda x: clip(
                tirx.q_multiply_shift(
                    x, const(1 << 30, "int32"), const(31, "int32"), const(-6, "int32")
                ), -128, 127,
            ).astype("int8"),
            id="fixed-point-power-of-two",
        ),
        pytest.param(
            lambda x: clip(
                tirx.q_multiply_shift(
                    x, const(-1288490189, "int32"), const(31, "int32"), const(1, "int32")
                ), -128, 127,
            ).astype("int8"),
            id="fixed-point-left-shift",
        ),
        pytest.param(lambda x: x * const(3, "int32"), id="int32-elementwise"),
        pytest.param(
            lambda x: clip(tirx.round(x.astype("float32") * const(0.5)), -128, 100)
            .astype("int8"),
            id="half-away-and-other-clip",
        ),
        pytest.param(
            lambda x: clip((x.astype("float32") * const(0.013)).astype("int32"), -128, 127)
            .astype("int8"),
            id="truncation",
        ),
        pytest.param(
            lambda x: tirx.Select(x > const(10, "int32"), x, const(3, "int32")), id="select"
        ),
        pytest.param(
            lambda x: tirx.floormod(tirx.floordiv(x, const(7, "int32")), const(5, "int32")),
            id="floor-division",
        ),
    ],
)  # fmt: skip
def test_epilogues_on_cpu(bridge: Any, epilogue: Any, capsys: pytest.CaptureFixture[str]) -> None:
    lowered = bridge.check_against_tvm(te_gemm(False, True, epilogue))
    (product,) = bridge.matmuls(lowered)
    assert str(product.c_type.element_type) == "i32"
    assert bridge.generics(lowered)
    assert "warning" not in capsys.readouterr().err


def test_half_away_warns(bridge: Any, capsys: pytest.CaptureFixture[str]) -> None:
    def epilogue(x: Any) -> Any:
        return clip(tirx.round(x.astype("float32") * const(0.0123)), -128, 127).astype("int8")

    lowered = bridge.check_against_tvm(te_gemm(False, False, epilogue), ties=False)
    assert not bridge.generics(lowered)
    assert capsys.readouterr().err == (
        "warning: kernel: E: rounds half away from zero, but the hardware rounds half to even: "
        "exact ties differ by one\n"
    )


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 8, 3), (8, 1, 3), (4, 4, 1), (1, 1, 20)])
def test_small_sizes(bridge: Any, sizes: Any) -> None:
    lowered = bridge.check_against_tvm(te_gemm(False, True, requantize, sizes))
    assert bridge.matmuls(lowered)[0].sizes == sizes


def topi_functions() -> Any:
    a, b = te.placeholder((M, K), "int8", "A"), te.placeholder((N, K), "int8", "B")
    d = te.placeholder((N,), "int32", "D")
    yield "dense", te.create_prim_func([a, b, topi.nn.dense(a, b, out_dtype="int32")]), 1
    yield (
        "dense-bias",
        te.create_prim_func([a, b, d, topi.nn.dense(a, b, d, out_dtype="int32")]),
        1,
    )
    for ta in (False, True):
        for tb in (False, True):
            a = te.placeholder((K, M) if ta else (M, K), "int8", "A")
            b = te.placeholder((N, K) if tb else (K, N), "int8", "B")
            c = topi.nn.matmul(a, b, out_dtype="int32", transpose_a=ta, transpose_b=tb)
            yield f"matmul-{ta}-{tb}", te.create_prim_func([a, b, c]), 1
            a = te.placeholder((3, *a.shape), "int8", "A")
            b = te.placeholder((3, *b.shape), "int8", "B")
            c = topi.nn.batch_matmul(a, b, out_dtype="int32", transpose_a=ta, transpose_b=tb)
            yield f"batch_matmul-{ta}-{tb}", te.create_prim_func([a, b, c]), 1
    a, b = te.placeholder((1, M, K), "int8", "A"), te.placeholder((3, N, K), "int8", "B")
    c = topi.nn.batch_matmul(a, b, out_dtype="int32")
    yield "batch_matmul-broadcast", te.create_prim_func([a, b, c]), 1


@pytest.mark.parametrize(("function", "count"), [
    pytest.param(function, count, id=name) for name, function, count in topi_functions()
])  # fmt: skip
def test_topi(bridge: Any, function: Any, count: int) -> None:
    lowered = bridge.check_against_tvm(function, range(1))
    assert len(bridge.matmuls(lowered)) == count
    assert not bridge.generics(lowered)


@T.prim_func(s_tir=True)
def bias_in_init(
    A: T.Buffer((5, 9), "int8"),
    B: T.Buffer((7, 9), "int8"),
    D: T.Buffer((7,), "int32"),
    Y: T.Buffer((5, 7), "int8"),
):
    C = T.sblock_alloc_buffer((5, 7), "int32")
    for i, j, k in T.grid(5, 7, 9):
        with T.sblock("C"):
            vi, vj, vk = T.axis.remap("SSR", [i, j, k])
            with T.init():
                C[vi, vj] = D[vj]
            C[vi, vj] = C[vi, vj] + T.Cast("int32", B[vj, vk]) * T.Cast("int32", A[vi, vk])
    for i, j in T.grid(5, 7):
        with T.sblock("req"):
            vi, vj = T.axis.remap("SS", [i, j])
            Y[vi, vj] = T.Cast(
                "int8", T.max(T.min(T.q_multiply_shift(C[vi, vj], 1288490189, 31, -6), 127), 0)
            )


@T.prim_func(s_tir=True)
def loops_in_any_order(
    A: T.Buffer((9, 5), "int8"),
    B: T.Buffer((9, 7), "int8"),
    D: T.Buffer((5, 7), "int32"),
    C: T.Buffer((5, 7), "int32"),
):
    for k, j, i in T.grid(9, 7, 5):
        with T.sblock("C"):
            vk, vj, vi = T.axis.remap("RSS", [k, j, i])
            with T.init():
                C[vi, vj] = D[vi, vj]
            C[vi, vj] = T.Cast("int32", B[vk, vj]) * T.Cast("int32", A[vk, vi]) + C[vi, vj]


@T.prim_func(s_tir=True)
def split_loops(
    A: T.Buffer((8, 12), "int8"), B: T.Buffer((12, 6), "int8"), C: T.Buffer((8, 6), "int32")
):
    for i0, j, k0, i1, k1 in T.grid(2, 6, 3, 4, 4):
        with T.sblock("C"):
            vi = T.axis.spatial(8, i0 * 4 + i1)
            vj = T.axis.spatial(6, j)
            vk = T.axis.reduce(12, k0 * 4 + k1)
            with T.init():
                C[vi, vj] = 11
            C[vi, vj] = C[vi, vj] + T.Cast("int32", A[vi, vk]) * T.Cast("int32", B[vk, vj])


@T.prim_func(s_tir=True)
def zero_points_in_the_body(
    A: T.Buffer((5, 9), "int8"), B: T.Buffer((7, 9), "int8"), C: T.Buffer((5, 7), "int32")
):
    for i, j, k in T.grid(5, 7, 9):
        with T.sblock("C"):
            vi, vj, vk = T.axis.remap("SSR", [i, j, k])
            with T.init():
                C[vi, vj] = 0
            C[vi, vj] = C[vi, vj] + (T.Cast("int32", A[vi, vk]) - 127) * (
                T.Cast("int32", B[vj, vk]) + 128
            )


@T.prim_func(s_tir=True)
def slices(
    A: T.Buffer((10, 20), "int8"), B: T.Buffer((9, 7), "int8"), C: T.Buffer((5, 7), "int32")
):
    for i, j, k in T.grid(5, 7, 9):
        with T.sblock("C"):
            vi, vj, vk = T.axis.remap("SSR", [i, j, k])
            with T.init():
                C[vi, vj] = 0
            C[vi, vj] = C[vi, vj] + T.Cast("int32", A[vi * 2 + 1, vk + 4]) * T.Cast(
                "int32", B[vk, vj]
            )


@pytest.mark.parametrize(
    "function",
    [bias_in_init, loops_in_any_order, split_loops, zero_points_in_the_body, slices],
    ids=lambda function: str(function.attrs["global_symbol"]),
)
def test_tvmscript(bridge: Any, function: Any) -> None:
    lowered = bridge.check_against_tvm(function)
    assert len(bridge.matmuls(lowered)) == 1


def test_tvmscript_properties(bridge: Any) -> None:
    (product,) = bridge.matmuls(bridge.level1(import_tir(bias_in_init)))
    assert product.transpose_b is not None
    assert str(product.bias.type) == "memref<7xi32>"
    (product,) = bridge.matmuls(bridge.level1(import_tir(loops_in_any_order)))
    assert product.transpose_a is not None
    assert str(product.bias.type) == "memref<5x7xi32>"


def test_names_and_roles() -> None:
    text = str(import_tir(bias_in_init))
    assert '%A: memref<5x9xi8> {gemmini.name = "A", gemmini.role = "input"}' in text
    assert '%D: memref<7xi32> {gemmini.name = "D", gemmini.role = "bias"}' in text
    assert '%Y: memref<5x7xi8> {gemmini.name = "Y", gemmini.role = "output"}' in text
    assert "func.func @bias_in_init(" in text
