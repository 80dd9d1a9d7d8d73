"""The measurement behind the comparison of the two paths."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from riscv_programs import needs_gcc

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))


@needs_gcc
@pytest.mark.usefixtures("machine_code")
def test_both_paths_are_measured() -> None:
    from llvm_path import PRODUCTS, measure

    c, llvm = measure(*PRODUCTS[0])
    assert c.commands == llvm.commands > 0
    for measured in (c, llvm):
        assert measured.commands < measured.instructions < 20 * measured.commands
        assert measured.code_bytes > 4 * measured.commands
