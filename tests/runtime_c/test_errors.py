"""What the simulator refuses, with exact messages (16x16 array unless a preset is named)."""

from __future__ import annotations

import isa_encoder as isa
import numpy as np
import pytest
import test_loop_ws
from isa_encoder import ACC, ACCUMULATE, FULL, GARBAGE

from gemmini_xdsl.hardware import GemminiConfig, load_config
from gemmini_xdsl.runtime_c.simulator import Simulator, SimulatorError

DRAM = 0x1000
OUT = 0x8000

EX = isa.config_ex()
OS = isa.config_ex(ws=False)
LD = isa.config_ld(16)
ST = isa.config_st(16)
A = isa.mvin(DRAM, 0, 16, 16)
B = isa.mvin(DRAM, 16, 16, 16)
FENCE = None


def simulator(checked, preset="default", *, mapped=True):
    sim = Simulator(load_config(preset), checked=checked)
    if mapped:
        sim.map(DRAM, np.zeros(0x4000, np.int8))
        sim.map(OUT, np.zeros(0x4000, np.int8))
    return sim


def message(sim, commands):
    """The error of the stream, which its last command must cause."""
    failed = None
    for position, command in enumerate(commands):
        try:
            sim.fence() if command is None else sim.command(*command)
        except SimulatorError as error:
            failed = (position, error)
            break
    if failed is None:
        return None
    position, error = failed
    assert position == error.index == len(commands) - 1, str(error)
    return str(error)


