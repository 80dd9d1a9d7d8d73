"""Timelines of a run in the timing model: Chrome/Perfetto trace files and static pictures.

A `TimelineRecorder` listens to a `TimingModel`; its timeline has one track per unit and
reservation-station partition, the occupancy of each bank, and the traffic to DRAM.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.hardware.encoding import Funct
from gemmini_xdsl.runtime_c.timing import EventKind, TimingEvent, TimingModel

_PARTITIONS = ("load", "execute", "store")
_ENTRIES = 16
"""Entries of a partition are named from 0, 16 and 32; so are accumulator banks from 16."""

_DRAM_WINDOW = 64
"""Cycles over which DRAM traffic is summed up for a trace."""


class TraceOutputError(RuntimeError):
    """The picture cannot be drawn or a file cannot be written; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Span:
    """Something that occupied `track` from cycle `start` to `end`."""

    track: str
    name: str
    start: int
    end: int
    command: int
    detail: str = ""


@dataclass
class Timeline:
    """All that happened in a run; cycles count from its start."""

    config: GemminiConfig
    spans: list[Span] = field(default_factory=list)
    dram_reads: dict[int, int] = field(default_factory=dict)
    dram_writes: dict[int, int] = field(default_factory=dict)
    cycles: int = 0

    @property
    def tracks(self) -> list[str]:
        """Names of the tracks in drawing order."""
        waiting = [f"station: {name}" for name in _PARTITIONS]
        units = [f"unit: {name}" for name in _PARTITIONS]
        banks = [f"scratchpad bank {n}" for n in range(self.config.scratchpad_banks)]
        banks += [f"accumulator bank {n}" for n in range(self.config.accumulator_banks)]
        return [*waiting, *units, *banks]


class TimelineRecorder:
    """Collects the events of `model` from its creation until `finish`.

    `location` gives the source op of a core's command by its index, for example an MLIR location.
    """

    def __init__(
        self,
        model: TimingModel,
        config: GemminiConfig,
        location: Callable[[int], str] | None = None,
    ) -> None:
        self._model = model
        self._timeline = Timeline(config)
        self._location = location or (lambda _command: "")
        self._allocated: dict[int, TimingEvent] = {}
        self._issued: dict[int, TimingEvent] = {}
        self._banks: dict[tuple[int, EventKind], list[int]] = {}
        model.listen(self._note)
        model.listen_to_banks()

    def finish(self) -> Timeline:
        """Stop listening and return the timeline; the accelerator must be idle."""
        self._model.listen(None)
        self._model.listen_to_banks(False)
        for bank, kind in list(self._banks):
            self._close_bank(bank, kind)
        self._timeline.cycles = self._model.cycles
        self._timeline.spans.sort(key=lambda span: (span.start, span.track))
        return self._timeline

    def _note(self, event: TimingEvent) -> None:
        line = self._timeline.config.l2_line_bytes
        window = event.cycle // _DRAM_WINDOW * _DRAM_WINDOW
        match event.kind:
            case EventKind.ALLOCATE:
                self._allocated[event.entry] = event
            case EventKind.ISSUE:
                self._span("station", event, self._allocated.pop(event.entry).cycle)
                self._issued[event.entry] = event
            case EventKind.COMPLETE:
                self._span("unit", event, self._issued.pop(event.entry).cycle)
            case EventKind.DRAM_READ:
                reads = self._timeline.dram_reads
                reads[window] = reads.get(window, 0) + line
            case EventKind.DRAM_WRITE:
                writes = self._timeline.dram_writes
                writes[window] = writes.get(window, 0) + line
            case EventKind.BANK_READ | EventKind.BANK_WRITE:
                self._note_bank(event)
            case _:
                pass

    def _span(self, prefix: str, event: TimingEvent, start: int) -> None:
        self._timeline.spans.append(
            Span(
                f"{prefix}: {_PARTITIONS[event.entry // _ENTRIES]}",
                _command_name(event),
                start,
                event.cycle,
                event.command,
                self._location(event.command),
            )
        )

    def _note_bank(self, event: TimingEvent) -> None:
        key = event.entry, event.kind
        open_span = self._banks.get(key)
        if open_span is not None and open_span[1] == event.cycle:
            open_span[1] += 1
            return
        if open_span is not None:
            self._close_bank(*key)
        self._banks[key] = [event.cycle, event.cycle + 1]

    def _close_bank(self, bank: int, kind: EventKind) -> None:
        start, end = self._banks.pop((bank, kind))
        memory = "scratchpad" if bank < _ENTRIES else "accumulator"
        name = "read" if kind is EventKind.BANK_READ else "write"
        self._timeline.spans.append(Span(f"{memory} bank {bank % _ENTRIES}", name, start, end, -1))


