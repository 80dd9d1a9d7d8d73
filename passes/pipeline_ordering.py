"""The order of instructions where loads keep a distance from the products that use them.

A list scheduler plans for one tile and an idle accelerator. In a software pipeline a tile is
followed by others, and where loads take as long as products any gap between loads is lost, so that
evenness counts: transfers stand where the DMA engine needs them next.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from operator import itemgetter

from gemmini_xdsl.dialects.attributes import Placement
from gemmini_xdsl.dialects.isa import MvoutOp
from gemmini_xdsl.dialects.tile import AllocOp
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.configuration_state import EX
from gemmini_xdsl.passes.instruction_groups import InstructionGroups, with_configs
from gemmini_xdsl.passes.straight_line import Instruction, LocalAddress
from gemmini_xdsl.passes.tile_ordering import TileOrdering, address_of, rows_of


def order_kernel(
    code: Iterable[Instruction], config: GemminiConfig, distance: int
) -> list[Instruction]:
    """The kernel of a software pipeline: transfers among the products.

    Products keep their order, and so do loads and stores. Transfers of other tiles are spread
    evenly, those of the same sums in their order. Products of the tile before are still waiting
    when a tile begins, and read what the first loads overwrite: these come later if there is time
    for them then. With a prefetch `distance` loads of operands stand where `load_ahead`
    says. Everything keeps its place if configuration changes inside.
    """
    groups = InstructionGroups(code)
    if groups.repeated:
        return groups.in_program_order()
    tile = _PipelineTile(groups, config)
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
    tile = _PipelineTile(groups, config, configs)
    tile.spread_sums(0)
    tile.load_ahead(distance)
    return with_configs(configs, tile.in_order())


class _PipelineTile(TileOrdering):
    """A tile whose transfers keep the pace of its products."""

    def spread_sums(self, first: int) -> None:
        """Place stores, and loads of sums, evenly from the product number `first` on.

        Those of the same rows keep their order. Sums that products add to are loaded before all;
        what products add to is stored, or added to from memory, behind them.
        """
        evenly = {
            transfer: place
            for transfers in (self.stores, self.sums)
            for place, transfer in self.evenly(transfers, first)
        }
        placed: list[tuple[range, int]] = []
        for transfer in self.of_sums:
            place = evenly[transfer]
            uses, rows = self.uses(transfer), rows_of(transfer, self.config)
            before = [p for r, p in placed if r.start < rows.stop and rows.start < r.stop]
            if uses:
                behind = isinstance(transfer.op, MvoutOp) or address_of(transfer).accumulate
                place = uses[-1] + 1 if behind else 0
            place = max([place, *before])
            placed.append((rows, place))
            self.places[place].append(transfer)

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
            uses = self.uses(load)
            if _placement(address_of(load)) != Placement.CYCLIC:
                others.append((uses[0] if uses else len(self.products), load))
            elif uses:
                own.append((uses[0], load))
            else:
                following.append(load)
        own.sort(key=itemgetter(0))
        others.sort(key=itemgetter(0))
        pieces = self._pieces(own, following)
        first = pieces[0][0] if pieces else 0
        paces = self._paces([blocks for _, blocks in pieces], first)
        before = len(pieces) - len(own) - distance

        def place(number: int) -> int:
            return 0 if number < 0 else paces[min(number, len(paces) - 1)]

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
            self.places[where].append(load)

    def _pieces(
        self, own: Sequence[tuple[int, Instruction]], following: Sequence[Instruction]
    ) -> list[tuple[int, int]]:
        """First use and blocks of all pieces of this tile, those that are there already, too."""
        loaded = {(address_of(load).buffer, address_of(load).row) for _, load in own}
        pieces = [(use, self.blocks([load])) for use, load in own]
        for load in following:
            uses = self.uses(load, any_slot=True)
            if uses and (address_of(load).buffer, address_of(load).row) not in loaded:
                pieces.append((uses[0], self.blocks([load])))
        return sorted(pieces)

    def _paces(self, blocks: Sequence[int], first: int) -> list[int]:
        """The products that are done when each piece is due, if all from `first` on take the same
        time.
        """
        total, products = max(1, sum(blocks)), len(self.products) - first
        return [first + count * products // total for count in accumulate(blocks, initial=0)]

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


def _placement(address: LocalAddress) -> Placement:
    alloc = address.buffer.owner
    assert isinstance(alloc, AllocOp)
    return alloc.placement.data
