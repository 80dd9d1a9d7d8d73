"""The best `loop_ws` schedule of a product, by measurement: what the hardware's FSM can do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from itertools import product

from gemmini_xdsl.dialects.attributes import Lowering, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.library_schedule import library_schedule
from gemmini_xdsl.passes.lower_bound import STORE_CYCLES
from gemmini_xdsl.passes.schedule_rules import Problem, Tiling, ceil_div, schedule_problem
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule
from gemmini_xdsl.tvm_bridge.autotvm.simulate import SimulatorRunner
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

EXHAUSTIVE = 64
"""Up to so many schedules all are measured."""

LATE_STORES = 0.6
"""Share of the last tile's stores that begin when all else is done."""

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
        found[schedule] = _estimate(schedule.tile, problem, config)
        if trips[0] > 1 and trips[1] > 1:
            found[other_order(schedule)] = found[schedule]
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


class _Search:
    """What was measured, and what lies beside it."""

    def __init__(self, task: GemmTask, candidates: list[Schedule]) -> None:
        self.cycles: dict[Schedule, int] = {}
        self._task = task
        self._candidates = candidates
        self._runner = SimulatorRunner(verified_products=0)

    def measure(self, schedules: list[Schedule]) -> bool:
        """Measure those that were not measured yet; whether there were any."""
        new = [schedule for schedule in schedules if schedule not in self.cycles]
        for schedule in new:
            program = compile_schedule(self._task, schedule)
            self.cycles[schedule] = self._runner.cycles(self._task, program, schedule)
        return bool(new)

    def best(self, count: int) -> list[Schedule]:
        """The fastest ones."""
        return sorted(self.cycles, key=lambda schedule: self.cycles[schedule])[:count]

    def neighbours(self, schedule: Schedule) -> list[Schedule]:
        """The candidates beside one of them."""
        return neighbours(schedule, self._candidates)


def neighbours(schedule: Schedule, candidates: Iterable[Schedule]) -> list[Schedule]:
    """Candidates one step along one dimension from `schedule`, which is one, or of other order."""
    known = set(candidates)
    moved = [other_order(schedule)]
    for axis in range(3):
        sizes = sorted({candidate.tile[axis] for candidate in known})
        position = sizes.index(schedule.tile[axis])
        for size in sizes[max(position - 1, 0) : position + 2]:
            tile = list(schedule.tile)
            tile[axis] = size
            moved.append(replace(schedule, tile=(tile[0], tile[1], tile[2])))
    return [neighbour for neighbour in moved if neighbour in known]


def other_order(schedule: Schedule) -> Schedule:
    """The same tiles with the loops over M and N exchanged."""
    return replace(schedule, order="nmk" if schedule.order == "mnk" else "mnk")


def tile_work(m: int, n: int, k: int, config: GemminiConfig) -> float:
    """Cycles of the unit that a tile of so many blocks keeps busy longest, array or loads."""
    return float(max(m * n * k * config.dim, (m * k + k * n) * _load_cycles(config)))


def product_work(
    tile: tuple[int, int, int], problem: Problem, config: GemminiConfig
) -> tuple[float, int]:
    """`tile_work` of all tiles of a product together, and how many there are."""
    work, tiles = 0.0, 0
    axes = [_sizes(total, size) for total, size in zip(problem.blocks(config), tile, strict=True)]
    for (m, times_m), (n, times_n), (k, times_k) in product(*axes):
        times = times_m * times_n * times_k
        work += times * tile_work(m, n, k, config)
        tiles += times
    return work, tiles


def _load_cycles(config: GemminiConfig) -> int:
    """Cycles of loading a block."""
    return max(1, config.dim * config.input_bytes * 8 // config.dma_bus_bits) * config.dim


def _estimate(tile: tuple[int, int, int], problem: Problem, config: GemminiConfig) -> float:
    """Cycles if array and loads of each tile overlap with those of others, and nothing else."""
    work, tiles = product_work(tile, problem, config)
    m, n, k = tile
    first = min(m * k + k * n, config.max_block_cols * (m + n)) * _load_cycles(config)
    return work + tiles * config.dim + first + m * n * STORE_CYCLES * LATE_STORES


def _sizes(total: int, size: int) -> list[tuple[int, int]]:
    """Sizes of the tiles along one dimension, and how many there are of each."""
    full, rest = divmod(total, size)
    return [(blocks, count) for blocks, count in ((size, full), (rest, 1)) if blocks and count]
