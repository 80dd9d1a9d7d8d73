"""Local buffers."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import (
    DenseArrayBase,
    i64,
)
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.dialects.attributes import (
    Placement,
    PlacementAttr,
    Space,
)
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.effects import (
    LocalAllocation,
)
from gemmini_xdsl.dialects.local_memory import BufferType


@irdl_op_definition
class AllocOp(IRDLOperation):
    """A local buffer; `base` gives the first row of each slot once rows are allocated.

    `placement` says where `gemmini-allocate` may put it.
    """

    name = "gemmini.alloc"

    base = opt_prop_def(DenseArrayBase.constr(i64))
    placement = prop_def(PlacementAttr, default_value=PlacementAttr(Placement.BANKED))
    buffer = result_def(BufferType)

    traits = traits_def(LocalAllocation())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format: ClassVar[str] = "attr-dict `:` type($buffer)"

    def __init__(self, type_: BufferType, placement: Placement = Placement.BANKED):
        super().__init__(
            properties={"placement": PlacementAttr(placement)},
            result_types=[type_],
        )

    def verify_(self) -> None:
        """Blocks fit the array; allocated slots lie inside their memory and apart."""
        type_ = self.buffer.type
        assert isinstance(type_, BufferType)
        config = module_config(self)
        if max(type_.block) > config.dim:
            raise VerifyException(
                f"a block holds at most {config.dim}x{config.dim} elements on config "
                f"'{config.name}', got {type_.block[0]}x{type_.block[1]}"
            )
        if self.base is None:
            return
        starts = [int(start) for start in self.base.get_values()]
        if len(starts) != type_.slots.data:
            raise VerifyException(
                f"base must give one row per slot: {type_.slots.data} slots, {len(starts)} rows"
            )
        rows = type_.slot_rows(config.dim)
        capacity = (
            config.scratchpad_rows
            if type_.space.data == Space.SCRATCHPAD
            else config.accumulator_rows
        )
        for start in starts:
            if start < 0 or start + rows > capacity:
                raise VerifyException(
                    f"slot of {rows} rows at row {start} leaves the {type_.space.data.value}, "
                    f"which has {capacity} rows on config '{config.name}'"
                )
        for first, second in zip(sorted(starts), sorted(starts)[1:], strict=False):
            if first + rows > second:
                raise VerifyException(f"slots of {rows} rows at rows {first} and {second} overlap")
