"""The order that `gemmini-list-schedule` makes, against the order of the program."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from functools import cache

import pytest
from row_model import Execution, broken_dependencies, execute
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.dialects.tile import UnrollOp
from gemmini_xdsl.hardware import GemminiConfig, load_config, preset_names
from gemmini_xdsl.passes.gemmini_list_schedule import GemminiListSchedulePass
from gemmini_xdsl.passes.pipelines import default_pipeline
from gemmini_xdsl.passes.schedule_rules import Problem, instruction_count
from gemmini_xdsl.targets.command_stream import command_stream
from gemmini_xdsl.tools.universe import load_universe

PRODUCTS = 8


@cache
def _context() -> Context:
    context = Context()
    for name, load in load_universe().all_dialects.items():
        context.register_dialect(name, load)
    return context


def random_product(draw: random.Random, config: GemminiConfig) -> str:
    """A module with one unrolled product of up to 5 blocks along each dimension."""
    dim = config.dim
    m, n, k = (draw.choice([dim, draw.randint(1, 5 * dim)]) for _ in range(3))
    dataflow = draw.choice(["ws", "os"] if config.supports_dataflow("os") else ["ws"])
    ta, tb = draw.choice([(0, 0), (0, 0), (1, 0), (1, 1) if dataflow == "os" else (0, 1)])
    wide = config.acc_read_full_width and draw.random() < 0.3
    slots = draw.choice(["", '"a", "c"', '"b", "c"', '"a", "b", "c"'])
    fields = [
        f"tile = {draw.choice([[draw.randint(1, 5), 5, 8], [5, draw.randint(1, 5), 8]])}",
        f'order = "{draw.choice(["mnk", "nmk"])}"',
        f'inner_order = "{"".join(draw.sample("mnk", 3))}"',
        f"dataflow = {dataflow}",
        f"double_buffer = [{slots}]",
        f"placement = {draw.choice(['banked', 'packed', 'interleaved'])}",
        f"mvin_cols = {draw.choice([0, dim, config.max_block_cols * dim])}",
        f"mvout_cols = {draw.choice([0, dim, dim if wide else config.max_block_cols * dim])}",
        "unroll = true",
    ]
    a, b = f"{k}x{m}" if ta else f"{m}x{k}", f"{n}x{k}" if tb else f"{k}x{n}"
    c = f"memref<{m}x{n}x{'i32' if wide else 'i8'}>"
    bias = draw.choice(["", f"memref<{n}xi32>", f"memref<{m}x{n}xi32>"])
    attributes = [f"schedule = #gemmini.schedule<{', '.join(fields)}>"]
    attributes += ["transpose_a"] * ta + ["transpose_b"] * tb
    parameter, operand = (f"%bias: {bias}, ", f"bias(%bias : {bias})") if bias else ("", "")
    return f"""
      builtin.module attributes {{gemmini.config = #gemmini.config<"{config.name}">}} {{
        func.func @f(%a: memref<{a}xi8>, %b: memref<{b}xi8>, {parameter}%c: {c}) {{
          gemmini.matmul ins(%a, %b : memref<{a}xi8>, memref<{b}xi8>) {operand}
            outs(%c : {c}) {{{", ".join(attributes)}}}
          return
        }}
      }}"""


class _Inline(ModulePass):
    """Leaves the instructions of `gemmini.unroll` in the order of the program."""

    name = "inline"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        for region in [inner for inner in op.walk() if isinstance(inner, UnrollOp)]:
            for inner in list(region.body.block.ops):
                inner.detach()
                Rewriter.insert_op(inner, InsertPoint.before(region))
            Rewriter.erase_op(region)


def compiled(text: str, *, scheduled: bool) -> tuple[tuple[int, int, int], ...]:
    """The commands of the product, ordered or as the program has them; the fence comes last."""
    module = Parser(_context(), text).parse_module()
    passes: Sequence[ModulePass] = [
        _Inline() if isinstance(step, GemminiListSchedulePass) and not scheduled else step
        for step in default_pipeline()
    ]
    for step in passes:
        step.apply(_context(), module)
        module.verify()
    *items, fence = command_stream(module).items
    assert fence is None
    commands = [item[:3] for item in items if item is not None]
    assert len(commands) == len(items)
    return tuple(commands)


def _cases() -> list[tuple[str, int]]:
    return [(preset, number) for preset in preset_names() for number in range(PRODUCTS)]


@cache
def _both(preset: str, number: int) -> tuple[str, Execution, Execution]:
    config = load_config(preset)
    text = random_product(random.Random(f"{preset} {number}"), config)
    program, order = (
        execute(compiled(text, scheduled=scheduled), config) for scheduled in (False, True)
    )
    return text, program, order


@pytest.mark.parametrize(("preset", "number"), _cases())
def test_order_is_a_permutation_that_respects_dependencies(preset: str, number: int) -> None:
    """Also: every element that is stored is the same sum of the same products."""
    text, program, order = _both(preset, number)
    keys = [Counter(access.key for access in side.accesses) for side in (program, order)]
    assert keys[0] == keys[1], text
    assert broken_dependencies(program, order) == [], text
    assert order.stored == program.stored, text


@pytest.mark.parametrize(("preset", "number"), _cases())
def test_instructions_are_counted_in_advance(preset: str, number: int) -> None:
    """The limit of unrolled code relies on it."""
    text, _, order = _both(preset, number)
    module = Parser(_context(), text).parse_module()
    matmul = next(op for op in module.walk() if isinstance(op, MatmulOp))
    assert matmul.schedule is not None
    problem = Problem.of(matmul)
    expected = sum(2 if access.kind == "product" else 1 for access in order.accesses)
    assert instruction_count(matmul.schedule.data, problem, load_config(preset)) == expected


def test_some_orders_differ() -> None:
    """The property above is not about programs that stay as they are."""
    moved = [
        [access.key for access in program.accesses] != [access.key for access in order.accesses]
        for _, program, order in (_both(*case) for case in _cases())
    ]
    assert sum(moved) > len(moved) // 2


@pytest.mark.parametrize("preset", preset_names())
def test_order_is_deterministic(preset: str) -> None:
    text = random_product(random.Random(f"{preset} again"), load_config(preset))
    assert compiled(text, scheduled=True) == compiled(text, scheduled=True)


def test_first_of_a_sum_overwrites() -> None:
    """Loads of the bias that come late add to what the products left."""
    late = 0
    for case in _cases():
        _, _, order = _both(*case)
        started: set[object] = set()
        for access in order.accesses:
            started |= access.writes
            late += access.kind == "load" and access.adds
    assert late > 0
