"""Single instructions against bytes worked out by hand from the ISA reference (16x16 array)."""

from __future__ import annotations

import isa_encoder as isa
import numpy as np
import pytest
from isa_encoder import ACC, ACCUMULATE, FULL, GARBAGE

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.runtime_c.simulator import Simulator

SOURCE = 0x1000
RESULT = 0x9000


@pytest.fixture(params=[False, True], ids=["unchecked", "checked"])
def sim(request):
    return Simulator(load_config("default"), checked=request.param)


def run(sim, *commands):
    for command in commands:
        sim.command(*command)


def give(sim, array):
    """Map `array` as the source of MVINs."""
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    sim.map(SOURCE, array)


def result(sim, shape, dtype):
    """Map the target of MVOUTs, filled with a pattern that no test stores."""
    array = np.full(shape, 0x5A, np.uint8).repeat(np.dtype(dtype).itemsize, axis=-1).view(dtype)
    sim.map(RESULT, array)
    return array


def rows(sim, first, count):
    return np.array([sim.read_scratchpad(first + n) for n in range(count)])


def acc_rows(sim, first, count):
    return np.array([sim.read_accumulator(first + n) for n in range(count)])


def put(sim, first, tile):
    """Set scratchpad rows; missing columns are zero."""
    for n, elements in enumerate(np.asarray(tile)):
        sim.write_scratchpad(first + n, list(elements) + [0] * (16 - len(elements)))


def put_acc(sim, first, tile):
    for n, elements in enumerate(np.asarray(tile)):
        sim.write_accumulator(first + n, list(elements) + [0] * (16 - len(elements)))


# -- MVIN ----------------------------------------------------------------------------------


def test_mvin_writes_only_its_columns(sim):
    # Two DRAM rows of 5 bytes, 3 columns moved: bytes 3 and 4 of each row are skipped, columns
    # 3 to 15 of the local rows keep 9.
    put(sim, 100, [[9] * 16] * 3)
    give(sim, np.array([[1, 2, 3, 4, 5], [-1, -2, -3, -4, -5]], np.int8))
    run(sim, isa.config_ld(5), isa.mvin(SOURCE, 100, 2, 3))
    assert rows(sim, 100, 3).tolist() == [
        [1, 2, 3] + [9] * 13,
        [-1, -2, -3] + [9] * 13,
        [9] * 16,
    ]


def test_mvin_block_stride(sim):
    # 2 x 40 elements are blocks of 16, 16 and 8 columns; with block_stride 5, block b of row r
    # goes to row 10 + r + 5*b.
    put(sim, 10, [[-7] * 16] * 12)
    give(sim, np.arange(80, dtype=np.int8).reshape(2, 40))
    run(sim, isa.config_ld(40, block_stride=5), isa.mvin(SOURCE, 10, 2, 40))
    expected = [[-7] * 16] * 12
    expected[0] = list(range(0, 16))
    expected[1] = list(range(40, 56))
    expected[5] = list(range(16, 32))
    expected[6] = list(range(56, 72))
    expected[10] = list(range(32, 40)) + [-7] * 8
    expected[11] = list(range(72, 80)) + [-7] * 8
    assert rows(sim, 10, 12).tolist() == expected


def test_mvin_ids_have_their_own_configuration(sim):
    give(sim, np.arange(8, dtype=np.int8))
    run(
        sim,
        isa.config_ld(1, id=0),
        isa.config_ld(2, id=1),
        isa.config_ld(4, id=2),
        isa.mvin(SOURCE, 0, 2, 1, id=0),
        isa.mvin(SOURCE, 8, 2, 1, id=1),
        isa.mvin(SOURCE, 16, 2, 1, id=2),
    )
    # Second rows start 1, 2 and 4 bytes behind the first.
    assert [rows(sim, first, 2)[:, 0].tolist() for first in (0, 8, 16)] == [[0, 1], [0, 2], [0, 4]]


