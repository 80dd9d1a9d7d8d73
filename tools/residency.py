"""What the L2 and the core's L1 hold when a recorded program starts.

Recordings do not state it; it follows from what they say about their runs.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.runtime_c.timing import EventKind, TimingEvent, TimingModel
from gemmini_xdsl.tools.recordings import Region

_L1_WAYS = 4
_LEFT = 0.25
"""Share of memory written long ago that is still in the L2 (recording `loop_ws`: sixteen rows of
lines that no command touched before took 100 cycles, where 128 are a miss and 64 a hit each)."""

Range = tuple[int, int]
"""Address and bytes."""


@dataclass
class Residency:
    """Lines in the L2, and lines of which the core's L1 still holds the only valid copy."""

    l2: list[Range] = field(default_factory=list)
    l1: list[Range] = field(default_factory=list)


def is_cold(region: Region) -> bool:
    """First run of its kernel."""
    return region.name.endswith("_cold")


def starts_program(region: Region) -> bool:
    """A whole kernel, which configures the accelerator itself, runs for the first time."""
    return is_cold(region) and not region.config


Replay = Callable[[TimingModel, Region], object]


def residency(
    regions: Sequence[Region], index: int, config: GemminiConfig, replay: Replay
) -> Residency:
    """What is where when the program of region `index` starts; `replay` replays one region.

    * Recordings without first runs start with everything in the L2, if it fits.
    * The inputs of a whole kernel were written by the core just before: they are in the L2, and
      the last ones in part still in the core's L1. Results and biases are not.
    * The memory of bare mechanisms (a first run with a stated configuration) was written long
      before, together with more than fits: a random half of it is left.
    """
    if not any(map(is_cold, regions)):
        lines = [use.line for use in _first_uses(regions, config, replay)]
        fits = len(lines) * config.l2_line_bytes <= config.l2_bytes
        return Residency(_ranges(lines, config) if fits else [])
    end = index + 1
    while end < len(regions) and not starts_program(regions[end]):
        end += 1
    uses = _first_uses(regions[index:end], config, replay)
    if not starts_program(regions[index]):
        return Residency(_ranges((u.line for u in uses if u.is_input and _is_left(u.line)), config))
    inputs = [use for use in uses if use.is_input]
    held = _held_in_l1(_written(inputs), config)
    return Residency(
        _ranges((u.line for u in inputs if u.line not in held), config),
        _ranges((u.line for u in inputs if u.line in held), config),
    )


def _is_left(line: int) -> bool:
    """A share `_LEFT` of all lines, spread evenly over any strided access."""
    golden_ratio = 0.6180339887498949
    return line * golden_ratio % 1.0 < _LEFT


@dataclass(frozen=True, slots=True)
class _Use:
    """First use of a line of memory (a line is counted in lines, not in bytes)."""

    line: int
    is_input: bool
    operand: int
    """Funct of the command: MVIN, MVIN2 and MVIN3 load different operands."""


_INTO_SCRATCHPAD = 2  # the funct that stands for it in a miss


def _first_uses(regions: Iterable[Region], config: GemminiConfig, replay: Replay) -> list[_Use]:
    """The lines that the regions use, in order, found by a dry run."""
    uses: dict[int, _Use] = {}

    def note(event: TimingEvent) -> None:
        if event.kind is EventKind.L2_MISS:
            line = event.rs1 // config.l2_line_bytes
            uses.setdefault(line, _Use(line, event.funct == _INTO_SCRATCHPAD, event.rs2))

    with TimingModel(config) as model:
        model.listen(note)
        for region in regions:
            replay(model, region)
    return list(uses.values())


def _written(inputs: Sequence[_Use]) -> Iterable[int]:
    """The lines that the core wrote, in order: one operand after the other, as they are used.

    An operand's array reaches to the start of the next one.
    """
    operands: dict[int, list[int]] = {}
    for use in inputs:
        operands.setdefault(use.operand, []).append(use.line)
    starts = sorted(min(lines) for lines in operands.values())
    for lines in operands.values():
        later = [start for start in starts if start > min(lines)]
        yield from range(min(lines), later[0] if later else max(lines) + 1)


def _held_in_l1(written: Iterable[int], config: GemminiConfig) -> set[int]:
    """What is left in the core's L1 of `written`; it replaces at random."""
    sets = config.core_l1_kib * 1024 // config.l2_line_bytes // _L1_WAYS
    ways: list[list[int]] = [[] for _ in range(sets)]
    choice = random.Random(0)
    for line in written:
        chosen = ways[line % sets]
        if len(chosen) < _L1_WAYS:
            chosen.append(line)
        else:
            chosen[choice.randrange(_L1_WAYS)] = line
    return {line for chosen in ways for line in chosen}


def _ranges(lines: Iterable[int], config: GemminiConfig) -> list[Range]:
    size = config.l2_line_bytes
    ranges: list[Range] = []
    for line in sorted(lines):
        address = line * size
        if ranges and sum(ranges[-1]) == address:
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + size)
        else:
            ranges.append((address, size))
    return ranges
