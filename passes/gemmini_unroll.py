"""`gemmini-unroll`: loops in a `gemmini.unroll` become the instructions that they execute."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import BoolAttr, ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass

from gemmini_xdsl.dialects.isa import LocalAddressOp
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import UnrollOp
from gemmini_xdsl.passes.configuration_state import CONFIGS
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.instruction_operands import InstructionOperands, with_operands
from gemmini_xdsl.passes.straight_line import Instruction, LocalAddress, RunTimeNumber
from gemmini_xdsl.passes.unrolling import Unrolled, unroll


@dataclass(frozen=True)
class GemminiUnrollPass(ModulePass):
    """Replace the contents of each `gemmini.unroll` by what they execute, without any loop.

    Buffers and local addresses come first, each address once, then the instructions in the order
    of the program; but of products that share weights, a last one of few rows comes first. Numbers
    known at run time only may be added to offsets and may choose slots. Raises
    `PassFailedException` for a loop or a condition that depends on them.
    """

    name = "gemmini-unroll"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Unroll every region."""
        for region in [inner for inner in op.walk() if isinstance(inner, UnrollOp)]:
            old = region.body.block
            new = _Writer().write(unroll(old))
            for inner in reversed(list(old.ops)):
                inner.detach()
                inner.erase(safe_erase=False)
            for inner in list(new.ops):
                inner.detach()
                old.add_op(inner)


class _Writer:
    """Operations for what a block executes."""

    def __init__(self) -> None:
        self.block = Block()
        self.values: dict[SSAValue, SSAValue] = {}
        self.addresses: dict[LocalAddress, SSAValue] = {}
        self.true: SSAValue | None = None
        self.sums: dict[RunTimeNumber, Index] = {}

    def write(self, code: Unrolled) -> Block:
        """A block of everything."""
        for item in code.setup:
            if isinstance(item, LocalAddress):
                self.addresses[item] = self._address(item)
            else:
                self.block.add_op(item.clone(value_mapper=self.values))
        for instruction in code.instructions:
            self._instruction(instruction)
        return self.block

    def _address(self, address: LocalAddress) -> SSAValue:
        accumulate = self._true() if address.accumulate else None
        buffer = self.values.get(address.buffer, address.buffer)
        slot = self._index(address.slot)
        op = LocalAddressOp(buffer, slot, address.row, accumulate, address.full)
        self.block.add_op(op)
        return op.address

    def _index(self, number: int | RunTimeNumber) -> Index:
        if isinstance(number, int):
            return number
        if number not in self.sums:
            self.sums[number] = IndexBuilder.at_end(self.block).add(number.value, number.constant)
        return self.sums[number]

    def _true(self) -> SSAValue:
        if self.true is None:
            constant = arith.ConstantOp(BoolAttr.from_bool(True))
            self.block.add_op(constant)
            self.true = constant.result
        return self.true

    def _instruction(self, code: Instruction) -> None:
        if isinstance(code.op, CONFIGS):
            self.block.add_op(code.op.clone())
            return
        matrix = None if code.matrix is None else self.values.get(code.matrix, code.matrix)
        addresses = tuple(a if a is None else self.addresses[a] for a in code.addresses)
        offsets = [self._index(offset) for offset in code.offsets]
        operands = InstructionOperands(matrix, offsets, addresses, code.sizes)
        self.block.add_op(with_operands(code.op, operands))