def test_mvin_stride_zero_repeats_one_row(sim):
    give(sim, np.array([3, -4], np.int8))
    run(sim, isa.config_ld(0), isa.mvin(SOURCE, 0, 16, 2))
    assert rows(sim, 0, 16)[:, :2].tolist() == [[3, -4]] * 16
    assert sim.statistics().dram_bytes_read == 2


def test_mvin_from_address_zero_writes_zeros(sim):
    put(sim, 0, [[5] * 16] * 4)
    put_acc(sim, 0, [[5] * 16] * 4)
    run(
        sim,
        isa.config_ld(123),
        isa.mvin(0, 0, 2, 3),
        isa.mvin(0, ACC | 0, 2, 3),
        isa.mvin(0, ACC | ACCUMULATE | 2, 2, 3),
    )
    assert rows(sim, 0, 3).tolist() == [[0] * 3 + [5] * 13] * 2 + [[5] * 16]
    # The last one adds zeros.
    assert acc_rows(sim, 0, 4).tolist() == [[0] * 3 + [5] * 13] * 2 + [[5] * 16] * 2
    assert sim.statistics().dram_bytes_read == 0


def test_mvin_full_width_accumulator(sim):
    give(sim, np.array([[1, -2, 2**31 - 1], [-(2**31), 70000, 0]], np.int32))
    run(sim, isa.config_ld(12, scale=0.5), isa.mvin(SOURCE, ACC | 7, 2, 3))
    # The scale does not apply to int32 elements.
    assert acc_rows(sim, 7, 2)[:, :3].tolist() == [[1, -2, 2**31 - 1], [-(2**31), 70000, 0]]


def test_mvin_accumulate_wraps(sim):
    put_acc(sim, 7, [[2**31 - 1, -(2**31), 5]])
    give(sim, np.array([1, -1, 6], np.int32))
    run(sim, isa.config_ld(12), isa.mvin(SOURCE, ACC | ACCUMULATE | 7, 1, 3))
    # 2^31-1 + 1 = -2^31 and -2^31 - 1 = 2^31-1 modulo 2^32.
    assert acc_rows(sim, 7, 1)[0, :3].tolist() == [-(2**31), 2**31 - 1, 11]


def test_mvin_shrunk_accumulator_scales_to_int8_first(sim):
    put_acc(sim, 0, [[100, 100, 100, 100]])
    give(sim, np.array([3, -5, 100, -128], np.int8))
    run(
        sim,
        isa.config_ld(4, shrink=True, scale=1.5),
        isa.mvin(SOURCE, ACC | ACCUMULATE | 0, 1, 4),
    )
    # 4.5 -> 4, -7.5 -> -8 (ties to even), 150 -> 127, -192 -> -128; then added to 100.
    assert acc_rows(sim, 0, 1)[0, :4].tolist() == [104, 92, 227, -28]


def test_mvin_shrunk_accumulator_takes_64_columns(sim):
    give(sim, np.arange(64, dtype=np.int8))
    run(sim, isa.config_ld(64, shrink=True, block_stride=3), isa.mvin(SOURCE, ACC | 0, 1, 64))
    assert [sim.read_accumulator(3 * b)[0] for b in range(4)] == [0, 16, 32, 48]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        # 0.5: 2.5 -> 2, 1.5 -> 2, 0.5 -> 0, -0.5 -> 0, -1.5 -> -2, 63.5 -> 64, -64
        (0.5, [2, 2, 0, 0, -2, 64, -64]),
        # 1.0 passes through
        (1.0, [5, 3, 1, -1, -3, 127, -128]),
        # -1.0: 128 saturates
        (-1.0, [-5, -3, -1, 1, 3, -127, 127]),
        # 2^127: every product saturates by its sign
        (2.0**127, [127, 127, 127, -128, -128, 127, -128]),
        # the smallest subnormal: everything is far below one half
        (0x00000001, [0, 0, 0, 0, 0, 0, 0]),
        # infinities, NaN
        (0x7F800000, [127, 127, 127, -128, -128, 127, -128]),
        (0xFF800000, [-128, -128, -128, 127, 127, -128, 127]),
        (0x7FC00000, [127] * 7),
        (0xFFC00001, [127] * 7),
    ],
)
def test_mvin_scale(sim, scale, expected):
    give(sim, np.array([5, 3, 1, -1, -3, 127, -128], np.int8))
    run(sim, isa.config_ld(7, scale=scale), isa.mvin(SOURCE, 0, 1, 7))
    assert rows(sim, 0, 1)[0, :7].tolist() == expected


