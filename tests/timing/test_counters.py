"""The breakdown of cycles by cause, and the COUNTER instruction."""

from __future__ import annotations

import dataclasses

import pytest
from streams import ACC, DRAM, MVIN, MVOUT, Command, dims, model, pair, run

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.runtime_c.timing import Cause, TimingError, TimingModel

BANK = 4096
EXE_ACTIVE, RDMA_BYTES = 24, 4
ACTIVE_PER_PASS = 15
"""Cycles of 16 in which the controller is in its compute state; it starts a pass while waiting."""


def _shares(timing: TimingModel) -> dict[Cause, float]:
    return {cause: cycles / timing.cycles for cause, cycles in timing.breakdown().items()}


def _pairs(b: int, count: int = 64) -> list[Command]:
    return [c for n in range(count) for c in pair(0, b, ACC + 16 * (n % 32))]


def test_dense_pairs_keep_the_array_busy() -> None:
    timing = model()
    run(timing, _pairs(2 * BANK))
    # The first PRELOAD and 64 passes of 16 rows; the rest fills and drains the pipeline.
    assert timing.breakdown()[Cause.ARRAY_BUSY] == 65 * 16
    assert sum(timing.breakdown().values()) == timing.cycles


def test_operands_in_one_bank_conflict_half_of_the_time() -> None:
    timing = model()
    run(timing, _pairs(64))
    assert _shares(timing)[Cause.BANK_CONFLICTS] == pytest.approx(0.5, abs=0.06)


def test_slow_commands_are_host_bound() -> None:
    timing = model()
    run(timing, [(MVIN, DRAM, dims(0))] * 10, gap=1000)
    assert _shares(timing)[Cause.HOST_BOUND] > 0.9


def test_computes_wait_for_loads() -> None:
    timing = model()
    stream: list[Command] = []
    for n in range(16):
        # Loads run two ahead: three banks keep them away from the one being read.
        a = (0, BANK, 3 * BANK)[n % 3]
        stream += [(MVIN, DRAM, dims(a, 16, 64)), *pair(a, 2 * BANK, ACC + 16 * n)]
    run(timing, stream)
    assert _shares(timing)[Cause.WAITING_FOR_LOADS] > 0.4


def test_full_store_partition_is_named() -> None:
    timing = model()
    run(timing, [(MVOUT, DRAM, dims(ACC, 16, 64))] * 20)
    shares = _shares(timing)
    assert shares[Cause.STATION_FULL_STORE] > 0.6
    assert shares[Cause.STORE_BOUND] > 0.1


def _configure(counter: int, event: int, *, external: bool = False) -> int:
    return external << 31 | event << 12 | counter << 4 | 1 << 3


def test_counters_count_events() -> None:
    timing = model()
    timing.counter(1, 1)  # reset
    timing.counter(1, _configure(0, EXE_ACTIVE))
    timing.counter(1, _configure(5, RDMA_BYTES, external=True))
    for command in [(MVIN, DRAM, dims(0, 16, 64)), *_pairs(2 * BANK, 8)]:
        timing.command(1, *command)
    timing.fence()
    assert timing.counter(1, 0 << 4)[1] == 9 * ACTIVE_PER_PASS
    assert timing.counter(1, 5 << 4)[1] == 1024


def test_a_snapshot_holds_the_values_until_it_is_dropped() -> None:
    timing = model()
    timing.counter(1, _configure(0, EXE_ACTIVE))
    run(timing, _pairs(2 * BANK, 4))
    timing.counter(1, 1 << 2)  # take a snapshot
    run(timing, _pairs(2 * BANK, 4))
    frozen = timing.counter(1, 0)[1]
    live = timing.counter(1, 1 << 1)[1]  # drop it
    assert (frozen, live) == (5 * ACTIVE_PER_PASS, 10 * ACTIVE_PER_PASS)


def test_hardware_without_counters_never_answers() -> None:
    config = dataclasses.replace(load_config("default"), num_counters=0)
    with TimingModel(config) as timing, pytest.raises(TimingError, match="no counters"):
        timing.counter(1, 0)
