"""Recorded command streams: reading trace files.

A trace file (text, optionally gzipped) is either a recording of the RTL, split into regions with
the times of all events (tests/data/rtl/README.md), or a plain command stream: lines
`funct7 rs1 rs2` and `fence`, as `-t gemmini-commands` writes them. Operands are hexadecimal, funct7
is decimal unless it begins with 0x; what follows `;` or `#` is a comment.
"""

from __future__ import annotations

import gzip
import re
import zlib
from dataclasses import dataclass, field
from pathlib import Path

_LATENCY = re.compile(r"(?:^|[_.])lat=?(\d+)(?:[_.]|$)")


def _command(funct: str, rs1: str, rs2: str) -> tuple[int, int, int]:
    command = int(funct, 0), int(rs1, 16), int(rs2, 16)
    if not (0 <= command[0] < 1 << 7 and all(0 <= operand < 1 << 64 for operand in command[1:])):
        raise ValueError(command)
    return command


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
    """One block of a recording; `cycles` is None in a plain command stream.

    `dram_latency` is what the name of the region or of the file says about the DRAM (`lat30`: 30
    cycles more than a next-cycle first beat), None if neither does.
    """

    name: str
    cycles: int | None = None
    last_completion: int | None = None
    host_gaps: int = 0
    dram_latency: int | None = None
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
        parts = line.split(";")[0].split("#")[0].split()
        if not parts:
            continue
        try:
            (reader.recorded if recorded else reader.plain)(line, parts)
        except (ValueError, IndexError, KeyError, TypeError):
            raise TraceError(f"{path}:{number}: not a line of a trace: {line!r}") from None
    if not recorded:
        for region in regions:
            region.name = path.name.removesuffix(".gz").removesuffix(".trace")
    for region in regions:
        named = _LATENCY.search(region.name) or _LATENCY.search(path.name)
        region.dram_latency = int(named[1]) if named else None
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
        funct, rs1, rs2 = _command(*parts[:3])
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
            region.config.append(_command(*parts[1:4]))
        elif kind == "c":
            valid, accept = int(parts[1]), int(parts[2])
            gap = valid - (self.idle if self.fence else self.accepted)
            if gap < 0:
                raise ValueError(gap)
            funct, rs1, rs2 = _command(*parts[3:6])
            region.commands.append(HostCommand(gap, funct, rs1, rs2, self.fence))
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
