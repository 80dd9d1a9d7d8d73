"""Tuners on a synthetic cost: which points they propose, how well, and always the same."""

from dataclasses import replace

import numpy as np
import pytest

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.passes.schedule_selection import schedule_for
from gemmini_xdsl.tvm_bridge.autotvm.bound import bound, features
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import gemm_space
from gemmini_xdsl.tvm_bridge.autotvm.measure import (
    MeasureErrorNo,
    MeasureInput,
    MeasureResult,
)
from gemmini_xdsl.tvm_bridge.autotvm.records import Record, decode, encode
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import SLOTS, TILES, schedule_of, values_of
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigSpace
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload
from gemmini_xdsl.tvm_bridge.autotvm.tuners import TUNERS, make_tuner, xgb
from gemmini_xdsl.tvm_bridge.autotvm.tuners.base import first_guesses

CONFIG = load_config("default")
FREE = (*TILES, *SLOTS, "exchange_axis", "inner_order", "mvout_cols")


def task(*sizes: int) -> GemmTask:
    return GemmTask(Workload(*sizes), CONFIG)


def small_space(tuned: GemmTask) -> ConfigSpace:
    """The space with the usual value of all knobs but a few."""
    space = gemm_space(tuned.workload.problem, CONFIG)
    usual = {
        name: [knob.entities[0].to_json()] for name, knob in space.knobs.items() if name not in FREE
    }
    return space.restrict(**usual, inner_order=[[2, 1, 0], [0, 1, 2]])


def cost(tuned: GemmTask, space: ConfigSpace, index: int) -> float | None:
    """A made-up machine: it likes 3x2x4 tiles, exchanged loops and a second slot for B.

    It is no function of the analytical bound, so that only what is learnt from it counts.
    """
    schedule = schedule_of(space.get(index).values)
    m, n, k = schedule.tile
    if schedule.double_buffer == ("a",):
        return None
    penalty = abs(np.log2(m / 3)) + abs(np.log2(n / 2)) + 0.7 * abs(np.log2(k / 4))
    penalty += 0.5 * (schedule.order == "mnk") + 0.4 * ("b" not in schedule.double_buffer)
    penalty += 0.2 * (schedule.inner_order != "knm") + 0.1 * (schedule.mvout_cols != 64)
    return tuned.seconds(float(10_000 * (1 + penalty)))


def run(name: str, tuned: GemmTask, space: ConfigSpace, trials: int, seed: int) -> list[int]:
    tuner = make_tuner(name, tuned, space, seed)
    proposed: list[int] = []
    while len(proposed) < trials:
        batch = tuner.next_batch(min(tuner.plan_size, trials - len(proposed)))
        if not batch:
            break
        proposed += batch
        tuner.update([(index, cost(tuned, space, index)) for index in batch])
    return proposed


def best(tuned: GemmTask, space: ConfigSpace, indices: list[int]) -> float:
    costs = (cost(tuned, space, int(index)) for index in indices)
    return min(value for value in costs if value is not None)


@pytest.mark.parametrize("name", TUNERS)
def test_proposals_are_distinct_valid_and_repeatable(name: str) -> None:
    tuned = task(128, 128, 128)
    space = small_space(tuned)
    proposed = run(name, tuned, space, 48, seed=5)
    assert len(proposed) == len(set(proposed)) == 48
    assert set(proposed) <= set(space.distinct.tolist())
    assert run(name, tuned, space, 48, seed=5) == proposed
    if name != "gridsearch":
        assert run(name, tuned, space, 48, seed=6) != proposed


@pytest.mark.parametrize("name", TUNERS)
def test_a_space_is_exhausted_and_no_more(name: str) -> None:
    tuned = task(16, 16, 64)
    space = small_space(tuned)
    assert 0 < len(space.distinct) < 60
    proposed = run(name, tuned, space, 1000, seed=0)
    assert sorted(proposed) == space.distinct.tolist()


def test_learning_tuners_find_better_points_than_random_ones() -> None:
    tuned = task(160, 160, 160)
    space = small_space(tuned)
    optimum = best(tuned, space, space.distinct.tolist())

    def losses(name: str, trials: int, seeds: int) -> list[float]:
        runs = (run(name, tuned, space, trials, seed) for seed in range(seeds))
        return [best(tuned, space, proposed) / optimum for proposed in runs]

    thorough = best(tuned, space, run("xgb", tuned, space, 160, seed=0))
    assert thorough <= 1.03 * optimum
    assert np.mean(losses("xgb", 64, seeds=3)) < np.mean(losses("random", 64, seeds=8))
    # The first two populations of 16 are little more than random.
    assert np.mean(losses("ga", 96, seeds=8)) < np.mean(losses("random", 96, seeds=8))


