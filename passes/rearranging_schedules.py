"""Schedules that have the accelerator compute another product, or rearrange an operand first."""

from __future__ import annotations

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.folding_schedules import folding_schedules
from gemmini_xdsl.passes.schedule_rules import Problem
from gemmini_xdsl.passes.transposing_schedules import transposing_schedules


def rearranging_schedules(problem: Problem, config: GemminiConfig) -> list[Schedule]:
    """Legal schedules that are worth a trial for `problem`: those with `REARRANGING_FIELDS`."""
    return [*folding_schedules(problem, config), *transposing_schedules(problem, config)]
