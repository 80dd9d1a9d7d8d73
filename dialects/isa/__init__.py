"""Level 3 of the `gemmini` dialect: one operation per instruction (ISA sections 4 to 9).

Addresses in DRAM are a memref with element offsets, local addresses are SSA values that name
buffer, slot and row. Sizes are constants, or values whose bound the verifier can see.
"""

from gemmini_xdsl.dialects.isa.array import ComputeAccumulatedOp, ComputePreloadedOp, PreloadOp
from gemmini_xdsl.dialects.isa.configuration import ConfigExOp, ConfigLdOp, ConfigStOp
from gemmini_xdsl.dialects.isa.local_address import LocalAddressOp
from gemmini_xdsl.dialects.isa.loop_ws import LoopWsOp
from gemmini_xdsl.dialects.isa.movement import MVIN_OPS, Mvin2Op, Mvin3Op, MvinOp, MvoutOp
from gemmini_xdsl.dialects.isa.synchronization import FenceOp, FlushOp

ISA_OPS = (
    LocalAddressOp,
    ConfigExOp,
    ConfigLdOp,
    ConfigStOp,
    MvinOp,
    Mvin2Op,
    Mvin3Op,
    MvoutOp,
    PreloadOp,
    ComputePreloadedOp,
    ComputeAccumulatedOp,
    LoopWsOp,
    FlushOp,
    FenceOp,
)

__all__ = [
    "ISA_OPS",
    "MVIN_OPS",
    "ComputeAccumulatedOp",
    "ComputePreloadedOp",
    "ConfigExOp",
    "ConfigLdOp",
    "ConfigStOp",
    "FenceOp",
    "FlushOp",
    "LocalAddressOp",
    "LoopWsOp",
    "Mvin2Op",
    "Mvin3Op",
    "MvinOp",
    "MvoutOp",
    "PreloadOp",
]
