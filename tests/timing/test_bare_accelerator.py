"""Figures of the bare accelerator (microarchitecture reference, tag [sim]): RTL with memory that
answers in order after a fixed latency L, commands offered in every cycle."""

from __future__ import annotations

import dataclasses

import pytest
from streams import (
    ACC,
    DRAM,
    FULL,
    GARBAGE,
    MVIN,
    MVIN2,
    MVOUT,
    Command,
    config_ex,
    config_ld,
    config_st,
    dims,
    model,
    pair,
    per_command,
    run,
)

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.runtime_c.timing import EventKind, TimingEvent, TimingModel

BANK = 4096
HALF = 0x3F00_0000


def bare(latency: int, *settings: Command) -> TimingModel:
    """A model whose memory never misses and answers after `latency` cycles."""
    config = dataclasses.replace(load_config("default"), l2_hit_latency=latency, l2_kib=4096)
    return model(config, *settings)


def events(timing: TimingModel, commands: list[Command]) -> list[TimingEvent]:
    heard: list[TimingEvent] = []
    timing.listen(heard.append)
    run(timing, commands, gap=0)
    return heard


def cycles_of(heard: list[TimingEvent], kind: EventKind, funct: int) -> list[int]:
    return [event.cycle for event in heard if event.kind is kind and event.funct == funct]


@pytest.mark.parametrize(
    ("latency", "narrow", "wide"), [(10, 19.5, 64), (20, 27, 64), (40, 47, 64), (80, 87, 90)]
)
def test_mvins_wait_for_requests_in_flight_or_for_the_bus(
    latency: int, narrow: float, wide: float
) -> None:
    def rate(local: int, cols: int) -> float:
        mvins: list[list[Command]] = [
            [(MVIN, DRAM, dims(local + 64 * n, 16, cols))] for n in range(4)
        ]
        return per_command(bare(latency, config_ld(256)), mvins)

    assert rate(0, 16) == pytest.approx(narrow, abs=0.1)
    assert rate(0, 64) == pytest.approx(wide, abs=0.1)
    assert rate(ACC, 16) == pytest.approx(wide, abs=0.1)


@pytest.mark.parametrize(("cols", "cycles"), [(16, 44), (64, 104)])
def test_unaligned_rows_need_larger_or_more_requests(cols: int, cycles: int) -> None:
    mvins: list[list[Command]] = [[(MVIN, DRAM + 8, dims(64 * n, 16, cols))] for n in range(4)]
    assert per_command(bare(20, config_ld(16)), mvins) == pytest.approx(cycles, abs=0.1)


def test_scaled_rows_come_in_groups_of_three() -> None:
    """Three rows every 19 cycles after reset; the pattern may change between runs."""
    mvins: list[Command] = [(MVIN, DRAM, dims(64 * (n % 4))) for n in range(32)]
    cycles = run(bare(20, config_ld(256, scale=HALF)), mvins)
    assert cycles / (32 * 16) == pytest.approx(19 / 3, rel=0.03)


@pytest.mark.parametrize(
    ("local", "cols", "at_20", "at_40"),
    [(ACC, 16, 27, 47), (ACC, 64, 112, 112), (FULL, 16, 64, 64), (0, 16, 27, 47)],
    ids=["int8", "int8 of four blocks", "int32", "scratchpad"],
)
def test_mvouts_wait_for_puts_in_flight_or_for_the_scale_unit(
    local: int, cols: int, at_20: int, at_40: int
) -> None:
    for latency, cycles in ((20, at_20), (40, at_40)):
        timing = bare(latency, config_st(64 if local == FULL else 256))
        rate = per_command(timing, [[(MVOUT, DRAM, dims(local, 16, cols))]])
        assert rate == pytest.approx(cycles, abs=0.1)


def test_the_first_commands_of_an_idle_accelerator() -> None:
    heard = events(bare(20), [(MVIN, DRAM, dims(0))])
    assert cycles_of(heard, EventKind.ALLOCATE, MVIN) == [4]
    assert cycles_of(heard, EventKind.ISSUE, MVIN) == [5]


def test_one_whole_product() -> None:
    """The worked time line of section 10; busy ends with the last acknowledgement at 218."""
    timing = bare(20)
    heard: list[TimingEvent] = []
    timing.listen(heard.append)
    timing.restart()
    chain: list[Command] = [
        (MVIN, DRAM, dims(0)),
        (MVIN2, DRAM + 0x4000, dims(2 * BANK)),
        *pair(0, 2 * BANK, ACC),
        (MVOUT, DRAM + 0x8000, dims(ACC)),
    ]
    for n, command in enumerate(chain):
        timing.command(min(n, 1), *command)
    idle = timing.fence()
    issued = [event.cycle for event in heard if event.kind is EventKind.ISSUE]
    assert issued == [5, 6, 82, 83, 155]
    assert cycles_of(heard, EventKind.COMPLETE, MVIN) == [54]
    assert cycles_of(heard, EventKind.COMPLETE, MVIN2) == [81]
    assert cycles_of(heard, EventKind.COMPLETE, 6) == [154]
    assert idle == pytest.approx(218, abs=1)


