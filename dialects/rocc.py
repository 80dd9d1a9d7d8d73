"""The `rocc` dialect: raw RoCC custom instructions with two 64-bit operands (ISA section 1)."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import I64, IntegerAttr, StringAttr, i64
from xdsl.ir import Dialect, Operation, SSAValue
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.dialects.effects import ALL_RESOURCES, FixedEffects

FUNCT_BITS = 7


@irdl_op_definition
class CommandOp(IRDLOperation):
    """One custom instruction: `rocc.command 2, %rs1, %rs2 {mnemonic = "mvin"}`.

    The number is funct7; the mnemonic is for readers and counters and carries no meaning. Both
    operands are i64 and hold the packed fields exactly as the accelerator decodes them.
    """

    name = "rocc.command"

    rs1 = operand_def(I64)
    rs2 = operand_def(I64)
    funct = prop_def(IntegerAttr[I64])
    mnemonic = opt_prop_def(StringAttr)

    traits = traits_def(FixedEffects(reads=ALL_RESOURCES, writes=ALL_RESOURCES))
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format: ClassVar[str] = "$funct `,` $rs1 `,` $rs2 attr-dict"

    def __init__(
        self,
        funct: int,
        rs1: SSAValue | Operation,
        rs2: SSAValue | Operation,
        mnemonic: str | None = None,
    ):
        super().__init__(
            operands=[rs1, rs2],
            properties={
                "funct": IntegerAttr(funct, i64),
                "mnemonic": None if mnemonic is None else StringAttr(mnemonic),
            },
        )

    def verify_(self) -> None:
        """Check that funct7 fits its field."""
        if not 0 <= self.funct.value.data < 1 << FUNCT_BITS:
            raise VerifyException(f"funct must be 0 to 127, got {self.funct.value.data}")


@irdl_op_definition
class FenceOp(IRDLOperation):
    """Wait until the accelerator is idle and its stores are visible to the core."""

    name = "rocc.fence"

    traits = traits_def(FixedEffects(reads=ALL_RESOURCES, writes=ALL_RESOURCES))
    assembly_format: ClassVar[str] = "attr-dict"

    def __init__(self) -> None:
        super().__init__()


@irdl_op_definition
class AnchorOp(IRDLOperation):
    """`value`, as a number that later code counts from: `%base = rocc.anchor %value`.

    The result equals the operand. Operands that lie close to it are made from it by adding a
    small constant, and compilers must not undo that: 64-bit constants cost several instructions.
    """

    name = "rocc.anchor"

    value = operand_def(I64)
    result = result_def(I64)

    traits = traits_def(Pure())
    assembly_format: ClassVar[str] = "$value attr-dict"

    def __init__(self, value: SSAValue | Operation):
        super().__init__(operands=[value], result_types=[i64])


Rocc = Dialect("rocc", [CommandOp, FenceOp, AnchorOp], [])