# Mistakes that every mode refuses: assertions of the RTL, undefined data, features not modelled.
ALWAYS = {
    "mvin without configuration": ([A], "command 0 (MVIN): no CONFIG_LD has set up id 0"),
    "mvin id": (
        [LD, isa.mvin(DRAM, 0, 1, 1, id=1)],
        "command 1 (MVIN2): no CONFIG_LD has set up id 1",
    ),
    "mvin rows": (
        [LD, isa.mvin(DRAM, 0, 17, 1)],
        "command 1 (MVIN): rows of the destination must be 1 to 16, got 17",
    ),
    "mvin no rows": (
        [LD, isa.mvin(DRAM, 0, 0, 1)],
        "command 1 (MVIN): rows of the destination must be 1 to 16, got 0",
    ),
    "mvin cols": (
        [LD, isa.mvin(DRAM, 0, 1, 65)],
        "command 1 (MVIN): cols of the destination must be 1 to 64, got 65",
    ),
    "mvin full-width cols": (
        [LD, isa.mvin(DRAM, ACC, 1, 17)],
        "command 1 (MVIN): cols of the destination must be 1 to 16, got 17",
    ),
    "mvin block stride": (
        [isa.config_ld(16, block_stride=15), A],
        "command 1 (MVIN): block_stride of id 0 must be at least rows (16), got 15",
    ),
    "mvin garbage": (
        [LD, isa.mvin(DRAM, GARBAGE, 1, 1)],
        "command 1 (MVIN): the destination is the garbage address",
    ),
    "pixel repeats": (
        [isa.config_ld(16, repeats=2), A],
        "command 1 (MVIN): pixel repeats are not modelled",
    ),
    "zeros with shrink": (
        [isa.config_ld(16, shrink=True), isa.mvin(0, ACC, 1, 1)],
        "command 1 (MVIN): zeros cannot be written to the accumulator with shrink = 1",
    ),
    "load id 3": (
        [isa.config_ld(16, id=3)],
        "command 0 (CONFIG_LD): id must be 0 to 2, got 3",
    ),
    "mvout without configuration": (
        [isa.mvout(OUT, 0, 1, 1)],
        "command 0 (MVOUT): no CONFIG_ST precedes",
    ),
    "mvout without scale": (
        [isa.config_st(16, scale=isa.KEEP_SCALE), isa.mvout(OUT, ACC, 1, 1)],
        "command 1 (MVOUT): no CONFIG_ST has set a scale",
    ),
    "mvout full-width blocks": (
        [ST, isa.mvout(OUT, ACC | FULL, 1, 17)],
        "command 1 (MVOUT): full-width elements of more than 16 columns cannot be stored at once",
    ),
    "pooling": (
        [isa.config_st(16, pool_stride=1), isa.mvout(OUT, ACC, 1, 1)],
        "command 1 (MVOUT): pooling is not modelled",
    ),
    "layer normalisation": (
        [isa.config_st(16, activation=2), isa.mvout(OUT, ACC, 1, 1)],
        "command 1 (MVOUT): activation 2 is not modelled",
    ),
    "CONFIG_NORM": (
        [(0, 3, 0)],
        "command 0 (CONFIG_NORM): this configuration has no normalisations: "
        "the hardware would execute an MVOUT",
    ),
    "WS transposes": (
        [isa.config_ex(ta=True, tb=True)],
        "command 0 (CONFIG_EX): in WS, A and B cannot both be transposed",
    ),
    "OS transposes": (
        [isa.config_ex(ws=False, tb=True)],
        "command 0 (CONFIG_EX): in OS, B can be transposed only together with A",
    ),
    "preload without configuration": (
        [isa.preload(16, ACC)],
        "command 0 (PRELOAD): no CONFIG_EX precedes",
    ),
    "preload twice": (
        [EX, LD, B, isa.preload(16, ACC), isa.preload(16, ACC)],
        "command 4 (PRELOAD): the PRELOAD of command 3 has no COMPUTE",
    ),
    "compute without preload": (
        [EX, isa.compute(0, GARBAGE)],
        "command 1 (COMPUTE_PRELOADED): no PRELOAD precedes",
    ),
    "configuration between": (
        [EX, LD, B, isa.preload(16, ACC), EX],
        "command 4 (CONFIG_EX): comes between the PRELOAD of command 3 and its COMPUTE",
    ),
    "stale weights": (
        [EX, LD, A, isa.preload(GARBAGE, ACC), isa.compute(0, GARBAGE)],
        "command 4 (COMPUTE_PRELOADED): the PRELOAD of command 3 has no weights: "
        "flipping to them would use stale ones",
    ),
    "no weights": (
        [EX, LD, A, isa.preload(GARBAGE, ACC), isa.compute(0, GARBAGE, flip=False)],
        "command 4 (COMPUTE_ACCUMULATED): the array holds no weights",
    ),
    "no sums": (
        [OS, LD, A, isa.preload(GARBAGE, ACC), isa.compute(0, 0, flip=False)],
        "command 4 (COMPUTE_ACCUMULATED): the array holds no sums to continue",
    ),
    "sums are gone": (
        [
            *(OS, LD, A),
            *(isa.preload(GARBAGE, ACC), isa.compute(0, 0)),
            *(isa.preload(GARBAGE, ACC), isa.compute(0, 0, flip=False)),
        ],
        "command 6 (COMPUTE_ACCUMULATED): the sums left the array with the previous COMPUTE",
    ),
    "sums after CONFIG_EX": (
        [
            *(OS, LD, A, isa.preload(GARBAGE, GARBAGE), isa.compute(0, 0), OS),
            *(isa.preload(GARBAGE, ACC), isa.compute(0, 0, flip=False)),
        ],
        "command 7 (COMPUTE_ACCUMULATED): the array holds no sums to continue",
    ),
    "weights after the other dataflow": (
        [
            *(EX, LD, A, B, isa.preload(16, ACC), isa.compute(0, GARBAGE), OS, EX),
            *(isa.preload(GARBAGE, ACC), isa.compute(0, GARBAGE, flip=False)),
        ],
        "command 9 (COMPUTE_ACCUMULATED): the array holds no weights",
    ),
    "A is garbage": (
        [EX, LD, B, isa.preload(16, ACC), isa.compute(GARBAGE, GARBAGE)],
        "command 4 (COMPUTE_PRELOADED): A is the garbage address but C is not",
    ),
    "operand in the accumulator": (
        [EX, isa.preload(ACC, ACC)],
        "command 1 (PRELOAD): B lies in the accumulator: the array reading operands from there "
        "is not modelled",
    ),
    "rows of C": (
        [
            *(EX, LD, A, B, isa.preload(16, ACC), isa.compute(0, GARBAGE)),
            isa.preload(GARBAGE, ACC, c_shape=(9, 16)),
            isa.compute(0, GARBAGE, flip=False, a_shape=(8, 16)),
        ],
        "command 7 (COMPUTE_ACCUMULATED): C has 9 rows but the array emits only 8",
    ),
    "OS c_stride": (
        [isa.config_ex(ws=False, c_stride=2), isa.preload(GARBAGE, ACC)],
        "command 1 (PRELOAD): c_stride must be 1 in OS, got 2",
    ),
    "compute cols": (
        [EX, isa.preload(0, ACC, shape=(16, 17))],
        "command 1 (PRELOAD): cols of B must be 1 to 16, got 17",
    ),
    "convolution": ([(15, 0, 0)], "command 0 (LOOP_CONV_WS): LOOP_CONV_WS is not modelled"),
    "convolution configuration": (
        [(18, 0, 0)],
        "command 0 (LOOP_CONV_WS_CONFIG): LOOP_CONV_WS_CONFIG is not modelled",
    ),
    "MVOUT_SPAD": ([(23, 0, 0)], "command 0 (MVOUT_SPAD): MVOUT_SPAD is not modelled"),
    "clock gate": ([(22, 1, 0)], "command 0 (CLKGATE_EN): CLKGATE_EN is not modelled"),
    "counters": ([(126, 0, 0)], "command 0 (COUNTER): performance counters are not modelled"),
    "funct7": ([(77, 0, 0)], "command 0 (unknown): funct7 77 is not an instruction"),
    "outside DRAM": (
        [LD, isa.mvin(0x4FF1, 0, 1, 16)],
        "command 1 (MVIN): reads 16 bytes at DRAM address 0x4ff1, outside the mapped regions",
    ),
    "loop in OS": (
        [OS, *isa.loop_ws(1, 1, 1, a=DRAM, b=DRAM)],
        "command 6 (LOOP_WS): CONFIG_EX selects OS, the FSM needs WS",
    ),
    "inside a loop": (
        [EX, LD, isa.config_ld(16, id=1), *isa.loop_ws(1, 1, 1, a=DRAM, b=0x5000)],
        "command 8 (LOOP_WS, MVIN2): reads 16 bytes at DRAM address 0x5000, "
        "outside the mapped regions",
    ),
}


