"""`gemmini replay` on recordings and on plain command streams."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from gemmini_xdsl.tools.api import compile_input

RECORDING = Path(__file__).parents[1] / "data/rtl/loop_ws.trace.gz"
KEYS = [
    "region",
    "commands",
    "predicted_cycles",
    "recorded_cycles",
    "relative_error",
    "predicted_last_completion",
    "recorded_last_completion",
    "host_gaps",
]


def test_a_recording(gemmini: Any) -> None:
    report = json.loads(gemmini("replay", RECORDING, "--json").out)
    assert len(report) > 5
    for region in report:
        assert list(region) == KEYS
        error = (region["predicted_cycles"] - region["recorded_cycles"]) / region["recorded_cycles"]
        assert region["relative_error"] == error


def test_events(gemmini: Any) -> None:
    report = json.loads(gemmini("replay", RECORDING, "--json", "--events").out)
    assert all(list(region) == [*KEYS, "event_differences"] for region in report)
    table = gemmini("replay", RECORDING, "--events").out
    assert "issue" in table
    assert "completion" in table


def test_a_stream_without_times(gemmini: Any, tmp_path: Path) -> None:
    compile_input("gemm:M=32,N=32,K=32", tmp_path / "out", emit=("c", "mlir", "commands"))
    stream = tmp_path / "out/gemm.commands"
    fast, slow = (
        json.loads(gemmini("replay", stream, "--json", "--host-gap", gap).out)[0]
        for gap in ("1", "100")
    )
    assert fast["recorded_cycles"] is None
    assert fast["relative_error"] is None
    assert slow["predicted_cycles"] > 100 * (slow["commands"] - 1) > fast["predicted_cycles"]


def test_bad_files(gemmini: Any, tmp_path: Path) -> None:
    missing = gemmini("replay", tmp_path / "none.trace")
    assert missing.status == 1
    assert missing.err.startswith(f"gemmini: error: {tmp_path}/none.trace: cannot read the trace")
    (tmp_path / "bad.trace").write_text("0x02 0x80000000 nonsense\n")
    bad = gemmini("replay", tmp_path / "bad.trace")
    assert bad.status == 1
    assert bad.err == (
        f"gemmini: error: {tmp_path}/bad.trace:1: not a line of a trace: "
        "'0x02 0x80000000 nonsense'\n"
    )
    (tmp_path / "hang.trace").write_text("0x06 0x00100010ffffffff 0x0010001080000000\nfence\n")
    hang = gemmini("replay", tmp_path / "hang.trace")
    assert hang.status == 1
    assert "the timing model stopped at command 0" in hang.err
