"""The command line of `gemmini trace`."""

from __future__ import annotations

import math
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.run_timing import DEFAULT_HOST_GAP

if TYPE_CHECKING:
    from gemmini_xdsl.hardware import GemminiConfig
    from gemmini_xdsl.targets.arguments import Argument
    from gemmini_xdsl.targets.command_stream import CommandStream
    from gemmini_xdsl.tools.trace import Timeline


def trace_command(
    directory: Annotated[
        Path, typer.Argument(metavar="DIR", help="Directory made by gemmini compile.")
    ],
    output: Annotated[
        Path,
        typer.Option("--output", "-o", metavar="FILE", help="Chrome trace (ui.perfetto.dev)."),
    ] = Path("trace.json"),
    function: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Function to trace (default: the only one)."),
    ] = None,
    png: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Also draw the timeline (extra `report`)."),
    ] = None,
    host_gap: Annotated[
        int, typer.Option(min=0, metavar="CYCLES", help="Cycles that the core needs per command.")
    ] = DEFAULT_HOST_GAP,
) -> int:
    """Write what the accelerator does in each cycle of a function, as the timing model has it.

    There is a track for each unit, each partition of the reservation station and each bank, and a
    counter of DRAM traffic; commands carry the line of the .mlir file that they come from.
    """
    from gemmini_xdsl.targets.command_stream import command_stream
    from gemmini_xdsl.targets.errors import TargetError
    from gemmini_xdsl.tools.inputs import load_mlir, make_context
    from gemmini_xdsl.tools.progress import progress
    from gemmini_xdsl.tools.run import CompiledDirectory

    compiled = CompiledDirectory.open(directory)
    file = directory / f"{compiled.name}.mlir"
    if not file.is_file():
        raise GemminiError(f"{directory}: has no {file.name}; compile with --emit c,mlir")
    record, original = compiled.select(function)
    with progress("tracing"):
        try:
            stream = command_stream(load_mlir(file, make_context()), original.sym_name.data)
        except TargetError as error:
            raise GemminiError(f"{record.name}: {error}") from None
        timeline = _run(stream, compiled.config, host_gap, record.name)
        _write(timeline, output, png)
    written = [str(output), *([str(png)] if png is not None else [])]
    typer.echo(
        f"{record.name}: {timeline.cycles:,} cycles (model), written to {', '.join(written)}"
    )
    return 0


def _run(stream: CommandStream, config: GemminiConfig, host_gap: int, function: str) -> Timeline:
    """The timeline of a stream whose arguments the core has just written."""
    from gemmini_xdsl.runtime_c.timing import TimingError, TimingModel
    from gemmini_xdsl.tools.trace import TimelineRecorder

    commands = [item for item in stream.items if item is not None]
    try:
        with TimingModel(config) as model:
            for placement in stream.placements:
                model.host_write(placement.address, _size(placement.argument))
            recorder = TimelineRecorder(model, config, lambda index: commands[index].location)
            for item in stream.items:
                if item is None:
                    model.fence()
                else:
                    model.command(host_gap, item.funct, item.rs1, item.rs2)
            model.fence()
            return recorder.finish()
    except TimingError as error:
        where = "" if error.command is None else f" at command {error.command}"
        raise GemminiError(f"{function}: the timing model stopped{where}: {error}") from None


def _size(argument: Argument) -> int:
    """Bytes of an argument in memory; a scalar has none."""
    if argument.shape is None:
        return 0
    return math.prod(argument.shape) * np.dtype(argument.dtype).itemsize


def _write(timeline: Timeline, output: Path, png: Path | None) -> None:
    """Write both files, each only when it is complete."""
    from gemmini_xdsl.tools.output_file import write_output_file
    from gemmini_xdsl.tools.trace import TraceOutputError, write_chrome_trace, write_png

    text = StringIO()
    write_chrome_trace(timeline, text)
    try:
        write_output_file(str(output), text.getvalue())
    except OSError as error:
        raise GemminiError(f"{output}: cannot be written: {error.strerror}") from None
    if png is None:
        return
    temporary = png.with_name(f".{png.name}.tmp")
    try:
        write_png(timeline, temporary)
        temporary.replace(png)
    except TraceOutputError as error:
        raise GemminiError(str(error).replace(str(temporary), str(png))) from None
    finally:
        temporary.unlink(missing_ok=True)
