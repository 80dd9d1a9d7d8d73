"""Tuners: which points of a space to measure next."""

from __future__ import annotations

from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigSpace
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask
from gemmini_xdsl.tvm_bridge.autotvm.tuners.base import Tuner
from gemmini_xdsl.tvm_bridge.autotvm.tuners.genetic import GATuner
from gemmini_xdsl.tvm_bridge.autotvm.tuners.simple import GridSearchTuner, RandomTuner
from gemmini_xdsl.tvm_bridge.autotvm.tuners.xgb import XGBTuner

TUNERS: dict[str, type[Tuner]] = {
    "xgb": XGBTuner,
    "ga": GATuner,
    "random": RandomTuner,
    "gridsearch": GridSearchTuner,
}


def make_tuner(name: str, task: GemmTask, space: ConfigSpace, seed: int = 0) -> Tuner:
    """The tuner called `name`. Raises `TuningError` for an unknown one."""
    if name not in TUNERS:
        raise TuningError(f"unknown tuner '{name}'; tuners are {', '.join(TUNERS)}")
    return TUNERS[name](task, space, seed)


__all__ = [
    "TUNERS",
    "GATuner",
    "GridSearchTuner",
    "RandomTuner",
    "Tuner",
    "XGBTuner",
    "make_tuner",
]
