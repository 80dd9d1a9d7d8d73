"""Replay recorded command streams on the timing model and compare with the recorded times."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.runtime_c.timing import EventKind, TimingEvent, TimingModel
from gemmini_xdsl.tools.recordings import RecordedEvent, Region
from gemmini_xdsl.tools.residency import residency, starts_program

NULL_MODEL_CYCLES = 35
"""Cycles that the model without an accelerator adds to the host's gaps: one load's latency."""


FETCH_CYCLES = 66
"""Cycles of the core per line of instructions from memory (recording `micro`: straight-line code
that runs for the first time pauses for 61 to 78 cycles every three or four commands)."""

STREAMED = 1280 * 1024
"""Bytes that the streams of one run read and write before the first of them runs again, whether a
recording has all of them or not (recording `dram`: 256 KiB three times and 512 KiB)."""

SHORTEST_FETCH = 27
"""Cycles of the core's fastest access to DRAM (microarchitecture reference, section 13)."""


@dataclass(frozen=True)
class RegionResult:
    """Predicted and recorded times of one region, in cycles; the recorded ones may be None."""

    region: Region
    predicted_cycles: int
    predicted_last_completion: int
    events: list[TimingEvent]

    @property
    def relative_error(self) -> float | None:
        """(predicted - recorded) / recorded cycles."""
        if self.region.cycles is None:
            return None
        return (self.predicted_cycles - self.region.cycles) / self.region.cycles

    @property
    def null_cycles(self) -> int:
        """What the model without an accelerator predicts."""
        return self.region.host_gaps + NULL_MODEL_CYCLES

    def as_json(self) -> dict[str, object]:
        """The region's entry in `gemmini replay --json`."""
        return {
            "region": self.region.name,
            "commands": len(self.region.commands),
            "predicted_cycles": self.predicted_cycles,
            "recorded_cycles": self.region.cycles,
            "relative_error": self.relative_error,
            "predicted_last_completion": self.predicted_last_completion,
            "recorded_last_completion": self.region.last_completion,
            "host_gaps": self.region.host_gaps,
        }


def replay(
    regions: Iterable[Region],
    config: GemminiConfig,
    with_events: bool = False,
    seed: int | None = None,
) -> Iterator[RegionResult]:
    """Replay `regions` in order on one model; the contents of the L2 carry over.

    What the L2 holds at first follows from what a recording says about its runs (`residency`). A
    name with another DRAM latency (`lat30`) belongs to another run. Before the first stream that
    runs `_again`, what streams a recording leaves out have read passes through the L2. `seed` is
    that of the L2's replacement, if not the usual one. Raises `TimingError`.
    """
    regions = list(regions)
    latency = config.dram_latency
    with TimingModel(config) as model:
        if seed is not None:
            model.set_seed(seed)
        for index, region in enumerate(regions):
            previous = regions[index - 1] if index > 0 else None
            repeats = previous is not None and _repeats(previous)
            wanted = config.dram_latency if region.dram_latency is None else region.dram_latency
            if wanted != latency:
                model.set_dram_latency(wanted)
            if previous is None or wanted != latency or starts_program(region):
                model.empty_l2()
                contents = residency(regions, index, config, _replay_region)
                for start, size in contents.l2:
                    model.host_write(start, size)
                for start, size in contents.l1:
                    model.host_hold(start, size)
                repeats = False
            if _repeats(region) and not repeats:
                model.other_traffic(max(0, STREAMED - model.l2_traffic))
            latency = wanted
            events: list[TimingEvent] = []
            if with_events:
                model.listen(events.append)
            yield _replay_region(model, region, events)


def _repeats(region: Region) -> bool:
    return region.name.endswith("_again")


def _fetches(region: Region, gap: int) -> int:
    """Instruction lines that the core fetched from memory in a gap before a command.

    Code runs for the first time unless a recording says otherwise; a stream without times has no
    code.
    """
    if region.cycles is None or region.name.endswith("_warm"):
        return 0
    cycles = FETCH_CYCLES + (region.dram_latency or 0)
    return (gap + cycles - SHORTEST_FETCH) // cycles


