"""The L2 and the core beside the accelerator: the order of answers, conflicts, the core's L1."""

from __future__ import annotations

import dataclasses

import pytest
from streams import (
    ACC,
    DRAM,
    FULL,
    MVIN,
    MVOUT,
    Command,
    config_ex,
    config_ld,
    config_st,
    dims,
    model,
    run,
)

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.runtime_c.timing import EventKind, TimingError, TimingEvent, TimingModel

LINE = 64
WAY = 64 * 1024
MANY = 64 * WAY
"""Bytes after which nothing of what was before is left in the L2."""
"""Bytes of one way of the L2: addresses so far apart share a set."""

WHOLE: Command = (MVIN, DRAM, dims(0, 16, 64))
"""Sixteen lines."""


def misses(timing: TimingModel, commands: list[Command]) -> int:
    heard: list[TimingEvent] = []
    timing.listen(heard.append)
    run(timing, commands)
    timing.listen(None)
    return sum(event.kind is EventKind.L2_MISS for event in heard)


def test_lines_in_the_cores_l1_come_ten_cycles_apart() -> None:
    # Recording prefetch_gemm: 16x64 MVINs of operands just written took 183 cycles instead of 83,
    # and 160 each in a row.
    timing = model()
    usual = run(timing, [WHOLE])
    timing.host_hold(DRAM, 16 * 256)
    assert run(timing, [WHOLE]) - usual == pytest.approx(100, abs=2)
    assert run(timing, [WHOLE]) == usual
    timing.host_hold(DRAM, 64 * 256)
    four: list[Command] = [(MVIN, DRAM + 4096 * n, dims(64 * n, 16, 64)) for n in range(4)]
    assert run(timing, four) - usual == pytest.approx(100 + 3 * 160, abs=5)


def test_the_core_fetching_instructions_holds_loads_up() -> None:
    # Recording micro (mvin_acc_shrunk_16x64_x8): 4 to 10 cycles per gap of the core's code.
    mvins: list[Command] = [(MVIN, DRAM, dims(64 * n, 16, 64)) for n in range(4)]
    usual = run(model(), mvins)
    timing = model()
    timing.restart()
    timing.host_fetch(40)
    for command in mvins:
        timing.command(1, *command)
    assert 4 <= timing.fence() - usual <= 10


def test_puts_hold_up_gets_of_the_same_sub_bank() -> None:
    """A Put writes to a quarter of the L2's banks; a Get of the same quarter waits for it."""

    def together(offset: int) -> int:
        timing = model(None, config_ex(), config_ld(256), config_st(256))
        stream: list[Command] = []
        for n in range(16):
            stream.append((MVIN, DRAM, dims(64 * (n % 4))))
            stream.append((MVOUT, DRAM + 0x8000 + offset, dims(ACC)))
        return run(timing, stream)

    assert together(0) > together(32)


def test_requests_to_one_set_wait_for_each_other() -> None:
    def rows(stride: int) -> int:
        timing = model(None, config_ld(stride))
        for n in range(8):
            timing.host_write(DRAM + n * WAY, LINE)
        mvin: Command = (MVIN, DRAM, dims(0, 8))
        assert misses(timing, [mvin]) == 0
        return run(timing, [mvin])

    assert rows(WAY) > rows(256)


@pytest.mark.parametrize(
    ("latency", "completions"),
    [
        (0, [157, 285, 413, 541, 669, 797]),
        (30, [187, 315, 443, 571, 699, 827]),
        (100, [292, 490, 653, 851, 1014, 1212]),
    ],
)
def test_lines_from_dram_into_an_empty_l2(latency: int, completions: list[int]) -> None:
    # Recording dram (stream_256x1KiB_contiguous, first run), to the cycle.
    timing = model(None, config_ld(LINE))
    timing.empty_l2()
    timing.set_dram_latency(latency)
    timing.restart()
    heard: list[TimingEvent] = []
    timing.listen(heard.append)
    for n in range(len(completions)):
        timing.command(11 if n else 0, MVIN, DRAM + 1024 * n, dims(64 * n, 16, 64))
    timing.fence()
    assert [e.cycle for e in heard if e.kind is EventKind.COMPLETE] == completions


def test_evictions_hold_up_the_lines_that_follow() -> None:
    """Recording dram: a line into a full L2 takes 10.4 to 10.6 cycles (stream_512x1KiB, with some
    modified lines), into an empty one 8; a strided access to a half full one 9.08."""
    stream: list[Command] = [(MVIN, DRAM + 1024 * n, dims(0, 16, 64)) for n in range(64)]

    def per_line(latency: int) -> float:
        timing = model(None, config_ld(LINE))
        timing.empty_l2()
        timing.other_traffic(MANY)
        timing.set_dram_latency(latency)
        return run(timing, stream) / (64 * 16)

    # Recorded again (9.6 and 10.4), with a few hits and a few modified lines.
    assert per_line(0) == pytest.approx(9.66, rel=0.05)
    assert per_line(30) == pytest.approx(10.36, rel=0.06)


