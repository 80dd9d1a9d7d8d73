"""Replay recorded command streams on the timing model and compare with the recorded times.

A trace file (text, optionally gzipped) is either a recording of the RTL, split into regions with
the times of all events, or a plain command stream: lines `funct7 rs1 rs2` (funct decimal, operands
hexadecimal) and `fence`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.runtime_c.timing import EventKind, TimingEvent, TimingModel

NULL_MODEL_CYCLES = 35
"""Cycles that the model without an accelerator adds to the host's gaps: one load's latency."""


_LATENCY = re.compile(r"(?:^|_)lat(\d+)(?:_|$)")


class TraceError(ValueError):
    """A trace that is malformed; the text names file and line."""


@dataclass(frozen=True, slots=True)
class HostCommand:
    """One command of the core, offered `gap` cycles after the last acceptance or fence."""

    gap: int
    funct: int
    rs1: int
    rs2: int
    after_fence: bool


@dataclass(frozen=True, slots=True)
class RecordedEvent:
    """`kind` is `a` (allocated), `i` (issued) or `s` (completed); entry -1 where not recorded."""

    kind: str
    cycle: int
    funct: int
    rs1: int
    rs2: int
    entry: int


@dataclass
class Region:
    """One block of a recording; `cycles` is None in a plain command stream."""

    name: str
    cycles: int | None = None
    last_completion: int | None = None
    host_gaps: int = 0
    config: list[tuple[int, int, int]] = field(default_factory=list)
    commands: list[HostCommand] = field(default_factory=list)
    events: list[RecordedEvent] = field(default_factory=list)


def read_trace(path: Path, host_gap: int = 1) -> list[Region]:
    """The regions of the trace at `path`; a plain stream is one region with gaps of `host_gap`.

    Raises `TraceError` for files that cannot be read or parsed.
    """
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode()
    except (OSError, EOFError, zlib.error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise TraceError(f"{path}: cannot read the trace: {reason}") from None
    lines = text.splitlines()
    recorded = any(line.startswith("region ") for line in lines)
    regions: list[Region] = []
    reader = _Reader(regions, host_gap)
    for number, line in enumerate(lines, 1):
        parts = line.split()
        if not parts or parts[0].startswith("#"):
            continue
        try:
            (reader.recorded if recorded else reader.plain)(line, parts)
        except (ValueError, IndexError):
            raise TraceError(f"{path}:{number}: not a line of a trace: {line!r}") from None
    if not recorded:
        for region in regions:
            region.name = path.name.removesuffix(".gz").removesuffix(".trace")
    if not any(region.commands for region in regions):
        raise TraceError(f"{path}: the trace has no commands")
    return regions


class _Reader:
    """Collects the lines of a trace into regions."""

    def __init__(self, regions: list[Region], host_gap: int) -> None:
        self.regions = regions
        self.host_gap = host_gap
        self.accepted = 0
        self.idle = 0
        self.fence = False

    def plain(self, _line: str, parts: list[str]) -> None:
        if not self.regions:
            self.regions.append(Region(""))
        region = self.regions[0]
        if parts[0] in ("fence", "f"):
            self.fence = True
            return
        funct, rs1, rs2 = int(parts[0]), int(parts[1], 16), int(parts[2], 16)
        gap = self.host_gap if region.commands else 0
        region.commands.append(HostCommand(gap, funct, rs1, rs2, self.fence))
        region.host_gaps += gap
        self.fence = False

    def recorded(self, line: str, parts: list[str]) -> None:
        kind = parts[0]
        if kind == "region":
            name, rest = line.removeprefix("region '").rsplit("'", 1)
            values = dict(item.split("=") for item in rest.split())
            self.regions.append(
                Region(
                    name,
                    int(values["cycles"]),
                    int(values["last_completion"]),
                    int(values["host_gaps"]),
                )
            )
            self.accepted, self.idle, self.fence = 0, 0, False
            return
        region = self.regions[-1]
        if kind == "config":
            region.config.append((int(parts[1]), int(parts[2], 16), int(parts[3], 16)))
        elif kind == "c":
            valid, accept = int(parts[1]), int(parts[2])
            gap = valid - (self.idle if self.fence else self.accepted)
            region.commands.append(
                HostCommand(gap, int(parts[3]), int(parts[4], 16), int(parts[5], 16), self.fence)
            )
            self.accepted, self.fence = accept, False
        elif kind == "f":
            self.fence = True
        elif kind == "d":
            self.idle = int(parts[1])
        elif kind in ("a", "i"):
            entry = int(parts[5]) if kind == "i" else -1
            region.events.append(
                RecordedEvent(
                    kind, int(parts[1]), int(parts[2]), int(parts[3], 16), int(parts[4], 16), entry
                )
            )
        elif kind == "s":
            region.events.append(RecordedEvent("s", int(parts[1]), 0, 0, 0, int(parts[2])))
        else:
            raise ValueError(kind)


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
    regions: Iterable[Region], config: GemminiConfig, with_events: bool = False
) -> Iterator[RegionResult]:
    """Replay `regions` in order on one model; the contents of the L2 carry over.

    What the L2 holds at first follows from what a recording says about its runs. Data that fit
    into it are there from the start, unless regions are named `_cold` (first runs of a kernel):
    then, and where they do not fit, it is empty. A `_cold` region without stated configuration is
    the first thing its program did, and a name with another DRAM latency (`lat30`) belongs to
    another run, so both start with an empty L2 too. Raises `TimingError`.
    """
    regions = list(regions)
    written = _footprint(regions, config)
    fits = sum(size for _, size in written) <= config.l2_kib * 1024
    cold_start = any(region.name.endswith("_cold") for region in regions)
    latency = config.dram_latency
    repeated = False
    with TimingModel(config) as model:
        if fits and not cold_start:
            for start, size in written:
                model.host_write(start, size)
        for region in regions:
            named = _LATENCY.search(region.name)
            if (int(named[1]) if named else config.dram_latency) != latency:
                latency = int(named[1]) if named else config.dram_latency
                model.set_dram_latency(latency)
                model.empty_l2()
            if region.name.endswith("_cold") and not region.config:
                model.empty_l2()
            again = region.name.endswith("_again")
            if again and not repeated:
                model.fill_l2()
            repeated = again
            events: list[TimingEvent] = []
            if with_events:
                model.listen(events.append)
            yield _replay_region(model, region, events)


def _replay_region(model: TimingModel, region: Region, events: list[TimingEvent]) -> RegionResult:
    model.restart()
    for setting in region.config:
        model.configure(*setting)
    for command in region.commands:
        if command.after_fence:
            model.fence()
        model.command(command.gap, command.funct, command.rs1, command.rs2)
    cycles = model.fence()
    return RegionResult(region, cycles, model.last_completion, events)


def _footprint(regions: list[Region], config: GemminiConfig) -> list[tuple[int, int]]:
    """Address ranges (start, bytes) of the L2 lines that the regions use, found by a dry run."""
    line = config.l2_line_bytes
    lines: set[int] = set()

    def note(event: TimingEvent) -> None:
        if event.kind is EventKind.L2_MISS:
            lines.add(event.rs1)

    with TimingModel(config) as model:
        model.listen(note)
        for region in regions:
            _replay_region(model, region, [])
    ranges: list[tuple[int, int]] = []
    for address in sorted(lines):
        if ranges and sum(ranges[-1]) == address:
            ranges[-1] = (ranges[-1][0], ranges[-1][1] + line)
        else:
            ranges.append((address, line))
    return ranges


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
    order: Callable[[RecordedEvent], tuple[int, int]] = lambda e: (e.cycle, e.kind != "s")  # noqa: E731
    for event in sorted(events, key=order):
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
