"""`tune`: the loop that asks a tuner for trials, measures them and records the results."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import find_record
from gemmini_xdsl.tvm_bridge.autotvm.measure import (
    Executor,
    MeasureError,
    MeasureErrorNo,
    MeasureInput,
    MeasureResult,
)
from gemmini_xdsl.tvm_bridge.autotvm.records import Record, RecordLog
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import schedule_of, values_of
from gemmini_xdsl.tvm_bridge.autotvm.simulate import verify_schedule
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask
from gemmini_xdsl.tvm_bridge.autotvm.tuners import Tuner

_WRONG = MeasureErrorNo.WRONG_ANSWER

Verifier = Callable[[GemmTask, Schedule], None]


@dataclass(frozen=True)
class Best:
    """The best verified schedule: its trial, the result and the number of the trial."""

    schedule: Schedule
    item: MeasureInput
    result: MeasureResult
    trial: int

    @property
    def seconds(self) -> float:
        """Its time in seconds."""
        return self.result.mean


@dataclass
class Progress:
    """How far a run is; passed to the callback before the first trial and after every one.

    `curve` holds the lowest time in seconds after each trial, None while all have failed, and
    `costs` the times of all trials that succeeded.
    """

    trials: int
    resumed: int = 0
    errors: int = 0
    best_seconds: float | None = None
    curve: list[float | None] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    started: float = field(default_factory=time.monotonic)
    last_error: str = ""

    @property
    def done(self) -> int:
        """Trials so far, those of an earlier run included."""
        return len(self.curve)

    @property
    def elapsed(self) -> float:
        """Seconds since the start of this run."""
        return time.monotonic() - self.started

    @property
    def rate(self) -> float:
        """Trials a second in this run."""
        return (self.done - self.resumed) / self.elapsed if self.elapsed > 0 else 0.0

    def add(self, result: MeasureResult) -> None:
        """Count one trial."""
        if not result.ok:
            self.errors += 1
            self.last_error = result.message or self.last_error
        else:
            self.costs.append(result.mean)
            self.best_seconds = min(self.costs[-1], self.best_seconds or self.costs[-1])
        self.curve.append(self.best_seconds)


@dataclass(frozen=True)
class Outcome:
    """What a run found. `refused` counts schedules that were fastest but failed verification."""

    task: GemmTask
    best: Best
    progress: Progress
    refused: int


def tune(
    tuner: Tuner,
    executor: Executor,
    trials: int,
    *,
    early_stopping: int | None = None,
    seconds: float | None = None,
    log: RecordLog | None = None,
    earlier: list[Record] | None = None,
    callback: Callable[[Progress], None] = lambda _: None,
    verifier: Verifier = verify_schedule,
    beside: Sequence[Schedule] = (),
) -> Outcome:
    """Measure up to `trials` points of the tuner's space and return the best, verified.

    Schedules `beside` the space, which has no points for them, are measured first.
    `early_stopping` ends the run after so many trials without improvement, and `seconds` after
    so long, a first small batch apart. `earlier` are records of the same task from an interrupted
    run; they count as trials. Raises `TuningError` if no trial succeeds.
    """
    progress = Progress(trials)
    results: list[tuple[MeasureInput, MeasureResult]] = []

    def measure(inputs: list[MeasureInput]) -> Iterator[tuple[MeasureInput, MeasureResult]]:
        for item, result in executor.measure(inputs):
            if log is not None:
                log.append(item, result)
            progress.add(result)
            callback(progress)
            yield item, result

    _resume(tuner, earlier or [], results, progress)
    callback(progress)
    problem, config = tuner.task.workload.problem, tuner.task.config
    others = [MeasureInput(tuner.task, -1, values_of(other, problem, config)) for other in beside]
    results.extend(measure(others))
    while progress.done < trials and not _stalled(progress, early_stopping):
        # Enough for everyone: two trials each, since not all take equally long.
        plan = max(tuner.plan_size, 2 * executor.parallelism)
        if seconds is not None:
            plan = min(plan, _in_time(progress, seconds, 2 * executor.parallelism))
        batch = tuner.next_batch(min(plan, trials - progress.done)) if plan > 0 else []
        if not batch:
            break
        inputs = [MeasureInput.of(tuner.task, tuner.space.get(index)) for index in batch]
        found = {item.index: result for item, result in measure(inputs)}
        # In the order of the proposals, so that a run does not depend on who finished first.
        tuner.update([(i, found[i].mean if found[i].ok else None) for i in batch])
        results.extend((item, found[item.index]) for item in inputs)
    return _verified(tuner.task, results, progress, verifier, log)


def _in_time(progress: Progress, seconds: float, first: int) -> int:
    """How many trials there is time for, judging by those of this run; at the start, `first`."""
    if progress.done == progress.resumed:
        return first
    return int(progress.rate * (seconds - progress.elapsed))


def _stalled(progress: Progress, early_stopping: int | None) -> bool:
    if early_stopping is None or progress.best_seconds is None:
        return False
    return progress.done - progress.curve.index(progress.best_seconds) > early_stopping


def _resume(
    tuner: Tuner,
    earlier: list[Record],
    results: list[tuple[MeasureInput, MeasureResult]],
    progress: Progress,
) -> None:
    found: dict[int, tuple[MeasureInput, MeasureResult]] = {}
    for record in earlier:
        try:
            entity = find_record(
                tuner.space, record.values, tuner.task.workload.problem, tuner.task.config
            )
        except TuningError:
            continue
        # A later record of the same point is the verdict of its verification.
        found[entity.index] = (MeasureInput.of(tuner.task, entity), record.result)
    costs: dict[int, float | None] = {}
    for index, (item, result) in found.items():
        costs[index] = result.mean if result.ok else None
        results.append((item, result))
        progress.add(result)
    progress.resumed = progress.done
    tuner.update(list(costs.items()))


def _verified(
    task: GemmTask,
    results: list[tuple[MeasureInput, MeasureResult]],
    progress: Progress,
    verifier: Verifier,
    log: RecordLog | None,
) -> Outcome:
    """The fastest schedule that computes the right results; the log learns of wrong ones."""
    order = sorted(
        (number for number, (_, result) in enumerate(results) if result.ok),
        key=lambda number: results[number][1].mean,
    )
    refused = 0
    for number in order:
        item, result = results[number]
        schedule = schedule_of(item.values)
        try:
            verifier(task, schedule)
        except (MeasureError, TuningError) as error:
            refused += 1
            progress.last_error = str(error)
            if log is not None:
                log.append(item, MeasureResult.failure(_WRONG, str(error), result.all_cost))
            continue
        best = Best(schedule, item, result, number + 1)
        return Outcome(task, best, progress, refused)
    reason = f"; the last error: {progress.last_error}" if progress.last_error else ""
    raise TuningError(
        f"{task.workload.size}: none of {len(results)} trials gave a correct program{reason}"
    )
