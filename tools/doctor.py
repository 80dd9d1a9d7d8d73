"""`gemmini doctor`: what is installed, and what is missing for what."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from gemmini_xdsl.runtime_c.paths import library_path
from gemmini_xdsl.tools.elf_compilers import candidates, find_cross_compiler
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.host_build import find_c_compiler
from gemmini_xdsl.tools.runners.base import RunnerOptions
from gemmini_xdsl.tools.runners.external import RTL, SPIKE, ZCU102, ExternalRunner


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for.

    `needed_for` says what does not work without it; `required` things are part of the default
    way to work.
    """

    name: str
    found: bool
    detail: str
    needed_for: str
    required: bool = False


def examine() -> list[Finding]:
    """Everything that the project can use, in the order of importance."""
    findings = [
        _attempt(
            "simulator library", lambda: str(library_path()), "gemmini run, gemmini tune", True
        ),
        _attempt(
            "host C compiler", lambda: " ".join(find_c_compiler()), "gemmini run (host_sim)", True
        ),
        _package("apache-tvm", "tvm", "compiling TVM modules", "tvm"),
        _attempt(
            "RISC-V compiler", _chosen_compiler, "gemmini compile --emit elf, gemmini run --on"
        ),
    ]
    for candidate in candidates():
        compiler = candidate.compiler
        detail = candidate.reason if compiler is None else compiler.version()
        findings.append(Finding(f"  {candidate.what}", compiler is not None, detail, ""))
    findings.append(_package("unicorn", "unicorn", "gemmini run --on riscv", "riscv"))
    findings += [_runner(runner) for runner in (SPIKE, RTL, ZCU102)]
    return findings


def _attempt(
    name: str, find: Callable[[], str], needed_for: str, required: bool = False
) -> Finding:
    try:
        return Finding(name, True, find(), needed_for, required)
    except (GemminiError, OSError) as error:
        return Finding(name, False, str(error), needed_for, required)


def _chosen_compiler() -> str:
    return f"{find_cross_compiler().name} will be used"


def _package(name: str, module: str, needed_for: str, extra: str) -> Finding:
    if importlib.util.find_spec(module) is None:
        detail = f"not installed: pip install 'gemmini-xdsl[{extra}]'"
        return Finding(f"Python package {name}", False, detail, needed_for)
    try:
        version = importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        version = "unknown version"
    return Finding(f"Python package {name}", True, version, needed_for)


def _runner(runner: ExternalRunner) -> Finding:
    name, needed_for = f"runner {runner.name}", f"gemmini run --on {runner.name}"
    try:
        program = runner.program(RunnerOptions())
    except GemminiError as error:
        return Finding(name, False, str(error), needed_for)
    set_by = f" ({runner.variable})" if os.environ.get(runner.variable) else ""
    return Finding(name, True, f"{shutil.which(program[0])}{set_by}", needed_for)