@pytest.mark.parametrize("checked", [False, True], ids=["unchecked", "checked"])
@pytest.mark.parametrize("case", ALWAYS)
def test_refused_in_every_mode(case, checked):
    commands, expected = ALWAYS[case]
    assert message(simulator(checked), commands) == expected


LOOP = isa.loop_ws(1, 1, 1, a=DRAM, b=DRAM, c=OUT, a_stride=16, b_stride=16, c_stride=16)
LOADS = [isa.config_ld(16, id=n) for n in range(3)]

CHECKED = {
    "uninitialised row": (
        [ST, isa.mvout(OUT, 5, 1, 1)],
        "command 1 (MVOUT): the source includes column 0 of scratchpad row 5, "
        "which nothing has written",
    ),
    "uninitialised column": (
        [LD, EX, isa.mvin(DRAM, 16, 16, 5), isa.preload(16, ACC, shape=(16, 6))],
        "command 3 (PRELOAD): B includes column 5 of scratchpad row 16, which nothing has written",
    ),
    "uninitialised sum": (
        [LD, EX, A, B, isa.preload(16, ACC | ACCUMULATE), isa.compute(0, GARBAGE)],
        "command 5 (COMPUTE_PRELOADED): accumulates onto column 0 of accumulator row 0, "
        "which nothing has written",
    ),
    "accumulating mvin": (
        [LD, isa.mvin(DRAM, ACC | ACCUMULATE, 1, 1)],
        "command 1 (MVIN): accumulates onto column 0 of accumulator row 0, "
        "which nothing has written",
    ),
    "end of the scratchpad": (
        [LD, isa.mvin(DRAM, 16370, 16, 16)],
        "command 1 (MVIN): the destination covers rows 16370 to 16385, "
        "but the scratchpad has 16384 rows",
    ),
    "end of the accumulator": (
        [ST, isa.mvout(OUT, ACC | 1000, 9, 32)],
        "command 1 (MVOUT): the source covers rows 1000 to 1024, but the accumulator has 1024 rows",
    ),
    "end by c_stride": (
        [isa.config_ex(c_stride=2), LD, B, isa.preload(16, ACC | 994)],
        "command 3 (PRELOAD): C covers rows 994 to 1024, but the accumulator has 1024 rows",
    ),
    "dropped bits": (
        [LD, isa.mvin(DRAM, 0, 33, 1)],
        "command 1 (MVIN): rows of the destination must be 1 to 16, got 33",
    ),
    "address bits": (
        [LD, isa.mvin(DRAM, 1 << 14, 1, 1)],
        "command 1 (MVIN): unused bits of the local address of the destination are set: 0x00004000",
    ),
    "accumulate in the scratchpad": (
        [LD, isa.mvin(DRAM, ACCUMULATE, 1, 1)],
        "command 1 (MVIN): unused bits of the local address of the destination are set: 0x40000000",
    ),
    "other garbage": (
        [EX, isa.preload(0xE0007FFF, ACC)],
        "command 1 (PRELOAD): the garbage address of B must be 0xffffffff, got 0xe0007fff",
    ),
    "operand bits": (
        [(0, isa.config_ex()[1] | 1 << 10, isa.config_ex()[2])],
        "command 0 (CONFIG_EX): unused bits of rs1 are set: 0x400",
    ),
    "activation": (
        [(0, isa.config_ex()[1] | 1 << 4, isa.config_ex()[2])],
        "command 0 (CONFIG_EX): activation 2 does not exist in this configuration",
    ),
    "mvins of one row": (
        [LD, A, isa.mvin(DRAM, 15, 1, 16)],
        "command 2 (MVIN): writes scratchpad row 15, which an earlier MVIN also writes: "
        "no command has used its rows and no fence came in between",
    ),
    "mvin of stored bytes": (
        [LD, ST, A, isa.mvout(OUT, 0, 1, 16), isa.mvin(OUT + 15, 32, 1, 2)],
        "command 4 (MVIN): reads 2 bytes at DRAM address 0x800f, "
        "which an MVOUT has written since the last fence",
    ),
    "result as operand": (
        [
            *(EX, LD, A, B, isa.preload(16, 32), isa.compute(0, GARBAGE)),
            isa.preload(GARBAGE, ACC, c_shape=(4, 16)),
            isa.compute(36, GARBAGE, flip=False, a_shape=(4, 16)),
        ],
        "command 7 (COMPUTE_ACCUMULATED): A starts at row 36 but includes row 36 of a result "
        "that starts at row 32 and may still be in the array",
    ),
    "untracked rows of a transposed operand": (
        [
            *(isa.config_ex(tb=True), LD, isa.mvin(DRAM, 16, 5, 5), isa.mvin(DRAM, 21, 11, 5)),
            isa.preload(16, ACC, shape=(5, 16)),
        ],
        "command 4 (PRELOAD): transposed B includes row 21 of an MVIN in flight that the hardware "
        "does not wait for: it tracks as many rows as the operand has untransposed",
    ),
    "lone preload": (
        [EX, LD, B, isa.preload(16, ACC), FENCE],
        "command 4 (fence): the PRELOAD of command 3 has no COMPUTE: the array would hang",
    ),
    "c_stride": (
        [isa.config_ex(c_stride=0), LD, B, isa.preload(16, ACC)],
        "command 3 (PRELOAD): c_stride is 0",
    ),
    "a_stride": (
        [isa.config_ex(a_stride=0), LD, A, B, isa.preload(16, ACC), isa.compute(0, GARBAGE)],
        "command 5 (COMPUTE_PRELOADED): the row stride of A is 0",
    ),
    "loop transposes": (
        [EX, ST, *LOADS, *isa.loop_ws(1, 1, 1, a=DRAM, b=DRAM, ta=True)],
        "command 10 (LOOP_WS): the transposes differ from those of CONFIG_EX",
    ),
    "loop without all registers": (
        [EX, ST, *LOADS, *LOOP, *LOOP, *LOOP[1:]],
        "command 21 (LOOP_WS): not all five LOOP_WS_CONFIG commands were sent for this loop",
    ),
    "loop block stride": (
        [EX, isa.config_ld(16, block_stride=17), *isa.loop_ws(1, 1, 2, a=DRAM)],
        "command 7 (LOOP_WS): block_stride of CONFIG_LD id 0 must be 16, got 17",
    ),
    "loop shrink": (
        [EX, *LOADS, *isa.loop_ws(1, 1, 1, d=DRAM, low_d=True)],
        "command 9 (LOOP_WS): low_D and the shrink flag of CONFIG_LD id 2 differ",
    ),
    "loops in flight": (
        [
            *(EX, ST, *LOADS),
            *isa.loop_ws(1, 1, 1, a=DRAM, b=DRAM, a_id=1),
            *isa.loop_ws(1, 1, 1, a=DRAM, b=DRAM, a_id=1),
        ],
        "command 16 (LOOP_WS): loads rows that the previous LOOP_WS may still be using",
    ),
    "bias in flight": (
        [
            *(EX, ST, *LOADS),
            *(isa.loop_ws(1, 1, 1, a=DRAM, b=DRAM, d=DRAM, accumulate=True) * 2),
        ],
        "command 16 (LOOP_WS): loads D over sums that the previous LOOP_WS may still be using",
    ),
}


