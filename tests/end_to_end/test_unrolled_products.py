"""Unrolled products, bit by bit: by emitted C and by the command stream, against numpy."""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from command_runs import check, legal, run_commands
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from gemmini_xdsl.dialects.attributes import ConfigAttr
from gemmini_xdsl.dialects.isa import ComputePreloadedOp
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.hardware import GemminiConfig, load_config, preset_names
from gemmini_xdsl.passes import prologue_ordering
from gemmini_xdsl.passes.gemmini_assign_schedule import GemminiAssignSchedulePass
from gemmini_xdsl.passes.prologue_ordering import _Prologue
from gemmini_xdsl.passes.schedule_rules import Problem, schedule_problem
from gemmini_xdsl.passes.straight_line import Instruction, exchange_destinations
from gemmini_xdsl.targets.command_stream import command_stream
from gemmini_xdsl.tools.compile import compile_module
from gemmini_xdsl.tools.inputs import make_context

LARGEST, BLOCKS, PER_MODULE = 80, 5, 12
SLOTS = ("", '"a", "c"', '"b", "c"')


def small(product: Any, draw: random.Random, largest: int) -> Any:
    """The product with sizes up to `largest` and no schedule."""
    m, n, k = (draw.randint(1, largest) for _ in range(3))
    return replace(product, m=m, n=n, k=k, schedule=None)


def unrolled(product: Any, draw: random.Random, config: GemminiConfig) -> Any:
    """The product in tiles that are unrolled together, of up to `BLOCKS` blocks each way."""
    dim = config.dim
    m, n, k = (draw.choice([draw.randint(1, 4) * dim, draw.randint(1, 4 * dim)]) for _ in range(3))
    strip = draw.randint(1, BLOCKS)
    fields = [
        f"tile = {draw.choice([[strip, BLOCKS, BLOCKS], [BLOCKS, strip, BLOCKS]])}",
        f'order = "{draw.choice(["mnk", "nmk"])}"',
        f"double_buffer = [{draw.choice(SLOTS)}]",
        *free_fields(product, draw, config),
    ]
    return replace(product, m=m, n=n, k=k, schedule=", ".join(fields))


def free_fields(product: Any, draw: random.Random, config: GemminiConfig) -> list[str]:
    """Fields of an unrolled schedule that do not depend on its tiles."""
    dim = config.dim
    legal = config.supports_dataflow("os") and (product.transpose_a or not product.transpose_b)
    only_os = product.transpose_a and product.transpose_b
    dataflow = "os" if only_os or (legal and draw.random() < 0.4) else "ws"
    fields = [
        f'inner_order = "{"".join(draw.sample("mnk", 3))}"',
        f"dataflow = {dataflow}",
        f"placement = {draw.choice(['banked', 'packed', 'interleaved'])}",
        "unroll = true",
    ]
    if draw.random() < 0.6:
        widths = [1, config.max_block_cols]
        fields.append(f"mvin_cols = {draw.choice(widths) * dim}")
        fields.append(f"mvout_cols = {(1 if product.wide else draw.choice(widths)) * dim}")
    return fields


@pytest.mark.parametrize("preset", preset_names())
def test_random_small_products(
    preset: str,
    build: Callable[..., Any],
    products_module: Callable[..., ModuleOp],
    random_product: Callable[..., Any],
) -> None:
    """Sizes of 1 to 80 with the schedule that is chosen by default, unrolled for most of them."""
    config = load_config(preset)
    draw = random.Random(f"small {preset}")
    # What is larger has loops: its schedule is chosen by measuring, which takes longer.
    largest = min(LARGEST, BLOCKS * config.dim)
    products = [
        small(random_product(draw, config, plain=True), draw, largest) for _ in range(PER_MODULE)
    ]
    module = products_module(preset, products)
    assigned = module.clone()
    GemminiAssignSchedulePass().apply(None, assigned)  # type: ignore[arg-type]
    chosen = [
        op.schedule.data for op in assigned.walk() if isinstance(op, MatmulOp) and op.schedule
    ]
    assert len(chosen) == PER_MODULE
    assert sum(schedule.unroll for schedule in chosen) > PER_MODULE // 2
    compiled = compile_module(module)
    check(products, compiled, build(compiled), seed=1)


