"""Local addresses, and the checks of what lies behind them."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import (
    I1,
    DenseArrayBase,
    IndexType,
    UnitAttr,
    i64,
)
from xdsl.dialects.utils.dynamic_index_list import DynamicIndexList
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import NoMemoryEffect
from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.dialects import mixed
from gemmini_xdsl.dialects.attributes import (
    Space,
)
from gemmini_xdsl.dialects.bounds import constant_value, upper_bound
from gemmini_xdsl.dialects.checks import require
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.local_memory import BufferType, LocalAddressType


@irdl_op_definition
class LocalAddressOp(IRDLOperation):
    """A local address: row `row` of a slot of a buffer (ISA section 2).

    `accumulate` (a write then adds to the old contents if it is true) and `full` (a read then
    yields raw sums) belong to accumulator addresses only.
    """

    name = "gemmini.local_address"

    buffer = operand_def(BufferType)
    indices = var_operand_def(IndexType)
    accumulate = opt_operand_def(I1)
    static_indices = prop_def(DenseArrayBase.constr(i64))
    full = opt_prop_def(UnitAttr)
    address = result_def(LocalAddressType)

    traits = traits_def(NoMemoryEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "$buffer `` custom<DynamicIndexList>($indices, $static_indices) "
        "(`accumulate` `(` $accumulate^ `)`)? "
        "attr-dict `:` type($buffer) `->` type($address)"
    )

    def __init__(
        self,
        buffer: SSAValue,
        slot: mixed.Index,
        row: mixed.Index,
        accumulate: SSAValue | None = None,
        full: bool = False,
    ):
        dynamic, static = mixed.split([slot, row])
        assert isinstance(buffer.type, BufferType)
        super().__init__(
            operands=[buffer, dynamic, accumulate],
            properties={"static_indices": static, "full": UnitAttr() if full else None},
            result_types=[LocalAddressType(buffer.type.space)],
        )

    @property
    def slot_and_row(self) -> tuple[mixed.Index, mixed.Index]:
        """The slot, and the row inside it."""
        slot, row = mixed.join(self.indices, self.static_indices)
        return slot, row

    def verify_(self) -> None:
        """Check the space, static slot and row, and which flags apply."""
        buffer, address = self.buffer.type, self.address.type
        assert isinstance(buffer, BufferType)
        assert isinstance(address, LocalAddressType)
        config = module_config(self)
        if address.space != buffer.space:
            raise VerifyException(f"an address in {buffer} lies in the {buffer.space.data.value}")
        require(mixed.problem(self.indices, self.static_indices, 2, "slot and row"))
        slot, row = self.slot_and_row
        if isinstance(slot, int) and slot >= buffer.slots.data:
            raise VerifyException(f"slot {slot} does not exist: the buffer has {buffer.slots.data}")
        rows = buffer.slot_rows(config.dim)
        if isinstance(row, int) and row >= rows:
            raise VerifyException(f"row {row} is outside the slot, which has {rows} rows")
        if buffer.space.data == Space.SCRATCHPAD and (
            self.accumulate is not None or self.full is not None
        ):
            raise VerifyException("accumulate and full apply to accumulator addresses only")


def _static_row(address: SSAValue) -> tuple[LocalAddressOp, int] | None:
    """The defining operation and the row, if it is static."""
    if not isinstance(address.owner, LocalAddressOp):
        return None
    row = constant_value(address.owner.slot_and_row[1])
    return None if row is None else (address.owner, row)


def verify_rows_inside(address: SSAValue, rows: mixed.Index, blocks: int, stride: int) -> None:
    """A static address with a static size must not run past its slot."""
    located = _static_row(address)
    count = constant_value(rows)
    if located is None or count is None:
        return
    op, row = located
    buffer = op.buffer.type
    assert isinstance(buffer, BufferType)
    available = buffer.slot_rows(module_config(op).dim)
    end = row + (blocks - 1) * stride + count
    if end > available:
        raise VerifyException(f"rows {row} to {end - 1} leave the slot, which has {available} rows")


def verify_size(label: str, size: mixed.Index, limit: int) -> None:
    """`size` must be 1 to `limit`, and be seen to be."""
    bound = upper_bound(size)
    if bound is None:
        raise VerifyException(
            f"{label} has no visible bound; clamp it by arith.minsi with a constant up to {limit}"
        )
    if bound > limit or (isinstance(size, int) and size < 1):
        raise VerifyException(f"{label} must be 1 to {limit}, got {bound}")


def space_of(address: SSAValue) -> Space:
    """The memory that a local address lies in."""
    assert isinstance(address.type, LocalAddressType)
    return address.type.space.data