@pytest.mark.parametrize("case", CHECKED)
def test_checked_mode(case):
    commands, expected = CHECKED[case]
    assert message(simulator(True), commands) == expected


def test_unchecked_mode_drops_unused_bits_as_the_hardware_does():
    # rows = 33 = 0b100001 keeps 5 bits: 1. The address keeps 14 bits.
    sim = simulator(False)
    assert message(sim, [LD, isa.mvin(DRAM, 1 << 15 | 3, 33, 2)]) is None
    assert message(sim, [EX, isa.preload(0xE0007FFF, GARBAGE)]) is None


def test_unchecked_rows_wrap_at_the_end():
    sim = simulator(False, mapped=False)
    sim.map(DRAM, np.arange(4, dtype=np.int8))
    assert message(sim, [isa.config_ld(1), isa.mvin(DRAM, 16382, 4, 1)]) is None
    assert [sim.read_scratchpad(r)[0] for r in (16382, 16383, 0, 1)] == [0, 1, 2, 3]


ORDERED = {
    "mvout uses the rows": [LD, ST, A, isa.mvout(OUT, 15, 1, 16), A],
    "the array uses the rows": [EX, LD, A, B, isa.preload(16, ACC), isa.compute(0, GARBAGE), A, B],
    "one row of the mvin is used": [LD, ST, A, isa.mvout(OUT, 3, 1, 1), A],
    "fence between mvins": [LD, A, FENCE, A],
    "used, reloaded in part, used, reloaded": [
        *(LD, ST, A, isa.mvout(OUT, 0, 16, 16), isa.mvin(DRAM, 0, 8, 16)),
        *(isa.mvout(OUT, 0, 8, 16), isa.mvin(DRAM, 8, 8, 16)),
    ],
    "fence after mvout": [LD, ST, A, isa.mvout(OUT, 0, 1, 16), FENCE, isa.mvin(OUT, 32, 1, 16)],
    "bytes beside stored ones": [LD, ST, A, isa.mvout(OUT, 0, 1, 5), isa.mvin(OUT + 5, 32, 1, 5)],
    "result as operand from its start": [
        *(EX, LD, A, B, isa.preload(16, 32), isa.compute(0, GARBAGE)),
        *(isa.preload(GARBAGE, ACC), isa.compute(32, GARBAGE, flip=False)),
    ],
    "result as operand after CONFIG_EX": [
        *(EX, LD, A, B, isa.preload(16, 32), isa.compute(0, GARBAGE), EX),
        isa.preload(GARBAGE, ACC, c_shape=(4, 16)),
        isa.compute(36, GARBAGE, flip=False, a_shape=(4, 16)),
    ],
    "transposed operand from one mvin": [
        *(isa.config_ex(tb=True), LD, isa.mvin(DRAM, 16, 16, 5)),
        isa.preload(16, ACC, shape=(5, 16)),
    ],
    "transposed A from two mvins": [
        *(isa.config_ex(ta=True), LD, B, isa.mvin(DRAM, 0, 5, 4), isa.mvin(DRAM, 5, 11, 4)),
        *(isa.preload(16, ACC, c_shape=(4, 16)), isa.compute(0, GARBAGE, a_shape=(4, 16))),
    ],
    "loops with a command between": [
        *(EX, ST, *LOADS, *isa.loop_ws(1, 1, 1, a=DRAM, b=DRAM, a_id=1)),
        *(ST, *isa.loop_ws(1, 1, 1, a=DRAM, b=DRAM, a_id=1)),
    ],
    "loops that reuse a pinned operand": [
        *(EX, ST, *LOADS, *isa.loop_ws(1, 1, 1, a=DRAM, b=DRAM, a_id=1)),
        *isa.loop_ws(1, 1, 1, b=DRAM, a_id=1),
    ],
    "loops that store": [EX, ST, *LOADS, *(LOOP * 4)],
}


