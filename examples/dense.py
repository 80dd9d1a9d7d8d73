"""A quantised dense layer from TVM on Gemmini: TE -> TIR -> MLIR -> C -> simulator.

Run by `make demo`. The layer is requantise(relu(A * B + bias)) with int8 A of 100x200, int8 B of
200x60 and an int32 bias, and is compared with what TVM's own LLVM back end computes.
"""

from __future__ import annotations

import sys

import numpy as np
import tvm
from tvm import te, tirx

from gemmini_xdsl.tools.api import compile_module, run

M, N, K = 100, 60, 200
SCALE = 0.0123


def dense() -> tirx.PrimFunc:
    """The layer in TE."""
    a = te.placeholder((M, K), "int8", name="A")
    b = te.placeholder((K, N), "int8", name="B")
    bias = te.placeholder((N,), "int32", name="bias")
    k = te.reduce_axis((0, K), name="k")
    product = te.compute(
        (M, N),
        lambda i, j: te.sum(a[i, k].astype("int32") * b[k, j].astype("int32"), axis=k),
        name="product",
    )
    biased = te.compute((M, N), lambda i, j: product[i, j] + bias[j], name="biased")

    def requantise(i: tirx.Var, j: tirx.Var) -> tirx.PrimExpr:
        positive = tirx.max(biased[i, j], tirx.const(0, "int32"))
        scaled = tirx.nearbyint(positive.astype("float32") * tirx.const(SCALE, "float32"))
        low, high = tirx.const(-128.0, "float32"), tirx.const(127.0, "float32")
        return tirx.min(tirx.max(scaled, low), high).astype("int8")

    c = te.compute((M, N), requantise, name="C")
    return te.create_prim_func([a, b, bias, c])


def reference(function: tirx.PrimFunc, arrays: list[np.ndarray]) -> np.ndarray:
    """The layer by TVM's LLVM back end."""
    executable = tvm.compile(function, target="llvm")
    tensors = [tvm.runtime.tensor(array) for array in arrays]
    result = tvm.runtime.tensor(np.zeros((M, N), np.int8))
    executable(*tensors, result)
    return np.asarray(result.numpy())


def main() -> int:
    """Compile, run, compare."""
    rng = np.random.default_rng(0)
    a = rng.integers(-128, 128, (M, K)).astype(np.int8)
    b = rng.integers(-128, 128, (K, N)).astype(np.int8)
    bias = rng.integers(-(2**13), 2**13, N).astype(np.int32)

    print(f"dense layer: {M}x{N}x{K}, int8 with bias, ReLU and requantisation by {SCALE}")
    function = dense()
    compiled = compile_module(function, name="dense")
    for stage in compiled.stages:
        print(f"  {stage.name:<34}{stage.operations:>6} operations")
    (record,) = compiled.manifest.functions
    print(f"schedule: {record.schedule}")
    instructions = record.instructions or {}
    print(f"instructions: {sum(instructions.values())}")
    for mnemonic, count in instructions.items():
        print(f"  {mnemonic:<34}{count:>6}")

    result = run(compiled, {"A": a, "B": b, "bias": bias}, check=True)
    expected = reference(function, [a, b, bias])
    differing = int(np.count_nonzero(result.outputs["C"] != expected))
    if differing or result.check != "pass":
        print(f"FAILED: {differing} of {M * N} elements differ from TVM's LLVM build")
        return 1
    print("compared with TVM's LLVM build and with numpy: bit-exact")
    return 0


if __name__ == "__main__":
    sys.exit(main())
