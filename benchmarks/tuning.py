"""What the tuner achieves: quality against exhaustive search, speed, and the shipped database.

    python benchmarks/tuning.py quality [--log points.json] [--output table.json]
    python benchmarks/tuning.py speed
    python benchmarks/tuning.py database workloads.csv [--trials N] [--max-pairs N]

`quality` measures a space of at most 2,000 points completely for each of eight sizes, then lets
each tuner search the same space. `database` appends to the log that ships with the package.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.passes.schedule_heuristic import default_schedule
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import gemm_space
from gemmini_xdsl.tvm_bridge.autotvm.history import ApplyHistoryBest
from gemmini_xdsl.tvm_bridge.autotvm.local import LocalExecutor
from gemmini_xdsl.tvm_bridge.autotvm.measure import (
    Executor,
    MeasureError,
    MeasureInput,
    MeasureResult,
    Results,
)
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule
from gemmini_xdsl.tvm_bridge.autotvm.records import RecordLog, decode, encode, read_records
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import EXCHANGE, MVOUT, PLACEMENT, SLOTS, TILES
from gemmini_xdsl.tvm_bridge.autotvm.session import tune
from gemmini_xdsl.tvm_bridge.autotvm.simulate import (
    CommandStreamBuilder,
    SimulatorRunner,
    verify_schedule,
)
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigSpace
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload
from gemmini_xdsl.tvm_bridge.autotvm.tuners import TUNERS, make_tuner

CONFIG = load_config("default")
DATABASE = Path(__file__).parent.parent / "tvm_bridge" / "autotvm" / "database" / "gemm.log"
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
MOST_POINTS = 2000
BUDGETS = (64, 200)
SEEDS = range(3)


def restricted(task: GemmTask, points: int) -> ConfigSpace:
    """The task's space with fewer candidates, until at most `points` are distinct."""
    space = gemm_space(task.workload.problem, task.config)
    widest = space.knobs["mvin_cols"].entities[0].to_json()
    # What seldom matters goes first; tiles, order, slots and lowering stay longest.
    steps: list[dict[str, Any]] = [
        {"mvin_cols": [widest]},
        {"inner_order": [[2, 1, 0], [1, 0, 2]]},
        {PLACEMENT: ["banked"]},
        {"dataflow": ["ws"]},
        {MVOUT: [space.knobs[MVOUT].entities[0].to_json()]},
        {SLOTS[2]: [True]},
        {"inner_order": [[2, 1, 0]]},
        {EXCHANGE: [False]},
    ]
    for step in steps:
        if len(space.distinct) <= points:
            return space
        smaller = space.restrict(**step)
        if len(smaller.distinct):
            space = smaller
    for name in TILES * 4:
        if len(space.distinct) > points:
            entities = space.knobs[name].entities
            space = space.restrict(**{name: [e.to_json() for e in entities[::-2]]})
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


def quality(output: Path | None, log: Path | None, points: int) -> None:
    """Print the table; the tuners' losses are medians (and worst) over the seeds.

    With `log`, points are kept in that file and not measured again.
    """
    executor = LocalExecutor(CommandStreamBuilder(), SimulatorRunner())
    rows: list[dict[str, Any]] = []
    for sizes in SIZES:
        task = GemmTask(Workload(*sizes), CONFIG)
        space = restricted(task, points)
        table = exhaustive(task, space, executor, log)
        best = min(result.mean for result in table.values() if result.ok)
        row: dict[str, Any] = {
            "size": task.workload.size,
            "points": len(space.distinct),
            "errors": sum(not result.ok for result in table.values()),
            "best_cycles": round(task.cycles(best)),
        }
        for name in TUNERS:
            for trials in BUDGETS:
                losses = [loss(task, space, name, seed, trials, table, best) for seed in SEEDS]
                row[f"{name}_{trials}"] = [statistics.median(losses), max(losses)]
        rows.append(row)
        print_row(row)
    executor.close()
    if output is not None:
        output.write_text(json.dumps(rows, indent=2) + "\n")


def exhaustive(
    task: GemmTask, space: ConfigSpace, executor: Executor, path: Path | None
) -> dict[int, MeasureResult]:
    """The result of every distinct point."""
    table: dict[int, MeasureResult] = {}
    if path is not None and path.exists():
        for record in read_records(path):
            if record.digest == task.config.digest and record.workload == task.workload:
                table[space.find(record.values).index] = record.result
    missing = [int(index) for index in space.distinct if int(index) not in table]
    inputs = [MeasureInput.of(task, space.get(index)) for index in missing]
    with RecordLog(path if path is not None else Path(os.devnull)) as log:
        for item, result in executor.measure(inputs):
            table[item.index] = result
            log.append(item, result)
    return table


