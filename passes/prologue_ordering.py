"""The order of a software pipeline's prologue, which loads what stays in local memory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate

from xdsl.ir import SSAValue

from gemmini_xdsl.dialects.attributes import Placement, Space
from gemmini_xdsl.dialects.isa import ComputePreloadedOp, MvoutOp, PreloadOp
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.tile import AllocOp
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.instruction_costs import LOAD_START
from gemmini_xdsl.passes.instruction_groups import InstructionGroups, with_configs
from gemmini_xdsl.passes.straight_line import (
    Instruction,
    LocalAddress,
    RunTimeNumber,
    exchange_destinations,
)
from gemmini_xdsl.passes.tile_ordering import SPARE_ENTRIES, TileOrdering, address_of, rows_of
from gemmini_xdsl.passes.transfer_costs import TransferCosts

SENT_AHEAD = 300
"""Cycles of loads that are at most unfinished when another one is sent: enough that the DMA engine
is never idle."""

_Rows = tuple[SSAValue, int | RunTimeNumber, int]


def order_prologue(
    before: Sequence[Instruction],
    code: Iterable[Instruction],
    config: GemminiConfig,
    tiles: int = 1,
) -> list[Instruction] | None:
    """The first `tiles` of a software pipeline, whose resident operand is being loaded meanwhile.

    Neighbouring rows of blocks of the resident operand lie in different banks. All products of one
    row of blocks come before those of the next, so that one bank is read while the other is loaded.
    Products of further tiles fill the time until then, and what is left of them comes last, beside
    the stores of the first tile and whatever takes its place in local memory. Configurations
    `before` the code go to the first instruction that depends on them. None if there is no such
    operand, or both take turns by rows, if configuration changes inside, or if rows are loaded
    again too soon.
    """
    groups = InstructionGroups(code)
    if groups.repeated:
        return None
    configs = [*before, *groups.configs]
    tile = _Prologue(groups, config, configs, tiles)
    if not tile.loads_once() or not tile.order_by_resident_rows():
        return None
    tile.load_in_time()
    tile.follow_first_tile()
    return with_configs(configs, tile.in_order())


class _Prologue(TileOrdering):
    """The products of equal tiles, `tiles` in number, one of whose operands they share."""

    def __init__(
        self,
        groups: InstructionGroups,
        config: GemminiConfig,
        configs: Sequence[Instruction],
        tiles: int,
    ):
        super().__init__(groups, config, configs)
        self.transfers = TransferCosts(config)
        self._in_tile = len(self.products) // tiles
        transfers = (*self.operands, *self.of_sums)
        # What follows the products and touches what they use.
        self._late = {
            transfer
            for transfer in transfers
            if self.products_before[transfer] == len(self.products) and self.uses(transfer)
        }
        self._early = [transfer for transfer in transfers if transfer not in self._late]

    def loads_once(self) -> bool:
        """Whether all that is not late loads rows, each once, before products use them."""
        written: set[_Rows] = set()
        for load in self._early:
            address = address_of(load)
            rows = {(address.buffer, address.slot, row) for row in rows_of(load, self.config)}
            uses = self.uses(load)
            after = bool(uses) and uses[0] < self.products_before[load]
            store = isinstance(load.op, MvoutOp)
            if store or after or address.accumulate or not written.isdisjoint(rows):
                return False
            written |= rows
        return True

    def order_by_resident_rows(self) -> bool:
        """Bring the products into the order of the resident operand's rows of blocks.

        Products with the same weights stay together. False if no operand is resident, which then
        takes turns in banks by its rows, or both are placed like that.
        """
        rows = self._resident_rows()
        if rows is None:
            return False
        # The products of the first tile by rows, and those of the others.
        first: list[list[int]] = [[] for _ in range(max(rows, default=0) + 1)]
        others: list[list[int]] = [[] for _ in first]
        for number, row in enumerate(rows):
            (first if number < self._in_tile else others)[row].append(number)
        order = self._fill(first, others)
        self._let_first_overwrite(order)
        self.order(order)
        return True

    def _resident_rows(self) -> list[int] | None:
        """The row of blocks that each product reads."""
        rows: list[int] = []
        for product in self.products:
            if isinstance(product[-1].op, ComputePreloadedOp) or not rows:
                resident = [
                    address
                    for code in product
                    for address in code.addresses
                    if address is not None and _is_resident(address)
                ]
                if len(resident) != 1:
                    return None
                rows.append(_grid_row(resident[0], self.config))
            else:
                rows.append(rows[-1])
        return rows

    def _fill(self, first: Sequence[Sequence[int]], others: Sequence[Sequence[int]]) -> list[int]:
        """The products of the first tile row by row, those of others where it waits for loads.

        It waits for all loads of a row, from whose bank it reads then. What does not fit comes
        behind all.
        """
        by_rows = [n for both in zip(first, others, strict=True) for row in both for n in row]
        place = [0] * len(by_rows)
        for number, product in enumerate(by_rows):
            place[product] = number
        ready = self._ready(self._arrivals(place))
        due = [max((ready[n] for n in row), default=0.0) for row in first]
        order: list[int] = []
        left: list[int] = []
        clock = 0.0
        for row, (numbers, further) in enumerate(zip(first, others, strict=True)):
            clock = max(clock, due[row]) + sum(self.cycles[n] for n in numbers)
            order += numbers
            fits = row + 1 < len(due)
            for number in further:
                half = self.cycles[number] / 2
                if isinstance(self.products[number][-1].op, ComputePreloadedOp) and fits:
                    fits = max(clock, ready[number]) + half <= due[row + 1]
                if fits:
                    clock = max(clock, ready[number]) + self.cycles[number]
                (order if fits else left).append(number)
        return order + left

    def _let_first_overwrite(self, order: Sequence[int]) -> None:
        """Exchange destinations where another product is now the first of a sum."""
        sums: dict[_Rows, list[Instruction]] = {}
        for number in order:
            for code in self.products[number]:
                if isinstance(code.op, PreloadOp) and (address := code.addresses[-1]) is not None:
                    sums.setdefault((address.buffer, address.slot, address.row), []).append(code)
        for first, *others in sums.values():
            for other in others:
                address = other.addresses[-1]
                if address is not None and not address.accumulate:
                    exchange_destinations(first, other)

    # -- transfers ------------------------------------------------------------------------------

    def _arrivals(self, place: Sequence[int]) -> dict[Instruction, float]:
        """The loads in the order in which products, at their places, use what they load.

        And when the DMA engine is done with each. Among several tiles, all of one's other operand
        is loaded when the first of it is used: it lies in one bank, which is read from then on. A
        single tile is not worth the delay.
        """
        uses = {
            load: min((place[use] for use in self.uses(load)), default=len(place))
            for load in self._early
        }
        soonest: dict[tuple[SSAValue, int | RunTimeNumber], int] = {}
        if self._in_tile < len(self.products):
            for load, use in uses.items():
                if not _is_resident(address_of(load)):
                    slot = _slot_of(load)
                    soonest[slot] = min(use, soonest.get(slot, use))
        loads = sorted(uses, key=lambda load: soonest.get(_slot_of(load), uses[load]))
        return dict(zip(loads, accumulate(map(self.transfers.load, loads)), strict=True))

    def _ready(self, arrivals: Mapping[Instruction, float]) -> list[float]:
        """When the operands of each product are there."""
        ready = [0.0] * len(self.products)
        for load, time in arrivals.items():
            for use in self.uses(load):
                ready[use] = max(ready[use], time + LOAD_START)
        return ready

    def load_in_time(self) -> None:
        """Place each load where the DMA engine is about to need it.

        Loads follow the order of the products. They are sent when little is left of what was sent
        before, by the time at which the products that wait with them can begin.
        """
        count = len(self.products)
        arrivals = self._arrivals(range(count))
        loads, loaded = list(arrivals), list(arrivals.values())
        latest = [min(self.uses(load), default=count) for load in loads]
        for number in reversed(range(len(loads) - 1)):
            latest[number] = min(latest[number], latest[number + 1])
        starts = self._starts(self._ready(arrivals))
        most = max(1, self.config.load_entries - SPARE_ENTRIES)
        place = 0
        for number, load in enumerate(loads):
            sent = max(
                loaded[number - 1] - SENT_AHEAD if number else 0.0,
                loaded[number - most] if number >= most else 0.0,
            )
            while place < latest[number] and starts[max(0, place - self.waiting)] < sent:
                place += 1
            self.places[place].append(load)

    def _starts(self, ready: Sequence[float]) -> list[float]:
        """When each product begins, one after another, if its operands are there by then."""
        starts: list[float] = []
        free = 0.0
        for cycles, earliest in zip(self.cycles, ready, strict=True):
            starts.append(max(free, earliest))
            free = starts[-1] + cycles
        return starts

    def follow_first_tile(self) -> None:
        """Spread what is late over the products behind those that it touches rows of."""
        first = max((self.uses(transfer)[-1] + 1 for transfer in self._late), default=0)
        sums = [transfer for transfer in self.of_sums if transfer in self._late]
        operands = [load for load in self.operands if load in self._late]
        for transfers in (sums, operands):
            self.spread(transfers, first)


def _slot_of(load: Instruction) -> tuple[SSAValue, int | RunTimeNumber]:
    address = address_of(load)
    return address.buffer, address.slot


def _is_resident(address: LocalAddress) -> bool:
    alloc = address.buffer.owner
    assert isinstance(alloc, AllocOp)
    interleaved = alloc.placement.data == Placement.INTERLEAVED
    return interleaved and address.space == Space.SCRATCHPAD


def _grid_row(address: LocalAddress, config: GemminiConfig) -> int:
    """The row of blocks of its buffer."""
    type_ = address.buffer.type
    assert isinstance(type_, BufferType)
    return address.row // (type_.grid[1] * config.dim)
