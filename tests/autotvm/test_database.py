"""The records that ship with the package."""

import json
from pathlib import Path

from gemmini_xdsl.dialects.attributes import ScheduleAttr
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.passes.schedule_rules import schedule_problem
from gemmini_xdsl.tools.gemmini import main
from gemmini_xdsl.tvm_bridge.autotvm.history import shipped_history
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import schedule_of
from gemmini_xdsl.tvm_bridge.autotvm.simulate import verify_schedule
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload

CONFIG = load_config("default")
SQUARES = [Workload(size, size, size) for size in (16, 32, 64)]


def test_shipped_schedules_fit_their_products() -> None:
    history = shipped_history()
    assert len(history) > 0
    for record in history.records():
        workload = record.workload
        assert record.digest == CONFIG.digest
        assert schedule_problem(schedule_of(record.values), workload.problem, CONFIG) is None
        blocks = workload.problem.blocks(CONFIG)
        # No product is faster than the array, whatever its reuse of weights.
        least = blocks[1] * blocks[2] * min(CONFIG.dim, workload.m)
        assert record.result.mean >= GemmTask(workload, CONFIG).seconds(least)


def test_small_shipped_schedules_are_right() -> None:
    for workload in SQUARES:
        choice = shipped_history().query(workload, CONFIG, exact_only=True)
        assert choice is not None
        verify_schedule(GemmTask(workload, CONFIG), choice.schedule)


def compiled_schedule(out: Path, *arguments: str) -> str:
    assert main(["compile", arguments[0], "-o", str(out), *arguments[1:]]) == 0
    (function,) = json.loads((out / "manifest.json").read_text())["functions"]
    schedule = function["schedule"]
    assert isinstance(schedule, str)
    return schedule


def test_compile_uses_them_by_default(tmp_path: Path) -> None:
    choice = shipped_history().query(SQUARES[2], CONFIG)
    assert choice is not None
    shipped = str(ScheduleAttr(choice.schedule))
    size = "gemm:M=64,N=64,K=64"
    assert compiled_schedule(tmp_path / "shipped", size) == shipped
    assert main(["run", str(tmp_path / "shipped"), "--check"]) == 0
    # What they were not measured with has the default schedule.
    for number, other in enumerate(("bias=row", "out=i32", "tb=1")):
        product = f"{size},{other}"
        default = compiled_schedule(tmp_path / f"d{number}", product, "--tuning-log", "none")
        assert compiled_schedule(tmp_path / f"s{number}", product) == default
