"""Random products, their reference in numpy, and kernels built for this machine."""

from __future__ import annotations

import ctypes
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from gemmini_xdsl.hardware import GemminiConfig, load_config
from gemmini_xdsl.runtime_c.paths import library_path
from gemmini_xdsl.runtime_c.simulator import Simulator
from gemmini_xdsl.tools.compile import Compiled, compile_module
from gemmini_xdsl.tools.host_build import build_shared_library
from gemmini_xdsl.tools.universe import load_universe

# Makes this folder's helper modules importable by its tests.
sys.path.insert(0, str(Path(__file__).parent))

Array = np.ndarray[Any, Any]

PER_MODULE = 12
"""Random products that are compiled together."""

GUARD = 64
GUARD_BYTE = 0x5A
INT32 = 1 << 32


@dataclass(frozen=True)
class Product:
    """One product with all that gemmini.matmul can be asked for."""

    config: str
    m: int
    n: int
    k: int
    transpose_a: bool
    transpose_b: bool
    bias: str
    wide: bool
    scale: float
    relu: bool
    clip: tuple[int, int]
    zero_points: tuple[int, int, int]
    schedule: str | None

    def function(self, name: str) -> str:
        """The product as a function of level 1."""
        a = f"memref<{self.k}x{self.m}xi8>" if self.transpose_a else f"memref<{self.m}x{self.k}xi8>"
        b = f"memref<{self.n}x{self.k}xi8>" if self.transpose_b else f"memref<{self.k}x{self.n}xi8>"
        c = f"memref<{self.m}x{self.n}x{'i32' if self.wide else 'i8'}>"
        bias = {
            "none": "",
            "row": f"memref<{self.n}xi32>",
            "full": f"memref<{self.m}x{self.n}xi32>",
            "scalar": "i32",
        }[self.bias]
        za, zb, zc = self.zero_points
        attributes = [f"a_zero_point = {za} : i32", f"b_zero_point = {zb} : i32"]
        if not self.wide:
            attributes += [
                f"c_zero_point = {zc} : i32",
                f"clip_min = {self.clip[0]} : i32",
                f"clip_max = {self.clip[1]} : i32",
                f"scale = {np.float32(self.scale):.9e} : f32",
                f"activation = #gemmini<activation {'relu' if self.relu else 'none'}>",
            ]
        if self.transpose_a:
            attributes.append("transpose_a")
        if self.transpose_b:
            attributes.append("transpose_b")
        if self.schedule is not None:
            attributes.append(f"schedule = #gemmini.schedule<{self.schedule}>")
        parameters = [f"%A: {a}", f"%B: {b}"]
        if bias:
            parameters.append(f"%bias: {bias}")
        parameters.append(f"%C: {c}")
        operand = f" bias(%bias : {bias})" if bias else ""
        return (
            f"func.func @{name}({', '.join(parameters)}) {{\n"
            f"  gemmini.matmul ins(%A, %B : {a}, {b}){operand} outs(%C : {c})"
            f" {{{', '.join(attributes)}}}\n  return\n}}\n"
        )

    def inputs(self, rng: np.random.Generator) -> list[Array | int]:
        """A, B and the bias: random over the whole range, extremes only, or one value."""
        kind = rng.choice(["random", "extreme", "least"], p=[0.7, 0.2, 0.1])

        def fill(shape: tuple[int, ...], low: int, high: int, dtype: type) -> Array:
            if kind == "random":
                return rng.integers(low, high, size=shape, endpoint=True).astype(dtype)
            if kind == "extreme":
                return rng.choice(np.array([low, high]), size=shape).astype(dtype)
            return np.full(shape, low, dtype)

        a = fill((self.k, self.m) if self.transpose_a else (self.m, self.k), -128, 127, np.int8)
        b = fill((self.n, self.k) if self.transpose_b else (self.k, self.n), -128, 127, np.int8)
        span = int(rng.choice([100, 30_000, INT32 // 2 - 1]))
        shapes = {"row": (self.n,), "full": (self.m, self.n), "scalar": ()}
        if self.bias == "none":
            return [a, b]
        bias = fill(shapes[self.bias], -span - 1, span, np.int32)
        return [a, b, int(bias) if self.bias == "scalar" else bias]

    def reference(self, inputs: Sequence[Array | int]) -> Array:
        """The result, from the documented meaning of gemmini.matmul."""
        a, b = np.asarray(inputs[0]), np.asarray(inputs[1])
        za, zb, zc = self.zero_points
        a64 = (a.T if self.transpose_a else a).astype(np.int64) - za
        b64 = (b.T if self.transpose_b else b).astype(np.int64) - zb
        total = a64 @ b64
        if len(inputs) > 2:
            total = total + np.asarray(inputs[2]).astype(np.int64)
        total = ((total + INT32 // 2) % INT32 - INT32 // 2).astype(np.int32)
        if self.wide:
            return total
        if self.relu:
            total = np.maximum(total, 0)
        scaled = np.rint(total.astype(np.float32) * np.float32(self.scale)).astype(np.float64)
        return np.clip(scaled + zc, *self.clip).astype(np.int8)


def random_product(
    rng: random.Random, config: GemminiConfig, largest: int = 200, *, plain: bool = False
) -> Product:
    """A product that `config` can execute; `plain` ones need no arithmetic of the core."""
    wide_allowed = config.acc_read_full_width
    transpose_a, transpose_b = rng.random() < 0.4, rng.random() < 0.4
    if not config.supports_dataflow("os") and transpose_a:
        transpose_b = False
    wide = wide_allowed and rng.random() < 0.25
    relu = rng.random() < 0.5
    clip, zero_points = (-128, 127), (0, 0, 0)
    if not plain and rng.random() < 0.25:
        za, zb, zc = (rng.choice([0, 3, -128, 127]) for _ in range(3))
        zero_points = (za, zb, 0 if wide or not wide_allowed else zc)
    if not plain and not wide and wide_allowed and rng.random() < 0.15:
        clip = rng.choice([(0, 127), (-100, 50), (-128, 0), (5, 5)])
    return Product(
        config.name,
        *(rng.choice([1, config.dim, rng.randint(1, largest)]) for _ in range(3)),
        transpose_a,
        transpose_b,
        rng.choice(["none", "row", "full", "scalar"]),
        wide,
        rng.choice([1.0, 0.5, 0.0123, 0.0004, 3.0]) if not relu else rng.choice([0.5, 0.01]),
        relu and not wide,
        clip,
        zero_points,
        None
        if rng.random() < 0.3
        else _random_schedule(rng, config, transpose_a, transpose_b, wide),
    )


def _random_schedule(
    rng: random.Random, config: GemminiConfig, transpose_a: bool, transpose_b: bool, wide: bool
) -> str:
    dataflows = ["ws"] if not (transpose_a and transpose_b) else []
    if config.supports_dataflow("os") and (transpose_a or not transpose_b):
        dataflows.append("os")
    dataflow = rng.choice(dataflows)
    fields = [
        f"tile = {[rng.randint(1, 4) for _ in range(3)]}",
        f'order = "{rng.choice(["mnk", "nmk"])}"',
        f'inner_order = "{"".join(rng.sample("mnk", 3))}"',
        f"dataflow = {dataflow}",
        f"placement = {rng.choice(['banked', 'packed'])}",
    ]
    buffered = [f'"{operand}"' for operand in "abc" if rng.random() < 0.6]
    fields.append(f"double_buffer = [{', '.join(buffered)}]")
    if rng.random() < 0.4:
        fields.append(f"mvin_cols = {config.dim * rng.randint(1, config.max_block_cols)}")
    if rng.random() < 0.4:
        widest = 1 if wide else config.max_block_cols
        fields.append(f"mvout_cols = {config.dim * rng.randint(1, widest)}")
    if dataflow == "ws" and config.exact_depth == config.dim and rng.random() < 0.3:
        fields.append("lowering = loop_ws")
    return ", ".join(fields)


def all_dialects() -> Context:
    """A context that knows every dialect."""
    context = Context()
    for name, load in load_universe().all_dialects.items():
        context.register_dialect(name, load)
    return context


def parse(text: str) -> ModuleOp:
    """A verified module of `text`."""
    module = Parser(all_dialects(), text).parse_module()
    module.verify()
    return module


def products_module(config: str, products: Sequence[Product]) -> ModuleOp:
    """A module with one function `f<number>` for each product."""
    functions = "".join(p.function(f"f{number}") for number, p in enumerate(products))
    return parse(
        f'builtin.module attributes {{gemmini.config = #gemmini.config<"{config}">}} '
        f"{{\n{functions}}}"
    )


class Kernels:
    """The functions of a compiled module, built for this machine."""

    def __init__(self, compiled: Compiled, folder: Path):
        compiled.write(folder / "kernels")
        library = folder / "kernels.so"
        source = folder / "kernels" / f"{compiled.name}.c"
        includes = [source.parent, source.parent / "include"]
        build_shared_library([source], includes, library_path(), library)
        self.config = compiled.config
        self.library = ctypes.CDLL(str(library))

    def run(self, name: str, inputs: Sequence[Array | int], result: Array) -> Array:
        """Run `name` in the checked simulator; nothing around the result may be written."""
        storage = np.full(result.nbytes + 2 * GUARD, GUARD_BYTE, np.uint8)
        function = getattr(self.library, name)
        function.restype = None
        arguments: list[Any] = [
            ctypes.c_int32(value)
            if isinstance(value, int)
            else ctypes.c_void_p(np.ascontiguousarray(value).ctypes.data)
            for value in inputs
        ]
        with Simulator(self.config, checked=True).attach():
            function(*arguments, ctypes.c_void_p(storage.ctypes.data + GUARD))
        assert np.all(storage[:GUARD] == GUARD_BYTE), "written before the result"
        assert np.all(storage[-GUARD:] == GUARD_BYTE), "written behind the result"
        return storage[GUARD:-GUARD].view(result.dtype).reshape(result.shape)


@pytest.fixture
def build(tmp_path: Path) -> Callable[[Compiled], Kernels]:
    """Build a compiled module."""
    return lambda compiled: Kernels(compiled, tmp_path)


@pytest.fixture
def config(request: pytest.FixtureRequest) -> GemminiConfig:
    """The preset that the test is parametrised with."""
    return load_config(request.param)


@pytest.fixture(name="products_module", scope="session")
def products_module_fixture() -> Callable[[str, Sequence[Product]], ModuleOp]:
    """`products_module`."""
    return products_module


@pytest.fixture(name="random_product", scope="session")
def random_product_fixture() -> Callable[..., Product]:
    """`random_product`."""
    return random_product


@pytest.fixture(name="parse", scope="session")
def parse_fixture() -> Callable[[str], ModuleOp]:
    """`parse`."""
    return parse


@pytest.fixture(scope="session")
def context() -> Context:
    """A context that knows every dialect."""
    return all_dialects()


@pytest.fixture
def check_random(
    build: Callable[..., Any],
    products_module: Callable[..., ModuleOp],
    random_product: Callable[..., Any],
) -> Callable[..., None]:
    """Compiles and checks random products that `make` gives a schedule."""
    # Found by what this module adds to the path.
    from command_runs import check

    def run(preset: str, label: str, make: Callable[..., Any], seed: int) -> None:
        config = load_config(preset)
        draw = random.Random(label)
        products = [
            make(random_product(draw, config, plain=True), draw, config) for _ in range(PER_MODULE)
        ]
        compiled = compile_module(products_module(preset, products))
        check(products, compiled, build(compiled), seed=seed)

    return run
