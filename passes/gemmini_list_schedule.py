"""`gemmini-list-schedule`: instructions of a `gemmini.unroll` in an order that hides latency."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects.builtin import FixedBitwidthType, MemRefType, ModuleOp
from xdsl.ir import Operation, SSAValue, Use
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import PassFailedException
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.attributes import Space
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.isa import (
    ISA_OPS,
    MVIN_OPS,
    ComputeAccumulatedOp,
    ComputePreloadedOp,
    ConfigExOp,
    ConfigLdOp,
    ConfigStOp,
    LocalAddressOp,
    MvoutOp,
    PreloadOp,
)
from gemmini_xdsl.dialects.isa.local_address import space_of
from gemmini_xdsl.dialects.matmul import row_stride
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import AllocOp, UnrollOp
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.instruction_costs import InstructionCosts
from gemmini_xdsl.passes.list_scheduling import Task, Unit, depend, list_schedule

_CONFIGS = (ConfigExOp, ConfigLdOp, ConfigStOp)
_COMPUTES = (ComputePreloadedOp, ComputeAccumulatedOp)


@dataclass(frozen=True)
class GemminiListSchedulePass(ModulePass):
    """Order the instructions of each `gemmini.unroll` and put them in its place.

    Instructions that touch the same rows of local memory keep their order, but additions to the
    same sums may change places. The regions' code must be unrolled and its rows allocated.
    """

    name = "gemmini-list-schedule"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Order every region; raises `PassFailedException` for one that is not ready."""
        for region in [inner for inner in op.walk() if isinstance(inner, UnrollOp)]:
            code = _StraightLine(region)
            instructions = list(code.ordered())
            configs = [
                *_configs_before(region),
                *(o for o in code.setup if isinstance(o, _CONFIGS)),
            ]
            for inner in [*code.setup, *instructions]:
                inner.detach()
                Rewriter.insert_op(inner, InsertPoint.before(region))
            if not code.configs_repeat:
                _sink_configs(configs, instructions)
            Rewriter.erase_op(region)


def _sink_configs(configs: Sequence[Operation], instructions: Sequence[Operation]) -> None:
    """Move each configuration to the first instruction that depends on it."""
    for config in configs:
        for op in instructions:
            if _depends(op, config):
                config.detach()
                Rewriter.insert_op(config, InsertPoint.before(op))
                break


def _configs_before(region: UnrollOp) -> list[Operation]:
    """The configurations that stand right before the region, in order."""
    found: list[Operation] = []
    previous = region.prev_op
    while isinstance(previous, _CONFIGS):
        found.insert(0, previous)
        previous = previous.prev_op
    return found


def _depends(op: Operation, config: Operation) -> bool:
    match config:
        case ConfigLdOp():
            return isinstance(op, MVIN_OPS) and config.id.value.data == op.ID
        case ConfigStOp():
            return isinstance(op, MvoutOp)
        case _:
            return isinstance(op, PreloadOp)


@dataclass(eq=False)
class _Sum:
    """Tasks that add to one block of the accumulator, in any order: the first one overwrites.

    `writers` are the tasks with the operation that holds the address; `after` is what all of them
    wait for. A task that covers other elements than the first keeps its place behind it.
    """

    after: list[Task]
    sizes: tuple[Index, ...]
    writers: list[tuple[Task, Operation]] = field(default_factory=list)

    def let_first_overwrite(self, position: Mapping[Task, int]) -> None:
        """Exchange the addresses of what overwrites and of what now comes first."""
        (_, overwriting), *_ = self.writers
        _, first = min(self.writers, key=lambda writer: position[writer[0]])
        if first is not overwriting:
            a, b = _destination(overwriting), _destination(first)
            overwriting.operands[a.index], first.operands[b.index] = (
                first.operands[b.index],
                overwriting.operands[a.index],
            )


@dataclass
class _Row:
    """What last touched one block of rows."""

    written: list[Task] = field(default_factory=list)
    sum: _Sum | None = None
    read: list[Task] = field(default_factory=list)

    def tasks(self) -> list[Task]:
        """All of it."""
        return [*self.written, *self.read]


def _destination(op: Operation) -> Use:
    """Where the address stands among the operands of an instruction that writes local memory."""
    address: SSAValue | None
    match op:
        case PreloadOp():
            address = op.destination
        case _:
            assert isinstance(op, MVIN_OPS)
            address = op.destination
    assert address is not None
    found: Use = next(use for use in address.uses if use.operation is op)
    return found


