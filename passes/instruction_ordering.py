"""The tasks that instructions make up, what they wait for, and their order."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gemmini_xdsl.dialects.attributes import Space
from gemmini_xdsl.dialects.isa import MvoutOp, PreloadOp
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.instruction_costs import InstructionCosts
from gemmini_xdsl.passes.instruction_groups import InstructionGroups, with_configs
from gemmini_xdsl.passes.list_scheduling import Task, Unit, depend, list_schedule
from gemmini_xdsl.passes.straight_line import Instruction, LocalAddress, exchange_destinations
from gemmini_xdsl.passes.transfer_costs import TransferCosts


def order_instructions(
    before: Iterable[Instruction], code: Iterable[Instruction], config: GemminiConfig
) -> list[Instruction]:
    """The configurations `before` some code and the code, in an order that hides latency.

    Instructions that touch the same rows of local memory keep their order, but additions to the
    same sums may change places, and each configuration goes to the first instruction that depends
    on it. Everything keeps its place if configuration changes inside. The addresses of `code` are
    changed where another instruction is now the first of a sum. Raises `PassFailedException` for
    code that cannot be ordered.
    """
    groups = InstructionGroups(code)
    if groups.repeated:
        return [*before, *groups.in_program_order()]
    return with_configs([*before, *groups.configs], _Tasks(config).ordered(groups.groups))


@dataclass(eq=False)
class _Sum:
    """Tasks that add to one block of the accumulator, in any order: the first one overwrites.

    `writers` are the tasks with the instruction that holds the address; `after` is what all of
    them wait for. A task that covers fewer elements than the first comes behind it.
    """

    after: list[Task]
    sizes: tuple[int, ...]
    writers: list[tuple[Task, Instruction]] = field(default_factory=list)

    def let_first_overwrite(self, position: Mapping[Task, int]) -> None:
        """Exchange the addresses of what overwrites and of what now comes first."""
        (_, overwriting), *_ = self.writers
        _, first = min(self.writers, key=lambda writer: position[writer[0]])
        if first is not overwriting:
            exchange_destinations(overwriting, first)


@dataclass(slots=True)
class _Row:
    """What last touched one block of rows."""

    written: list[Task] = field(default_factory=list)
    sum: _Sum | None = None
    read: list[Task] = field(default_factory=list)

    def tasks(self) -> list[Task]:
        """All of it."""
        return [*self.written, *self.read]


class _Located(NamedTuple):
    """Where an access goes: the state of the memory, its rows by the block, and their banks."""

    state: dict[int, _Row]
    blocks: range
    banks: frozenset[int]


class _Tasks:
    """Groups of instructions as tasks with their dependencies."""

    def __init__(self, config: GemminiConfig):
        self.config = config
        self.costs = InstructionCosts(config)
        self.transfers = TransferCosts(config)
        self._rows: dict[Space, dict[int, _Row]] = {space: {} for space in Space}
        self._sums: list[_Sum] = []
        self._located: dict[tuple[LocalAddress, int], _Located] = {}

    def ordered(self, groups: Sequence[Sequence[Instruction]]) -> list[Instruction]:
        """The instructions in their new order."""
        tasks = [self._task(number, group) for number, group in enumerate(groups)]
        self._forget_lone_writers()
        order = list_schedule(tasks, self.config)
        position = {task: place for place, task in enumerate(order)}
        for total in self._sums:
            total.let_first_overwrite(position)
        return [instruction for task in order for instruction in groups[task.number]]

    def _forget_lone_writers(self) -> None:
        """Banks that a task only overwrites can be read at the same time."""
        adding = {
            task for total in self._sums if len(total.writers) > 1 for task, _ in total.writers
        }
        for total in self._sums:
            for task, _ in total.writers:
                if task not in adding:
                    task.banks = frozenset()

    # -- tasks ----------------------------------------------------------------------------------

    def _task(self, number: int, group: Sequence[Instruction]) -> Task:
        first = group[0]
        if isinstance(first.op, PreloadOp):
            return self._product(number, group)
        if isinstance(first.op, MvoutOp):
            return self._store(number, first)
        return self._load(number, first)

    def _product(self, number: int, group: Sequence[Instruction]) -> Task:
        dim = self.config.dim
        cycles = sum(self.costs.pairs([compute.sizes[0] for compute in group[1::2]]))
        task = Task(number, Unit.ARRAY, cycles)
        for code in group:
            first, second = code.addresses
            if isinstance(code.op, PreloadOp):
                if first is not None:
                    task.stationary |= self._use(task, first, dim)
                if second is not None:
                    # What begins inside a block of a packed row ends with the block.
                    rows = dim - second.row % dim
                    task.banks |= self._define(task, code, second, rows)
            else:
                assert first is not None
                task.moving |= self._use(task, first, dim)
                if second is not None:
                    task.moving |= self._use(task, second, dim)
        return task

    def _store(self, number: int, code: Instruction) -> Task:
        _, cols = code.sizes
        task = Task(number, Unit.STORE, self.transfers.store(code))
        (source,) = code.addresses
        assert source is not None
        task.banks = self._use(task, source, -(-cols // self.config.dim) * self.config.dim)
        return task

    def _load(self, number: int, code: Instruction) -> Task:
        _, cols = code.sizes
        task = Task(number, Unit.LOAD, self.transfers.load(code))
        (destination,) = code.addresses
        assert destination is not None
        blocks = -(-cols // self.config.dim)
        banks = self._define(task, code, destination, blocks * self.config.dim)
        if destination.space == Space.SCRATCHPAD:
            task.writes = min(banks)
        else:
            task.banks = banks
        return task

    # -- rows -----------------------------------------------------------------------------------

    def _locate(self, address: LocalAddress, rows: int) -> _Located:
        key = (address, rows)
        if key not in self._located:
            start, dim, config = address.local_row(), self.config.dim, self.config
            blocks = range(start // dim, -(-(start + rows) // dim))
            scratchpad = address.space == Space.SCRATCHPAD
            bank = config.scratchpad_bank_rows if scratchpad else config.accumulator_bank_rows
            banks = frozenset(block * dim // bank for block in blocks)
            self._located[key] = _Located(self._rows[address.space], blocks, banks)
        return self._located[key]

    def _use(self, task: Task, address: LocalAddress, rows: int) -> frozenset[int]:
        """`task` reads rows: after what wrote them. Returns the banks."""
        memory, blocks, banks = self._locate(address, rows)
        for block in blocks:
            state = memory.setdefault(block, _Row())
            for earlier in state.written:
                depend(task, earlier)
            state.read.append(task)
        return banks

    def _define(
        self, task: Task, code: Instruction, address: LocalAddress, rows: int
    ) -> frozenset[int]:
        """`task` writes rows by `code`: after what touched them. Returns the banks it adds to."""
        memory, blocks, banks = self._locate(address, rows)
        accumulator = address.space == Space.ACCUMULATOR
        for block in blocks:
            state = memory.setdefault(block, _Row())
            if not accumulator:
                for earlier in state.tasks():
                    depend(task, earlier)
                memory[block] = _Row(written=[task])
            elif address.accumulate and state.sum is not None and not state.read:
                self._add(task, code, state)
            else:
                memory[block] = self._start(task, code, address, state)
            if accumulator:
                task.sums.add(block)
        return banks

    def _start(self, task: Task, code: Instruction, address: LocalAddress, state: _Row) -> _Row:
        """A new sum; one that goes on with what was read meanwhile has no freedom."""
        after = state.tasks()
        for earlier in after:
            depend(task, earlier)
        begun = _Sum(after, code.sizes[-2:], [(task, code)])
        if address.accumulate:
            return _Row(written=[task])
        self._sums.append(begun)
        return _Row(written=[task], sum=begun)

    @staticmethod
    def _add(task: Task, code: Instruction, state: _Row) -> None:
        assert state.sum is not None
        for earlier in state.sum.after:
            depend(task, earlier)
        if code.sizes[-2:] == state.sum.sizes:
            state.sum.writers.append((task, code))
        else:
            overwriting, _ = state.sum.writers[0]
            depend(task, overwriting)
        state.written.append(task)
