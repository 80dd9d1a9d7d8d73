"""What the tests of the LLVM path need from outside."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from gemmini_xdsl.passes.upstream_mlir import UpstreamMlirNotFoundError, find_upstream
from gemmini_xdsl.targets.llvm_library import find_llvm_library
from gemmini_xdsl.targets.llvm_machine_code import find_clang

# The programs are those of the C path's tests.
sys.path.insert(0, str(Path(__file__).parents[1] / "runners"))


@pytest.fixture
def upstream() -> None:
    try:
        find_upstream("a test")
    except UpstreamMlirNotFoundError:
        pytest.skip("upstream MLIR (torch-mlir or mlir-22-tools) is not installed")


@pytest.fixture
def machine_code(upstream: None) -> None:
    if find_llvm_library() is None and find_clang() is None:
        pytest.skip("neither LLVM's library (libllvm22) nor a recent clang is installed")


@pytest.fixture
def binutils() -> str:
    """The name of the RISC-V disassembler."""
    name = "riscv64-unknown-elf-objdump"
    if shutil.which(name) is None:
        pytest.skip(f"{name} is not installed")
    return name
