"""Writes docs/llvm_path.md: instructions of the C path and of the LLVM path.

    python benchmarks/llvm_path.py

Both kernels of each product are linked into the same program and run to the end on the emulated
hart; the program checks its results. Instructions are counted by the hart between the program's two
readings of the cycle counter around the call. Needs riscv64-unknown-elf-gcc, unicorn, upstream MLIR
and LLVM; takes about half a minute.
"""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.targets.llvm_library import find_llvm_library
from gemmini_xdsl.targets.llvm_machine_code import emit_object
from gemmini_xdsl.tools.compile import CompileOptions, compile_module
from gemmini_xdsl.tools.elf_build import emitted_files
from gemmini_xdsl.tools.elf_compilers import COMPILE_FLAGS, TARGET_FLAGS
from gemmini_xdsl.tools.elf_file import parse_elf
from gemmini_xdsl.tools.inputs import load_input, make_context
from gemmini_xdsl.tools.runners.hart import Hart

PAGE = Path(__file__).parents[1] / "docs" / "llvm_path.md"
GCC = "riscv64-unknown-elf-gcc"
SIZE = "riscv64-unknown-elf-size"
PROJECT = "project/"
TIME_LIMIT = 120.0

PRODUCTS = (
    ("gemm:M=16,N=16,K=16,out=i32", None),
    ("gemm:M=100,N=60,K=200,bias=row,act=relu,scale=0.0123,out=i8", None),
    ("gemm:M=100,N=60,K=200,bias=row,scale=0.0123,out=i8", "tile = [2, 2, 2], dataflow = os"),
    ("gemm:M=128,N=128,K=128,scale=0.01,out=i8", None),
    ("gemm:M=128,N=128,K=128,scale=0.01,out=i8", "tile = [4, 4, 4], lowering = loop_ws"),
    ("gemm:M=33,N=65,K=47,bias=full,scale=0.01,out=i8,ta=1", None),
    ("gemm:M=64,N=64,K=64,scale=0.01,out=i8,za=3,zb=-2,zc=5", None),
)

TEXT = """# C or LLVM

There are two ways from RoCC commands to RISC-V machine code.

- `-t gemmini-c`: C17, compiled by any C compiler. Needs nothing but that compiler.
- `-t gemmini-llvm`, `-t gemmini-asm`, `gemmini compile --emit llvm,asm,object`: upstream MLIR
  lowers the module to its `llvm` dialect and translates it to LLVM IR, and LLVM makes code of it.
  Commands are inline assembly with side effects (`.insn r` in its numeric form), memrefs are bare
  pointers, buffers are static. Functions have the same names and signatures as in C, so that
  either object links with the same program.

The LLVM path needs upstream MLIR (`pip install 'gemmini-xdsl[mlir]'`, or `mlir-opt`) and, for
machine code, LLVM's shared library (`libllvm22`, which `mlir-22-tools` brings along) or clang 16
or later. The RISC-V back end in the wheel of llvmlite cannot be used: it lacks the assembly parser
that inline assembly goes through.

Both issue the same commands with the same operands in the same order; the tests compare them on the
emulated hart. What differs is how the core computes the operands.

## Instructions

Executed by the core from call to return, RoCC commands included, and size of the code in bytes.
The C path is {gcc} with `{flags}`; the LLVM path is {llvm} with `default<O2>`. Both for RV64GC.

{table}

Made by `benchmarks/llvm_path.py`. Every run's results were checked by the program itself.
"""


@dataclass(frozen=True)
class Measured:
    """One kernel: instructions executed, commands among them, and bytes of code."""

    instructions: int
    commands: int
    code_bytes: int


def main() -> None:
    """Measure all products and write the page."""
    rows = [
        "| product | schedule | commands | C | LLVM | C, bytes | LLVM, bytes |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for text, schedule in PRODUCTS:
        c, llvm = measure(text, schedule)
        assert c.commands == llvm.commands
        rows.append(
            f"| `{text.removeprefix('gemm:')}` | {schedule or 'default'} | {c.commands} "
            f"| {c.instructions} | {llvm.instructions} | {c.code_bytes} | {llvm.code_bytes} |"
        )
    library = find_llvm_library()
    assert library is not None
    version = subprocess.run([GCC, "-dumpversion"], capture_output=True, text=True, check=True)
    PAGE.write_text(
        TEXT.format(
            gcc=f"GCC {version.stdout.strip()}",
            flags=" ".join(flag for flag in COMPILE_FLAGS if flag.startswith("-O")),
            llvm=library.name.removeprefix("lib").removesuffix(".so").replace("-", " "),
            table="\n".join(rows),
        )
    )


def measure(text: str, schedule: str | None) -> tuple[Measured, Measured]:
    """One product by way of C and by way of LLVM."""
    context = make_context()
    source = load_input(text, context)
    options = CompileOptions(schedule=schedule)
    compiled = compile_module(source.module, options, source.name, context=context)
    files = emitted_files(compiled, ("project",))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path, content in files.items():
            target = folder / path.removeprefix(PROJECT)
            target.parent.mkdir(parents=True, exist_ok=True)
            assert isinstance(content, str)
            target.write_text(content)
        kernel = f"{compiled.name}.c"
        compile_c(folder, ["-c", kernel, "-o", "c.o"])
        (folder / "llvm.o").write_bytes(emit_object(compiled.module))
        sources = [
            str(path.relative_to(folder))
            for path in sorted(folder.rglob("*.[cS]"))
            if path.name != kernel
        ]
        return run(folder, "c.o", sources), run(folder, "llvm.o", sources)


def run(folder: Path, kernel: str, sources: list[str]) -> Measured:
    """Link one kernel with the program and run it."""
    link = ["-nostdlib", "-static", "-T", "platform/link.ld", kernel, *sources, "-o", "a.elf"]
    compile_c(folder, link)
    hart = Hart(parse_elf((folder / "a.elf").read_bytes(), kernel), GemminiConfig(), timing=False)
    result = hart.run(TIME_LIMIT)
    assert result.problem is None, result.problem
    assert result.console.endswith("PASS\n"), result.console
    sizes = subprocess.run(
        [SIZE, "-A", kernel], cwd=folder, capture_output=True, text=True, check=True
    )
    code = [line.split() for line in sizes.stdout.splitlines() if line.startswith(".text")]
    accelerator = hart.accelerator
    return Measured(
        accelerator.measured_instructions,
        accelerator.measured_commands,
        sum(int(fields[1]) for fields in code),
    )


def compile_c(folder: Path, arguments: list[str]) -> None:
    """Run the cross compiler."""
    command = [GCC, *TARGET_FLAGS, *COMPILE_FLAGS, "-Iinclude", "-I.", *arguments]
    subprocess.run(command, cwd=folder, check=True)


if __name__ == "__main__":
    main()
