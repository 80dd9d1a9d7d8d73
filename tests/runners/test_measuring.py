"""Trials of the tuner as whole programs."""

from __future__ import annotations

import pytest

pytest.importorskip("unicorn")

from riscv_programs import needs_gcc

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.tools.runners.base import Outcome, RunnerOptions
from gemmini_xdsl.tools.runners.measure import ProgramBuilder, ProgramRunner, riscv
from gemmini_xdsl.tools.runners.registry import RUNNERS
from gemmini_xdsl.tools.tune_machines import MachineOptions, find_machine
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureError, MeasureErrorNo
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload


@needs_gcc
def test_a_program_is_slower_than_the_array_alone() -> None:
    task = GemmTask(Workload(32, 32, 32), load_config("zcu102"))
    schedule, runner = Schedule((2, 2, 2)), riscv()
    (seconds,) = runner.run(task, schedule, runner.builder.build(task, schedule))
    # Eight 16x16x16 blocks of 16 cycles at 100 MHz, at the least; a millisecond is far too long.
    assert 8 * 16 / 100e6 < seconds < 1e-3


def test_programs_are_named_or_plugged_in() -> None:
    named = find_machine(MachineOptions("riscv"), 30.0)
    assert named.runner == ProgramRunner("riscv", RunnerOptions(time_limit=30.0))
    assert (named.device, named.builder) == ("riscv", ProgramBuilder())
    for name in ("riscv", "spike", "rtl", "zcu102"):
        runner = f"gemmini_xdsl.tools.runners.measure:{name}"
        machine = find_machine(MachineOptions(runner), 30.0)
        assert machine.runner == ProgramRunner(name)
        assert (machine.device, machine.builder) == (runner, ProgramBuilder())


def test_cycles_with_reservations_are_an_error_record(monkeypatch: pytest.MonkeyPatch) -> None:
    class Doubtful:
        def run(self, *_: object) -> Outcome:
            return Outcome("riscv", "gemm: 7 cycles\nPASS\n", notes=("the core's alone",))

    monkeypatch.setitem(RUNNERS, "riscv", Doubtful())
    task = GemmTask(Workload(16, 16, 16), load_config("default"))
    with pytest.raises(MeasureError, match="the core's alone"):
        ProgramRunner("riscv").run(task, Schedule((1, 1, 1)), b"")


def test_a_missing_simulator_is_an_error_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    task = GemmTask(Workload(16, 16, 16), load_config("default"))
    with pytest.raises(MeasureError) as caught:
        ProgramRunner("spike").run(task, Schedule((1, 1, 1)), b"")
    assert caught.value.number == MeasureErrorNo.RUNTIME_DEVICE
