"""A lower bound of the cycles that any schedule of a product needs.

The array, the loads and the stores are three units that work at the same time; the slowest sets
the pace. Rates are those measured on the RTL (tests/data/rtl): 16 cycles for a pair of blocks
whatever their rows, a beat of the bus per cycle from the L2, `STORE_CYCLES` for a block of scaled
results, and `START_CYCLES` before the first product and after the last one.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.instruction_costs import InstructionCosts, dma_requests
from gemmini_xdsl.passes.schedule_rules import Problem

START_CYCLES = 175
"""First loads, drain of the array and last store: about so long together (150 to 200)."""

STORE_CYCLES = 26.2
"""Storing a 16x16 block of scaled elements, one of many."""

DRAM_BYTES_PER_CYCLE = 7.5
"""What operands that do not fit the L2 arrive with."""


@dataclass(frozen=True)
class LowerBound:
    """Least busy cycles of each unit; `cycles` is the bound."""

    array: float
    load: float
    store: float

    @property
    def cycles(self) -> float:
        """No schedule needs less, but for short blocks and what its start differs from
        `START_CYCLES`.
        """
        return max(self.array, self.load, self.store) + START_CYCLES


def lower_bound(
    problem: Problem, config: GemminiConfig, bias: str = "none", *, full_blocks: bool = True
) -> LowerBound:
    """The bound of a product whose operands begin on cache lines and lie row by row.

    `bias` is "none", "row" or "full". With `full_blocks` a block of few rows takes the array as
    long as any other; it takes less if it comes before another one that shares its weights.
    """
    m, n, k = problem.blocks(config)
    heights = [config.dim] * m
    if not full_blocks:
        heights[0] -= -problem.m % config.dim
    array = float(sum(InstructionCosts(config).pairs(heights)) * n * k)
    a_shape = (problem.k, problem.m) if problem.transpose_a else (problem.m, problem.k)
    # A single column is a row as well.
    b_is_row = problem.transpose_b or problem.n == 1
    b_shape = (problem.n, problem.k) if b_is_row else (problem.k, problem.n)
    byte_shapes = [(rows, cols * config.input_bytes) for rows, cols in (a_shape, b_shape)]
    if bias != "none":
        rows = problem.m if bias == "full" else 1
        byte_shapes.append((rows, problem.n * config.acc_bytes))
    beat = config.dma_bus_bits // 8
    load = float(sum(matrix_beats(*shape, config) for shape in byte_shapes))
    total = sum(rows * width for rows, width in byte_shapes)
    excess = max(0, total - config.l2_bytes)
    load += excess / DRAM_BYTES_PER_CYCLE - excess / beat
    return LowerBound(array, load, _store(problem, config))


def _store(problem: Problem, config: GemminiConfig) -> float:
    """Busy cycles of the store unit; full-width rows are limited by the bus."""
    m, n, _ = problem.blocks(config)
    block = STORE_CYCLES * config.dim / 16
    if problem.wide_result:
        block = max(block, config.dim * config.dim * config.acc_bytes * 8 / config.dma_bus_bits)
    return m * n * block


@lru_cache(maxsize=256)
def matrix_beats(rows: int, width: int, config: GemminiConfig) -> int:
    """Bus beats of loading `rows` rows of `width` bytes that follow each other without gaps.

    Rows are loaded in pieces of one width, up to what one request covers; the best width counts.
    """
    beat = config.dma_bus_bits // 8
    largest = config.dma_max_bytes
    # The pattern repeats when a row begins at the same place in a request again.
    period = largest // _gcd_power_of_two(width, largest)
    best = None
    for piece in range(beat, largest + 1, beat):
        counts = [
            sum(
                sum(dma_requests(row * width + start, min(piece, width - start), config)) // beat
                for start in range(0, width, piece)
            )
            for row in range(min(rows, period))
        ]
        whole, rest = divmod(rows, len(counts))
        total = whole * sum(counts) + sum(counts[:rest])
        best = total if best is None else min(best, total)
    assert best is not None
    return best


def _gcd_power_of_two(value: int, limit: int) -> int:
    """The largest power of two that divides `value`, at most `limit` (a power of two)."""
    return min(value & -value, limit)
