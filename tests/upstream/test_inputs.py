"""Modules that torch-mlir's and upstream's own passes wrote: read, converted and run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import make_upstream_inputs
import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.context import Context
from xdsl.dialects import linalg
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.passes.convert_linalg_to_gemmini import ConvertLinalgToGemminiPass
from gemmini_xdsl.passes.upstream_mlir import UpstreamMlir
from gemmini_xdsl.tools.api import run
from gemmini_xdsl.tools.compile import compile_input
from gemmini_xdsl.tools.inputs import load_input

Array = NDArray[Any]
INPUTS = make_upstream_inputs.INPUTS


def product(a: Array, b: Array) -> Array:
    return np.matmul(a.astype(np.int32), b.astype(np.int32))


def quantized_mm(a: Array, b: Array) -> Array:
    dequantized = product(a.astype(np.int32) - 3, b.astype(np.int32) + 2)
    return dequantized.astype(np.float32) * np.float32(0.125 * 0.25)


def requantized_linear(a: Array, w: Array, bias: Array) -> Array:
    linear = product(a, w.T).astype(np.float32) * np.float32(0.125 * 0.25) + bias
    scaled = np.rint(np.maximum(linear, np.float32(0)) / np.float32(8))
    return np.clip(scaled, -128, 127).astype(np.int8)


def epilogue(a: Array, b: Array, bias: Array) -> Array:
    scaled = np.rint((product(a, b) + bias).astype(np.float32) * np.float32(2**-6))
    return np.clip(scaled, -128, 127).astype(np.int8)


EXPECTED: dict[str, Callable[..., Array]] = {
    "bufferized": lambda a, b, c: product(a, b),
    "elementwise_epilogue": epilogue,
    "fused_epilogue": epilogue,
    "matrix_bias": lambda a, b, bias: 2 * (product(a, b) + bias),
    "padded": lambda a, b: product(np.pad(a, ((0, 2), (1, 0))), b),
    "torch_integer_mm": lambda a, b: product(a, b.T),
    "torch_quantized_mm": quantized_mm,
    "torch_requantized_linear": requantized_linear,
    "tosa_matmul": lambda a, b: product(a.astype(np.int32) - 3, b.astype(np.int32) + 2),
    "transposed_operands": lambda a, b: product(a.T, b.T),
    "transposing_maps": lambda a, b: product(a, b.T),
    "widened_batch": product,
}
ON_THE_CORE = {"torch_integer_mm": "it accumulates in 64 bits"}


def convert(name: str, context: Context) -> tuple[list[MatmulOp], list[Any]]:
    """The products that a file becomes, and what is left of linalg."""
    module = load_input(str(INPUTS / f"{name}.mlir"), context).module
    ConvertLinalgToGemminiPass().apply(context, module)
    return of_type(module, MatmulOp), of_type(module, linalg.ops.GenericOp)


def of_type(module: ModuleOp, type_: type[Any]) -> list[Any]:
    return [op for op in module.walk() if isinstance(op, type_)]


def test_there_is_an_expectation_for_every_file() -> None:
    assert make_upstream_inputs.names() == sorted(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_file_is_what_its_producer_writes(name: str) -> None:
    pytest.importorskip("torch_mlir.ir", reason="torch-mlir is not installed")
    text = (INPUTS / f"{name}.mlir").read_text()
    if text.splitlines()[0] != f"// {make_upstream_inputs.producer()}":
        pytest.skip("another version of torch-mlir is installed than the files are made with")
    assert make_upstream_inputs.make(name) == text


@pytest.mark.usefixtures("bindings")
@pytest.mark.parametrize("name", EXPECTED)
def test_result(name: str, tmp_path: Path) -> None:
    compiled = compile_input(str(INPUTS / f"{name}.mlir"), tmp_path / "out")
    (function,) = compiled.manifest.functions
    generator = np.random.default_rng(7)
    arrays: dict[str, Array] = {}
    for argument in function.arguments:
        assert argument.shape is not None
        if argument.dtype == "float32":
            arrays[argument.name] = generator.normal(0, 100, argument.shape).astype(np.float32)
        elif argument.dtype == "int8":
            arrays[argument.name] = generator.integers(-128, 128, argument.shape, np.int8)
        else:
            arrays[argument.name] = generator.integers(-999, 999, argument.shape, np.int32)
    outputs = [item.name for item in function.arguments if item.role == "output"]
    given = {key: value for key, value in arrays.items() if not key.startswith("result")}
    expected = EXPECTED[name](*given.values())
    inputs = {key: value for key, value in given.items() if key not in outputs}
    (output,) = run(compiled, inputs).outputs.values()
    np.testing.assert_array_equal(output, expected)
    assert bool(function.instructions) == (name not in ON_THE_CORE)


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - set(ON_THE_CORE)))
def test_product_is_found(
    name: str, context: Context, upstream: UpstreamMlir, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("passes.gemmini_bufferize", "tools.mlir_input"):
        monkeypatch.setattr(f"gemmini_xdsl.{module}.find_upstream", lambda purpose: upstream)
    products, _ = convert(name, context)
    assert len(products) == 1


@pytest.mark.usefixtures("bindings")
def test_epilogues_and_transposes_are_absorbed(context: Context) -> None:
    for name in ("elementwise_epilogue", "fused_epilogue"):
        (matmul,), rest = convert(name, context)
        assert rest == []
        assert matmul.bias is not None
        assert matmul.scale.value.data == 2**-6
    (matmul,), rest = convert("transposed_operands", context)
    assert rest == []
    assert matmul.transpose_a is not None
    assert matmul.transpose_b is not None
    (matmul,), rest = convert("transposing_maps", context)
    assert rest == []
    assert matmul.transpose_a is None
    assert matmul.transpose_b is not None
    (matmul,), rest = convert("tosa_matmul", context)
    assert rest == []
    assert (matmul.a_zero_point.value.data, matmul.b_zero_point.value.data) == (3, -2)


@pytest.mark.parametrize("name", ["elementwise_epilogue", "fused_epilogue"])
def test_arithmetic_on_whole_tensors(name: str, context: Context, upstream: UpstreamMlir) -> None:
    module = load_input(str(INPUTS / f"{name}.source.mlir"), context).module
    ConvertLinalgToGemminiPass().apply(context, module)
    assert len(of_type(module, MatmulOp)) == 1
    assert of_type(module, linalg.ops.GenericOp) == []
