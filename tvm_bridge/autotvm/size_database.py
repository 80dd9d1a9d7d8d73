"""Tuning many sizes, and the file of best records that ships with the package.

Sizes are tuned small ones first, several at a time, each in a share of the time that is left. A
size learns from the trials of its neighbours; all trials are kept in a log, so that an
interrupted run goes on where it was. They are worth nothing to another compiler or another model:
the log begins with a digest of the sources, and a record of the database counts as current only
if measuring it again gives the time that it says.
"""

from __future__ import annotations

import hashlib
import math
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from math import prod
from pathlib import Path
from queue import SimpleQueue

from gemmini_xdsl.passes.schedule_selection import schedule_for
from gemmini_xdsl.runtime_c.paths import library_path
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import gemm_space, schedules_beside_space
from gemmini_xdsl.tvm_bridge.autotvm.history import ApplyHistoryBest, nearest_schedules, neighbours
from gemmini_xdsl.tvm_bridge.autotvm.measure import Executor, MeasureInput
from gemmini_xdsl.tvm_bridge.autotvm.records import Record, RecordLog, read_records
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import schedule_of, values_of
from gemmini_xdsl.tvm_bridge.autotvm.session import Outcome, Progress, Verifier, tune
from gemmini_xdsl.tvm_bridge.autotvm.simulate import verify_schedule
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask
from gemmini_xdsl.tvm_bridge.autotvm.tuners import make_tuner

SOURCES = "# sources "
SIZE_SECONDS, TRIAL_SECONDS, BLOCK_SECONDS = 3.0, 0.15, 4e-6
"""Rough time of a size whatever its trials, of a trial, and of a trial for each block of the
product. Time is divided by them, so that all sizes get about as many trials."""

SAME = 1e-9
"""Relative difference up to which two times are the same; records hold rounded decimals."""


def sources_digest() -> str:
    """A digest of everything that decides how long a schedule takes in the simulator."""
    digest = hashlib.sha256(library_path().read_bytes())
    for package in ("hardware", "dialects", "passes", "targets", "tvm_bridge.autotvm"):
        root = Path(import_module(f"gemmini_xdsl.{package}").__path__[0])
        for path in sorted([*root.rglob("*.py"), *root.rglob("*.toml")]):
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


class Database:
    """The best record of each workload; the file is always complete and in order."""

    def __init__(self, path: Path) -> None:
        """Read the file, if there is one. Raises `TuningError`."""
        self.path = path
        best = ApplyHistoryBest(read_records(path) if path.exists() else [], str(path))
        self._records = {_key(record): record for record in best.records()}
        self._lock = threading.Lock()

    def find(self, task: GemmTask) -> Record | None:
        """The record of a task."""
        return self._records.get((task.config.digest, str(task.workload.args())))

    def put(self, record: Record) -> None:
        """Take the record in place of an older one of the same workload."""
        with self._lock:
            self._records[_key(record)] = record
            ordered = sorted(self._records.values(), key=_place)
            self.path.parent.mkdir(parents=True, exist_ok=True)
            temporary = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            temporary.write_text("".join(f"{record.line()}\n" for record in ordered))
            temporary.replace(self.path)


def _key(record: Record) -> tuple[str | None, str]:
    return record.digest, str(record.args)


def _place(record: Record) -> tuple[object, ...]:
    workload = record.workload
    size = workload.m * workload.n * workload.k
    return record.target, size, workload.m, workload.n, str(record.args)


def open_trials(path: Path) -> RecordLog:
    """The log of all trials; one of other sources is begun anew. Raises `TuningError`."""
    head = f"{SOURCES}{sources_digest()}\n"
    try:
        if not path.exists() or not path.read_text(errors="replace").startswith(head):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(head)
    except OSError as error:
        raise TuningError(f"{path}: cannot write the trials: {error.strerror}") from None
    return RecordLog(path)


@dataclass(frozen=True)
class Tuned:
    """One size: its best schedule, and the time of the default one in seconds; or the problem."""

    task: GemmTask
    outcome: Outcome | None = None
    default_seconds: float | None = None
    problem: str = ""


class _Clock:
    """Divides the time among sizes by what a trial of each takes."""

    def __init__(self, tasks: Sequence[GemmTask], seconds: float | None, lanes: int) -> None:
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._lanes = lanes
        self._lock = threading.Lock()
        self._waiting = {
            task: TRIAL_SECONDS + BLOCK_SECONDS * prod(task.workload.problem.blocks(task.config))
            for task in tasks
        }

    def share(self, task: GemmTask) -> float | None:
        """Seconds for `task`, which starts now; None: as long as it takes."""
        with self._lock:
            count, total = len(self._waiting), sum(self._waiting.values())
            weight = self._waiting.pop(task)
        if self._deadline is None:
            return None
        left = max(0.0, self._deadline - time.monotonic())
        for_trials = max(0.0, left * self._lanes - count * SIZE_SECONDS)
        return min(left, SIZE_SECONDS + for_trials * weight / total)


