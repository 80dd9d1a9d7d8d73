"""Local measuring: results, failures, time limits; the tuning loop; the simulators."""

import pickle
import random
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from machines import NoBuilder, TableRunner

from gemmini_xdsl.dialects.attributes import Dataflow, Lowering, Placement, Schedule
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.targets.command_stream import CommandStream, command_stream
from gemmini_xdsl.targets.core_copies import COPY_CYCLES
from gemmini_xdsl.tools.inputs import make_context
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import gemm_space, schedules_beside_space
from gemmini_xdsl.tvm_bridge.autotvm.local import LocalExecutor
from gemmini_xdsl.tvm_bridge.autotvm.measure import (
    ERROR_COST,
    InlineExecutor,
    MeasureError,
    MeasureErrorNo,
    MeasureInput,
    MeasureResult,
    Results,
    measure_one,
)
from gemmini_xdsl.tvm_bridge.autotvm.native import NativeBuilder
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule, gemm_module, lowering_passes
from gemmini_xdsl.tvm_bridge.autotvm.records import RecordLog, read_records
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import TILES, schedule_of, values_of
from gemmini_xdsl.tvm_bridge.autotvm.session import Progress, tune
from gemmini_xdsl.tvm_bridge.autotvm.simulate import (
    CommandStreamBuilder,
    SimulatorRunner,
    call_cycles,
    verify,
)
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigSpace
from gemmini_xdsl.tvm_bridge.autotvm.task import BIASES, GemmTask, Workload
from gemmini_xdsl.tvm_bridge.autotvm.tuners import make_tuner

CONFIG = load_config("default")
LARGE = [
    ((128, 128, 64), Schedule((8, 4, 4), "nmk", placement=Placement.INTERLEAVED, unroll=True)),
    ((128, 64, 80), Schedule((2, 4, 5), double_buffer=("a", "c"), mvout_cols=16, unroll=True)),
    ((100, 64, 128), Schedule((7, 3, 8), "nmk", "mnk", Dataflow.OS, ("b",), unroll=True)),
]
"""Unrolled products of several hundred instructions."""

TASK = GemmTask(Workload(64, 64, 64), CONFIG)


def tiles_only() -> ConfigSpace:
    """27 points: tiles of 1, 2 and 4 blocks in each dimension."""
    space = gemm_space(TASK.workload.problem, CONFIG)
    others = [knob for name, knob in space.knobs.items() if name not in TILES]
    return space.restrict(**{knob.name: [knob.entities[0].to_json()] for knob in others})


def trial(tile: tuple[int, int, int], task: GemmTask = TASK) -> MeasureInput:
    problem = task.workload.problem
    return MeasureInput(task, 0, values_of(Schedule(tile), problem, CONFIG))


# -- executors ------------------------------------------------------------------------------------


def test_failures_are_results_and_the_others_go_on() -> None:
    tiles = [(1, 1, 1), (1, 1, 4), (2, 1, 1), (1, 1, 2), (4, 2, 1), (3, 1, 1), (4, 4, 1)]
    task = GemmTask(Workload(96, 64, 64), CONFIG)
    executor = LocalExecutor(NoBuilder(), TableRunner(crash=4, hang=2), jobs=2, timeout=1.5)
    try:
        found = {
            item.schedule.tile: result
            for item, result in executor.measure([trial(tile, task) for tile in tiles])
        }
        # The processes that replaced the dead ones work.
        again = list(executor.measure([trial((1, 1, 1), task), trial((2, 1, 1), task)]))
    finally:
        executor.close()
    assert set(found) == set(tiles)
    assert found[4, 2, 1].costs == (task.seconds(4201),)
    assert {tile for tile, result in found.items() if result.ok} == {
        (1, 1, 1),
        (2, 1, 1),
        (4, 2, 1),
        (4, 4, 1),
    }
    assert found[1, 1, 4].error_no == MeasureErrorNo.RUNTIME_DEVICE
    assert "exit status 7" in found[1, 1, 4].message
    assert found[1, 1, 2].error_no == MeasureErrorNo.RUN_TIMEOUT
    assert "1.5 s" in found[1, 1, 2].message
    assert found[3, 1, 1].error_no == MeasureErrorNo.INSTANTIATION_ERROR
    assert found[3, 1, 1].mean == ERROR_COST
    assert all(result.ok for _, result in again)


