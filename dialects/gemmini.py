"""The `gemmini` dialect."""

from __future__ import annotations

from xdsl.ir import Dialect

from gemmini_xdsl.dialects.attributes import (
    ActivationAttr,
    ConfigAttr,
    DataflowAttr,
    ScheduleAttr,
    SpaceAttr,
)
from gemmini_xdsl.dialects.matmul import MatmulOp

Gemmini = Dialect(
    "gemmini",
    [MatmulOp],
    [ActivationAttr, ConfigAttr, DataflowAttr, ScheduleAttr, SpaceAttr],
)
