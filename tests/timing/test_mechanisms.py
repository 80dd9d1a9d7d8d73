"""Each mechanism against the figures of the microarchitecture reference that were measured in RTL
(sections 3, 5, 6, 7 and 13), as cycles per command in the steady state."""

from __future__ import annotations

import dataclasses

import pytest
from streams import (
    ACC,
    ACCUMULATE,
    DRAM,
    FULL,
    GARBAGE,
    MVIN,
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

BANK = 4096
MEASURING = 12
"""Cycles that figures of single commands contain besides the command, at most."""


def _mvins(address: int, local: int, rows: int, cols: int, step: int = 64) -> list[list[Command]]:
    return [[(MVIN, address, dims(local + step * (n % 16), rows, cols))] for n in range(16)]


def _mvouts(local: int, rows: int, cols: int) -> list[list[Command]]:
    return [[(MVOUT, DRAM, dims(local, rows, cols))]]


@pytest.mark.parametrize(
    ("rows", "cols", "stride", "cycles"),
    [
        (16, 16, 16, 18.05),
        (16, 16, 256, 18.05),
        (16, 32, 256, 32.59),
        (16, 64, 256, 64.59),
        (16, 32, 16, 44.59),
        (16, 64, 16, 76.59),
        (1, 16, 256, 10.36),
        (4, 16, 256, 11.86),
        (8, 16, 256, 13.92),
        (1, 64, 256, 11.86),
        (2, 64, 256, 13.92),
        (12, 64, 256, 48.59),
    ],
)
def test_mvin(rows: int, cols: int, stride: int, cycles: float) -> None:
    timing = model(None, config_ld(stride))
    assert per_command(timing, _mvins(DRAM, 0, rows, cols)) == pytest.approx(cycles, abs=0.7)


def test_mvin_of_unaligned_rows_needs_more_requests() -> None:
    timing = model(None, config_ld(256))
    crossing_lines = per_command(timing, _mvins(DRAM + 16, 0, 16, 64))
    assert crossing_lines == pytest.approx(80.59, abs=0.7)


def test_mvin_into_the_accumulator() -> None:
    timing = model(None, config_ld(64))
    assert per_command(timing, _mvins(DRAM, ACC, 16, 16, 16)) == pytest.approx(64.56, abs=0.7)


def test_mvin_of_a_repeated_bias_row() -> None:
    timing = model(None, config_ld(0))
    assert per_command(timing, _mvins(DRAM, ACC, 16, 16, 16)) == pytest.approx(18.53, abs=0.7)


@pytest.mark.parametrize(("cols", "cycles"), [(16, 16.33), (64, 64.33)])
def test_mvin_of_zeros(cols: int, cycles: float) -> None:
    timing = model(None, config_ld(256))
    assert per_command(timing, _mvins(0, 0, 16, cols)) == pytest.approx(cycles, abs=0.7)


def test_scaled_mvin_is_four_times_slower_or_more() -> None:
    half = 0x3F00_0000
    timing = model(None, config_ld(256, scale=half))
    mvins = [(MVIN, DRAM, dims(64 * (n % 16), 16, 64)) for n in range(64)]
    # Two patterns are stable: the first run took 25,982 cycles, the next one 16,427.
    assert run(timing, mvins) == pytest.approx(25982, rel=0.01)
    assert run(timing, mvins) == pytest.approx(16427, rel=0.01)


@pytest.mark.parametrize(
    ("local", "rows", "cols", "cycles"),
    [
        (ACC, 16, 16, 26.23),
        (ACC, 4, 16, 7.06),
        (ACC, 8, 16, 13.45),
        (ACC, 16, 32, 53.98),
        (ACC, 16, 64, 112.62),
        (FULL, 16, 16, 64.62),
        (0, 16, 16, 16.58),
        (0, 16, 64, 112.53),
    ],
)
def test_mvout(local: int, rows: int, cols: int, cycles: float) -> None:
    timing = model(None, config_st(256 if local != FULL else 64))
    assert per_command(timing, _mvouts(local, rows, cols)) == pytest.approx(cycles, abs=1.0)


@pytest.mark.parametrize(
    ("command", "cycles"),
    [
        ((MVIN, DRAM, dims(0)), 51),
        ((MVIN, DRAM, dims(0, 16, 64)), 99),
        ((MVOUT, DRAM, dims(ACC)), 61),
        ((MVOUT, DRAM, dims(0)), 47),
        ((MVOUT, DRAM, dims(ACC, 16, 64)), 145),
    ],
)
def test_single_transfer(command: Command, cycles: int) -> None:
    # The figures include reading the core's cycle counter around command and fence.
    assert 2 <= cycles - run(model(), [command]) <= MEASURING


@pytest.mark.parametrize(
    ("a", "b", "c", "cycles"),
    [
        (0, 2 * BANK, ACC, 16.0),
        (0, 64, ACC, 32.0),
        (0, 2 * BANK, ACCUMULATE, 16.0),
        (0, 2 * BANK, BANK, 16.0),
        (0, 2 * BANK, 128, 32.0),
    ],
    ids=["banks apart", "one bank", "accumulating", "C to scratchpad", "C in A's bank"],
)
def test_pairs_with_new_weights(a: int, b: int, c: int, cycles: float) -> None:
    pairs = [pair(a + 16 * (n % 4), b, c + 256 + 16 * (n % 8)) for n in range(8)]
    assert per_command(model(), pairs) == pytest.approx(cycles, abs=1.1)


@pytest.mark.parametrize(("rows", "cycles"), [(16, 16), (12, 12), (8, 8), (4, 7)])
def test_pairs_with_reused_weights_take_their_rows(rows: int, cycles: int) -> None:
    pairs = [pair(0, GARBAGE, ACC + 16 * n, rows=rows, stay=True) for n in range(8)]
    assert per_command(model(), pairs) == pytest.approx(cycles, abs=0.8)


def test_few_rows_with_new_weights_take_a_whole_pass() -> None:
    pairs = [pair(0, 2 * BANK, ACC + 16 * n, rows=4) for n in range(8)]
    assert per_command(model(), pairs) == pytest.approx(16, abs=0.5)


@pytest.mark.parametrize(
    ("setting", "cycles"),
    [
        (config_ex(a_transpose=True), 16),
        (config_ex(b_transpose=True), 33),
        (config_ex(ws=False), 16),
    ],
    ids=["A transposed", "B transposed", "output stationary"],
)
def test_pairs_by_configuration(setting: Command, cycles: float) -> None:
    compute = [
        [
            (6, dims(GARBAGE) if not setting[1] & 4 else dims(2 * BANK), dims(ACC + 16 * n)),
            (4, dims(0), dims(2 * BANK) if not setting[1] & 4 else dims(GARBAGE)),
        ]
        for n in range(8)
    ]
    assert per_command(model(None, setting), compute) == pytest.approx(cycles, abs=1.1)


def test_chain_of_pairs_takes_77_cycles_and_16_for_each_further_one() -> None:
    for n in (1, 4, 16):
        pairs = [c for k in range(n) for c in pair(0, 2 * BANK, ACC + 16 * k)]
        # 77 from the first command to idle, with commands offered in every cycle.
        assert run(model(), pairs, gap=1) == pytest.approx(77 + 16 * (n - 1), abs=2)


def test_config_ex_drains_the_array() -> None:
    pairs = [[config_ex(), *pair(0, 2 * BANK, ACC + 16 * n)] for n in range(8)]
    assert per_command(model(), pairs) == pytest.approx(73, abs=1.5)


def test_loads_into_a_bank_being_read_cost_a_cycle_per_row() -> None:
    computes = [c for n in range(32) for c in pair(16 * (n % 8), 2 * BANK, ACC + 16 * (n % 32))]

    def mixed(bank: int) -> int:
        stream: list[Command] = []
        for n in range(32):
            stream.append((MVIN, DRAM, dims(bank * BANK + 1024 + 16 * n, 16, 16)))
            stream += computes[2 * n : 2 * n + 2]
        return run(model(), stream)

    alone = run(model(), computes)
    assert mixed(1) < alone + 60
    assert mixed(0) - mixed(1) == pytest.approx(32 * 16, abs=80)


def test_only_two_mvins_are_worked_on_at_a_time() -> None:
    # A third one waits for the first: twice as many rows in flight would allow 16 per MVIN.
    wide = dataclasses.replace(load_config("default"), max_in_flight_requests=64)
    assert per_command(model(wide), _mvins(DRAM, 0, 16, 16)) == pytest.approx(16, abs=0.5)


def test_stores_serialise_where_the_hardware_says_so() -> None:
    serial = dataclasses.replace(load_config("default"), serial_stores=True)
    overlapping = per_command(model(), _mvouts(0, 4, 16))
    assert per_command(model(serial), _mvouts(0, 4, 16)) > overlapping + 2


def test_a_full_partition_blocks_what_follows() -> None:
    """Nine loads fill the load partition; the store behind them waits for the first to end."""
    accepted: list[int] = []
    timing = model()
    for n in range(20):
        accepted.append(timing.command(1, MVIN, DRAM, dims(64 * n, 16, 64)))
    # Eight entries and eight places in the front end's queues, then one per 64 cycles.
    assert accepted[15] < 20
    assert accepted[19] - accepted[18] == pytest.approx(64, abs=1)


def test_dram_streams_run_at_the_speed_of_the_port() -> None:
    config = load_config("default")
    timing = model(config, config_ld(64))
    timing.empty_l2()
    stream: list[Command] = [
        (MVIN, DRAM + 1024 * n, dims(64 * (n % 64), 16, 64)) for n in range(64)
    ]
    cycles = run(timing, stream)
    assert 64 * 1024 / cycles == pytest.approx(config.dram_bus_bytes, rel=0.05)


@pytest.mark.parametrize(("latency", "cycles"), [(0, 43), (20, 63), (100, 143)])
def test_a_miss_costs_the_latency_of_dram(latency: int, cycles: int) -> None:
    timing = model()
    timing.empty_l2()
    timing.set_dram_latency(latency)
    # A row at the start of its line does not wait for the rest of it.
    one_row: list[Command] = [(MVIN, DRAM + 48, dims(0, 1, 16))]
    missing = run(timing, one_row)
    assert 2 <= cycles - missing <= MEASURING
    assert missing - run(timing, one_row) == pytest.approx(11 + latency, abs=1)