# -- MVOUT ---------------------------------------------------------------------------------


def test_mvout_scratchpad_is_raw(sim):
    put(sim, 50, [[1, -2, 3], [-4, 5, -6]])
    out = result(sim, (2, 4), np.int8)
    run(sim, isa.config_st(4, scale=0.5, activation=1), isa.mvout(RESULT, 50, 2, 3))
    # No scale, no ReLU; byte 3 of each DRAM row stays.
    assert out.tolist() == [[1, -2, 3, 0x5A], [-4, 5, -6, 0x5A]]


def test_mvout_blocks_lie_dim_rows_apart(sim):
    for block in range(3):
        put(sim, 16 * block, [[10 * block + r] * 16 for r in range(2)])
    out = result(sim, (2, 40), np.int8)
    run(sim, isa.config_st(40), isa.mvout(RESULT, 0, 2, 40))
    # Block b of row r is local row 16*b + r.
    assert out.tolist() == [[0] * 16 + [10] * 16 + [20] * 8, [1] * 16 + [11] * 16 + [21] * 8]


def test_mvout_full_width(sim):
    put_acc(sim, 3, [[1, -2, 2**31 - 1], [-(2**31), 7, 8]])
    out = result(sim, (2, 4), np.int32)
    run(sim, isa.config_st(16, scale=0.5, activation=1), isa.mvout(RESULT, ACC | FULL | 3, 2, 3))
    # Neither scale nor ReLU apply to raw elements.
    untouched = 0x5A5A5A5A
    assert out.tolist() == [[1, -2, 2**31 - 1, untouched], [-(2**31), 7, 8, untouched]]


def scaled(sim, values, scale, activation=0):
    put_acc(sim, 0, [values])
    out = result(sim, (1, len(values)), np.int8)
    run(
        sim,
        isa.config_st(len(values), scale=scale, activation=activation),
        isa.mvout(RESULT, ACC, 1, len(values)),
    )
    return out[0].tolist()


def test_mvout_rounds_ties_to_even_and_saturates(sim):
    # Halves: 0.5 -> 0, 1.5 -> 2, 2.5 -> 2, -0.5 -> 0, -1.5 -> -2, -2.5 -> -2, -3.5 -> -4;
    # 127.5 -> 128 -> 127, -128.5 -> -128, -129 -> -128.
    values = [1, 3, 5, -1, -3, -5, -7, 255, -257, -258]
    assert scaled(sim, values, 0.5) == [0, 2, 2, 0, -2, -2, -4, 127, -128, -128]


def test_mvout_converts_to_float_with_rounding(sim):
    # 5*2^23+1 and -1 round to 5*2^23 (float32 has steps of 4 there), so both are exact ties at
    # 2.5 -> 2; 5*2^23+3 rounds to 5*2^23+4, above the tie -> 3.
    tie = 5 * 2**23
    assert scaled(sim, [tie + 1, tie - 1, tie + 3], 2.0**-24) == [2, 2, 3]


