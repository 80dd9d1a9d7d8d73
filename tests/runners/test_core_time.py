"""The time that trials in loops count for the core, against programs on the emulated hart."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from riscv_programs import needs_gcc

from gemmini_xdsl.dialects.attributes import Schedule, ScheduleAttr
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.tools.compile import CompileOptions, compile_module
from gemmini_xdsl.tools.elf_build import emitted_files
from gemmini_xdsl.tools.elf_main import MainOptions
from gemmini_xdsl.tools.elf_project import ProgramOptions
from gemmini_xdsl.tools.inputs import load_input
from gemmini_xdsl.tools.runners.base import RunnerOptions
from gemmini_xdsl.tools.runners.riscv import RiscvRunner
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule
from gemmini_xdsl.tvm_bridge.autotvm.simulate import SimulatorRunner
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload

CONFIG = load_config("default")
ALL_SLOTS = ("a", "b", "c")

CASES = [
    # The core is slowest: small tiles, numbers of tiles that are no powers of two, edges.
    (Workload(112, 96, 160), Schedule((1, 4, 8), inner_order="nkm", double_buffer=("a", "c"))),
    (Workload(100, 112, 100), Schedule((2, 2, 2), inner_order="knm", double_buffer=ALL_SLOTS)),
    (Workload(100, 80, 64), Schedule((5, 1, 3), "nmk", inner_order="nkm")),
    # The array is.
    (Workload(128, 128, 256), Schedule((4, 4, 8), double_buffer=ALL_SLOTS)),
    (Workload(128, 64, 112, bias="row"), Schedule((4, 6, 4), "nmk", inner_order="knm")),
]


def program_cycles(workload: Workload, schedule: Schedule, folder: Path) -> int:
    """Modelled cycles of the second call in a program."""
    text = f"gemm:M={workload.m},N={workload.n},K={workload.k},bias={workload.bias},scale=0.01"
    options = CompileOptions(schedule=str(ScheduleAttr(schedule)))
    compiled = compile_module(load_input(text).module, options)
    program = ProgramOptions(main=MainOptions(runs=2))
    (content,) = emitted_files(compiled, ["elf"], program).values()
    assert isinstance(content, bytes)
    path = folder / "gemm.elf"
    path.write_bytes(content)
    outcome = RiscvRunner().run(path, CONFIG, RunnerOptions(checked=False))
    assert outcome.cycles is not None
    return outcome.cycles


@needs_gcc
@pytest.mark.parametrize(("workload", "schedule"), CASES)
def test_a_trial_takes_as_long_as_its_program(
    workload: Workload, schedule: Schedule, tmp_path: Path
) -> None:
    task = GemmTask(workload, CONFIG)
    trial = SimulatorRunner().cycles(task, compile_schedule(task, schedule), schedule)
    assert trial == pytest.approx(program_cycles(workload, schedule, tmp_path), rel=0.25)


def test_a_given_gap_goes_before_what_was_counted() -> None:
    workload, schedule = CASES[0]
    task = GemmTask(workload, CONFIG)
    stream = compile_schedule(task, schedule)
    counted, given = SimulatorRunner(), SimulatorRunner(host_gap=7)
    constant = replace(stream, core_cycles=tuple(7 for _ in stream.items))
    assert given.cycles(task, stream, schedule) == counted.cycles(task, constant, schedule)
    assert given.cycles(task, stream, schedule) != counted.cycles(task, stream, schedule)
