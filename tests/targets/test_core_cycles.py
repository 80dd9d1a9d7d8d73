"""What the core's time is counted as, against sums that were worked out by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.targets.c_module import emit_module
from gemmini_xdsl.targets.command_stream import command_stream

Parse = Callable[[str], ModuleOp]

LOOP = """
func.func @f() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c16 = arith.constant 16 : index
  %c100 = arith.constant 100 : i64
  rocc.command 0, %c100, %c100
  scf.for %i = %c0 to %c3 step %c1 {
    %quotient = arith.divui %i, %c3 : index
    %scaled = arith.muli %quotient, %c16 : index
    %rs1 = arith.index_cast %scaled : index to i64
    rocc.command 2, %rs1, %c100
    %first = arith.cmpi eq, %i, %c0 : index
    scf.if %first {
      %rs2 = arith.addi %rs1, %c100 : i64
      rocc.command 3, %rs1, %rs2
    }
  }
  rocc.fence
  return
}
"""


def test_cycles_are_those_since_the_last_command(parse: Parse) -> None:
    """Division 20, shift and addition 1, command 2, loop 2, branch 1; 1 where a region ends."""
    stream = command_stream(parse(LOOP), core_cycles=True)
    first = 2
    loop, branch, iteration, region = 2, 1, 1, 1
    load = 20 + 1 + 2
    store = 1 + 2
    assert stream.core_cycles == (
        first,
        loop + load,
        branch + store,
        region + iteration + load,
        branch + iteration + load,
        branch + iteration,
    )
    assert [None if item is None else item.funct for item in stream.items] == [0, 2, 3, 2, 2, None]


@pytest.mark.parametrize("counted", [False, True])
def test_only_who_asks_gets_them(parse: Parse, counted: bool) -> None:
    module = parse(LOOP)
    assert (command_stream(module, core_cycles=counted).core_cycles is not None) == counted
    assert ("GEMMINI_CORE_CYCLES" in emit_module(module, core_cycles=counted).source) == counted


def test_c_tells_the_same_cycles(parse: Parse) -> None:
    lines = emit_module(parse(LOOP), core_cycles=True).source.splitlines()
    told = [line.strip() for line in lines if "GEMMINI_CORE" in line]
    assert told == [f"GEMMINI_CORE_CYCLES({cycles});" for cycles in (2, 2, 23, 1, 3, 1, 1)]


@pytest.mark.parametrize(
    ("operation", "cycles"),
    [
        ("arith.muli %i, %c8", 1),
        ("arith.muli %i, %c3", 6),
        ("arith.muli %c8, %i", 1),
        ("arith.muli %c8, %c3", 0),
        ("arith.remui %c8, %c3", 0),
        ("arith.muli %i, %i", 8),
        ("arith.remui %i, %c8", 1),
        ("arith.remui %i, %c3", 12),
        ("arith.divui %i, %c8", 1),
        ("arith.floordivsi %i, %c3", 20),
        ("arith.divsi %i, %c3", 20),
        ("arith.remsi %c3, %i", 34),
        ("arith.minsi %i, %c3", 1),
        ("arith.xori %i, %c3", 1),
    ],
)
def test_numbers_decide_what_multiplying_costs(parse: Parse, operation: str, cycles: int) -> None:
    module = parse(f"""
        func.func @f() {{
          %c1 = arith.constant 1 : index
          %c2 = arith.constant 2 : index
          %c3 = arith.constant 3 : index
          %c8 = arith.constant 8 : index
          scf.for %i = %c1 to %c2 step %c1 {{
            %result = {operation} : index
            %rs1 = arith.index_cast %result : index to i64
            rocc.command 0, %rs1, %rs1
          }}
          return
        }}
    """)
    assert command_stream(module, core_cycles=True).core_cycles == (2 + cycles + 2,)
