"""What is measured and what comes out: inputs, results, and the interfaces between them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property
from typing import Any, Protocol, TypeAlias

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.tvm_bridge.autotvm.knobs import Entity
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import schedule_of
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigEntity
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

ERROR_COST = 1e9
"""Seconds that AutoTVM records for a trial that failed."""


class MeasureErrorNo(IntEnum):
    """AutoTVM's error numbers."""

    NO_ERROR = 0
    INSTANTIATION_ERROR = 1
    COMPILE_HOST = 2
    COMPILE_DEVICE = 3
    RUNTIME_DEVICE = 4
    WRONG_ANSWER = 5
    BUILD_TIMEOUT = 6
    RUN_TIMEOUT = 7
    UNKNOWN_ERROR = 8


class MeasureError(Exception):
    """A trial failed; the measuring loop turns it into a result."""

    def __init__(self, number: MeasureErrorNo, message: str):
        super().__init__(message)
        self.number = number


@dataclass(frozen=True)
class MeasureInput:
    """A task and one point of its space."""

    task: GemmTask
    index: int
    values: dict[str, Entity] = field(hash=False)

    @staticmethod
    def of(task: GemmTask, config: ConfigEntity) -> MeasureInput:
        """The trial of `config`."""
        return MeasureInput(task, config.index, config.values)

    @cached_property
    def schedule(self) -> Schedule:
        """The schedule that the point stands for."""
        return schedule_of(self.values)


@dataclass(frozen=True)
class MeasureResult:
    """Costs of a trial in seconds, AutoTVM's error number, and the wall-clock time it took.

    `message` says what went wrong; records do not hold it.
    """

    costs: tuple[float, ...]
    error_no: MeasureErrorNo
    all_cost: float
    timestamp: float
    message: str = field(default="", compare=False)

    @property
    def ok(self) -> bool:
        """Whether the trial succeeded."""
        return self.error_no == MeasureErrorNo.NO_ERROR

    @property
    def mean(self) -> float:
        """Mean cost in seconds; `ERROR_COST` for a failure."""
        return sum(self.costs) / len(self.costs) if self.ok else ERROR_COST

    @staticmethod
    def failure(number: MeasureErrorNo, message: str, seconds: float) -> MeasureResult:
        """The result of a trial that failed after `seconds`."""
        return MeasureResult((ERROR_COST,), number, seconds, time.time(), message)


Program: TypeAlias = Any
"""What a builder makes and the runner that belongs to it takes: a `CommandStream`, a
`NativeProgram`, or the bytes of a RISC-V program. It can be pickled."""


class Builder(Protocol):
    """Makes the program of a trial. A builder is pickled to where trials are measured."""

    def build(self, task: GemmTask, schedule: Schedule) -> Program:
        """The program; raises `TuningError` or `MeasureError` if there is none."""
        ...


class Runner(Protocol):
    """Runs a program and times it: the plug-in point for boards and other simulators.

    A runner is pickled to where trials are measured. One that needs a certain kind of program
    has an attribute `builder`. Besides the program it gets the task and the schedule, from which
    `programs.gemm_module` makes a module to compile to anything else.
    """

    def run(self, task: GemmTask, schedule: Schedule, program: Program) -> tuple[float, ...]:
        """Costs in seconds, one for each repetition; raises `MeasureError`."""
        ...


Results = Iterator[tuple[MeasureInput, MeasureResult]]


class Executor(Protocol):
    """Measures trials, several at a time, in any order."""

    @property
    def parallelism(self) -> int:
        """How many trials can be measured at the same time."""
        ...

    def measure(self, inputs: Iterable[MeasureInput]) -> Results:
        """Every input once with its result, as they become ready."""
        ...

    def close(self) -> None:
        """Free processes and connections."""
        ...


def measure_one(item: MeasureInput, builder: Builder, runner: Runner) -> MeasureResult:
    """Build and run one trial in this process; failures become results."""
    from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError

    start = time.perf_counter()

    def timed(step: Callable[[], MeasureResult], number: MeasureErrorNo) -> MeasureResult:
        try:
            return step()
        except MeasureError as error:
            number, message = error.number, str(error)
        except TuningError as error:
            message = str(error)
        except Exception as error:
            number = MeasureErrorNo.UNKNOWN_ERROR
            message = f"{type(error).__name__}: {error}"
        return MeasureResult.failure(number, message, time.perf_counter() - start)

    def build_and_run() -> MeasureResult:
        program = builder.build(item.task, item.schedule)

        def run() -> MeasureResult:
            costs = tuple(float(cost) for cost in runner.run(item.task, item.schedule, program))
            seconds = time.perf_counter() - start
            return MeasureResult(costs, MeasureErrorNo.NO_ERROR, seconds, time.time())

        return timed(run, MeasureErrorNo.RUNTIME_DEVICE)

    return timed(build_and_run, MeasureErrorNo.INSTANTIATION_ERROR)


@dataclass
class InlineExecutor:
    """Measures one trial after the other in this process, without a time limit."""

    builder: Builder
    runner: Runner
    parallelism: int = 1

    def measure(self, inputs: Iterable[MeasureInput]) -> Results:
        """Every input once with its result, in order."""
        for item in inputs:
            yield item, measure_one(item, self.builder, self.runner)

    def close(self) -> None:
        """Nothing to free."""
