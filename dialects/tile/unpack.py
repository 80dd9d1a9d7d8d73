"""Rows of a buffer that the array makes several of."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import I32, IntegerAttr, i32
from xdsl.ir import SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    prop_def,
    traits_def,
)
from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.dialects.attributes import Dataflow, Space
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.effects import ARRAY_STATE, CONFIG_STATE, SCRATCHPAD, FixedEffects
from gemmini_xdsl.dialects.local_memory import BufferType


@irdl_op_definition
class UnpackOp(IRDLOperation):
    """Make DIM / `cols` rows of each row of DIM elements, by the array.

    `gemmini.unpack %packed to %buffer by %selector {rows = 64 : i32, cols = 2 : i32}`: row r of
    `packed` becomes rows r * DIM / cols and following of `buffer`, of which `rows` are written.
    Each holds its `cols` elements, multiplied by the last `cols` rows of the block `selector`: an
    identity matrix, repeated as often as wanted. The other rows of `selector` are zero. That takes
    the ws dataflow, whose results may lie some rows apart.
    """

    name = "gemmini.unpack"

    packed = operand_def(BufferType)
    buffer = operand_def(BufferType)
    selector = operand_def(BufferType)

    rows = prop_def(IntegerAttr[I32])
    cols = prop_def(IntegerAttr[I32])

    traits = traits_def(
        FixedEffects(reads=(SCRATCHPAD,), writes=(SCRATCHPAD, ARRAY_STATE, CONFIG_STATE))
    )
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format: ClassVar[str] = (
        "$packed `to` $buffer `by` $selector "
        "attr-dict `:` type($packed) `,` type($buffer) `,` type($selector)"
    )

    def __init__(
        self, packed: SSAValue, buffer: SSAValue, selector: SSAValue, rows: int, cols: int
    ):
        super().__init__(
            operands=[packed, buffer, selector],
            properties={"rows": IntegerAttr(rows, i32), "cols": IntegerAttr(cols, i32)},
        )

    def verify_(self) -> None:
        """Check spaces and grids against each other, and what the array can do."""
        config = module_config(self)
        dim, rows, cols = config.dim, self.rows.value.data, self.cols.value.data
        if not config.ex_write_to_spad:
            raise VerifyException(
                f"config '{config.name}' cannot write results to the scratchpad "
                "(ex_write_to_spad = false)"
            )
        if not config.supports_dataflow(Dataflow.WS.value):
            raise VerifyException(f"config '{config.name}' has no ws dataflow, which this takes")
        if not 1 <= cols < dim or dim % cols:
            raise VerifyException(f"cols must divide {dim} and be less, got {cols}")
        if rows < 1 or rows * cols % dim:
            raise VerifyException(
                f"rows: {rows} rows of {cols} elements are no whole rows of {dim}"
            )
        square = (config.exact_depth, dim)
        expected = {
            "packed": (self.packed, -(-rows * cols // dim**2)),
            "buffer": (self.buffer, -(-rows // dim)),
            "selector": (self.selector, 1),
        }
        for label, (value, blocks) in expected.items():
            type_ = value.type
            assert isinstance(type_, BufferType)
            if config.exact_depth != dim or (type_.grid, type_.block) != ((blocks, 1), square):
                raise VerifyException(
                    f"{label} must be {blocks}x1 of {square[0]}x{square[1]} here, got {type_}"
                )
            if type_.space.data != Space.SCRATCHPAD:
                raise VerifyException(f"{label} must be a scratchpad buffer, got {type_}")