class _StraightLine:
    """The instructions of a region as tasks with their dependencies."""

    def __init__(self, region: UnrollOp):
        self.config = module_config(region)
        self.costs = InstructionCosts(self.config)
        self.setup: list[Operation] = []
        self.groups: list[list[Operation]] = []
        self.configs_repeat = False
        self._rows: dict[tuple[Space, int], _Row] = {}
        self._sums: list[_Sum] = []
        self._read(region)

    def _read(self, region: UnrollOp) -> None:
        """Separate what computes addresses, configuration, and groups of instructions."""
        kinds: set[object] = set()
        before: Operation | None = None
        previous: Operation | None = None
        for op in region.body.block.ops:
            if op.regions:
                raise PassFailedException(
                    f"{location(op)}: has a region inside gemmini.unroll; run gemmini-unroll first"
                )
            if not isinstance(op, ISA_OPS) or isinstance(op, LocalAddressOp):
                self.setup.append(op)
            elif isinstance(op, _CONFIGS):
                kind = op.id.value.data if isinstance(op, ConfigLdOp) else type(op)
                self.configs_repeat = self.configs_repeat or kind in kinds or bool(self.groups)
                kinds.add(kind)
                if self.configs_repeat:
                    self.groups.append([op])
                else:
                    self.setup.append(op)
            elif isinstance(op, _COMPUTES):
                if not isinstance(previous, PreloadOp):
                    raise PassFailedException(
                        f"{location(op)}: must follow the gemmini.preload that it belongs to"
                    )
                self._add_pair(previous, op, isinstance(before, _COMPUTES))
            elif isinstance(op, (*MVIN_OPS, MvoutOp)):
                self.groups.append([op])
            elif not isinstance(op, PreloadOp):
                raise PassFailedException(f"{location(op)}: cannot be ordered in gemmini.unroll")
            if isinstance(op, ISA_OPS) and not isinstance(op, LocalAddressOp):
                before, previous = previous, op

    def _add_pair(self, preload: PreloadOp, compute: Operation, after_pair: bool) -> None:
        """A pair that uses the weights of the pair before it stays with that one."""
        if isinstance(compute, ComputePreloadedOp):
            self.groups.append([preload, compute])
        elif after_pair:
            self.groups[-1] += [preload, compute]
        else:
            raise PassFailedException(
                f"{location(compute)}: uses weights of a product that does not stand before it"
            )

    def ordered(self) -> Iterator[Operation]:
        """The instructions in their new order; in the old one if configuration changes inside."""
        groups = self.groups
        if not self.configs_repeat:
            tasks = [self._task(number, ops) for number, ops in enumerate(groups)]
            self._forget_lone_writers()
            order = list_schedule(tasks, self.config)
            groups = [groups[task.number] for task in order]
            position = {task: place for place, task in enumerate(order)}
            for total in self._sums:
                total.let_first_overwrite(position)
        for ops in groups:
            yield from ops

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

    def _task(self, number: int, ops: list[Operation]) -> Task:
        first = ops[0]
        match first:
            case PreloadOp():
                return self._product(number, ops)
            case MvoutOp():
                return self._store(number, first)
            case _:
                return self._load(number, first)

    def _product(self, number: int, ops: list[Operation]) -> Task:
        pairs = len(ops) // 2
        task = Task(number, Unit.ARRAY, pairs * self.costs.pair)
        moving: set[int] = set()
        stationary: set[int] = set()
        banks: set[int] = set()
        for op in ops:
            if isinstance(op, PreloadOp):
                if op.stationary is not None:
                    stationary |= self._use(task, op.stationary, self.config.dim)
                if op.destination is not None:
                    sizes = op.mixed_destination_sizes
                    banks |= self._define(task, op, self.config.dim, sizes)
            else:
                assert isinstance(op, _COMPUTES)
                moving |= self._use(task, op.a, self.config.dim)
                if op.bd is not None:
                    moving |= self._use(task, op.bd, self.config.dim)
        task.moving, task.stationary = frozenset(moving), frozenset(stationary)
        task.banks = frozenset(banks)
        return task

    def _store(self, number: int, op: MvoutOp) -> Task:
        rows, cols = _static(op.mixed_sizes, op)
        element, offset, stride = _in_memory(op.destination, op.mixed_offsets, op)
        task = Task(number, Unit.STORE, self.costs.store(rows, cols, element, offset, stride))
        banks = self._use(task, op.source, -(-cols // self.config.dim) * self.config.dim)
        task.banks = frozenset(banks)
        return task

    def _load(self, number: int, op: Operation) -> Task:
        assert isinstance(op, MVIN_OPS)
        rows, cols = _static(op.mixed_sizes, op)
        element_bytes, offset, stride = self.config.input_bytes, 0, 0
        if op.source is not None:
            element_bytes, offset, stride = _in_memory(op.source, op.mixed_offsets, op)
        cycles = self.costs.load(rows, cols * element_bytes, offset, stride)
        task = Task(number, Unit.LOAD, cycles)
        blocks = -(-cols // self.config.dim)
        banks = self._define(task, op, blocks * self.config.dim, op.mixed_sizes)
        if space_of(op.destination) == Space.SCRATCHPAD:
            task.writes = min(banks)
        else:
            task.banks = frozenset(banks)
        return task

    # -- rows -----------------------------------------------------------------------------------

    def _located(self, address: SSAValue, rows: int) -> tuple[Space, range, bool]:
        """The memory, its rows by the block, and whether the access adds."""
        op = address.owner
        if not isinstance(op, LocalAddressOp):
            raise PassFailedException(
                "a local address must come from gemmini.local_address to be ordered by"
            )
        alloc = op.buffer.owner
        slot, row = op.slot_and_row
        if not isinstance(alloc, AllocOp) or alloc.base is None:
            raise PassFailedException(
                f"{location(op)}: the buffer has no rows yet; run gemmini-allocate first"
            )
        if not isinstance(slot, int) or not isinstance(row, int):
            raise PassFailedException(
                f"{location(op)}: has a slot or a row known at run time only; "
                "run gemmini-unroll first"
            )
        start = alloc.local_row(slot, row)
        dim = self.config.dim
        blocks = range(start // dim, -(-(start + rows) // dim))
        return op.address.type.space.data, blocks, op.accumulate is not None

    def _use(self, task: Task, address: SSAValue, rows: int) -> set[int]:
        """`task` reads rows: after what wrote them. Returns the banks."""
        space, blocks, _ = self._located(address, rows)
        for block in blocks:
            state = self._rows.setdefault((space, block), _Row())
            for earlier in state.written:
                depend(task, earlier)
            state.read.append(task)
        return self._banks(space, blocks)

    def _define(self, task: Task, op: Operation, rows: int, sizes: list[Index]) -> set[int]:
        """`task` writes rows by `op`: after what touched them. Returns the banks it adds to."""
        address = op.operands[_destination(op).index]
        space, blocks, adds = self._located(address, rows)
        for block in blocks:
            state = self._rows.setdefault((space, block), _Row())
            if space == Space.SCRATCHPAD:
                for earlier in state.tasks():
                    depend(task, earlier)
                self._rows[space, block] = _Row(written=[task])
            elif adds and state.sum is not None and not state.read:
                self._add(task, op, state, tuple(sizes))
            else:
                self._rows[space, block] = self._start(task, op, state, tuple(sizes))
            if space == Space.ACCUMULATOR:
                task.sums |= {block}
        return self._banks(space, blocks)

    def _start(self, task: Task, op: Operation, state: _Row, sizes: tuple[Index, ...]) -> _Row:
        """A new sum; one that goes on with what was read meanwhile has no freedom."""
        after = state.tasks()
        for earlier in after:
            depend(task, earlier)
        begun = _Sum(after, sizes, [(task, op)])
        if _adds(op):
            return _Row(written=[task])
        self._sums.append(begun)
        return _Row(written=[task], sum=begun)

    @staticmethod
    def _add(task: Task, op: Operation, state: _Row, sizes: tuple[Index, ...]) -> None:
        assert state.sum is not None
        for earlier in state.sum.after:
            depend(task, earlier)
        if sizes == state.sum.sizes:
            state.sum.writers.append((task, op))
        else:
            for earlier in state.written:
                depend(task, earlier)
        state.written.append(task)

    def _banks(self, space: Space, blocks: range) -> set[int]:
        scratchpad = space == Space.SCRATCHPAD
        config = self.config
        bank = config.scratchpad_bank_rows if scratchpad else config.accumulator_bank_rows
        return {block * self.config.dim // bank for block in blocks}


def _in_memory(matrix: SSAValue, offsets: list[Index], op: Operation) -> tuple[int, int, int]:
    """Bytes of an element, to the first one from the start of the matrix, and between rows."""
    type_ = matrix.type
    assert isa(type_, MemRefType)
    assert isinstance(type_.element_type, FixedBitwidthType)
    element = type_.element_type.size
    if type_.get_num_dims() == 1:
        return element, 0, 0
    row, col = _static(offsets, op)
    stride = row_stride(type_) * element
    return element, row * stride + col * element, stride


def _adds(op: Operation) -> bool:
    address = op.operands[_destination(op).index].owner
    return isinstance(address, LocalAddressOp) and address.accumulate is not None


def _static(values: list[Index], op: Operation) -> tuple[int, int]:
    first, second = values
    if not isinstance(first, int) or not isinstance(second, int):
        raise PassFailedException(
            f"{location(op)}: has sizes or offsets known at run time only; run gemmini-unroll first"
        )
    return first, second