def _command_name(event: TimingEvent) -> str:
    return Funct(event.funct).name


def chrome_events(timeline: Timeline) -> Iterator[dict[str, object]]:
    """The entries of `traceEvents` in Chrome's trace format; one cycle is shown as 1 us.

    Commands of a partition overlap, so they are spread over as many rows as needed.
    """
    names: dict[str, list[int]] = {}
    order = {track: index for index, track in enumerate(timeline.tracks)}
    yield {"ph": "M", "pid": 0, "name": "process_name", "args": {"name": "Gemmini"}}
    for span in timeline.spans:
        rows = names.setdefault(span.track, [])
        row = next((n for n, free in enumerate(rows) if free <= span.start), len(rows))
        thread = order[span.track] * _ENTRIES * 4 + row
        if row == len(rows):
            rows.append(0)
            label = span.track if row == 0 else f"{span.track} ({row + 1})"
            for kind, value in (
                ("thread_name", {"name": label}),
                ("thread_sort_index", {"sort_index": thread}),
            ):
                yield {"ph": "M", "pid": 0, "tid": thread, "name": kind, "args": value}
        rows[row] = span.end
        arguments: dict[str, object] = {}
        if span.command >= 0:
            arguments["command"] = span.command
        if span.detail:
            arguments["location"] = span.detail
        yield {
            "ph": "X",
            "pid": 0,
            "tid": thread,
            "name": span.name,
            "cat": span.track,
            "ts": span.start,
            "dur": span.end - span.start,
            "args": arguments,
        }
    windows = sorted({*timeline.dram_reads, *timeline.dram_writes})
    last = -1
    for window in windows:
        if last >= 0 and window != last + _DRAM_WINDOW:
            yield _dram_sample(timeline, last + _DRAM_WINDOW)
        yield _dram_sample(timeline, window)
        last = window
    if last >= 0:
        yield _dram_sample(timeline, last + _DRAM_WINDOW)


def _dram_sample(timeline: Timeline, window: int) -> dict[str, object]:
    return {
        "ph": "C",
        "pid": 0,
        "name": "DRAM bytes per cycle",
        "ts": window,
        "args": {
            "read": timeline.dram_reads.get(window, 0) / _DRAM_WINDOW,
            "write": timeline.dram_writes.get(window, 0) / _DRAM_WINDOW,
        },
    }


def write_chrome_trace(timeline: Timeline, output: IO[str]) -> None:
    """Write the timeline as JSON that ui.perfetto.dev and chrome://tracing open."""
    output.write('{"displayTimeUnit":"ns","otherData":')
    json.dump({"unit": "cycles", "source": "model", "cycles": timeline.cycles}, output)
    output.write(',"traceEvents":[\n')
    for index, event in enumerate(chrome_events(timeline)):
        output.write(",\n" if index else "")
        json.dump(event, output, separators=(",", ":"))
    output.write("\n]}\n")


def write_png(timeline: Timeline, path: Path) -> None:
    """Draw the timeline as a PNG picture.

    Raises `TraceOutputError` without matplotlib (extra `report`) or if `path` cannot be written.
    """
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        raise TraceOutputError(
            "a picture needs matplotlib: pip install 'gemmini-xdsl[report]'"
        ) from None
    tracks = timeline.tracks
    figure = Figure(figsize=(14, 0.35 * len(tracks) + 1.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for position, track in enumerate(tracks):
        spans = [s for s in timeline.spans if s.track == track]
        for name, colour in _COLOURS:
            bars = [(s.start, s.end - s.start) for s in spans if name in s.name]
            axes.broken_barh(bars, (len(tracks) - position - 0.9, 0.8), facecolors=colour)
    axes.set_yticks([len(tracks) - n - 0.5 for n in range(len(tracks))], tracks)
    axes.set_xlim(0, max(1, timeline.cycles))
    axes.set_xlabel("cycles (model)")
    try:
        figure.savefig(path, format="png", dpi=110, metadata={"Software": None})
    except OSError as error:
        raise TraceOutputError(f"{path}: cannot write the picture: {error.strerror}") from None


_COLOURS = (
    ("MVIN", "#1b6ca8"),
    ("PRELOAD", "#d68910"),
    ("COMPUTE", "#2e8b57"),
    ("MVOUT", "#c0392b"),
    ("CONFIG", "#7f8c8d"),
    ("read", "#2e8b57"),
    ("write", "#1b6ca8"),
)
