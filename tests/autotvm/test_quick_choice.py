"""Schedules that are chosen while the compiler runs: trials in part, climbs, and the choice."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from gemmini_xdsl.dialects.attributes import Dataflow, Lowering, Placement, Schedule
from gemmini_xdsl.hardware import load_config, preset_names
from gemmini_xdsl.passes.lower_bound import lower_bound
from gemmini_xdsl.passes.schedule_rules import Problem, schedule_problem
from gemmini_xdsl.passes.schedule_selection import schedule_for
from gemmini_xdsl.passes.unrolled_moves import MOVES, legal_moves
from gemmini_xdsl.passes.unrolled_schedule import software_pipelines, unrolled_schedule
from gemmini_xdsl.runtime_c.timing import TimingError, TimingModel
from gemmini_xdsl.tvm_bridge.autotvm import quick_choice as quick_choice_module
from gemmini_xdsl.tvm_bridge.autotvm.cache_contents import resident_share
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_race import quick_loop_ws
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_search import best_loop_ws
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_trial import LoopWsTrial
from gemmini_xdsl.tvm_bridge.autotvm.part_timing import extrapolated_cycles
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule, loop_ws_program
from gemmini_xdsl.tvm_bridge.autotvm.quick_choice import quick_choice, quick_unrolled
from gemmini_xdsl.tvm_bridge.autotvm.simulate import call_cycles, core_gap, verify_schedule
from gemmini_xdsl.tvm_bridge.autotvm.task import QUICK_HOST_GAP, GemmTask, Workload

CONFIG = load_config("default")


def measured(task: GemmTask, schedule: Schedule) -> int:
    """Cycles of the whole call."""
    program = compile_schedule(task, schedule)
    looped = schedule.lowering == Lowering.LOOP_WS
    gap = QUICK_HOST_GAP if looped else core_gap(schedule)
    return call_cycles(task, program, gap, warm=True)


@pytest.mark.parametrize(
    ("sizes", "tile"), [((256, 256, 256), (8, 2, 16)), ((200, 300, 400), (7, 4, 5))]
)
def test_some_tiles_foretell_all(sizes: tuple[int, int, int], tile: tuple[int, int, int]) -> None:
    task = GemmTask(Workload(*sizes), CONFIG)
    schedule = Schedule(tile, lowering=Lowering.LOOP_WS)
    trial = LoopWsTrial(loop_ws_program(task, schedule), QUICK_HOST_GAP)
    try:
        trial.advance(trial.work / 4)
        assert not trial.done
        foretold = trial.cycles()
        trial.advance(2 * trial.work)
        assert trial.done
        assert trial.cycles() == pytest.approx(foretold, rel=0.02)
        trial.repeat()
        assert trial.cycles() == measured(task, schedule)
    finally:
        trial.close()


@pytest.mark.parametrize("sizes", [(128, 1, 1024), (96, 112, 80), (64, 64, 1000)])
def test_the_race_finds_nearly_the_best(sizes: tuple[int, int, int]) -> None:
    task = GemmTask(Workload(*sizes), CONFIG)
    found, best = quick_loop_ws(task), best_loop_ws(task)
    assert found is not None
    assert best is not None
    assert measured(task, found[0]) <= 1.01 * measured(task, best[0])
    verify_schedule(task, found[0])


STRIPS = Schedule(
    (7, 3, 2),
    order="nmk",
    inner_order="nmk",
    double_buffer=("b", "c"),
    placement=Placement.INTERLEAVED,
    unroll=True,
    software_pipeline=True,
)


@pytest.mark.parametrize(
    ("workload", "schedule"),
    [
        # Strips of columns, whose rows begin at other places of a line if there are fewer.
        (Workload(97, 500, 30, bias="row"), STRIPS),
        # Strips of rows; tiles of a nest of loops, of which both are shortened.
        (
            Workload(400, 64, 64),
            replace(STRIPS, tile=(2, 4, 4), order="mnk", double_buffer=("a", "c")),
        ),
        (Workload(320, 512, 64), Schedule((4, 8, 4), double_buffer=("a", "b", "c"))),
        # Twelve tiles across, which the core finds by divisions, as six but not as four.
        (Workload(1024, 384, 64), Schedule((4, 2, 4), double_buffer=("a", "b", "c"))),
    ],
)
def test_a_part_foretells_the_whole(workload: Workload, schedule: Schedule) -> None:
    task = GemmTask(workload, CONFIG)
    foretold = extrapolated_cycles(task, schedule)
    assert foretold == pytest.approx(measured(task, schedule), rel=0.01)


def test_products_of_few_tiles_are_measured_as_a_whole() -> None:
    task = GemmTask(Workload(128, 128, 64), CONFIG)
    schedule = Schedule((4, 4, 4), double_buffer=("a", "b", "c"))
    foretold = extrapolated_cycles(task, schedule)
    assert foretold == pytest.approx(measured(task, schedule), rel=0.002)


def test_what_does_not_fit_a_cache_is_partly_gone() -> None:
    assert resident_share(1000, 1000) == 1
    shares = [resident_share(total, 1000) for total in (1100, 1500, 2000, 5000)]
    assert shares == sorted(shares, reverse=True)
    # Half of the lines that are used are gone if each takes the place of a random one.
    assert resident_share(1386, 1000) == pytest.approx(0.5, abs=0.01)


@pytest.mark.parametrize(
    "workload",
    [
        Workload(64, 64, 64, bias="row"),
        Workload(47, 123, 30),
        Workload(40, 30, 50, transpose_a=True),
        Workload(33, 40, 50, wide_result=True, transpose_b=True),
    ],
)
def test_a_climb_is_never_worse_than_its_start(workload: Workload) -> None:
    task = GemmTask(workload, CONFIG)
    start = unrolled_schedule(workload.problem, CONFIG, Dataflow.WS)
    assert start is not None
    schedule, cycles = quick_unrolled(task, start)
    assert cycles == measured(task, schedule) <= measured(task, start)
    verify_schedule(task, schedule)


@pytest.mark.parametrize("sizes", [(40, 30, 50), (16, 16, 16), (100, 120, 90)])
def test_two_transposes_get_a_schedule_that_ends(sizes: tuple[int, int, int]) -> None:
    task = GemmTask(Workload(*sizes, transpose_a=True, transpose_b=True), CONFIG)
    schedule = schedule_for(task.workload.problem, CONFIG, lambda: task)
    assert schedule is not None
    assert schedule.dataflow == Dataflow.OS
    assert measured(task, schedule) > 0
    verify_schedule(task, schedule)


def test_moves_are_legal_and_change_the_schedule() -> None:
    problem = Workload(64, 128, 64, wide_result=True).problem
    start = unrolled_schedule(problem, CONFIG, Dataflow.WS)
    assert start is not None
    groups = [legal_moves(moves, start, problem, CONFIG) for moves in MOVES]
    for group in groups:
        assert all(schedule_problem(move, problem, CONFIG) is None for move in group)
        assert start not in group
    orders, strips, stores, loads, quarters, placements = groups
    # Results of full width are stored block by block.
    assert not stores
    assert [move.inner_order for move in orders] == ["mnk", "mkn"]
    assert [move.tile for move in strips] == [(4, 4, 4), (2, 8, 4)]
    assert [move.mvin_cols for move in loads] == [32]
    assert [move.tile for move in quarters] == [(4, 2, 4), (1, 8, 4)]
    assert [move.placement for move in placements] == [Placement.BANKED]


def test_rows_that_are_not_aligned_have_more_moves() -> None:
    problem = Workload(60, 100, 70).problem
    start = unrolled_schedule(problem, CONFIG, Dataflow.WS)
    assert start is not None
    _, _, stores, loads, *_ = (legal_moves(moves, start, problem, CONFIG) for moves in MOVES)
    assert [move.mvout_cols for move in stores] == [32, 64]
    assert [move.mvin_cols for move in loads] == [16, 32]


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("sizes", [(64, 64, 64), (200, 1, 100), (60, 40, 50)])
def test_every_preset_gets_legal_schedules(name: str, sizes: tuple[int, int, int]) -> None:
    config = load_config(name)
    for wide in (False, True):
        task = GemmTask(Workload(*sizes, wide_result=wide), config)
        schedule = schedule_for(task.workload.problem, config, lambda: task)  # noqa: B023
        if schedule is not None:
            assert schedule_problem(schedule, task.workload.problem, config) is None


def test_strips_of_one_block_where_stores_set_the_pace() -> None:
    widths = [
        {pipeline.tile[0] for pipeline in found if pipeline.order == "mnk"}
        for found in (
            software_pipelines(Workload(480, 196, k).problem, CONFIG, Dataflow.WS) for k in (8, 32)
        )
    ]
    assert 1 in widths[0]
    assert 1 not in widths[1]


def test_strips_that_are_as_narrow_as_their_pieces_do_not_narrow_other_loads() -> None:
    problem = Workload(63, 207, 259).problem
    found = software_pipelines(problem, CONFIG, Dataflow.WS)
    close = [item for item in found if item.prefetch_distance and item.order == "nmk"]
    assert {(item.tile[1], item.mvin_cols) for item in close} == {
        (4, 0),
        (2, 0),
        (1, 0),
    }
    shallow = software_pipelines(Workload(16, 1024, 64).problem, CONFIG, Dataflow.WS)
    pieces = {(item.tile[1], item.mvin_cols) for item in shallow if item.prefetch_distance}
    assert {mvin_cols for _, mvin_cols in pieces} == {0, 32, 16}


@pytest.mark.parametrize(
    ("sizes", "tiles"),
    [
        # Rows of 128 bytes take as long to load as their products.
        ((128, 128, 128), {"mnk": {1}, "nmk": {1}}),
        # Those of 130 bytes cross beats, and lines.
        ((130, 130, 130), {"mnk": {1, 2}, "nmk": {1, 2}}),
        # Rows of A only.
        ((200, 128, 130), {"mnk": {1}, "nmk": {1, 2}}),
    ],
)
def test_two_tiles_in_the_prologue_where_loads_are_slow(
    sizes: tuple[int, int, int], tiles: dict[str, set[int]]
) -> None:
    found = software_pipelines(Workload(*sizes).problem, CONFIG, Dataflow.WS)
    for order, counts in tiles.items():
        far = [item for item in found if item.order == order and not item.prefetch_distance]
        assert {item.prologue_tiles for item in far} == counts


def test_strips_that_leave_the_last_one_little_to_compute_again() -> None:
    # 15 blocks of columns: strips of 2 or 4 would compute one of them twice.
    found = software_pipelines(Workload(27, 238, 274).problem, CONFIG, Dataflow.WS)
    assert {2, 3, 4} <= {item.tile[1] for item in found if item.order == "nmk"}
    # 16 blocks, and 13: strips of 4 compute three again, those of 2 only one.
    for n, widths in ((256, {1, 2, 4}), (208, {1, 2, 4})):
        found = software_pipelines(Workload(27, n, 274).problem, CONFIG, Dataflow.WS)
        assert {item.tile[1] for item in found if item.order == "nmk"} == widths


def test_strips_of_half_the_pieces() -> None:
    # Three pieces along K: two strips of blocks have the six that take turns best.
    found = software_pipelines(Workload(200, 16, 192).problem, CONFIG, Dataflow.WS)
    close = [item for item in found if item.prefetch_distance and item.order == "mnk"]
    assert {item.tile[0] for item in close} == {3, 2, 1}


@pytest.mark.parametrize("name", preset_names())
def test_pipelines_are_legal_and_different(name: str) -> None:
    config, draw = load_config(name), random.Random(name)
    for dataflow in Dataflow:
        for _ in range(30):
            m, n, k = (draw.randint(1, 20 * config.dim) for _ in range(3))
            problem = Problem(m, n, k, has_bias=draw.random() < 0.5)
            found = software_pipelines(problem, config, dataflow)
            assert len(set(found)) == len(found)
            assert all(schedule_problem(item, problem, config) is None for item in found)


def test_rivals_depend_on_the_distance_from_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    task = GemmTask(Workload(64, 64, 64), CONFIG)
    bound = lower_bound(task.workload.problem, CONFIG).cycles
    unrolled = unrolled_schedule(task.workload.problem, CONFIG, Dataflow.WS)
    assert unrolled is not None
    pipeline, fsm = Schedule((1, 4, 4)), Schedule((4, 4, 4), lowering=Lowering.LOOP_WS)
    loop_ws: list[tuple[Schedule, float] | None] = [(fsm, 1.06 * bound)]
    monkeypatch.setattr(quick_choice_module, "quick_loop_ws", lambda _: loop_ws[0])
    monkeypatch.setattr(
        quick_choice_module, "_rival_costs", lambda _, rivals: dict.fromkeys(rivals, bound)
    )

    def chosen(ratio: float) -> Schedule | None:
        found = (unrolled, ratio * bound)
        monkeypatch.setattr(quick_choice_module, "quick_unrolled", lambda *_: found)
        return quick_choice(task, unrolled, [pipeline])

    assert chosen(1.04) == unrolled
    assert chosen(1.07) == fsm
    assert chosen(1.09) == pipeline
    loop_ws[0] = None
    assert chosen(1.07) == pipeline


def test_no_measuring_where_the_timing_model_does_not_apply() -> None:
    config = replace(CONFIG, name="odd", accumulator_single_ported=True)
    with pytest.raises(TimingError, match="not modelled"):
        TimingModel(config)
    for sizes in ((32, 32, 32), (300, 200, 300)):
        task = GemmTask(Workload(*sizes), config)
        assert quick_choice(task, None) is None
        schedule = schedule_for(task.workload.problem, config, lambda: task)  # noqa: B023
        assert schedule is not None
        assert schedule_problem(schedule, task.workload.problem, config) is None
