"""Builders and runners for tests: no simulator, costs and failures on demand.

They live in a module of their own because measuring processes import them by name.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.targets.command_stream import CommandStream
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureError, MeasureErrorNo
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask


@dataclass(frozen=True)
class NoBuilder:
    """Compiles nothing; 3-block tiles of M do not compile."""

    def build(self, task: GemmTask, schedule: Schedule) -> CommandStream:
        if schedule.tile[0] == 3:
            raise TuningError("tiles of three are refused")
        return CommandStream((), ())


@dataclass(frozen=True)
class TableRunner:
    """A cost that depends on the tile alone, and a misfortune for some sizes of K tiles."""

    seconds: float = 0.0
    crash: int = -1
    hang: int = -1
    wrong: int = -1

    def run(self, task: GemmTask, schedule: Schedule, program: CommandStream) -> tuple[float, ...]:
        time.sleep(self.seconds)
        k = schedule.tile[2]
        if k == self.crash:
            os._exit(7)
        if k == self.hang:
            time.sleep(3600)
        if k == self.wrong:
            raise MeasureError(MeasureErrorNo.WRONG_ANSWER, "1 of 4096 results are wrong")
        return (task.seconds(1000 * schedule.tile[0] + 100 * schedule.tile[1] + k),)
