"""What `gemmini tune` and `gemmini tune-server` measure on: a builder and a runner by name."""

from __future__ import annotations

import importlib
import sys
from dataclasses import dataclass
from pathlib import Path

from gemmini_xdsl.tools.elf_compilers import find_cross_compiler
from gemmini_xdsl.tools.errors import UsageError
from gemmini_xdsl.tools.host_build import find_c_compiler
from gemmini_xdsl.tools.runners.base import RunnerOptions
from gemmini_xdsl.tools.runners.measure import ProgramRunner
from gemmini_xdsl.tools.runners.registry import RUNNERS, get_runner
from gemmini_xdsl.tvm_bridge.autotvm.measure import Builder, Runner
from gemmini_xdsl.tvm_bridge.autotvm.native import NativeBuilder
from gemmini_xdsl.tvm_bridge.autotvm.simulate import (
    CommandStreamBuilder,
    FastestBuilder,
    SimulatorRunner,
)

SIMULATOR = "simulator"
BUILDERS: dict[str, type[Builder]] = {
    "fastest": FastestBuilder,
    "commands": CommandStreamBuilder,
    "c": NativeBuilder,
}
BOARDS = ("zcu102",)
"""Runners of which a machine has one: trials wait for each other."""


@dataclass(frozen=True)
class MachineOptions:
    """What to measure on.

    `runner` is `simulator`, a runner of whole programs (riscv, spike, rtl, zcu102), or
    `module:name`, a function that returns a runner. `builder` and `host_gap` are the simulator's;
    a builder may also be chosen for a runner `module:name`. `tty` is the serial line of a board.
    """

    runner: str = SIMULATOR
    builder: str | None = None
    host_gap: int | None = None
    tty: str | None = None


@dataclass(frozen=True)
class Machine:
    """A builder and its runner; records name them by `device`.

    `jobs` limits how many trials run at a time. A runner that minds the time limit itself has
    `grace` seconds more before its process is ended.
    """

    builder: Builder
    runner: Runner
    device: str
    jobs: int | None = None
    grace: float = 0.0


def find_machine(options: MachineOptions, timeout: float) -> Machine:
    """The machine of `options`, whose trials take up to `timeout` seconds.

    Raises `GemminiError` for names that are none, options that do not belong together, and
    programs that are missing.
    """
    name = options.runner
    if options.builder is not None and options.builder not in BUILDERS:
        raise UsageError(f"--builder must be one of {', '.join(BUILDERS)}; got '{options.builder}'")
    if options.tty is not None and name not in BOARDS:
        raise UsageError(f"--tty is for the runner {', '.join(BOARDS)}")
    if options.host_gap is not None and name != SIMULATOR:
        raise UsageError(f"--host-gap is for the simulator; the runner '{name}' has its own core")
    if name in RUNNERS:
        return _program_machine(options, timeout)
    if options.builder == "c":
        find_c_compiler()
    builder = BUILDERS[options.builder or "fastest"]()
    if name == SIMULATOR:
        gap = options.host_gap
        device = SIMULATOR if gap is None else f"{SIMULATOR}:constant-{gap}"
        return Machine(builder, SimulatorRunner(gap), device)
    runner = _plug_in(name)
    own: Builder | None = getattr(runner, "builder", None)
    if own is not None and options.builder is not None:
        raise UsageError(f"--builder: the runner '{name}' brings its own")
    # What a plug-in gets by default is what the interface says.
    default = CommandStreamBuilder() if options.builder is None else builder
    return Machine(own or default, runner, name)


def _program_machine(options: MachineOptions, timeout: float) -> Machine:
    name = options.runner
    if options.builder is not None:
        raise UsageError(f"--builder: the runner '{name}' takes RISC-V programs only")
    how = RunnerOptions(time_limit=timeout, tty=options.tty)
    get_runner(name).check(how)
    find_cross_compiler()
    runner = ProgramRunner(name, how)
    jobs = 1 if name in BOARDS else None
    return Machine(runner.builder, runner, name, jobs, grace=10.0)


def _plug_in(text: str) -> Runner:
    """The runner that the function `module:name` returns. Raises `UsageError`."""
    module, separator, name = text.partition(":")
    if not separator or not module or not name:
        known = ", ".join((SIMULATOR, *RUNNERS))
        raise UsageError(f"--runner must be one of {known}, or module:name; got '{text}'")
    try:
        # As for python -m, what lies in the current directory can be named.
        if (here := str(Path.cwd())) not in sys.path:
            sys.path.append(here)
        found: Runner = getattr(importlib.import_module(module), name)()
    except Exception as error:
        raise UsageError(f"--runner {text}: {type(error).__name__}: {error}") from None
    if not callable(getattr(found, "run", None)):
        raise UsageError(f"--runner {text}: what it returns has no method run")
    return found
