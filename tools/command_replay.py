"""The command line of `gemmini replay`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def replay_command(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="Recordings (.trace, .trace.gz), or streams of commands "
            "(gemmini compile --emit commands).",
        ),
    ],
    config: Annotated[
        str, typer.Option(metavar="NAME|FILE", help="Hardware to model.")
    ] = "default",
    host_gap: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="CYCLES",
            help="Cycles that the core needs for each command of a stream without times.",
        ),
    ] = 1,
    events: Annotated[
        bool, typer.Option("--events", help="Compare the times of single events, too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> int:
    """Replay recorded commands in the timing model and compare with the recorded times.

    Predicted times come from the model; beside them stands what no accelerator at all would take
    (the core's own gaps). Files are replayed one after another, each from an idle accelerator.
    """
    from rich.console import Console

    from gemmini_xdsl.hardware import ConfigError, load_config
    from gemmini_xdsl.runtime_c.timing import TimingError
    from gemmini_xdsl.tools.errors import GemminiError
    from gemmini_xdsl.tools.progress import progress
    from gemmini_xdsl.tools.recordings import TraceError, read_trace
    from gemmini_xdsl.tools.replay import as_json as format_json
    from gemmini_xdsl.tools.replay import print_table, replay

    results = []
    try:
        hardware = load_config(config)
        for file in files:
            regions = read_trace(file, host_gap)
            with progress(f"replaying {file.name}"):
                results += list(replay(regions, hardware, with_events=events))
    except (ConfigError, TraceError) as error:
        raise GemminiError(str(error)) from None
    except TimingError as error:
        where = "" if error.command is None else f" at command {error.command}"
        raise GemminiError(f"{file}: the timing model stopped{where}: {error}") from None
    if as_json:
        typer.echo(format_json(results, with_events=events))
    else:
        print_table(results, Console(), with_events=events)
    return 0
