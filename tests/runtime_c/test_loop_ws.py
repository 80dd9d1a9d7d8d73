"""LOOP_WS: what it unrolls to, by hand and against recordings of the RTL."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, field
from pathlib import Path

import isa_encoder as isa
import numpy as np
import pytest
from isa_encoder import ACC, ACCUMULATE, FULL, GARBAGE

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.runtime_c.simulator import Simulator, SimulatorError

RTL = Path(__file__).parents[1] / "data" / "rtl"
DRAM = 0x8000_0000
A, B, D, C = (DRAM + n * 0x10_0000 for n in range(4))
HALF = 8192  # rows of half the scratchpad
ACC_HALF = 512


@pytest.fixture
def sim():
    sim = Simulator(load_config("default"))
    sim.map(DRAM, np.zeros(1 << 23, np.uint8))
    for command in configuration():
        sim.command(*command)
    return sim


def configuration(**options):
    return [
        isa.config_ex(**options),
        *(isa.config_ld(1024, id=n) for n in range(3)),
        isa.config_st(1024),
    ]


def unroll(sim, *loops):
    """The commands that loops unroll to."""
    seen = []
    sim.listen(lambda *command: seen.append(command))
    for commands in loops:
        for command in commands:
            sim.command(*command)
    sim.listen(None)
    return [command for command in seen if command[0] < 8 or command[0] == 14]


def tile(address, rows=16, cols=16):
    return isa.tile(address, rows, cols)


def test_one_tile(sim):
    b0 = HALF - 16
    assert unroll(
        sim,
        isa.loop_ws(1, 1, 1, a=A, b=B, d=D, c=C, pad_i=3, pad_j=5, pad_k=7, accumulate=True),
    ) == [
        # D: 13 x 11 elements; A: 13 x 9, B: 9 x 11.
        (14, D, tile(ACC, 13, 11)),
        (1, B, tile(b0, 9, 11)),
        (2, A, tile(0, 13, 9)),
        (6, tile(b0, 9, 11), tile(ACC | ACCUMULATE, 13, 11)),
        (4, tile(0, 13, 9), tile(GARBAGE)),
        (3, C, tile(ACC, 13, 11)),
    ]


def test_order_addresses_and_wide_moves(sim):
    # I=2, J=5, K=1: B's row of tiles is moved as 4 + 1 blocks, C's likewise; weights change with
    # j, so the second i of each j reuses them.
    commands = unroll(
        sim,
        isa.loop_ws(2, 5, 1, a=A, b=B, c=C, a_stride=100, b_stride=200, c_stride=300, pad_j=4),
    )
    b0 = HALF - 5 * 16
    assert [c for c in commands if c[0] == 1] == [
        (1, B, tile(b0, 16, 64)),
        (1, B + 64, tile(b0 + 64, 16, 12)),
    ]
    # The second A tile lies 16 rows of 100 bytes further.
    assert [c for c in commands if c[0] == 2] == [(2, A, tile(0)), (2, A + 1600, tile(16))]
    assert [c for c in commands if c[0] == 3] == [
        (3, C, tile(ACC, 16, 64)),
        (3, C + 4800, tile(ACC + 80, 16, 64)),
        (3, C + 64, tile(ACC + 64, 16, 12)),
        (3, C + 4800 + 64, tile(ACC + 144, 16, 12)),
    ]
    array = [c for c in commands if c[0] in (4, 5, 6)]
    assert array[:4] == [
        (6, tile(b0), tile(ACC)),
        (4, tile(0), tile(GARBAGE)),
        (6, tile(GARBAGE), tile(ACC + 80)),
        (5, tile(16), tile(GARBAGE)),
    ]
    # Last j: 12 columns.
    assert array[-4:-2] == [(6, tile(b0 + 64, 16, 12), tile(ACC + 64, 16, 12)), array[1]]


def test_depth_accumulates(sim):
    commands = unroll(sim, isa.loop_ws(1, 1, 2, a=A, b=B, c=C))
    assert [c[2] for c in commands if c[0] == 6] == [tile(ACC), tile(ACC | ACCUMULATE)]


def test_transposed_operands_are_stored_transposed(sim):
    # A^T is K x I: tile (i=1, k=1) is stored tile (1, 1) of 3 columns: row (1*3 + 1)*16.
    sim.command(*isa.config_ex(ta=True))
    commands = unroll(sim, isa.loop_ws(3, 1, 2, a=A, b=B, a_stride=100, pad_i=1, pad_k=2, ta=True))
    assert [c for c in commands if c[0] == 2] == [
        (2, A, tile(0, 16, 47)),
        (2, A + 1600, tile(48, 14, 47)),
    ]
    uses = [c[1] for c in commands if c[0] in (4, 5)]
    assert uses[4] == tile(64, 16, 14)  # k=1, i=1
    # B^T is J x K: tile (k=1, j=2) is stored tile (2, 1) of 2 columns.
    sim.command(*isa.config_ex(tb=True))
    commands = unroll(sim, isa.loop_ws(1, 3, 2, a=A, b=B, b_stride=100, pad_k=2, tb=True))
    b0 = 2 * HALF - 6 * 16  # the second loop uses the upper half
    assert [c for c in commands if c[0] == 1] == [
        (1, B + 1600 * j, tile(b0 + 32 * j, 16, 30)) for j in range(3)
    ]
    assert [c[1] for c in commands if c[0] == 6][-1] == tile(b0 + 80, 14, 16)


def test_low_d_and_full_c(sim):
    sim.command(*isa.config_ld(1024, id=2, shrink=True))
    commands = unroll(
        sim,
        isa.loop_ws(1, 5, 1, a=A, b=B, d=D, c=C, pad_j=1, accumulate=True, low_d=True, full_c=True),
    )
    # int8 D moves in blocks of 4, int32 C tile by tile, 64 bytes apart.
    assert [c for c in commands if c[0] == 14] == [
        (14, D, tile(ACC, 16, 64)),
        (14, D + 64, tile(ACC + 64, 16, 15)),
    ]
    assert [c for c in commands if c[0] == 3] == [
        (3, C + 64 * j, tile(ACC | FULL | 16 * j, 16, 15 if j == 4 else 16)) for j in range(5)
    ]


def test_slots_and_accumulator_halves(sim):
    # Scratchpad halves alternate with every loop, accumulator halves after a loop that stores.
    used = []
    for c in (0, C, 0, C, C):
        commands = unroll(sim, isa.loop_ws(1, 1, 1, a=A, b=B, c=c))
        a = next(command[2] & GARBAGE for command in commands if command[0] == 2)
        product = next(command[2] & 0x3FFF for command in commands if command[0] == 6)
        used.append((a, product))
    assert used == [(0, 0), (HALF, 0), (0, ACC_HALF), (HALF, ACC_HALF), (0, 0)]


def test_pinned_operands_are_reused(sim):
    unroll(sim, isa.loop_ws(1, 1, 1, a=A, b=B, a_id=2, b_id=1))
    commands = unroll(sim, isa.loop_ws(1, 1, 1, a=0, b=0, a_id=2, b_id=1))
    # A at the start of the upper half, B at the end of the lower half; nothing is loaded.
    assert commands == [
        (6, tile(HALF - 16), tile(ACC)),
        (4, tile(HALF), tile(GARBAGE)),
    ]


def test_registers_belong_to_the_slot(sim):
    unroll(sim, isa.loop_ws(1, 1, 1, a=A, b=B), isa.loop_ws(1, 1, 2, a=A, b=B))
    # The third loop fills slot 0 again: without new bounds it has those of the first.
    commands = unroll(sim, isa.loop_ws(0, 0, 0, a=A, b=B)[1:])
    assert len([c for c in commands if c[0] == 6]) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"j": 0}, "I, J and K must be at least 1, got 1, 0 and 1"),
        ({"pad_k": 16}, "pads must be less than 16, got 0, 0 and 16"),
        (
            {"i": 16, "k": 17, "j": 16},
            "A and B need 8704 rows, half the scratchpad has 8192",
        ),
        ({"i": 8, "j": 5}, "C needs 640 rows, half the accumulator has 512"),
        ({"a_id": 3}, "scratchpad ids must be 0 to 2, got 3 for A and 0 for B"),
    ],
)
def test_refused_loops(sim, options, message):
    bounds = {"i": 1, "j": 1, "k": 1} | options
    with pytest.raises(SimulatorError) as error:
        unroll(sim, isa.loop_ws(**bounds))
    assert str(error.value) == f"command 10 (LOOP_WS): {message}"


@pytest.mark.parametrize(
    ("rs1", "rs2", "message"),
    [
        (0, 1 << 2, "residual addition is not modelled"),
        (0, 1 << 3, "rs2 bits 63 to 3 (skips, scratchpad results) are not modelled"),
        (2 << 8, 0, "activation 2 is not modelled"),
    ],
)
def test_features_that_are_not_modelled(sim, rs1, rs2, message):
    with pytest.raises(SimulatorError) as error:
        unroll(sim, [*isa.loop_ws(1, 1, 1, a=A, b=B)[:-1], (8, rs1, rs2)])
    assert str(error.value) == f"command 10 (LOOP_WS): {message}"


def test_loop_needs_its_configuration():
    sim = Simulator(load_config("default"))
    with pytest.raises(SimulatorError, match="LOOP_WS_CONFIG commands are missing for slot 0"):
        sim.command(8, 0, 0)


# -- recordings of the RTL -----------------------------------------------------------------


@dataclass
class Region:
    name: str
    configuration: list[tuple[int, int, int]] = field(default_factory=list)
    commands: list[tuple[int, int, int] | None] = field(default_factory=list)
    unrolled: list[tuple[int, int, int]] = field(default_factory=list)


def regions(name):
    """The regions of a recording: commands (None: fence), and what the FSM made of them."""
    found = []
    with gzip.open(RTL / f"{name}.trace.gz", "rt") as lines:
        for line in lines:
            words = line.split()
            if words[0] == "region":
                found.append(Region(line.split("'")[1]))
            elif words[0] == "config":
                found[-1].configuration.append(_command(words[1:]))
            elif words[0] == "c":
                found[-1].commands.append(_command(words[3:]))
            elif words[0] == "f":
                found[-1].commands.append(None)
            elif words[0] == "a" and words[5] == "1":
                found[-1].unrolled.append(_command(words[2:]))
    return found


def _command(words):
    return int(words[0]), int(words[1], 16), int(words[2], 16)


def _with_software_garbage(command):
    """The FSM forms the garbage address with the bits that the hardware tests only."""
    funct, *operands = command
    if funct not in (4, 5, 6):
        return command
    return (
        funct,
        *(x | GARBAGE if x & GARBAGE == 0xE0007FFF else x for x in operands),
    )


@pytest.mark.parametrize("recording", ["loop_ws", "fsm_gemm"])
def test_unrolling_equals_the_rtl(recording):
    """Each stream (loads by id, array, stores) is the RTL's, in the RTL's order.

    Two things differ on purpose: loops that exceed half the accumulator are refused (the RTL
    lets them overwrite the other half), and rows of B beyond its pad are not read.
    """
    sim = Simulator(load_config("default"))
    sim.map(DRAM, np.zeros(1 << 24, np.uint8))
    compared = 0
    for region in regions(recording):
        if region.name.startswith("I8_J8_K8"):
            continue  # 2 loops with a store, which leaves slots and halves as they were
        seen = []
        for command in region.configuration:
            sim.command(*command)
        pad_k = {}
        sim.listen(lambda *command, seen=seen: seen.append(command))
        for command in region.commands:
            if command is None:
                sim.fence()
            else:
                sim.command(*command)
                if command[0] == 9:
                    pad_k[(command[1] >> 32) & 0xFFFF] = True
        sim.listen(None)
        unrolled = [_with_software_garbage(c) for c in region.unrolled]
        for stream in ((1,), (2,), (14,), (3,), (4, 5, 6)):
            ours = [c for c in seen if c[0] in stream]
            rtl = [c for c in unrolled if c[0] in stream]
            if stream == (1,):
                ours, rtl = _without_trimmed_rows(ours, rtl, set(pad_k))
            assert ours == rtl, f"{region.name}, funct7 {stream}"
            compared += len(rtl)
    assert compared > 1000


def _without_trimmed_rows(ours, rtl, pads):
    full = [(f, rs1, rs2 | 16 << 48) for f, rs1, rs2 in rtl]
    assert full == rtl, "the RTL always moves 16 rows of B"
    assert {c[2] >> 48 for c in ours} <= {16} | {16 - pad for pad in pads}
    return ([(f, rs1, rs2 & (1 << 48) - 1 | 16 << 48) for f, rs1, rs2 in ours], rtl)
