"""`gemmini compile` on damaged input: one message, never a traceback, a hang or partial output."""

from __future__ import annotations

import os
import random
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Gemmini = Callable[..., Any]
TARGETS = Path(__file__).parents[1] / "targets"
SOURCES = ["c_structure.mlir", "commands.mlir"]
TOKENS = [
    "memref<4x6xi32>",
    "index",
    "-1",
    "99999999999999999999",
    "%c0",
    "func.func",
    "{",
    ")",
    "<",
    "affine_map<(i)->(i)>",
    "xf32",
    "?",
    '"',
    "arith.addi",
    "dense<1>",
    "gemmini.matmul",
    "1.0e999",
]
SHORTHAND = "gemm:M=10,N=6,K=20,bias=row,act=relu,scale=0.0123,out=i8,ta=0,tb=1,za=1"
SECONDS = 20


def damage(text: str, rng: random.Random) -> str:
    for _ in range(rng.randint(1, 3)):
        start = rng.randrange(len(text))
        match rng.randrange(4):
            case 0:
                text = text[:start] + text[start + rng.randint(1, 12) :]
            case 1:
                text = text[:start] + rng.choice(TOKENS) + text[start:]
            case 2:
                text = text[:start] + chr(rng.randint(32, 126)) + text[start + 1 :]
            case _:
                numbers = list(re.finditer(r"\d+", text)) or [re.match("", text)]
                number = rng.choice(numbers)
                assert number is not None
                value = rng.choice(["0", "1", "-3", "7", "65", "1000000"])
                text = text[: number.start()] + value + text[number.end() :]
    return text


def check(gemmini: Gemmini, folder: Path, source: object) -> None:
    before = sorted(os.listdir(folder))
    start = time.monotonic()
    result = gemmini("compile", source, "-o", folder / "out", "--emit", "c,mlir,commands")
    assert time.monotonic() - start < SECONDS
    assert result.status in (0, 1, 2), result.err
    assert "Traceback" not in result.err
    if result.status == 0:
        assert (folder / "out/manifest.json").exists()
    else:
        assert result.err.startswith(("gemmini: error: ", "warning: "))
        assert sorted(os.listdir(folder)) == before


@pytest.mark.parametrize("seed", range(4))
def test_damaged_mlir(gemmini: Gemmini, tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for index in range(25):
        folder = tmp_path / str(index)
        folder.mkdir()
        source = folder / "damaged.mlir"
        source.write_text(damage((TARGETS / rng.choice(SOURCES)).read_text(), rng))
        check(gemmini, folder, source)


def test_damaged_shorthands(gemmini: Gemmini, tmp_path: Path) -> None:
    rng = random.Random(1)
    for index in range(40):
        folder = tmp_path / str(index)
        folder.mkdir()
        check(gemmini, folder, f"gemm:{damage(SHORTHAND[5:], rng)}")
