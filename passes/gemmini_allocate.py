"""`gemmini-allocate`: rows and banks for every local buffer."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import DenseArrayBase, ModuleOp, i64
from xdsl.ir import Block, Operation
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects.attributes import Placement, Space
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.tile import AllocOp, PipelineOp, UnrollOp
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.schedule_rules import ceil_div

SMALL_SHARE = 12
"""A buffer with less than this part of all rows is filled soon."""


@dataclass(frozen=True)
class _Interval:
    """Rows [start, end) that are taken while operations [first, last] of a block run.

    `apart` says that they are one of several slots, each in banks of its own.
    """

    start: int
    end: int
    first: int
    last: int
    apart: bool


@dataclass(frozen=True)
class GemminiAllocatePass(ModulePass):
    """Set `base` on every `gemmini.alloc` that has none.

    Buffers whose lives overlap get rows of their own. With `banked` placement each slot starts
    in a bank that no other live slot touches, if there is one: what is loaded and what the array
    reads are then in different banks (a bank serves one access a cycle). Otherwise, and with
    `packed` placement, a slot takes the lowest free rows. If banked placement does not fit, the
    whole block is packed. With `interleaved` placement neighbouring pieces of the matrix lie in
    several banks by turns; with `cyclic` placement a few pieces in a row do, in all banks that
    other buffers leave. Raises `PassFailedException` when a memory is too small.
    """

    name = "gemmini-allocate"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Allocate block by block."""
        blocks: dict[Block, list[AllocOp]] = {}
        for alloc in op.walk():
            if isinstance(alloc, AllocOp) and alloc.parent is not None:
                blocks.setdefault(alloc.parent, []).append(alloc)
        for block, allocs in blocks.items():
            if all(alloc.base is not None for alloc in allocs):
                continue
            if not _allocate(block, allocs, bank_aware=True):
                _allocate(block, allocs, bank_aware=False)


def _allocate(block: Block, allocs: list[AllocOp], *, bank_aware: bool) -> bool:
    """Place all of `allocs`; False if banked placement does not fit."""
    positions: dict[Operation, int] = {op: index for index, op in enumerate(block.ops)}
    pipeline = min((at for op, at in positions.items() if isinstance(op, PipelineOp)), default=0)
    taken: dict[Space, list[_Interval]] = {Space.SCRATCHPAD: [], Space.ACCUMULATOR: []}
    chosen: dict[AllocOp, list[int]] = {}
    left: dict[Space, list[int]] = {}
    turns = 0
    for alloc in sorted(allocs, key=lambda op: op.placement.data == Placement.CYCLIC):
        type_ = alloc.buffer.type
        assert isinstance(type_, BufferType)
        first, last = positions[alloc], _last_use(alloc, positions)
        config = module_config(alloc)
        space = type_.space.data
        capacity, bank = (
            (config.scratchpad_rows, config.scratchpad_bank_rows)
            if space == Space.SCRATCHPAD
            else (config.accumulator_rows, config.accumulator_bank_rows)
        )
        live = [i for i in taken[space] if i.first <= last and first <= i.last]
        starts: list[int] = []
        given = alloc.starts
        parts = alloc.part_rows()
        by_pieces = alloc.placement.data.by_pieces
        banks: list[int] = []
        if alloc.placement.data == Placement.CYCLIC:
            # All others have their rows already; these buffers take turns together, in banks of
            # what is needed before a software pipeline only, too.
            lasting = [i for i in live if i.last >= pipeline]
            empty = _empty_banks(lasting, capacity, bank)
            banks = left.setdefault(space, _emptiest_first(empty, live, bank))
        elif by_pieces:
            share = _share_of_banks(alloc, allocs, _banks_beside_slots(live, bank, capacity))
            banks = _emptiest_banks(live, capacity, bank, share)
        for number in range(type_.slots.data * len(parts)):
            rows = parts[number % len(parts)]
            banked = bank_aware and alloc.placement.data == Placement.BANKED
            if given:
                start: int | None = given[number]
            elif by_pieces:
                turn = turns + _turn(alloc, number, len(banks))
                start = _lowest_free(rows, live, capacity, 1, banks[turn % len(banks)] * bank, bank)
                if start is None:
                    start = _lowest_free(rows, live, capacity, 1)
            else:
                start = _lowest_free(rows, live, capacity, bank if banked else 1)
                if start is None and banked:
                    start = _lowest_free(rows, live, capacity, 1)
            if start is None:
                if bank_aware:
                    return False
                used = sum(i.end - i.start for i in live)
                raise PassFailedException(
                    f"{location(alloc)}: {rows} rows do not fit the {space.value}: "
                    f"{used} of {capacity} rows of config '{config.name}' are in use; "
                    "choose a smaller tile or less double buffering"
                )
            starts.append(start)
            interval = _Interval(start, start + rows, first, last, banked and type_.slots.data > 1)
            live.append(interval)
            taken[space].append(interval)
        chosen[alloc] = starts
        if by_pieces and _slots_take_turns(alloc):
            turns += type_.slots.data
    for alloc, starts in chosen.items():
        alloc.base = DenseArrayBase.from_list(i64, starts)
    return True


