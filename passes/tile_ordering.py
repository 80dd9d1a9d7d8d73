"""The products of a tile in the order of their execution, and transfers among them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from xdsl.ir import SSAValue

from gemmini_xdsl.dialects.attributes import Dataflow, Space
from gemmini_xdsl.dialects.isa import ComputePreloadedOp, ConfigExOp, MvoutOp, PreloadOp
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.instruction_costs import InstructionCosts
from gemmini_xdsl.passes.instruction_groups import InstructionGroups
from gemmini_xdsl.passes.schedule_rules import ceil_div
from gemmini_xdsl.passes.straight_line import Instruction, LocalAddress, RunTimeNumber

SPARE_ENTRIES = 2
"""Entries of a partition of the reservation station, pairs of them for products, that a plan leaves
free, since the accelerator does not follow it to the cycle."""


class TileOrdering:
    """The products of a tile, and transfers that find their places among them."""

    def __init__(
        self,
        groups: InstructionGroups,
        config: GemminiConfig,
        configs: Sequence[Instruction] = (),
    ):
        self.config = config
        self.waiting = max(1, config.execute_entries // 2 - SPARE_ENTRIES)
        """Products that were sent and have not begun, at most."""
        self.costs = InstructionCosts(config)
        self.products: list[list[Instruction]] = []
        self.cycles: list[int] = []
        self.stores: list[Instruction] = []
        self.sums: list[Instruction] = []
        """Loads into the accumulator."""
        self.operands: list[Instruction] = []
        """Loads of A and B."""
        self.of_sums: list[Instruction] = []
        """Stores and loads of sums, in the order of the program."""
        self.products_before: dict[Instruction, int] = {}
        """The products that stand before each transfer in the program."""
        self._transposed = False
        for code in configs:
            self._configure(code)
        self._sort(groups)
        self.places: list[list[Instruction]] = [[] for _ in range(len(self.products) + 1)]
        self._used = self._index()

    def _configure(self, code: Instruction) -> None:
        if isinstance(code.op, ConfigExOp):
            ws = code.op.dataflow.data == Dataflow.WS
            self._transposed = ws and code.op.transpose_b is not None

    def _sort(self, groups: InstructionGroups) -> None:
        configs: list[Instruction] = []
        for group in groups.groups:
            first = group[0]
            self.products_before[first] = len(self.products)
            if isinstance(first.op, PreloadOp):
                cycles = self._pair_cycles(group[1::2])
                for number in range(0, len(group), 2):
                    self.products.append([*configs, *group[number : number + 2]])
                    configs = []
                self.cycles += cycles
            elif isinstance(first.op, MvoutOp):
                self.stores.append(first)
                self.of_sums.append(first)
            elif not first.addresses:
                self._configure(first)
                configs.append(first)
            elif address_of(first).space == Space.ACCUMULATOR:
                self.sums.append(first)
                self.of_sums.append(first)
            else:
                self.operands.append(first)

    def _pair_cycles(self, computes: Sequence[Instruction]) -> list[int]:
        """Of products that share weights. New ones that are transposed take a second pass."""
        first, *others = self.costs.pairs([compute.sizes[0] for compute in computes])
        new = isinstance(computes[0].op, ComputePreloadedOp)
        return [first + (self.costs.pair if new and self._transposed else 0), *others]

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

    def uses(self, transfer: Instruction, *, any_slot: bool = False) -> list[int]:
        """The products that use what `transfer` moves, in order."""
        address = address_of(transfer)
        slot = None if any_slot else address.slot
        rows, dim = rows_of(transfer, self.config), self.config.dim
        blocks = range(rows.start // dim, ceil_div(rows.stop, dim))
        return sorted({n for b in blocks for n in self._used.get((address.buffer, slot, b), ())})

    def blocks(self, loads: Sequence[Instruction]) -> int:
        """Blocks that loads move."""
        return sum(ceil_div(load.sizes[1], self.config.dim) for load in loads)

    def order(self, numbers: Sequence[int]) -> None:
        """Put the products in another order, given by their numbers."""
        self.products = [self.products[number] for number in numbers]
        self.cycles = [self.cycles[number] for number in numbers]
        self._used = self._index()

    def in_order(self) -> list[Instruction]:
        """The products, each after the transfers that were placed before it."""
        ordered = [*self.places[0]]
        for product, following in zip(self.products, self.places[1:], strict=True):
            ordered += [*product, *following]
        return ordered

    def spread(self, transfers: Sequence[Instruction], first: int) -> None:
        """Place transfers evenly from the product number `first` on."""
        for place, transfer in self.evenly(transfers, first):
            self.places[place].append(transfer)

    def evenly(
        self, transfers: Sequence[Instruction], first: int
    ) -> Iterator[tuple[int, Instruction]]:
        """Places for transfers that are spread evenly from the product number `first` on."""
        last, count = len(self.products), 2 * len(transfers)
        for number, transfer in enumerate(transfers):
            yield first + (2 * number + 1) * (last - first) // count, transfer


def address_of(transfer: Instruction) -> LocalAddress:
    """The only local address of a load or a store."""
    (address,) = transfer.addresses
    assert address is not None
    return address


def rows_of(transfer: Instruction, config: GemminiConfig) -> range:
    """The rows of its slot that a transfer covers."""
    start, (_, cols) = address_of(transfer).row, transfer.sizes
    return range(start, start + ceil_div(cols, config.dim) * config.dim)
