"""Any legal command stream ends, in order; what hangs the hardware is reported as a hang."""

from __future__ import annotations

import dataclasses
import random

import pytest
from streams import (
    ACC,
    ACCUMULATE,
    COMPUTE,
    DRAM,
    FULL,
    GARBAGE,
    MVIN,
    MVIN2,
    MVIN3,
    MVOUT,
    PRELOAD,
    Command,
    config_ex,
    config_ld,
    config_st,
    dims,
    model,
    pair,
    run,
)

from gemmini_xdsl.hardware import load_config, preset_names
from gemmini_xdsl.runtime_c.timing import EventKind, TimingError, TimingEvent, TimingModel


def _random_load(rng: random.Random) -> Command:
    funct = rng.choice((MVIN, MVIN2, MVIN3))
    address = rng.choice((0, DRAM + rng.randrange(1 << 16)))
    rows = rng.randint(1, 16)
    if rng.random() < 0.3:
        return funct, address, dims(rng.choice((ACC, ACCUMULATE)) + rng.randrange(1008), rows)
    return funct, address, dims(rng.randrange(16000), rows, rng.randint(1, 64))


def _random_store(rng: random.Random) -> Command:
    rows = rng.randint(1, 16)
    local, cols = rng.choice(
        ((ACC, rng.randint(1, 64)), (FULL, rng.randint(1, 16)), (0, rng.randint(1, 64)))
    )
    return MVOUT, DRAM + rng.randrange(1 << 16), dims(local + rng.randrange(900), rows, cols)


def _random_pair(rng: random.Random) -> list[Command]:
    rows = rng.randint(1, 16)
    weights = rng.choice((GARBAGE, rng.randrange(16000)))
    result = rng.choice(
        (ACC + rng.randrange(1000), ACCUMULATE + rng.randrange(1000), rng.randrange(16000), GARBAGE)
    )
    moving = rng.choice((GARBAGE, rng.randrange(16000)))
    return pair(rng.randrange(16000), weights, result, rows=rows, d=moving, stay=weights == GARBAGE)


def _random_config(rng: random.Random) -> Command:
    return rng.choice(
        (
            config_ex(ws=rng.random() < 0.7, a_transpose=rng.random() < 0.3),
            config_ex(b_transpose=True),
            config_ld(rng.choice((0, 16, 64, 100)), rng.randrange(3), shrink=rng.random() < 0.3),
            config_ld(64, rng.randrange(3), scale=0x3F00_0000),
            config_st(rng.choice((16, 64, 100))),
        )
    )


def _random_loop(rng: random.Random) -> list[Command]:
    i, j, k = rng.randint(1, 4), rng.randint(1, 4), rng.randint(1, 4)
    bias = rng.choice((0, DRAM))
    return [
        (
            9,
            rng.randrange(16) << 32 | rng.randrange(16) << 16 | rng.randrange(16),
            k << 32 | j << 16 | i,
        ),
        (10, rng.choice((0, DRAM)), DRAM + 4096),
        (11, bias, rng.choice((0, DRAM + 8192))),
        (12, 64, 64),
        (13, 64, 64),
        (8, int(bias != 0), 0),
    ]


def _random_stream(rng: random.Random, length: int) -> list[Command]:
    stream = [config_ex(), config_ld(64, 0), config_ld(64, 1), config_ld(64, 2), config_st(64)]
    for _ in range(length):
        kind = rng.random()
        if kind < 0.3:
            stream.append(_random_load(rng))
        elif kind < 0.45:
            stream.append(_random_store(rng))
        elif kind < 0.9:
            stream += _random_pair(rng)
        elif kind < 0.97:
            stream.append(_random_config(rng))
        else:
            stream += _random_loop(rng)
    return stream