def test_mvout_rounds_the_product_to_float_first(sim):
    # x = 2^23+1 gives more than 0.5*(1 + 2^-23), above one half -> 1; so does x = 2^23.
    # x = 2^23-1: (1-2^-23)(1+2^-23)/2 = (1-2^-46)/2, which float32 rounds to 0.5 -> tie -> 0;
    # x = 3*(2^23-1) = 25165821 becomes 25165820 as float32 (ties to even):
    # 25165820*(1+2^-23)*2^-24 = 1.49999982... -> 1.
    scale = (1.0 + 2.0**-23) * 2.0**-24
    assert scaled(sim, [2**23 + 1, 2**23, 2**23 - 1, 25165821], scale) == [1, 1, 0, 1]


def test_mvout_double_rounding_to_a_tie(sim):
    # x = 5*(2^23-1) = 41943035 needs 26 bits: it lies between 41943032 and 41943036 and becomes
    # 41943036 as float32. Times 2^-24*(1 + 2^-23): 2.4999999... * ... = 2.49999976 + 2.98e-7 =
    # 2.50000006: the float32 neighbours are 2.5 and 2.50000024, so it is 2.5 -> 2 (even).
    scale = (1.0 + 2.0**-23) * 2.0**-24
    assert scaled(sim, [41943035], scale) == [2]


def test_mvout_relu_before_scale(sim):
    # ReLU keeps +10, the scale -0.5 makes it -5; -7 becomes 0. Clipping first would give 0 and 4.
    assert scaled(sim, [10, -7], -0.5, activation=1) == [-5, 0]


def test_mvout_negative_halves(sim):
    # -3.5 -> -4 and -2.5 -> -2.
    assert scaled(sim, [-7, -5], 0.5) == [-4, -2]


@pytest.mark.parametrize(
    ("scale", "expected"),
    [
        (0x7FC00000, [127, 127, 127]),  # NaN
        (0xFFC00000, [127, 127, 127]),  # NaN with a sign
        (0x7F800000, [127, -128, 127]),  # inf: 0 * inf is NaN
        (0xFF800000, [-128, 127, 127]),
        (0x7F7FFFFF, [127, -128, 0]),  # largest finite float: overflow saturates
        (0x00000001, [0, 0, 0]),
    ],
)
def test_mvout_special_scales(sim, scale, expected):
    assert scaled(sim, [5, -5, 0], scale) == expected


def test_mvout_smallest_subnormal_scale_of_large_values(sim):
    # 2^31 * 2^-149 and the largest subnormal are still below one half.
    assert scaled(sim, [2**31 - 1, -(2**31)], 0x007FFFFF) == [0, 0]


def test_scale_of_all_ones_keeps_the_previous_one(sim):
    put_acc(sim, 0, [[10]])
    out = result(sim, (1, 2), np.int8)
    run(
        sim,
        isa.config_st(1, scale=0.5),
        isa.config_st(1, scale=isa.KEEP_SCALE),
        isa.mvout(RESULT, ACC, 1, 1),
    )
    assert out[0, 0] == 5


def test_mvout_scaled_blocks(sim):
    for block in range(2):
        put_acc(sim, 16 * block, [[3 + block] * 16])
    out = result(sim, (1, 20), np.int8)
    run(sim, isa.config_st(20, scale=2.0), isa.mvout(RESULT, ACC, 1, 20))
    assert out[0].tolist() == [6] * 16 + [8] * 4


def test_mvout_of_the_garbage_address_stores_zeros(sim):
    out = result(sim, (2, 3), np.int8)
    run(sim, isa.config_st(3), isa.mvout(RESULT, GARBAGE, 2, 2))
    assert out.tolist() == [[0, 0, 0x5A]] * 2


# -- weight-stationary products -------------------------------------------------------------

A = np.array([[1, 2], [3, 4], [5, 6]])
B = np.array([[1, -1, 2], [0, 3, 1]])
# Row 0: 1*1+2*0, 1*-1+2*3, 1*2+2*1 and so on.
AB = [[1, 5, 4], [3, 9, 10], [5, 13, 16]]


