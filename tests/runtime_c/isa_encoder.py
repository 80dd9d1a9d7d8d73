"""Operands of Gemmini commands, written by hand from the ISA reference.

Independent of the compiler's encoder, so that the two check each other. Every function returns
one command as (funct, rs1, rs2).
"""

from __future__ import annotations

import struct

GARBAGE = 0xFFFFFFFF
ACC = 1 << 31
ACCUMULATE = 1 << 30
FULL = 1 << 29
KEEP_SCALE = 0xFFFFFFFF

Command = tuple[int, int, int]


def float_bits(value: float | int) -> int:
    """float32 bits of a float; an int is taken as bits already."""
    return value if isinstance(value, int) else struct.unpack("<I", struct.pack("<f", value))[0]


def tile(address: int, rows: int, cols: int) -> int:
    return address | cols << 32 | rows << 48


def config_ex(
    *, ws=True, relu=False, ta=False, tb=False, a_stride=1, c_stride=1, shift=0, only_strides=False
) -> Command:
    rs1 = 0 | ws << 2 | relu << 3 | only_strides << 7 | ta << 8 | tb << 9
    rs1 |= a_stride << 16 | float_bits(1.0) << 32
    return 0, rs1, shift | c_stride << 48


def config_ld(stride: int, *, id=0, block_stride=16, scale=1.0, shrink=False, repeats=1) -> Command:
    rs1 = 1 | shrink << 2 | id << 3 | repeats << 8 | block_stride << 16 | float_bits(scale) << 32
    return 0, rs1, stride


def config_st(stride: int, *, scale=1.0, activation=0, pool_stride=0) -> Command:
    return 0, 2 | activation << 2 | pool_stride << 4, stride | float_bits(scale) << 32


def mvin(dram: int, local: int, rows: int, cols: int, *, id=0) -> Command:
    return (2, 1, 14)[id], dram, tile(local, rows, cols)


def mvout(dram: int, local: int, rows: int, cols: int) -> Command:
    return 3, dram, tile(local, rows, cols)


def preload(stationary: int, c: int, *, shape=(16, 16), c_shape=(16, 16)) -> Command:
    return 6, tile(stationary, *shape), tile(c, *c_shape)


def compute(a: int, bd: int, *, flip=True, a_shape=(16, 16), bd_shape=(16, 16)) -> Command:
    return 4 if flip else 5, tile(a, *a_shape), tile(bd, *bd_shape)


def loop_ws(
    i: int,
    j: int,
    k: int,
    *,
    a=0,
    b=0,
    d=0,
    c=0,
    a_stride=0,
    b_stride=0,
    d_stride=0,
    c_stride=0,
    pad_i=0,
    pad_j=0,
    pad_k=0,
    accumulate=False,
    full_c=False,
    low_d=False,
    a_id=0,
    b_id=0,
    ta=False,
    tb=False,
) -> list[Command]:
    return [
        (9, pad_i | pad_j << 16 | pad_k << 32, i | j << 16 | k << 32),
        (10, a, b),
        (11, d, c),
        (12, a_stride, b_stride),
        (13, d_stride, c_stride),
        (8, accumulate | full_c << 1 | low_d << 2 | b_id << 16 | a_id << 18, ta | tb << 1),
    ]