def stale_tasks(
    database: Database, tasks: Sequence[GemmTask], executor: Executor
) -> list[tuple[GemmTask, str]]:
    """The tasks without a current record, and why not: `missing`, or what measuring gave."""
    known = {task: database.find(task) for task in tasks}
    inputs = [
        MeasureInput(task, record.index, record.values)
        for task, record in known.items()
        if record is not None
    ]
    found = {item.task: result for item, result in executor.measure(inputs)}
    stale: list[tuple[GemmTask, str]] = []
    for task, record in known.items():
        if record is None:
            stale.append((task, "missing"))
        elif not found[task].ok:
            stale.append((task, found[task].message))
        elif not math.isclose(found[task].mean, record.result.mean, rel_tol=SAME):
            cycles = [round(task.cycles(r.mean)) for r in (found[task], record.result)]
            stale.append((task, f"{cycles[0]} cycles, not {cycles[1]}"))
    return stale


def tune_tasks(
    tasks: Sequence[GemmTask],
    database: Database,
    trials_log: Path,
    executors: Sequence[Executor],
    trials: int,
    seconds: float | None = None,
    verifier: Verifier = verify_schedule,
) -> Iterator[Tuned]:
    """Tune every task with up to `trials` trials, and put the best record into the database.

    Each executor has one size at a time. After `seconds` no more sizes begin. Raises
    `TuningError` if the trials cannot be kept.
    """
    ordered = sorted(tasks, key=lambda task: prod(task.workload.problem.blocks(task.config)))
    clock = _Clock(ordered, seconds, len(executors))
    stop = threading.Event()
    idle: SimpleQueue[Executor] = SimpleQueue()
    for executor in executors:
        idle.put(executor)

    def work(task: GemmTask) -> Tuned:
        start, share = time.monotonic(), clock.share(task)
        if share is not None and share <= 0:
            return Tuned(task, problem="no time left")
        with _taken(idle) as executor:
            return _tune_one(
                task,
                database,
                log,
                executor,
                trials,
                None if share is None else start + share,
                verifier,
                stop,
            )

    with open_trials(trials_log) as log, ThreadPoolExecutor(len(executors)) as pool:
        futures = [pool.submit(work, task) for task in ordered]
        try:
            for future in as_completed(futures):
                yield future.result()
        finally:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)


@contextmanager
def _taken(idle: SimpleQueue[Executor]) -> Iterator[Executor]:
    executor = idle.get()
    try:
        yield executor
    finally:
        idle.put(executor)


def _tune_one(
    task: GemmTask,
    database: Database,
    log: RecordLog,
    executor: Executor,
    trials: int,
    deadline: float | None,
    verifier: Verifier,
    stop: threading.Event,
) -> Tuned:
    problem, config = task.workload.problem, task.config
    space = gemm_space(problem, config)
    heuristic = schedule_for(problem, config, lambda: task)
    if heuristic is None or not len(space.distinct):
        return Tuned(task, problem=f"config '{config.name}' cannot execute this product")
    records = [record for record in read_records(log.path) if record.device == task.device]
    own = [record for record in records if record.workload == task.workload]
    near = neighbours(task.workload, records)
    tuner = make_tuner("xgb", task, space)
    tuner.load_history([(GemmTask(record.workload, config), record) for record in near])
    before = database.find(task)
    known = [] if before is None else [schedule_of(before.values)]
    tuner.suggest([*known, *nearest_schedules(task.workload, config, near)])

    def go_on(_: Progress) -> None:
        if stop.is_set():
            raise TuningError("interrupted")

    first = MeasureInput(task, -1, values_of(heuristic, problem, config))
    ((_, default),) = executor.measure([first])
    try:
        outcome = tune(
            tuner,
            executor,
            trials,
            seconds=None if deadline is None else deadline - time.monotonic(),
            log=log,
            earlier=own,
            callback=go_on,
            verifier=verifier,
            beside=schedules_beside_space(problem, config),
        )
    except TuningError as error:
        return Tuned(task, problem=str(error))
    database.put(Record.of(outcome.best.item, outcome.best.result))
    return Tuned(task, outcome, default.mean if default.ok else None)
