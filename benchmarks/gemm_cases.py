"""The products that `benchmarks/gemm.py` runs, and the published and recorded figures for them."""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FIGURES = Path(__file__).parent / "gemm_figures.csv"
PAPER_MHZ = 100
"""Clock of the published FPGA; operations per second are given at it throughout."""

BIASES = ("none", "row", "full")
_SIZE = re.compile(r"(\d+)x(\d+)x(\d+)")
_LARGEST = 1 << 16


@dataclass(frozen=True)
class Case:
    """One product: int8 in and out with scale and ReLU."""

    m: int
    n: int
    k: int
    bias: str = "none"

    @property
    def size(self) -> str:
        """Such as 128x64x32: M, N and K."""
        return f"{self.m}x{self.n}x{self.k}"

    @property
    def name(self) -> str:
        """The size, and the bias if there is one."""
        return self.size if self.bias == "none" else f"{self.size} bias={self.bias}"

    @property
    def operations(self) -> int:
        """As the Gemmini publications count them."""
        return 2 * self.m * self.n * self.k + self.m * self.n

    def gops(self, cycles: float) -> float:
        """10^9 operations a second at `PAPER_MHZ`."""
        return self.operations / cycles * PAPER_MHZ / 1000


@dataclass(frozen=True)
class Figures:
    """Cycles from elsewhere, None where there are none.

    `target` is what the compiled code should need on the RTL. `rtl_fsm` was recorded on the RTL,
    warm: upstream's library on LOOP_WS with its search for a tile at run time. `paper_tuned` and
    `paper_fsm` are the published throughputs of the FPGA as cycles, without bias.
    """

    target: int | None = None
    rtl_fsm: int | None = None
    paper_tuned: int | None = None
    paper_fsm: int | None = None


@cache
def _rows() -> dict[tuple[int, int, int], dict[str, str]]:
    with FIGURES.open() as file:
        return {(int(row["m"]), int(row["n"]), int(row["k"])): row for row in csv.DictReader(file)}


def listed_sizes() -> list[tuple[int, int, int]]:
    """The sizes of the list."""
    return list(_rows())


def figures_of(case: Case) -> Figures:
    """What is known about a product."""
    row = _rows().get((case.m, case.n, case.k))
    if row is None:
        return Figures()

    def number(key: str) -> int | None:
        text = row.get(key, "")
        return int(text) if text else None

    def published(key: str) -> int | None:
        text = row[key]
        if not text or case.bias != "none":
            return None
        return round(case.operations * PAPER_MHZ / 1000 / float(text))

    suffix = "" if case.bias == "none" else f"_bias_{case.bias}"
    return Figures(
        number(f"target{suffix}"),
        number(f"rtl_fsm{suffix}"),
        published("paper_tuned_gops"),
        published("paper_fsm_gops"),
    )


def parse_size(text: str) -> tuple[int, int, int]:
    """M, N and K of a text such as 100x60x200. Raises `ValueError`."""
    match = _SIZE.fullmatch(text)
    sizes = tuple(int(part) for part in match.groups()) if match else ()
    if not match or not all(1 <= size <= _LARGEST for size in sizes):
        raise ValueError(
            f"'{text}' is not a size: MxNxK with numbers from 1 to {_LARGEST}, such as 100x60x200"
        )
    return sizes[0], sizes[1], sizes[2]


def random_sizes(count: int, seed: int, largest: int = 300) -> Iterator[tuple[int, int, int]]:
    """Random M, N and K from 1 to `largest`: a third anywhere, a third small, a third near blocks.

    The last are multiples of 16, or one more or less.
    """
    rng = random.Random(seed)

    def one() -> int:
        match rng.randrange(3):
            case 0:
                return rng.randint(1, largest)
            case 1:
                return rng.randint(1, 40)
        near = 16 * rng.randint(1, largest // 16) + rng.choice((-1, 0, 1))
        return min(near, largest)

    for _ in range(count):
        yield one(), one(), one()