def test_unexpected_exceptions_are_results() -> None:
    class Broken:
        def run(self, task: GemmTask, schedule: Schedule, program: CommandStream) -> tuple[float]:
            raise ZeroDivisionError("oh")

    result = measure_one(trial((1, 1, 1)), NoBuilder(), Broken())
    assert result.error_no == MeasureErrorNo.UNKNOWN_ERROR
    assert result.message == "ZeroDivisionError: oh"


# -- the loop -------------------------------------------------------------------------------------


def correct(task: GemmTask, schedule: Schedule) -> None:
    """A verifier that believes everything."""


class Counting(InlineExecutor):
    """Remembers what was measured."""

    def __init__(self, runner: TableRunner) -> None:
        super().__init__(NoBuilder(), runner)
        self.measured: list[int] = []

    def measure(self, inputs: Iterable[MeasureInput]) -> Results:
        for item, result in super().measure(inputs):
            self.measured.append(item.index)
            yield item, result


def test_the_loop_finds_the_best_and_reports_on_the_way() -> None:
    seen: list[tuple[int, int]] = []

    def watch(progress: Progress) -> None:
        seen.append((progress.done, progress.errors))

    executor = Counting(TableRunner(wrong=4))
    tuner = make_tuner("random", TASK, tiles_only(), 1)
    outcome = tune(tuner, executor, 100, callback=watch, verifier=correct)
    # All 27 points; a third of them has K tiles of 4.
    assert len(executor.measured) == 27
    assert seen[-1] == (27, 9)
    assert outcome.best.schedule.tile == (1, 1, 1)
    assert outcome.best.seconds == TASK.seconds(1101)
    assert outcome.progress.curve[-1] == TASK.seconds(1101)
    assert outcome.progress.last_error == "1 of 4096 results are wrong"


def test_early_stopping_counts_trials_without_improvement() -> None:
    executor = Counting(TableRunner())
    tuner = make_tuner("gridsearch", TASK, tiles_only())
    # The grid's first point is the best; the run ends with the batch in which 5 are exceeded.
    outcome = tune(tuner, executor, 100, early_stopping=5, verifier=correct)
    assert outcome.best.trial == 1
    assert len(executor.measured) == tuner.plan_size == 16


def test_a_run_ends_when_its_time_is_up() -> None:
    executor = Counting(TableRunner(seconds=0.05))
    tuner = make_tuner("random", TASK, gemm_space(TASK.workload.problem, CONFIG))
    start = time.monotonic()
    outcome = tune(tuner, executor, 1000, seconds=1.5, verifier=correct)
    # The last batch is as long as the time that is left.
    assert 2 <= outcome.progress.done <= 30
    assert time.monotonic() - start < 20
    tuner = make_tuner("random", TASK, tiles_only())
    outcome = tune(tuner, executor, 27, seconds=0, verifier=correct)
    assert outcome.progress.done == 2


