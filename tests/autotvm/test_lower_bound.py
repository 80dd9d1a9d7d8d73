"""The lower bound of a product, against what was measured on the RTL."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.passes.lower_bound import START_CYCLES, lower_bound, matrix_beats
from gemmini_xdsl.passes.schedule_rules import Problem
from gemmini_xdsl.tools.recordings import read_trace

DATA = Path(__file__).parents[1] / "data" / "rtl"
CONFIG = load_config("default")
MVIN = re.compile(r"mvin int8 64x\((\d+)x(\d+)\) stride=(\d+)")


def contiguous_mvins() -> list[tuple[int, int, float]]:
    """Rows, columns and cycles of MVINs whose rows follow each other without gaps."""
    found = []
    with (DATA / "figures.csv").open() as file:
        for row in csv.DictReader(file):
            match = MVIN.fullmatch(row["benchmark"])
            if match and match[2] == match[3]:
                found.append((int(match[1]), int(match[2]), float(row["warm_cycles_per_op"])))
    return found


def test_beats_against_mvins_on_the_rtl() -> None:
    mvins = contiguous_mvins()
    assert len(mvins) >= 2
    for rows, columns, cycles in mvins:
        beats = matrix_beats(rows, columns, CONFIG)
        assert beats <= cycles <= 1.15 * beats, (rows, columns)


@pytest.mark.parametrize(
    ("rows", "width", "beats"),
    [
        # 16-byte requests of one beat, 64-byte requests of four.
        (16, 16, 16),
        (16, 64, 64),
        # A row of fewer bytes than a beat costs a request of its own.
        (1216, 1, 1216),
        (1, 1216, 76),
        # Bytes 0-24 and 72-96 each lie in one request of 32 bytes (2 beats), 24-48 only in one of
        # 64 bytes (4 beats), 48-72 in two of 16 bytes.
        (4, 24, 10),
    ],
)
def test_beats(rows: int, width: int, beats: int) -> None:
    assert matrix_beats(rows, width, CONFIG) == beats


def test_the_slowest_unit_decides() -> None:
    square = lower_bound(Problem(128, 128, 128), CONFIG)
    assert square.array == 8**3 * 16
    assert square.cycles == square.array + START_CYCLES
    flat = lower_bound(Problem(512, 512, 16), CONFIG)
    assert flat.store == pytest.approx(1024 * 26.2)
    assert flat.cycles == flat.store + START_CYCLES
    narrow = lower_bound(Problem(512, 2, 512), CONFIG)
    # All of A in full requests, one request for each row of B.
    assert narrow.cycles == 512 * 32 + 512 + START_CYCLES


def test_a_column_is_loaded_as_a_row() -> None:
    """Its elements follow each other in memory, so that it takes full requests."""
    bound = lower_bound(Problem(64, 1, 1216), CONFIG)
    assert bound.array == 4 * 76 * 16
    assert bound.load == 64 * 76 + 76


def test_what_exceeds_the_l2_comes_from_dram() -> None:
    inside = lower_bound(Problem(512, 512, 512), CONFIG)
    assert inside.load == 2 * 512 * 512 / 16
    outside = lower_bound(Problem(1024, 1024, 1024), CONFIG)
    whole, excess = 2 * 1024 * 1024, 2 * 1024 * 1024 - 512 * 1024
    assert outside.load == pytest.approx((whole - excess) / 16 + excess / 7.5)


def test_biases_and_wide_results_count() -> None:
    plain = lower_bound(Problem(64, 64, 64), CONFIG)
    row = lower_bound(Problem(64, 64, 64, has_bias=True), CONFIG, "row")
    full = lower_bound(Problem(64, 64, 64, has_bias=True), CONFIG, "full")
    assert row.load == plain.load + 64 * 4 / 16
    assert full.load == plain.load + 64 * 64 * 4 / 16
    wide = lower_bound(Problem(64, 64, 64, wide_result=True), CONFIG)
    assert wide.store == 16 * 64


def test_no_recorded_kernel_beats_the_bound() -> None:
    names = re.compile(r"(\d+)x(\d+)x(\d+)_.*bias\d.*")
    checked = 0
    for family in ("fsm_gemm", "prefetch_gemm", "explicit_gemm"):
        for region in read_trace(DATA / f"{family}.trace.gz"):
            match = names.fullmatch(region.name)
            assert match, region.name
            m, n, k = (int(part) for part in match.groups())
            assert region.cycles is not None
            assert region.cycles > lower_bound(Problem(m, n, k), CONFIG).cycles
            checked += 1
    assert checked > 30
