"""Trials of the tuner as whole programs."""

from __future__ import annotations

import pytest

pytest.importorskip("unicorn")

from riscv_programs import needs_gcc

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.tools.runners.measure import ProgramRunner, riscv
from gemmini_xdsl.tools.tune_server import load_runner
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureError, MeasureErrorNo
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload


@needs_gcc
def test_a_program_is_slower_than_the_array_alone() -> None:
    task = GemmTask(Workload(32, 32, 32), load_config("zcu102"))
    schedule = Schedule((2, 2, 2))
    (seconds,) = riscv().run(task, schedule, compile_schedule(task, schedule))
    # Eight 16x16x16 blocks of 16 cycles at 100 MHz, at the least; a millisecond is far too long.
    assert 8 * 16 / 100e6 < seconds < 1e-3


def test_the_server_finds_the_runners() -> None:
    for name in ("riscv", "spike", "rtl", "zcu102"):
        assert load_runner(f"gemmini_xdsl.tools.runners.measure:{name}") == ProgramRunner(name)


def test_a_missing_simulator_is_an_error_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    task = GemmTask(Workload(16, 16, 16), load_config("default"))
    with pytest.raises(MeasureError) as caught:
        ProgramRunner("spike").run(task, Schedule((1, 1, 1)), None)  # type: ignore[arg-type]
    assert caught.value.number in (MeasureErrorNo.RUNTIME_DEVICE, MeasureErrorNo.COMPILE_DEVICE)
