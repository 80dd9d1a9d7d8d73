"""Decoded fields against operands that are packed here by hand, from the ISA reference."""

from __future__ import annotations

import pytest
from riscv_programs import link, needs_gcc

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.targets.disassembler import disassemble
from gemmini_xdsl.tools.gemmini import main

ONE = 0x3F800000 << 32
HALF = 0x3F000000
TILE = 16 << 48 | 16 << 32

CASES = [
    (0, ONE | 1 << 16 | 1 << 2, 1 << 48, "config_ex dataflow=ws activation=none transpose_a=0 "
     "transpose_b=0 a_stride=1 c_stride=1 in_shift=0 acc_scale=1.0"),
    (0, ONE | 1 << 16 | 1 << 8 | 1 << 3, 5, "config_ex dataflow=os activation=relu transpose_a=1 "
     "transpose_b=0 a_stride=1 c_stride=0 in_shift=5 acc_scale=1.0"),
    (0, 2 << 16 | 1 << 7, 3 << 48, "config_ex a_stride=2 c_stride=3"),
    (0, ONE | 16 << 16 | 1 << 8 | 2 << 3 | 1 << 2 | 1, 200, "config_ld id=2 stride=200 "
     "block_stride=16 scale=1.0 shrink=1 pixel_repeats=1"),
    (0, 2 | 1 << 2, HALF << 32 | 60, "config_st stride=60 activation=relu scale=0.5"),
    (0, 2, 0xFFFFFFFF << 32 | 60, "config_st stride=60 activation=none scale=keep"),
    (0, 2 | 2 << 4 | 3 << 6 | 1 << 8 | 1 << 10 | 7 << 24 | 6 << 32 | 5 << 40 | 14 << 48 | 13 << 56,
     64 | ONE, "config_st stride=64 activation=none scale=1.0 pool_stride=2 pool_size=3 upad=1 "
     "lpad=1 pool_out_dim=7 porows=6 pocols=5 orows=14 ocols=13"),
    (0, 3, 9, "config_norm rs1=0x3 rs2=0x9"),
    (2, 0x80001000, TILE | 32, "mvin dram=0x80001000 to=sp[32] 16x16"),
    (1, 0, 3 << 48 | 64 << 32 | 1 << 31 | 7, "mvin2 dram=zeros to=acc[7] 3x64"),
    (14, 64, TILE | 3 << 30 | 512, "mvin3 dram=0x40 to=acc[512]+ 16x16"),
    (3, 0x1234, TILE | 5 << 29, "mvout dram=0x1234 from=acc32[0] 16x16"),
    (6, TILE | 0xFFFFFFFF, TILE | 3 << 30, "preload stationary=none 16x16 c=acc[0]+ 16x16"),
    (4, TILE | 9, TILE | 0xFFFFFFFF, "compute_preloaded a=sp[9] 16x16 bd=none 16x16"),
    (5, TILE | 9, TILE | 1, "compute_accumulated a=sp[9] 16x16 bd=sp[1] 16x16"),
    (7, 1, 0, "flush skip=1"),
    (9, 1 << 32 | 2 << 16 | 3, 4 << 32 | 5 << 16 | 6, "loop_ws_config_bounds tiles=6x5x4 "
     "pad=3x2x1"),
    (10, 0, 0x80, "loop_ws_config_addrs_ab a=none b=0x80"),
    (11, 0x40, 0, "loop_ws_config_addrs_dc d=0x40 c=none"),
    (12, 256, 64, "loop_ws_config_strides_ab a=256 b=64"),
    (13, 256, 64, "loop_ws_config_strides_dc d=256 c=64"),
    (8, 1 | 1 << 2 | 1 << 8 | 2 << 16 | 1 << 18, 2, "loop_ws ex_accumulate=1 full_c=0 low_d=1 "
     "activation=relu a_spad_id=1 b_spad_id=2 transpose_a=0 transpose_b=1"),
    (126, 1, 2, "counter rs1=0x1 rs2=0x2"),
    (99, 1, 2, "funct_99 rs1=0x1 rs2=0x2"),
]  # fmt: skip


@pytest.mark.parametrize(("funct", "rs1", "rs2", "expected"), CASES)
def test_fields_are_decoded(funct: int, rs1: int, rs2: int, expected: str) -> None:
    assert disassemble(funct, rs1, rs2, GemminiConfig()) == expected


def test_streams_are_disassembled(tmp_path, capsys) -> None:
    stream = tmp_path / "gemm.commands"
    stream.write_text("# A = 0x80\n0x02 0x80 0x0010001000000020 ; mvin\nfence\n")
    assert main(["disasm", str(stream)]) == 0
    assert capsys.readouterr().out == "mvin dram=0x80 to=sp[32] 16x16\nfence\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"0x2 0x3\n", "'0x2 0x3' is not a command: expected three hexadecimal numbers"),
        (b"\n0x80 0 0\n", "a.commands:2: '0x80 0 0': funct has 7 bits"),
        (b"\xff\xfe\x80", "neither an ELF file nor a stream of commands"),
        (b"\x7fELF\x02", "truncated ELF file"),
    ],
)
def test_what_cannot_be_disassembled_is_refused(tmp_path, capsys, text, message) -> None:
    stream = tmp_path / "a.commands"
    stream.write_bytes(text)
    assert main(["disasm", str(stream)]) == 1
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""


@needs_gcc
def test_the_commands_of_an_elf_file_are_listed_with_registers(tmp_path, capsys) -> None:
    # 0x00b5307b is funct 0, a0, a1; 0x04c5b07b is funct 2, a1, a2 (ISA section 1).
    text = """
    void two(void);
    __attribute__((noinline)) void two(void) {
        __asm__ volatile(".word 0x00b5307b; .half 0x0001; .word 0x04c5b07b; fence");
    }
    int main(void) { two(); return 0; }
    """
    path = tmp_path / "a.elf"
    path.write_bytes(link(text))
    assert main(["disasm", str(path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    start = lines.index("two:")
    listed = [line.split(":")[1].split() for line in lines[start + 1 : start + 4]]
    assert listed == [
        ["00b5307b", "config", "a0,", "a1"],
        ["04c5b07b", "mvin", "a1,", "a2"],
        ["0ff0000f", "fence"],
    ]
