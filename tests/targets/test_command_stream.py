"""The symbolic command stream against what the emitted C issues when it runs."""

from __future__ import annotations

import ctypes
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.targets.c_module import emit_module
from gemmini_xdsl.targets.command_stream import (
    DEFAULT_BASE,
    Command,
    command_stream,
    count_instructions,
    format_stream,
)
from gemmini_xdsl.targets.errors import DataDependentError, TargetError
from gemmini_xdsl.tools.compile import CompileOptions, compile_module
from gemmini_xdsl.tools.shorthand import build_gemm, parse_shorthand

Parse = Callable[[str], ModuleOp]
FENCE = (1000, 0, 0)

LOOPS = 'tile = [2, 3, 2], double_buffer = ["a", "b"]'
"""A schedule with loops; by default small products are unrolled."""

GEMMS = [
    ("gemm:M=100,N=60,K=200,bias=row,act=relu,scale=0.0123", "default", None),
    ("gemm:M=100,N=60,K=200,bias=row,act=relu,scale=0.0123", "default", LOOPS),
    ("gemm:M=33,N=17,K=70,bias=full,out=i32", "default", None),
    ("gemm:M=33,N=17,K=70,bias=full,out=i32", "default", LOOPS),
    ("gemm:M=5,N=90,K=31,scale=0.5,ta=1", "lean", LOOPS),
    ("gemm:M=20,N=20,K=20,scale=0.5,ta=1,tb=1", "int8_4x4", None),
    ("gemm:M=1,N=1,K=1", "zcu102", None),
]


def gemm(shorthand: str, config: str, schedule: str | None = None) -> ModuleOp:
    options = CompileOptions(config=config, schedule=schedule)
    return compile_module(build_gemm(parse_shorthand(shorthand)), options).module


@pytest.mark.parametrize(("shorthand", "config", "schedule"), GEMMS)
def test_stream_is_what_the_emitted_c_issues(
    shorthand: str,
    config: str,
    schedule: str | None,
    headers: Path,
    load_source: Callable[[str, Path], ctypes.CDLL],
    tmp_path: Path,
) -> None:
    module = gemm(shorthand, config, schedule)
    include = tmp_path / "gemmini"
    include.mkdir()
    (include / "rocc.h").write_text((headers / "gemmini/rocc.h").read_text())
    digest = load_config(config).digest
    (include / "config.h").write_text(f"#define GEMMINI_CONFIG_DIGEST 0x{digest}\n")
    library = load_source(emit_module(module, include_header=False).source, tmp_path)
    stream = command_stream(module)
    arrays = [
        np.zeros(placement.argument.shape or (), placement.argument.dtype)
        for placement in stream.placements
    ]
    recorded: list[tuple[int, int, int]] = []
    prototype = ctypes.CFUNCTYPE(None, ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)
    callback = prototype(lambda *fields: recorded.append(fields))
    library.set_recorder(callback)
    library.gemm(*(ctypes.c_void_p(array.ctypes.data) for array in arrays))

    def guest(value: int) -> int:
        for placement, array in zip(stream.placements, arrays, strict=True):
            if array.ctypes.data <= value < array.ctypes.data + array.nbytes:
                return placement.address + value - array.ctypes.data
        return value

    assert [(f, guest(a), guest(b)) for f, a, b in recorded] == [
        FENCE if item is None else (item.funct, item.rs1, item.rs2) for item in stream.items
    ]
    counted = Counter("fence" if item is None else item.mnemonic for item in stream.items)
    assert count_instructions(module) == dict(sorted(counted.items()))


def test_long_streams_are_counted() -> None:
    module = gemm("gemm:M=512,N=512,K=512", "int8_8x8", "tile = [4, 4, 8]")
    counts = count_instructions(module)
    assert counts["preload"] == 64**3
    assert list(counts) == sorted(counts)


def test_arguments_are_placed_on_lines_in_order() -> None:
    module = gemm("gemm:M=3,N=5,K=7", "default")
    placements = command_stream(module).placements
    assert [(p.argument.name, p.address - DEFAULT_BASE) for p in placements] == [
        ("A", 0),
        ("B", 64),
        ("C", 128),
    ]
    moved = command_stream(module, base=0x1001).placements
    assert [p.address for p in moved] == [0x1040, 0x1080, 0x10C0]


def test_text_has_one_line_for_each_item() -> None:
    module = gemm("gemm:M=3,N=5,K=7", "default")
    stream = command_stream(module)
    lines = [line for line in format_stream(module, "gemm", stream) if not line.startswith("#")]
    assert len(lines) == len(stream.items)
    for line, item in zip(lines, stream.items, strict=True):
        if item is None:
            assert line == "fence\n"
        else:
            numbers, _, mnemonic = line.rstrip("\n").partition(" ; ")
            fields = [int(number, 16) for number in numbers.split()]
            assert Command(*fields, mnemonic) == item  # type: ignore[arg-type]


