"""Timelines: Chrome trace files and pictures."""

from __future__ import annotations

import importlib.util
import io
import json
from pathlib import Path

import pytest
from streams import ACC, DRAM, MVIN, MVOUT, dims, model, pair, run

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.tools.trace import (
    Timeline,
    TimelineRecorder,
    TraceOutputError,
    write_chrome_trace,
    write_png,
)


@pytest.fixture(scope="module")
def timeline() -> Timeline:
    timing = model()
    timing.empty_l2()
    recorder = TimelineRecorder(timing, load_config("default"), lambda n: f"kernel.mlir:{n + 1}:3")
    stream = [(MVIN, DRAM, dims(0)), (MVIN, DRAM + 64, dims(8192)), *pair(0, 8192, ACC)]
    run(timing, [*stream, (MVOUT, DRAM + 4096, dims(ACC))])
    return recorder.finish()


def test_every_command_waits_and_then_runs(timeline: Timeline) -> None:
    units = [(s.track, s.name, s.command) for s in timeline.spans if s.track.startswith("unit")]
    assert sorted(units, key=lambda u: u[2]) == [
        ("unit: load", "MVIN", 0),
        ("unit: load", "MVIN", 1),
        ("unit: execute", "PRELOAD", 2),
        ("unit: execute", "COMPUTE_PRELOADED", 3),
        ("unit: store", "MVOUT", 4),
    ]
    assert len([s for s in timeline.spans if s.track.startswith("station")]) == 5
    assert all(0 <= s.start < s.end <= timeline.cycles for s in timeline.spans)


def test_banks_are_occupied_row_by_row(timeline: Timeline) -> None:
    rows: dict[tuple[str, str], int] = {}
    for span in timeline.spans:
        if "bank" in span.track:
            key = span.track, span.name
            rows[key] = rows.get(key, 0) + span.end - span.start
    # A and B are written by MVIN and read by the array, C is written by it and read by MVOUT.
    assert rows == {
        ("scratchpad bank 0", "write"): 16,
        ("scratchpad bank 0", "read"): 16,
        ("scratchpad bank 2", "write"): 16,
        ("scratchpad bank 2", "read"): 16,
        ("accumulator bank 0", "write"): 16,
        ("accumulator bank 0", "read"): 16,
    }


def test_dram_traffic_is_counted_in_lines(timeline: Timeline) -> None:
    # 16 rows of A and of B lie in 32 lines, the rows of C in 16 that are fetched first.
    assert sum(timeline.dram_reads.values()) == (32 + 16) * 64


def test_chrome_trace_is_valid(timeline: Timeline) -> None:
    output = io.StringIO()
    write_chrome_trace(timeline, output)
    trace = json.loads(output.getvalue())
    events = trace["traceEvents"]
    assert trace["otherData"] == {"unit": "cycles", "source": "model", "cycles": timeline.cycles}
    assert {e["ph"] for e in events} == {"M", "X", "C"}
    spans = [e for e in events if e["ph"] == "X"]
    assert len(spans) == len(timeline.spans)
    store = next(e for e in spans if e["cat"] == "unit: store")
    assert store["args"] == {"command": 4, "location": "kernel.mlir:5:3"}
    # Rows of one track must not overlap, or viewers nest them.
    busy: dict[int, int] = {}
    for event in spans:
        assert event["ts"] >= busy.get(event["tid"], 0)
        busy[event["tid"]] = event["ts"] + event["dur"]


def test_png(timeline: Timeline, tmp_path: Path) -> None:
    if importlib.util.find_spec("matplotlib") is None:
        with pytest.raises(TraceOutputError, match="report"):
            write_png(timeline, tmp_path / "run.png")
        return
    write_png(timeline, tmp_path / "run.png")
    assert (tmp_path / "run.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
