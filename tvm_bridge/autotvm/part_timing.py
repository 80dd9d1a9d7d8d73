"""The time of a product in equal tiles, from that of a part of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import lcm

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.index_arithmetic import is_power_of_two
from gemmini_xdsl.passes.schedule_rules import Tiling, ceil_div
from gemmini_xdsl.runtime_c.timing import TimingModel
from gemmini_xdsl.tvm_bridge.autotvm.cache_contents import call_before
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule, counts_core, placements_of
from gemmini_xdsl.tvm_bridge.autotvm.simulate import core_gap, send
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

TILES, STRIPS = 3, 8
"""Tiles of each of the two loops over M and N that are measured at least, and of the only one."""


def extrapolated_cycles(task: GemmTask, schedule: Schedule) -> float:
    """What a call of unrolled tiles, or of loops over single instructions, takes.

    Each tile that is left out takes as long as another. Raises `TuningError` if the schedule does
    not compile.
    """
    outer, inner = _loops(*task.as_executed(schedule))
    sizes = {outer.dim: outer.kept, inner.dim: inner.kept}
    # The only column of a product whose operands are swapped is a row for these loops.
    m, n = (sizes["n"], 1) if schedule.swap_operands else (sizes["m"], sizes["n"])
    part = replace(task, workload=replace(task.workload, m=m, n=n))
    total, stored = _measure(task, part, schedule, core_gap(schedule))
    rows, in_row = _stores(part.config, schedule, outer, inner)
    full = outer.kept // outer.step
    time, each = float(total), 0.0
    if inner.removed:
        start = (full - 1) * in_row
        each = stored[start + rows] - stored[start]
        time += ceil_div(outer.kept, outer.step) * inner.removed * each
    if outer.removed:
        # The only tile of the last row is stored sooner after the one before it than others.
        last = full - (1 if inner.kept > inner.step else 2)
        first = full // 2 if last > full // 2 else 0
        row = (stored[last * in_row] - stored[first * in_row]) / (last - first)
        time += outer.removed * (row + inner.removed * each)
    return time


@dataclass(frozen=True)
class _Loop:
    """A loop over tiles; sizes are in elements."""

    dim: str
    step: int
    kept: int
    removed: int
    """Tiles that are not measured."""


def _loops(task: GemmTask, schedule: Schedule) -> tuple[_Loop, _Loop]:
    """The loops over M and N, shortened; the outer one first if both have several tiles."""
    workload, config = task.workload, task.config
    tiling = Tiling.of(schedule, workload.problem, config)
    totals = {"m": workload.m, "n": workload.n}
    trips, tile = (dict(zip("mnk", values, strict=True)) for values in (tiling.trips, tiling.tile))
    outer, inner = schedule.order[0], schedule.order[1]
    if trips[outer] == 1:
        outer, inner = inner, outer

    def loop(dim: str, least: int) -> _Loop:
        total, step = totals[dim], tile[dim] * config.dim
        # Rows keep their place in cache lines.
        unit = step if dim == "m" else lcm(step, config.l2_line_bytes // config.input_bytes)
        times = max(0, total - least * step) // unit
        if counts_core(schedule):
            # The core finds its tile by shifts or by divisions, which take it far longer.
            shifts = is_power_of_two(trips[dim])
            while times and is_power_of_two(ceil_div(total - times * unit, step)) != shifts:
                times -= 1
        return _Loop(dim, step, total - times * unit, times * unit // step)

    even = totals[inner] % (tile[inner] * config.dim) == 0
    return (
        loop(outer, STRIPS if trips[inner] == 1 else TILES),
        loop(inner, TILES if even else trips[inner]),
    )


def _stores(
    config: GemminiConfig, schedule: Schedule, outer: _Loop, inner: _Loop
) -> tuple[int, int]:
    """MVOUTs of a whole tile, and of a whole row of tiles of the inner loop."""
    dim = config.dim
    group = max(1, schedule.mvout_cols // dim)
    height = dim * schedule.tile[0] if schedule.fold_rows else dim

    def moves(sizes: dict[str, int]) -> int:
        return ceil_div(sizes["m"], height) * ceil_div(ceil_div(sizes["n"], dim), group)

    whole, rest = divmod(inner.kept, inner.step)
    tile = moves({outer.dim: outer.step, inner.dim: inner.step})
    edge = moves({outer.dim: outer.step, inner.dim: rest}) if rest else 0
    return tile, whole * tile + edge


def _measure(
    task: GemmTask, part: GemmTask, schedule: Schedule, gap: int | None
) -> tuple[int, list[int]]:
    """Cycles of a part, and when each of its stores was sent."""
    program = compile_schedule(part, schedule)
    with TimingModel(part.config) as model:
        call_before(model, part.config, placements_of(task), program.placements)
        sent = send(model, program, gap)
        return program.copy_cycles + model.fence(), sent