def test_annealing_takes_over_in_large_spaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xgb, "PREDICT_ALL", 0)
    tuned = task(160, 160, 160)
    space = small_space(tuned)
    proposed = [run("xgb", tuned, space, 64, seed) for seed in range(3)]
    assert all(set(indices) <= set(space.distinct.tolist()) for indices in proposed)
    unguided = [run("random", tuned, space, 64, seed) for seed in range(8)]
    annealed, random = (
        np.mean([best(tuned, space, indices) for indices in runs]) for runs in (proposed, unguided)
    )
    assert annealed < random
    assert run("xgb", tuned, space, 24, seed=1) == proposed[1][:24]


def test_records_of_other_sizes_help() -> None:
    teacher, pupil = task(160, 160, 160), task(192, 160, 224)
    known = small_space(teacher)
    rng = np.random.default_rng(0)
    full = gemm_space(teacher.workload.problem, CONFIG)
    records: list[tuple[GemmTask, Record]] = []
    for index in rng.choice(known.distinct, 100, replace=False):
        seconds = cost(teacher, known, int(index))
        if seconds is not None:
            # Found in the full space, whose numbers differ.
            item = MeasureInput.of(teacher, full.find(known.get(int(index)).values))
            result = MeasureResult((seconds,), MeasureErrorNo.NO_ERROR, 0.1, 1.0)
            records.append((teacher, decode(encode(item, result))))
    space = small_space(pupil)
    cold, warm = (make_tuner("xgb", pupil, space, 0) for _ in range(2))
    warm.load_history(records)
    first = {name: tuner.next_batch(16) for name, tuner in (("cold", cold), ("warm", warm))}
    costs = {name: [cost(pupil, space, i) for i in batch] for name, batch in first.items()}
    means = {name: np.mean([c for c in found if c is not None]) for name, found in costs.items()}
    assert means["warm"] < means["cold"]
    assert best(pupil, space, first["warm"]) <= best(pupil, space, first["cold"])


def test_suggested_schedules_take_turns_with_those_of_least_bound() -> None:
    tuned = task(160, 160, 160)
    problem = tuned.workload.problem
    space = gemm_space(problem, CONFIG)
    tuner = make_tuner("xgb", tuned, space)
    unguided = make_tuner("xgb", tuned, space).next_batch(8)
    known = Schedule((5, 2, 10), "nmk", double_buffer=("a", "c"), mvin_cols=64, mvout_cols=64)
    # 96 is no size of a tile here: 10 blocks are all there are.
    larger = replace(known, tile=(96, 2, 96), order="mnk", double_buffer=("c",))
    tuner.suggest([known, larger])
    batch = tuner.next_batch(8)
    assert batch[0] == unguided[0]
    assert schedule_of(space.get(batch[1]).values) == known
    # With 10 blocks all of A is one tile.
    assert schedule_of(space.get(batch[3]).values) == replace(larger, tile=(10, 2, 10))
    assert [batch[2], *batch[4:]] == unguided[1:6]


def test_first_guesses_are_the_default_and_those_of_least_bound() -> None:
    tuned = task(128, 128, 128)
    problem = tuned.workload.problem
    space = gemm_space(problem, CONFIG)
    guesses = first_guesses(tuned, space)
    assert len(guesses) == len(set(guesses)) == 16
    heuristic = schedule_for(problem, CONFIG, lambda: tuned)
    assert heuristic is not None
    assert guesses[0] == space.find(values_of(heuristic, problem, CONFIG)).index
    bounds = bound(tuned, space, np.array(guesses[1:]))
    assert list(bounds) == sorted(bounds)
    everything = bound(tuned, space, space.distinct)
    assert bounds[0] == everything.min()
    assert bounds[-1] <= np.percentile(everything, 5)
    kinds = {
        (schedule.tile, schedule.dataflow, schedule.lowering)
        for schedule in (schedule_of(space.get(index).values) for index in guesses[1:])
    }
    assert len(kinds) == 15


@pytest.mark.parametrize("sizes", [(1, 1, 1), (128, 128, 128), (64, 1, 1216), (1, 1000, 2048)])
def test_no_bound_is_below_the_roofline(sizes: tuple[int, int, int]) -> None:
    tuned = task(*sizes)
    space = gemm_space(tuned.workload.problem, CONFIG)
    m, n, k = (-(-size // CONFIG.dim) for size in sizes)
    beat = CONFIG.dma_bus_bits // 8
    # Every operand enters once, in whole beats at most one a cycle.
    loaded = (sizes[0] * sizes[2] + sizes[2] * sizes[1]) / beat
    roofline = max(m * n * k * min(CONFIG.dim, sizes[0]), loaded)
    assert bound(tuned, space, space.distinct).min() >= roofline
    rows = features(tuned, space, space.distinct[:10])
    assert rows.shape[0] == min(10, len(space.distinct))
    assert np.isfinite(rows).all()


def test_unknown_tuners_are_named() -> None:
    with pytest.raises(TuningError, match="unknown tuner 'best'; tuners are xgb, ga, random, grid"):
        make_tuner("best", task(16, 16, 16), gemm_space(task(16, 16, 16).workload.problem, CONFIG))
