"""Products several rows of whose result are computed as one, bit by bit, against numpy."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from command_runs import legal, run_commands
from xdsl.parser import Parser

from gemmini_xdsl.dialects.attributes import ConfigAttr
from gemmini_xdsl.hardware import GemminiConfig, load_config, preset_names
from gemmini_xdsl.passes.folding_schedules import folding_schedules
from gemmini_xdsl.targets.command_stream import command_stream
from gemmini_xdsl.tools.compile import compile_module
from gemmini_xdsl.tools.inputs import make_context
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule, gemm_module, lowering_passes
from gemmini_xdsl.tvm_bridge.autotvm.simulate import verify
from gemmini_xdsl.tvm_bridge.autotvm.task import BIASES, GemmTask, Workload

ABLE = [
    name
    for name in preset_names()
    if (config := load_config(name)).ex_write_to_spad
    and config.exact_depth == config.dim
    and config.supports_dataflow("ws")
]


def folded(product: Any, draw: random.Random, config: GemminiConfig) -> Any:
    """The product with few columns, which divide the array's, and more rows than a tile."""
    dim = config.dim
    for _ in range(1000):
        n = draw.choice([size for size in range(1, dim) if dim % size == 0])
        rows, tile = dim // n, dim * dim // n
        m = draw.choice([2, 3, 4]) * tile + draw.choice([0, rows * draw.randint(0, dim - 1)])
        k = rows * draw.randint(1, 6 * n)
        depth = -(-k // dim)
        fields = [
            f"tile = [{rows}, 1, {depth}]",
            "placement = cyclic, unroll = true, software_pipeline = true, fold_rows = true",
            f"prefetch_distance = {draw.randint(1, 6)}",
            'double_buffer = ["a", "c"]',
        ]
        if draw.random() < 0.3:
            fields.append(f"mvin_cols = {draw.choice([1, config.max_block_cols]) * dim}")
        chosen = replace(
            product,
            m=m,
            n=n,
            k=k,
            transpose_a=False,
            transpose_b=False,
            schedule=", ".join(fields),
        )
        if legal(chosen, config):
            return chosen
    raise AssertionError("no schedule fits")


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("preset", ABLE)
def test_random_folded_rows(preset: str, seed: int, check_random: Callable[..., None]) -> None:
    """All kinds of biases and results; depths that end inside a block, and a last tile that does.

    C emission and machine code see the same products.
    """
    check_random(preset, f"folded {preset} {seed}", folded, seed=50 + seed)


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("size", [(512, 2, 512), (400, 4, 100), (272, 2, 40)])
def test_candidates(size: tuple[int, int, int], bias: str) -> None:
    """Trials of what the compiler measures; all passes give the same commands."""
    task = GemmTask(Workload(*size, bias=bias), load_config("default"))
    found = folding_schedules(task.workload.problem, task.config)
    assert found
    for schedule in found:
        fast = compile_schedule(task, schedule)
        verify(task, fast)
        module = gemm_module(task, schedule)
        for step in lowering_passes():
            step.apply(make_context(), module)
        stream = command_stream(module)
        assert fast.items == stream.items
        assert fast.copies == stream.copies
        assert bool(fast.copies) == (bias == "row")


EXTREMES = """
func.func @f0(%a: memref<300x80xi8>, %b: memref<64x4xi8>, %bias: memref<4xi32>,
              %c: memref<136x4xi32>) {
  %x = memref.subview %a[9, 16] [136, 64] [2, 1]
    : memref<300x80xi8> to memref<136x64xi8, strided<[160, 1], offset: 736>>
  gemmini.matmul ins(%x, %b : memref<136x64xi8, strided<[160, 1], offset: 736>>, memref<64x4xi8>)
                 bias(%bias : memref<4xi32>) outs(%c : memref<136x4xi32>)
                 {schedule = #gemmini.schedule<tile = [4, 1, 4], double_buffer = ["a", "c"],
                  placement = cyclic, unroll = true, software_pipeline = true,
                  prefetch_distance = 2, fold_rows = true>}
  return
}
"""


def test_extreme_values_of_a_view() -> None:
    """Every second row of a wider matrix; -128 everywhere, and a bias that wraps around."""
    a, b = np.full((300, 80), -128, np.int8), np.full((64, 4), -128, np.int8)
    bias = np.array([2**31 - 1, -(2**31), 7, 0], np.int32)
    sums = np.int64(64 * 128 * 128) + bias.astype(np.int64)
    expected = np.tile((sums % 2**32).astype(np.uint32).view(np.int32), (136, 1))
    module = Parser(make_context(), EXTREMES).parse_module()
    module.attributes["gemmini.config"] = ConfigAttr(load_config("default"))
    compiled = compile_module(module)
    np.testing.assert_array_equal(
        run_commands(compiled.module, "f0", (a, b, bias), expected), expected
    )