def test_only_verified_schedules_are_reported(tmp_path: Path) -> None:
    def picky(task: GemmTask, schedule: Schedule) -> None:
        if schedule.tile[0] == 1:
            raise MeasureError(MeasureErrorNo.WRONG_ANSWER, "wrong")

    path = tmp_path / "log.json"
    with RecordLog(path) as log:
        tuner = make_tuner("gridsearch", TASK, tiles_only())
        outcome = tune(tuner, Counting(TableRunner()), 27, log=log, verifier=picky)
    assert outcome.best.schedule.tile == (2, 1, 1)
    assert outcome.refused == 9
    records = read_records(path)
    wrong = [r for r in records if r.result.error_no == MeasureErrorNo.WRONG_ANSWER]
    assert (len(records), len(wrong)) == (27 + 9, 9)

    def never(task: GemmTask, schedule: Schedule) -> None:
        raise MeasureError(MeasureErrorNo.WRONG_ANSWER, "all wrong")

    with pytest.raises(TuningError, match=r"64x64x64: none of 27 trials .* all wrong"):
        tune(
            make_tuner("gridsearch", TASK, tiles_only()),
            Counting(TableRunner()),
            27,
            verifier=never,
        )


def test_a_killed_run_resumes_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "log.json"

    class KilledError(Exception):
        pass

    def kill(progress: Progress) -> None:
        if progress.done == 11:
            raise KilledError

    first, second = Counting(TableRunner(wrong=2)), Counting(TableRunner(wrong=2))
    with RecordLog(path) as log, pytest.raises(KilledError):
        tune(
            make_tuner("ga", TASK, tiles_only(), 3),
            first,
            27,
            log=log,
            callback=kill,
            verifier=correct,
        )
    with path.open("a") as file:
        file.write('{"input": ["gemm')
    with RecordLog(path) as log:
        outcome = tune(
            make_tuner("ga", TASK, tiles_only(), 3),
            second,
            27,
            log=log,
            earlier=read_records(path),
            verifier=correct,
        )
    assert len(first.measured) == 11
    assert len(second.measured) == 27 - 11
    assert not set(first.measured) & set(second.measured)
    assert outcome.progress.resumed == 11
    assert len(outcome.progress.curve) == 27
    assert outcome.best.schedule.tile == (1, 1, 1)
    records = read_records(path)
    assert len({record.index for record in records}) == len(records) == 27


def test_results_do_not_depend_on_the_order_of_completion() -> None:
    class Backwards(InlineExecutor):
        def measure(self, inputs: Iterable[MeasureInput]) -> Results:
            return super().measure(list(inputs)[::-1])

    def proposals(executor: InlineExecutor) -> list[int]:
        space = gemm_space(TASK.workload.problem, CONFIG)
        tuner = make_tuner("xgb", TASK, space, 4)
        outcome = tune(tuner, executor, 64, verifier=correct)
        assert outcome.progress.done == 64
        return list(tuner.costs)

    runner = TableRunner(wrong=2)
    forwards = proposals(InlineExecutor(NoBuilder(), runner))
    assert proposals(Backwards(NoBuilder(), runner)) == forwards


def test_processes_can_be_started_ahead_of_the_trials() -> None:
    executor = LocalExecutor(NoBuilder(), TableRunner(), jobs=2)
    try:
        executor.start(1)
        executor.start()
        inputs = [trial((1, 1, k)) for k in (1, 2, 4)]
        assert all(result.ok for _, result in executor.measure(inputs))
    finally:
        executor.close()


# -- simulators -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sizes", "schedule"),
    [
        ((40, 33, 70), Schedule((2, 2, 2))),
        ((40, 33, 70), Schedule((2, 1, 3), "nmk", double_buffer=("b",), mvout_cols=32)),
        ((40, 33, 70), Schedule((3, 2, 5), "nmk", dataflow=Dataflow.OS)),
        ((40, 33, 70), Schedule((2, 2, 2), lowering=Lowering.LOOP_WS)),
    ],
)
@pytest.mark.parametrize("bias", BIASES)
@pytest.mark.parametrize("wide", [False, True])
def test_trials_are_verified_and_timed(
    sizes: tuple[int, int, int], schedule: Schedule, bias: str, wide: bool
) -> None:
    task = GemmTask(Workload(*sizes, wide_result=wide, bias=bias), CONFIG)
    problem = task.workload.problem
    if wide and schedule.mvout_cols:
        schedule = Schedule(schedule.tile)
    item = MeasureInput(task, 0, values_of(schedule, problem, CONFIG))
    result = measure_one(item, CommandStreamBuilder(), SimulatorRunner())
    assert result.ok, result.message
    cycles = result.mean * CONFIG.clock_mhz * 1e6
    # 3x3x5 pairs of at least 16 cycles, none of which can do without its rows.
    assert cycles >= 3 * 3 * 5 * CONFIG.dim / 2
    again = measure_one(item, CommandStreamBuilder(), SimulatorRunner())
    assert again.costs == result.costs