def test_control_flow_is_executed(parse: Parse) -> None:
    module = parse("""
      func.func @f() {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c4 = arith.constant 4 : index
        %low = arith.constant -2 : index
        %zero = arith.constant 0 : i64
        %one = arith.constant 1 : i64
        %seven = arith.constant 7 : i64
        scf.for %i = %low to %c4 step %c1 {
          %k = arith.index_cast %i : index to i64
          %negative = arith.cmpi slt, %k, %zero : i64
          %r = scf.if %negative -> (i64) {
            %m = arith.muli %k, %seven : i64
            scf.yield %m : i64
          } else {
            %d = arith.divsi %k, %seven : i64
            scf.yield %d : i64
          }
          %s = arith.shrsi %r, %one : i64
          rocc.command 1, %r, %s
        }
        %x, %y = scf.for %i = %c0 to %c4 step %c1 iter_args(%a = %zero, %b = %one) -> (i64, i64) {
          %t = arith.addi %a, %b : i64
          scf.yield %b, %t : i64, i64
        }
        rocc.command 2, %x, %y
        %w = scf.while (%v = %seven) : (i64) -> (i64) {
          %more = arith.cmpi ugt, %v, %one : i64
          scf.condition(%more) %v : i64
        } do {
        ^bb0(%v: i64):
          rocc.command 3, %v, %v
          %two = arith.constant 2 : i64
          %h = arith.divui %v, %two : i64
          scf.yield %h : i64
        }
        rocc.command 4, %w, %w
        func.return
      }
    """)
    mask = (1 << 64) - 1
    expected = []
    for k in range(-2, 4):
        r = 7 * k if k < 0 else k // 7
        expected.append((1, r & mask, (r >> 1) & mask))
    expected += [(2, 3, 5), (3, 7, 7), (3, 3, 3), (4, 1, 1)]
    items = command_stream(module).items
    assert [(item.funct, item.rs1, item.rs2) for item in items if item is not None] == expected
    assert count_instructions(module) == {"funct_1": 6, "funct_2": 1, "funct_3": 2, "funct_4": 1}


def test_operands_do_not_matter_for_counts(parse: Parse) -> None:
    module = parse("""
      func.func @f(%m: memref<1xi64>) {
        %c0 = arith.constant 0 : index
        %x = memref.load %m[%c0] : memref<1xi64>
        rocc.command 2, %x, %x {mnemonic = "mvin"}
        func.return
      }
    """)
    assert count_instructions(module) == {"mvin": 1}
    with pytest.raises(DataDependentError):
        command_stream(module)


@pytest.mark.parametrize(
    ("function", "base", "message"),
    [
        ("missing", 64, "no function 'missing'; the module has gemm"),
        (None, 0, "base must be a positive 64-bit address, got 0"),
        (None, 1 << 64, "base must be a positive 64-bit address"),
        (None, (1 << 64) - 64, "do not fit into a 64-bit address space"),
    ],
)
def test_wrong_requests_are_refused(function: str | None, base: int, message: str) -> None:
    module = gemm("gemm:M=16,N=16,K=16", "default")
    with pytest.raises(TargetError, match=message):
        command_stream(module, function, base)


def test_what_takes_forever_is_refused(parse: Parse, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gemmini_xdsl.targets.command_program.MAX_ITERATIONS", 1000)
    forever = """
      func.func @f() {
        %true = arith.constant true
        scf.while () : () -> () {
          scf.condition(%true)
        } do {
          rocc.fence
          scf.yield
        }
        func.return
      }
    """
    with pytest.raises(TargetError, match="@f runs for more than 1000 iterations"):
        count_instructions(parse(forever))
    long = """
      func.func @f() {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %many = arith.constant 9223372036854775807 : index
        scf.for %i = %c0 to %many step %c1 {
          %k = arith.index_cast %i : index to i64
          rocc.command 2, %k, %k {mnemonic = "mvin"}
        }
        func.return
      }
    """
    with pytest.raises(TargetError, match="@f runs for more than"):
        command_stream(parse(long))
    assert count_instructions(parse(long)) == {"mvin": (1 << 63) - 1}


def test_a_zero_step_is_refused(parse: Parse) -> None:
    module = parse("""
      func.func @f() {
        %c0 = arith.constant 0 : index
        scf.for %i = %c0 to %c0 step %c0 {
          rocc.fence
        }
        func.return
      }
    """)
    with pytest.raises(TargetError, match="step below one"):
        command_stream(module)
