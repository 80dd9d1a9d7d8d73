"""The order of instructions where loads keep a distance from the products that use them.

A list scheduler plans for one tile and an idle accelerator. In a software pipeline a tile is
followed by others, and where loads take as long as products any gap between loads is lost, so that
evenness counts: transfers stand where the DMA engine needs them next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from operator import itemgetter

from xdsl.ir import SSAValue

from gemmini_xdsl.dialects.attributes import Placement, Space
from gemmini_xdsl.dialects.isa import ComputePreloadedOp, ConfigExOp, MvoutOp, PreloadOp
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.tile import AllocOp
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.configuration_state import EX
from gemmini_xdsl.passes.instruction_costs import LOAD_START, InstructionCosts
from gemmini_xdsl.passes.instruction_groups import InstructionGroups, with_configs
from gemmini_xdsl.passes.schedule_rules import ceil_div
from gemmini_xdsl.passes.straight_line import Instruction, LocalAddress, RunTimeNumber

SENT_AHEAD, MOST_AHEAD = 300, 6
"""Cycles of loads, and loads, that are at most unfinished when another one is sent: enough that
the DMA engine is never idle, and less than the reservation station has entries for."""

WAITING = 6
"""Products that were sent and have not begun, of the eight for which there is room."""


def order_kernel(
    code: Iterable[Instruction], config: GemminiConfig, distance: int
) -> list[Instruction]:
    """The kernel of a software pipeline: transfers among the products.

    Products keep their order, and so do loads and stores. Transfers of other tiles are spread
    evenly, those of the same sums in their order. Products of the tile before are still waiting
    when a tile begins, and read what the first loads overwrite: these come later if there is time
    for them then. With a prefetch `distance` loads of operands stand where `_Tile.load_ahead`
    says. Everything keeps its place if configuration changes inside.
    """
    groups = InstructionGroups(code)
    if groups.repeated:
        return groups.in_program_order()
    tile = _Tile(groups, config)
    waiting = config.execute_entries // 2
    moved = tile.blocks(tile.sums) + (0 if distance else tile.blocks(tile.operands))
    first = waiting if moved <= len(tile.products) - waiting else 0
    tile.spread_sums(first)
    if distance:
        tile.load_ahead(distance)
    else:
        tile.spread(tile.operands, first)
    return [*groups.configs, *tile.in_order()]


def order_ahead(
    before: Sequence[Instruction],
    code: Iterable[Instruction],
    config: GemminiConfig,
    distance: int,
) -> list[Instruction]:
    """A whole product, or what precedes a kernel, with a prefetch `distance`.

    Loads stand as far ahead of their products as in a kernel, so that neither the DMA engine nor
    the array stops. Configurations `before` the code, and at its start, go to the first
    instruction that depends on them; of those inside only that of the array may be there, which
    stays before the products that follow. Everything keeps its place if others are.
    """
    groups = InstructionGroups(code)
    if not groups.repeated <= {EX}:
        return [*before, *groups.in_program_order()]
    configs = [*before, *groups.configs]
    tile = _Tile(groups, config, configs)
    tile.spread_sums(0)
    tile.load_ahead(distance)
    return with_configs(configs, tile.in_order())


def order_prologue(
    before: Sequence[Instruction], code: Iterable[Instruction], config: GemminiConfig
) -> list[Instruction] | None:
    """The first tile of a software pipeline, whose resident operand is being loaded meanwhile.

    Neighbouring rows of blocks of the resident operand lie in different banks. All products of one
    row of blocks come before those of the next, so that one bank is read while the other is loaded.
    Configurations `before` the code go to the first instruction that depends on them. None if
    there is no such operand, if configuration changes inside, if sums are finished there, or if
    rows are loaded again.
    """
    groups = InstructionGroups(code)
    if groups.repeated:
        return None
    configs = [*before, *groups.configs]
    tile = _Tile(groups, config, configs)
    if not tile.loads_once() or not tile.order_by_resident_rows():
        return None
    tile.load_in_time()
    return with_configs(configs, tile.in_order())


class _Tile:
    """The products of a tile, and transfers that find their places among them."""

    def __init__(
        self,
        groups: InstructionGroups,
        config: GemminiConfig,
        configs: Sequence[Instruction] = (),
    ):
        self.config = config
        self.costs = InstructionCosts(config)
        self.products: list[list[Instruction]] = []
        self.cycles: list[int] = []
        self.stores: list[Instruction] = []
        self.sums: list[Instruction] = []
        self.operands: list[Instruction] = []
        self._of_sums: list[Instruction] = []
        self._behind: dict[Instruction, int] = {}
        """The products that stand before each transfer in the program."""
        self._transposed = False
        for code in configs:
            self._configure(code)
        self._sort(groups)
        self._places: list[list[Instruction]] = [[] for _ in range(len(self.products) + 1)]
        self._used = self._index()

    def _configure(self, code: Instruction) -> None:
        if isinstance(code.op, ConfigExOp):
            self._transposed = code.op.transpose_b is not None

    def _sort(self, groups: InstructionGroups) -> None:
        configs: list[Instruction] = []
        for group in groups.groups:
            first = group[0]
            self._behind[first] = len(self.products)
            if isinstance(first.op, PreloadOp):
                for number in range(0, len(group), 2):
                    pair = [*configs, *group[number : number + 2]]
                    configs = []
                    self.products.append(pair)
                    self.cycles.append(self._pair_cycles(pair[-1]))
            elif isinstance(first.op, MvoutOp):
                self.stores.append(first)
                self._of_sums.append(first)
            elif not first.addresses:
                self._configure(first)
                configs.append(first)
            elif _address(first).space == Space.ACCUMULATOR:
                self.sums.append(first)
                self._of_sums.append(first)
            else:
                self.operands.append(first)

    def _pair_cycles(self, compute: Instruction) -> int:
        """New weights that are transposed take a second pass."""
        new = isinstance(compute.op, ComputePreloadedOp)
        return self.costs.pair * (2 if new and self._transposed else 1)

    def _index(self) -> dict[tuple[SSAValue, int | RunTimeNumber | None, int], list[int]]:
        """The products that use each block of rows of each buffer: of a slot, and of any."""
        used: dict[tuple[SSAValue, int | RunTimeNumber | None, int], list[int]] = {}
        for number, product in enumerate(self.products):
            for address in (address for code in product for address in code.addresses):
                if address is not None:
                    block = address.row // self.config.dim
                    for slot in (address.slot, None):
                        used.setdefault((address.buffer, slot, block), []).append(number)
        return used

    def _uses(self, transfer: Instruction, *, any_slot: bool = False) -> list[int]:
        """The products that use what `transfer` moves, in order."""
        address = _address(transfer)
        slot = None if any_slot else address.slot
        rows, dim = _rows(transfer, self.config), self.config.dim
        blocks = range(rows.start // dim, ceil_div(rows.stop, dim))
        return sorted({n for b in blocks for n in self._used.get((address.buffer, slot, b), ())})

    def loads_once(self) -> bool:
        """Whether every row is written once, before products use it, and none is stored."""
        written: set[tuple[SSAValue, int | RunTimeNumber, int]] = set()
        for load in (*self.operands, *self.sums):
            address = _address(load)
            rows = {(address.buffer, address.slot, row) for row in _rows(load, self.config)}
            uses = self._uses(load)
            late = bool(uses) and uses[0] < self._behind[load]
            if late or address.accumulate or not written.isdisjoint(rows):
                return False
            written |= rows
        return not self.stores

    def blocks(self, loads: Sequence[Instruction]) -> int:
        """Blocks that loads move."""
        return sum(ceil_div(load.sizes[1], self.config.dim) for load in loads)

    def in_order(self) -> list[Instruction]:
        """The products, each after the transfers that were placed before it."""
        ordered = [*self._places[0]]
        for product, following in zip(self.products, self._places[1:], strict=True):
            ordered += [*product, *following]
        return ordered

    def spread(self, transfers: Sequence[Instruction], first: int) -> None:
        """Place transfers evenly from the product number `first` on."""
        for place, transfer in self._evenly(transfers, first):
            self._places[place].append(transfer)

    def _evenly(
        self, transfers: Sequence[Instruction], first: int
    ) -> Iterator[tuple[int, Instruction]]:
        last, count = len(self.products), 2 * len(transfers)
        for number, transfer in enumerate(transfers):
            yield first + (2 * number + 1) * (last - first) // count, transfer

    def order_by_resident_rows(self) -> bool:
        """Bring the products into the order of the resident operand's rows of blocks.

        Products with the same weights stay together. False if no operand is resident, which then
        takes turns in banks by its rows, or both are placed like that.
        """
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
                    return False
                rows.append(_grid_row(resident[0], self.config))
            else:
                rows.append(rows[-1])
        order = sorted(range(len(rows)), key=rows.__getitem__)
        self.products = [self.products[number] for number in order]
        self.cycles = [self.cycles[number] for number in order]
        self._used = self._index()
        return True

    def spread_sums(self, first: int) -> None:
        """Place stores, and loads of sums, evenly from the product number `first` on.

        Those of the same rows keep their order. Sums that products add to are loaded before all;
        what products add to is stored, or added to from memory, behind them.
        """
        evenly = {
            transfer: place
            for transfers in (self.stores, self.sums)
            for place, transfer in self._evenly(transfers, first)
        }
        placed: list[tuple[range, int]] = []
        for transfer in self._of_sums:
            place = evenly[transfer]
            uses, rows = self._uses(transfer), _rows(transfer, self.config)
            before = [p for r, p in placed if r.start < rows.stop and rows.start < r.stop]
            if uses:
                behind = isinstance(transfer.op, MvoutOp) or _address(transfer).accumulate
                place = uses[-1] + 1 if behind else 0
            place = max([place, *before])
            placed.append((rows, place))
            self._places[place].append(transfer)

    def load_in_time(self) -> None:
        """Place each load where the DMA engine is about to need it.

        Loads follow the order of the products. They are sent when little is left of what was sent
        before, by the time at which the products that wait with them can begin.
        """
        loads = [(self._uses(load), load) for load in (*self.operands, *self.sums)]
        loads.sort(key=lambda item: item[0][0] if item[0] else len(self.products))
        loaded: list[float] = []
        ready = [0.0] * len(self.products)
        time = 0.0
        for uses, load in loads:
            time += self._load_cycles(load)
            loaded.append(time)
            for use in uses:
                ready[use] = max(ready[use], time + LOAD_START)
        starts = self._starts(ready)
        place = 0
        for number, (uses, load) in enumerate(loads):
            sent = max(
                loaded[number - 1] - SENT_AHEAD if number else 0.0,
                loaded[number - MOST_AHEAD] if number >= MOST_AHEAD else 0.0,
            )
            last = uses[0] if uses else len(self.products)
            while sent > 0 and place < last and starts[max(0, place - WAITING)] < sent:
                place += 1
            self._places[place].append(load)

    def _starts(self, ready: Sequence[float]) -> list[float]:
        """When each product begins, one after another, if its operands are there by then."""
        starts: list[float] = []
        free = 0.0
        for cycles, earliest in zip(self.cycles, ready, strict=True):
            starts.append(max(free, earliest))
            free = starts[-1] + cycles
        return starts

    def load_ahead(self, distance: int) -> None:
        """Place the loads of operands ahead of the products that use them.

        The streamed operand is the one that takes turns in the banks. Its loads keep the pace of
        the products, `distance` of them ahead; those of the next tile, which lie where this one's
        first do, follow the others. Loads of the other operand fill the time that these leave.
        """
        own: list[tuple[int, Instruction]] = []
        following: list[Instruction] = []
        others: list[tuple[int, Instruction]] = []
        for load in self.operands:
            uses = self._uses(load)
            if _placement(_address(load)) != Placement.CYCLIC:
                others.append((uses[0] if uses else len(self.products), load))
            elif uses:
                own.append((uses[0], load))
            else:
                following.append(load)
        own.sort(key=itemgetter(0))
        others.sort(key=itemgetter(0))
        pieces = self._pieces(own, following)
        paces = self._paces([blocks for _, blocks in pieces])
        before = len(pieces) - len(own) - distance

        def place(number: int) -> int:
            return paces[min(max(0, number), len(paces) - 1)]

        # Place, first use, and the load.
        placed = [
            (min(use, place(number + before)), use, load) for number, (use, load) in enumerate(own)
        ]
        end = len(self.products)
        for number, load in enumerate(following, len(own)):
            placed.append((place(number + before), end + number, load))
        latest = [
            place(bisect_left(pieces, use, key=itemgetter(0)) - distance) for use, _ in others
        ]
        placed = [*self._fill(others, latest, placed), *placed]
        for where, _, load in sorted(placed, key=itemgetter(0, 1)):
            self._places[where].append(load)

    def _pieces(
        self, own: Sequence[tuple[int, Instruction]], following: Sequence[Instruction]
    ) -> list[tuple[int, int]]:
        """First use and blocks of all pieces of this tile, those that are there already, too."""
        loaded = {(_address(load).buffer, _address(load).row) for _, load in own}
        pieces = [(use, self.blocks([load])) for use, load in own]
        for load in following:
            uses = self._uses(load, any_slot=True)
            if uses and (_address(load).buffer, _address(load).row) not in loaded:
                pieces.append((uses[0], self.blocks([load])))
        return sorted(pieces)

    def _paces(self, blocks: Sequence[int]) -> list[int]:
        """The products that are done when each piece is due, if all take the same time."""
        total = max(1, sum(blocks))
        return [count * len(self.products) // total for count in accumulate(blocks, initial=0)]

    def _fill(
        self,
        loads: Sequence[tuple[int, Instruction]],
        latest: Sequence[int],
        placed: Sequence[tuple[int, int, Instruction]],
    ) -> list[tuple[int, int, Instruction]]:
        """Places of further loads: their latest ones, or where the streamed operand leaves time.

        The DMA engine then has as much to do while the array works on the first products as
        while it works on the last.
        """
        needed = [0.0] * (len(self.products) + 1)
        for _, use, load in placed:
            needed[min(use, len(self.products))] += self._load_cycles(load)
        share = sum(needed) + sum(self._load_cycles(load) for _, load in loads)
        share /= max(1, sum(self.cycles))
        found: list[tuple[int, int, Instruction]] = []
        spent = done = 0.0
        for number, cycles in enumerate([*self.cycles, 0]):
            spent += needed[number]
            while len(found) < len(loads):
                use, load = loads[len(found)]
                cost = self._load_cycles(load)
                if latest[len(found)] > number and spent + cost > done * share:
                    break
                found.append((min(number, use), use, load))
                spent += cost
            done += cycles
        return found

    def _load_cycles(self, load: Instruction) -> float:
        rows, cols = load.sizes
        stride = self.config.dma_max_bytes
        return self.costs.load(rows, cols * self.config.input_bytes, 0, stride)


def _address(transfer: Instruction) -> LocalAddress:
    (address,) = transfer.addresses
    assert address is not None
    return address


def _is_resident(address: LocalAddress) -> bool:
    interleaved = _placement(address) == Placement.INTERLEAVED
    return interleaved and address.space == Space.SCRATCHPAD


def _grid_row(address: LocalAddress, config: GemminiConfig) -> int:
    """The row of blocks of its buffer."""
    type_ = address.buffer.type
    assert isinstance(type_, BufferType)
    return address.row // (type_.grid[1] * config.dim)


def _placement(address: LocalAddress) -> Placement:
    alloc = address.buffer.owner
    assert isinstance(alloc, AllocOp)
    return alloc.placement.data


def _rows(transfer: Instruction, config: GemminiConfig) -> range:
    """The rows of its slot that a transfer covers."""
    start, (_, cols) = _address(transfer).row, transfer.sizes
    return range(start, start + ceil_div(cols, config.dim) * config.dim)
