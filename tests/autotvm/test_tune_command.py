"""`gemmini tune` as its users meet it."""

import json
import sys
from pathlib import Path

import pytest

from gemmini_xdsl.dialects.attributes import ConfigAttr, ScheduleAttr
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.passes.gemmini_assign_schedule import GemminiAssignSchedulePass
from gemmini_xdsl.tools.gemmini import main
from gemmini_xdsl.tools.inputs import make_context
from gemmini_xdsl.tools.shorthand import build_gemm, parse_shorthand
from gemmini_xdsl.tvm_bridge.autotvm.records import read_records
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import schedule_of

GEMM = "gemm:M=32,N=32,K=32"


def gemmini(capsys: pytest.CaptureFixture[str], *args: object) -> tuple[int, str, str]:
    status = main([str(arg) for arg in args])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tune") / "log.json"
    assert main(["tune", GEMM, "-o", str(path), "--trials", "20", "--jobs", "1"]) == 0
    return path


def test_all_trials_are_logged_and_a_run_goes_on(
    log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert len(read_records(log)) == 20
    status, out, err = gemmini(
        capsys, "tune", GEMM, "-o", log, "--trials", 24, "--resume", "--jobs", 1, "--json"
    )
    assert (status, err) == (0, "")
    (result,) = json.loads(out)["workloads"]
    assert (result["m"], result["n"], result["k"]) == (32, 32, 32)
    assert (result["trials"], result["resumed"], result["verified"]) == (24, 20, True)
    assert result["schedule"].startswith("#gemmini.schedule<tile = [")
    assert 0 < result["distinct_points"] <= result["valid_points"]
    records = read_records(log)
    assert len(records) == 24
    assert len({record.index for record in records}) == 24
    assert min(record.result.mean for record in records) == result["seconds"]
    # 2*M*N*K + M*N operations in that time.
    assert result["gops"] == pytest.approx((2 * 32**3 + 32**2) / result["seconds"] / 1e9)


@pytest.mark.parametrize("suffix", [".html", ".png"])
def test_reports(
    log: Path, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / f"report{suffix}"
    own = tmp_path / "log.json"
    tuners = "gridsearch,random"
    status, out, err = gemmini(
        capsys, "tune", GEMM, "-o", own, "--trials", 4, "--jobs", 1, "--tuner", tuners,
        "--report", report,
    )  # fmt: skip
    assert (status, err) == (0, "")
    assert "32x32x32: " in out
    content = report.read_bytes()
    if suffix == ".png":
        assert content.startswith(b"\x89PNG")
    else:
        assert b"<td>gridsearch</td>" in content
        assert b"<td>random</td>" in content
        assert b"data:image/png;base64," in content


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["--tuner", "best"], 2, "unknown tuner 'best'; tuners are xgb, ga, random, gridsearch"),
        (["--tracker", "localhost:1"], 2, "--tracker and --key belong together"),
        (["--tracker", "localhost", "--key", "k"], 1, "a tracker is given as host:port"),
        (["--tracker", "127.0.0.1:1", "--key", "k"], 1, "cannot reach the RPC tracker at"),
        (["--transfer", "missing.json"], 1, "missing.json: cannot read the tuning log"),
        (["--config", "huge"], 1, "unknown configuration 'huge'"),
        (["--report", "a.pdf"], 2, "--report a.pdf: the file must end in .html or .png"),
        (["--report", "no/a.png"], 1, "there is no directory no"),
        (["-o", "no/log.json"], 1, "no/log.json: cannot write the tuning log"),
        (["--resume", "--tuner", "ga,xgb"], 2, "--resume continues one run"),
        (["--trials", "0"], 2, "--trials"),
        (["--builder", "rust"], 2, "--builder must be one of fastest, commands, c; got 'rust'"),
        (["--runner", "fast"], 2, "--runner must be one of simulator, riscv, spike, rtl, zcu102"),
        (["--runner", "json:loads"], 2, "--runner json:loads: TypeError"),
        (["--runner", "riscv", "--builder", "c"], 2, "'riscv' takes RISC-V programs only"),
        (["--runner", "riscv", "--host-gap", "4"], 2, "the runner 'riscv' has its own core"),
        (["--runner", "zcu102", "--tty", "/dev/none"], 1, "--on zcu102"),
        (["--tty", "/dev/ttyUSB1"], 2, "--tty is for the runner zcu102"),
        (["--tracker", "a:1", "--key", "k", "--runner", "riscv"], 2, "with --tracker the servers"),
    ],
)
def test_mistakes_are_named_in_one_line(
    args: list[str],
    status: int,
    message: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    found, out, err = gemmini(capsys, "tune", GEMM, *args)
    assert (found, out) == (status, "")
    assert message in err
    assert err.count("\n") == 1
    assert not [path for path in tmp_path.iterdir() if path.stat().st_size]


def test_a_missing_compiler_is_named_before_the_first_trial(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CC", "no-such-cc")
    monkeypatch.setenv("GEMMINI_RISCV_CC", "no-such-cc")
    log = tmp_path / "log.json"
    for args in (["--builder", "c"], ["--runner", "riscv"]):
        status, out, err = gemmini(capsys, "tune", GEMM, "-o", log, *args)
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert "no-such-cc" in err
    assert not log.exists()


@pytest.mark.parametrize("args", [["--builder", "c"], ["--runner", "riscv"]])
def test_other_builders_and_runners(
    args: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if "riscv" in args:
        pytest.importorskip("unicorn")
    log = tmp_path / "log.json"
    run = ["tune", GEMM, "-o", log, "--trials", 2, "--jobs", 1, "--json", *args]
    status, out, err = gemmini(capsys, *run)
    assert (status, err) == (0, "")
    (result,) = json.loads(out)["workloads"]
    assert (result["trials"], result["errors"], result["verified"]) == (2, 0, True)
    device = "riscv" if "riscv" in args else "simulator"
    assert result["device"] == device
    assert {record.device for record in read_records(log)} == {device}
    # Another device's times are no trials of this one.
    status, out, err = gemmini(
        capsys, "tune", GEMM, "-o", log, "--trials", 2, "--jobs", 1, "--json", "--resume",
        "--host-gap", 20,
    )  # fmt: skip
    assert (status, err) == (0, "")
    (result,) = json.loads(out)["workloads"]
    assert (result["resumed"], result["device"]) == (0, "simulator:constant-20")


PLUG_IN = """
from dataclasses import dataclass

@dataclass
class Board:
    cycles: int

    def run(self, task, schedule, program):
        assert program.items[0].mnemonic == "config"
        return (task.seconds(self.cycles * schedule.tile[0]),)

def board():
    return Board(70)
"""


def test_a_runner_of_the_user_s_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "my_plug_in.py").write_text(PLUG_IN)
    status, out, err = gemmini(
        capsys, "tune", GEMM, "-o", "log.json", "--trials", 6, "--jobs", 1, "--json",
        "--tuner", "gridsearch", "--runner", "my_plug_in:board",
    )  # fmt: skip
    assert (status, err) == (0, "")
    (result,) = json.loads(out)["workloads"]
    assert (result["device"], result["cycles"], result["errors"]) == ("my_plug_in:board", 70, 0)


def test_a_log_that_cannot_be_resumed(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "log.json"
    lines = log.read_text().splitlines()
    for text, message in (
        (log.read_text().replace("tile_m", "tile_q"), f"{other}: unknown knob 'tile_q'; knobs are"),
        ("\n".join([lines[0], "garbage", *lines[1:], ""]), f"{other}:2: not a JSON object"),
    ):
        other.write_text(text)
        status, out, err = gemmini(capsys, "tune", GEMM, "-o", other, "--resume")
        assert (status, out, err.count("\n")) == (1, "", 1)
        assert message in err
        assert other.read_text() == text


def test_inputs_without_products(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.mlir"
    path.write_text("func.func @f() {\n  return\n}\n")
    status, _, err = gemmini(capsys, "tune", path)
    assert (status, err) == (1, f"gemmini: error: {path}: there is no matrix product to tune\n")


def test_servers_are_given_runners_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = gemmini(
        capsys, "tune-server", "--tracker", "127.0.0.1:1", "--key", "k", "--runner", "json:loads"
    )
    assert (status, err.count("\n")) == (2, 1)
    assert "--runner json:loads" in err
    status, _, err = gemmini(capsys, "tune-server", "--tracker", "127.0.0.1:1", "--key", "k")
    assert (status, err.count("\n")) == (1, 1)
    assert "cannot reach the RPC tracker" in err


def schedule_of_compiled(directory: Path) -> str:
    (function,) = json.loads((directory / "manifest.json").read_text())["functions"]
    return str(function["schedule"])


def test_compile_takes_the_best_record(
    log: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    status, _, err = gemmini(capsys, "compile", GEMM, "-o", out, "--tuning-log", log)
    assert (status, err) == (0, "")
    best = min(read_records(log), key=lambda record: record.result.mean)
    assert schedule_of_compiled(out) == str(ScheduleAttr(schedule_of(best.values)))
    assert main(["run", str(out), "--check"]) == 0
    # Nearest size, with a note; it has as many blocks, so that the schedule is legal there.
    near = tmp_path / "near"
    status, _, err = gemmini(
        capsys, "compile", "gemm:M=31,N=32,K=32,bias=row", "-o", near, "--tuning-log", log
    )
    assert status == 0
    assert err == (
        f"note: gemm: gemmini.matmul: {log} has no record for 31x32x32 (row bias); taking the "
        "schedule of the nearest size, 32x32x32\n"
    )
    assert schedule_of_compiled(near) == schedule_of_compiled(out)
    capsys.readouterr()
    assert main(["run", str(near), "--check"]) == 0


def test_the_pass_takes_a_log(log: Path, tmp_path: Path) -> None:
    module = build_gemm(parse_shorthand(GEMM))
    module.attributes["gemmini.config"] = ConfigAttr(load_config("default"))
    best = min(read_records(log), key=lambda record: record.result.mean)
    GemminiAssignSchedulePass(log=str(log)).apply(make_context(), module)
    (matmul,) = [op for op in module.walk() if isinstance(op, MatmulOp)]
    assert matmul.schedule == ScheduleAttr(schedule_of(best.values))
    # Options replace what the log says; a schedule that is there stays.
    GemminiAssignSchedulePass(log=str(log), order="nmk", override=True).apply(
        make_context(), module
    )
    assert matmul.schedule is not None
    assert matmul.schedule.data.order == "nmk"
    GemminiAssignSchedulePass(log=str(tmp_path / "unused")).apply(make_context(), module)
    assert matmul.schedule.data.order == "nmk"


@pytest.mark.parametrize(
    ("args", "status", "message"),
    [
        (["--tuning-log", "none.json"], 1, "none.json: cannot read the tuning log"),
        (["--tuning-log", "LOG", "--config", "int8_8x8"], 1, "no record for config 'int8_8x8'"),
        (["--tuning-log", "LOG", "--schedule", "tile = [1, 1, 1]"], 2, "both choose the schedule"),
        (["--tuning-log", "LOG", "--pass-pipeline", "cse"], 2, "no effect with --pass-pipeline"),
    ],
)
def test_logs_that_compile_cannot_use(
    args: list[str],
    status: int,
    message: str,
    log: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out"
    given = [str(log) if arg == "LOG" else arg for arg in args]
    found, _, err = gemmini(capsys, "compile", GEMM, "-o", out, *given)
    assert found == status
    assert message in err
    assert err.count("\n") == 1
    assert not out.exists()
