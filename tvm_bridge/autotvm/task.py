"""`GemmTask`: one matrix product on one configuration, as records name it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from xdsl.dialects.builtin import MemRefType

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_rules import Problem
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError

TASK_NAME = "gemmini.matmul"
BIASES = ("none", "row", "full")
HOST_GAP = 8
"""Cycles between two commands of LOOP_WS that the core is taken to need in trials, and of schedules
of any kind where costs are only estimated (4 to 14 in the RTL recordings)."""

UNROLLED_HOST_GAP = 3
"""The same for unrolled code, which makes an operand by one addition (emulated core)."""

QUICK_HOST_GAP = 5
"""The same where the compiler measures: LOOP_WS, whose operands change by constants."""

_TENSOR = "TENSOR"
_RESULTS = {False: "int8", True: "int32"}


def target_of(config: GemminiConfig, device: str = "") -> str:
    """The target in records for `config`, measured on `device`."""
    target = f"gemmini -config={config.name} -digest={config.digest}"
    return f"{target} -device={device}" if device else target


def digest_of(target: str) -> str | None:
    """The configuration digest in a record's target, if it is one of ours."""
    return _attribute(target, "digest")


def device_of(target: str) -> str:
    """What a record was measured on, by its target; nothing if that is not known."""
    return _attribute(target, "device") or ""


def _attribute(target: str, name: str) -> str | None:
    words = target.split()
    if not words or words[0] != "gemmini":
        return None
    prefix = f"-{name}="
    return next((word.removeprefix(prefix) for word in words if word.startswith(prefix)), None)


@dataclass(frozen=True)
class Workload:
    """What a product's execution time depends on; sizes are in elements.

    `bias` is "none", "row" (of N elements; a scalar is spread to one) or "full" (MxN).
    """

    m: int
    n: int
    k: int
    transpose_a: bool = False
    transpose_b: bool = False
    wide_result: bool = False
    bias: str = "none"

    @staticmethod
    def of(op: MatmulOp) -> Workload:
        """The workload of an operation."""
        problem = Problem.of(op)
        bias = "none"
        if op.bias is not None:
            matrix = isinstance(op.bias.type, MemRefType) and op.bias.type.get_num_dims() > 1
            bias = "full" if matrix else "row"
        return Workload(
            problem.m,
            problem.n,
            problem.k,
            problem.transpose_a,
            problem.transpose_b,
            problem.wide_result,
            bias,
        )

    @property
    def problem(self) -> Problem:
        """What scheduling knows of it."""
        return Problem(
            self.m,
            self.n,
            self.k,
            self.transpose_a,
            self.transpose_b,
            self.wide_result,
            self.bias != "none",
        )

    @property
    def swapped(self) -> Workload:
        """B^T A^T, of a workload of one column. A bias of one element is spread to a row."""
        problem = self.problem.swapped
        bias = "none" if self.bias == "none" else "row"
        return replace(
            self, m=1, n=self.m, transpose_a=False, transpose_b=problem.transpose_b, bias=bias
        )

    @property
    def operations(self) -> int:
        """Operations as the Gemmini publications count them: 2*M*N*K + M*N."""
        return 2 * self.m * self.n * self.k + self.m * self.n

    @property
    def size(self) -> str:
        """Such as 128x64x32: M, N and K."""
        return f"{self.m}x{self.n}x{self.k}"

    def args(self) -> list[Any]:
        """The task's arguments in a record: A, B, bias, result type, and the transposes."""
        m, n, k = self.m, self.n, self.k
        biases: dict[str, Any] = {
            "none": None,
            "row": [_TENSOR, [n], "int32"],
            "full": [_TENSOR, [m, n], "int32"],
        }
        return [
            [_TENSOR, [k, m] if self.transpose_a else [m, k], "int8"],
            [_TENSOR, [n, k] if self.transpose_b else [k, n], "int8"],
            biases[self.bias],
            _RESULTS[self.wide_result],
            self.transpose_a,
            self.transpose_b,
        ]

    @staticmethod
    def from_args(args: Any) -> Workload:
        """The workload that a record's arguments describe. Raises `TuningError`."""
        try:
            (_, (a_rows, a_cols), _), (_, (b_rows, b_cols), _), bias, result, ta, tb = args
            m, k = (a_cols, a_rows) if ta else (a_rows, a_cols)
            n = b_rows if tb else b_cols
            wide = {name: key for key, name in _RESULTS.items()}[result]
            for kind in BIASES:
                workload = Workload(m, n, k, ta, tb, wide, kind)
                if workload.args() == args:
                    if min(m, n, k) < 1:
                        raise ValueError("sizes must be positive")
                    return workload
            raise ValueError(f"bias {bias!r}")
        except (TypeError, ValueError, KeyError, AttributeError):
            raise TuningError(f"not the arguments of {TASK_NAME}: {args!r}") from None


@dataclass(frozen=True)
class GemmTask:
    """A workload on a configuration: what is tuned.

    `device` is what measures it; times of different devices are not compared.
    """

    workload: Workload
    config: GemminiConfig
    device: str = ""

    @cached_property
    def target(self) -> str:
        """The target in records."""
        return target_of(self.config, self.device)

    def as_executed(self, schedule: Schedule) -> tuple[GemmTask, Schedule]:
        """The task that `schedule` has the accelerator compute, and the schedule of that."""
        if not schedule.swap_operands:
            return self, schedule
        task = replace(self, workload=self.workload.swapped)
        return task, replace(schedule, swap_operands=False)

    def seconds(self, cycles: float) -> float:
        """The time that `cycles` take at the configuration's clock."""
        return cycles / (self.config.clock_mhz * 1e6)

    def cycles(self, seconds: float) -> float:
        """The inverse of `seconds`."""
        return seconds * self.config.clock_mhz * 1e6

    def gops(self, seconds: float) -> float:
        """Operations per nanosecond of a run that takes `seconds`."""
        return self.workload.operations / seconds / 1e9
