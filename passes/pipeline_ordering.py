"""The order of instructions in a software pipeline: each tile's like every other's.

A list scheduler plans for one tile and an idle accelerator. Here a tile is followed by others, so
that evenness counts: transfers stand where the DMA engine needs them next.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence

from gemmini_xdsl.dialects.attributes import Space
from gemmini_xdsl.dialects.isa import MvoutOp, PreloadOp
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.instruction_groups import InstructionGroups, with_configs
from gemmini_xdsl.passes.schedule_rules import ceil_div
from gemmini_xdsl.passes.straight_line import Instruction, LocalAddress, RunTimeNumber


def order_kernel(
    code: Iterable[Instruction], config: GemminiConfig, distance: int
) -> list[Instruction]:
    """The kernel of a software pipeline: transfers among the products.

    Products keep their order, and so do loads and stores. Transfers of other tiles are spread
    evenly; sums that are loaded wait for the stores of the same rows. Products of the tile before
    are still waiting when a tile begins, and read what the first loads overwrite: these come
    later if there is time for them then. With a prefetch `distance` loads of operands stand where
    `_Tile.load_ahead` says. Everything keeps its place if configuration changes inside.
    """
    groups = InstructionGroups(code)
    if groups.configs_repeat:
        return groups.in_program_order()
    tile = _Tile(groups, config)
    waiting = config.execute_entries // 2
    moved = sum(ceil_div(load.sizes[1], config.dim) for load in tile.sums)
    if not distance:
        moved += sum(ceil_div(load.sizes[1], config.dim) for load in tile.operands)
    first = waiting if moved <= len(tile.products) - waiting else 0
    tile.spread_sums(first)
    if distance:
        tile.load_ahead(distance)
    else:
        tile.spread(tile.operands, first)
    return [*groups.configs, *tile.in_order()]


def order_prologue(
    before: Iterable[Instruction],
    code: Iterable[Instruction],
    config: GemminiConfig,
    distance: int,
) -> list[Instruction]:
    """A tile and the first loads of the next one, for a kernel with a prefetch `distance`.

    Loads stand as far ahead of their products as in the kernel, so that neither the DMA engine
    nor the array stops between the two. Configurations `before` the code, and in it, go to the
    first instruction that depends on them. Everything keeps its place if they change inside.
    """
    groups = InstructionGroups(code)
    if groups.configs_repeat:
        return [*before, *groups.in_program_order()]
    tile = _Tile(groups, config)
    tile.spread_sums(0)
    tile.load_ahead(distance)
    return with_configs([*before, *groups.configs], tile.in_order())


class _Tile:
    """The products of a tile, and transfers that find their places among them."""

    def __init__(self, groups: InstructionGroups, config: GemminiConfig):
        self.config = config
        self.products: list[Sequence[Instruction]] = []
        self.stores: list[Instruction] = []
        self.sums: list[Instruction] = []
        self.operands: list[Instruction] = []
        for group in groups.groups:
            first = group[0]
            if isinstance(first.op, PreloadOp):
                self.products.append(group)
            elif isinstance(first.op, MvoutOp):
                self.stores.append(first)
            elif _address(first).space == Space.ACCUMULATOR:
                self.sums.append(first)
            else:
                self.operands.append(first)
        self._places: list[list[Instruction]] = [[] for _ in range(len(self.products) + 1)]

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

    def spread_sums(self, first: int) -> None:
        """Place stores, and loads of sums: those that a product adds to stand before it."""
        stored: list[tuple[range, int]] = []
        for place, transfer in self._evenly(self.stores, first):
            self._places[place].append(transfer)
            stored.append((_rows(transfer, self.config), place))
        for place, transfer in self._evenly(self.sums, first):
            rows = _rows(transfer, self.config)
            after = (
                p for other, p in stored if other.start < rows.stop and rows.start < other.stop
            )
            used = self._use(transfer, _address(transfer).slot) < len(self.products)
            self._places[max([0 if used else place, *after])].append(transfer)

    def load_ahead(self, distance: int) -> None:
        """Place each load before the product that uses what is loaded `distance` pieces earlier.

        Pieces are what single MVINs load of the operand with several slots. Those of the next
        tile, which lie where this one's first pieces do, follow the others. Loads of the other
        operand go with the piece that is used with them.
        """
        streamed = [load for load in self.operands if _slots(load) > 1]
        pieces = sorted({self._use(load) for load in streamed})
        # What is loaded before this tile, or belongs to the next one.
        ahead = len(streamed) - len(pieces)
        loads: list[tuple[int, int, Instruction]] = []
        for load in self.operands:
            if _slots(load) == 1:
                use = self._use(load)
                piece = bisect_right(pieces, use) - 1
                loads.append((pieces[max(0, piece - distance)], use, load))
        for number, load in enumerate(streamed):
            use = pieces[number] if number < len(pieces) else len(self.products) + number
            loads.append((pieces[max(0, number - ahead)], use, load))
        for place, _, load in sorted(loads, key=lambda entry: entry[:2]):
            self._places[place].append(load)

    def _use(self, load: Instruction, slot: int | RunTimeNumber | None = None) -> int:
        """The first product that uses rows that `load` covers, in `slot` if one is given.

        The number of products if there is none.
        """
        buffer, rows = _address(load).buffer, _rows(load, self.config)
        for number, product in enumerate(self.products):
            for address in (address for code in product for address in code.addresses):
                if address is None or address.buffer is not buffer or address.row not in rows:
                    continue
                if slot is None or address.slot == slot:
                    return number
        return len(self.products)

    def _evenly(
        self, transfers: Sequence[Instruction], first: int
    ) -> Iterator[tuple[int, Instruction]]:
        """Each transfer with how many products stand before it, at least `first`."""
        last, count = len(self.products), 2 * len(transfers)
        for number, transfer in enumerate(transfers):
            yield first + (2 * number + 1) * (last - first) // count, transfer


def _address(transfer: Instruction) -> LocalAddress:
    (address,) = transfer.addresses
    assert address is not None
    return address


def _rows(transfer: Instruction, config: GemminiConfig) -> range:
    """The rows of its slot that a transfer covers."""
    start, (_, cols) = _address(transfer).row, transfer.sizes
    return range(start, start + ceil_div(cols, config.dim) * config.dim)


def _slots(load: Instruction) -> int:
    type_ = _address(load).buffer.type
    assert isinstance(type_, BufferType)
    return type_.slots.data
