"""The default schedule: the tile of least estimated time among those that fit.

The estimate follows how `gemmini-interleave` executes a tile: while the array multiplies one
tile, the DMA engine loads the next one and stores the one before. The longest of the three, and
of the core's own work, sets the pace; the first loads and the last stores come on top. Rates are
those of the accelerator's units (microarchitecture reference, sections 3, 6 and 7), sizes come
from the configuration.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gemmini_xdsl.dialects.attributes import Dataflow, Lowering, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_rules import (
    Problem,
    Tiling,
    ceil_div,
    schedule_problem,
)

TRANSFER_OVERHEAD = 2
"""Cycles that an MVIN or MVOUT costs beyond its data."""

STORE_ROW_EIGHTHS = 13
"""Eighths of a cycle that storing one scaled row takes: 5 rows pass the scale unit in 8 cycles."""

DRAM_SLOWDOWN_PERCENT = 213
"""What operands that do not fit the L2 cost: 7.5 instead of 16 bytes a cycle."""

PARTIAL_LINE_SLOWDOWN = 4
"""What stores cost that write a line of DRAM in parts: it is fetched, and written, again."""

HOST_CYCLES_PER_COMMAND = 3
HOST_CYCLES_PER_POINT = 24
"""The core's work for a command, and for deciding which transfers are due between products."""

LOAD_LATENCY = 100
"""Cycles until the first load of a tile may issue and the last one is complete, beyond its data."""

TILE_OVERHEAD = 24
"""Cycles lost between the last products of a tile and the first ones of the next."""

BANK_CONFLICT_PERCENT = 140
"""What products cost while loads write the banks that they read."""

MAX_PARTS = 8


def default_schedule(
    problem: Problem, config: GemminiConfig, lowering: Lowering = Lowering.ISA
) -> Schedule | None:
    """The best schedule of the heuristic's candidates, or None if none is legal.

    Deterministic: ties go to the first candidate.
    """
    dataflow = default_dataflow(problem, config)
    if dataflow is None:
        return None
    best: Schedule | None = None
    best_cost = 0
    for schedule in _candidates(problem, config, dataflow, lowering):
        cost = _Estimate(schedule, problem, config).cycles()
        if best is not None and cost >= best_cost:
            continue
        if schedule_problem(schedule, problem, config) is None:
            best, best_cost = schedule, cost
    return best


def default_dataflow(problem: Problem, config: GemminiConfig) -> Dataflow | None:
    """Weight-stationary unless both operands are transposed, which only os can do."""
    both = problem.transpose_a and problem.transpose_b
    wanted = [Dataflow.OS] if both else [Dataflow.WS]
    if not both and not problem.transpose_b:
        wanted.append(Dataflow.OS)
    return next((d for d in wanted if config.supports_dataflow(d.value)), None)


