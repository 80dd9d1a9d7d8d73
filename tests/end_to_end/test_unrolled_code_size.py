"""How much machine code the largest unrolled products become, compiled for RISC-V."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gemmini_xdsl.passes.schedule_rules import MAX_UNROLLED_INSTRUCTIONS
from gemmini_xdsl.runtime_c.paths import include_dir
from gemmini_xdsl.tools.compile import CompileOptions, compile_module
from gemmini_xdsl.tools.shorthand import build_gemm, parse_shorthand

GCC, SIZE = "riscv64-unknown-elf-gcc", "riscv64-unknown-elf-size"
FLAGS = ("-O2", "-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-ffreestanding")
INSTRUCTION_BYTES = 10
"""What `MAX_UNROLLED_INSTRUCTIONS` counts on, for each instruction of the accelerator."""

LARGEST = [
    ("M=128,N=128,K=128,bias=full,act=relu,scale=0.01", "default", "[8, 8, 8]"),
    ("M=120,N=121,K=122,bias=row", "default", "[8, 8, 8]"),
    ("M=64,N=256,K=144,ta=1", "default", "[4, 16, 9]"),
    ("M=31,N=29,K=35,bias=full", "int8_4x4", "[8, 8, 9]"),
]


@pytest.mark.skipif(shutil.which(GCC) is None, reason=f"{GCC} is not installed")
@pytest.mark.parametrize(("shorthand", "config", "tile"), LARGEST)
def test_code_is_as_small_as_the_limit_counts_on(
    shorthand: str, config: str, tile: str, tmp_path: Path
) -> None:
    schedule = f'tile = {tile}, inner_order = "nmk", placement = interleaved, unroll = true'
    options = CompileOptions(config=config, schedule=schedule)
    compiled = compile_module(build_gemm(parse_shorthand(f"gemm:{shorthand}")), options)
    compiled.write(tmp_path)
    instructions = compiled.manifest.functions[0].instructions
    assert instructions is not None
    count = sum(instructions.values())
    assert count > 0.9 * MAX_UNROLLED_INSTRUCTIONS
    source, target = tmp_path / f"{compiled.name}.c", tmp_path / "kernel.o"
    includes = [f"-I{tmp_path / 'include'}", f"-I{include_dir()}"]
    subprocess.run([GCC, *FLAGS, *includes, "-c", source, "-o", target], check=True)
    sizes = subprocess.run([SIZE, target], check=True, capture_output=True, text=True).stdout
    text = int(sizes.splitlines()[1].split()[0])
    assert text <= INSTRUCTION_BYTES * count
