"""Local buffers."""

from __future__ import annotations

from itertools import pairwise
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

    `placement` says where `gemmini-allocate` may put it. With `interleaved` and `cyclic` placement
    a slot is not contiguous: `base` gives the first row of each piece, slot by slot. A piece is as many
    neighbouring blocks of one row of the grid as an MVIN can move.
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

    @property
    def starts(self) -> list[int]:
        """`base` as integers, empty before rows are allocated."""
        return [] if self.base is None else [int(start) for start in self.base.get_values()]

    def part_rows(self) -> list[int]:
        """Rows of each contiguous part of a slot: the slot itself, or its pieces in order."""
        type_ = self.buffer.type
        assert isinstance(type_, BufferType)
        config = module_config(self)
        if not self.placement.data.by_pieces:
            return [type_.slot_rows(config.dim)]
        rows, cols = type_.grid
        widths = [
            min(config.max_block_cols, cols - first)
            for first in range(0, cols, config.max_block_cols)
        ]
        return [width * config.dim for width in widths] * rows

    def local_row(self, slot: int, row: int) -> int:
        """The row of the memory that holds row `row` of slot `slot`; rows must be allocated."""
        parts = self.part_rows()
        starts = self.starts[slot * len(parts) : (slot + 1) * len(parts)]
        for start, rows in zip(starts, parts, strict=True):
            if row < rows:
                return start + row
            row -= rows
        raise IndexError(row)

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
        parts = self.part_rows()
        starts = self.starts
        if len(starts) != type_.slots.data * len(parts):
            unit = "slot" if len(parts) == 1 else "piece"
            raise VerifyException(
                f"base must give one row per {unit}: {type_.slots.data * len(parts)} {unit}s, "
                f"{len(starts)} rows"
            )
        capacity = (
            config.scratchpad_rows
            if type_.space.data == Space.SCRATCHPAD
            else config.accumulator_rows
        )
        taken = sorted(zip(starts, parts * type_.slots.data, strict=True))
        for start, rows in taken:
            if start < 0 or start + rows > capacity:
                raise VerifyException(
                    f"slot of {rows} rows at row {start} leaves the {type_.space.data.value}, "
                    f"which has {capacity} rows on config '{config.name}'"
                )
        for (first, rows), (second, _) in pairwise(taken):
            if first + rows > second:
                raise VerifyException(f"slots of {rows} rows at rows {first} and {second} overlap")
