"""AutoTVM logs: format, resuming, damage, several writers, and the look-up of the best."""

import json
import multiprocessing
from dataclasses import replace
from pathlib import Path

import pytest

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import gemm_space
from gemmini_xdsl.tvm_bridge.autotvm.history import (
    ApplyHistoryBest,
    choose_schedule,
    nearest_schedules,
)
from gemmini_xdsl.tvm_bridge.autotvm.knobs import OtherOptionEntity, SplitEntity
from gemmini_xdsl.tvm_bridge.autotvm.measure import (
    MeasureErrorNo,
    MeasureInput,
    MeasureResult,
)
from gemmini_xdsl.tvm_bridge.autotvm.records import (
    RecordLog,
    decode,
    encode,
    parse_records,
    read_records,
)
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import schedule_of, values_of
from gemmini_xdsl.tvm_bridge.autotvm.task import BIASES, GemmTask, Workload

CONFIG = load_config("default")

# A line as AutoTVM 0.2 documents it.
FOREIGN = (
    '{"input": ["llvm", "matmul", [["TENSOR", [512, 512], "float32"]], {}], '
    '"config": {"index": 5, "code_hash": null, "entity": [["tile_x", "sp", [-1, 4, 16]], '
    '["exchange_axis", "ot", false]]}, "result": [[0.0037], 0, 7.06, 1653898629.7], '
    '"version": 0.2, "tvm_version": "0.19.0"}'
)


def trial(
    sizes: tuple[int, int, int] = (64, 64, 64),
    seconds: float | None = 1e-5,
    schedule: Schedule | None = None,
    **kinds: bool | str,
) -> tuple[MeasureInput, MeasureResult]:
    task = GemmTask(Workload(*sizes, **kinds), CONFIG)  # type: ignore[arg-type]
    problem = task.workload.problem
    values = values_of(schedule or Schedule((1, 1, 1)), problem, CONFIG)
    item = MeasureInput.of(task, gemm_space(problem, CONFIG).find(values))
    if seconds is None:
        return item, MeasureResult.failure(MeasureErrorNo.WRONG_ANSWER, "wrong", 0.5)
    return item, MeasureResult((seconds,), MeasureErrorNo.NO_ERROR, 0.25, 1700000000.5)


def test_a_documented_line_is_understood() -> None:
    record = decode(FOREIGN)
    assert record.task_name == "matmul"
    assert record.values == {
        "tile_x": SplitEntity((-1, 4, 16)),
        "exchange_axis": OtherOptionEntity(False),
    }
    assert record.index == 5
    assert record.result.mean == 0.0037
    assert record.result.all_cost == 7.06
    assert record.digest is None


def test_a_line_has_autotvm_s_form() -> None:
    data = json.loads(encode(*trial()))
    assert list(data) == ["input", "config", "result", "version", "tvm_version"]
    target, name, args, kwargs = data["input"]
    assert CONFIG.digest in target
    assert (name, kwargs) == ("gemmini.matmul", {})
    assert args[:2] == [["TENSOR", [64, 64], "int8"]] * 2
    assert list(data["config"]) == ["index", "code_hash", "entity"]
    assert data["config"]["code_hash"] is None
    assert data["result"] == [[1e-5], 0, 0.25, 1700000000.5]
    assert data["version"] == 0.2
    failed = json.loads(encode(*trial(seconds=None)))
    assert failed["result"][:2] == [[1e9], 5]


@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("wide", [False, True])
def test_lines_round_trip(bias: str, wide: bool) -> None:
    schedule = Schedule((3, 1, 2), "nmk", "kmn", double_buffer=("a",), mvin_cols=32)
    item, result = trial(
        (100, 60, 200), schedule=schedule, bias=bias, wide_result=wide, transpose_b=True
    )
    record = decode(encode(item, result))
    assert record.workload == item.task.workload
    assert record.values == item.values
    assert schedule_of(record.values).tile == (3, 1, 2)
    assert record.result == result
    assert record.index == item.index
    assert record.digest == CONFIG.digest


