"""How accurate is the timing model? Replays all RTL recordings and writes docs/accuracy.md.

    python benchmarks/accuracy.py [--check]

Writes `docs/accuracy.md` and the plot `docs/accuracy.svg`; `--check` writes nothing and fails if
the page would change.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from gemmini_xdsl.hardware import GemminiConfig, load_config
from gemmini_xdsl.tools.recordings import read_trace
from gemmini_xdsl.tools.replay import RegionResult, event_medians, replay

ROOT = Path(__file__).resolve().parent.parent
RECORDINGS = ROOT / "tests" / "data" / "rtl"
PAGE = ROOT / "docs" / "accuracy.md"
PLOT = ROOT / "docs" / "accuracy.svg"

FAMILIES = {
    "micro": "one mechanism each, issued by ordinary host code",
    "micro_tight": "one mechanism each, commands as fast as the core can send them",
    "loop_ws": "the LOOP_WS state machine",
    "explicit_gemm": "tiled GEMM, instruction by instruction",
    "fsm_gemm": "the hand-tuned library's GEMM on LOOP_WS",
    "prefetch_gemm": "GEMM with hand-written prefetching schedules",
    "dram": "streams larger than the L2, with three DRAM latencies",
}
CLOSE = 12
HOST_BOUND = 0.6
SEEDS = range(8)
"""Of the L2's replacement."""


@dataclass(frozen=True)
class Region:
    """A replayed region and its family."""

    family: str
    result: RegionResult

    @property
    def recorded(self) -> int:
        """Recorded cycles until the accelerator was idle."""
        assert self.result.region.cycles is not None
        return self.result.region.cycles

    @property
    def recorded_last(self) -> int:
        """Recorded cycle of the last completion."""
        assert self.result.region.last_completion is not None
        return self.result.region.last_completion

    @property
    def host_bound(self) -> bool:
        """The core's own gaps are a large part of the time."""
        return self.result.region.host_gaps >= HOST_BOUND * self.recorded


def measure(config: GemminiConfig, seed: int | None = None) -> list[Region]:
    """All recorded regions, replayed."""
    regions = []
    for family in FAMILIES:
        recording = read_trace(RECORDINGS / f"{family}.trace.gz")
        for result in replay(recording, config, with_events=True, seed=seed):
            regions.append(Region(family, result))
    return regions


def _share(values: Iterable[tuple[int, int]], limit: float) -> str:
    pairs = list(values)
    near = sum(abs(p - r) <= max(CLOSE, limit * r) for p, r in pairs)
    return f"{100 * near / len(pairs):.0f} %"


def _summary(regions: list[Region], predicted: Callable[[Region], int], last: bool) -> str:
    pairs = [(predicted(r), r.recorded_last if last else r.recorded) for r in regions]
    errors = [(p - r) / r for p, r in pairs]
    return (
        f"{_share(pairs, 0.03)} | {_share(pairs, 0.08)} | {100 * statistics.mean(errors):+.2f} % "
        f"| {100 * statistics.median(map(abs, errors)):.2f} % "
        f"| {100 * max(map(abs, errors)):.1f} %"
    )


def _overview(regions: list[Region]) -> list[str]:
    accelerator_bound = [r for r in regions if not r.host_bound]
    lines = [
        "| regions | quantity | model | within 3 % | within 8 % | mean error | median error "
        "| largest error |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, chosen in (
        (f"all ({len(regions)})", regions),
        (f"accelerator-bound ({len(accelerator_bound)})", accelerator_bound),
    ):
        for quantity, last in (("cycles until idle", False), ("last completion", True)):
            rows: list[tuple[str, Callable[[Region], int]]] = [
                (
                    "timing",
                    (lambda r: r.result.predicted_last_completion)
                    if last
                    else (lambda r: r.result.predicted_cycles),
                ),
                ("null", lambda r: r.result.null_cycles),
            ]
            for model, predicted in rows:
                lines.append(
                    f"| {name} | {quantity} | {model} | {_summary(chosen, predicted, last)} |"
                )
    return lines