def product(c, *, d=GARBAGE, a_shape=(3, 2), b_shape=(2, 3), c_shape=(3, 3), flip=True, b=32):
    return (
        isa.preload(b, c, shape=b_shape, c_shape=c_shape),
        isa.compute(0, d, a_shape=a_shape, bd_shape=c_shape, flip=flip),
    )


def test_ws_product_of_partial_tiles(sim):
    # Elements around the operands are 99: masked by rows and cols, they do not count.
    put(sim, 0, np.full((16, 16), 99))
    put(sim, 32, np.full((16, 16), 99))
    for start, tile in ((0, A), (32, B)):
        for n, elements in enumerate(tile):
            sim.write_scratchpad(start + n, [*elements, *[99] * (16 - len(elements))])
    put_acc(sim, 0, np.full((4, 16), 7))
    run(sim, isa.config_ex(), *product(ACC))
    assert acc_rows(sim, 0, 4).tolist() == [row + [7] * 13 for row in AB] + [[7] * 16]
    assert sim.statistics().macs == 3 * 2 * 3


def test_ws_accumulates_and_adds_d(sim):
    put(sim, 0, A)
    put(sim, 32, B)
    put(sim, 64, [[1, 2, 3], [10, 20, 30], [-1, -2, -3]])
    put_acc(sim, 0, [[100, 0, 2**31 - 1]] * 3)
    run(sim, isa.config_ex(relu=True), *product(ACC | ACCUMULATE, d=64))
    # Old + AB + D; the activation of CONFIG_EX does not touch the accumulator.
    # 2^31-1 + 4+3 wraps to -2^31+6, + 10+30 to -2^31+39, + 16-3 to -2^31+12.
    assert acc_rows(sim, 0, 3)[:, :3].tolist() == [
        [102, 7, -(2**31) + 6],
        [113, 29, -(2**31) + 39],
        [104, 11, -(2**31) + 12],
    ]


def test_ws_stay_reuses_weights(sim):
    put(sim, 0, A)
    put(sim, 32, B)
    run(
        sim,
        isa.config_ex(),
        *product(ACC),
        *product(ACC | 16, b=GARBAGE, flip=False),
    )
    assert acc_rows(sim, 16, 3)[:, :3].tolist() == AB


def test_ws_weights_survive_a_configuration(sim):
    put(sim, 0, A)
    put(sim, 32, B)
    run(sim, isa.config_ex(), *product(ACC), isa.config_ex(relu=True))
    run(sim, *product(ACC | 16, b=GARBAGE, flip=False))
    assert acc_rows(sim, 16, 3)[:, :3].tolist() == AB


def test_ws_stay_ignores_newly_preloaded_weights(sim):
    put(sim, 0, A)
    put(sim, 32, B)
    put(sim, 40, [[50, 50, 50]] * 2)
    run(sim, isa.config_ex(), *product(ACC), *product(ACC | 16, b=40, flip=False))
    assert acc_rows(sim, 16, 3)[:, :3].tolist() == AB


def test_ws_rows_without_a_hold_d_alone(sim):
    # A has one row, D three: rows 1 and 2 of the product are D.
    put(sim, 0, A[:1])
    put(sim, 32, B)
    put(sim, 64, [[1, 2, 3], [10, 20, 30], [-1, -2, -3]])
    run(sim, isa.config_ex(), *product(ACC, d=64, a_shape=(1, 2)))
    assert acc_rows(sim, 0, 3)[:, :3].tolist() == [[2, 7, 7], [10, 20, 30], [-1, -2, -3]]


def test_ws_transposed_a(sim):
    put(sim, 0, A.T)
    put(sim, 32, B)
    run(sim, isa.config_ex(ta=True), *product(ACC))
    assert acc_rows(sim, 0, 3)[:, :3].tolist() == AB