@pytest.mark.parametrize("preset", preset_names())
def test_random_unrolled_schedules(preset: str, check_random: Callable[..., None]) -> None:
    """Both dataflows, all kinds of biases, transposes and tiles."""
    check_random(preset, f"tiles {preset}", unrolled, seed=2)


def pipelined(product: Any, draw: random.Random, config: GemminiConfig) -> Any:
    """The product in a software pipeline of two to six tiles, some with a prefetch distance."""
    for _ in range(1000):
        # Wide strips add their biases last.
        along, across = draw.randint(1, 3), draw.randint(1, 2 * config.max_block_cols)
        depth = draw.randint(1, 3 * config.max_block_cols)
        long = draw.randint(along * config.dim + 1, 6 * along * config.dim)
        short = draw.randint(1, across * config.dim)
        rows = draw.random() < 0.5
        fields = [
            f"tile = {[along, across, depth] if rows else [across, along, depth]}",
            f'double_buffer = ["{"a" if rows else "b"}", "c"]',
            "software_pipeline = true",
            *free_fields(product, draw, config),
        ]
        if draw.random() < 0.5:
            fields = [field for field in fields if not field.startswith("placement")]
            fields += ["placement = cyclic", f"prefetch_distance = {draw.randint(1, 6)}"]
        elif draw.random() < 0.6:
            fields.append("prologue_tiles = 2")
        chosen = replace(
            product,
            m=long if rows else short,
            n=short if rows else long,
            k=draw.randint(1, depth * config.exact_depth),
            schedule=", ".join(fields),
        )
        if legal(chosen, config):
            return chosen
    raise AssertionError("no schedule fits")


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("preset", preset_names())
def test_random_software_pipelines(
    preset: str, seed: int, check_random: Callable[..., None]
) -> None:
    """Strips of rows and of columns, the last one partial or not, with and without biases."""
    check_random(preset, f"pipelines {preset} {seed}", pipelined, seed=4 + seed)


def filled(product: Any, draw: random.Random, config: GemminiConfig) -> Any:
    """The product in a software pipeline whose prologue computes two tiles by rows."""
    for _ in range(1000):
        chosen = pipelined(product, draw, config)
        if "prologue_tiles = 2" in chosen.schedule and "interleaved" not in chosen.schedule:
            return chosen
    raise AssertionError("no schedule fits")


