"""Reading traces and comparing with them."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.runtime_c.timing import TimingError
from gemmini_xdsl.tools.recordings import TraceError, read_trace
from gemmini_xdsl.tools.replay import as_json, event_differences, print_table, replay

RECORDING = """\
region 'one' commands=2 cycles=43 last_completion=42 host_gaps=2
config 0 3f80000000100101 100
c 0 0 2 80000000 10001000000000
a 4 2 80000000 10001000000000 0
i 5 2 80000000 10001000000000 0
c 2 2 2 80000010 1001000000010
s 40 0
a 6 2 80000010 1001000000010 0
i 7 2 80000010 1001000000010 1
s 42 1
d 43
f
c 50 50 2 80000000 10001000000000
d 91
"""
STREAM = """\
# gemmini commands
0x02 0x0000000080000000 0x0010001000000000 ; mvin
fence
14 80000000 10001080000000
"""


def _write(folder: Path, text: str, name: str = "file.trace") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_recording_keeps_the_cores_gaps(tmp_path: Path) -> None:
    (region,) = read_trace(_write(tmp_path, RECORDING))
    assert (region.name, region.cycles, region.last_completion) == ("one", 43, 42)
    assert region.config == [(0, 0x3F80000000100101, 0x100)]
    # After a fence the gap counts from the recorded idle time.
    assert [(c.gap, c.after_fence) for c in region.commands] == [(0, False), (2, False), (7, True)]
    assert [e.kind for e in region.events] == ["a", "i", "s", "a", "i", "s"]


def test_gzip_makes_no_difference(tmp_path: Path) -> None:
    packed = tmp_path / "file.trace.gz"
    packed.write_bytes(gzip.compress(RECORDING.encode()))
    assert read_trace(packed) == read_trace(_write(tmp_path, RECORDING))


def test_a_plain_stream_has_the_gaps_that_are_asked_for(tmp_path: Path) -> None:
    path = _write(tmp_path, STREAM, "gemm.commands")
    (region,) = read_trace(path, host_gap=7)
    assert [(c.gap, c.funct, c.after_fence) for c in region.commands] == [
        (0, 2, False),
        (7, 14, True),
    ]
    (result,) = replay([region], load_config("default"))
    assert result.relative_error is None
    assert result.predicted_cycles > 0


def test_json_has_the_documented_fields(tmp_path: Path) -> None:
    regions = read_trace(_write(tmp_path, RECORDING))
    (entry,) = json.loads(as_json(replay(regions, load_config("default"))))
    assert entry == {
        "region": "one",
        "commands": 3,
        "predicted_cycles": entry["predicted_cycles"],
        "recorded_cycles": 43,
        "relative_error": pytest.approx(entry["predicted_cycles"] / 43 - 1),
        "predicted_last_completion": entry["predicted_cycles"] - 1,
        "recorded_last_completion": 42,
        "host_gaps": 2,
    }


def test_events_are_compared_command_by_command(tmp_path: Path) -> None:
    regions = read_trace(_write(tmp_path, RECORDING))
    (result,) = replay(regions, load_config("default"), with_events=True)
    differences = event_differences(result)
    assert differences["a"] == [0, 0]
    assert differences["i"] == [0, 0]
    assert differences["s"][0] == 0


def test_table_shows_the_null_model(tmp_path: Path) -> None:
    regions = read_trace(_write(tmp_path, RECORDING))
    output = io.StringIO()
    results = list(replay(regions, load_config("default"), with_events=True))
    print_table(results, Console(file=output, width=200), with_events=True)
    row = next(line for line in output.getvalue().splitlines() if "one" in line)
    assert " 37 " in row  # host gaps of 2 and 35


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("2 80000000\n", 1),
        ("2 80000000 zz\n", 1),
        ("200 0 0\n", 1),
        ("2 1ffffffffffffffff 0\n", 1),
        ("c 0 0 2 0 0\nregion 'x' commands=1 cycles=1 last_completion=1 host_gaps=0\n", 1),
        ("region 'x' commands=1 cycles=1\n", 1),
        (RECORDING + "q 5\n", 15),
    ],
)
def test_malformed_lines_are_named(tmp_path: Path, text: str, line: int) -> None:
    path = _write(tmp_path, text)
    with pytest.raises(TraceError, match=rf"{path}:{line}: not a line of a trace"):
        read_trace(path)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8bnot gzip", b"\xff\xfe\x00"])
def test_unreadable_files_are_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "bad.trace"
    path.write_bytes(content)
    with pytest.raises(TraceError, match=str(path)):
        read_trace(path)


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="No such file"):
        read_trace(tmp_path / "none.trace")


def test_a_hang_names_the_command(tmp_path: Path) -> None:
    path = _write(tmp_path, "6 10001000000000 10001080000000\n")
    with pytest.raises(TimingError, match=r"command 0: .* PRELOAD"):
        list(replay(read_trace(path), load_config("default")))


@pytest.mark.parametrize(
    ("file", "region", "latency"),
    [
        ("dram.trace", "stream_lat30_first", 30),
        ("dram_lat50.trace", "64x64x64_cold", 50),
        ("flat10.trace", "late_warm", None),
    ],
)
def test_names_give_the_latency_of_dram(
    tmp_path: Path, file: str, region: str, latency: int | None
) -> None:
    (read,) = read_trace(_write(tmp_path, RECORDING.replace("'one'", f"'{region}'"), file))
    assert read.dram_latency == latency