@pytest.mark.parametrize("case", ORDERED)
def test_checked_mode_accepts_what_is_ordered(case):
    assert message(simulator(True), ORDERED[case]) is None


@pytest.mark.parametrize("recording", ["explicit_gemm", "prefetch_gemm", "fsm_gemm"])
def test_checked_mode_accepts_programs_that_ran_on_the_rtl(recording):
    for region in test_loop_ws.regions(recording):
        sim = Simulator(load_config("default"), checked=True)
        sim.map(test_loop_ws.DRAM, np.zeros(1 << 24, np.uint8))
        for command in region.configuration + region.commands:
            sim.fence() if command is None else sim.command(*command)


LEAN = {
    "OS": (
        [OS],
        "command 0 (CONFIG_EX): the array supports the WS dataflow only",
    ),
    "full-width store": (
        [ST, isa.mvout(OUT, ACC | FULL, 1, 1)],
        "command 1 (MVOUT): this configuration cannot store full-width accumulator elements",
    ),
    "result in the scratchpad": (
        [EX, LD, B, isa.preload(16, 32)],
        "command 3 (PRELOAD): this configuration cannot write results to the scratchpad",
    ),
    "D": (
        [EX, LD, A, B, isa.preload(16, ACC), isa.compute(0, 16)],
        "command 5 (COMPUTE_PRELOADED): this configuration ignores D",
    ),
}


