"""What cannot be imported is refused with the block, its name and the reason."""

# TVMScript names buffers and namespaces in capitals.
# ruff: noqa: B007, N803, N812

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("tvm")

from tvm import te, tirx
from tvm.script import tirx as T

from gemmini_xdsl.tvm_bridge.errors import TvmImportError
from gemmini_xdsl.tvm_bridge.import_tir import import_tir


@T.prim_func(s_tir=True)
def not_affine(A: T.Buffer((16,), "int8"), B: T.Buffer((4,), "int8")):
    for i in range(4):
        with T.sblock("gather"):
            vi = T.axis.spatial(4, i)
            B[vi] = A[vi * vi]


@T.prim_func(s_tir=True)
def out_of_bounds(A: T.Buffer((4,), "int8"), B: T.Buffer((4,), "int8")):
    for i in range(4):
        with T.sblock("shift"):
            vi = T.axis.spatial(4, i)
            B[vi] = A[vi + 1]


@T.prim_func(s_tir=True)
def conditional(A: T.Buffer((4,), "int8"), B: T.Buffer((4,), "int8")):
    for i in range(4):
        with T.sblock("some"):
            T.where(i < 2)
            vi = T.axis.spatial(4, i)
            B[vi] = A[vi]


@T.prim_func(s_tir=True)
def repeated(A: T.Buffer((4,), "int32"), B: T.Buffer((4,), "int32")):
    for i, j in T.grid(4, 3):
        with T.sblock("twice"):
            vi = T.axis.spatial(4, i)
            B[vi] = B[vi] + A[vi]


@T.prim_func(s_tir=True)
def overlapping(A: T.Buffer((7,), "int32"), B: T.Buffer((7,), "int32")):
    for i, j in T.grid(4, 4):
        with T.sblock("overlap"):
            vi = T.axis.spatial(7, i + j)
            B[vi] = A[vi]


@T.prim_func(s_tir=True)
def two_blocks(A: T.Buffer((4,), "int8"), B: T.Buffer((4,), "int8")):
    C = T.sblock_alloc_buffer((4,), "int8")  # noqa: N806
    for i in range(4):
        with T.sblock("first"):
            vi = T.axis.spatial(4, i)
            C[vi] = A[vi]
        with T.sblock("second"):
            vi = T.axis.spatial(4, i)
            B[vi] = C[vi]


@T.prim_func(s_tir=True)
def recurrence(A: T.Buffer((5,), "int32"), B: T.Buffer((4,), "int32")):
    for i in range(4):
        with T.sblock("scan"):
            vi = T.axis.spatial(4, i)
            A[vi + 1] = A[vi] + B[vi]


@T.prim_func(s_tir=True)
def unknown_call(A: T.Buffer((4,), "float32"), B: T.Buffer((4,), "float32")):
    for i in range(4):
        with T.sblock("exp"):
            vi = T.axis.spatial(4, i)
            B[vi] = T.exp(A[vi])


@T.prim_func(s_tir=True)
def unsigned(A: T.Buffer((4,), "uint8"), B: T.Buffer((4,), "uint8")):
    for i in range(4):
        with T.sblock("copy"):
            vi = T.axis.spatial(4, i)
            B[vi] = A[vi]


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (not_affine, "block 'gather': 'A': index 'vi * vi' is not affine in the block's "
         "variables"),
        (out_of_bounds, "block 'shift': 'A': index 'vi + 1' may leave its dimension of 4 "
         "elements"),
        (conditional, "block 'some': the block runs under a condition (T.where)"),
        (repeated, "block 'twice': loop 'j' repeats the block: no axis is bound to it"),
        (overlapping, "block 'overlap': axis 'vi' is bound to 'i + j', which is not understood"),
        (recurrence, "block 'scan': 'A' is read at another element than the one written"),
        (unknown_call, "block 'exp': call of 'exp' is not supported"),
    ],
)  # fmt: skip
def test_blocks(function: Any, message: str) -> None:
    with pytest.raises(TvmImportError) as error:
        import_tir(function)
    first, *block = str(error.value).split("\n")
    assert first == f"function '{function.attrs['global_symbol']}', {message}"
    assert any("T.sblock(" in line for line in block)


def test_functions() -> None:
    with pytest.raises(TvmImportError) as error:
        import_tir(two_blocks)
    assert str(error.value).startswith(
        "function 'two_blocks': a loop contains more than one statement; each block needs a loop "
        "nest of its own\n"
    )
    with pytest.raises(TvmImportError) as error:
        import_tir(unsigned)
    assert str(error.value) == (
        "function 'unsigned': buffer 'A' has element type uint8; int8, int32, int64, float32 are "
        "supported"
    )
    with pytest.raises(TvmImportError) as error:
        import_tir(3)
    assert str(error.value) == "expected a PrimFunc or an IRModule, got int"


