"""Relax modules: chains of operators become one function, bit-exact against TVM's build."""

# TVMScript names buffers and namespaces in capitals.
# ruff: noqa: N803, N805, N806, N812

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("tvm")

import tvm
from tvm import relax
from tvm.script import ir as I
from tvm.script import relax as R

from gemmini_xdsl.dialects.attributes import Activation
from gemmini_xdsl.tvm_bridge.errors import TvmImportError
from gemmini_xdsl.tvm_bridge.import_tir import import_tir


@I.ir_module
class Dense:
    @R.function
    def main(
        A: R.Tensor((6, 9), "int8"), B: R.Tensor((7, 9), "int8"), D: R.Tensor((7,), "int32")
    ) -> R.Tensor((6, 7), "int8"):
        with R.dataflow():
            Bt = R.permute_dims(B)
            c = R.matmul(A, Bt, out_dtype="int32")
            d = R.add(c, D)
            f = R.astype(d, "float32")
            s = R.multiply(f, R.const(0.0123, "float32"))
            r = R.round(s)
            q = R.clip(r, R.prim_value(0), R.prim_value(127))
            y = R.astype(q, "int8")
            R.output(y)
        return y


@I.ir_module
class Asymmetric:
    @R.function
    def main(A: R.Tensor((2, 6, 9), "int8"), B: R.Tensor((9, 7), "int8")):
        with R.dataflow():
            a = R.subtract(R.astype(A, "int32"), R.const(-128, "int32"))
            b = R.subtract(R.astype(B, "int32"), R.const(17, "int32"))
            c = R.matmul(a, b)
            f = R.astype(c, "float32")
            s = R.multiply(f, R.const(0.0005, "float32"))
            q = R.clip(R.round(s), R.prim_value(-128), R.prim_value(127))
            y = R.astype(q, "int8")
            R.output(y)
        return y


@I.ir_module
class TwoLayers:
    @R.function
    def main(A: R.Tensor((6, 9), "int8"), B: R.Tensor((9, 7), "int8"), C: R.Tensor((7, 5), "int8")):
        with R.dataflow():
            x = R.matmul(A, B, out_dtype="int32")
            f = R.multiply(R.astype(x, "float32"), R.const(0.01, "float32"))
            h = R.astype(R.clip(R.round(f), R.prim_value(0), R.prim_value(127)), "int8")
            y = R.matmul(h, C, out_dtype="int32")
            R.output(h, y)
        return (h, y)


def fused(module: Any) -> Any:
    passes = [
        relax.transform.LegalizeOps(),
        relax.transform.AnnotateTIROpPattern(),
        relax.transform.FoldConstant(),
        relax.transform.FuseOps(),
        relax.transform.FuseTIR(),
    ]
    return tvm.transform.Sequential(passes)(module)


def run_relax(module: Any, inputs: list[Any]) -> list[Any]:
    machine = relax.VirtualMachine(tvm.compile(module, "llvm"), tvm.cpu())
    result = machine["main"](*[tvm.runtime.tensor(array) for array in inputs])
    items = [result] if hasattr(result, "numpy") else list(result)
    return [item.numpy() for item in items]


def check(bridge: Any, module: Any) -> Any:
    imported = import_tir(module)
    lowered = bridge.level1(imported)
    for kind in ("random", "extreme"):
        arguments = bridge.random_arguments(imported, "main", 3, kind)
        count = len(module["main"].params)
        expected = run_relax(module, arguments[:count])
        assert len(expected) == len(arguments) - count
        for level in (imported, lowered):
            got = bridge.interpret(level, "main", arguments)[count:]
            for left, right in zip(expected, got, strict=True):
                np.testing.assert_array_equal(left, right)
    return lowered


