"""The options of `gemmini-assign-schedule` are the fields of a schedule."""

from __future__ import annotations

from dataclasses import fields

from xdsl.parser import Parser

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.passes.gemmini_assign_schedule import GemminiAssignSchedulePass
from gemmini_xdsl.tools.inputs import make_context

PRODUCT = """
func.func @f(%a: memref<64x320xi8>, %b: memref<320x1xi8>, %c: memref<64x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<64x320xi8>, memref<320x1xi8>) outs(%c : memref<64x1xi8>)
  return
}
"""


def assigned(**options: object) -> Schedule:
    """The schedule that options give."""
    module = Parser(make_context(), PRODUCT).parse_module()
    GemminiAssignSchedulePass(**options).apply(make_context(), module)  # type: ignore[arg-type]
    (schedule,) = [op.schedule for op in module.walk() if isinstance(op, MatmulOp)]
    assert schedule is not None
    return schedule.data


def test_every_field_is_an_option() -> None:
    options = {field.name for field in fields(GemminiAssignSchedulePass)}
    assert {field.name for field in fields(Schedule)} <= options


def test_options_become_fields() -> None:
    columns = {
        "tile": (4, 1, 4),
        "inner_order": "kmn",
        "order": "nmk",
        "dataflow": "ws",
        "mvin_cols": 32,
        "mvout_cols": 16,
        "placement": "cyclic",
        "lowering": "isa",
        "unroll": True,
        "prefetch_distance": 3,
        "transposed_tiles": 2,
    }
    schedule = assigned(**columns)
    assert {name: getattr(schedule, name) for name in columns} == columns
    strips = assigned(
        tile=(1, 1, 20),
        double_buffer=("a", "c"),
        placement="cyclic",
        unroll=True,
        software_pipeline=True,
        prefetch_distance=2,
    )
    assert strips.software_pipeline
    assert strips.double_buffer == ("a", "c")
    filled = assigned(
        tile=(1, 1, 20),
        double_buffer=("a", "c"),
        unroll=True,
        software_pipeline=True,
        prologue_tiles=2,
    )
    assert filled.prologue_tiles == 2
    assert type(strips.placement) is type(Schedule((1, 1, 1)).placement)
