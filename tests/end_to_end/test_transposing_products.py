"""Products that swap or transpose operands, bit by bit, against numpy."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from command_runs import check, legal, run_commands
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from gemmini_xdsl.dialects.attributes import ConfigAttr
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.hardware import GemminiConfig, load_config, preset_names
from gemmini_xdsl.passes.gemmini_transpose_weights import GemminiTransposeWeightsPass
from gemmini_xdsl.passes.transposing_schedules import transposing_schedules
from gemmini_xdsl.passes.upstream_mlir import UpstreamMlirNotFoundError, find_upstream
from gemmini_xdsl.targets.command_stream import command_stream
from gemmini_xdsl.tools.compile import compile_module
from gemmini_xdsl.tools.gemmini_opt import main
from gemmini_xdsl.tools.inputs import make_context
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule, gemm_module, lowering_passes
from gemmini_xdsl.tvm_bridge.autotvm.simulate import verify
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload

ABLE = [
    name
    for name in preset_names()
    if (config := load_config(name)).ex_write_to_spad and config.exact_depth == config.dim
]


def transposing(product: Any, draw: random.Random, config: GemminiConfig) -> Any:
    """The product with B stored transposed, whose resident operand is transposed."""
    dim = config.dim
    flows = [flow for flow in ("ws", "os") if config.supports_dataflow(flow)]
    for _ in range(1000):
        flow = draw.choice(flows)
        along, across, depth = draw.randint(1, 3), draw.randint(1, 6), draw.randint(1, 9)
        long = draw.randint(1, 6 * along * dim)
        short = draw.choice([1, draw.randint(1, across * dim)]) if flow == "os" else across * dim
        k = draw.choice([depth * dim, draw.randint(1, depth * dim)])
        streamed, tile = (
            ("b", [across, along, depth]) if flow == "os" else ("a", [along, across, depth])
        )
        fields = [
            f"tile = {tile}",
            f'order = "{draw.choice(["mnk", "nmk"])}"',
            f'inner_order = "{"".join(draw.sample("mnk", 3))}"',
            f"dataflow = {flow}",
            "transpose_resident = true",
            f'double_buffer = ["{streamed}", "c"]' if draw.random() < 0.8 else "unroll = false",
            *execution(draw),
        ]
        if draw.random() < 0.3:
            widths = [1, config.max_block_cols]
            fields.append(f"mvin_cols = {draw.choice(widths) * dim}")
            fields.append(f"mvout_cols = {(1 if product.wide else draw.choice(widths)) * dim}")
        chosen = replace(
            product,
            m=short if flow == "os" else long,
            n=long if flow == "os" else short,
            k=k,
            transpose_a=product.transpose_a and flow == "ws",
            transpose_b=True,
            schedule=", ".join(dict.fromkeys(fields)),
        )
        if len({field.split(" ")[0] for field in fields}) == len(fields) and legal(chosen, config):
            return chosen
    raise AssertionError("no schedule fits")


def execution(draw: random.Random) -> list[str]:
    """Loops, unrolled code or a software pipeline, with or without a prefetch distance."""
    kind = draw.choice(["loops", "whole", "pipeline", "ahead", "ahead"])
    if kind == "loops":
        return [f"placement = {draw.choice(['banked', 'packed'])}"]
    if kind == "ahead":
        pipeline = draw.choice([[], ["software_pipeline = true"]])
        distance = f"prefetch_distance = {draw.randint(1, 6)}"
        return ["unroll = true", "placement = cyclic", distance, *pipeline]
    place = f"placement = {draw.choice(['banked', 'packed', 'interleaved'])}"
    pipeline = ["software_pipeline = true", f"prologue_tiles = {draw.randint(1, 2)}"]
    return ["unroll = true", place, *(pipeline if kind == "pipeline" else [])]


def swapped(product: Any, draw: random.Random, config: GemminiConfig) -> Any:
    """A product of one column as one of a row, whose B is stored transposed or not."""
    for _ in range(1000):
        row = transposing(product, draw, config)
        if row.m > 1 or "dataflow = ws" in row.schedule:
            continue
        schedule = row.schedule + ", swap_operands = true"
        if product.transpose_a:
            if "prefetch_distance" in schedule and "software_pipeline" not in schedule:
                continue
            schedule = schedule.replace("transpose_resident = true, ", "")
        chosen = replace(
            row,
            m=row.n,
            n=1,
            transpose_a=product.transpose_a,
            transpose_b=draw.random() < 0.5,
            schedule=schedule,
        )
        if legal(chosen, config):
            return chosen
    raise AssertionError("no schedule fits")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("preset", ABLE)
def test_random_resident_transpositions(
    preset: str, seed: int, check_random: Callable[..., None]
) -> None:
    """Both dataflows, single rows among others, all kinds of biases, results and execution."""
    check_random(preset, f"resident {preset} {seed}", transposing, seed=20 + seed)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("preset", [p for p in ABLE if load_config(p).supports_dataflow("os")])
def test_random_swapped_operands(preset: str, seed: int, check_random: Callable[..., None]) -> None:
    """A stored either way, all kinds of biases, results and execution."""
    check_random(preset, f"swapped {preset} {seed}", swapped, seed=30 + seed)


def test_defaults_of_columns_and_of_transposed_weights(
    build: Callable[..., Any],
    products_module: Callable[..., ModuleOp],
    random_product: Callable[..., Any],
) -> None:
    """What the compiler chooses where transpositions pay; sizes are no multiples of the array's."""
    draw, config = random.Random("defaults"), load_config("default")
    base = random_product(draw, config, plain=True)
    sizes = [
        (100, 1, 256, False, False, "row"),
        (97, 1, 272, False, False, "full"),
        (50, 1, 100, True, False, "none"),
        (1, 120, 256, False, True, "row"),
        (5, 100, 130, False, True, "scalar"),
        (130, 40, 64, False, True, "none"),
    ]
    products = [
        replace(
            base,
            **dict(zip(("m", "n", "k", "transpose_a", "transpose_b", "bias"), size, strict=True)),
            schedule=None,
            wide=False,
        )
        for size in sizes
    ]
    compiled = compile_module(products_module("default", products))
    check(products, compiled, build(compiled), seed=40)