def test_an_isolated_pair() -> None:
    heard = events(model(), pair(0, 2 * BANK, ACC))
    issue = cycles_of(heard, EventKind.ISSUE, 6)[0]
    assert cycles_of(heard, EventKind.COMPLETE, 6)[0] - issue == 72
    assert cycles_of(heard, EventKind.COMPLETE, 4)[0] - issue == 35


@pytest.mark.parametrize(("spacing", "cycles"), [(1, 16), (4, 16), (8, 16), (16, 32)])
def test_the_core_may_take_eight_cycles_for_a_command(spacing: int, cycles: int) -> None:
    pairs = [c for n in range(64) for c in pair(16 * (n % 16), 2 * BANK, ACC + 16 * (n % 32))]
    few, many = run(model(), pairs, spacing), run(model(), 2 * pairs, spacing)
    assert (many - few) / 64 == pytest.approx(cycles, abs=0.1)


def test_loads_into_the_bank_being_read() -> None:
    """574 cycles for 32 pairs; 1,086 with 512 rows loaded into A's bank, 574 with another bank."""

    def together(bank: int | None) -> int:
        stream: list[Command] = []
        for n in range(32):
            if bank is not None:
                stream.append((MVIN, DRAM, dims(bank * BANK + 1024 + 16 * n)))
            stream += pair(16 * (n % 8), 2 * BANK, ACC + 16 * n)
        return run(bare(10), stream)

    assert together(None) == pytest.approx(574, abs=2)
    assert together(0) - together(1) == pytest.approx(1086 - 574, abs=80)


def test_wide_loads_starve_a_compute_that_reads_their_bank() -> None:
    """One compute behind 16 MVINs of 16x64 was stuck for 1,036 cycles."""
    stream: list[Command] = [(MVIN, DRAM, dims(1024 + 64 * n, 16, 64)) for n in range(16)]
    heard = events(bare(20), [*stream[:2], *pair(0, 2 * BANK, ACC), *stream[2:]])
    issue = cycles_of(heard, EventKind.ISSUE, 4)[0]
    alone = 35
    stuck = cycles_of(heard, EventKind.COMPLETE, 4)[0] - issue - alone
    assert stuck == pytest.approx(1036, rel=0.05)


def _gemm(n: int, tile: tuple[int, int, int]) -> list[Command]:
    """A square product of size n in LOOP_WS calls of `tile` 16x16 blocks."""
    a, b, c = DRAM, DRAM + n * n, DRAM + 2 * n * n
    rows, cols, depth = tile
    calls: list[Command] = []
    for i in range(0, n // 16, rows):
        for j in range(0, n // 16, cols):
            for k in range(0, n // 16, depth):
                last = k + depth >= n // 16
                calls += [
                    (9, 0, depth << 32 | cols << 16 | rows),
                    (10, a + 16 * (i * n + k), b + 16 * (k * n + j)),
                    (11, 0, c + 16 * (i * n + j) if last else 0),
                    (12, n, n),
                    (13, n, n),
                    (8, int(k > 0), 0),
                ]
    return calls


@pytest.mark.parametrize(
    ("n", "tile", "latency", "cycles"),
    [
        (64, (4, 4, 4), 20, 2055),
        (128, (4, 4, 8), 20, 9733),
        (256, (4, 4, 16), 20, 68097),
        (256, (4, 4, 16), 40, 68137),
        (256, (4, 8, 8), 20, 68037),
        (256, (4, 8, 16), 20, 69569),
        (512, (4, 8, 32), 20, 531385),
    ],
)
def test_whole_products_of_the_loop_unroller(
    n: int, tile: tuple[int, int, int], latency: int, cycles: int
) -> None:
    timing = bare(
        latency, config_ex(), config_ld(n), config_ld(n, 1), config_ld(4 * n, 2), config_st(n)
    )
    timing.host_write(DRAM, 3 * n * n)
    assert run(timing, _gemm(n, tile)) == pytest.approx(cycles, abs=2)


def test_fast_memory_loses_time_to_the_next_loads() -> None:
    """At L = 10 the 256^3 product with 4x4x16 tiles reaches 76 % only (rule 5b)."""
    timing = bare(10, config_ex(), config_ld(256), config_ld(256, 1), config_st(256))
    timing.host_write(DRAM, 3 << 16)
    assert 65536 / run(timing, _gemm(256, (4, 4, 16))) == pytest.approx(0.76, abs=0.01)


def test_reused_weights_with_four_rows_are_limited_by_tags() -> None:
    pairs = [pair(0, GARBAGE, ACC + 16 * n, rows=4, stay=True) for n in range(8)]
    assert per_command(bare(20), pairs) == pytest.approx(7, abs=0.5)