def test_ws_transposed_b(sim):
    put(sim, 0, A)
    put(sim, 32, B.T)
    run(sim, isa.config_ex(tb=True), *product(ACC))
    assert acc_rows(sim, 0, 3)[:, :3].tolist() == AB


def test_ws_strides(sim):
    for n, elements in enumerate(A):
        put(sim, 3 * n, [elements])
    put(sim, 32, B)
    put_acc(sim, 0, np.zeros((5, 16)))
    run(sim, isa.config_ex(a_stride=3, c_stride=2), *product(ACC))
    assert acc_rows(sim, 0, 5)[:, :3].tolist() == [AB[0], [0] * 3, AB[1], [0] * 3, AB[2]]


def test_only_strides_keeps_the_rest(sim):
    for n, elements in enumerate(A.T):
        put(sim, 2 * n, [elements])
    put(sim, 32, B)
    run(
        sim,
        isa.config_ex(ta=True),
        isa.config_ex(ws=False, a_stride=2, only_strides=True),
        *product(ACC),
    )
    assert acc_rows(sim, 0, 3)[:, :3].tolist() == AB


def test_ws_result_in_the_scratchpad_saturates_then_relu(sim):
    put(sim, 0, [[100, 100], [-100, -100], [0, -3], [1, 2]])
    put(sim, 32, [[1, 1], [1, 0]])
    put(sim, 64, [[8] * 16] * 4)
    shapes = {"a_shape": (4, 2), "b_shape": (2, 2), "c_shape": (4, 2)}
    run(sim, isa.config_ex(), *product(64, **shapes))
    # 200 -> 127, 100; -200 -> -128, -100; -3, 0; 3, 1. Columns from 2 on stay.
    assert rows(sim, 64, 4).tolist() == [
        [127, 100] + [8] * 14,
        [-128, -100] + [8] * 14,
        [-3, 0] + [8] * 14,
        [3, 1] + [8] * 14,
    ]
    run(sim, isa.config_ex(relu=True), *product(64, **shapes))
    assert rows(sim, 64, 4)[:, :2].tolist() == [[127, 100], [0, 0], [0, 0], [3, 1]]


def test_ws_garbage_result_is_discarded_but_weights_stay(sim):
    put(sim, 0, A)
    put(sim, 32, B)
    run(sim, isa.config_ex(), *product(GARBAGE), *product(ACC, b=GARBAGE, flip=False))
    assert acc_rows(sim, 0, 3)[:, :3].tolist() == AB


def test_ws_garbage_a_may_load_weights(sim):
    put(sim, 0, A)
    put(sim, 32, B)
    run(
        sim,
        isa.config_ex(),
        isa.preload(32, GARBAGE, shape=(2, 3)),
        isa.compute(GARBAGE, GARBAGE),
        *product(ACC, b=GARBAGE, flip=False),
    )
    assert acc_rows(sim, 0, 3)[:, :3].tolist() == AB


def test_ws_sum_wraps_at_20_bits():
    # On a 32x32 array: 32 * (-128 * -128) = 2^19, one more than 20 bits hold.
    sim = Simulator(load_config("int8_32x32"))
    for row in range(64):
        sim.write_scratchpad(row, [-128] * 32)
    run(
        sim,
        isa.config_ex(),
        isa.preload(32, ACC, shape=(32, 32), c_shape=(32, 32)),
        isa.compute(0, GARBAGE, a_shape=(32, 32)),
    )
    assert (np.array([sim.read_accumulator(r) for r in range(32)]) == -(2**19)).all()


# -- output-stationary products -------------------------------------------------------------


def os_product(c, *, d=GARBAGE, a=0, b=32, flip=True, a_shape=(3, 2), b_shape=(2, 3)):
    c_shape = (a_shape[0], b_shape[1])
    return (
        isa.preload(d, c, shape=c_shape, c_shape=c_shape),
        isa.compute(a, b, a_shape=a_shape, bd_shape=b_shape, flip=flip),
    )