VIEWS = """
func.func @f0(%a: memref<40x256xi8>, %b: memref<300x1xi8>, %c: memref<50x1xi8>) {
  %x = memref.subview %b[7, 0] [256, 1] [1, 1]
    : memref<300x1xi8> to memref<256x1xi8, strided<[1, 1], offset: 7>>
  %y = memref.subview %c[5, 0] [40, 1] [1, 1]
    : memref<50x1xi8> to memref<40x1xi8, strided<[1, 1], offset: 5>>
  gemmini.matmul ins(%a, %x : memref<40x256xi8>, memref<256x1xi8, strided<[1, 1], offset: 7>>)
                 outs(%y : memref<40x1xi8, strided<[1, 1], offset: 5>>)
                 {schedule = #gemmini.schedule<tile = [1, 1, 16], dataflow = os,
                  swap_operands = true, transpose_resident = true>}
  return
}
"""


DYNAMIC = """
func.func @f0(%a: memref<40x256xi8>, %b: memref<300x1xi8>, %i: index, %c: memref<40x1xi8>) {
  %x = memref.subview %b[%i, 0] [256, 1] [1, 1]
    : memref<300x1xi8> to memref<256x1xi8, strided<[1, 1], offset: ?>>
  gemmini.matmul ins(%a, %x : memref<40x256xi8>, memref<256x1xi8, strided<[1, 1], offset: ?>>)
                 outs(%c : memref<40x1xi8>)
  return
}
func.func @f1(%a: memref<5x300xi8>, %b: memref<40x256xi8>, %c: memref<1x40xi8>) {
  %x = memref.subview %a[2, 3] [1, 256] [1, 1]
    : memref<5x300xi8> to memref<1x256xi8, strided<[300, 1], offset: 603>>
  gemmini.matmul ins(%x, %b : memref<1x256xi8, strided<[300, 1], offset: 603>>, memref<40x256xi8>)
                 outs(%c : memref<1x40xi8>) {transpose_b}
  return
}
func.func @f2(%a: memref<1x256xi8>, %b: memref<256x1xi8>, %c: memref<3x7xi8>) {
  %y = memref.subview %c[1, 2] [1, 1] [1, 1]
    : memref<3x7xi8> to memref<1x1xi8, strided<[7, 1], offset: 9>>
  gemmini.matmul ins(%a, %b : memref<1x256xi8>, memref<256x1xi8>)
                 outs(%y : memref<1x1xi8, strided<[7, 1], offset: 9>>)
  return
}
"""


@pytest.mark.parametrize("target", ["gemmini-c", "gemmini-llvm"])
def test_views_can_be_emitted(target: str, tmp_path: Path) -> None:
    """Columns at an offset known at run time, rows and elements of wider matrices."""
    source = tmp_path / "views.mlir"
    source.write_text(DYNAMIC)
    if target == "gemmini-llvm":
        try:
            find_upstream("a test")
        except UpstreamMlirNotFoundError:
            pytest.skip("upstream MLIR (torch-mlir or mlir-22-tools) is not installed")
    arguments = [str(source), "-p", "gemmini-default-pipeline", "-t", target]
    assert main([*arguments, "-o", str(tmp_path / "out")]) == 0
    assert "f2" in (tmp_path / "out").read_text()