def test_comments_blank_lines_and_a_truncated_end_are_passed_over(tmp_path: Path) -> None:
    line = encode(*trial())
    text = f"# made by hand\n\n{FOREIGN}\n{line}\n{line[:60]}"
    assert len(list(parse_records(text, "log"))) == 2
    path = tmp_path / "log.json"
    path.write_text(text)
    with RecordLog(path) as log:
        log.append(*trial(seconds=2e-5))
    # The half line is gone, everything else is as it was.
    assert path.read_text().startswith(f"# made by hand\n\n{FOREIGN}\n{line}\n")
    assert [record.result.mean for record in read_records(path)] == [0.0037, 1e-5, 2e-5]


def test_a_complete_last_line_without_its_end_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(encode(*trial(seconds=3e-5)))
    with RecordLog(path) as log:
        log.append(*trial(seconds=4e-5))
    assert [record.result.mean for record in read_records(path)] == [3e-5, 4e-5]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "not a JSON object"),
        ("[1]", "not an AutoTVM record"),
        ('{"version": 0.2}', "'input' is missing"),
        (FOREIGN.replace('"version": 0.2', '"version": 0.1'), "log version 0.1; version 0.2"),
        (FOREIGN.replace('"sp"', '"xx"'), "no knob value has the tag 'xx'"),
        (FOREIGN.replace("[[0.0037], 0,", "[[], 0,"), "costs must be positive"),
        (FOREIGN.replace("[[0.0037], 0,", "[[0.1], 77,"), "77 is not a valid MeasureErrorNo"),
    ],
)
def test_bad_lines_are_named(line: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(f"{FOREIGN}\n{line}\n{FOREIGN}\n")
    with pytest.raises(TuningError) as error:
        read_records(path)
    assert str(error.value).startswith(f"{path}:2: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_unreadable_logs(tmp_path: Path) -> None:
    with pytest.raises(TuningError, match="cannot read the tuning log: No such file"):
        read_records(tmp_path / "missing.json")
    binary = tmp_path / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TuningError, match="not a text file"):
        read_records(binary)
    with pytest.raises(TuningError, match="cannot write the tuning log"):
        RecordLog(tmp_path / "no" / "folder.json")


def append_many(path: Path, seconds: float, count: int) -> None:
    with RecordLog(path) as log:
        for _ in range(count):
            log.append(*trial(seconds=seconds))


def test_processes_can_share_a_file(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    context = multiprocessing.get_context("spawn")
    writers = [
        context.Process(target=append_many, args=(path, seconds, 40)) for seconds in (1e-5, 2e-5)
    ]
    for writer in writers:
        writer.start()
    append_many(path, 3e-5, 40)
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    costs = sorted(record.result.mean for record in read_records(path))
    assert costs == [1e-5] * 40 + [2e-5] * 40 + [3e-5] * 40


def history(*trials: tuple[MeasureInput, MeasureResult]) -> ApplyHistoryBest:
    return ApplyHistoryBest((decode(encode(*item)) for item in trials), "log.json")


def test_the_best_record_is_applied() -> None:
    best = history(
        trial(seconds=3e-5, schedule=Schedule((1, 1, 2))),
        trial(seconds=1e-5, schedule=Schedule((2, 1, 1))),
        trial(seconds=2e-5, schedule=Schedule((1, 2, 1))),
        trial(seconds=None, schedule=Schedule((2, 2, 2))),
        trial((64, 64, 65), seconds=1e-6, schedule=Schedule((4, 4, 4))),
    )
    assert len(best) == 2
    choice = best.query(Workload(64, 64, 64), CONFIG)
    assert choice is not None
    assert choice.schedule.tile == (2, 1, 1)
    assert choice.note == ""


def test_times_of_different_devices_are_not_compared() -> None:
    item, _ = trial()
    lines: list[str] = []
    for seconds, device, tile in (
        (3e-5, "riscv", (1, 1, 2)),
        (1e-5, "simulator:8", (1, 1, 1)),
        (2e-5, "riscv", (2, 1, 1)),
        (4e-5, "riscv", (2, 2, 1)),
    ):
        task = replace(item.task, device=device)
        values = values_of(Schedule(tile), task.workload.problem, CONFIG)
        result = MeasureResult((seconds,), MeasureErrorNo.NO_ERROR, 0.25, 1700000000.5)
        lines.append(encode(MeasureInput(task, 0, values), result))
    records = [decode(line) for line in lines]
    assert [record.device for record in records] == ["riscv", "simulator:8", "riscv", "riscv"]
    choice = ApplyHistoryBest(records, "log.json").query(item.task.workload, CONFIG)
    assert choice is not None
    assert choice.schedule.tile == (2, 1, 1)
    choice = ApplyHistoryBest(records[:2], "log.json").query(item.task.workload, CONFIG)
    assert choice is not None
    assert choice.schedule.tile == (1, 1, 1)


def test_schedules_that_failed_verification_are_not_applied() -> None:
    best = history(
        trial(seconds=1e-5, schedule=Schedule((2, 1, 1))),
        trial(seconds=2e-5, schedule=Schedule((1, 2, 1))),
        trial(seconds=None, schedule=Schedule((2, 1, 1))),
    )
    choice = best.query(Workload(64, 64, 64), CONFIG)
    assert choice is not None
    assert choice.schedule.tile == (1, 2, 1)


def test_the_nearest_size_is_applied_with_a_note() -> None:
    best = history(
        trial((512, 512, 512), schedule=Schedule((4, 4, 4))),
        trial((64, 64, 64), schedule=Schedule((2, 2, 2))),
        trial((100, 64, 64), schedule=Schedule((1, 1, 1)), transpose_a=True),
    )
    choice = best.query(Workload(100, 64, 64), CONFIG)
    assert choice is not None
    assert choice.schedule.tile == (2, 2, 2)
    assert choice.note == (
        "log.json has no record for 100x64x64; taking the schedule of the nearest size, 64x64x64"
    )
    assert best.query(Workload(100, 64, 64), CONFIG, exact_only=True) is None
    assert best.query(Workload(64, 64, 64, transpose_b=True), CONFIG) is None
    wide = best.query(Workload(64, 64, 64, wide_result=True, bias="row"), CONFIG)
    assert wide is not None
    assert "64x64x64 (int32 result, row bias)" in wide.note


def test_schedules_of_the_nearest_sizes_are_found_nearest_first() -> None:
    found = [
        trial((64, 64, 64), 2e-5, Schedule((2, 2, 2))),
        trial((64, 64, 64), 1e-5, Schedule((4, 4, 4))),
        trial((64, 64, 80), schedule=Schedule((2, 2, 5))),
        *(trial((1024, 64, size), schedule=Schedule((1, 1, 1))) for size in (64, 96, 128)),
        trial((64, 64, 72), schedule=Schedule((1, 2, 1)), transpose_a=True),
    ]
    records = [decode(encode(*item)) for item in found]
    tiles = [s.tile for s in nearest_schedules(Workload(64, 64, 64), CONFIG, records)]
    assert tiles == [(2, 2, 5), (1, 1, 1), (1, 1, 1), (1, 1, 1)]
    tiles = [s.tile for s in nearest_schedules(Workload(64, 64, 72), CONFIG, records)]
    assert tiles[:2] == [(2, 2, 5), (4, 4, 4)]
    assert nearest_schedules(Workload(64, 64, 64), load_config("zcu102"), records) == []


def test_a_log_for_another_config(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    with RecordLog(path) as log:
        log.append(*trial())
    other = load_config("int8_8x8")
    with pytest.raises(TuningError) as error:
        choose_schedule(str(path), Workload(64, 64, 64), other)
    text = str(error.value)
    assert text.startswith(f"{path}: the log has no record for config 'int8_8x8'")
    assert f"-digest={CONFIG.digest}" in text
    with pytest.raises(TuningError, match="cannot read the tuning log"):
        choose_schedule(str(tmp_path / "none"), Workload(1, 1, 1), CONFIG)


def test_records_with_unknown_knobs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(encode(*trial()).replace("tile_m", "tile_q") + "\n")
    with pytest.raises(TuningError, match="unknown knob 'tile_q'"):
        choose_schedule(str(path), Workload(64, 64, 64), CONFIG)