def _check_order(events: list[TimingEvent]) -> None:
    last: dict[tuple[EventKind, int], int] = {}
    open_entries: dict[int, TimingEvent] = {}
    for event in events:
        key = (event.kind, event.entry // 16)
        assert event.cycle >= last.get(key, 0)
        last[key] = event.cycle
        if event.kind is EventKind.ALLOCATE:
            assert event.entry not in open_entries
            open_entries[event.entry] = event
        elif event.kind is EventKind.ISSUE:
            assert event.cycle > open_entries[event.entry].cycle
            if event.funct == 0 and event.rs1 & 3:
                del open_entries[event.entry]  # completes on issue
        elif event.kind is EventKind.COMPLETE:
            assert event.cycle > open_entries.pop(event.entry).cycle
    assert not open_entries


@pytest.mark.parametrize("preset", ["default", "lean", "int8_32x32"])
@pytest.mark.parametrize("seed", [0, 1, 2, 3, 19, 26, 27])
def test_random_streams_end_and_never_go_back_in_time(seed: int, preset: str) -> None:
    rng = random.Random(seed)
    config = load_config(preset)
    stream = _random_stream(rng, 150)
    if config.dataflow == "ws":
        stream = [c for c in stream if not (c[0] == 0 and c[1] & 7 == 0)]
    with TimingModel(config) as timing:
        events: list[TimingEvent] = []
        timing.listen(events.append)
        accepted, previous = -1, None
        for command in stream:
            # A fence between PRELOAD and COMPUTE would hang, and rightly so.
            if previous != PRELOAD and rng.random() < 0.05:
                accepted = max(accepted, timing.fence())
            previous = command[0]
            now = timing.command(rng.choice((1, 1, 1, 5, 300)), *command)
            assert now > accepted
            accepted = now
        assert timing.fence() >= accepted
        _check_order(events)
        assert sum(timing.breakdown().values()) == timing.cycles


def test_the_same_stream_takes_the_same_time() -> None:
    stream = _random_stream(random.Random(1), 100)
    assert run(model(), stream) == run(model(), stream)


def test_skipped_idle_time_changes_nothing() -> None:
    """A long pause between commands only adds its length."""
    stream = [(MVIN, DRAM, dims(0)), (MVIN, DRAM, dims(64))]
    assert run(model(), stream, gap=100_000) == run(model(), stream, gap=1_000) + 2 * 99_000


@pytest.mark.parametrize(
    ("stream", "index", "message"),
    [
        ([(MVIN, DRAM, dims(0)), (PRELOAD, dims(64), dims(ACC))], 1, "PRELOAD never completes"),
        ([(MVIN, DRAM, dims(0)), *pair(ACC, 64, ACC + 64)], 2, "operand in the accumulator"),
        ([(MVIN, DRAM, dims(0)), *pair(0, ACC, ACC + 64)], 1, "operand in the accumulator"),
    ],
)
def test_hangs_are_reported_with_the_command(
    stream: list[Command], index: int, message: str
) -> None:
    with pytest.raises(TimingError, match=message) as caught:
        run(model(), stream)
    assert caught.value.command == index


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ((0, 3, 0), "CONFIG_NORM"),
        ((40, 0, 0), "no such command"),
        ((15, 0, 0), "no such command"),
        ((8, 0, 4), "residual addition"),
    ],
)
def test_what_is_not_modelled_is_refused(command: Command, message: str) -> None:
    with pytest.raises(TimingError, match=message) as caught:
        run(model(), [(MVIN, DRAM, dims(0)), command])
    assert caught.value.command == 1


def test_hardware_beyond_the_model_is_refused() -> None:
    config = dataclasses.replace(load_config("default"), execute_entries=32)
    with pytest.raises(TimingError, match="16 reservation-station entries"):
        TimingModel(config)


@pytest.mark.parametrize("preset", preset_names())
def test_products_of_every_preset(preset: str) -> None:
    config = load_config(preset)
    dim, bank = config.dim, config.scratchpad_bank_rows
    tile = dim << 48 | dim << 32
    with TimingModel(config) as timing:
        for setting in (config_ex(), config_ld(256), config_st(256)):
            timing.configure(*setting)
        for _ in range(32):
            timing.command(1, PRELOAD, tile | 2 * bank, tile | ACC)
            timing.command(1, COMPUTE, tile, tile | GARBAGE)
        # A new tile of weights every DIM cycles, and filling and draining the array.
        assert timing.fence() == pytest.approx(33 * dim + 3 * dim, abs=40)