def test_a_row_of_a_wider_matrix() -> None:
    rng = np.random.default_rng(4)
    a, b = (rng.integers(-128, 128, size, np.int8) for size in ((5, 300), (40, 256)))
    sums = a[2:3, 3:259].astype(np.int32) @ b.T.astype(np.int32)
    expected = np.clip(sums, -128, 127).astype(np.int8)
    module = Parser(make_context(), DYNAMIC).parse_module()
    module.attributes["gemmini.config"] = ConfigAttr(load_config("default"))
    compiled = compile_module(module)
    np.testing.assert_array_equal(run_commands(compiled.module, "f1", (a, b), expected), expected)


@pytest.mark.parametrize(
    ("m", "n", "k", "stored", "used"),
    [(3, 50, 64, False, True), (20, 50, 48, True, False), (3, 50, 48, True, True)],
)
def test_constant_weights(m: int, n: int, k: int, stored: bool, used: bool) -> None:
    """Stored the other way where that pays; the result is the same."""
    rng = np.random.default_rng(6)
    a, b = (
        rng.integers(-128, 128, size, np.int8) for size in ((m, k), (n, k) if stored else (k, n))
    )
    shape = f"{b.shape[0]}x{b.shape[1]}xi8"
    module = Parser(
        make_context(),
        f'"memref.global"() <{{sym_name = "w", type = memref<{shape}>, initial_value = '
        f'dense<"0x{b.tobytes().hex()}"> : tensor<{shape}>, sym_visibility = "private", constant}}>'
        f" : () -> () func.func @f(%A: memref<{m}x{k}xi8>, %C: memref<{m}x{n}xi32>) {{"
        f" %w = memref.get_global @w : memref<{shape}>"
        f" gemmini.matmul ins(%A, %w : memref<{m}x{k}xi8>, memref<{shape}>)"
        f" outs(%C : memref<{m}x{n}xi32>) {{{'transpose_b' if stored else ''}}} func.return }}",
    ).parse_module()
    module.attributes["gemmini.config"] = ConfigAttr(load_config("default"))
    rewritten = module.clone()
    GemminiTransposeWeightsPass().apply(make_context(), rewritten)
    (product,) = (op for op in rewritten.walk() if isinstance(op, MatmulOp))
    assert (product.transpose_b is not None) == used
    compiled = compile_module(module)
    expected = a.astype(np.int32) @ (b.T if stored else b).astype(np.int32)
    np.testing.assert_array_equal(run_commands(compiled.module, "f", (a,), expected), expected)


NEAR_BANKS = [(160, 32, 400), (64, 392, 160), (16, 64, 4000), (1, 100, 4096), (256, 48, 256)]
"""Operands that end close to the end of a bank, or fill most of the scratchpad."""


@pytest.mark.parametrize("size", NEAR_BANKS)
def test_every_candidate_compiles(size: tuple[int, int, int]) -> None:
    task = GemmTask(Workload(*size, transpose_b=True), load_config("default"))
    found = transposing_schedules(task.workload.problem, task.config)
    assert found
    for schedule in found:
        verify(task, compile_schedule(task, schedule))


def test_the_fast_path_gives_the_same_commands() -> None:
    """Straight from the loops, and by way of all passes; constants included."""
    for workload in (Workload(60, 1, 272), Workload(40, 100, 130, transpose_b=True)):
        task = GemmTask(workload, load_config("default"))
        for schedule in transposing_schedules(workload.problem, task.config):
            module = gemm_module(task, schedule)
            for step in lowering_passes():
                step.apply(make_context(), module)
            stream, fast = command_stream(module), compile_schedule(task, schedule)
            assert fast.items == stream.items
            assert fast.placements == stream.placements
            assert [c.address for c in fast.constants] == [c.address for c in stream.constants]


def test_views_of_contiguous_columns() -> None:
    """What lies beside the column of C stays as it is."""
    rng = np.random.default_rng(3)
    a, b = (rng.integers(-128, 128, size, np.int8) for size in ((40, 256), (300, 1)))
    expected = np.zeros((50, 1), np.int8)
    sums = a.astype(np.int32) @ b[7:263].astype(np.int32)
    expected[5:45] = np.clip(sums, -128, 127)
    module = Parser(make_context(), VIEWS).parse_module()
    module.attributes["gemmini.config"] = ConfigAttr(load_config("default"))
    compiled = compile_module(module)
    np.testing.assert_array_equal(run_commands(compiled.module, "f0", (a, b), expected), expected)