@pytest.mark.parametrize("preset", preset_names())
def test_products_of_a_prologue_in_any_order(
    preset: str, check_random: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever product of a sum comes first overwrites, and the others add."""
    draw = random.Random(preset)
    exchanged = 0

    def in_any_order(
        self: _Prologue, first: Sequence[Sequence[int]], others: Sequence[Sequence[int]]
    ) -> list[int]:
        groups: list[list[int]] = []
        for number in sorted(n for row in (*first, *others) for n in row):
            if isinstance(self.products[number][-1].op, ComputePreloadedOp):
                groups.append([])
            groups[-1].append(number)
        draw.shuffle(groups)
        return [number for group in groups for number in group]

    def exchange(one: Instruction, other: Instruction) -> None:
        nonlocal exchanged
        exchanged += 1
        exchange_destinations(one, other)

    monkeypatch.setattr(_Prologue, "_fill", in_any_order)
    monkeypatch.setattr(prologue_ordering, "exchange_destinations", exchange)
    check_random(preset, f"prologues {preset}", filled, seed=9)
    assert exchanged > 0


def column(product: Any, draw: random.Random, config: GemminiConfig) -> Any:
    """The product with one column of B, some tiles of which are transposed."""
    for _ in range(1000):
        rows, depth, tiles = draw.randint(1, 5), draw.randint(1, 6), draw.randint(1, 5)
        k = draw.randint((tiles - 1) * depth * config.exact_depth + 1, tiles * depth * config.dim)
        orders = ["mnk", "mkn", "nmk", "nkm", "kmn", "knm"]
        fields = [
            f"tile = {[rows, 1, depth]}",
            f'inner_order = "{draw.choice(orders)}"',
            "placement = cyclic",
            "unroll = true",
            f"prefetch_distance = {draw.randint(1, 6)}",
            f"transposed_tiles = {draw.randint(1, tiles)}",
        ]
        if draw.random() < 0.5:
            fields.append(f"mvin_cols = {config.dim}")
        chosen = replace(
            product,
            m=draw.randint(1, rows * config.dim),
            n=1,
            k=k,
            transpose_a=False,
            transpose_b=False,
            schedule=", ".join(fields),
        )
        if legal(chosen, config):
            return chosen
    raise AssertionError("no schedule fits")


@pytest.mark.parametrize("preset", preset_names())
def test_random_columns(preset: str, check_random: Callable[..., None]) -> None:
    """Weights of one column, loaded partly as a row, with all kinds of biases and results."""
    if not load_config(preset).supports_dataflow("ws"):
        pytest.skip("only weights of the ws dataflow are transposed")
    check_random(preset, f"columns {preset}", column, seed=8)


COLUMN = """
func.func @f0(%a: memref<40x200xi8>, %b: memref<200x3xi8>, %c: memref<40x1xi8>) {
  %x = memref.subview %b[0, 1] [200, 1] [1, 1]
    : memref<200x3xi8> to memref<200x1xi8, strided<[3, 1], offset: 1>>
  gemmini.matmul ins(%a, %x : memref<40x200xi8>, memref<200x1xi8, strided<[3, 1], offset: 1>>)
                 outs(%c : memref<40x1xi8>)
                 {schedule = #gemmini.schedule<tile = [3, 1, 4], placement = cyclic,
                  unroll = true, prefetch_distance = 2, transposed_tiles = 2>}
  return
}
func.func @f1(%a: memref<40x200xi8>, %b: memref<300x1xi8>, %c: memref<40x1xi8>) {
  %x = memref.subview %b[7, 0] [200, 1] [1, 1]
    : memref<300x1xi8> to memref<200x1xi8, strided<[1, 1], offset: 7>>
  gemmini.matmul ins(%a, %x : memref<40x200xi8>, memref<200x1xi8, strided<[1, 1], offset: 7>>)
                 outs(%c : memref<40x1xi8>)
                 {schedule = #gemmini.schedule<tile = [3, 1, 4], placement = cyclic,
                  unroll = true, prefetch_distance = 2, transposed_tiles = 2>}
  return
}
"""


@pytest.mark.parametrize(("name", "shape", "rows"), [("f0", (200, 3), 0), ("f1", (300, 1), 2)])
def test_only_a_contiguous_column_is_loaded_as_a_row(
    name: str, shape: tuple[int, int], rows: int
) -> None:
    """`rows` counts the tiles of B that are rows; the first one is loaded in two halves."""
    rng = np.random.default_rng(3)
    a, b = (rng.integers(-128, 128, size, np.int8) for size in ((40, 200), shape))
    column = b[:, 1:2] if name == "f0" else b[7:207]
    expected = np.clip(a.astype(np.int32) @ column.astype(np.int32), -128, 127).astype(np.int8)
    module = Parser(make_context(), COLUMN).parse_module()
    module.attributes["gemmini.config"] = ConfigAttr(load_config("default"))
    compiled = compile_module(module)
    np.testing.assert_array_equal(run_commands(compiled.module, name, (a, b), expected), expected)
    stream = command_stream(compiled.module, name)
    third = [item.mnemonic for item in stream.items if item].count("mvin3")
    assert third == (0 if rows == 0 else 2 + rows - 1)


@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_all_kinds_of_tiles(
    dataflow: str,
    build: Callable[..., Any],
    products_module: Callable[..., ModuleOp],
    random_product: Callable[..., Any],
) -> None:
    """All orders with both kinds of slots; the widths of moves take turns."""
    draw = random.Random(dataflow)
    config = load_config("default")
    base = replace(
        random_product(draw, config, plain=True),
        **{"m": 40, "n": 100, "k": 35, "transpose_a": False, "transpose_b": False, "wide": False},
    )
    biases = itertools.cycle(["none", "row", "full"])
    moves = itertools.cycle([(16, 16), (32, 32), (64, 48), (64, 64), (48, 16), (0, 0), (32, 64)])
    places = itertools.cycle(["interleaved", "banked", "packed", "interleaved", "interleaved"])
    products = []
    slots = itertools.cycle([*SLOTS[1:], *reversed(SLOTS[1:])])
    for order, inner in itertools.product(("mnk", "nmk"), itertools.permutations("mnk")):
        mvin, mvout = next(moves)
        names = next(slots)
        tile = [1, 7, 3] if "a" in names else [3, 4, 3]
        # Interleaved pieces hold 64 columns, and no move may cross two of them.
        place = "banked" if 48 in (mvin, mvout) else next(places)
        schedule = (
            f'tile = {tile}, order = "{order}", inner_order = "{"".join(inner)}", '
            f"dataflow = {dataflow}, double_buffer = [{names}], mvin_cols = {mvin}, "
            f"mvout_cols = {mvout}, placement = {place}, unroll = true"
        )
        products.append(replace(base, bias=next(biases), schedule=schedule))
    compiled = compile_module(products_module("default", products))
    check(products, compiled, build(compiled), seed=3)


@pytest.mark.parametrize("moves", ["mvin_cols = 48", "mvout_cols = 48"])
def test_moves_do_not_cross_interleaved_pieces(
    moves: str, products_module: Callable[..., ModuleOp], random_product: Callable[..., Any]
) -> None:
    config = load_config("default")
    product = replace(
        random_product(random.Random(1), config, plain=True), m=20, n=100, k=100, wide=False
    )
    text = f"tile = [2, 7, 7], {moves}, placement = interleaved, unroll = true"
    module = products_module("default", [replace(product, schedule=text)])
    matmul = next(op for op in module.walk() if isinstance(op, MatmulOp))
    assert matmul.schedule is not None
    found = schedule_problem(matmul.schedule.data, Problem.of(matmul), config)
    assert found == f"placement interleaved: {moves[: -len(' = 48')]} must divide 64, got 48"


BATCH = """
func.func @f(%a: memref<2x70x48xi8>, %b: memref<2x48x20xi8>, %c: memref<2x70x20xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  scf.for %i = %c0 to %c2 step %c1 {
    %x = memref.subview %a[%i, 0, 0] [1, 70, 48] [1, 1, 1]
      : memref<2x70x48xi8> to memref<70x48xi8, strided<[48, 1], offset: ?>>
    %y = memref.subview %b[%i, 0, 0] [1, 48, 20] [1, 1, 1]
      : memref<2x48x20xi8> to memref<48x20xi8, strided<[20, 1], offset: ?>>
    %z = memref.subview %c[%i, 0, 0] [1, 70, 20] [1, 1, 1]
      : memref<2x70x20xi8> to memref<70x20xi8, strided<[20, 1], offset: ?>>
    gemmini.matmul ins(%x, %y : memref<70x48xi8, strided<[48, 1], offset: ?>>,
                                memref<48x20xi8, strided<[20, 1], offset: ?>>)
                   outs(%z : memref<70x20xi8, strided<[20, 1], offset: ?>>)
                   {schedule = #gemmini.schedule<tile = [1, 2, 3], inner_order = "mnk",
                    double_buffer = ["a", "c"], unroll = true, software_pipeline = true>}
  }
  return
}
"""


def test_a_software_pipeline_inside_a_loop() -> None:
    """The bodies of both loops are long; all operands depend on the outer one."""
    rng = np.random.default_rng(9)
    a, b = (rng.integers(-128, 128, shape, np.int8) for shape in ((2, 70, 48), (2, 48, 20)))
    expected = np.clip(a.astype(np.int32) @ b.astype(np.int32), -128, 127).astype(np.int8)
    module = Parser(make_context(), BATCH).parse_module()
    module.attributes["gemmini.config"] = ConfigAttr(load_config("default"))
    compiled = compile_module(module)
    np.testing.assert_array_equal(run_commands(compiled.module, "f", (a, b), expected), expected)
