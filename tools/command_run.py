"""The command line of `gemmini run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gemmini_xdsl.tools.errors import UsageError
from gemmini_xdsl.tools.progress import progress


def run_command(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Directory made by gemmini compile.")
    ],
    function: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Function to run (default: the only one)."),
    ] = None,
    inputs: Annotated[
        list[str] | None,
        typer.Option(
            "--input",
            metavar="NAME=FILE",
            help="A .npy file for an argument; may be repeated. Inputs without one are random.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the random inputs.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="DIR", help="Where to write outputs as .npy."),
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="Compare all outputs with numpy; fail if they differ.")
    ] = False,
    checked_sim: Annotated[
        bool,
        typer.Option(help="Let the simulator check memory accesses, uninitialised rows and races."),
    ] = True,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Build a compiled function with this machine's C compiler and run it in the simulator."""
    from gemmini_xdsl.tools.run import RunOptions, run_directory, write_outputs

    options = RunOptions(
        function=function,
        inputs=_parse_inputs(inputs or []),
        seed=seed,
        check=check,
        checked_simulator=checked_sim,
    )
    with progress("running"):
        result = run_directory(directory, options)
    if output is not None:
        result = write_outputs(result, output)
    if as_json:
        typer.echo(result.to_json())
    else:
        typer.echo(f"{result.function}: {_summary(result.check, result.mismatches)}")
        for name, file in result.files.items():
            typer.echo(f"  {name}: {file}")
    return 1 if result.check == "fail" else 0


def _parse_inputs(items: list[str]) -> dict[str, Path]:
    parsed: dict[str, Path] = {}
    for item in items:
        name, separator, file = item.partition("=")
        if not separator or not name or not file:
            raise UsageError(f"--input must be NAME=FILE, got '{item}'")
        if name in parsed:
            raise UsageError(f"--input {name} is given twice")
        parsed[name] = Path(file)
    return parsed


def _summary(check: str, mismatches: int) -> str:
    match check:
        case "pass":
            return "done; bit-exact with the numpy reference"
        case "fail":
            return f"FAILED: {mismatches} elements differ from the numpy reference"
        case _:
            return "done (not checked)"
