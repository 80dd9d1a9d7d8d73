"""`gemmini run --on ...`: builds or finds the program of a compiled directory and runs it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gemmini_xdsl.hardware import ConfigError, GemminiConfig, load_config
from gemmini_xdsl.targets.arguments import Role, arguments_of
from gemmini_xdsl.tools.buffers import allocate
from gemmini_xdsl.tools.elf_build import build_program
from gemmini_xdsl.tools.elf_compilers import find_cross_compiler
from gemmini_xdsl.tools.elf_file import is_elf
from gemmini_xdsl.tools.elf_main import MainOptions
from gemmini_xdsl.tools.elf_project import (
    ProgramOptions,
    bring_up_files,
    bring_up_sources,
    build_elf,
)
from gemmini_xdsl.tools.errors import GemminiError, UsageError
from gemmini_xdsl.tools.run import CompiledDirectory, RunResult
from gemmini_xdsl.tools.runners.base import Outcome, RunnerOptions
from gemmini_xdsl.tools.runners.registry import get_runner


@dataclass(frozen=True)
class RunOnOptions:
    """What to run and how.

    `seed` and `inputs` build a program of its own; without them the directory's ELF is run if it
    has one. `watchdog` (cycles) builds one that names the last command. `bring_up` runs the
    bring-up ladder instead of a kernel. `config` is for ELF files, which carry only a digest.
    """

    on: str
    function: str | None = None
    seed: int | None = None
    inputs: Mapping[str, NDArray[Any] | Path] = field(default_factory=dict)
    watchdog: int | None = None
    bring_up: bool = False
    config: str | None = None
    runner: RunnerOptions = field(default_factory=RunnerOptions)


@dataclass(frozen=True)
class RunOnResult:
    """The outcome of a run, the program's origin, and outputs if the runner sees memory."""

    outcome: Outcome
    program: str
    outputs: dict[str, NDArray[Any]]

    def to_json(self, files: Mapping[str, str]) -> str:
        """One JSON object."""
        outcome = self.outcome
        return json.dumps(
            {
                "program": self.program,
                "on": outcome.runner,
                "check": {"not checked": "not run"}.get(outcome.verdict, outcome.verdict),
                "cycles": outcome.cycles,
                "status": outcome.status,
                "problem": outcome.problem,
                "command": list(outcome.command),
                "figures": dict(outcome.figures),
                "notes": list(outcome.notes),
                "console": outcome.console,
                "outputs": dict(files),
            },
            indent=2,
        )

    def as_run_result(self) -> RunResult:
        """The outputs in the form of `gemmini run`."""
        return RunResult(self.program, self.outputs)


def run_on(target: Path, options: RunOnOptions) -> RunOnResult:
    """Run a compiled directory or an ELF file. Raises `GemminiError`."""
    runner = get_runner(options.on)
    runner.check(options.runner)
    if target.is_file() or is_elf(target):
        return _run_file(target, options)
    directory = CompiledDirectory.open(target)
    if options.bring_up:
        return _run_bytes(_bring_up(directory.config), directory.config, "bring-up", options)
    record, original = directory.select(options.function)
    found = directory.path / f"{record.name}.elf"
    own = options.seed is not None or options.inputs or options.watchdog is not None
    if found.is_file() and not own:
        outcome = runner.run(found, directory.config, options.runner)
        result = RunOnResult(outcome, str(found), {})
    else:
        program = build_program(
            directory,
            record.name,
            _program_options(options),
            seed=options.seed or 0,
            inputs=options.inputs,
        )
        built = f"{record.name} (built with {program.compiler.name})"
        result = _run_bytes(program.elf, directory.config, built, options)
    outputs: dict[str, NDArray[Any]] = {}
    types = [argument.type for argument in original.body.block.args]
    for index, (argument, type_) in enumerate(zip(arguments_of(original), types, strict=True)):
        content = result.outcome.buffers.get(f"gemmini_output_{index}")
        if argument.role == Role.OUTPUT and content is not None:
            buffer = allocate(argument, type_, directory.config.l2_line_bytes)
            size = buffer.storage.nbytes
            buffer.storage.view(np.uint8)[...] = content[:size]
            outputs[argument.name] = buffer.view.copy()
    return replace(result, outputs=outputs)


def _program_options(options: RunOnOptions) -> ProgramOptions:
    main = MainOptions(embed=bool(options.inputs), compare="full" if options.inputs else "digest")
    if options.watchdog is None:
        return ProgramOptions(main=main)
    return ProgramOptions(record_commands=True, main=replace(main, watchdog=options.watchdog))


def _run_file(path: Path, options: RunOnOptions) -> RunOnResult:
    if options.bring_up or options.function or options.inputs or options.seed is not None:
        raise UsageError(
            f"{path} is a program: --bring-up, --function, --input and --seed need a compiled "
            "directory"
        )
    try:
        config = load_config(options.config or "default")
    except ConfigError as error:
        raise GemminiError(str(error)) from None
    outcome = get_runner(options.on).run(path, config, options.runner)
    return RunOnResult(outcome, str(path), {})


def _bring_up(config: GemminiConfig) -> bytes:
    options = ProgramOptions(record_commands=True)
    return build_elf(
        find_cross_compiler(), bring_up_files(config, options), bring_up_sources(), options
    )


def _run_bytes(
    elf: bytes, config: GemminiConfig, program: str, options: RunOnOptions
) -> RunOnResult:
    with tempfile.TemporaryDirectory(prefix="gemmini-run-") as folder:
        path = Path(folder) / "program.elf"
        path.write_bytes(elf)
        outcome = get_runner(options.on).run(path, config, options.runner)
    return RunOnResult(outcome, program, {})
