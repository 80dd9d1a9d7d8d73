"""What is behind the custom instructions of an emulated hart: the simulator and its time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.hardware.encoding import Funct
from gemmini_xdsl.runtime_c.simulator import Simulator
from gemmini_xdsl.runtime_c.timing import TimingError, TimingModel
from gemmini_xdsl.tools.elf_file import ElfFile
from gemmini_xdsl.tools.runners.rocket import REPLAY_CYCLES, RocketModel

_LONGEST_GAP = 10_000


@dataclass
class Accelerator:
    """Executes commands and fences, and keeps the time of core and accelerator.

    Without `timing` the cycle counter shows the core's cycles alone. `gap_cycles` are the cycles
    that the core spent between commands; `measured_instructions` and `measured_commands` count
    between the program's last two looks at a counter that have commands between them. `recorded`,
    if it is a list, receives every command, and None for a fence.
    """

    simulator: Simulator
    core: RocketModel
    timing: TimingModel | None
    commands: int = 0
    now: int = 0
    gap_cycles: int = 0
    stall_cycles: int = 0
    measured_instructions: int = 0
    measured_commands: int = 0
    timing_problem: str | None = None
    recorded: list[tuple[int, int, int] | None] | None = None
    _clock: int = 0
    _skipped: int = 0
    _last_read: tuple[int, int] = (0, 0)

    def command(self, funct: int, rs1: int, rs2: int) -> None:
        """Execute one command. Raises `SimulatorError`."""
        self.commands += 1
        if self.recorded is not None:
            self.recorded.append((funct, rs1, rs2))
        self._spend_gap()
        if self.timing is not None and funct != Funct.FLUSH:
            self._report_writes(self.timing)
            self._pass_time(self.timing, funct, rs1, rs2)
        self.simulator.command(funct, rs1, rs2)

    def fence(self, address: int) -> None:
        """Wait until the accelerator is idle. Raises `SimulatorError`."""
        behind = self.core.cycles_behind_fence(address)
        self.simulator.fence()
        if self.recorded is not None:
            self.recorded.append(None)
        self.core.gap -= behind
        self._spend_gap()
        self.core.gap += behind
        if self.timing is None or self.commands == 0:
            return
        try:
            idle = self.timing.fence()
        except TimingError as error:
            self._give_up(error)
            return
        self._clock = idle + self._skipped
        self.stall_cycles += max(0, self._clock - self.now)
        self.now = max(self.now, self._clock)

    def counter_read(self) -> None:
        """The program reads a counter: what lies between two reads with commands is measured."""
        instructions, commands = self._last_read
        if self.commands > commands:
            self.measured_instructions = self.core.instructions - instructions
            self.measured_commands = self.commands - commands
        self._last_read = self.core.instructions, self.commands

    @property
    def cycles(self) -> int:
        """The cycle counter."""
        return self.now + self.core.gap

    def _spend_gap(self) -> None:
        gap = self.core.take_gap()
        self.gap_cycles += gap
        self.now += gap

    def counter(self, rs1: int) -> int | None:
        """The answer to a COUNTER command, or None without a model of time to count in."""
        self.commands += 1
        self._spend_gap()
        if self.timing is None:
            return None
        try:
            answered, value = self.timing.counter(self._gap(), rs1)
        except TimingError as error:
            self._give_up(error)
            return None
        self._clock = answered + self._skipped
        self.now = max(self.now, self._clock)
        return value

    def _gap(self) -> int:
        """Cycles from the timing model's clock to the core's."""
        gap = self.now - self._clock
        if gap > _LONGEST_GAP:
            # The accelerator has long been idle; its model need not count every cycle.
            self._skipped += gap - _LONGEST_GAP
            gap = _LONGEST_GAP
        return gap

    def _pass_time(self, timing: TimingModel, funct: int, rs1: int, rs2: int) -> None:
        try:
            accepted = timing.command(self._gap(), funct, rs1, rs2) + self._skipped
        except TimingError as error:
            self._give_up(error)
            return
        self._clock = accepted
        if accepted > self.now:
            # A refused command comes again no sooner than the pipeline has been refilled.
            resumed = max(accepted, self.now + REPLAY_CYCLES)
            self.stall_cycles += resumed - self.now
            self.now = resumed

    def _give_up(self, error: TimingError) -> None:
        self.timing_problem = str(error)
        self.timing = None

    def _report_writes(self, timing: TimingModel) -> None:
        if not self.core.written:
            return
        bits = self.core.line_bits
        lines = sorted(self.core.written)
        start = previous = lines[0]
        for line in [*lines[1:], -1]:
            if line != previous + 1:
                timing.host_write(start << bits, (previous - start + 1) << bits)
                start = line
            previous = line
        self.core.written.clear()


def map_memory(
    simulator: Simulator,
    elf: ElfFile,
    memory: NDArray[np.uint8],
    base: int,
    checked: bool,
) -> None:
    """Let commands access the program's memory: all of it, or if `checked` its objects alone.

    Input buffers of generated programs and constants are then read-only, and the stack cannot be
    accessed.
    """
    if not checked:
        simulator.map(base, memory)
        return
    regions: dict[int, tuple[int, bool]] = {}
    for symbol in elf.symbols:
        if symbol.is_object and symbol.size:
            writable = not symbol.name.startswith("gemmini_input_") and any(
                segment.writable and segment.address <= symbol.address < end
                for segment in elf.segments
                if (end := segment.address + segment.size)
            )
            known = regions.get(symbol.address, (0, False))
            regions[symbol.address] = max(known, (symbol.size, writable))
    end = base
    for address in sorted(regions):
        size, writable = regions[address]
        if address < end or address + size > base + memory.size:
            continue
        end = address + size
        view = memory[address - base : end - base]
        if not writable:
            view = view.view()
            view.flags.writeable = False
        simulator.map(address, view)


def make_accelerator(
    config: GemminiConfig, core: RocketModel, checked: bool, timing: bool
) -> Accelerator:
    """An idle accelerator of `config`; times are left out if the model refuses the hardware."""
    problem = None
    model: TimingModel | None = None
    if timing:
        try:
            model = TimingModel(config)
        except TimingError as error:
            problem = str(error)
    accelerator = Accelerator(Simulator(config, checked=checked), core, model)
    accelerator.timing_problem = problem
    return accelerator
