"""Decoding RV64GC as far as the timing of the core and the emulated hart need it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from gemmini_xdsl.hardware.encoding import CUSTOM_OPCODES


class Kind(IntEnum):
    """Instructions by what they cost or how they end a block."""

    SIMPLE = 0
    LOAD = 1
    STORE = 2
    MULTIPLY = 3
    DIVIDE = 4
    BRANCH = 5
    JUMP = 6
    INDIRECT = 7
    FLOAT = 8
    FENCE = 9
    CSR = 10
    CUSTOM = 11
    ATOMIC = 12


@dataclass(frozen=True, slots=True)
class Instruction:
    """`word` of `size` bytes; `reads` and `writes` are integer registers (0: none)."""

    word: int
    size: int
    kind: Kind
    writes: int
    reads: tuple[int, ...]


_LOAD, _STORE, _OP, _OP32, _BRANCH = 0x03, 0x23, 0x33, 0x3B, 0x63
_JALR, _JAL, _FENCE, _SYSTEM, _ATOMIC = 0x67, 0x6F, 0x0F, 0x73, 0x2F
_LUI, _AUIPC = 0x37, 0x17
_FLOAT = frozenset((0x43, 0x47, 0x4B, 0x4F, 0x53))
_FLOAT_LOAD, _FLOAT_STORE = 0x07, 0x27


def decode(word: int) -> Instruction:
    """The instruction whose bits start at bit 0 of `word` (32 bits are looked at)."""
    if word & 3 != 3:
        return _decode_compressed(word & 0xFFFF)
    opcode, rd = word & 0x7F, word >> 7 & 31
    rs1, rs2, funct3 = word >> 15 & 31, word >> 20 & 31, word >> 12 & 7

    def make(kind: Kind, writes: int, *reads: int) -> Instruction:
        return Instruction(word, 4, kind, writes, reads)

    if opcode == _LOAD:
        return make(Kind.LOAD, rd, rs1)
    if opcode in (_FLOAT_LOAD, _FLOAT_STORE):
        return make(Kind.LOAD if opcode == _FLOAT_LOAD else Kind.STORE, 0, rs1)
    if opcode == _STORE:
        return make(Kind.STORE, 0, rs1, rs2)
    if opcode in (_OP, _OP32):
        kind = Kind.SIMPLE
        if word >> 25 == 1:
            kind = Kind.MULTIPLY if funct3 < 4 else Kind.DIVIDE
        return make(kind, rd, rs1, rs2)
    if opcode == _BRANCH:
        return make(Kind.BRANCH, 0, rs1, rs2)
    if opcode == _JAL:
        return make(Kind.JUMP, rd)
    if opcode == _JALR:
        return make(Kind.INDIRECT, rd, rs1)
    if opcode == _FENCE:
        return make(Kind.FENCE if funct3 == 0 else Kind.SIMPLE, 0)
    if opcode == _SYSTEM:
        return make(Kind.CSR, rd if funct3 else 0, rs1 if 0 < funct3 < 4 else 0)
    if opcode == _ATOMIC:
        return make(Kind.ATOMIC, rd, rs1, rs2)
    if opcode in _FLOAT:
        return make(Kind.FLOAT, 0)
    if opcode in (_LUI, _AUIPC):
        return make(Kind.SIMPLE, rd)
    if opcode & 3 == 3 and opcode in CUSTOM_OPCODES:
        return make(Kind.CUSTOM, 0, rs1, rs2)
    return make(Kind.SIMPLE, rd, rs1)


def _decode_compressed(word: int) -> Instruction:
    quadrant, funct3 = word & 3, word >> 13
    rd, rs2 = word >> 7 & 31, word >> 2 & 31
    low_rd, low_rs1 = 8 + (word >> 2 & 7), 8 + (word >> 7 & 7)

    def make(kind: Kind, writes: int, *reads: int) -> Instruction:
        return Instruction(word, 2, kind, writes, reads)

    match quadrant, funct3:
        case 0, 0:
            return make(Kind.SIMPLE, low_rd, 2)
        case 0, (1 | 2 | 3):
            return make(Kind.LOAD, 0 if funct3 == 1 else low_rd, low_rs1)
        case 0, _:
            return make(Kind.STORE, 0, low_rs1, 0 if funct3 == 5 else low_rd)
        case 1, 5:
            return make(Kind.JUMP, 0)
        case 1, (6 | 7):
            return make(Kind.BRANCH, 0, low_rs1)
        case 1, 4:
            two = word >> 10 & 3 == 3
            return make(Kind.SIMPLE, low_rs1, low_rs1, *((low_rd,) if two else ()))
        case 1, (2 | 3):
            return make(Kind.SIMPLE, rd, *((2,) if funct3 == 3 and rd == 2 else ()))
        case 1, _:
            return make(Kind.SIMPLE, rd, rd)
        case 2, (1 | 2 | 3):
            return make(Kind.LOAD, 0 if funct3 == 1 else rd, 2)
        case 2, 4:
            if rs2 != 0:
                reads = (rd, rs2) if word >> 12 & 1 else (rs2,)
                return make(Kind.SIMPLE, rd, *reads)
            if rd == 0:
                return make(Kind.CSR, 0)
            return make(Kind.INDIRECT, word >> 12 & 1, rd)
        case 2, 0:
            return make(Kind.SIMPLE, rd, rd)
        case _:
            return make(Kind.STORE, 0, 2, 0 if funct3 == 5 else rs2)


def instructions(code: bytes, address: int) -> Iterator[tuple[int, Instruction]]:
    """Addresses and instructions of a straight piece of code; a cut-off end is left out."""
    offset = 0
    while offset + 2 <= len(code):
        found = decode(int.from_bytes(code[offset : offset + 4], "little"))
        if offset + found.size > len(code):
            return
        yield address + offset, found
        offset += found.size
