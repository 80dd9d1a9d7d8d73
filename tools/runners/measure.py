"""Measuring trials of the tuner as whole RISC-V programs, on any runner.

`gemmini tune-server --runner gemmini_xdsl.tools.runners.measure:riscv` (or `:spike`, `:rtl`,
`:zcu102`) serves trials that way. The program checks its own result.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.targets.command_stream import CommandStream
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
class ProgramRunner:
    """Compiles a trial to a bare-metal program and runs it on the runner called `on`."""

    on: str
    options: RunnerOptions = field(default_factory=RunnerOptions)

    def run(self, task: GemmTask, schedule: Schedule, program: CommandStream) -> tuple[float, ...]:
        """The time that the program printed, in seconds; raises `MeasureError`."""
        try:
            compiled = compile_module(gemm_module(task, schedule), name=NAME)
            (content,) = emitted_files(compiled, ["elf"]).values()
        except GemminiError as error:
            raise MeasureError(MeasureErrorNo.COMPILE_DEVICE, str(error)) from None
        with tempfile.TemporaryDirectory(prefix="gemmini-trial-") as folder:
            path = Path(folder) / f"{NAME}.elf"
            assert isinstance(content, bytes)
            path.write_bytes(content)
            try:
                outcome = get_runner(self.on).run(path, task.config, self.options)
            except GemminiError as error:
                raise MeasureError(MeasureErrorNo.RUNTIME_DEVICE, str(error)) from None
        if outcome.verdict == "fail" and outcome.problem is None:
            raise MeasureError(MeasureErrorNo.WRONG_ANSWER, "the program's result is wrong")
        if outcome.problem is not None or outcome.cycles is None:
            problem = outcome.problem or "the program printed no cycles"
            raise MeasureError(MeasureErrorNo.RUNTIME_DEVICE, problem)
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


def zcu102() -> ProgramRunner:
    """Trials on an attached board."""
    return ProgramRunner("zcu102")
