"""RISC-V objects and assembly from modules at level 4, by way of LLVM IR."""

from __future__ import annotations

import re
import shutil
import subprocess
from functools import cache

from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.targets.errors import TargetError
from gemmini_xdsl.targets.llvm_library import CodeOptions, LlvmLibraryError, find_llvm_library
from gemmini_xdsl.targets.llvm_lowering import RISCV_TRIPLE, to_llvm_ir

# As for the C path: RV64GC, what a Rocket core has, at any address in memory.
_OPTIONS = CodeOptions(
    triple=RISCV_TRIPLE,
    cpu="generic-rv64",
    features="+m,+a,+f,+d,+c,+zicsr,+zifencei",
    abi="lp64d",
)
_CLANG_OPTIONS = (
    f"--target={RISCV_TRIPLE}",
    "-march=rv64gc",
    f"-mabi={_OPTIONS.abi}",
    "-mcmodel=medany",
    "-O2",
    "-Wno-override-module",
)
_CLANGS = ("clang", *(f"clang-{version}" for version in range(30, 15, -1)))
_OLDEST_CLANG = 16
"""Before it, clang does not know the attributes of intrinsics that MLIR writes."""

_TIMEOUT_SECONDS = 120


def emit_object(module: ModuleOp, target: str = "gemmini-asm") -> bytes:
    """A relocatable ELF file for riscv64 (ABI lp64d) with the functions of a level-4 module.

    They have the names and signatures of the C target, so that either object may be linked.
    Raises `TargetError` in the name of `target`, and `UpstreamMlirError`.
    """
    return _emit(module, target, assembly=False)


def emit_assembly(module: ModuleOp, target: str = "gemmini-asm") -> str:
    """RISC-V assembly of the same. Raises as `emit_object` does."""
    text = _emit(module, target, assembly=True).decode()
    # They name extensions that GNU's assembler does not know before version 2.42.
    return "".join(line for line in text.splitlines(True) if not line.startswith("\t.attribute"))


def _emit(module: ModuleOp, target: str, *, assembly: bool) -> bytes:
    ir = to_llvm_ir(module, target)
    library = find_llvm_library()
    if library is not None:
        try:
            return library.compile(ir, _OPTIONS, assembly=assembly)
        except LlvmLibraryError as error:
            raise TargetError(f"{target}: {library.name}: {error}") from None
    clang = find_clang()
    if clang is None:
        raise TargetError(
            f"{target}: making machine code needs LLVM's shared library or clang "
            f"{_OLDEST_CLANG} or later (Debian: apt-get install libllvm22)"
        )
    return compile_with_clang(clang, ir, target, assembly=assembly)


@cache
def find_clang() -> str | None:
    """The path of a clang that reads today's LLVM IR, or None."""
    for name in _CLANGS:
        path = shutil.which(name)
        if path is None:
            continue
        done = subprocess.run([path, "--version"], capture_output=True, text=True, check=False)
        version = re.search(r"version (\d+)", done.stdout)
        if version is not None and int(version[1]) >= _OLDEST_CLANG:
            return path
    return None


def compile_with_clang(clang: str, ir: str, target: str, *, assembly: bool) -> bytes:
    """Object or assembly of LLVM IR. Raises `TargetError`."""
    kind = "-S" if assembly else "-c"
    command = [clang, *_CLANG_OPTIONS, kind, "-x", "ir", "-", "-o", "-"]
    try:
        done = subprocess.run(
            command, input=ir.encode(), capture_output=True, check=False, timeout=_TIMEOUT_SECONDS
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise TargetError(f"{target}: {clang}: {error}") from None
    if done.returncode != 0:
        lines = done.stderr.decode(errors="replace").splitlines() or [""]
        raise TargetError(f"{target}: {clang}: {lines[0]}")
    return done.stdout
