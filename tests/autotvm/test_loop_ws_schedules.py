"""The C library's choice for LOOP_WS, and the search for the best LOOP_WS schedule."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from gemmini_xdsl.dialects.attributes import Lowering, Schedule
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.hardware.encoding import LOOP_J_SHIFT, LOOP_K_SHIFT, Funct
from gemmini_xdsl.passes.library_schedule import library_schedule
from gemmini_xdsl.passes.schedule_rules import Problem, schedule_problem
from gemmini_xdsl.tools.recordings import Region, read_trace
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_search import best_loop_ws, loop_ws_schedules
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule
from gemmini_xdsl.tvm_bridge.autotvm.simulate import SimulatorRunner, verify_schedule
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload

RECORDING = Path(__file__).parents[1] / "data" / "rtl" / "fsm_gemm.trace.gz"
CONFIG = load_config("default")


def bounds(rs2: int) -> tuple[int, int, int]:
    """I, J and K of LOOP_WS_CONFIG_BOUNDS, in blocks."""
    return rs2 & 0xFFFF, rs2 >> LOOP_J_SHIFT & 0xFFFF, rs2 >> LOOP_K_SHIFT & 0xFFFF


def recorded() -> list[tuple[Region, Workload]]:
    regions = []
    for region in read_trace(RECORDING):
        match = re.fullmatch(r"(\d+)x(\d+)x(\d+)_bias([01])_\w+", region.name)
        assert match, region.name
        m, n, k = (int(part) for part in match.groups()[:3])
        regions.append((region, Workload(m, n, k, bias="row" if match[4] == "1" else "none")))
    return regions


@pytest.mark.parametrize(
    ("region", "workload"), recorded(), ids=lambda item: getattr(item, "name", "")
)
def test_tiles_are_those_of_the_recorded_library(region: Region, workload: Workload) -> None:
    """The bounds and pads of every LOOP_WS, in order, as the core sent them."""
    schedule = library_schedule(workload.problem, CONFIG)
    assert schedule is not None
    program = compile_schedule(GemmTask(workload, CONFIG), schedule)
    ours = [
        (item.rs1, bounds(item.rs2))
        for item in program.items
        if item is not None and item.funct == Funct.LOOP_WS_CONFIG_BOUNDS
    ]
    sent = [
        (command.rs1, bounds(command.rs2))
        for command in region.commands
        if command.funct == Funct.LOOP_WS_CONFIG_BOUNDS
    ]
    assert sent
    assert ours == sent


@pytest.mark.parametrize("name", ["default", "zcu102", "int8_8x8", "int8_32x32", "int8_4x4"])
def test_the_choice_is_legal_and_cannot_grow(name: str) -> None:
    config = load_config(name)
    for size in ((1, 1, 1), (70, 33, 1000), (512, 512, 512), (1, 4000, 16), (4000, 1, 4000)):
        problem = Problem(*size)
        schedule = library_schedule(problem, config)
        if schedule is None:
            # A loop of the 32x32 array may overflow its sums.
            assert problem.k > config.exact_depth
            continue
        assert schedule.lowering == Lowering.LOOP_WS
        assert schedule.order == "mnk"
        for axis, blocks in enumerate(problem.blocks(config)):
            tile = list(schedule.tile)
            assert tile[axis] <= blocks
            tile[axis] += 1
            larger = Schedule((tile[0], tile[1], tile[2]), lowering=Lowering.LOOP_WS)
            fits = schedule_problem(larger, problem, config) is None
            assert not fits or tile[axis] > blocks


def test_no_choice_without_loop_ws() -> None:
    config = replace(CONFIG, name="without", has_loop_ws=False)
    assert library_schedule(Problem(16, 16, 16), config) is None
    assert best_loop_ws(GemmTask(Workload(16, 16, 16), config)) is None


def test_candidates_are_legal_and_hold_the_librarys() -> None:
    for size in ((64, 64, 64), (100, 60, 200), (1, 700, 33)):
        problem = Problem(*size)
        found = loop_ws_schedules(problem, CONFIG)
        assert library_schedule(problem, CONFIG) in found
        assert len(set(found)) == len(found)
        assert all(schedule_problem(schedule, problem, CONFIG) is None for schedule in found)


def test_the_search_finds_nearly_the_best() -> None:
    task = GemmTask(Workload(96, 112, 80), CONFIG)
    everything = best_loop_ws(task, exhaustive=1 << 20)
    searched = best_loop_ws(task, exhaustive=0)
    assert everything is not None
    assert searched is not None
    assert everything[1] <= searched[1] <= 1.02 * everything[1]
    library = library_schedule(task.workload.problem, CONFIG)
    assert library is not None
    runner = SimulatorRunner(verified_products=0)
    assert searched[1] <= runner.cycles(task, compile_schedule(task, library))
    verify_schedule(task, searched[0])
