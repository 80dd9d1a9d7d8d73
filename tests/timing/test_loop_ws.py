"""LOOP_WS calls of many shapes against the RTL's cycle counter (tests/data/rtl/figures.csv).

These figures are not recordings: nothing but the shape of the loop goes into the prediction.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from streams import Command, config_ex, config_ld, config_st

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.runtime_c.timing import TimingModel

FIGURES = Path(__file__).parents[1] / "data" / "rtl" / "figures.csv"
A, B, C, D = 0x8005_2000, 0x8001_2000, 0x8009_2000, 0x800B_2000
DIM, ACC_BYTES = 16, 4


def _figures() -> list[tuple[str, int, int]]:
    with FIGURES.open() as file:
        rows = [row for row in csv.DictReader(file) if row["section"].startswith("v loop_ws")]
    return [(row["benchmark"], int(row["warm1_cycles"]), int(row["warm2_cycles"])) for row in rows]


def _number(text: str, key: str, default: int = 0) -> int:
    found = re.search(rf"\b{key}=(\d+)", text)
    return int(found[1]) if found else default


def _run_twice(text: str) -> int:
    i, j, k = (_number(text, key) for key in "IJK")
    bias, full = _number(text, "bias"), _number(text, "fullC")
    parts = text.split("parts=")[1].split(" a_spad")[0] if "parts=" in text else "ld+st+ ex"
    loads, stores = "ld" in parts, "st" in parts
    c_bytes = ACC_BYTES if full else 1
    stride_a, stride_b = k * DIM, j * DIM
    call: list[Command] = [
        (9, 0, k << 32 | j << 16 | i),
        (10, A if loads else 0, B if loads else 0),
        (11, D if bias else 0, C if stores else 0),
        (12, stride_a, stride_b),
        (13, stride_b, stride_b),
        (
            8,
            bias | full << 1 | _number(text, "a_spad_id") << 18 | _number(text, "b_spad_id") << 16,
            0,
        ),
    ]
    with TimingModel(load_config("default")) as timing:
        timing.host_write(A, i * DIM * stride_a)
        timing.host_write(B, k * DIM * stride_b)
        timing.host_write(C, i * DIM * stride_b * c_bytes)
        timing.host_write(D, i * DIM * stride_b * ACC_BYTES)
        for setting in (
            config_ex(),
            config_ld(stride_a),
            config_ld(stride_b, 1),
            config_ld(stride_b * ACC_BYTES, 2),
            config_st(stride_b * c_bytes),
        ):
            timing.configure(*setting)
        cycles = 0
        for _ in range(2):
            timing.restart()
            for command in call * _number(text, "reps", 1):
                timing.command(1, *command)
            cycles = timing.fence()
        return cycles


@pytest.mark.parametrize(("text", "first", "second"), _figures())
def test_cycles_of_a_loop(text: str, first: int, second: int) -> None:
    cycles = _run_twice(text)
    # Where the L2 had evicted operands the RTL's two warm runs differ, too.
    low, high = sorted((first, second))
    assert low - max(12, 0.01 * low) <= cycles <= high + max(12, 0.01 * high)