def test_modified_lines_wait_for_dram_as_well() -> None:
    """Recording dram: into an L2 with 42 % of modified lines, a line takes 10.17 cycles, and 11.40
    if DRAM has 30 cycles more of latency (stream_512x1KiB, the first 1024 lines)."""
    stores: list[Command] = [(MVOUT, DRAM + 1024 * n, dims(FULL, 16, 16)) for n in range(256)]
    stream: list[Command] = [(MVIN, DRAM + MANY + 1024 * n, dims(0, 16, 64)) for n in range(64)]
    for latency, cycles in ((0, 10.17), (30, 11.40)):
        timing = model(None, config_ld(LINE), config_st(LINE))
        timing.empty_l2()
        timing.set_dram_latency(latency)
        timing.other_traffic(8 * WAY)
        run(timing, stores)
        assert run(timing, stream) / 1024 == pytest.approx(cycles, rel=0.05)


def test_other_traffic_leaves_a_few_lines() -> None:
    """Random replacement keeps 7 lines of 8 for each line that comes into their set."""
    stream: list[Command] = [(MVIN, DRAM + 1024 * n, dims(0, 16, 64)) for n in range(64)]
    timing = model(None, config_ld(LINE))
    timing.empty_l2()
    run(timing, stream)
    assert timing.l2_traffic == WAY
    timing.other_traffic(16 * WAY)
    assert timing.l2_traffic == 17 * WAY
    assert 1 - misses(timing, stream) / 1024 == pytest.approx((7 / 8) ** 16, abs=0.05)


def test_stores_of_whole_lines_that_miss() -> None:
    # Recording dram (mvout_int32): 94 cycles per 16 lines, whatever the latency of DRAM.
    for latency in (0, 100):
        timing = model(None, config_st(LINE))
        timing.empty_l2()
        timing.set_dram_latency(latency)
        stores: list[Command] = [(MVOUT, DRAM + 1024 * n, dims(FULL, 16, 16)) for n in range(48)]
        timing.restart()
        heard: list[TimingEvent] = []
        timing.listen(heard.append)
        for store in stores:
            timing.command(1, *store)
        timing.fence()
        done = [e.cycle for e in heard if e.kind is EventKind.COMPLETE]
        assert (done[40] - done[8]) / 32 == pytest.approx(94, abs=1)


def test_cold_streams() -> None:
    """128 MVINs of 16x64 from DRAM took 16,772 cycles, 23,837 with 100 cycles more of latency."""
    stream: list[Command] = [(MVIN, DRAM + 1024 * n, dims(0, 16, 64)) for n in range(128)]
    for latency, cycles in ((0, 16772), (20, 17044), (50, 16946), (100, 23837)):
        timing = TimingModel(load_config("default"))
        timing.configure(*config_ld(LINE))
        timing.set_dram_latency(latency)
        assert run(timing, stream) == pytest.approx(cycles, rel=0.025)


def test_evictions_are_as_frequent_as_random_ones() -> None:
    """A second operand in the sets of the first evicts one line in eight (section 9)."""
    rows = 16 * 16
    first: list[Command] = [(MVIN, DRAM + 1024 * n, dims(0, 16, 64)) for n in range(16)]
    second: list[Command] = [(funct, rs1 + WAY, rs2) for funct, rs1, rs2 in first]
    for seed in range(8):
        timing = model(None, config_ld(LINE))
        timing.set_seed(seed)
        timing.empty_l2()
        assert misses(timing, first) == rows
        assert misses(timing, second) == rows
        assert misses(timing, first) == pytest.approx(rows / 8, abs=1)


def test_seeds_choose_other_lines() -> None:
    def evicted(seed: int) -> list[int]:
        timing = model(None, config_ld(LINE))
        timing.set_seed(seed)
        timing.other_traffic(MANY)
        timing.host_write(DRAM, 128 * 1024)
        heard: list[int] = []
        timing.listen(lambda e: heard.append(e.rs1) if e.kind is EventKind.L2_MISS else None)
        for base in (WAY * 8, 0):
            run(timing, [(MVIN, DRAM + base + 1024 * n, dims(0, 16, 64)) for n in range(128)])
        return heard

    assert evicted(0) == evicted(0)
    assert evicted(0) != evicted(1)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"l2_kib": 480}, "powers of two"),
        ({"dma_max_bytes": 256}, "at most 8 beats"),
    ],
)
def test_memories_that_the_model_does_not_represent(changes: dict[str, int], text: str) -> None:
    config = dataclasses.replace(load_config("default"), **changes)
    with pytest.raises(TimingError, match=text):
        TimingModel(config)
