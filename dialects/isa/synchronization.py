"""FLUSH and the fence (ISA section 8)."""

from __future__ import annotations

from typing import ClassVar

from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    traits_def,
)

from gemmini_xdsl.dialects.effects import (
    ALL_RESOURCES,
    FixedEffects,
)


@irdl_op_definition
class FlushOp(IRDLOperation):
    """FLUSH: invalidate the accelerator's TLB (ISA section 8)."""

    name = "gemmini.flush"

    traits = traits_def(FixedEffects(reads=ALL_RESOURCES, writes=ALL_RESOURCES))
    assembly_format: ClassVar[str] = "attr-dict"

    def __init__(self) -> None:
        super().__init__()


@irdl_op_definition
class FenceOp(IRDLOperation):
    """Wait until the accelerator is idle and its stores are visible to the core."""

    name = "gemmini.fence"

    traits = traits_def(FixedEffects(reads=ALL_RESOURCES, writes=ALL_RESOURCES))
    assembly_format: ClassVar[str] = "attr-dict"

    def __init__(self) -> None:
        super().__init__()