def unrolled_trials(name: str) -> list[tuple[GemmTask, Schedule]]:
    """Two random unrolled schedules of each of several products, on one configuration."""
    config, draw = load_config(name), random.Random(name)
    dim, found = config.dim, []
    for fields in UNROLLED_PRODUCTS:
        m, n, k = (draw.choice([blocks * dim, draw.randint(1, 3 * dim)]) for blocks in (3, 2, 3))
        task = GemmTask(Workload(m, n, k, **fields), config)
        space = gemm_space(task.workload.problem, config).restrict(unroll=[True])
        found += [
            (task, schedule_of(space.get(draw.choice(list(space.distinct))).values))
            for _ in range(2)
        ]
    return found


_ROWS = Schedule(
    (1, 2, 3), double_buffer=("a", "c"), unroll=True, software_pipeline=True, inner_order="mnk"
)
_AHEAD = replace(_ROWS, placement=Placement.CYCLIC, prefetch_distance=2, inner_order="mkn")
PIPELINES = [
    (Workload(100, 30, 40, bias="row"), _ROWS),
    (Workload(100, 30, 40), replace(_ROWS, placement=Placement.INTERLEAVED)),
    (Workload(17, 30, 40), _ROWS),
    (Workload(100, 30, 40, bias="row"), replace(_ROWS, prologue_tiles=2)),
    (Workload(32, 70, 20, bias="full"), replace(_ROWS, tile=(2, 2, 2), double_buffer=("b", "c"))),
    (Workload(100, 1, 700, bias="row"), replace(_AHEAD, tile=(1, 1, 44))),
    (
        Workload(4, 300, 100),
        replace(_AHEAD, tile=(1, 4, 7), double_buffer=("b", "c"), inner_order="knm"),
    ),
    (
        Workload(50, 1, 300),
        Schedule(
            (4, 1, 4),
            placement=Placement.CYCLIC,
            unroll=True,
            prefetch_distance=4,
            transposed_tiles=3,
        ),
    ),
]
"""Software pipelines over rows, one of two strips, one with two in its prologue, over columns, and
with a prefetch distance; a product of one column that the array transposes in part.
"""

UNROLLED_PRODUCTS: list[dict[str, Any]] = [
    *[{"bias": bias} for bias in BIASES],
    {"wide_result": True},
    {"wide_result": True, "bias": "full"},
    {"transpose_a": True},
    {"transpose_b": True, "bias": "row"},
    {"transpose_a": True, "transpose_b": True},
]


@pytest.mark.parametrize(
    ("task", "schedule"),
    [
        *((GemmTask(Workload(*sizes), CONFIG), schedule) for sizes, schedule in LARGE),
        *unrolled_trials("default"),
        *unrolled_trials("int8_8x8"),
        *((GemmTask(workload, CONFIG), schedule) for workload, schedule in PIPELINES),
    ],
)
def test_unrolled_commands_are_those_of_the_whole_pipeline(
    task: GemmTask, schedule: Schedule
) -> None:
    """Trials get them from records; the passes write operations in between, and read them."""
    module = gemm_module(task, schedule)
    context = make_context()
    for step in lowering_passes():
        step.apply(context, module)
    stream = compile_schedule(task, schedule)
    assert stream == command_stream(module)
    verify(task, stream)


