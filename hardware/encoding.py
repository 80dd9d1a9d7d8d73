"""Instruction encodings (ISA sections 1 to 9): funct7 numbers and operand fields.

Operands are 64-bit integers. Fields that a compiler fills with run-time values are given as
shifts, the others are packed here.
"""

from __future__ import annotations

import struct
from enum import IntEnum


class Funct(IntEnum):
    """funct7 of every instruction that the compiler emits."""

    CONFIG = 0
    MVIN2 = 1
    MVIN = 2
    MVOUT = 3
    COMPUTE_PRELOADED = 4
    COMPUTE_ACCUMULATED = 5
    PRELOAD = 6
    FLUSH = 7
    LOOP_WS = 8
    LOOP_WS_CONFIG_BOUNDS = 9
    LOOP_WS_CONFIG_ADDRS_AB = 10
    LOOP_WS_CONFIG_ADDRS_DC = 11
    LOOP_WS_CONFIG_STRIDES_AB = 12
    LOOP_WS_CONFIG_STRIDES_DC = 13
    MVIN3 = 14

    @property
    def mnemonic(self) -> str:
        """Lower-case name."""
        return self.name.lower()


CUSTOM_OPCODES = (0x0B, 0x2B, 0x5B, 0x7B)
"""Major opcodes of RISC-V's custom-0 to custom-3, which `GemminiConfig.opcode` numbers."""

FUNCT3_TWO_SOURCES = 0b011
"""funct3 of every command: it reads rs1 and rs2 and writes no register."""

GARBAGE_ADDRESS = 0xFFFFFFFF
"""The local address that means "no operand"."""

MIN_PASS_ROWS = 4
"""Rows that the array emits at least for a product that keeps its weights (ISA section 6)."""

ACCUMULATOR_BIT = 31
ACCUMULATE_BIT = 30
READ_FULL_BIT = 29

COLS_SHIFT = 32
ROWS_SHIFT = 48

LOOP_J_SHIFT = 16
LOOP_K_SHIFT = 32

_CONFIG_EX, _CONFIG_LD, _CONFIG_ST = 0, 1, 2
_DATAFLOWS = {"os": 0, "ws": 1}
_ACTIVATIONS = {"none": 0, "relu": 1}


def float_bits(value: float) -> int:
    """The IEEE single-precision encoding of `value`."""
    bits: int = struct.unpack("<I", struct.pack("<f", value))[0]
    return bits


def config_ex(
    *,
    dataflow: str,
    activation: str,
    transpose_a: bool,
    transpose_b: bool,
    a_stride: int,
    c_stride: int,
    in_shift: int,
) -> tuple[int, int]:
    """Operands of CONFIG_EX; the scale of accumulator operands is one (they are not used)."""
    rs1 = (
        _CONFIG_EX
        | _DATAFLOWS[dataflow] << 2
        | _ACTIVATIONS[activation] << 3
        | int(transpose_a) << 8
        | int(transpose_b) << 9
        | a_stride << 16
        | float_bits(1.0) << 32
    )
    return rs1, in_shift | c_stride << 48


def config_ld(
    *, id: int, stride: int, block_stride: int, scale: float, shrink: bool
) -> tuple[int, int]:
    """Operands of CONFIG_LD; `stride` in bytes, `block_stride` in rows."""
    rs1 = (
        _CONFIG_LD
        | int(shrink) << 2
        | id << 3
        | 1 << 8  # pixel repeats
        | block_stride << 16
        | float_bits(scale) << 32
    )
    return rs1, stride


def config_st(*, stride: int, scale: float, activation: str) -> tuple[int, int]:
    """Operands of CONFIG_ST without pooling; `stride` in bytes."""
    return _CONFIG_ST | _ACTIVATIONS[activation] << 2, stride | float_bits(scale) << 32


def loop_ws(
    *,
    ex_accumulate: bool,
    full_c: bool,
    low_d: bool,
    activation: str,
    a_spad_id: int,
    b_spad_id: int,
    transpose_a: bool,
    transpose_b: bool,
) -> tuple[int, int]:
    """Operands of LOOP_WS itself."""
    rs1 = (
        int(ex_accumulate)
        | int(full_c) << 1
        | int(low_d) << 2
        | _ACTIVATIONS[activation] << 8
        | b_spad_id << 16
        | a_spad_id << 18
    )
    return rs1, int(transpose_a) | int(transpose_b) << 1