def test_os_product_with_d(sim):
    put(sim, 0, A)
    put(sim, 32, B)
    put(sim, 64, [[1, 2, 3], [10, 20, 30], [-1, -2, -3]])
    run(sim, isa.config_ex(ws=False), *os_product(ACC, d=64), *os_product(ACC | 16))
    assert acc_rows(sim, 0, 3)[:, :3].tolist() == [[2, 7, 7], [13, 29, 40], [4, 11, 13]]
    assert acc_rows(sim, 16, 3)[:, :3].tolist() == AB


@pytest.mark.parametrize(("ta", "tb"), [(True, False), (True, True)])
def test_os_transposes(sim, ta, tb):
    put(sim, 0, A.T if ta else A)
    put(sim, 32, B.T if tb else B)
    run(sim, isa.config_ex(ws=False, ta=ta, tb=tb), *os_product(ACC))
    assert acc_rows(sim, 0, 3)[:, :3].tolist() == AB


def test_os_accumulates_in_the_array(sim):
    put(sim, 0, A)
    put(sim, 32, B)
    run(
        sim,
        isa.config_ex(ws=False),
        *os_product(GARBAGE),
        *os_product(GARBAGE, flip=False),
        *os_product(ACC, flip=False),
    )
    assert acc_rows(sim, 0, 3)[:, :3].tolist() == (3 * np.array(AB)).tolist()


def test_os_sums_wrap_at_20_bits(sim):
    # 16 * 127 * 127 = 258064; four times that is 1032256 = 2^20 - 16320.
    put(sim, 0, [[127] * 16] * 16)
    put(sim, 32, [[127] * 16] * 16)
    full = {"a_shape": (16, 16), "b_shape": (16, 16)}
    run(sim, isa.config_ex(ws=False), *os_product(GARBAGE, **full))
    for step in range(3):
        run(sim, *os_product(ACC if step == 2 else GARBAGE, flip=False, **full))
    assert (acc_rows(sim, 0, 16) == -16320).all()


@pytest.mark.parametrize("destination", [ACC, 64])
def test_os_shift_rounds_half_to_even(sim, destination):
    # D alone (A is zero), shifted right by 2: 2 -> 0.5 -> 0, 6 -> 1.5 -> 2, 10 -> 2.5 -> 2,
    # 7 -> 1.75 -> 2, -2 -> -0.5 -> 0, -6 -> -1.5 -> -2, -7 -> -1.75 -> -2, -5 -> -1.25 -> -1.
    values = [2, 6, 10, 7, -2, -6, -7, -5]
    put(sim, 0, [[0] * 16])
    put(sim, 32, [[0] * 16])
    put(sim, 48, [values])
    run(
        sim,
        isa.config_ex(ws=False, shift=2),
        *os_product(destination, d=48, a_shape=(1, 1), b_shape=(1, 8)),
    )
    read = sim.read_accumulator(0) if destination == ACC else sim.read_scratchpad(64)
    assert read[:8].tolist() == [0, 2, 2, 2, 0, -2, -2, -1]


def test_os_result_in_the_scratchpad(sim):
    put(sim, 0, [[100, 100], [-1, -1]])
    put(sim, 32, [[1, -1], [1, -1]])
    run(
        sim,
        isa.config_ex(ws=False, relu=True),
        *os_product(64, a_shape=(2, 2), b_shape=(2, 2)),
    )
    # 200 -> 127, -200 -> -128 -> 0; -2 -> 0, 2.
    assert rows(sim, 64, 2)[:, :2].tolist() == [[127, 0], [0, 2]]


def test_flush_and_fence_change_nothing(sim):
    put(sim, 0, [[1] * 16])
    run(sim, (7, 0, 0), (7, 1, 0))
    sim.fence()
    assert sim.read_scratchpad(0).tolist() == [1] * 16
    assert sim.statistics().issued == {"FLUSH": 2, "fence": 1}
