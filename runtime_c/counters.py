"""The events that the COUNTER instruction counts (ISA section 8)."""

from __future__ import annotations

from dataclasses import dataclass

INTERNAL_EVENTS = (
    "main_ld_cycles",
    "main_st_cycles",
    "main_ex_cycles",
    "main_ld_st_cycles",
    "main_ld_ex_cycles",
    "main_st_ex_cycles",
    "main_ld_st_ex_cycles",
    "load_dma_wait_cycles",
    "load_active_cycles",
    "load_scratchpad_wait_cycles",
    "store_dma_wait_cycles",
    "store_active_cycles",
    "store_pooling_cycles",
    "store_scratchpad_wait_cycles",
    "dma_tlb_miss_cycles",
    "dma_tlb_hits",
    "dma_tlb_requests",
    "rdma_active_cycles",
    "rdma_tlb_wait_cycles",
    "rdma_tl_wait_cycles",
    "wdma_active_cycles",
    "wdma_tlb_wait_cycles",
    "wdma_tl_wait_cycles",
    "exe_active_cycles",
    "exe_flush_cycles",
    "exe_control_queue_block_cycles",
    "exe_preload_hazard_cycles",
    "exe_overlap_hazard_cycles",
    "scratchpad_a_wait_cycles",
    "scratchpad_b_wait_cycles",
    "scratchpad_d_wait_cycles",
    "acc_a_wait_cycles",
    "acc_b_wait_cycles",
    "acc_d_wait_cycles",
    "a_garbage_cycles",
    "b_garbage_cycles",
    "d_garbage_cycles",
    "im2col_mem_cycles",
    "im2col_active_cycles",
    "im2col_transposer_wait_cycles",
    "reservation_station_full_cycles",
    "reservation_station_active_cycles",
    "loop_matmul_active_cycles",
    "transpose_preload_unroller_active_cycles",
)
"""Events 1, 2, ... in order."""

EXTERNAL_EVENTS = (
    "reservation_station_ld_count",
    "reservation_station_st_count",
    "reservation_station_ex_count",
    "rdma_bytes_received",
    "wdma_bytes_sent",
    "rdma_total_latency",
    "wdma_total_latency",
)
"""External events 1, 2, ... in order; their values are those of the moment, or totals."""

EVENT_NAMES = (*INTERNAL_EVENTS, *EXTERNAL_EVENTS)

DEFAULT_EVENTS = (
    "exe_active_cycles",
    "load_active_cycles",
    "store_active_cycles",
    "reservation_station_full_cycles",
    "scratchpad_a_wait_cycles",
    "scratchpad_b_wait_cycles",
    "rdma_bytes_received",
    "wdma_bytes_sent",
)

_RESET_ALL = 1
_CONFIGURE = 1 << 3
_INDEX_SHIFT = 4
_EVENT_SHIFT = 12
_EXTERNAL = 1 << 31


@dataclass(frozen=True)
class Counter:
    """Counter `index` (of `GemminiConfig.num_counters`) set to count the event called `name`."""

    index: int
    name: str

    @property
    def configure(self) -> int:
        """Operand of the COUNTER instruction that selects the event."""
        external = self.name in EXTERNAL_EVENTS
        names = EXTERNAL_EVENTS if external else INTERNAL_EVENTS
        event = names.index(self.name) + 1
        return (
            _CONFIGURE
            | self.index << _INDEX_SHIFT
            | event << _EVENT_SHIFT
            | (_EXTERNAL if external else 0)
        )

    @property
    def read(self) -> int:
        """Operand of the COUNTER instruction that reads the counter."""
        return self.index << _INDEX_SHIFT


RESET = _RESET_ALL
"""Operand of the COUNTER instruction that sets all counters to zero."""
