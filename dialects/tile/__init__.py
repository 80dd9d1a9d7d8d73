"""Level 2 of the `gemmini` dialect: tiles of matrices in local buffers.

Sizes are in elements; those that are static are bounded by the buffer's type when the
operation is verified, the others where they are computed.
"""

from gemmini_xdsl.dialects.tile.alloc import AllocOp
from gemmini_xdsl.dialects.tile.loop_tile import LoopTileOp
from gemmini_xdsl.dialects.tile.pipeline import PipelineOp
from gemmini_xdsl.dialects.tile.product import TileMatmulOp
from gemmini_xdsl.dialects.tile.transfers import LoadOp, LoadTransposedOp, StoreOp
from gemmini_xdsl.dialects.tile.unpack import UnpackOp
from gemmini_xdsl.dialects.tile.unroll import UnrollOp

__all__ = [
    "AllocOp",
    "LoadOp",
    "LoadTransposedOp",
    "LoopTileOp",
    "PipelineOp",
    "StoreOp",
    "TileMatmulOp",
    "UnpackOp",
    "UnrollOp",
]
