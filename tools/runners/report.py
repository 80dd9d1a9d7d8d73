"""What `gemmini run --on ...` prints."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import typer

from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.progress import progress
from gemmini_xdsl.tools.run import write_outputs
from gemmini_xdsl.tools.runners.run_on import RunOnOptions, RunOnResult, run_on


def run_and_report(
    target: Path, options: RunOnOptions, output: Path | None, check: bool, as_json: bool
) -> int:
    """Run, print the result and return the exit status. Raises `GemminiError`."""
    with progress(f"running on {options.on}"):
        result = run_on(target, options)
    files: dict[str, str] = {}
    if output is not None:
        if not result.outputs:
            raise GemminiError(
                f"--output: a program on {options.on} leaves no arrays; only riscv shows memory, "
                "and only that of a compiled directory"
            )
        files = write_outputs(result.as_run_result(), output).files
    if as_json:
        typer.echo(result.to_json(files))
    else:
        for line in _lines(result):
            typer.echo(line)
        for name, file in files.items():
            typer.echo(f"  {name}: {file}")
    verdict = result.outcome.verdict
    if verdict == "not checked" and check:
        raise GemminiError(f"{result.program}: --check: the program does not check its results")
    return 1 if verdict == "fail" else 0


def _lines(result: RunOnResult) -> Iterator[str]:
    outcome = result.outcome
    if outcome.command:
        yield f"$ {shlex.join(outcome.command)}"
    yield from outcome.console.rstrip("\n").splitlines()
    figures = outcome.figures
    if "instructions_per_command" in figures:
        yield (
            f"{figures['kernel_commands']} commands, {figures['kernel_instructions']} "
            f"instructions: {figures['instructions_per_command']} retired instructions per command"
        )
    yield from (f"note: {note}" for note in outcome.notes)
    if outcome.problem is not None:
        yield f"{result.program}: FAILED: {outcome.problem}"
    elif outcome.verdict == "pass":
        yield f"{result.program}: done; results as expected"
    elif outcome.verdict == "fail":
        yield f"{result.program}: FAILED: wrong results"
    else:
        yield f"{result.program}: done (not checked)"
