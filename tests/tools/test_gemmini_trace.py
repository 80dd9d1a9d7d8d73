"""`gemmini trace` on a compiled directory."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from gemmini_xdsl.tools.api import compile_input


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("product") / "out"
    compile_input("gemm:M=32,N=48,K=32", folder)
    return folder


def test_tracks_and_locations(gemmini: Any, product: Path, tmp_path: Path) -> None:
    result = gemmini("trace", product, "-o", tmp_path / "trace.json")
    assert result.status == 0
    cycles = int(re.search(r"gemm: ([0-9,]+) cycles \(model\)", result.out)[1].replace(",", ""))
    trace = json.loads((tmp_path / "trace.json").read_text())
    events = [event for event in trace["traceEvents"] if event["ph"] == "X"]
    assert max(event["ts"] + event["dur"] for event in events) <= cycles
    tracks = {event["cat"] for event in events}
    assert {"unit: load", "unit: execute", "unit: store", "scratchpad bank 0"} <= tracks
    lines = (product / "gemm.mlir").read_text().splitlines()
    located = [event for event in events if "location" in event["args"]]
    assert len(located) > 10
    for event in located:
        _, line, _ = event["args"]["location"].rsplit(":", 2)
        assert "rocc.command" in lines[int(line) - 1]


def test_the_same_trace_again(gemmini: Any, product: Path, tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        assert gemmini("trace", product, "-o", tmp_path / name).status == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


def test_a_picture(gemmini: Any, product: Path, tmp_path: Path) -> None:
    picture = tmp_path / "trace.png"
    assert gemmini("trace", product, "-o", tmp_path / "t.json", "--png", picture).status == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.json", "trace.png"]


def test_messages(gemmini: Any, product: Path, tmp_path: Path) -> None:
    missing = gemmini("trace", tmp_path)
    assert missing.status == 1
    assert (
        missing.err
        == f"gemmini: error: {tmp_path}: no manifest.json: not made by gemmini compile\n"
    )
    nowhere = gemmini("trace", product, "-o", tmp_path / "none/trace.json")
    assert nowhere.status == 1
    assert nowhere.err.startswith(f"gemmini: error: {tmp_path}/none/trace.json: cannot be written")