@pytest.mark.parametrize(
    ("name", "workload", "schedule"),
    [
        ("default", Workload(40, 33, 70, bias="row"), Schedule((2, 1, 3), double_buffer=("a",))),
        ("default", Workload(40, 33, 70), Schedule((3, 2, 5), "nmk", dataflow=Dataflow.OS)),
        ("default", Workload(100, 64, 64), Schedule((2, 2, 2), lowering=Lowering.LOOP_WS)),
        ("int8_8x8", Workload(64, 20, 64, wide_result=True), Schedule((2, 3, 4), "nmk")),
    ],
)
def test_native_code_sends_the_same_commands(
    name: str, workload: Workload, schedule: Schedule
) -> None:
    task = GemmTask(workload, load_config(name))
    native = NativeBuilder().build(task, schedule)
    stream = CommandStreamBuilder().build(task, schedule)
    assert native.placements == stream.placements
    verify(task, native)
    runner = SimulatorRunner()
    assert runner.cycles(task, native) == runner.cycles(task, stream)
    assert runner.cycles(task, native, schedule) == runner.cycles(task, stream, schedule)
    assert pickle.loads(pickle.dumps(native)) == native


def test_wrong_results_of_native_code_are_noticed() -> None:
    """A kernel for another product computes something else."""
    task = GemmTask(Workload(32, 32, 32), CONFIG)
    shorter = GemmTask(Workload(32, 32, 16), CONFIG)
    program = NativeBuilder().build(shorter, Schedule((2, 2, 1)))
    placements = CommandStreamBuilder().build(task, Schedule((2, 2, 1))).placements
    with pytest.raises(MeasureError, match="results are wrong") as error:
        verify(task, replace(program, placements=placements))
    assert error.value.number == MeasureErrorNo.WRONG_ANSWER


def test_a_missing_or_failing_compiler_is_an_error_record(monkeypatch: pytest.MonkeyPatch) -> None:
    for compiler, message in (("no-such-cc", "no C compiler found"), ("false", "cannot compile")):
        monkeypatch.setenv("CC", compiler)
        result = measure_one(trial((1, 1, 1)), NativeBuilder(), SimulatorRunner())
        assert result.error_no == MeasureErrorNo.COMPILE_HOST
        assert message in result.message


def test_wrong_results_are_noticed() -> None:
    task = GemmTask(Workload(32, 32, 32), CONFIG)
    stream = compile_schedule(task, Schedule((2, 2, 2)))
    verify(task, stream)
    # Without the last store a block keeps its zeros.
    stores = [i for i, item in enumerate(stream.items) if item and item.mnemonic == "mvout"]
    items = stream.items[: stores[-1]] + stream.items[stores[-1] + 1 :]
    with pytest.raises(MeasureError, match="of 1024 results are wrong") as error:
        verify(task, CommandStream(stream.placements, items))
    assert error.value.number == MeasureErrorNo.WRONG_ANSWER


def test_schedules_beside_the_space_are_tried(tmp_path: Path) -> None:
    """A product of one column gets transposed tiles or swaps operands, which the space lacks."""
    task = GemmTask(Workload(64, 1, 1216), CONFIG)
    problem = task.workload.problem
    space = gemm_space(problem, CONFIG)
    beside = schedules_beside_space(problem, CONFIG)
    assert beside
    assert all(schedule.transposed_tiles > 0 or schedule.swap_operands for schedule in beside)
    assert len({schedule.swap_operands for schedule in beside}) == 2
    executor = LocalExecutor(CommandStreamBuilder(), SimulatorRunner(), jobs=1)
    tuner = make_tuner("random", task, space)
    with RecordLog(tmp_path / "log.json") as log:
        outcome = tune(tuner, executor, len(beside) + 2, log=log, beside=beside)
    recorded = [
        replace(
            schedule,
            mvin_cols=schedule.mvin_cols or 64,
            mvout_cols=schedule.mvout_cols or 16,
        )
        for schedule in beside
    ]
    assert outcome.best.schedule in recorded
    assert outcome.progress.done == len(beside) + 2
    records = read_records(tmp_path / "log.json")
    assert [schedule_of(record.values) for record in records][: len(beside)] == recorded


