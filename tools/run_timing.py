"""Modelled time of a run: cycles, utilisation, where the cycles went, hardware counters."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.runtime_c.counters import DEFAULT_EVENTS, EVENT_NAMES, RESET, Counter
from gemmini_xdsl.runtime_c.timed import Placement, timed
from gemmini_xdsl.runtime_c.timing import TimingError, TimingModel
from gemmini_xdsl.tools.buffers import Buffer
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.loaded_library import Segment

FIRST_ADDRESS = 0x8000_0000
"""Where the model sees the first argument: the start of DRAM in upstream's memory map."""

DEFAULT_HOST_GAP = 4
"""Cycles that the core is taken to need for a command when the kernel runs on this machine."""

SOURCE = "model"


@dataclass(frozen=True)
class RunTiming:
    """Modelled time of one call, its configuration and final fence included.

    `macs` are multiply-accumulates that contribute to results, `elements` are results.
    """

    cycles: int
    macs: int
    elements: int
    config: GemminiConfig
    breakdown: Mapping[str, int]
    counters: Mapping[str, int] = field(default_factory=dict)

    @property
    def utilization(self) -> float:
        """Share of the array's multiply-accumulates that were useful: MACs / (DIM^2 * cycles)."""
        return self.macs / (self.config.dim**2 * self.cycles)

    @property
    def gops(self) -> float:
        """10^9 operations a second at the configuration's clock, 2 M N K + M N for a product."""
        return (2 * self.macs + self.elements) * self.config.clock_mhz / (self.cycles * 1000)

    def as_json(self) -> dict[str, object]:
        """The fields that `gemmini run --json` adds."""
        fields: dict[str, object] = {
            "cycles": self.cycles,
            "utilization": round(self.utilization, 6),
            "gops": round(self.gops, 3),
            "source": SOURCE,
            "breakdown": dict(self.breakdown),
        }
        if self.counters:
            fields["counters"] = dict(self.counters)
        return fields

    def lines(self) -> Iterator[str]:
        """The same for people."""
        yield (
            f"{self.cycles:,} cycles ({SOURCE}), {self.utilization:.1%} of the array, "
            f"{self.gops:.2f} GOPs at {self.config.clock_mhz} MHz"
        )
        spent = sorted(self.breakdown.items(), key=lambda item: -item[1])
        for cause, cycles in spent:
            if cycles:
                yield f"  {cycles:>12,}  {cycles / self.cycles:6.1%}  {cause.replace('_', ' ')}"
        for name, value in self.counters.items():
            yield f"  {value:>12,}  counter {name}"


def parse_counters(text: str, config: GemminiConfig) -> tuple[str, ...]:
    """Names of counter events from a comma-separated list, or "default". Raises `GemminiError`."""
    names = DEFAULT_EVENTS if text == "default" else tuple(text.split(","))
    for name in names:
        if name not in EVENT_NAMES:
            raise GemminiError(
                f"--counters: no event '{name}'; events are {', '.join(EVENT_NAMES)}"
            )
    if len(names) > config.num_counters:
        raise GemminiError(
            f"--counters: {len(names)} events, but config '{config.name}' has "
            f"{config.num_counters} counters; run again for the others"
        )
    return names


def place(
    buffers: Mapping[str, Buffer], segments: Sequence[Segment] | None, line_bytes: int
) -> list[Placement]:
    """Addresses for arguments and the kernel's own memory, one after another on cache lines."""
    ranges = [
        (buffer.storage.ctypes.data, buffer.storage.nbytes)
        for buffer in buffers.values()
        if buffer.argument.shape is not None and buffer.storage.nbytes
    ]
    ranges += [(segment.address, segment.memory.nbytes) for segment in segments or ()]
    placements: list[Placement] = []
    address = FIRST_ADDRESS
    for host, size in ranges:
        placements.append(Placement(host, size, address))
        address += -(-size // line_bytes) * line_bytes
    return placements


class Timer:
    """Times one kernel call: `with timer.running(): ...`, then `timer.result(...)`."""

    def __init__(self, config: GemminiConfig, host_gap: int, counters: Sequence[str] = ()):
        """Raises `GemminiError` for hardware that the timing model does not represent."""
        self.config = config
        self.host_gap = host_gap
        self.counters = [Counter(index, name) for index, name in enumerate(counters)]
        try:
            self.model = TimingModel(config)
        except TimingError as error:
            raise GemminiError(f"the timing model: {error}") from None
        self._start = 0
        self._before: dict[str, int] = {}

    @contextmanager
    def running(self, placements: Sequence[Placement]) -> Iterator[None]:
        """Time what the kernel sends inside the block; its arguments were just written."""
        for placement in placements:
            self.model.host_write(placement.address, placement.size)
        if self.counters:
            self.model.counter(0, RESET)
        for counter in self.counters:
            self.model.counter(0, counter.configure)
        self._start = self.model.cycles
        self._before = self._breakdown()
        with timed(self.model, self.host_gap, placements):
            yield

    def _breakdown(self) -> dict[str, int]:
        return {cause.name.lower(): cycles for cause, cycles in self.model.breakdown().items()}

    def result(self, macs: int, elements: int) -> RunTiming:
        """The time since `running`. Raises `GemminiError` if the accelerator hung."""
        try:
            idle = self.model.fence()
            breakdown = {
                cause: cycles - self._before[cause] for cause, cycles in self._breakdown().items()
            }
            counters = {
                counter.name: self.model.counter(0, counter.read)[1] for counter in self.counters
            }
        except TimingError as error:
            where = "" if error.command is None else f" at command {error.command}"
            raise GemminiError(f"the timing model stopped{where}: {error}") from None
        cycles = max(1, idle - self._start)
        return RunTiming(cycles, macs, elements, self.config, breakdown, counters)
