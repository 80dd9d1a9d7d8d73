"""The time that a Rocket core needs between commands.

Rocket issues one instruction a cycle in order. What it loses is modelled with the figures that
were measured in RTL of a Chipyard SoC (16 KiB L1 caches, 512 KiB L2, next-cycle DRAM): a chain of
loads takes 3 cycles each from the L1, 15 from the L2 and 27 from DRAM; 64 commands issue in 65
cycles; an empty fence takes 2. A command that finds the accelerator's queue full is fetched again.
Branch prediction and the multiplier follow Rocket Chip's default core and are estimates.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.tools.runners.instructions import Instruction, Kind, instructions

LOAD_LATENCY = 3
L2_HIT_LATENCY = 15
DRAM_LATENCY = 27
FENCE_CYCLES = 2
REPLAY_CYCLES = 4
MULTIPLY_LATENCY = 8
DIVIDE_LATENCY = 34
FLOAT_LATENCY = 4
CSR_CYCLES = 3
MISPREDICTION_CYCLES = 3
UNPREDICTED_JUMP_CYCLES = 2
BTB_ENTRIES = 28
RETURN_STACK_ENTRIES = 6
L1_SETS, L1_WAYS = 64, 4

_LATENCIES = {
    Kind.LOAD: LOAD_LATENCY,
    Kind.ATOMIC: LOAD_LATENCY,
    Kind.MULTIPLY: MULTIPLY_LATENCY,
    Kind.DIVIDE: DIVIDE_LATENCY,
    Kind.CSR: CSR_CYCLES,
}
_RETURN_ADDRESS = 1


class Cache:
    """Lines of a set-associative cache with least-recently-used replacement."""

    def __init__(self, sets: int, ways: int, line_bytes: int) -> None:
        self._sets: list[OrderedDict[int, None]] = [OrderedDict() for _ in range(sets)]
        self._ways = ways
        self.line_bits = line_bytes.bit_length() - 1

    def access(self, line: int) -> bool:
        """Whether line number `line` was present; it is afterwards."""
        entries = self._sets[line % len(self._sets)]
        if line in entries:
            entries.move_to_end(line)
            return True
        if len(entries) == self._ways:
            entries.popitem(last=False)
        entries[line] = None
        return False


@dataclass(frozen=True, slots=True)
class Block:
    """A basic block: what it costs without misses, and how it ends.

    `after_fence` maps the address of each fence to the cycles of what follows it.
    """

    count: int
    cycles: int
    lines: tuple[int, ...]
    end: int
    last: Instruction | None
    last_address: int
    after_fence: dict[int, int]


class RocketModel:
    """Accumulates the core's cycles since the last command, fence or `take_gap`."""

    def __init__(self, config: GemminiConfig, read_code: Callable[[int, int], bytes]) -> None:
        self._read_code = read_code
        self._blocks: dict[tuple[int, int], Block] = {}
        line = config.l2_line_bytes
        self._instruction_cache = Cache(L1_SETS, L1_WAYS, line)
        self._data_cache = Cache(L1_SETS, L1_WAYS, line)
        l2_sets = max(1, config.l2_bytes // (config.l2_ways * line))
        self._l2 = Cache(l2_sets, config.l2_ways, line)
        self.line_bits = self._data_cache.line_bits
        self._dram = DRAM_LATENCY + config.dram_latency
        self._counters: OrderedDict[int, int] = OrderedDict()
        self._return_stack: list[int] = []
        self._previous: Block | None = None
        self._recent_line = -1
        self.gap = 0
        self.instructions = 0
        self.written: set[int] = set()
        """Line numbers that the core wrote since this set was last cleared."""

    # -- what happened ------------------------------------------------------------------------

    def block(self, address: int, size: int) -> None:
        """The core enters a basic block of `size` bytes."""
        block = self._blocks.get((address, size))
        if block is None:
            block = self._blocks[address, size] = self._decode(address, size)
        cycles = block.cycles
        previous = self._previous
        if previous is not None and previous.last is not None:
            cycles += self._control_cycles(previous, previous.last, address)
        for line in block.lines:
            if not self._instruction_cache.access(line):
                cycles += L2_HIT_LATENCY if self._l2.access(line) else self._dram
        self._previous = block
        self.gap += cycles
        self.instructions += block.count

    def memory(self, address: int, is_write: bool) -> None:
        """The core reads or writes memory."""
        line = address >> self.line_bits
        if is_write:
            self.written.add(line)
        if line == self._recent_line:
            return
        self._recent_line = line
        if not self._data_cache.access(line):
            latency = L2_HIT_LATENCY if self._l2.access(line) else self._dram
            self.gap += latency - LOAD_LATENCY

    def interrupted(self) -> None:
        """Control moved in a way that no instruction caused."""
        self._previous = None

    def cycles_behind_fence(self, address: int) -> int:
        """What the current block has already been charged for instructions behind its fence."""
        return self._previous.after_fence.get(address, 0) if self._previous else 0

    def take_gap(self) -> int:
        """The cycles since the last call; at least 0."""
        gap, self.gap = max(self.gap, 0), 0
        return gap

    # -- costs --------------------------------------------------------------------------------

    def _decode(self, address: int, size: int) -> Block:
        code = self._read_code(address, size)
        ready: dict[int, int] = {}
        time = count = 0
        last: Instruction | None = None
        last_address = address
        fences: dict[int, int] = {}
        for last_address, found in instructions(code, address):
            last = found
            issue = max([time, *(ready.get(register, 0) for register in found.reads)])
            time = issue + _issue_cycles(found.kind)
            if found.writes:
                ready[found.writes] = issue + _LATENCIES.get(found.kind, 1)
            if found.kind == Kind.FENCE:
                fences[last_address] = time
            count += 1
        after = {fence: time - when for fence, when in fences.items()}
        bits = self._instruction_cache.line_bits
        lines = tuple(range(address >> bits, (address + size - 1 >> bits) + 1))
        return Block(count, time, lines, address + size, last, last_address, after)

    def _control_cycles(self, block: Block, last: Instruction, target: int) -> int:
        """The bubble behind the last instruction of `block`, which led to `target`."""
        match last.kind:
            case Kind.BRANCH:
                return self._branch(block.last_address, target != block.end)
            case Kind.JUMP:
                if last.writes == _RETURN_ADDRESS:
                    self._call(block.end)
                return 0 if self._in_btb(block.last_address) else UNPREDICTED_JUMP_CYCLES
            case Kind.INDIRECT:
                is_return = last.writes == 0 and last.reads == (_RETURN_ADDRESS,)
                if last.writes == _RETURN_ADDRESS:
                    self._call(block.end)
                if is_return and self._return_stack and self._return_stack.pop() == target:
                    return UNPREDICTED_JUMP_CYCLES
                return MISPREDICTION_CYCLES
        return 0

    def _branch(self, address: int, taken: bool) -> int:
        """Two-bit counters of branches in the target buffer; others count as not taken."""
        counter = self._counters.get(address)
        predicted = counter is not None and counter >= 2
        if counter is None:
            if taken:
                self._enter(address, 2)
        else:
            self._counters.move_to_end(address)
            self._counters[address] = min(counter + 1, 3) if taken else max(counter - 1, 0)
        return 0 if predicted == taken else MISPREDICTION_CYCLES

    def _in_btb(self, address: int) -> bool:
        if address in self._counters:
            self._counters.move_to_end(address)
            return True
        self._enter(address, 3)
        return False

    def _enter(self, address: int, counter: int) -> None:
        if len(self._counters) == BTB_ENTRIES:
            self._counters.popitem(last=False)
        self._counters[address] = counter

    def _call(self, link: int) -> None:
        if len(self._return_stack) == RETURN_STACK_ENTRIES:
            self._return_stack.pop(0)
        self._return_stack.append(link)


def _issue_cycles(kind: Kind) -> int:
    match kind:
        case Kind.FENCE:
            return FENCE_CYCLES
        case Kind.CSR:
            return CSR_CYCLES
        case Kind.FLOAT:
            # Chains of floating-point instructions are common and not tracked.
            return FLOAT_LATENCY
        case _:
            return 1
