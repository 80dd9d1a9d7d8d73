"""How good the tuners are: against exhaustive search of spaces small enough for it."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import gemm_space
from gemmini_xdsl.tvm_bridge.autotvm.local import LocalExecutor
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureInput, MeasureResult, Results
from gemmini_xdsl.tvm_bridge.autotvm.records import read_records
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import EXCHANGE, MVOUT, PLACEMENT, SLOTS, TILES
from gemmini_xdsl.tvm_bridge.autotvm.session import Progress, tune
from gemmini_xdsl.tvm_bridge.autotvm.simulate import FastestBuilder, SimulatorRunner
from gemmini_xdsl.tvm_bridge.autotvm.size_database import open_trials
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigSpace
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload
from gemmini_xdsl.tvm_bridge.autotvm.tuners import TUNERS, make_tuner

CONFIG = load_config("default")
SIZES = (
    (64, 64, 64),
    (128, 128, 128),
    (64, 1, 1216),
    (128, 1, 1024),
    (49, 160, 576),
    (196, 64, 384),
    (128, 128, 64),
    (197, 64, 197),
)
BUDGETS = (64, 200)
SEEDS = range(3)
CLOSE = 1.03
"""How far from the best a schedule may be to count as found."""

CHUNK = 64
"""After so many trials the clock is looked at."""


class OutOfTimeError(Exception):
    """The time is up before everything was measured."""


def tasks() -> list[GemmTask]:
    """The sizes that the tables are about."""
    return [GemmTask(Workload(*sizes), CONFIG) for sizes in SIZES]


def restricted(task: GemmTask, points: int) -> ConfigSpace:
    """The task's space with fewer candidates, until at most `points` are distinct."""
    space = gemm_space(task.workload.problem, task.config)
    widest = space.knobs["mvin_cols"].entities[0].to_json()
    # What seldom matters goes first; tiles, order, slots and lowering stay longest.
    steps: list[dict[str, Any]] = [
        {"mvin_cols": [widest]},
        {"inner_order": [[2, 1, 0], [1, 0, 2]]},
        {PLACEMENT: ["banked", "interleaved"]},
        {"dataflow": ["ws"]},
        {MVOUT: [space.knobs[MVOUT].entities[0].to_json()]},
        {SLOTS[2]: [True]},
        {"inner_order": [[2, 1, 0]]},
        {EXCHANGE: [False]},
        {PLACEMENT: ["banked"]},
    ]
    for step in steps:
        if len(space.distinct) <= points:
            return space
        smaller = space.restrict(**step)
        if len(smaller.distinct):
            space = smaller
    while len(space.distinct) > points:
        # Fewer tiles, but still the smallest, the largest and one between; then less of the rest.
        sizes = {name: len(knob.entities) for name, knob in space.knobs.items()}
        many = [name for name in TILES if sizes[name] > 3] or list(sizes)
        name = max(many, key=lambda knob: sizes[knob])
        kept = [entity.to_json() for entity in space.knobs[name].entities]
        del kept[len(kept) // 2]
        space = space.restrict(**{name: kept})
    return space


class Replay:
    """Answers trials from a table of what was measured before."""

    parallelism = 1

    def __init__(self, table: dict[int, MeasureResult]) -> None:
        self._table = table

    def measure(self, inputs: Iterable[MeasureInput]) -> Results:
        """Every input with its result."""
        for item in inputs:
            yield item, self._table[item.index]

    def close(self) -> None:
        """Nothing to free."""


def quality(log: Path, output: Path | None, points: int, jobs: int, seconds: float | None) -> None:
    """Print the table; the tuners' losses are medians (and worst) over the seeds.

    Measured points are kept in `log`, where the next run finds them.
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    executor = LocalExecutor(FastestBuilder(), SimulatorRunner(), jobs)
    rows: list[dict[str, Any]] = []
    try:
        print_head()
        for task in tasks():
            space = restricted(task, points)
            table = known_points(task, space, log)
            measure_missing(task, space, table, executor, log, deadline)
            best = min(result.mean for result in table.values() if result.ok)
            row: dict[str, Any] = {
                "size": task.workload.size,
                "points": len(space.distinct),
                "errors": sum(not result.ok for result in table.values()),
                "best_cycles": round(task.cycles(best)),
            }
            for name in TUNERS:
                curves = [losses(task, space, name, seed, table, best) for seed in SEEDS]
                for trials, found in zip(BUDGETS, zip(*curves, strict=True), strict=True):
                    row[f"{name}_{trials}"] = [statistics.median(found), max(found)]
            rows.append(row)
            print_row(row)
    except OutOfTimeError as error:
        print(f"time is up: {error}; the same command goes on from there")
    finally:
        executor.close()
    if output is not None:
        output.write_text(json.dumps(rows, indent=2) + "\n")


def known_points(task: GemmTask, space: ConfigSpace, log: Path) -> dict[int, MeasureResult]:
    """What the log has of a space."""
    table: dict[int, MeasureResult] = {}
    open_trials(log).close()
    for record in read_records(log):
        if record.digest == task.config.digest and record.workload == task.workload:
            # Another limit of points made another space.
            with suppress(TuningError):
                table[space.find(record.values).index] = record.result
    return table


def measure_missing(
    task: GemmTask,
    space: ConfigSpace,
    table: dict[int, MeasureResult],
    executor: LocalExecutor,
    path: Path,
    deadline: float | None,
) -> None:
    """Measure every distinct point that the table lacks. Raises `OutOfTimeError`."""
    missing = [int(index) for index in space.distinct if int(index) not in table]
    with open_trials(path) as log:
        for start in range(0, len(missing), CHUNK):
            if deadline is not None and time.monotonic() > deadline:
                left = len(missing) - start
                raise OutOfTimeError(f"{task.workload.size} lacks {left} of {len(space.distinct)}")
            chunk = missing[start : start + CHUNK]
            inputs = [MeasureInput.of(task, space.get(index)) for index in chunk]
            for item, result in executor.measure(inputs):
                table[item.index] = result
                log.append(item, result)


def losses(
    task: GemmTask,
    space: ConfigSpace,
    name: str,
    seed: int,
    table: dict[int, MeasureResult],
    best: float,
) -> list[float]:
    """By how much the best after each budget is slower than the best of the space, in percent."""
    tuner = make_tuner(name, task, space, seed)
    outcome = tune(tuner, Replay(table), max(BUDGETS), verifier=lambda task, schedule: None)
    curve = outcome.progress.curve
    found = [curve[min(trials, len(curve)) - 1] for trials in BUDGETS]
    return [100 * (seconds / best - 1) if seconds else float("inf") for seconds in found]


def print_head() -> None:
    """The head of the table, for Markdown."""
    cells = ["size", "points", "best, cycles"]
    cells += [f"{name} {trials}" for name in TUNERS for trials in BUDGETS]
    print("| " + " | ".join(cells) + " |")
    print("|" + "---|" * len(cells), flush=True)


def print_row(row: dict[str, Any]) -> None:
    """One line of the table, for Markdown."""
    cells = [row["size"], row["points"], row["best_cycles"]]
    cells += [
        f"{row[f'{name}_{trials}'][0]:.1f} ({row[f'{name}_{trials}'][1]:.1f})"
        for name in TUNERS
        for trials in BUDGETS
    ]
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def time_to_quality(log: Path, points: int, jobs: int) -> None:
    """Print how long XGB takes for 64 trials, and until it is within 3 % of the best.

    Everything counts: the space, starting processes, the cost model, verification of the best.
    The best is that of `log`, if `quality` has measured the space completely.
    """
    print(f"| size | points | {BUDGETS[0]} trials, s | within 3 %, s | trial |")
    print("|---|---|---|---|---|")
    for task in tasks():
        space = restricted(task, points)
        table = known_points(task, space, log)
        complete = all(int(index) in table for index in space.distinct)
        best = min((result.mean for result in table.values() if result.ok), default=0.0)
        found: list[tuple[float, int]] = []
        start = time.monotonic()
        # The space is made once more, since a user's run makes it, too.
        tuner = make_tuner("xgb", task, restricted(task, points))

        def watch(
            progress: Progress,
            start: float = start,
            best: float = best,
            found: list[tuple[float, int]] = found,
        ) -> None:
            if not found and progress.best_seconds and progress.best_seconds <= CLOSE * best:
                found.append((time.monotonic() - start, progress.done))

        executor = LocalExecutor(FastestBuilder(), SimulatorRunner(), jobs)
        try:
            tune(tuner, executor, BUDGETS[0], callback=watch)
            seconds = time.monotonic() - start
        finally:
            executor.close()
        if not complete:
            close, trial = "best not known", "-"
        elif found:
            close, trial = f"{found[0][0]:.1f}", str(found[0][1])
        else:
            close, trial = "not found", "-"
        size = task.workload.size
        print(f"| {size} | {len(space.distinct)} | {seconds:.1f} | {close} | {trial} |", flush=True)
