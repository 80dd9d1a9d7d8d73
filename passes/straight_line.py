"""Code without loops as plain records, which are much cheaper than operations.

`gemmini-unroll` evaluates a program to such records, `gemmini-list-schedule` orders them. Both
passes read and write IR; a trial of the tuner, which only wants the commands, goes from one to
the other without.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.ir import Block, Operation, SSAValue
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects.attributes import Space
from gemmini_xdsl.dialects.isa import ISA_OPS, LocalAddressOp
from gemmini_xdsl.dialects.isa.local_address import space_of
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import AllocOp
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.instruction_operands import operands_of


@dataclass(frozen=True, slots=True)
class RunTimeNumber:
    """A number known at run time only, and what is added to it."""

    value: SSAValue
    constant: int = 0

    def __add__(self, other: int) -> RunTimeNumber:
        if not isinstance(other, int):
            return NotImplemented
        return RunTimeNumber(self.value, self.constant + other)

    __radd__ = __add__


@dataclass(slots=True, eq=False)
class LocalAddress:
    """Row `row` of slot `slot` of what the operation `op` (a `gemmini.local_address`) points into.

    `buffer` is the buffer; the flags are those of the operation, evaluated.
    """

    op: LocalAddressOp
    buffer: SSAValue
    slot: int | RunTimeNumber
    row: int
    accumulate: bool

    @property
    def space(self) -> Space:
        """The memory that it lies in."""
        return space_of(self.op.address)

    @property
    def full(self) -> bool:
        """Whether reading yields raw sums."""
        return self.op.full is not None

    def local_row(self) -> int:
        """Its row of the memory. Raises `PassFailedException` if it is not known."""
        if not isinstance(self.slot, int):
            raise PassFailedException(
                f"{location(self.op)}: has a slot or a row known at run time only, so it cannot "
                "be ordered by"
            )
        alloc = self.buffer.owner
        if not isinstance(alloc, AllocOp) or alloc.base is None:
            raise PassFailedException(
                f"{location(self.op)}: the buffer has no rows yet; run gemmini-allocate first"
            )
        return alloc.local_row(self.slot, self.row)


@dataclass(slots=True, eq=False)
class Instruction:
    """An instruction of the kind of `op` with its operands: see `InstructionOperands`.

    Sizes are constant, and so are offsets if the instruction is to change its place. For a
    configuration, which has no operands, `op` is all that there is.
    """

    op: Operation
    matrix: SSAValue | None = None
    offsets: tuple[int | RunTimeNumber, ...] = ()
    addresses: tuple[LocalAddress | None, ...] = ()
    sizes: tuple[int, ...] = ()


def exchange_destinations(one: Instruction, other: Instruction) -> None:
    """Let each write where the other one does, and overwrite or add as that one does."""
    a, b = one.addresses, other.addresses
    one.addresses = (*a[:-1], b[-1])
    other.addresses = (*b[:-1], a[-1])


def read_instructions(block: Block, *, run_time: bool = False) -> Iterator[Instruction]:
    """The instructions of a block without loops; operations that are none are passed over.

    Offsets and slots may be numbers known at run time if `run_time` says so. Raises
    `PassFailedException` for a region, and for other operands that are not constant.
    """
    addresses: dict[SSAValue, LocalAddress] = {}

    def address_of(value: SSAValue | None) -> LocalAddress | None:
        if value is None:
            return None
        if value not in addresses:
            addresses[value] = _read_address(value, run_time)
        return addresses[value]

    for op in block.ops:
        if op.regions:
            raise PassFailedException(
                f"{location(op)}: has a region inside gemmini.unroll; run gemmini-unroll first"
            )
        if not isinstance(op, ISA_OPS) or isinstance(op, LocalAddressOp):
            continue
        operands = operands_of(op)
        if operands is None:
            yield Instruction(op)
            continue
        offsets = tuple(_number(value, op, run_time) for value in operands.offsets)
        sizes = tuple(_static(value, op) for value in operands.sizes)
        at = tuple(address_of(value) for value in operands.addresses)
        yield Instruction(op, operands.matrix, offsets, at, sizes)


def _read_address(value: SSAValue, run_time: bool) -> LocalAddress:
    op = value.owner
    if not isinstance(op, LocalAddressOp):
        raise PassFailedException(
            "a local address must come from gemmini.local_address to be ordered by"
        )
    slot, row = op.slot_and_row
    if isinstance(row, int) and not isinstance(slot, int) and run_time:
        return LocalAddress(op, op.buffer, RunTimeNumber(slot), row, op.accumulate is not None)
    if not isinstance(slot, int) or not isinstance(row, int):
        raise PassFailedException(
            f"{location(op)}: has a slot or a row known at run time only; run gemmini-unroll first"
        )
    return LocalAddress(op, op.buffer, slot, row, op.accumulate is not None)


def _number(value: Index, op: Operation, run_time: bool) -> int | RunTimeNumber:
    if run_time and not isinstance(value, int):
        return RunTimeNumber(value)
    return _static(value, op)


def _static(value: Index, op: Operation) -> int:
    if not isinstance(value, int):
        raise PassFailedException(
            f"{location(op)}: has sizes or offsets known at run time only; run gemmini-unroll first"
        )
    return value