@pytest.mark.parametrize("case", LEAN)
def test_lean_lacks(case):
    commands, expected = LEAN[case]
    assert message(simulator(True, "lean"), commands) == expected


def test_lean_unchecked_does_what_the_hardware_does():
    # The dataflow bit is ignored, D counts as zero, a result for the scratchpad is dropped.
    sim = simulator(False, "lean")
    for row in range(32):
        sim.write_scratchpad(row, [1] * 16)
    commands = [OS, isa.preload(16, ACC), isa.compute(0, 16), isa.preload(16, 5)]
    assert message(sim, [*commands, isa.compute(0, GARBAGE)]) is None
    assert sim.read_accumulator(0).tolist() == [16] * 16
    assert sim.read_scratchpad(5).tolist() == [1] * 16


def test_configurations_without_scale_or_small_stores():
    plain = GemminiConfig(has_mvin_scale=False, acc_read_small_width=False)
    for checked in (False, True):
        sim = Simulator(plain, checked=checked)
        sim.map(DRAM, np.array([3], np.int8))
        sim.map(OUT, np.zeros(1, np.int8))
        assert message(sim, [LD, ST, isa.mvin(DRAM, 0, 1, 1), isa.mvout(OUT, ACC, 1, 1)]) == (
            "command 3 (MVOUT): this configuration cannot store scaled accumulator elements"
        )
    scaled = [isa.config_ld(16, scale=2.0), isa.mvin(DRAM, 0, 1, 1)]
    sim = Simulator(plain, checked=True)
    assert message(sim, scaled[:1]) == (
        "command 0 (CONFIG_LD): this configuration has no MVIN scale: it must be 1.0"
    )
    # The hardware without scale units moves elements as they are.
    sim = Simulator(plain)
    sim.map(DRAM, np.array([3], np.int8))
    assert message(sim, scaled) is None
    assert sim.read_scratchpad(0)[0] == 3


