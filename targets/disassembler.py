"""Commands in words: the fields of every Gemmini instruction (ISA sections 1 to 9)."""

from __future__ import annotations

import struct

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.hardware.encoding import (
    ACCUMULATE_BIT,
    ACCUMULATOR_BIT,
    COLS_SHIFT,
    GARBAGE_ADDRESS,
    READ_FULL_BIT,
    ROWS_SHIFT,
    Funct,
)

_ACTIVATIONS = {0: "none", 1: "relu", 2: "layernorm", 3: "igelu", 4: "softmax"}
_KEEP_SCALE = 0xFFFFFFFF
_CLKGATE, _COUNTER = 22, 126
_OTHERS = {
    15: "loop_conv_ws",
    **{16 + index: f"loop_conv_ws_config_{index + 1}" for index in range(6)},
    _CLKGATE: "clkgate_en",
    23: "mvout_spad",
    24: "loop_ws_config_spad_ab",
    25: "loop_ws_config_spad_c",
    _COUNTER: "counter",
}


def mnemonic(funct: int) -> str:
    """Lower-case name of a funct7 value; `funct_N` if the ISA defines none."""
    if funct in set(Funct):
        return Funct(funct).mnemonic
    return _OTHERS.get(funct, f"funct_{funct}")


def disassemble(funct: int, rs1: int, rs2: int, config: GemminiConfig) -> str:
    """One command as `mnemonic field=value ...`.

    Local memory is written `sp[row]`, `acc[row]`, `acc[row]+` (accumulating) and `acc32[row]`
    (read at full width); `none` is the garbage address.
    """
    match funct:
        case Funct.CONFIG:
            return _config(rs1, rs2)
        case Funct.MVIN | Funct.MVIN2 | Funct.MVIN3:
            source = "zeros" if rs1 == 0 else f"{rs1:#x}"
            return f"{mnemonic(funct)} dram={source} to={_tile(rs2, config)}"
        case Funct.MVOUT:
            return f"mvout dram={rs1:#x} from={_tile(rs2, config)}"
        case Funct.PRELOAD:
            return f"preload stationary={_tile(rs1, config)} c={_tile(rs2, config)}"
        case Funct.COMPUTE_PRELOADED | Funct.COMPUTE_ACCUMULATED:
            return f"{mnemonic(funct)} a={_tile(rs1, config)} bd={_tile(rs2, config)}"
        case Funct.FLUSH:
            return f"flush skip={rs1 & 1}"
        case Funct.LOOP_WS:
            return _loop_ws(rs1, rs2)
        case Funct.LOOP_WS_CONFIG_BOUNDS:
            tiles, pads = _thirds(rs2), _thirds(rs1)
            return f"{mnemonic(funct)} tiles={tiles} pad={pads}"
        case Funct.LOOP_WS_CONFIG_ADDRS_AB:
            return f"{mnemonic(funct)} a={_dram(rs1)} b={_dram(rs2)}"
        case Funct.LOOP_WS_CONFIG_ADDRS_DC:
            return f"{mnemonic(funct)} d={_dram(rs1)} c={_dram(rs2)}"
        case Funct.LOOP_WS_CONFIG_STRIDES_AB:
            return f"{mnemonic(funct)} a={rs1} b={rs2}"
        case Funct.LOOP_WS_CONFIG_STRIDES_DC:
            return f"{mnemonic(funct)} d={rs1} c={rs2}"
        case _:
            return f"{mnemonic(funct)} rs1={rs1:#x} rs2={rs2:#x}"


def _bits(value: int, low: int, count: int) -> int:
    return value >> low & (1 << count) - 1


def _local(address: int, config: GemminiConfig) -> str:
    if address == GARBAGE_ADDRESS:
        return "none"
    if not _bits(address, ACCUMULATOR_BIT, 1):
        return f"sp[{address & config.scratchpad_rows - 1}]"
    wide = "32" if _bits(address, READ_FULL_BIT, 1) else ""
    plus = "+" if _bits(address, ACCUMULATE_BIT, 1) else ""
    return f"acc{wide}[{address & config.accumulator_rows - 1}]{plus}"


def _tile(operand: int, config: GemminiConfig) -> str:
    rows, cols = _bits(operand, ROWS_SHIFT, 16), _bits(operand, COLS_SHIFT, 16)
    return f"{_local(_bits(operand, 0, 32), config)} {rows}x{cols}"


def _dram(address: int) -> str:
    return f"{address:#x}" if address else "none"


def _thirds(operand: int) -> str:
    return "x".join(str(_bits(operand, low, 16)) for low in (0, 16, 32))


def _scale(bits: int) -> str:
    if bits == _KEEP_SCALE:
        return "keep"
    value: float = struct.unpack("<f", struct.pack("<I", bits))[0]
    return repr(value)


def _config(rs1: int, rs2: int) -> str:
    match _bits(rs1, 0, 2):
        case 0:
            if _bits(rs1, 7, 1):
                return f"config_ex a_stride={_bits(rs1, 16, 16)} c_stride={_bits(rs2, 48, 16)}"
            return (
                f"config_ex dataflow={'ws' if _bits(rs1, 2, 1) else 'os'} "
                f"activation={_ACTIVATIONS.get(_bits(rs1, 3, 2))} "
                f"transpose_a={_bits(rs1, 8, 1)} transpose_b={_bits(rs1, 9, 1)} "
                f"a_stride={_bits(rs1, 16, 16)} c_stride={_bits(rs2, 48, 16)} "
                f"in_shift={_bits(rs2, 0, 32)} acc_scale={_scale(_bits(rs1, 32, 32))}"
            )
        case 1:
            return (
                f"config_ld id={_bits(rs1, 3, 2)} stride={rs2} "
                f"block_stride={_bits(rs1, 16, 16)} scale={_scale(_bits(rs1, 32, 32))} "
                f"shrink={_bits(rs1, 2, 1)} pixel_repeats={_bits(rs1, 8, 8)}"
            )
        case 2:
            return _config_st(rs1, rs2)
        case _:
            return f"config_norm rs1={rs1:#x} rs2={rs2:#x}"


def _config_st(rs1: int, rs2: int) -> str:
    text = (
        f"config_st stride={_bits(rs2, 0, 32)} activation={_ACTIVATIONS[_bits(rs1, 2, 2)]} "
        f"scale={_scale(_bits(rs2, 32, 32))}"
    )
    fields = ("pool_stride", 4, 2), ("pool_size", 6, 2), ("upad", 8, 2), ("lpad", 10, 2)
    sizes = ("pool_out_dim", 24), ("porows", 32), ("pocols", 40), ("orows", 48), ("ocols", 56)
    if _bits(rs1, 4, 4):
        text += "".join(f" {name}={_bits(rs1, low, count)}" for name, low, count in fields)
        text += "".join(f" {name}={_bits(rs1, low, 8)}" for name, low in sizes)
    return text


def _loop_ws(rs1: int, rs2: int) -> str:
    text = (
        f"loop_ws ex_accumulate={_bits(rs1, 0, 1)} full_c={_bits(rs1, 1, 1)} "
        f"low_d={_bits(rs1, 2, 1)} activation={_ACTIVATIONS.get(_bits(rs1, 8, 3))} "
        f"a_spad_id={_bits(rs1, 18, 2)} b_spad_id={_bits(rs1, 16, 2)} "
        f"transpose_a={_bits(rs2, 0, 1)} transpose_b={_bits(rs2, 1, 1)}"
    )
    return text + (" resadd" if _bits(rs2, 2, 1) else "")
