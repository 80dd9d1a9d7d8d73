"""The command line of `gemmini tune` and `gemmini tune-server`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gemmini_xdsl.tools.errors import EXIT_INTERRUPTED

if TYPE_CHECKING:
    from gemmini_xdsl.tools.tune import Watcher


BuilderOption = Annotated[
    str | None,
    typer.Option(
        metavar="KIND",
        help="What the simulator is given: commands, c (emitted C, compiled for this machine), or "
        "fastest, which is C for large products (default).",
    ),
]
RunnerOption = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="simulator (default); riscv, spike, rtl or zcu102, which run whole programs; or "
        "module:name, a function that returns the runner of some other machine.",
    ),
]
HostGapOption = Annotated[
    int | None,
    typer.Option(
        min=0,
        metavar="CYCLES",
        help="What the core needs for each command, in the simulator (default: an estimate "
        "for each kind of code).",
    ),
]
TtyOption = Annotated[
    str | None, typer.Option(metavar="DEVICE", help="The board's serial line, for zcu102.")
]


def tune_command(
    source: Annotated[
        str,
        typer.Argument(metavar="INPUT", help="What gemmini compile takes: a file or a shorthand."),
    ],
    output: Annotated[
        Path,
        typer.Option("-o", "--output", metavar="LOG", help="Log that all trials are appended to."),
    ] = Path("tuning.json"),
    trials: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Most trials of each product (default: 200)."),
    ] = None,
    tuner: Annotated[
        str,
        typer.Option(
            metavar="NAME", help="xgb, ga, random or gridsearch; several, with commas, in turn."
        ),
    ] = "xgb",
    early_stopping: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Stop after so many trials without improvement."),
    ] = None,
    jobs: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="Trials at a time (default: one for each core)."),
    ] = None,
    config: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Hardware configuration: a preset or a TOML file (default: the module's own, "
            "else 'default').",
        ),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Count the trials that the log already has, and go on from there."
        ),
    ] = False,
    transfer: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="LOG", help="A log of other sizes to learn from first; may be repeated."
        ),
    ] = None,
    tracker: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Measure on the servers of a TVM RPC tracker."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(metavar="KEY", help="The key of those servers, such as zcu102.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the tuner.")] = 0,
    timeout: Annotated[
        float | None,
        typer.Option(min=0.1, metavar="SECONDS", help="Most time of one trial (default: 60)."),
    ] = None,
    builder: BuilderOption = None,
    runner: RunnerOption = None,
    host_gap: HostGapOption = None,
    tty: TtyOption = None,
    time_limit: Annotated[
        float | None,
        typer.Option(
            min=0.0, metavar="SECONDS", help="Stop the search for each product after so long."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Write a report: a .html or .png file."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
) -> int:
    """Search for the fastest schedule of every matrix product, on the simulator or on servers.

    Each trial is a line of the log, in AutoTVM's format. The best schedule of each product is
    verified bit by bit before it is reported; gemmini compile --tuning-log LOG uses it.
    """
    from gemmini_xdsl.tools.tune import TuneOptions, to_json, tune_input
    from gemmini_xdsl.tools.tune_machines import SIMULATOR, MachineOptions

    if report is not None:
        from gemmini_xdsl.tools.tune_report import check_report

        check_report(report)
    limits = {"trials": trials, "timeout": timeout}
    options = TuneOptions(
        **{name: value for name, value in limits.items() if value is not None},  # type: ignore[arg-type]
        config=config,
        tuners=tuple(name.strip() for name in tuner.split(",")),
        early_stopping=early_stopping,
        jobs=jobs,
        seed=seed,
        machine=MachineOptions(runner or SIMULATOR, builder, host_gap, tty),
        time_limit=time_limit,
        resume=resume,
        transfer=tuple(transfer or ()),
        tracker=tracker,
        key=key,
    )
    try:
        with _display() as watcher:
            results = tune_input(source, output, options, watcher)
    except KeyboardInterrupt:
        hint = f"--resume goes on from the trials in {output}"
        typer.echo(f"gemmini: interrupted; {hint}", err=True)
        return EXIT_INTERRUPTED
    if report is not None:
        from gemmini_xdsl.tools.tune_report import write_report

        write_report(results, report)
    if as_json:
        typer.echo(to_json(results, output))
        return 0
    for result in results:
        earlier = f", {result.resumed} of them earlier" if result.resumed else ""
        typer.echo(
            f"{result.workload.size}: {result.cycles} cycles, {result.gops:.2f} GOPs "
            f"({result.tuner}: trial {result.trial} of {result.trials}{earlier}, "
            f"{result.errors} errors, "
            f"{result.distinct_points} distinct of {result.valid_points} valid points)"
        )
        typer.echo(f"  {result.schedule}")
    typer.echo(f"trials are in {output}")
    return 0


@contextmanager
def _display() -> Iterator[Watcher]:
    """A live line for each product on standard error, if that is a terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda task, tuner, progress: None
        return
    bars = Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[best]} GOPs  {task.fields[rate]:.1f} trials/s"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[errors]} errors"),
        console=console,
    )
    shown: dict[Any, Any] = {}

    def watch(task: Any, tuner: str, progress: Any) -> None:
        label = f"{task.workload.size} {tuner}"
        if (task, tuner) not in shown:
            shown[task, tuner] = bars.add_task(
                label, total=progress.trials, best="-", rate=0.0, errors=0
            )
        best = progress.best_seconds
        bars.update(
            shown[task, tuner],
            completed=progress.done,
            best="-" if best is None else f"{task.gops(best):.2f}",
            rate=progress.rate,
            errors=progress.errors,
        )

    with bars:
        yield watch


def tune_server_command(
    tracker: Annotated[
        str, typer.Option(metavar="HOST:PORT", help="The TVM RPC tracker to register with.")
    ],
    key: Annotated[str, typer.Option(metavar="KEY", help="The key that clients ask for.")],
    host: Annotated[str, typer.Option(metavar="ADDRESS", help="Address to listen on.")] = "0.0.0.0",
    port: Annotated[
        int, typer.Option(min=1, max=65535, metavar="PORT", help="First port to try.")
    ] = 9090,
    builder: BuilderOption = None,
    runner: RunnerOption = None,
    host_gap: HostGapOption = None,
    tty: TtyOption = None,
) -> int:
    """Measure the trials of gemmini tune --tracker on this machine, until interrupted."""
    from gemmini_xdsl.tools.tune_machines import SIMULATOR, MachineOptions
    from gemmini_xdsl.tools.tune_server import serve

    machine = MachineOptions(runner or SIMULATOR, builder, host_gap, tty)
    return serve(tracker, key, host, port, machine)