@pytest.mark.parametrize("prepare", [lambda module: module, fused], ids=["operators", "fused"])
def test_dense(bridge: Any, prepare: Any) -> None:
    lowered = check(bridge, prepare(Dense))
    (product,) = bridge.matmuls(lowered)
    assert product.transpose_b is not None
    assert product.activation.data == Activation.RELU
    assert str(product.bias.type) == "memref<7xi32>"
    assert not bridge.generics(lowered)
    assert "memref.alloc" not in str(lowered)


def test_zero_points_and_batches(bridge: Any) -> None:
    lowered = check(bridge, Asymmetric)
    (product,) = bridge.matmuls(lowered)
    assert product.zero_points == (0, 0, 0)
    assert product.sizes == (6, 7, 9)
    assert str(product.c_type.element_type) == "i8"


def test_grouped_by_pattern(bridge: Any) -> None:
    wildcard, is_op = relax.dpl.wildcard, relax.dpl.is_op
    shifted = [
        is_op("relax.subtract")(is_op("relax.astype")(wildcard()), wildcard()) for _ in range(2)
    ]
    pattern = is_op("relax.matmul")(*shifted)
    grouped = relax.transform.FuseOpsByPattern([("gemm", pattern)], bind_constants=False)
    for module in (grouped(Asymmetric), fused(grouped(Asymmetric))):
        imported = import_tir(module)
        lowered = bridge.level1(imported)
        (product,) = bridge.matmuls(lowered)
        assert str(product.c_type.element_type) == "i8"
        assert "constant_0" not in str(lowered)
        arguments = bridge.random_arguments(imported, "main", 3, "extreme")
        (expected,) = run_relax(Asymmetric, arguments[:2])
        for level in (imported, lowered):
            got = bridge.interpret(level, "main", arguments)[2]
            np.testing.assert_array_equal(expected, got)


def test_two_layers(bridge: Any) -> None:
    lowered = check(bridge, TwoLayers)
    assert len(bridge.matmuls(lowered)) == 2
    assert not bridge.generics(lowered)


def test_constant_weights(bridge: Any) -> None:
    generator = np.random.default_rng(5)
    weights = generator.integers(-128, 128, (7, 9)).astype("int8")
    bias = generator.integers(-1000, 1000, (7,)).astype("int32")
    builder = relax.BlockBuilder()
    a = relax.Var("A", relax.TensorType((6, 9), "int8"))
    with builder.function("main", [a]):
        with builder.dataflow():
            wide = builder.emit(relax.op.astype(a, "int32"))
            shifted = builder.emit(relax.op.subtract(wide, relax.const(5, "int32")))
            transposed = builder.emit(relax.op.permute_dims(relax.const(weights)))
            product = builder.emit(relax.op.matmul(shifted, relax.op.astype(transposed, "int32")))
            result = builder.emit_output(relax.op.add(product, relax.const(bias)))
        builder.emit_func_output(result)
    lowered = check(bridge, builder.get())
    (matmul,) = bridge.matmuls(lowered)
    assert matmul.zero_points == (0, 0, 0)
    assert "memref.global" in str(lowered)


@I.ir_module
class ReturnsInput:
    @R.function
    def main(A: R.Tensor((6, 9), "int8")):
        return A


@I.ir_module
class Dynamic:
    @R.function
    def main(A: R.Tensor(("n", 9), "int8")):
        with R.dataflow():
            y = R.add(A, A)
            R.output(y)
        return y


@I.ir_module
class Unsigned:
    @R.function
    def main(A: R.Tensor((6, 9), "uint8")):
        with R.dataflow():
            y = R.add(A, A)
            R.output(y)
        return y


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (ReturnsInput, "Relax function 'main': result 'A' is not computed by an operator"),
        (Dynamic, "Relax function 'main': parameter 'A' is not a tensor of static shape"),
        (
            Unsigned,
            "Relax function 'main': parameter 'A' has element type uint8; int8, int32, int64, "
            "float32 are supported",
        ),
    ],
)
def test_refused(module: Any, message: str) -> None:
    with pytest.raises(TvmImportError) as error:
        import_tir(module)
    assert str(error.value) == message