def _candidates(
    problem: Problem, config: GemminiConfig, dataflow: Dataflow, lowering: Lowering
) -> Iterator[Schedule]:
    m, n, k = problem.blocks(config)
    rows = config.accumulator_rows // config.dim
    double_buffer = ("a", "b", "c") if lowering == Lowering.ISA else ()
    depths = _depths(k, config)
    for tile_m in _sizes(m, rows):
        for tile_n in _sizes(n, rows // tile_m):
            for tile_k in depths:
                for order in ("mnk", "nmk"):
                    yield Schedule(
                        (tile_m, tile_n, tile_k),
                        order=order,
                        dataflow=dataflow,
                        double_buffer=double_buffer,
                        lowering=lowering,
                    )


def _sizes(total: int, limit: int) -> list[int]:
    """Tile sizes worth trying, largest first: equal parts of `total`, and powers of two."""
    sizes = {ceil_div(total, parts) for parts in range(1, min(total, MAX_PARTS) + 1)}
    sizes.update(1 << power for power in range(total.bit_length()))
    return sorted((size for size in sizes if size <= limit), reverse=True)


def _depths(total: int, config: GemminiConfig) -> list[int]:
    """Depths worth trying: those that one MVIN moves, doubled again and again, and all of K."""
    depths = {min(total, config.max_block_cols << power) for power in range(5)}
    depths.update((1, min(2, total), total))
    largest = config.scratchpad_rows // config.dim
    return sorted((depth for depth in depths if depth <= largest), reverse=True)


@dataclass(frozen=True)
class _Transfers:
    """MVINs or MVOUTs, and the cycles that they keep their unit busy."""

    commands: int
    cycles: int

    def __add__(self, other: _Transfers) -> _Transfers:
        return _Transfers(self.commands + other.commands, self.cycles + other.cycles)

    def times(self, factor: int) -> _Transfers:
        """The same, `factor` times."""
        return _Transfers(self.commands * factor, self.cycles * factor)


@dataclass(frozen=True)
class _Estimate:
    """The estimated time of one schedule; all results are in cycles."""

    schedule: Schedule
    problem: Problem
    config: GemminiConfig

    def cycles(self) -> int:
        """The whole product."""
        tiling = Tiling.of(self.schedule, self.problem, self.config)
        m, n, k = self.problem.blocks(self.config)
        tile_m, tile_n, tile_k = tiling.tile
        trip_m, trip_n, trip_k = tiling.trips
        # Whichever operand the inner of the m and n loops does not index stays if k is one tile.
        a_times = 1 if trip_k == 1 and self.schedule.order == "mnk" else trip_n
        b_times = 1 if trip_k == 1 and self.schedule.order == "nmk" else trip_m
        bias = self._bias_block()
        loads = (
            self._matrix(m, k, tile_m, tile_k, self.problem.transpose_a).times(a_times)
            + self._matrix(k, n, tile_k, tile_n, self.problem.transpose_b).times(b_times)
            + bias.times(m * n)
        )
        tile_loads = self._matrix(
            tile_m, tile_k, tile_m, tile_k, self.problem.transpose_a
        ) + self._matrix(tile_k, tile_n, tile_k, tile_n, self.problem.transpose_b)
        stores = _Transfers(m * n, m * n * self._store_block())
        if self._writes_partial_lines(tile_n):
            stores = _Transfers(stores.commands, stores.cycles * PARTIAL_LINE_SLOWDOWN)
        first = (tile_loads + bias.times(tile_m * tile_n)).cycles
        last = tile_m * tile_n * self._store_block()
        load_cycles = loads.cycles
        if self._exceeds_l2():
            load_cycles = load_cycles * DRAM_SLOWDOWN_PERCENT // 100
        tiles = trip_m * trip_n * trip_k
        # Tiles at the edges keep the pace of full ones.
        products = self._products(trip_m * tile_m, trip_n * tile_n, trip_k * tile_k, tile_m)
        if self.schedule.lowering == Lowering.LOOP_WS:
            return max(products, load_cycles, stores.cycles) + first + last
        if not self.schedule.double_buffer or tiles == 1:
            return products + load_cycles + stores.cycles
        if self._banks_conflict(tiling):
            products = products * BANK_CONFLICT_PERCENT // 100
        # The loads at the last point of a tile must be done before the products ahead of them.
        queued = self.config.execute_entries // 2 * self.config.dim
        burst = tile_loads.cycles // (tile_k * tile_n) + LOAD_LATENCY
        products += tiles * (max(0, burst - queued) + TILE_OVERHEAD)
        commands = 2 * m * n * k + loads.commands + stores.commands
        host = commands * HOST_CYCLES_PER_COMMAND + k * n * trip_m * HOST_CYCLES_PER_POINT
        # A tile's loads wait for the products of the tile before the last, which read its slots.
        load_cycles += tiles * LOAD_LATENCY
        return max(products, load_cycles, stores.cycles, host) + first + last

    def _products(self, m: int, n: int, k: int, tile_m: int) -> int:
        """Pairs of PRELOAD and COMPUTE; transposed weights take two passes when they change."""
        cycles = m * n * k * self.config.dim
        if self.problem.transpose_b and self.schedule.dataflow == Dataflow.WS:
            cycles += cycles // tile_m
        return cycles

    def _matrix(
        self, rows: int, cols: int, tile_rows: int, tile_cols: int, flip: bool
    ) -> _Transfers:
        """Loading `rows` x `cols` blocks in tiles, each row of blocks by MVINs as wide as it."""
        if flip:
            rows, cols, tile_rows, tile_cols = cols, rows, tile_cols, tile_rows
        widest = self.config.max_block_cols
        if self.schedule.mvin_cols:
            widest = self.schedule.mvin_cols // self.config.dim
        groups = ceil_div(cols, tile_cols) * ceil_div(min(cols, tile_cols), widest)
        cycles = cols * self._data(self.config.input_bytes) + groups * TRANSFER_OVERHEAD
        return _Transfers(rows * groups, rows * cycles)

    def _data(self, element_bytes: int) -> int:
        """Moving one block of elements of this size over the bus; a row takes a beat at least."""
        row = self.config.dim * element_bytes
        return self.config.dim * max(1, row * 8 // self.config.dma_bus_bits)

    def _bias_block(self) -> _Transfers:
        if not self.problem.has_bias:
            return _Transfers(0, 0)
        return _Transfers(1, self.config.dim + TRANSFER_OVERHEAD)

    def _store_block(self) -> int:
        if self.problem.wide_result:
            return self._data(self.config.acc_bytes) + TRANSFER_OVERHEAD
        return self.config.dim * STORE_ROW_EIGHTHS // 8

    def _writes_partial_lines(self, tile_n: int) -> bool:
        """Whether lines of a result that does not stay in the L2 are written in several goes."""
        result = self.config.acc_bytes if self.problem.wide_result else self.config.input_bytes
        whole = self.problem.n * result
        part = min(tile_n * self.config.dim * result, whole)
        in_dram = self.problem.m * whole > self.config.l2_bytes
        line = self.config.l2_line_bytes
        return in_dram and part < whole and (part % line != 0 or whole % line != 0)

    def _exceeds_l2(self) -> bool:
        m, n, k = self.problem.m, self.problem.n, self.problem.k
        return (m * k + k * n) * self.config.input_bytes > self.config.l2_bytes

    def _banks_conflict(self, tiling: Tiling) -> bool:
        """Whether the slots of A and B, or those of C, cannot have banks of their own."""
        tile_m, tile_n, tile_k = tiling.tile
        dim, config = self.config.dim, self.config
        banks = {"a": 1, "b": 1, "c": 1}
        for operand, blocks, bank_rows in (
            ("a", tile_m * tile_k, config.scratchpad_bank_rows),
            ("b", tile_k * tile_n, config.scratchpad_bank_rows),
            ("c", tile_m * tile_n, config.accumulator_bank_rows),
        ):
            slots = tiling.slots(self.schedule, operand)
            banks[operand] = slots * ceil_div(blocks * dim, bank_rows)
        return banks["a"] + banks["b"] > config.scratchpad_banks or banks["c"] > max(
            config.accumulator_banks, 1
        )