def _last_use(alloc: AllocOp, positions: dict[Operation, int]) -> int:
    """Position of the last operation of the block that uses the buffer, itself or inside it."""
    block = alloc.parent
    assert block is not None
    last = positions[alloc]
    for use in alloc.buffer.uses:
        user = block.find_ancestor_op_in_block(use.operation)
        if user is not None:
            last = max(last, positions[user])
    return last


def _turn(alloc: AllocOp, number: int, banks: int) -> int:
    """Which of its banks part `number` takes: neighbours along and across rows differ.

    With two banks only rows do, since the array and the loader would change places too often; but
    sums of a single row of blocks do as well, so that some are stored while others are added to.
    With cyclic placement as many pieces in a row share a bank as the products that wait in the
    reservation station use. What is loaded three pieces ahead then lies in another bank, and
    each bank has its turn equally often, so that the next slot goes on with the first one. Where
    each tile has a slot, slots take turns.
    """
    type_ = alloc.buffer.type
    assert isinstance(type_, BufferType)
    parts = len(alloc.part_rows())
    slot, part = divmod(number, parts)
    if alloc.placement.data == Placement.CYCLIC:
        if _slots_take_turns(alloc):
            return slot
        config = module_config(alloc)
        waiting = config.execute_entries // 2 // config.max_block_cols
        return part * banks * max(1, parts // (banks * max(1, waiting))) // parts
    row, piece = divmod(part, parts // type_.grid[0])
    across = banks > 2 or (type_.grid[0] == 1 and type_.space.data == Space.ACCUMULATOR)
    return slot + row + (piece if across else 0)


def _slots_take_turns(alloc: AllocOp) -> bool:
    """Whether every tile has a slot of its own, so that no bank is needed for the next one's."""
    type_ = alloc.buffer.type
    assert isinstance(type_, BufferType)
    several = type_.slots.data > 1
    return several and alloc.placement.data == Placement.CYCLIC and not _is_pipelined(alloc)


def _is_pipelined(alloc: AllocOp) -> bool:
    """Whether the buffer is used in a software pipeline, inside or in front of which it stands."""
    for use in alloc.buffer.uses:
        region: Operation | None = use.operation
        while region is not None and not isinstance(region, UnrollOp):
            region = region.parent_op()
        if region is not None:
            return region.software_pipeline is not None
    return False


def _share_of_banks(alloc: AllocOp, allocs: list[AllocOp], banks: int) -> int:
    """How many banks the pieces of `alloc` take turns in.

    Equal shares of those that are interleaved, so that each is filled while it is read; but a
    buffer that is filled soon, compared with the others, gets one bank and leaves the rest.
    """
    rows = {
        other: sum(other.part_rows())
        for other in allocs
        if other.placement.data == Placement.INTERLEAVED
        and other.buffer.type.space == alloc.buffer.type.space
    }
    total = sum(rows.values())
    small = [other for other, count in rows.items() if count * SMALL_SHARE < total]
    if alloc in small:
        return 1
    return max(1, (banks - len(small)) // (len(rows) - len(small)))


def _banks_beside_slots(live: list[_Interval], bank: int, capacity: int) -> int:
    """How many banks interleaved buffers may share: those without slots that take turns in banks
    of their own, if there are any.
    """
    apart = [interval for interval in live if interval.apart]
    return len(_empty_banks(apart, capacity, bank))


def _empty_banks(live: list[_Interval], capacity: int, bank: int) -> list[int]:
    """The banks that hold nothing, in order; all if there are none."""
    every = range(capacity // bank)
    used = {number for i in live for number in range(i.start // bank, ceil_div(i.end, bank))}
    return [number for number in every if number not in used] or list(every)


def _emptiest_first(banks: list[int], live: list[_Interval], bank: int) -> list[int]:
    """Banks that hold nothing before the others."""
    used = {number for i in live for number in range(i.start // bank, ceil_div(i.end, bank))}
    return sorted(banks, key=lambda number: (number in used, number))


def _emptiest_banks(live: list[_Interval], capacity: int, bank: int, count: int) -> list[int]:
    """The `count` banks that hold least, in order."""
    used = [
        sum(max(0, min(i.end, start + bank) - max(i.start, start)) for i in live)
        for start in range(0, capacity, bank)
    ]
    return sorted(sorted(range(len(used)), key=lambda number: (used[number], number))[:count])


def _lowest_free(
    rows: int,
    live: list[_Interval],
    capacity: int,
    bank: int,
    first: int = 0,
    span: int | None = None,
) -> int | None:
    """The lowest start of `rows` free rows; with `bank` > 1, in banks that nothing else uses.

    The rows lie in [first, first + span), by default in the whole memory.
    """

    def widen(interval: _Interval) -> tuple[int, int]:
        return interval.start // bank * bank, -(-interval.end // bank) * bank

    end = capacity if span is None else min(capacity, first + span)
    start = first
    for low, high in sorted(widen(interval) for interval in live):
        if start + rows <= low:
            break
        start = max(start, high)
    return start if start + rows <= end else None
