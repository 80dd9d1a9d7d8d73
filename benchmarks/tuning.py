"""What the tuner achieves, and the records that ship with the package.

    python benchmarks/tuning.py quality [--seconds S]    loss against exhaustive search
    python benchmarks/tuning.py time                     seconds to that quality
    python benchmarks/tuning.py speed                    trials a second
    python benchmarks/tuning.py database workloads.csv --seconds 1200
    python benchmarks/tuning.py refresh workloads.csv --seconds 1200
    python benchmarks/tuning.py check-database

`quality` measures a space of at most 2,000 points completely for each of eight sizes, then lets
each tuner search it. `database` tunes the sizes that have no record of today's compiler and model,
`refresh` all of them. Whatever is interrupted or runs out of time goes on when it is called again:
trials are kept in build/tuning/, until the sources change.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
from tuning_quality import CONFIG, quality, time_to_quality

from gemmini_xdsl.dialects.attributes import Lowering
from gemmini_xdsl.passes.lower_bound import lower_bound
from gemmini_xdsl.tools.tune_machines import SIMULATOR
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import gemm_space
from gemmini_xdsl.tvm_bridge.autotvm.local import LocalExecutor, available_cores
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureError, MeasureInput
from gemmini_xdsl.tvm_bridge.autotvm.records import read_records
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import schedule_of
from gemmini_xdsl.tvm_bridge.autotvm.session import tune
from gemmini_xdsl.tvm_bridge.autotvm.simulate import (
    FastestBuilder,
    SimulatorRunner,
    verify_schedule,
)
from gemmini_xdsl.tvm_bridge.autotvm.size_database import Database, Tuned, stale_tasks, tune_tasks
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload
from gemmini_xdsl.tvm_bridge.autotvm.tuners import make_tuner

ROOT = Path(__file__).parent.parent
DATABASE = ROOT / "tvm_bridge" / "autotvm" / "database" / "gemm.log"
TRIALS = ROOT / "build" / "tuning"
DEVICE = SIMULATOR
MOST_POINTS = 2000
TIMEOUT = 120.0


def speed() -> None:
    """Print trials per second on 128x128x128, code generation and verification included.

    First of random schedules of each kind, then of a whole run of `xgb`, its own time included.
    """
    task = GemmTask(Workload(128, 128, 128), CONFIG)
    space = gemm_space(task.workload.problem, CONFIG)
    kinds: dict[str, dict[str, list[bool | str]]] = {
        "loops": {"unroll": [False], "lowering": [str(Lowering.ISA)]},
        "LOOP_WS": {"lowering": [str(Lowering.LOOP_WS)]},
        "unrolled": {"unroll": [True]},
    }
    for jobs in (1, 2):
        executor = LocalExecutor(FastestBuilder(), SimulatorRunner(), jobs)
        for what, knobs in kinds.items():
            part = space.restrict(**knobs)
            points = np.random.default_rng(0).choice(part.distinct, 65 * jobs, replace=False)
            inputs = [MeasureInput.of(task, part.get(int(index))) for index in points]
            list(executor.measure(inputs[:jobs]))
            start = time.monotonic()
            results = list(executor.measure(inputs[jobs:]))
            rate = len(results) / (time.monotonic() - start)
            errors = sum(not result.ok for _, result in results)
            print(f"{jobs} processes, {what}: {rate:.1f} trials/s ({errors} errors)", flush=True)
        progress = tune(make_tuner("xgb", task, space), executor, 64).progress
        print(f"{jobs} processes, 64 trials of xgb: {progress.rate:.1f} trials/s", flush=True)
        executor.close()


def read_sizes(path: Path) -> list[GemmTask]:
    """The different sizes of a CSV file with the columns M, N and K."""
    with path.open() as file:
        sizes = dict.fromkeys((int(r["M"]), int(r["N"]), int(r["K"])) for r in csv.DictReader(file))
    return [GemmTask(Workload(*size), CONFIG, DEVICE) for size in sizes]


def database(options: argparse.Namespace, refresh: bool) -> int:
    """Tune the sizes of a file; the exit status is 1 if some have no current record then."""
    start = time.monotonic()
    shipped = Database(options.database)
    todo = read_sizes(options.source)
    with ExitStack() as stack:
        executors = [
            LocalExecutor(FastestBuilder(), SimulatorRunner(), 1, TIMEOUT)
            for _ in range(options.jobs)
        ]
        for executor in executors:
            stack.callback(executor.close)
        if not refresh:
            checker = LocalExecutor(FastestBuilder(), SimulatorRunner(), options.jobs, TIMEOUT)
            with ExitStack() as checking:
                checking.callback(checker.close)
                stale = stale_tasks(shipped, todo, checker)
            print(f"{len(todo) - len(stale)} of {len(todo)} sizes have a current record")
            todo = [task for task, _ in stale]
        seconds = options.seconds and options.seconds - (time.monotonic() - start)
        problems = 0
        results = tune_tasks(todo, shipped, options.log, executors, options.trials, seconds)
        for number, result in enumerate(results, 1):
            problems += result.outcome is None
            print(f"[{number}/{len(todo)}] {describe(result)}", flush=True)
    print(f"{len(todo) - problems} sizes tuned in {time.monotonic() - start:.0f} s")
    return int(problems > 0)


def describe(result: Tuned) -> str:
    """One line about a size."""
    task, outcome = result.task, result.outcome
    if outcome is None:
        return f"{task.workload.size}: {result.problem}"
    array = lower_bound(task.workload.problem, CONFIG, full_blocks=False).array
    cycles = round(task.cycles(outcome.best.seconds))
    progress = outcome.progress
    text = (
        f"{task.workload.size}: {cycles} cycles, {100 * array / cycles:.1f} % of "
        f"the array, trial {outcome.best.trial} of {progress.done} in {progress.elapsed:.0f} s"
    )
    if result.default_seconds is not None:
        text += f", {result.default_seconds / outcome.best.seconds:.3f}x the default schedule"
    return text


def check_database(path: Path, jobs: int) -> int:
    """Measure and verify every shipped schedule; the exit status is 1 if one is not as recorded."""
    shipped = Database(path)
    tasks = [GemmTask(record.workload, CONFIG, DEVICE) for record in read_records(path)]
    executor = LocalExecutor(FastestBuilder(), SimulatorRunner(), jobs, TIMEOUT)
    with ExitStack() as stack:
        stack.callback(executor.close)
        stale = stale_tasks(shipped, tasks, executor)
    problems = [f"{task.workload.size}: {reason}" for task, reason in stale]
    for task in tasks:
        record = shipped.find(task)
        if record is None:
            problems.append(f"{task.workload.size}: for another configuration")
            continue
        try:
            verify_schedule(task, schedule_of(record.values))
        except (MeasureError, TuningError) as error:
            problems.append(f"{task.workload.size}: {error}")
    print("\n".join([*problems, f"{len(tasks)} records, {len(problems)} problems"]))
    return int(bool(problems))


def main(args: Sequence[str] | None = None) -> int:
    """Parse the command line and run one benchmark."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--jobs", type=int, default=available_cores(), help="processes")
    points = argparse.ArgumentParser(add_help=False)
    points.add_argument("--log", type=Path, default=TRIALS / "quality.json")
    points.add_argument("--points", type=int, default=MOST_POINTS, help="most points of a space")
    table = commands.add_parser("quality", parents=[common, points])
    table.add_argument("--output", type=Path, help="write the table as JSON, too")
    table.add_argument("--seconds", type=float, help="stop after so long")
    commands.add_parser("time", parents=[common, points])
    commands.add_parser("speed")
    where = argparse.ArgumentParser(add_help=False)
    where.add_argument("--database", type=Path, default=DATABASE)
    commands.add_parser("check-database", parents=[common, where])
    for name in ("database", "refresh"):
        sizes = commands.add_parser(name, parents=[common, where])
        sizes.add_argument("source", type=Path, help="CSV file with the columns M, N and K")
        sizes.add_argument("--log", type=Path, default=TRIALS / "database.json")
        sizes.add_argument("--trials", type=int, default=128, help="most trials of a size")
        sizes.add_argument("--seconds", type=float, help="begin no size after so long")
    options = parser.parse_args(args)
    match options.command:
        case "quality":
            quality(options.log, options.output, options.points, options.jobs, options.seconds)
        case "time":
            time_to_quality(options.log, options.points, options.jobs)
        case "speed":
            speed()
        case "check-database":
            return check_database(options.database, options.jobs)
        case _:
            return database(options, refresh=options.command == "refresh")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (TuningError, OSError) as error:
        sys.exit(f"error: {error}")
