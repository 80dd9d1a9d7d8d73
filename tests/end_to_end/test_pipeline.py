"""Properties of the whole pipeline: restarts at every level, and sizes that do not matter."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.printer import Printer

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.passes.gemmini_assign_schedule import GemminiAssignSchedulePass
from gemmini_xdsl.passes.pipelines import default_pipeline
from gemmini_xdsl.targets.c_module import emit_module

MAX_OPERATIONS = 400


def _text(module: ModuleOp, generic: bool) -> str:
    stream = io.StringIO()
    Printer(stream, print_generic_format=generic).print_op(module)
    return stream.getvalue()


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("preset", ["default", "lean", "int8_8x8"])
def test_restart_at_every_level(
    preset: str,
    generic: bool,
    products_module: Callable[..., ModuleOp],
    random_product: Callable[..., Any],
    parse: Callable[[str], ModuleOp],
    context: Context,
) -> None:
    """Printing and parsing between any two passes changes nothing in the C that comes out."""
    draw = random.Random(preset)
    products = [random_product(draw, load_config(preset), plain=True) for _ in range(6)]
    module = products_module(preset, products)
    straight = module.clone()
    for step in default_pipeline():
        step.apply(context, straight)
        step.apply(context, module)
        module = parse(_text(module, generic))
    assert emit_module(module, "kernel").source == emit_module(straight, "kernel").source


def _operations(module: ModuleOp, context: Context, *, loops: bool = False) -> int:
    """Operations of the level-4 module; with `loops` on single instructions, not on LOOP_WS."""
    schedule = GemminiAssignSchedulePass(lowering="isa", unroll=False) if loops else None
    for step in default_pipeline(schedule=schedule):
        step.apply(context, module)
    return sum(1 for _ in module.walk())


def _square(size: int, result: str = "i8") -> str:
    matrix = f"memref<{size}x{size}xi8>"
    output = f"memref<{size}x{size}x{result}>"
    return (
        f"func.func @f(%a: {matrix}, %b: {matrix}, %bias: memref<{size}xi32>, %c: {output}) {{\n"
        f"  gemmini.matmul ins(%a, %b : {matrix}, {matrix}) bias(%bias : memref<{size}xi32>) "
        f"outs(%c : {output})\n  return\n}}"
    )


@pytest.mark.parametrize(("size", "loops"), [(1024, False), (1024, True), (4096, True)])
def test_size_independence(
    size: int, loops: bool, parse: Callable[[str], ModuleOp], context: Context
) -> None:
    """The level-4 module of 1024^3 is small, and that of 4096^3 is no larger than needed."""
    assert _operations(parse(_square(size)), context, loops=loops) < MAX_OPERATIONS


def test_size_independence_with_edges(parse: Callable[[str], ModuleOp], context: Context) -> None:
    """Edges cost bodies, not iterations: twice as large is not longer."""
    small, large = (
        _operations(parse(_square(1023)), context, loops=True),
        _operations(parse(_square(2047)), context, loops=True),
    )
    assert large <= small * 1.1
    assert large < 2 * MAX_OPERATIONS
