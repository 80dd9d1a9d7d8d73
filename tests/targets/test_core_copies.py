"""What the core copies before commands read it, by hand."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.targets.command_stream import command_stream, format_stream
from gemmini_xdsl.targets.core_copies import CoreCopy, core_copies

Parse = Callable[[str], ModuleOp]

LOOP = """
func.func @f(%A: memref<6xi8>, %number: i32, %bias: memref<{shape}xi32>) {{
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c5 = arith.constant 5 : index
  %row = memref.alloc() : memref<5xi32>
  {before}
  scf.for %i = %c0 to %c5 step %c1 {{
    {body}
  }}
  func.return
}}
"""


def copies(parse: Parse, body: str, shape: str = "3", before: str = "") -> tuple[CoreCopy, ...]:
    module = parse(LOOP.format(body=body, shape=shape, before=before))
    (function,) = (op for op in module.ops if isinstance(op, func.FuncOp))

    def address_of(op: memref.AllocOp) -> int:
        assert op.parent_op() is function
        return 0x1000

    return core_copies(function, address_of)


def test_a_row_is_repeated(parse: Parse) -> None:
    body = """%j = arith.remui %i, %c3 : index
    %x = memref.load %bias[%j] : memref<3xi32>
    memref.store %x, %row[%i] : memref<5xi32>"""
    assert copies(parse, body) == (CoreCopy(0x1000, 1, (0, 1, 2, 0, 1)),)


def test_an_element_of_a_matrix_is_spread(parse: Parse) -> None:
    before = "%x = memref.load %bias[%c1, %c0] : memref<2x3xi32>"
    body = "memref.store %x, %row[%i] : memref<5xi32>"
    assert copies(parse, body, "2x3", before) == (CoreCopy(0x1000, 1, (3,) * 5),)


@pytest.mark.parametrize(
    "body",
    [
        # Another number than that of the argument.
        """%x = memref.load %bias[%c0] : memref<3xi32>
        %y = arith.addi %x, %x : i32
        memref.store %y, %row[%i] : memref<5xi32>""",
        # Not in order.
        """%x = memref.load %bias[%c0] : memref<3xi32>
        memref.store %x, %row[%c3] : memref<5xi32>""",
        # No memory of its own.
        """%x = memref.load %bias[%c0] : memref<3xi32>
        memref.store %x, %bias[%c1] : memref<3xi32>""",
    ],
)
def test_other_stores_are_no_copies(parse: Parse, body: str) -> None:
    assert copies(parse, body) == ()


def test_streams_tell_what_was_copied(parse: Parse) -> None:
    body = """%x = memref.load %bias[%c1] : memref<3xi32>
    memref.store %x, %row[%i] : memref<5xi32>"""
    module = parse(LOOP.format(body=body, shape="3", before=""))
    stream = command_stream(module)
    (copy,) = stream.copies
    assert (copy.argument, copy.elements) == (1, (1,) * 5)
    # Behind A and bias, each on a cache line of its own.
    assert copy.address == 0x8000_0080
    expected = "# 0x80000080 (elements of arg2, copied by the core): 1 1 1 1 1\n"
    assert expected in list(format_stream(module, "f", stream))