def loss(
    task: GemmTask,
    space: ConfigSpace,
    name: str,
    seed: int,
    trials: int,
    table: dict[int, MeasureResult],
    best: float,
) -> float:
    """By how much the best of so many trials is slower than the best of the space, in percent."""
    tuner = make_tuner(name, task, space, seed)
    outcome = tune(tuner, Replay(table), trials, verifier=lambda task, schedule: None)
    return 100 * (outcome.best.seconds / best - 1)


def print_row(row: dict[str, Any]) -> None:
    """One line of the table, for Markdown."""
    cells = [row["size"], row["points"], row["best_cycles"]]
    cells += [
        f"{row[f'{name}_{trials}'][0]:.1f} ({row[f'{name}_{trials}'][1]:.1f})"
        for name in TUNERS
        for trials in BUDGETS
    ]
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def speed() -> None:
    """Print trials per second on 128x128x128, code generation and verification included."""
    task = GemmTask(Workload(128, 128, 128), CONFIG)
    space = gemm_space(task.workload.problem, CONFIG)
    for jobs in (1, 2):
        executor = LocalExecutor(CommandStreamBuilder(), SimulatorRunner(), jobs)
        points = np.random.default_rng(0).choice(space.distinct, 65 * jobs, replace=False)
        inputs = [MeasureInput.of(task, space.get(int(index))) for index in points]
        list(executor.measure(inputs[:jobs]))
        start = time.monotonic()
        results = list(executor.measure(inputs[jobs:]))
        rate = len(results) / (time.monotonic() - start)
        errors = sum(not result.ok for _, result in results)
        executor.close()
        print(f"{jobs} processes: {rate:.1f} trials/s ({errors} errors)")


def database(source: Path, trials: int, max_pairs: int) -> None:
    """Tune the sizes of a CSV file (name, M, N, K) and keep the best record of each."""
    with source.open() as file:
        sizes = dict.fromkeys((int(r["M"]), int(r["N"]), int(r["K"])) for r in csv.DictReader(file))
    executor = LocalExecutor(CommandStreamBuilder(), SimulatorRunner())
    known = ApplyHistoryBest(read_records(DATABASE) if DATABASE.exists() else [], str(DATABASE))
    DATABASE.parent.mkdir(exist_ok=True)
    for size in sorted(sizes, key=lambda s: s[0] * s[1] * s[2]):
        task = GemmTask(Workload(*size), CONFIG)
        m, n, k = task.workload.problem.blocks(CONFIG)
        if m * n * k > max_pairs:
            continue
        found = known.query(task.workload, CONFIG)
        if found is not None and not found.note:
            continue
        space = gemm_space(task.workload.problem, CONFIG)
        with tempfile.NamedTemporaryFile(suffix=".json") as file, RecordLog(Path(file.name)) as log:
            outcome = tune(make_tuner("xgb", task, space), executor, trials, log=log)
            records = read_records(Path(file.name))
        best = next(r for r in records if r.values == outcome.best.values)
        with RecordLog(DATABASE) as shipped:
            shipped.append(MeasureInput(task, best.index, best.values), best.result)
        heuristic = default_schedule(task.workload.problem, CONFIG)
        assert heuristic is not None
        runner = SimulatorRunner(verified_products=0)
        before = runner.run(task, heuristic, compile_schedule(task, heuristic))[0]
        cycles = round(task.cycles(outcome.best.seconds))
        ideal = m * n * k * CONFIG.dim
        print(
            f"{task.workload.size}: {cycles} cycles, {100 * ideal / cycles:.1f} % of the array, "
            f"{before / outcome.best.seconds:.2f}x the default schedule",
            flush=True,
        )
    executor.close()


def check_database() -> None:
    """Compile and verify every shipped schedule; ends with status 1 if one is wrong."""
    wrong = 0
    for record in read_records(DATABASE):
        item = MeasureInput(GemmTask(record.workload, CONFIG), record.index, record.values)
        assert decode(encode(item, record.result)).values == record.values
        try:
            verify_schedule(item.task, item.schedule)
        except MeasureError as error:
            wrong += 1
            print(f"{record.workload.size}: {error}")
    sys.exit(wrong > 0)


def main() -> None:
    """Parse the command line and run one benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    table = commands.add_parser("quality")
    table.add_argument("--output", type=Path)
    table.add_argument("--log", type=Path)
    table.add_argument("--points", type=int, default=MOST_POINTS, help="most points of a space")
    commands.add_parser("speed")
    commands.add_parser("check-database")
    shipped = commands.add_parser("database")
    shipped.add_argument("source", type=Path)
    shipped.add_argument("--trials", type=int, default=128)
    shipped.add_argument("--max-pairs", type=int, default=1 << 20)
    options = parser.parse_args()
    if options.command == "quality":
        quality(options.output, options.log, options.points)
    elif options.command == "speed":
        speed()
    elif options.command == "check-database":
        check_database()
    else:
        database(options.source, options.trials, options.max_pairs)


if __name__ == "__main__":
    main()
