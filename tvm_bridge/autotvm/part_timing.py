"""The time of a product in equal tiles, from that of a part of it."""

from __future__ import annotations

from dataclasses import replace

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware.encoding import Funct
from gemmini_xdsl.passes.schedule_rules import Tiling
from gemmini_xdsl.runtime_c.timing import TimingModel
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_trial import STREAMED, warm
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule, placements_of
from gemmini_xdsl.tvm_bridge.autotvm.simulate import core_gap, placement_bytes
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

OUTER_TILES, INNER_TILES, STRIPS = 3, 3, 8
"""Most tiles of the two loops over M and N that are measured, and of the only one."""


def extrapolated_cycles(task: GemmTask, schedule: Schedule, gap: int) -> float:
    """What a call takes: each tile but the first few as long as another.

    `gap` is what the core needs between commands that take no divisions. Raises `TuningError` if
    the schedule does not compile.
    """
    outer_dim, inner_dim = schedule.order[0], schedule.order[1]
    tiling = Tiling.of(schedule, task.workload.problem, task.config)
    trips = dict(zip("mnk", tiling.trips, strict=True))
    if trips[outer_dim] == 1:
        outer_dim, inner_dim = inner_dim, outer_dim
    outer = min(trips[outer_dim], STRIPS if trips[inner_dim] == 1 else OUTER_TILES)
    inner = min(trips[inner_dim], INNER_TILES)
    part = _part(task, tiling, {outer_dim: outer, inner_dim: inner}, trips)
    total, stored = _measure(task, part, schedule, core_gap(schedule, gap), outer * inner)
    more_inner, more_outer = trips[inner_dim] - inner, trips[outer_dim] - outer
    each = stored[-inner + 1] - stored[-inner] if more_inner else 0
    time = float(total + outer * more_inner * each)
    if more_outer:
        # The last tile of all is stored sooner after the one before it than others.
        last, settled = outer * inner - 2, outer // 2
        first = settled * inner + last % inner
        strips = (stored[last] - stored[first]) / ((last - first) // inner)
        time += more_outer * (strips + more_inner * each)
    return time


def _part(task: GemmTask, tiling: Tiling, tiles: dict[str, int], trips: dict[str, int]) -> GemmTask:
    """The product with so many tiles along M and N."""
    workload = task.workload
    sizes = {"m": workload.m, "n": workload.n}
    for dim, count in tiles.items():
        if count < trips[dim]:
            sizes[dim] = count * tiling.tile["mn".index(dim)] * task.config.dim
    return replace(task, workload=replace(workload, m=sizes["m"], n=sizes["n"]))


def _measure(
    task: GemmTask, part: GemmTask, schedule: Schedule, gap: int, tiles: int
) -> tuple[int, list[int]]:
    """Cycles of a part, and when the last store of each of its tiles was sent."""
    program = compile_schedule(part, schedule)
    sent: list[int] = []
    with TimingModel(part.config) as model:
        # A part of what does not stay in the L2 does not, either.
        whole = sum(map(placement_bytes, placements_of(task)))
        if whole <= STREAMED * part.config.l2_bytes:
            warm(model, program.placements)
        else:
            model.fill_l2()
        for item in program.items:
            if item is None:
                model.fence()
                continue
            cycle = model.command(gap, item.funct, item.rs1, item.rs2)
            if item.funct == Funct.MVOUT:
                sent.append(cycle)
        total = model.fence()
    return total, sent[len(sent) // tiles - 1 :: len(sent) // tiles]
