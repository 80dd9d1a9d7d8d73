"""The best `loop_ws` schedule of a product, by measurement: what the hardware's FSM can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from math import prod

from gemmini_xdsl.dialects.attributes import Lowering, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.library_schedule import library_schedule
from gemmini_xdsl.passes.lower_bound import STORE_CYCLES, lower_bound, matrix_beats
from gemmini_xdsl.passes.schedule_rules import Problem, Tiling, ceil_div, schedule_problem
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule
from gemmini_xdsl.tvm_bridge.autotvm.simulate import SimulatorRunner
from gemmini_xdsl.tvm_bridge.autotvm.task import HOST_GAP, GemmTask

QUICK_CANDIDATES, QUICK_PER_DEPTH, QUICK_STEPS = 24, 2, 2
"""How many schedules are measured when there is little time, how many of them of one depth, and
how often those beside the best one."""

QUICK_BLOCKS, QUICK_TILES = 1 << 12, 2
"""Pairs of a short measurement, and tiles of its outermost loop at least."""

QUICK_PIPELINES = (4, 8)
"""Tiles of the two products that are measured for a software pipeline."""

QUICK_HOST_GAP = 5
"""Cycles between commands whose operands change by constants."""

EXHAUSTIVE = 64
"""Up to so many schedules all are measured."""

CLIMBERS = 3
"""From so many of the fastest schedules the search goes on."""


def loop_ws_schedules(problem: Problem, config: GemminiConfig) -> list[Schedule]:
    """All legal `loop_ws` schedules with tiles worth trying, of least estimated time first.

    Along each dimension that is one tile for each number of tiles, all as equal as possible, and
    the library's choice. Both orders of the loops over tiles are there if they differ.
    """
    library = library_schedule(problem, config)
    if library is None:
        return []
    axes = [
        {ceil_div(total, parts) for parts in range(1, total + 1)} | {chosen}
        for total, chosen in zip(problem.blocks(config), library.tile, strict=True)
    ]
    found: dict[Schedule, float] = {}
    for tile in product(*axes):
        schedule = Schedule((tile[0], tile[1], tile[2]), lowering=Lowering.LOOP_WS)
        if schedule_problem(schedule, problem, config) is not None:
            continue
        trips = Tiling.of(schedule, problem, config).trips
        found[schedule] = _estimate(schedule, problem, config)
        if trips[0] > 1 and trips[1] > 1:
            swapped = Schedule(schedule.tile, order="nmk", lowering=Lowering.LOOP_WS)
            found[swapped] = found[schedule]
    return sorted(found, key=lambda schedule: (found[schedule], schedule.order))


def best_loop_ws(task: GemmTask, exhaustive: int = EXHAUSTIVE) -> tuple[Schedule, int] | None:
    """The `loop_ws` schedule of fewest cycles on the timing model, and these cycles.

    None if there is no legal one; see `fastest_loop_ws`.
    """
    found = fastest_loop_ws(task, 1, exhaustive)
    return found[0] if found else None


def fastest_loop_ws(
    task: GemmTask, count: int, exhaustive: int = EXHAUSTIVE
) -> list[tuple[Schedule, int]]:
    """The `count` fastest `loop_ws` schedules that were measured, with their cycles.

    Measures all of `loop_ws_schedules` if there are at most `exhaustive`. If there are more, the
    two of least estimated time for each depth of the tile and the library's choice, and then
    neighbours of the best ones, until they have none that was not measured.
    """
    candidates = loop_ws_schedules(task.workload.problem, task.config)
    search = _Search(task, candidates)
    if len(candidates) <= exhaustive:
        search.measure(candidates)
    else:
        for depth in {schedule.tile[2] for schedule in candidates}:
            search.measure([s for s in candidates if s.tile[2] == depth][:2])
        library = library_schedule(task.workload.problem, task.config)
        assert library is not None
        search.measure([library])
        while search.measure(
            [n for best in search.best(CLIMBERS) for n in search.neighbours(best)]
        ):
            pass
    return [(schedule, search.cycles[schedule]) for schedule in search.best(count)]


def quick_choice(task: GemmTask, rivals: Sequence[Schedule] = ()) -> Schedule | None:
    """One of `rivals`, or a `loop_ws` schedule that is close to the best, by short measurements.

    The FSM's loads and products meet in the banks in ways that no simple estimate foresees, so
    some schedules of each depth are measured, each on a part of the product: some tiles of the
    outermost loop, and the last one. Then those beside the best. None if nothing is legal.
    """
    candidates = loop_ws_schedules(task.workload.problem, task.config)
    by_depth: dict[int, list[Schedule]] = {}
    for schedule in candidates:
        by_depth.setdefault(schedule.tile[2], []).append(schedule)
    chosen = [schedule for same in by_depth.values() for schedule in same[:QUICK_PER_DEPTH]]
    search = _Search(task, candidates, parts=True)
    search.measure([*rivals, *chosen[:QUICK_CANDIDATES]])
    for _ in range(QUICK_STEPS):
        best = search.best(1)
        if not best or best[0] in rivals or not search.measure(search.neighbours(best[0])):
            break
    fastest = next(iter(search.best(1)), None)
    if fastest is None or not fastest.software_pipeline or not _exceeds_l2(task):
        return fastest
    # Parts fit the cache, so they say nothing about waiting for DRAM.
    state_machines = [s for s in search.best(len(search.cycles)) if not s.software_pipeline]
    whole = _Search(task, candidates)
    whole.measure([fastest, *state_machines[:1]])
    return whole.best(1)[0]


def _exceeds_l2(task: GemmTask) -> bool:
    m, n, k = task.workload.m, task.workload.n, task.workload.k
    return (m * k + k * n + m * n) * task.config.input_bytes > task.config.l2_bytes


def _part(task: GemmTask, schedule: Schedule) -> GemmTask:
    """The product with fewer tiles in its outermost loop, if it is large."""
    workload, config = task.workload, task.config
    problem = workload.problem
    blocks = prod(problem.blocks(config))
    tiling = Tiling.of(schedule, problem, config)
    axis = "mnk".index(schedule.order[0])
    size = (workload.m, workload.n)[axis]
    step = tiling.tile[axis] * config.dim
    tiles = max(QUICK_TILES, tiling.trips[axis] * QUICK_BLOCKS // blocks)
    if tiles >= tiling.trips[axis]:
        return task
    return _resized(task, axis, tiles * step + (size % step))


def _resized(task: GemmTask, axis: int, size: int) -> GemmTask:
    """The product with another M (axis 0) or N (axis 1), or one that is a little larger.

    Rows begin at the same places of a line of the L2: what is not aligned takes more requests.
    """
    workload = task.workload
    whole = (workload.m, workload.n)[axis]
    size += (whole - size) % task.config.l2_line_bytes
    changed = replace(workload, m=size) if axis == 0 else replace(workload, n=size)
    return replace(task, workload=changed)


class _Search:
    """What was measured, and what lies beside it."""

    def __init__(self, task: GemmTask, candidates: list[Schedule], *, parts: bool = False) -> None:
        self.cycles: dict[Schedule, int] = {}
        self._task = task
        self._parts = parts
        self._known = set(candidates)
        self._axes = [sorted({s.tile[axis] for s in candidates}) for axis in range(3)]
        gap = QUICK_HOST_GAP if parts else HOST_GAP
        self._runner = SimulatorRunner(host_gap=gap, verified_products=0)

    def measure(self, schedules: list[Schedule]) -> bool:
        """Measure those that were not measured yet; whether there were any."""
        new = [schedule for schedule in schedules if schedule not in self.cycles]
        whole = prod(self._task.workload.problem.blocks(self._task.config))
        for schedule in new:
            if schedule.software_pipeline and self._parts:
                self.cycles[schedule] = self._pipeline(schedule)
                continue
            task = _part(self._task, schedule) if self._parts else self._task
            cycles = self._cycles(task, schedule)
            blocks = prod(task.workload.problem.blocks(task.config))
            self.cycles[schedule] = cycles * whole // blocks
        return bool(new)

    def _pipeline(self, schedule: Schedule) -> int:
        """Cycles of a software pipeline: each tile but the first ones takes as long as another."""
        tiling = Tiling.of(schedule, self._task.workload.problem, self._task.config)
        axis = 0 if tiling.trips[0] > 1 else 1
        step = tiling.tile[axis] * self._task.config.dim
        short, long = (_resized(self._task, axis, step * tiles) for tiles in QUICK_PIPELINES)
        cycles = [self._cycles(task, schedule) for task in (short, long)]
        trips = [
            Tiling.of(schedule, task.workload.problem, task.config).trips[axis]
            for task in (short, long)
        ]
        each = (cycles[1] - cycles[0]) / (trips[1] - trips[0])
        return round(cycles[0] + each * (tiling.trips[axis] - trips[0]))

    def _cycles(self, task: GemmTask, schedule: Schedule) -> int:
        return self._runner.cycles(task, compile_schedule(task, schedule), schedule)

    def best(self, count: int) -> list[Schedule]:
        """The fastest ones."""
        return sorted(self.cycles, key=lambda schedule: self.cycles[schedule])[:count]

    def neighbours(self, schedule: Schedule) -> list[Schedule]:
        """One step along one dimension, and the other order."""
        moved = [replace(schedule, order="nmk" if schedule.order == "mnk" else "mnk")]
        for axis, sizes in enumerate(self._axes):
            position = sizes.index(schedule.tile[axis])
            for size in sizes[max(position - 1, 0) : position + 2]:
                tile = list(schedule.tile)
                tile[axis] = size
                moved.append(replace(schedule, tile=(tile[0], tile[1], tile[2])))
        return [neighbour for neighbour in moved if neighbour in self._known]


def _estimate(schedule: Schedule, problem: Problem, config: GemminiConfig) -> float:
    """Cycles if array, loads and stores overlap but for the first tile's loads and last stores."""
    tiling = Tiling.of(schedule, problem, config)
    m, n, k = tiling.tile
    trip_m, trip_n, trip_k = tiling.trips
    least = lower_bound(problem, config)
    load = trip_n * _beats(problem.m, problem.k, problem.transpose_a, config)
    load += trip_m * _beats(problem.k, problem.n, problem.transpose_b, config)
    block = config.dim * config.input_bytes * config.dim * 8 / config.dma_bus_bits
    first = min(m * k + k * n, config.max_block_cols * (m + n)) * block
    tiles = trip_m * trip_n * trip_k
    last = m * n * STORE_CYCLES
    return max(least.array, load, least.store) + first + last + tiles * config.dim


def _beats(rows: int, cols: int, transposed: bool, config: GemminiConfig) -> int:
    if transposed:
        rows, cols = cols, rows
    return matrix_beats(rows, cols * config.input_bytes, config)
