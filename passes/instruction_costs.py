"""How long the accelerator's units are busy with one instruction, and when its results are there.

Cycles of the default memory system, measured in RTL (microarchitecture reference, sections 3, 6,
7 and 13); sizes come from the configuration. Schedules are chosen and ordered by these figures;
they need not be exact.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gemmini_xdsl.hardware import GemminiConfig

LOAD_START = 19
"""From the issue of an MVIN to its first row in local memory."""

BROADCAST_GAP = 2.5
"""Between the rows of one MVIN that repeats a row and those of the next."""

LOAD_GAP = 0.6
"""Between the data of one MVIN and those of the next."""

SPLIT_LOAD_CYCLES, MISALIGNED_LOAD_CYCLES = 4.6, 12
"""What an MVIN costs beyond its beats if its rows need several requests, or parts of beats."""

REQUEST_CYCLES = 18.05 / 16
"""A memory request that returns one beat: 16 of them may be in flight."""

SHORT_LOAD_CYCLES = 10.4
"""The least that an MVIN takes in a row of others."""

SHORT_PAIR_CYCLES = 7
"""A PRELOAD that keeps the weights and its COMPUTE take at least so long."""

RESULT_DELAY = 6
"""Between the passage of a row through the array and its addition to the accumulator."""

OPERAND_LATENCY = 10
"""From the issue of a COMPUTE to its first row in the array."""

STORE_ROW_CYCLES = 26.2 / 16
"""Storing one scaled row: 5 rows pass the scale unit in 8 cycles."""

SPLIT_STORE_ROW_CYCLES = 2.44
"""Storing one scaled row that crosses a beat, in two writes (timing model)."""

SHORT_STORE_CYCLES = 5.4
"""The least that an MVOUT takes in a row of others."""

WIDE_STORE_ROW_CYCLES = 7.0
"""Storing one row of several scaled blocks."""


@dataclass(frozen=True)
class InstructionCosts:
    """Costs on one configuration, in cycles."""

    config: GemminiConfig

    @property
    def pair(self) -> int:
        """A PRELOAD with new weights and its COMPUTE: one row a cycle."""
        return self.config.dim

    def pairs(self, rows: Sequence[int]) -> list[int]:
        """Pairs of so many rows of A that share weights: during the last one, the next enter."""
        short = [max(count, min(SHORT_PAIR_CYCLES, self.pair)) for count in rows[:-1]]
        return [*short, self.pair]

    @property
    def result_latency(self) -> int:
        """From the last row of A in the array until the results are in the accumulator."""
        return 2 * self.config.dim + RESULT_DELAY

    def load(self, rows: int, row_bytes: int, offset: int, stride: int) -> float:
        """An MVIN of `rows` rows of `row_bytes`, the first `offset` bytes from an aligned address.

        A row that crosses beats, or lines, needs more of them. A stride of 0 reads one row and
        writes it `rows` times.
        """
        if stride == 0:
            return max(SHORT_LOAD_CYCLES, rows + BROADCAST_GAP)
        beat = self.config.dma_bus_bits // 8
        beats = requests = 0
        for row in range(rows):
            start = offset + row * stride
            for size in dma_requests(start, row_bytes, self.config):
                requests += 1
                beats += size // beat
        gap = LOAD_GAP
        if beats > rows * -(-row_bytes // beat):
            aligned = offset % beat == 0 and stride % beat == 0
            gap = SPLIT_LOAD_CYCLES if aligned else MISALIGNED_LOAD_CYCLES
        return max(SHORT_LOAD_CYCLES, beats + gap, requests * REQUEST_CYCLES)

    def store(self, rows: int, cols: int, element_bytes: int, offset: int, stride: int) -> float:
        """An MVOUT of `rows` rows; results wider than the input type are moved unscaled."""
        blocks = -(-cols // self.config.dim)
        if element_bytes > self.config.input_bytes:
            beats = -(-min(cols, self.config.dim) * element_bytes * 8 // self.config.dma_bus_bits)
            return max(SHORT_STORE_CYCLES, rows * beats + LOAD_GAP)
        if blocks > 1:
            return rows * WIDE_STORE_ROW_CYCLES * blocks / self.config.max_block_cols
        beat = self.config.dma_bus_bits // 8
        starts = [(offset + row * stride) % beat for row in range(rows)]
        split = sum(start + cols * element_bytes > beat for start in starts)
        cycles = (rows - split) * STORE_ROW_CYCLES + split * SPLIT_STORE_ROW_CYCLES
        return max(SHORT_STORE_CYCLES, cycles)


def dma_requests(start: int, size: int, config: GemminiConfig) -> list[int]:
    """Bytes of the aligned power-of-two requests that fetch `size` bytes at `start`.

    Each is the smallest that returns the most bytes still needed (microarchitecture, section 3).
    """
    beat = config.dma_bus_bits // 8
    found: list[int] = []
    end = start + size
    while start < end:
        best, useful = beat, 0
        request = beat
        while request <= config.dma_max_bytes:
            gained = min(end, start // request * request + request) - start
            if gained > useful:
                best, useful = request, gained
            request *= 2
        found.append(best)
        start += useful
    return found