def test_dynamic_shape() -> None:
    n = te.var("n")
    a = te.placeholder((n,), "int8", "A")
    b = te.compute((n,), lambda i: a[i], "B")
    with pytest.raises(TvmImportError) as error:
        import_tir(te.create_prim_func([a, b]))
    assert "has a shape that is not static" in str(error.value)


def elementwise(dtype: str, body: Any, out: str | None = None) -> Any:
    a = te.placeholder((64,), dtype, "A")
    b = te.placeholder((64,), dtype, "B")
    c = te.compute((64,), lambda i: body(a[i], b[i], i), "C")
    assert out is None or str(c.dtype) == out
    return te.create_prim_func([a, b, c])


@pytest.mark.parametrize(
    "function",
    [
        elementwise("int8", lambda a, b, i: a * b + b - a),
        elementwise("int8", lambda a, b, i: a.astype("int64") * b.astype("int64"), "int64"),
        elementwise("int8", lambda a, b, i: tirx.max(a, b) + tirx.min(a, tirx.const(3, "int8"))),
        elementwise("int8", lambda a, b, i: a.astype("int32") + i, "int32"),
        elementwise("int8", lambda a, b, i: tirx.Select(tirx.all(a > b, a != 3), a, b)),
        elementwise("int8", lambda a, b, i: tirx.Select(tirx.any(a <= b, tirx.Not(a == 3)), a, b)),
        elementwise("int8", lambda a, b, i: (a >= b).astype("int32"), "int32"),
        elementwise("int8", lambda a, b, i: tirx.if_then_else(i < 9, a, b)),
        elementwise("int8", lambda a, b, i: tirx.truncdiv(a.astype("int32"), tirx.const(7))),
        elementwise("int8", lambda a, b, i: tirx.truncmod(a.astype("int32"), tirx.const(7))),
        elementwise("int8", lambda a, b, i: tirx.floordiv(a.astype("int32"), tirx.const(-7))),
        elementwise("int8", lambda a, b, i: tirx.floormod(a.astype("int32"), tirx.const(7))),
        elementwise("int8", lambda a, b, i: (a.astype("int32") << 3) >> 1),
        elementwise("int8", lambda a, b, i: (a & b) | (a ^ b)),
        elementwise("int8", lambda a, b, i: ~a),
        elementwise("int32", lambda a, b, i: a.astype("float32"), "float32"),
        elementwise("int32", lambda a, b, i: a.astype("int8"), "int8"),
        elementwise("float32", lambda a, b, i: a * b - a / b + tirx.max(a, b)),
        elementwise("float32", lambda a, b, i: tirx.round(a) + tirx.nearbyint(b)),
        elementwise("float32", lambda a, b, i: tirx.floor(a) + tirx.ceil(b) * tirx.trunc(a)),
        elementwise("float32", lambda a, b, i: tirx.sqrt(tirx.abs(a))),
        elementwise("float32", lambda a, b, i: (a * tirx.const(9.0, "float32")).astype("int32")),
        elementwise("float32", lambda a, b, i: tirx.Select(a < b, a, b)),
    ],
    ids=lambda function: str(function.body.block.body).splitlines()[-1].strip()[:60],
)
def test_scalar_expressions(bridge: Any, function: Any) -> None:
    bridge.check_against_tvm(function, range(1))


@pytest.mark.parametrize(
    ("multiplier", "fraction_bits", "shift"),
    [
        (multiplier, *scale)
        for multiplier in (3, 1288490189, -1288490189, 1 << 30, (1 << 31) - 1)
        for scale in ((15, 0), (31, -32), (31, -5), (31, 2))
        # TVM shifts an int32 by 33 bits then, which is undefined.
        if (multiplier, scale) != (1 << 30, (31, -32))
    ],
)
def test_q_multiply_shift(bridge: Any, multiplier: int, fraction_bits: int, shift: int) -> None:
    constants = [tirx.const(item, "int32") for item in (multiplier, fraction_bits, shift)]

    def body(a: Any, b: Any, i: Any) -> Any:
        # At most 28 bits: the 64-bit product must not overflow, which TVM leaves undefined.
        return tirx.q_multiply_shift(a >> 4, *constants) + (b >> 2) * 0

    bridge.check_against_tvm(elementwise("int32", body), range(1))
