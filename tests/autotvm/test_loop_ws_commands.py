"""Commands of `loop_ws` products that skip the passes, and trials that are measured in part."""

from __future__ import annotations

import random
from typing import Any

import pytest

from gemmini_xdsl.dialects.attributes import Lowering, Schedule
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.targets.command_stream import command_stream
from gemmini_xdsl.tools.inputs import make_context
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_search import loop_ws_schedules
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule, gemm_module, lowering_passes
from gemmini_xdsl.tvm_bridge.autotvm.simulate import verify
from gemmini_xdsl.tvm_bridge.autotvm.task import BIASES, GemmTask, Workload

CONFIG = load_config("default")
PRODUCTS: list[dict[str, Any]] = [
    *[{"bias": bias} for bias in BIASES],
    {"wide_result": True},
    {"wide_result": True, "bias": "full"},
    {"transpose_a": True},
    {"transpose_b": True, "bias": "row"},
]


def loop_ws(tile: tuple[int, int, int], order: Any = "mnk") -> Schedule:
    return Schedule(tile, order=order, lowering=Lowering.LOOP_WS)


def random_trials(name: str) -> list[tuple[GemmTask, Schedule]]:
    """Three random products and schedules of each kind, on one configuration."""
    config, draw = load_config(name), random.Random(name)
    found = []
    for fields in PRODUCTS:
        for _ in range(3):
            m, n, k = (draw.randint(1, 7 * config.dim) for _ in range(3))
            task = GemmTask(Workload(m, n, k, **fields), config)
            found.append((task, draw.choice(loop_ws_schedules(task.workload.problem, config))))
    return found


def whole_pipeline(task: GemmTask, schedule: Schedule) -> Any:
    module, context = gemm_module(task, schedule), make_context()
    for step in lowering_passes():
        step.apply(context, module)
    return command_stream(module)


@pytest.mark.parametrize(
    ("task", "schedule"),
    [
        *random_trials("default"),
        *random_trials("int8_8x8"),
        # One tile of C, its sum in two parts and in three; one tile of C and one part.
        (GemmTask(Workload(32, 32, 64, bias="row"), CONFIG), loop_ws((2, 2, 2))),
        (GemmTask(Workload(32, 32, 90), CONFIG), loop_ws((2, 2, 2))),
        (GemmTask(Workload(32, 32, 64), CONFIG), loop_ws((9, 9, 9))),
        # Both orders of several tiles.
        (GemmTask(Workload(70, 50, 90, bias="full"), CONFIG), loop_ws((2, 2, 2))),
        (GemmTask(Workload(70, 50, 90, bias="full"), CONFIG), loop_ws((2, 2, 2), "nmk")),
    ],
)
def test_commands_are_those_of_the_whole_pipeline(task: GemmTask, schedule: Schedule) -> None:
    stream = compile_schedule(task, schedule)
    assert stream == whole_pipeline(task, schedule)
    verify(task, stream)


def test_a_tile_that_does_not_fit_is_refused() -> None:
    with pytest.raises(TuningError, match="accumulator rows; the FSM has half of them"):
        compile_schedule(GemmTask(Workload(1000, 1000, 16), CONFIG), loop_ws((60, 60, 1)))
