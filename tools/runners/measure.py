"""Measuring trials of the tuner as whole RISC-V programs, on any runner.

`gemmini tune --runner riscv` (or spike, rtl, zcu102) measures trials that way. The program checks
its own result, and counts the cycles of the core, too.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.tools.compile import compile_module
from gemmini_xdsl.tools.elf_build import emitted_files
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.runners.base import RunnerOptions
from gemmini_xdsl.tools.runners.registry import get_runner
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureError, MeasureErrorNo
from gemmini_xdsl.tvm_bridge.autotvm.programs import gemm_module
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

NAME = "trial"


@dataclass(frozen=True)
class ProgramBuilder:
    """Compiles trials to bare-metal programs that check their results."""

    def build(self, task: GemmTask, schedule: Schedule) -> bytes:
        """The program's ELF file; raises `MeasureError` if there is none."""
        try:
            compiled = compile_module(gemm_module(task, schedule), name=NAME)
            (content,) = emitted_files(compiled, ["elf"]).values()
        except GemminiError as error:
            text = " ".join(str(error).split())
            raise MeasureError(MeasureErrorNo.COMPILE_DEVICE, text) from None
        assert isinstance(content, bytes)
        return content


@dataclass(frozen=True)
class ProgramRunner:
    """Runs trials' programs on the runner called `on`."""

    on: str
    options: RunnerOptions = field(default_factory=RunnerOptions)

    @property
    def builder(self) -> ProgramBuilder:
        """What makes the programs."""
        return ProgramBuilder()

    def run(self, task: GemmTask, schedule: Schedule, program: bytes) -> tuple[float, ...]:
        """The time that the program printed, in seconds; raises `MeasureError`."""
        with tempfile.NamedTemporaryFile(prefix="gemmini-trial-", suffix=".elf") as file:
            file.write(program)
            file.flush()
            try:
                outcome = get_runner(self.on).run(Path(file.name), task.config, self.options)
            except GemminiError as error:
                raise MeasureError(MeasureErrorNo.RUNTIME_DEVICE, str(error)) from None
        if outcome.verdict == "fail" and outcome.problem is None:
            raise MeasureError(MeasureErrorNo.WRONG_ANSWER, "the program's result is wrong")
        if outcome.problem is not None or outcome.cycles is None:
            problem = outcome.problem or "the program printed no cycles"
            raise MeasureError(MeasureErrorNo.RUNTIME_DEVICE, problem)
        if outcome.notes:
            # Cycles with reservations are no measurement.
            raise MeasureError(MeasureErrorNo.RUNTIME_DEVICE, "; ".join(outcome.notes))
        return (task.seconds(outcome.cycles),)


def riscv() -> ProgramRunner:
    """Trials in the emulated core, with modelled time."""
    return ProgramRunner("riscv")


def spike() -> ProgramRunner:
    """Trials on the user's Spike."""
    return ProgramRunner("spike")


def rtl() -> ProgramRunner:
    """Trials on the user's RTL simulator."""
    return ProgramRunner("rtl")


def zcu102(tty: str | None = None) -> ProgramRunner:
    """Trials on an attached board, whose serial line is `tty`."""
    return ProgramRunner("zcu102", RunnerOptions(tty=tty))
