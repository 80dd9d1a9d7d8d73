"""`benchmarks/gemm.py`: its rivals, its judgement, and a run from end to end."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from gemm_cases import Case, figures_of, listed_sizes, parse_size
from gemm_library import library_stream, warm_cycles
from gemm_measure import DEFAULT, FSM, TUNED, Job, Measurement, measure, task_of
from gemm_report import Row

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.hardware.encoding import Funct
from gemmini_xdsl.tools.recordings import read_trace

ROOT = Path(__file__).parents[2]
RECORDING = ROOT / "tests" / "data" / "rtl" / "fsm_gemm.trace.gz"
CONFIG = load_config("default")


def run(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "benchmarks" / "gemm.py"), *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


def test_sizes() -> None:
    assert parse_size("100x60x200") == (100, 60, 200)
    for wrong in ("100x60", "0x1x1", "axbxc", "1x1x1x1", "-1x2x3", "99999x1x1"):
        with pytest.raises(ValueError, match="is not a size"):
            parse_size(wrong)


def test_published_throughput_becomes_cycles() -> None:
    case = Case(1024, 1024, 1024)
    figures = figures_of(case)
    # 48.61 GOPs at 100 MHz; the paper's published throughput is 2*M*N*K + M*N over the time.
    assert figures.paper_tuned is not None
    assert case.gops(figures.paper_tuned) == pytest.approx(48.61, abs=0.005)
    assert figures_of(Case(1024, 1024, 1024, "row")).paper_tuned is None
    assert figures_of(Case(1, 2, 3)).target is None
    assert len(listed_sizes()) == 18


def test_the_library_reuses_operands_as_recorded() -> None:
    """Slots and missing addresses of LOOP_WS in the recording of 128x128x128."""
    stream = library_stream(task_of(Case(128, 128, 128), CONFIG))
    assert stream is not None
    ours = [item for item in stream.items if item is not None]
    (region,) = (r for r in read_trace(RECORDING) if r.name == "128x128x128_bias0_warm")

    def slots(commands: list[tuple[int, int]]) -> list[int]:
        return [rs1 & 0xF0000 for funct, rs1 in commands if funct == Funct.LOOP_WS]

    recorded = [(c.funct, c.rs1) for c in region.commands]
    assert slots([(c.funct, c.rs1) for c in ours]) == slots(recorded)
    assert len(slots(recorded)) == 4
    addresses = Funct.LOOP_WS_CONFIG_ADDRS_AB
    loaded = [(c.rs1 != 0, c.rs2 != 0) for c in region.commands if c.funct == addresses]
    assert [(c.rs1 != 0, c.rs2 != 0) for c in ours if c.funct == addresses] == loaded


def test_the_rival_is_as_fast_as_on_the_rtl() -> None:
    """The model's library FSM against the RTL's, which also searches for a tile meanwhile."""
    task = task_of(Case(128, 128, 128), CONFIG)
    stream = library_stream(task)
    assert stream is not None
    assert warm_cycles(task, stream) == pytest.approx(9843, rel=0.03)
    found = measure(Job(Case(256, 256, 256), FSM))
    assert found is not None
    assert found.problem is None
    assert found.cycles == pytest.approx(69341, rel=0.03)


def test_products_without_a_record_have_no_tuned_schedule() -> None:
    assert measure(Job(Case(7, 11, 13), TUNED)) is None


def test_verdicts() -> None:
    case = Case(64, 64, 64)

    def verdicts(**cycles: int) -> dict[str, bool]:
        measured = {name: Measurement(value, code_bytes=800) for name, value in cycles.items()}
        return Row.of(case, CONFIG, measured).verdicts()

    assert verdicts(default=1450, fsm=1450, loop_ws=1450, tuned=1400) == {
        "correct": True,
        "target": True,
        "bound": True,
        "fsm": True,
        "loop_ws": True,
        "tuned": True,
        "code": True,
    }
    slow = verdicts(default=1710, fsm=1709, loop_ws=1709, tuned=1600)
    assert {name for name, kept in slow.items() if kept} == {"correct", "code"}
    wrong = Row.of(case, CONFIG, {DEFAULT: Measurement(1450, problem="the result is wrong")})
    assert wrong.verdicts() == {"correct": False}
    assert wrong.problems == ["64x64x64, default: the result is wrong"]


def test_a_run_from_end_to_end(tmp_path: Path) -> None:
    names = ("gemm.md", "gemm.svg", "gemm.csv", "gemm.json")
    page, chart, table, data = (tmp_path / name for name in names)
    result = run(
        *("16x16x16", "17x5x40", "--page", str(page), "--csv", str(table), "--json", str(data)),
        folder=tmp_path,
    )
    assert result.returncode == 0, result.stderr
    assert "16x16x16" in result.stdout
    rows = json.loads(data.read_text())
    assert [(row["m"], row["bias"]) for row in rows] == [
        (size, bias) for size in (16, 17) for bias in ("none", "row")
    ]
    for row in rows:
        assert 0 < row["model_default"] <= 1.05 * row["bound"] + 450
        assert row["code_bytes"] > 0
        assert "correct" not in row["missed"]
    assert rows[0]["rtl_fsm"] == 491
    assert rows[0]["target"] == 260
    with table.open() as file:
        assert len(list(csv.DictReader(file))) == 4
    assert "| 17x5x40 | row |" in page.read_text()
    assert "](gemm.svg)" in page.read_text()
    root = ElementTree.fromstring(chart.read_text())
    texts = {element.text for element in root.iter() if element.tag.endswith("text")}
    assert {"17x5x40", "17x5x40 bias=row", "default (model)", "library FSM (rtl)"} <= texts


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("16x16",), "'16x16' is not a size"),
        (("--check-only",), "--check-only checks random products"),
        (("--config", "zcu999"), "unknown configuration 'zcu999'"),
        (("--jobs", "0"), "--jobs must be at least 1"),
    ],
)
def test_wrong_requests(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    result = run(*arguments, folder=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


def test_check_only(tmp_path: Path) -> None:
    result = run("--random", "6", "--seed", "3", "--check-only", folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "6 of 6 random products are bit-exact\n"
