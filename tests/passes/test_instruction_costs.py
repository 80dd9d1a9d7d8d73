"""The costs that schedules are ordered by, against cycles recorded in RTL (`tests/data/rtl`)."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.passes.instruction_costs import InstructionCosts

FIGURES = Path(__file__).parents[1] / "data" / "rtl" / "figures.csv"
COSTS = InstructionCosts(load_config("default"))
PATTERN = re.compile(
    r"(?P<kind>mvin int8|mvin acc32|mvout acc->int8|mvout acc->int32)( relu\+scale| full)? "
    r"64x\((?P<rows>\d+)x(?P<cols>\d+)\) stride=(?P<stride>\d+)( base\+(?P<offset>\d+))?.*"
)
EXACT, CLOSE, CLOSE_CYCLES = 0.01, 0.25, 8.0
"""Whole aligned blocks are exact; for others a rank is enough: 25 %, or 8 cycles if short."""


@dataclass(frozen=True)
class Figure:
    """Cycles of one instruction in a row of 64."""

    name: str
    cycles: float
    kind: str
    rows: int
    cols: int
    stride: int
    offset: int

    @property
    def element_bytes(self) -> int:
        return 4 if self.kind.endswith("32") else 1

    def predicted(self) -> float:
        if self.kind.startswith("mvin"):
            row_bytes = self.cols * self.element_bytes
            return COSTS.load(self.rows, row_bytes, self.offset, self.stride)
        return COSTS.store(self.rows, self.cols, self.element_bytes, self.offset, self.stride)

    @property
    def whole(self) -> bool:
        """Blocks of 16 full rows that no line or beat splits, as most instructions move."""
        size = self.cols * self.element_bytes
        one_block = self.cols <= 16 or self.kind == "mvin int8"
        return (
            self.rows == 16
            and self.offset == 0
            and self.stride > 0
            and self.stride % max(size, 4) == 0
            and size in (4, 16, 32, 64)
            and one_block
        )


def figures() -> list[Figure]:
    found = []
    for row in csv.DictReader(FIGURES.read_text().splitlines()):
        match = PATTERN.fullmatch(row["benchmark"])
        if match is None:
            continue
        sizes = {key: int(match[key] or 0) for key in ("rows", "cols", "stride", "offset")}
        figure = Figure(row["benchmark"], float(row["warm_cycles_per_op"]), match["kind"], **sizes)
        # Only loads of a bias, which is one block wide, have a stride of 0 in compiled code.
        if figure.stride or figure.kind == "mvin acc32":
            found.append(figure)
    return found


@pytest.mark.parametrize("figure", figures(), ids=lambda figure: figure.name)
def test_costs_are_those_of_the_rtl(figure: Figure) -> None:
    allowed = EXACT * figure.cycles if figure.whole else max(CLOSE * figure.cycles, CLOSE_CYCLES)
    assert abs(figure.predicted() - figure.cycles) <= allowed


def test_all_kinds_of_instructions_are_compared() -> None:
    whole = [figure for figure in figures() if figure.whole]
    assert {figure.kind for figure in whole} == {figure.kind for figure in figures()}
    assert len(whole) >= 20
    assert len(figures()) >= 40


def test_pairs_follow_each_other_row_by_row() -> None:
    """64 pairs of PRELOAD and COMPUTE in a row; the recording holds the fence, too."""
    (recorded,) = (
        float(row["warm_cycles_per_op"])
        for row in csv.DictReader(FIGURES.read_text().splitlines())
        if row["benchmark"] == "WS 64x pairs precomputed operands"
    )
    assert recorded * 0.9 <= COSTS.pair <= recorded


@pytest.mark.parametrize("rows", [1, 7, 16])
@pytest.mark.parametrize("offset", [0, 4, 16, 60])
def test_more_bytes_never_cost_much_less(rows: int, offset: int) -> None:
    """Within what a misaligned move costs beyond its beats."""
    loads = [COSTS.load(rows, size, offset, 256) for size in range(1, 65)]
    assert all(b >= a - 12 for a, b in pairwise(loads))
    assert COSTS.load(16, 64, offset, 256) >= COSTS.load(rows, 64, offset, 256)
