"""The `gemmini` dialect."""

from __future__ import annotations

from xdsl.ir import Dialect

from gemmini_xdsl.dialects.attributes import (
    ActivationAttr,
    ConfigAttr,
    DataflowAttr,
    PlacementAttr,
    ScheduleAttr,
    SpaceAttr,
)
from gemmini_xdsl.dialects.isa import ISA_OPS
from gemmini_xdsl.dialects.local_memory import BufferType, LocalAddressType
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.dialects.tile import (
    AllocOp,
    LoadOp,
    LoadTransposedOp,
    LoopTileOp,
    PipelineOp,
    StoreOp,
    TileMatmulOp,
    UnpackOp,
    UnrollOp,
)

Gemmini = Dialect(
    "gemmini",
    [
        MatmulOp,
        AllocOp,
        LoadOp,
        LoadTransposedOp,
        UnpackOp,
        StoreOp,
        TileMatmulOp,
        LoopTileOp,
        PipelineOp,
        UnrollOp,
        *ISA_OPS,
    ],
    [
        ActivationAttr,
        ConfigAttr,
        DataflowAttr,
        PlacementAttr,
        ScheduleAttr,
        SpaceAttr,
        BufferType,
        LocalAddressType,
    ],
)
