"""Tuning many sizes: the database file, what counts as current, time, and interruption."""

import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from machines import NoBuilder, TableRunner

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.tvm_bridge.autotvm.measure import InlineExecutor, MeasureInput, Results
from gemmini_xdsl.tvm_bridge.autotvm.records import read_records
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import TILES, schedule_of
from gemmini_xdsl.tvm_bridge.autotvm.size_database import (
    SOURCES,
    Database,
    Tuned,
    stale_tasks,
    tune_tasks,
)
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload

CONFIG = load_config("default")
TASKS = [
    GemmTask(Workload(*sizes), CONFIG, "table") for sizes in ((64, 64, 64), (32, 32, 32), (1, 9, 7))
]


class Table(InlineExecutor):
    """Costs by tile; remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__(NoBuilder(), TableRunner())
        self.measured: list[tuple[str, int]] = []

    def measure(self, inputs: Iterable[MeasureInput]) -> Results:
        for item, result in super().measure(inputs):
            self.measured.append((item.task.workload.size, item.index))
            yield item, result


def correct(task: GemmTask, schedule: Schedule) -> None:
    """A verifier that believes everything."""


def tuned(
    folder: Path, executors: list[Table], trials: int = 8, seconds: float | None = None
) -> list[Tuned]:
    database = Database(folder / "gemm.log")
    log = folder / "trials.json"
    return list(tune_tasks(TASKS, database, log, executors, trials, seconds, correct))


def test_every_size_gets_a_record(tmp_path: Path) -> None:
    results = tuned(tmp_path, [Table(), Table()])
    assert all(result.outcome is not None for result in results)
    records = read_records(tmp_path / "gemm.log")
    assert [record.workload.size for record in records] == ["1x9x7", "32x32x32", "64x64x64"]
    assert {record.device for record in records} == {"table"}
    for record, task in zip(records, TASKS[::-1], strict=True):
        m, n, k = schedule_of(record.values).tile
        assert record.result.costs == (task.seconds(1000 * m + 100 * n + k),)
    trials = read_records(tmp_path / "trials.json")
    assert len({(trial.workload, trial.index) for trial in trials}) == len(trials) > 8


def test_an_interrupted_run_goes_on(tmp_path: Path) -> None:
    first, second = Table(), Table()
    results = tune_tasks(
        TASKS, Database(tmp_path / "gemm.log"), tmp_path / "t.json", [first], 8, None, correct
    )
    assert next(results).task == TASKS[2]
    results.close()  # type: ignore[attr-defined]
    kept = len(read_records(tmp_path / "t.json"))
    assert len(read_records(tmp_path / "gemm.log")) >= 1
    database = Database(tmp_path / "gemm.log")
    assert (
        len(list(tune_tasks(TASKS, database, tmp_path / "t.json", [second], 8, None, correct))) == 3
    )
    assert [record.workload.size for record in read_records(tmp_path / "gemm.log")] == [
        "1x9x7",
        "32x32x32",
        "64x64x64",
    ]
    trials = [trial for trial in second.measured if trial[1] >= 0]
    assert kept + len(trials) == len(read_records(tmp_path / "t.json"))
    assert not set(trials) & {trial for trial in first.measured if trial[1] >= 0}


def test_no_size_begins_when_the_time_is_up(tmp_path: Path) -> None:
    executor = Table()
    results = tuned(tmp_path, [executor], seconds=0)
    assert [result.problem for result in results] == ["no time left"] * 3
    assert executor.measured == []
    assert not (tmp_path / "gemm.log").exists()


def test_trials_of_other_sources_are_dropped(tmp_path: Path) -> None:
    tuned(tmp_path, [Table()])
    log = tmp_path / "trials.json"
    head, *lines = log.read_text().splitlines(keepends=True)
    assert head.startswith(SOURCES)
    log.write_text("".join([f"{SOURCES}0123456789abcdef\n", *lines]))
    executor = Table()
    tuned(tmp_path, [executor])
    assert len(executor.measured) >= len(lines)
    assert log.read_text().startswith(head)


def test_what_is_not_measured_again_alike_is_stale(tmp_path: Path) -> None:
    tuned(tmp_path, [Table()])
    path = tmp_path / "gemm.log"
    small, middle, large = path.read_text().splitlines()
    assert stale_tasks(Database(path), TASKS, Table()) == []
    data = json.loads(middle)
    data["result"][0] = [TASKS[1].seconds(17)]
    path.write_text("\n".join([small, json.dumps(data), ""]))
    m, n, k = schedule_of(read_records(path)[1].values).tile
    assert stale_tasks(Database(path), TASKS, Table()) == [
        (TASKS[0], "missing"),
        (TASKS[1], f"{1000 * m + 100 * n + k} cycles, not 17"),
    ]
    # A record of an older space, which had fewer knobs, is as good as any.
    data = json.loads(large)
    data["config"]["entity"] = [item for item in data["config"]["entity"] if item[0] in TILES]
    path.write_text(json.dumps(data) + "\n")
    assert stale_tasks(Database(path), TASKS[:1], Table()) == []


def test_the_command_line(tmp_path: Path) -> None:
    sizes = tmp_path / "sizes.csv"
    sizes.write_text("name,M,N,K\na,16,16,16\nb,16,16,32\nagain,16,16,16\n")
    database = tmp_path / "gemm.log"
    script = Path(__file__).parents[2] / "benchmarks" / "tuning.py"

    def run(*args: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, script, *args, "--database", database, "--jobs", "1"]
        return subprocess.run(list(map(str, command)), capture_output=True, text=True)

    log = ("--log", tmp_path / "trials.json", "--trials", 4)
    done = run("database", sizes, *log, "--seconds", 100)
    assert (done.returncode, done.stderr) == (0, "")
    assert "0 of 2 sizes have a current record" in done.stdout
    assert "[2/2] 16x16x32: " in done.stdout
    assert "2 of 2 sizes have a current record" in run("database", sizes, *log).stdout
    assert run("check-database").stdout == "2 records, 0 problems\n"
    refreshed = run("refresh", sizes, *log)
    assert "[2/2] 16x16x32: " in refreshed.stdout
    assert len(read_records(database)) == 2
