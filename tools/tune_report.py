"""`gemmini tune --report`: curves, the distribution of the space, and the roofline."""

from __future__ import annotations

import base64
import html
import os
import tempfile
from collections.abc import Sequence
from io import BytesIO
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from gemmini_xdsl.tools.errors import GemminiError, UsageError
from gemmini_xdsl.tools.tune import Tuned
from gemmini_xdsl.tvm_bridge.autotvm.bound import bound
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import gemm_space
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

SUFFIXES = (".html", ".png")


def check_report(path: Path) -> None:
    """Raise `GemminiError` if the report could not be written, before any time is spent."""
    if path.suffix not in SUFFIXES:
        raise UsageError(f"--report {path}: the file must end in {' or '.join(SUFFIXES)}")
    if not path.parent.is_dir():
        raise GemminiError(f"{path}: cannot be written: there is no directory {path.parent}")
    try:
        import matplotlib  # noqa: F401
    except ImportError as error:
        raise GemminiError(
            f"--report needs matplotlib: pip install 'gemmini-xdsl[report]' ({error})"
        ) from None


def write_report(results: Sequence[Tuned], path: Path) -> None:
    """Write the report; the file appears only when it is complete. Raises `GemminiError`."""
    check_report(path)
    image = _figure(results)
    content = image if path.suffix == ".png" else _page(results, image).encode()
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            os.replace(temporary, path)
        except BaseException:
            os.unlink(temporary)
            raise
    except OSError as error:
        raise GemminiError(f"{path}: cannot be written: {error.strerror}") from None


def _figure(results: Sequence[Tuned]) -> bytes:
    """A row for each workload: best so far, all trials, roofline."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    by_workload: dict[Any, list[Tuned]] = {}
    for result in results:
        by_workload.setdefault(result.workload, []).append(result)
    figure, axes = pyplot.subplots(
        len(by_workload), 3, figsize=(15, 4.2 * len(by_workload)), squeeze=False
    )
    for row, runs in zip(axes, by_workload.values(), strict=True):
        for run, style in zip(runs, cycle(_STYLES), strict=False):
            _plot_curve(row[0], run, style)
            _plot_distribution(row[1], run, style)
        _plot_space(row[1], runs[0].outcome.task)
        _plot_roofline(row[2], runs)
        task = runs[0].outcome.task
        where = f"{task.workload.size}, config {task.config.name}, measured on {task.device}"
        row[0].set(title=where, xlabel="trial", ylabel="best GOPs so far")
        row[1].set(
            title="The space and the measured points", xlabel="GOPs", ylabel="share of points, %"
        )
        row[2].set(title="Roofline", xlabel="operations per byte", ylabel="GOPs")
        for axis, corner in zip(row, ("lower right", "upper left", "lower right"), strict=True):
            axis.legend(fontsize="small", loc=corner)
            axis.grid(alpha=0.3)
    figure.tight_layout()
    buffer = BytesIO()
    # Without its date the file depends on the results alone.
    figure.savefig(buffer, format="png", dpi=90, metadata={"Software": None})
    pyplot.close(figure)
    return buffer.getvalue()


_STYLES = (("-", "o"), ("--", "s"), ("-.", "^"), (":", "D"))
"""Line and marker of each run, so that equal results can be told apart."""


def _plot_curve(axis: Any, run: Tuned, style: tuple[str, str]) -> None:
    task = run.outcome.task
    known = [(n, s) for n, s in enumerate(run.outcome.progress.curve, 1) if s is not None]
    numbers, gops = [n for n, _ in known], [task.gops(s) for _, s in known]
    line, marker = style
    (drawn,) = axis.step(numbers, gops, where="post", linestyle=line, label=run.tuner)
    best = run.outcome.best
    axis.plot([best.trial], [task.gops(best.seconds)], marker, color=drawn.get_color())


def _plot_distribution(axis: Any, run: Tuned, style: tuple[str, str]) -> None:
    """Which share of the measured points is that fast at the most."""
    gops = sorted(run.outcome.task.gops(seconds) for seconds in run.outcome.progress.costs)
    shares = [100 * (number + 1) / len(gops) for number in range(len(gops))]
    label = f"{run.tuner}: {len(gops)} measured"
    axis.step(gops, shares, where="post", linestyle=style[0], label=label)


def _plot_space(axis: Any, task: GemmTask) -> None:
    """The same for all points of the space, as the analytical bound sees them."""
    space = gemm_space(task.workload.problem, task.config)
    cycles = np.sort(bound(task, space, space.distinct))[::-1]
    # A few hundred of up to millions give the same curve.
    chosen = np.unique(np.linspace(0, len(cycles) - 1, 512).astype(int))
    gops = [task.gops(task.seconds(count)) for count in cycles[chosen]]
    label = f"all {len(cycles):,} distinct points, analytical bound"
    axis.plot(gops, 100 * (chosen + 1) / len(cycles), color="grey", alpha=0.7, label=label)


def _plot_roofline(axis: Any, runs: Sequence[Tuned]) -> None:
    from matplotlib.ticker import LogFormatter

    task = runs[0].outcome.task
    config, workload = task.config, task.workload
    # Two operations of each element of the array a cycle; one bus beat a cycle.
    peak = 2 * config.dim**2 * config.clock_mhz / 1e3
    bandwidth = config.dma_bus_bits / 8 * config.clock_mhz / 1e3
    result_bytes = config.acc_bytes if workload.wide_result else config.input_bytes
    moved = (
        workload.m * workload.k + workload.k * workload.n
    ) * config.input_bytes + workload.m * workload.n * result_bytes
    intensity = workload.operations / moved
    ridge = peak / bandwidth
    ends = [min(intensity, ridge) / 8, ridge, max(intensity, ridge) * 8]
    label = f"{peak:g} GOPs of the array, {bandwidth:g} GB/s of the bus"
    axis.loglog(ends, [min(peak, bandwidth * x) for x in ends], color="black", label=label)
    for run, (_, marker) in zip(runs, cycle(_STYLES), strict=False):
        axis.loglog(
            [intensity], [run.gops], marker, fillstyle="none", label=f"{run.tuner}: {run.gops:.1f}"
        )
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_formatter(LogFormatter())
        side.set_minor_formatter(LogFormatter(minor_thresholds=(2, 0.5)))


def _page(results: Sequence[Tuned], image: bytes) -> str:
    rows = "\n".join(
        "<tr>"
        + "".join(
            f"<td>{html.escape(str(cell))}</td>"
            for cell in (
                run.workload.size,
                run.tuner,
                run.device,
                run.cycles,
                f"{run.gops:.2f}",
                f"{run.trial} of {run.trials}",
                run.errors,
                f"{run.distinct_points} of {run.valid_points}",
                run.schedule,
            )
        )
        + "</tr>"
        for run in results
    )
    return f"""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Tuning report</title>
<style>body{{font-family:sans-serif;margin:2em}}td,th{{padding:.3em .8em;text-align:left}}
img{{max-width:100%}}</style></head><body>
<h1>Tuning report</h1>
<table><tr><th>MxNxK</th><th>tuner</th><th>measured on</th><th>cycles</th><th>GOPs</th>
<th>found at trial</th><th>errors</th><th>distinct of valid points</th>
<th>best verified schedule</th></tr>
{rows}
</table>
<img alt="Best so far, measured points and roofline" src="data:image/png;base64,{
        base64.b64encode(image).decode()
    }">
</body></html>
"""