def test_swapped_operands_with_a_bias_are_tried_with_the_time_of_the_core() -> None:
    """The core writes a bias of one element to a row, as wide as a tile, before the commands."""
    workload = Workload(300, 1, 64, bias="row")
    task = GemmTask(workload, CONFIG)
    beside = schedules_beside_space(workload.problem, CONFIG)
    swapping = [schedule for schedule in beside if schedule.swap_operands]
    assert len({schedule.tile for schedule in swapping}) > 1
    builder, runner = CommandStreamBuilder(), SimulatorRunner()
    for schedule in swapping:
        program = builder.build(task, schedule)
        (copy,) = program.copies
        assert copy.elements == (0,) * min(300, 16 * schedule.tile[1])
        assert program.placements[copy.argument].argument.name == "bias"
        (seconds,) = runner.run(task, schedule, program)
        without = runner.cycles(task, replace(program, copies=()), schedule)
        expected = without + COPY_CYCLES * len(copy.elements)
        assert task.cycles(seconds) == pytest.approx(expected)
    item = MeasureInput(task, -1, values_of(swapping[0], workload.problem, CONFIG))
    failed = measure_one(item, NativeBuilder(), runner)
    assert "read memory that a trial in C has not" in failed.message
    # With an element for each row of C nothing is spread.
    full = replace(task, workload=replace(workload, bias="full"))
    program = builder.build(full, swapping[0])
    assert program.copies == ()
    runner.run(full, swapping[0], program)


@pytest.mark.parametrize("gap", [0, 3, 40])
def test_a_second_call_with_both_operands_transposed(gap: int) -> None:
    """B of the last product went through the transposer: none is fetched with it any more."""
    workload = Workload(40, 30, 50, transpose_a=True, transpose_b=True)
    task = GemmTask(workload, CONFIG)
    schedule = Schedule((3, 2, 4), dataflow=Dataflow.OS, unroll=True)
    stream = compile_schedule(task, schedule)
    first, second = (call_cycles(task, stream, gap, warm=warm) for warm in (False, True))
    assert 0 < second <= first


def test_slower_hosts_cost_time() -> None:
    task = GemmTask(Workload(64, 64, 64), CONFIG)
    stream = compile_schedule(task, Schedule((4, 4, 4)))
    fast, slow = (SimulatorRunner(host_gap=gap).cycles(task, stream) for gap in (0, 100))
    commands = sum(item is not None for item in stream.items)
    assert slow >= 100 * commands > fast


def test_tuning_a_real_size(tmp_path: Path) -> None:
    """End to end on two processes; the result beats the default schedule."""
    from gemmini_xdsl.passes.schedule_heuristic import default_schedule

    space = gemm_space(TASK.workload.problem, CONFIG)
    executor = LocalExecutor(CommandStreamBuilder(), SimulatorRunner(), jobs=2)
    path = tmp_path / "log.json"
    try:
        with RecordLog(path) as log:
            outcome = tune(make_tuner("xgb", TASK, space), executor, 32, log=log)
    finally:
        executor.close()
    heuristic = default_schedule(TASK.workload.problem, CONFIG)
    assert heuristic is not None
    runner = SimulatorRunner()
    before = runner.run(TASK, heuristic, compile_schedule(TASK, heuristic))
    assert outcome.best.seconds <= before[0]
    assert schedule_of(outcome.best.item.values) == outcome.best.schedule
    costs = [record.result.mean for record in read_records(path) if record.result.ok]
    assert np.isclose(min(costs), outcome.best.seconds)
    assert isinstance(outcome.progress.best_seconds, float)
    assert MeasureResult.failure(MeasureErrorNo.NO_ERROR, "", 0).mean == ERROR_COST
