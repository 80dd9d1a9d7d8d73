"""All recorded regions, replayed: how far predictions may be from the RTL."""

from __future__ import annotations

import statistics
from functools import cache
from pathlib import Path

import pytest

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.tools.recordings import read_trace
from gemmini_xdsl.tools.replay import RegionResult, event_medians, replay

RECORDINGS = Path(__file__).parents[1] / "data" / "rtl"
FAMILIES = sorted(path.name.removesuffix(".trace.gz") for path in RECORDINGS.glob("*.trace.gz"))
CLOSE = 12
"""Cycles that count as no difference, whatever the region's length."""


@cache
def results(family: str, seed: int | None = None) -> list[RegionResult]:
    regions = read_trace(RECORDINGS / f"{family}.trace.gz")
    with_events = seed is None or family != "dram"
    return list(replay(regions, load_config("default"), with_events=with_events, seed=seed))


def _worst(result: RegionResult) -> float:
    """The larger relative error of cycles and last completion; 0 within CLOSE cycles."""
    region = result.region
    assert region.cycles is not None
    assert region.last_completion is not None
    differences = (
        (result.predicted_cycles - region.cycles, region.cycles),
        (result.predicted_last_completion - region.last_completion, region.last_completion),
    )
    return max(abs(d) / recorded if abs(d) > CLOSE else 0.0 for d, recorded in differences)


def _all(accelerator_bound: bool = False) -> list[RegionResult]:
    return [
        result
        for family in FAMILIES
        for result in results(family)
        if not accelerator_bound or result.region.host_gaps < 0.6 * (result.region.cycles or 0)
    ]


def test_all_recordings_are_here() -> None:
    assert len(_all()) == 158
    assert len(_all(accelerator_bound=True)) == 112


@pytest.mark.parametrize("accelerator_bound", [False, True])
def test_most_regions_are_within_three_percent(accelerator_bound: bool) -> None:
    regions = _all(accelerator_bound)
    close = [result for result in regions if _worst(result) <= 0.03]
    assert len(close) >= 0.9 * len(regions)


@pytest.mark.parametrize("accelerator_bound", [False, True])
def test_mean_error_is_within_one_percent(accelerator_bound: bool) -> None:
    errors = [result.relative_error for result in _all(accelerator_bound)]
    assert abs(statistics.mean(e for e in errors if e is not None)) <= 0.003


LIMITS = {"dram": 0.06, "loop_ws": 0.06}
"""Largest error of a region; random evictions show most in short loops and after streams."""


@pytest.mark.parametrize("family", FAMILIES)
def test_every_region_is_close(family: str) -> None:
    limit = LIMITS.get(family, 0.03)
    assert not [r.region.name for r in results(family) if _worst(r) > limit]


def _far(regions: list[RegionResult]) -> list[str]:
    """Regions whose issue or completion times differ by more than 10 cycles and 2 % (median)."""
    far = []
    for result in regions:
        medians = event_medians(result)
        allowed = max(10.0, 0.02 * (result.region.cycles or 0))
        if max(medians.get("i", 0), medians.get("s", 0)) > allowed:
            far.append(result.region.name)
    return far


@pytest.mark.parametrize("family", FAMILIES)
def test_events_of_every_region_are_close(family: str) -> None:
    assert not _far(results(family))


@pytest.mark.parametrize("seed", range(8))
def test_the_seed_of_the_l2_does_not_matter(seed: int) -> None:
    regions = [r for name in FAMILIES if name != "dram" for r in results(name, seed)]
    errors = [r.relative_error for r in regions]
    assert sum(_worst(r) <= 0.03 for r in regions) >= 0.9 * len(regions)
    assert all(_worst(r) <= 0.08 for r in regions)
    assert abs(statistics.mean(e for e in errors if e is not None)) <= 0.005
    assert len(_far(regions)) <= 0.03 * len(regions)


def test_the_null_model_is_far_worse() -> None:
    def error(cycles: int, recorded: int) -> float:
        return abs(cycles - recorded) / recorded

    regions = _all(accelerator_bound=True)
    model = statistics.mean(error(r.predicted_cycles, r.region.cycles or 1) for r in regions)
    null = statistics.mean(error(r.null_cycles, r.region.cycles or 1) for r in regions)
    assert model < 0.02
    assert null > 0.5