def _replay_region(
    model: TimingModel, region: Region, events: list[TimingEvent] | None = None
) -> RegionResult:
    model.restart()
    for setting in region.config:
        model.configure(*setting)
    for command in region.commands:
        if command.after_fence:
            model.fence()
        for n in range(_fetches(region, command.gap)):
            model.host_fetch(n * FETCH_CYCLES)
        model.command(command.gap, command.funct, command.rs1, command.rs2)
    cycles = model.fence()
    return RegionResult(region, cycles, model.last_completion, events or [])


_Key = tuple[str, int, int, int]


def event_differences(result: RegionResult) -> dict[str, list[int]]:
    """Predicted minus recorded cycle of each event, by kind (`a`, `i`, `s`).

    The n-th issue of a command is compared with the n-th issue of the same command (funct and
    operands), and completions by the command that held the entry, since entries are reused.
    """
    recorded = _by_command(result.region.events)
    predicted = _by_command(_as_recorded(result.events))
    differences: dict[str, list[int]] = {"a": [], "i": [], "s": []}
    for key, cycles in recorded.items():
        for ours, theirs in zip(predicted.get(key, []), cycles, strict=False):
            differences[key[0]].append(ours - theirs)
    return differences


def _as_recorded(events: list[TimingEvent]) -> Iterator[RecordedEvent]:
    kinds = {EventKind.ALLOCATE: "a", EventKind.ISSUE: "i", EventKind.COMPLETE: "s"}
    for e in events:
        if e.kind in kinds:
            yield RecordedEvent(kinds[e.kind], e.cycle, e.funct, e.rs1, e.rs2, e.entry)


def _by_command(events: Iterable[RecordedEvent]) -> dict[_Key, list[int]]:
    holders: dict[int, tuple[int, int, int]] = {}
    result: dict[_Key, list[int]] = {}
    # An entry may be freed and issued again in one cycle: the completion comes first.
    for event in sorted(events, key=lambda e: (e.cycle, e.kind != "s")):
        if event.kind == "s":
            holder = holders.pop(event.entry, None)
            if holder is not None:
                result.setdefault(("s", *holder), []).append(event.cycle)
            continue
        command = (event.funct, event.rs1, event.rs2)
        if event.kind == "i":
            holders[event.entry] = command
        result.setdefault((event.kind, *command), []).append(event.cycle)
    return result


def event_medians(result: RegionResult) -> dict[str, float]:
    """Median |difference| in cycles of allocations, issues and completions, where there are any."""
    return {
        kind: statistics.median(abs(d) for d in differences)
        for kind, differences in event_differences(result).items()
        if differences
    }


def as_json(results: Iterable[RegionResult], with_events: bool = False) -> str:
    """The JSON list that `gemmini replay --json` prints; one entry per region."""
    entries = []
    for result in results:
        entry = result.as_json()
        if with_events:
            entry["event_differences"] = event_differences(result)
        entries.append(entry)
    return json.dumps(entries, indent=2)


def print_table(
    results: Sequence[RegionResult], console: Console, with_events: bool = False
) -> None:
    """Print one row per region: predicted, recorded, error, and what no accelerator would give."""
    table = Table(title="Predicted by the timing model (cycles)", box=SIMPLE_HEAD, padding=0)
    table.add_column("region", overflow="fold", min_width=16)
    columns = ["commands", "predicted", "recorded", "error", "null"]
    if with_events:
        # Medians of the absolute differences.
        columns += ["issue", "completion"]
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    for result in results:
        region, error = result.region, result.relative_error
        row = [
            region.name,
            str(len(region.commands)),
            str(result.predicted_cycles),
            "-" if region.cycles is None else str(region.cycles),
            "-" if error is None else f"{error:+.2%}",
            str(result.null_cycles),
        ]
        if with_events:
            medians = event_medians(result)
            row += [f"{medians[kind]:g}" if kind in medians else "-" for kind in ("i", "s")]
        table.add_row(*row)
    console.print(table)
