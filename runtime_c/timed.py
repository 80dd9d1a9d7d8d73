"""Letting a kernel that runs in the functional simulator take time in the timing model, too."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from gemmini_xdsl.runtime_c.simulator import load_library
from gemmini_xdsl.runtime_c.timing import TimingModel

TOLD_GAP = (1 << 64) - 1
"""GEMMINI_SIM_TOLD_GAP: kernels tell the core's time."""


@dataclass(frozen=True)
class Placement:
    """Memory of this process, `size` bytes at `host`, that the model sees at `address`."""

    host: int
    size: int
    address: int


@contextmanager
def timed(
    model: TimingModel, host_gap: int | None, placements: Sequence[Placement] = ()
) -> Iterator[TimingModel]:
    """Commands of the calling thread's kernels take time in `model` inside the block.

    The core is taken to need `host_gap` cycles for each command, or as many as the kernel tells
    (GEMMINI_CORE_CYCLES). `placements` make times independent of where this process's memory
    happens to lie. Errors of the model (a hang) are found by its next `fence`.
    """
    library = load_library()
    library.gemmini_sim_attach_timing.argtypes = [ctypes.c_void_p, ctypes.c_uint64]
    library.gemmini_sim_attach_timing.restype = None
    library.gemmini_sim_place.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_uint64]
    library.gemmini_sim_place.restype = ctypes.c_bool
    library.gemmini_sim_attach_timing(model.handle, TOLD_GAP if host_gap is None else host_gap)
    try:
        for placement in placements:
            if not library.gemmini_sim_place(placement.host, placement.size, placement.address):
                raise ValueError(f"too many placements: {len(placements)}")
        yield model
    finally:
        library.gemmini_sim_attach_timing(None, 0)
