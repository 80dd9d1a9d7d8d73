"""The command line of `gemmini run`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from gemmini_xdsl.tools.errors import UsageError
from gemmini_xdsl.tools.progress import progress
from gemmini_xdsl.tools.run_timing import DEFAULT_HOST_GAP

HOST_SIM = "host_sim"


def run_command(
    directory: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Directory made by gemmini compile; with --on also an ELF file."
        ),
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
    seed: Annotated[
        int | None, typer.Option(min=0, help="Seed of the random inputs (default: 0).")
    ] = None,
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
    on: Annotated[
        str,
        typer.Option(
            metavar="WHERE",
            help="host_sim (compiled for this machine, the default), or the RISC-V program on "
            "riscv (emulated), spike, rtl or zcu102.",
        ),
    ] = HOST_SIM,
    bring_up: Annotated[
        bool,
        typer.Option("--bring-up", help="Run the bring-up ladder for the directory's hardware."),
    ] = False,
    watchdog: Annotated[
        int | None,
        typer.Option(min=1, metavar="CYCLES", help="Let the program give up after so many cycles."),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Hardware of an ELF file (default: 'default')."),
    ] = None,
    runner: Annotated[
        str | None,
        typer.Option(metavar="PROGRAM", help="Spike, RTL simulator or loader to call."),
    ] = None,
    runner_arguments: Annotated[
        list[str] | None,
        typer.Option("--runner-arg", metavar="ARG", help="Added to its command line; repeatable."),
    ] = None,
    tty: Annotated[
        str | None, typer.Option(metavar="FILE", help="Serial line of the board (zcu102).")
    ] = None,
    time_limit: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="When to stop a program.")
    ] = 600.0,
    timing: Annotated[bool, typer.Option(help="Model the time of core and accelerator.")] = True,
    host_gap: Annotated[
        int,
        typer.Option(
            min=0, metavar="CYCLES", help="host_sim: cycles that the core needs for a command."
        ),
    ] = DEFAULT_HOST_GAP,
    counters: Annotated[
        str | None,
        typer.Option(
            metavar="EVENTS|default",
            help="host_sim: hardware counter events to show, separated by commas.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Run a compiled function in the simulator, or as a RISC-V program where --on says."""
    from gemmini_xdsl.tools.run import RunOptions, run_directory, write_outputs

    if on != HOST_SIM or bring_up:
        from gemmini_xdsl.tools.runners.base import RunnerOptions
        from gemmini_xdsl.tools.runners.report import run_and_report
        from gemmini_xdsl.tools.runners.run_on import RunOnOptions

        how = RunnerOptions(
            runner, tuple(runner_arguments or ()), time_limit, checked_sim, timing, tty
        )
        where = "riscv" if on == HOST_SIM else on
        given = _parse_inputs(inputs or [])
        what = RunOnOptions(where, function, seed, given, watchdog, bring_up, config, how)
        return run_and_report(directory, what, output, check, as_json)
    options = RunOptions(
        function=function,
        inputs=_parse_inputs(inputs or []),
        seed=seed or 0,
        check=check,
        checked_simulator=checked_sim,
        timing=timing,
        host_gap=host_gap,
        counters=counters,
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
        for line in result.timing.lines() if result.timing is not None else ():
            typer.echo(line)
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