def _families(regions: list[Region]) -> list[str]:
    lines = [
        "| family | what it is | regions | within 3 % | within 8 % | mean error | median error "
        "| largest error | null model's median error |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for family, what in FAMILIES.items():
        chosen = [r for r in regions if r.family == family]
        null = statistics.median(
            abs(r.result.null_cycles - r.recorded) / r.recorded for r in chosen
        )
        lines.append(
            f"| `{family}` | {what} | {len(chosen)} "
            f"| {_summary(chosen, lambda r: r.result.predicted_cycles, False)} "
            f"| {100 * null:.0f} % |"
        )
    return lines


def _near(region: Region, kind: str) -> bool:
    """The median difference of issues (`i`) or completions (`s`) is small."""
    allowed = max(10, 0.02 * region.recorded)
    return event_medians(region.result).get(kind, 0) <= allowed


def _events(regions: list[Region]) -> list[str]:
    lines = [
        "| family | regions with issue times within 10 cycles or 2 % | with completion times "
        "| the others |",
        "|---|---|---|---|",
    ]
    for family in FAMILIES:
        chosen = [r for r in regions if r.family == family]
        near = {kind: sum(_near(r, kind) for r in chosen) for kind in "is"}
        far = [r.result.region.name for r in chosen if not (_near(r, "i") and _near(r, "s"))]
        lines.append(
            f"| `{family}` | {near['i']} of {len(chosen)} | {near['s']} of {len(chosen)} "
            f"| {', '.join(far)} |"
        )
    return lines


def _seeds(by_seed: dict[int, list[Region]]) -> list[str]:
    lines = [
        "| seed | regions | within 3 % | within 8 % | mean error | median error | largest error "
        "| event times near |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for seed, regions in by_seed.items():
        near = sum(_near(r, "i") and _near(r, "s") for r in regions)
        lines.append(
            f"| {seed} | {len(regions)} "
            f"| {_summary(regions, lambda r: r.result.predicted_cycles, False)} "
            f"| {near} of {len(regions)} |"
        )
    return lines


def _details(regions: list[Region]) -> list[str]:
    lines = [
        "| family | region | recorded | predicted | error | last completion | predicted "
        "| null model | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for region in regions:
        result = region.result
        lines.append(
            f"| `{region.family}` | {result.region.name} | {region.recorded} "
            f"| {result.predicted_cycles} | {100 * (result.relative_error or 0):+.2f} % "
            f"| {region.recorded_last} | {result.predicted_last_completion} "
            f"| {result.null_cycles} | {'host-bound' if region.host_bound else ''} |"
        )
    return lines


def page(regions: list[Region], by_seed: dict[int, list[Region]]) -> str:
    """The documentation page: results of the default seed, and those by seed."""
    sections = [
        "# How accurate is the timing model?",
        "This page is written by `benchmarks/accuracy.py` (`make accuracy`) from the recordings in "
        "`tests/data/rtl`: runs of the real RTL in a whole SoC (Rocket, default Gemmini, 512 KiB "
        "L2, DRAM), command by command. A replay feeds the recorded commands with the core's "
        "recorded gaps and fences; everything else is predicted. No parameter belongs to a region "
        "or a family: all are hardware quantities, fields of `GemminiConfig` or structure named in "
        "`runtime_c/sim/timing/model.h`, each with its source.",
        f"Errors are (predicted - recorded) / recorded. Differences of up to {CLOSE} cycles count "
        "as within the bounds. The null model has no accelerator at all: the sum of the core's "
        "gaps and 35 cycles. A region is accelerator-bound if the gaps are below "
        f"{100 * HOST_BOUND:.0f} % of its cycles.",
        "## Overview",
        "\n".join(_overview(regions)),
        "![Predicted against recorded cycles](accuracy.svg)",
        "## By family (cycles until idle)",
        "\n".join(_families(regions)),
        "## Issue and completion of single commands",
        "Median difference per region between predicted and recorded times, over all commands.",
        "\n".join(_events(regions)),
        "## Replacement in the L2",
        "Which lines the L2 replaces is random in hardware. In the model evictions come as often "
        "as expected, evenly spaced; which line of a set leaves is pseudo-random, and so is what "
        "the core's L1 has kept. The hardware's sequence is not known. The default, seed 1, was "
        "chosen by these recordings, as the first with which event times are near in all regions; "
        f"here are the first {len(by_seed)} (cycles until idle).",
        "\n".join(_seeds(by_seed)),
        "## Beyond the recordings",
        "* `tests/timing/test_bare_accelerator.py` checks figures of the accelerator alone, with "
        "memory of fixed latency: among others, seven whole products of the loop unroller "
        "(64 to 512 cubed) that the model meets within 2 cycles.\n"
        "* `tests/timing/test_loop_ws.py` checks 43 LOOP_WS figures that were measured with the "
        "core's cycle counter (single and repeated calls, parts of calls, full-width results, "
        "biases): all within 1 % or 12 cycles.\n"
        "* `tests/timing/test_mechanisms.py` and `test_memory_system.py` check single mechanisms. "
        "Of the steady-state figures for MVINs, MVOUTs and passes through the array, two are not "
        "reproduced: MVINs of 4x64 and 8x64 in a row (23.9 and 34.1 cycles each, model 17.9 and "
        "32.4), where the recording `micro` of the same MVINs agrees with the model to the cycle.",
        "## What is not modelled",
        "* The L2 replaces lines at random, in hardware and here: which lines go is not "
        "reproduced, only how many. Short regions whose operands were evicted show it most.\n"
        "* What the caches hold when a recording starts is inferred (`tools/residency.py`): the "
        "inputs of a whole kernel were written by the core just before, one operand after the "
        "other, and what random replacement leaves of them in its L1 has to be fetched from "
        "there; results and biases are in memory. Bare loops start with a quarter of their "
        "inputs in the L2, `micro` with everything.\n"
        "* The core's instruction fetches are inferred, too: code that runs for the first time "
        "and pauses for 27 cycles or more takes a line through the L2.\n"
        "* What the L2 holds when a `dram` stream runs again follows from the regions before it; "
        "where a run's recording leaves out streams (`lat100`), as many other lines pass through "
        "the L2, none of them modified. About 8 % of the lines are still there.\n"
        "* What makes 16 misses of whole-line writes take at least 94 cycles: the figure is "
        "recorded, not derived. Modified lines that such writes evict cost more in the recordings "
        "(up to 6.2 cycles per line) than in the model, those with a fast DRAM most.\n"
        "* Address translation: the recordings have none, and the model's TLB always hits.\n"
        "* LOOP_CONV_WS, LOOP_WS residual additions, normalisations and single-ported "
        "accumulators are refused by name.",
        "## All regions",
        "\n".join(_details(regions)),
    ]
    return "\n\n".join(sections) + "\n"


def plot(regions: list[Region]) -> str:
    """An SVG scatter plot of predicted against recorded cycles, both axes logarithmic."""
    import math

    size, margin, low, high = 520, 60, 2.0, 5.0
    colours = ("#1b6ca8", "#2e8b57", "#c0392b", "#8e44ad", "#d68910", "#16a085", "#7f8c8d")

    def x(value: float) -> float:
        return margin + (math.log10(value) - low) / (high - low) * (size - 2 * margin)

    def y(value: float) -> float:
        return size - x(value)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size + 150} {size}" '
        'font-family="sans-serif" font-size="12">',
        f'<rect width="{size + 150}" height="{size}" fill="white"/>',
        f'<line x1="{x(100)}" y1="{y(100)}" x2="{x(1e5)}" y2="{y(1e5)}" stroke="#999"/>',
    ]
    for power in range(int(low), int(high) + 1):
        value = 10.0**power
        parts.append(
            f'<line x1="{x(value)}" y1="{y(100)}" x2="{x(value)}" y2="{y(1e5)}" stroke="#eee"/>'
            f'<line x1="{x(100)}" y1="{y(value)}" x2="{x(1e5)}" y2="{y(value)}" stroke="#eee"/>'
            f'<text x="{x(value)}" y="{size - margin + 18}" text-anchor="middle">'
            f"{int(value):,}</text>"
            f'<text x="{margin - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{int(value):,}</text>'
        )
    parts.append(
        f'<text x="{size / 2}" y="{size - 15}" text-anchor="middle">recorded cycles</text>'
        f'<text x="14" y="{size / 2}" text-anchor="middle" '
        f'transform="rotate(-90 14 {size / 2})">predicted cycles</text>'
    )
    for index, (family, colour) in enumerate(zip(FAMILIES, colours, strict=True)):
        parts.append(
            f'<circle cx="{size - 40}" cy="{80 + 20 * index}" r="4" fill="{colour}"/>'
            f'<text x="{size - 30}" y="{84 + 20 * index}">{family}</text>'
        )
        for region in (r for r in regions if r.family == family):
            parts.append(
                f'<circle cx="{x(region.recorded):.1f}" '
                f'cy="{y(region.result.predicted_cycles):.1f}" r="3" fill="{colour}" '
                'fill-opacity="0.6"/>'
            )
    return "\n".join([*parts, "</svg>"]) + "\n"


def main() -> int:
    """Write or check the page; return the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--check", action="store_true", help="write nothing, fail on a difference")
    check = parser.parse_args().check
    config = load_config("default")
    by_seed = {seed: measure(config, seed) for seed in SEEDS}
    regions = measure(config)
    outputs = {PAGE: page(regions, by_seed), PLOT: plot(regions)}
    if check:
        stale = [p for p, text in outputs.items() if not p.is_file() or p.read_text() != text]
        for path in stale:
            print(f"error: {path} is out of date: run benchmarks/accuracy.py", file=sys.stderr)
        return 1 if stale else 0
    for path, text in outputs.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    print("\n".join(_overview(regions)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
