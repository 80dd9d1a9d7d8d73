"""AutoTVM 0.2 log files: one JSON object a line, lines that start with # are comments."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from threading import Lock
from typing import IO, Any

from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.knobs import Entity, entity_from_json
from gemmini_xdsl.tvm_bridge.autotvm.measure import (
    ERROR_COST,
    MeasureErrorNo,
    MeasureInput,
    MeasureResult,
)
from gemmini_xdsl.tvm_bridge.autotvm.space import entity_list
from gemmini_xdsl.tvm_bridge.autotvm.task import TASK_NAME, Workload, device_of, digest_of

AUTOTVM_LOG_VERSION = 0.2


@dataclass(frozen=True)
class Record:
    """One line of a log."""

    target: str
    task_name: str
    args: list[Any]
    index: int
    values: dict[str, Entity]
    result: MeasureResult

    @staticmethod
    def of(item: MeasureInput, result: MeasureResult) -> Record:
        """The record of a trial."""
        task = item.task
        return Record(task.target, TASK_NAME, task.workload.args(), item.index, item.values, result)

    def line(self) -> str:
        """The line of a log, without its end."""
        result = self.result
        costs = list(result.costs) if result.ok else [ERROR_COST]
        return json.dumps(
            {
                "input": [self.target, self.task_name, self.args, {}],
                "config": {
                    "index": self.index,
                    "code_hash": None,
                    "entity": entity_list(self.values),
                },
                "result": [costs, int(result.error_no), result.all_cost, result.timestamp],
                "version": AUTOTVM_LOG_VERSION,
                "tvm_version": _tvm_version(),
            }
        )

    @property
    def digest(self) -> str | None:
        """Digest of the configuration that it was measured on, for our tasks."""
        return digest_of(self.target) if self.task_name == TASK_NAME else None

    @property
    def device(self) -> str:
        """What it was measured on; nothing if the record does not say."""
        return device_of(self.target)

    @property
    def workload(self) -> Workload:
        """The workload of one of our tasks. Raises `TuningError`."""
        return Workload.from_args(self.args)


@cache
def _tvm_version() -> str:
    try:
        return version("apache-tvm")
    except PackageNotFoundError:
        return "unknown"


def encode(item: MeasureInput, result: MeasureResult) -> str:
    """The line for a trial, without a line end."""
    return Record.of(item, result).line()


def decode(line: str) -> Record:
    """The record that a line holds. Raises `TuningError` with what is wrong."""
    try:
        data = json.loads(line)
    except (ValueError, RecursionError):
        raise TuningError("not a JSON object") from None
    try:
        log_version = data["version"]
        target, task_name, args = data["input"][:3]
        entities = data["config"]["entity"]
        index = data["config"]["index"]
        costs, error_no, all_cost, timestamp = data["result"]
        if log_version != AUTOTVM_LOG_VERSION:
            raise TuningError(
                f"log version {log_version!r}; version {AUTOTVM_LOG_VERSION} is understood"
            )
        if not isinstance(target, str) or not isinstance(task_name, str):
            raise TypeError("target and task name must be strings")
        values = {str(name): entity_from_json(tag, value) for name, tag, value in entities}
        result = MeasureResult(
            tuple(float(cost) for cost in costs),
            MeasureErrorNo(error_no),
            float(all_cost),
            float(timestamp),
        )
        if not costs or not all(math.isfinite(cost) and cost > 0 for cost in result.costs):
            raise ValueError("costs must be positive times in seconds")
        if type(index) is not int or not isinstance(args, list):
            raise TypeError("index must be an integer, and the arguments a list")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise TuningError(f"not an AutoTVM record: {_describe(error)}") from None
    return Record(target, task_name, args, index, values, result)


def _describe(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def parse_records(text: str, source: str) -> Iterator[Record]:
    """The records of a log; `source` names it in messages.

    A last line without its end is what a killed run leaves, and is passed over if it is no
    record. Raises `TuningError` with the number of a line that is wrong.
    """
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.startswith("#"):
            continue
        try:
            yield decode(line)
        except TuningError as error:
            if number < len(lines):
                raise TuningError(f"{source}:{number}: {error}") from None


def read_records(path: Path) -> list[Record]:
    """All records of a log file. Raises `TuningError`."""
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise TuningError(f"{path}: cannot read the tuning log: {reason}") from None
    return list(parse_records(text, str(path)))


class RecordLog:
    """A log file that trials are appended to, by several threads and processes if need be."""

    def __init__(self, path: Path) -> None:
        """Open or create the file. Raises `TuningError`."""
        self.path = path
        # The file's lock is between processes, this one between threads.
        self._lock = Lock()
        try:
            self._file: IO[bytes] = path.open("ab+")
        except OSError as error:
            raise TuningError(f"{path}: cannot write the tuning log: {error.strerror}") from None

    def append(self, item: MeasureInput, result: MeasureResult) -> None:
        """Write one record to the disk; a line that a killed run left half is removed first."""
        line = encode(item, result).encode() + b"\n"
        try:
            with self._lock, _locked(self._file):
                self._drop_partial_line()
                self._file.write(line)
                self._file.flush()
        except OSError as error:
            raise TuningError(
                f"{self.path}: cannot write the tuning log: {error.strerror}"
            ) from None

    def _drop_partial_line(self) -> None:
        """Under the lock no writer is at work, so a line without an end was abandoned."""
        end = self._file.seek(0, os.SEEK_END)
        if end == 0:
            return
        self._file.seek(end - 1)
        if self._file.read(1) == b"\n":
            return
        self._file.seek(0)
        content = self._file.read()
        start = content.rfind(b"\n") + 1
        try:
            decode(content[start:].decode())
            self._file.write(b"\n")
        except (TuningError, UnicodeDecodeError):
            self._file.truncate(start)
        self._file.seek(0, os.SEEK_END)

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> RecordLog:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


@contextmanager
def _locked(file: IO[bytes]) -> Iterator[None]:
    import fcntl

    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)
