"""`ApplyHistoryBest`: the best recorded schedule of each workload."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_rules import Problem, schedule_problem
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureErrorNo
from gemmini_xdsl.tvm_bridge.autotvm.records import Record, parse_records, read_records
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import schedule_of
from gemmini_xdsl.tvm_bridge.autotvm.task import Workload

SHIPPED = "shipped"
"""The name that stands for the database of the package wherever a log can be named."""

NONE = "none"
"""The name that stands for no history at all."""


@dataclass(frozen=True)
class Choice:
    """A schedule from history; `note` is empty if the workload itself was tuned."""

    schedule: Schedule
    record: Record
    note: str = ""


class ApplyHistoryBest:
    """The records of lowest mean cost, by configuration digest and workload."""

    def __init__(self, records: Iterable[Record], source: str) -> None:
        """Take the successful records of `records`; `source` names them in messages.

        A schedule that ever gave a wrong answer is not taken, however fast it was. Of records
        from different devices, whose times do not compare, those of the last one count.
        """
        self.source = source
        by_device: dict[tuple[str, Workload], dict[str, Record]] = {}
        ours = [(record.digest, record) for record in records if record.digest is not None]
        wrong = {
            (digest, record.workload, repr(record.values))
            for digest, record in ours
            if record.result.error_no == MeasureErrorNo.WRONG_ANSWER
        }
        for digest, record in ours:
            key = (digest, record.workload)
            if not record.result.ok or (*key, repr(record.values)) in wrong:
                continue
            best = by_device.setdefault(key, {}).pop(record.device, record)
            # The last device is the last key.
            faster = record.result.mean < best.result.mean
            by_device[key][record.device] = record if faster else best
        self._best = {key: list(devices.values())[-1] for key, devices in by_device.items()}

    @staticmethod
    def load(path: Path) -> ApplyHistoryBest:
        """The best records of a log file. Raises `TuningError`."""
        return ApplyHistoryBest(read_records(path), str(path))

    def __len__(self) -> int:
        """How many workloads there are, over all configurations."""
        return len(self._best)

    def records(self) -> list[Record]:
        """The best record of each workload."""
        return list(self._best.values())

    def check_config(self, config: GemminiConfig) -> None:
        """Raise `TuningError` if nothing was measured on `config`, but something on another."""
        if self._best and not any(digest == config.digest for digest, _ in self._best):
            targets = sorted({record.target for record in self._best.values()})
            raise TuningError(
                f"{self.source}: the log has no record for config '{config.name}' "
                f"(digest {config.digest}), only for: {', '.join(targets)}; tune for this "
                "config, or choose the one that the log was made with"
            )

    def query(
        self,
        workload: Workload,
        config: GemminiConfig,
        exact_only: bool = False,
        problem: Problem | None = None,
    ) -> Choice | None:
        """The best schedule for `workload`, else that of the nearest one that fits.

        `problem` tells what a schedule must fit; by default a workload without gaps in memory.

        Distance is counted in doublings of M, N and K; another kind of bias or result counts as
        one doubling each. Transposes must agree. With `exact_only` only a record of `workload`
        itself counts. None if nothing fits.
        """
        problem = problem or workload.problem
        exact = self._best.get((config.digest, workload))
        if exact is not None:
            schedule = self._schedule(exact)
            broken = schedule_problem(schedule, problem, config)
            if broken is None:
                return Choice(schedule, exact)
        if exact_only:
            return None
        ranked = sorted(
            (
                (distance(workload, other), other.size, record)
                for (digest, other), record in self._best.items()
                if digest == config.digest and other != workload
            ),
            key=lambda item: item[:2],
        )
        for far, size, record in ranked:
            if far == math.inf:
                break
            schedule = self._schedule(record)
            if workload.wide_result:
                schedule = replace(schedule, mvout_cols=0)
            if schedule_problem(schedule, problem, config) is None:
                note = (
                    f"{self.source} has no record for {_describe(workload)}; taking the schedule "
                    f"of the nearest size, {size}"
                )
                return Choice(schedule, record, note)
        return None

    def _schedule(self, record: Record) -> Schedule:
        try:
            return schedule_of(record.values)
        except TuningError as error:
            raise TuningError(f"{self.source}: {error}") from None


def distance(wanted: Workload, other: Workload) -> float:
    """How far apart two products are, in doublings of a size; infinite if transposes differ."""
    transposes = (wanted.transpose_a, wanted.transpose_b)
    if transposes != (other.transpose_a, other.transpose_b):
        return math.inf
    sizes = zip((wanted.m, wanted.n, wanted.k), (other.m, other.n, other.k), strict=True)
    doublings = sum(abs(math.log2(a / b)) for a, b in sizes)
    return (
        doublings
        + (wanted.wide_result != other.wide_result)
        + ((wanted.bias == "none") != (other.bias == "none"))
    )


NEIGHBOURS = 4
"""From so many of the nearest sizes something can be learnt."""


def neighbours(workload: Workload, records: Sequence[Record]) -> list[Record]:
    """The records of the nearest sizes other than `workload` itself."""
    sizes = {record.workload: distance(workload, record.workload) for record in records}
    others = [size for size, far in sizes.items() if size != workload and math.isfinite(far)]
    near = sorted(others, key=lambda size: sizes[size])[:NEIGHBOURS]
    return [record for record in records if record.workload in near]


def nearest_schedules(
    workload: Workload, config: GemminiConfig, records: Sequence[Record]
) -> list[Schedule]:
    """The best schedule of each of the nearest sizes, nearest first. Raises `TuningError`."""
    here = [record for record in records if record.digest == config.digest]
    best = ApplyHistoryBest(neighbours(workload, here), "the records of other sizes").records()
    best.sort(key=lambda record: distance(workload, record.workload))
    return [schedule_of(record.values) for record in best]


def _describe(workload: Workload) -> str:
    kinds = [
        name
        for name, present in (
            ("transposed A", workload.transpose_a),
            ("transposed B", workload.transpose_b),
            ("int32 result", workload.wide_result),
            (f"{workload.bias} bias", workload.bias != "none"),
        )
        if present
    ]
    return f"{workload.size} ({', '.join(kinds)})" if kinds else workload.size


@cache
def shipped_history() -> ApplyHistoryBest:
    """The records that come with the package."""
    file = resources.files("gemmini_xdsl.tvm_bridge") / "autotvm" / "database" / "gemm.log"
    name = "the shipped tuning database"
    text = file.read_text() if file.is_file() else ""
    return ApplyHistoryBest(parse_records(text, name), name)


@cache
def _loaded(path: str, modified: int) -> ApplyHistoryBest:
    return ApplyHistoryBest.load(Path(path))


def choose_schedule(
    log: str, workload: Workload, config: GemminiConfig, problem: Problem | None = None
) -> Choice | None:
    """The schedule that a log has for a product; None: use a heuristic.

    `problem` is the product as it lies in memory, if there may be gaps.

    `log` is a path, `SHIPPED` or `NONE`. The shipped records are taken for just what they were
    measured with, and a path's for the nearest size as well. Raises `TuningError` if the log
    cannot be read or is for other configurations.
    """
    if log == NONE:
        return None
    if log == SHIPPED:
        return shipped_history().query(workload, config, exact_only=True, problem=problem)
    path = Path(log)
    try:
        modified = path.stat().st_mtime_ns
    except OSError as error:
        raise TuningError(f"{log}: cannot read the tuning log: {error.strerror}") from None
    history = _loaded(log, modified)
    history.check_config(config)
    return history.query(workload, config, problem=problem)