def test_normalisations_are_not_modelled():
    sim = Simulator(GemminiConfig(has_normalizations=True))
    assert message(sim, [(0, 3, 0)]) == "command 0 (CONFIG_NORM): normalisations are not modelled"


def test_configuration_without_loops():
    sim = Simulator(GemminiConfig(has_loop_ws=False))
    expected = "command 0 (LOOP_WS_CONFIG_BOUNDS): this configuration has no LOOP_WS"
    assert message(sim, [(9, 0, 0)]) == expected


def test_the_first_error_stays_and_stops_the_simulator():
    sim = simulator(False)
    assert message(sim, [A]) == "command 0 (MVIN): no CONFIG_LD has set up id 0"
    with pytest.raises(SimulatorError, match="no CONFIG_LD has set up id 0") as error:
        sim.command(*LD)
    assert error.value.index == 0
    assert sim.statistics().issued == {"MVIN": 1}
    sim.reset()
    assert sim.error is None
    assert message(sim, [LD, A]) is None


def test_memory_map():
    sim = Simulator(load_config("default"))
    data = np.arange(32, dtype=np.int8)
    data.flags.writeable = False
    sim.map(0x100, data)
    for address in (0xFF, 0x11F):
        with pytest.raises(ValueError, match="overlaps another one or"):
            sim.map(address, np.zeros(2, np.int8))
    with pytest.raises(ValueError, match="C-contiguous"):
        sim.map(0x1000, np.zeros((4, 4), np.int8)[:, :2])
    sim.map(0x120, np.zeros(2, np.int8))
    commands = [LD, ST, isa.mvin(0x100, 0, 2, 16)]
    assert message(sim, [*commands, isa.mvout(0x110, 0, 1, 16)]) == (
        "command 3 (MVOUT): writes 16 bytes at DRAM address 0x110, in a read-only region"
    )
    sim.reset()
    # Neighbouring regions are separate buffers.
    assert message(sim, [LD, isa.mvin(0x110, 0, 1, 17)]) == (
        "command 1 (MVIN): reads 17 bytes at DRAM address 0x110, outside the mapped regions"
    )


def test_without_a_map_addresses_are_the_hosts():
    sim = Simulator(load_config("default"))
    source = np.arange(16, dtype=np.int8)
    target = np.zeros(16, np.int8)
    for command in (LD, ST, isa.mvin(source.ctypes.data, 0, 1, 16)):
        sim.command(*command)
    sim.command(*isa.mvout(target.ctypes.data, 0, 1, 16))
    assert target.tolist() == source.tolist()
    with pytest.raises(SimulatorError, match="writes 16 bytes at DRAM address 0, which is not"):
        sim.command(*isa.mvout(0, 0, 1, 16))


def test_rows_that_do_not_exist():
    sim = Simulator(load_config("default"))
    with pytest.raises(IndexError, match="the scratchpad has no row 16384"):
        sim.read_scratchpad(16384)
    with pytest.raises(IndexError, match="the accumulator has no row -1"):
        sim.write_accumulator(-1, [0] * 16)
    with pytest.raises(ValueError, match="a row has 16 elements"):
        sim.write_scratchpad(0, [0] * 15)
