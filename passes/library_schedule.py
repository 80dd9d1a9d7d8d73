"""The schedule of upstream's C library: the rival that every other schedule is compared with.

`tiled_matmul_auto` of Gemmini's `gemmini.h` runs LOOP_WS over tiles that it chooses at run time:
squares as large as the half accumulator allows, as deep as the half scratchpad allows, then grown
block by block while they fit. Its loops run over M, N and K, outermost first.

What `lowering = loop_ws` does not do: where all tiles of an operand fit its two slots, the library
keeps them there and does not load them again.
"""

from __future__ import annotations

from math import isqrt

from gemmini_xdsl.dialects.attributes import Lowering, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_rules import Problem, schedule_problem

_GROWTH = (1, 0, 2)
"""The dimensions of a tile in the order in which they grow: N, M, K."""


def library_schedule(problem: Problem, config: GemminiConfig) -> Schedule | None:
    """The library's choice, or None if `config` cannot execute it."""
    tile = _library_tile(problem.blocks(config), config)
    schedule = Schedule(tile, order="mnk", lowering=Lowering.LOOP_WS)
    return schedule if schedule_problem(schedule, problem, config) is None else None


def _library_tile(blocks: tuple[int, int, int], config: GemminiConfig) -> tuple[int, int, int]:
    """The tile [m, n, k] for a product of so many blocks."""
    # One half is computed with while the other is filled.
    scratchpad = config.scratchpad_rows // 2 // config.dim
    accumulator = config.accumulator_rows // 2 // config.dim
    side = max(isqrt(accumulator), 1)
    depth = max(scratchpad // side // 2, 1)
    tile = [min(blocks[0], side), min(blocks[1], side), min(blocks[2], depth)]
    grows = True
    while grows:
        grows = False
        for axis in _GROWTH:
            m, n, k = (size + (index == axis) for index, size in enumerate(tile))
            fits = m * k + k * n <= scratchpad and m * n <= accumulator
            if fits and tile[axis] < blocks[axis]:
                tile[axis] += 1
                grows = True
    return tile[0], tile[1], tile[2]
