"""Programs that call their kernel several times: `gemmini compile --runs N`."""

from __future__ import annotations

import numpy as np
import pytest
from riscv_programs import execute, needs_gcc

from gemmini_xdsl.tools.compile import Compiled, compile_module
from gemmini_xdsl.tools.elf_build import emitted_files
from gemmini_xdsl.tools.elf_main import MainOptions
from gemmini_xdsl.tools.elf_project import ProgramOptions
from gemmini_xdsl.tools.inputs import load_input, make_context, parse_mlir
from gemmini_xdsl.tools.runners.hart import HartResult

pytestmark = needs_gcc

GEMM = "gemm:M=48,N=40,K=64,bias=row,act=relu,scale=0.01"

# Adds %a to %t, which a second call finds changed, and copies it to %c.
IN_PLACE = """
func.func @f(%a: memref<20xi32>, %t: memref<20xi32>, %c: memref<20xi32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c20 = arith.constant 20 : index
  scf.for %i = %c0 to %c20 step %c1 {
    %x = memref.load %a[%i] : memref<20xi32>
    %y = memref.load %t[%i] : memref<20xi32>
    %z = arith.addi %x, %y : i32
    memref.store %z, %t[%i] : memref<20xi32>
    memref.store %z, %c[%i] : memref<20xi32>
  }
  func.return
}
"""


def run(compiled: Compiled, main: MainOptions) -> HartResult:
    (elf,) = emitted_files(compiled, ["elf"], ProgramOptions(main=main)).values()
    assert isinstance(elf, bytes)
    return execute(elf)


def cycles(result: HartResult) -> list[int]:
    return [int(line.split()[-2]) for line in result.console.splitlines() if "cycles" in line]


def test_the_last_call_is_measured() -> None:
    compiled = compile_module(load_input(GEMM).module, name="gemm")
    once, twice, thrice = (run(compiled, MainOptions(runs=runs)) for runs in (1, 2, 3))
    for result in (once, twice, thrice):
        assert (result.problem, result.status) == (None, 0)
        assert result.console.endswith("PASS\n")
    ((cold,), (warm,), (again,)) = (cycles(result) for result in (once, twice, thrice))
    # The first call finds neither its code nor the results' lines in the caches.
    assert warm < cold
    assert again == pytest.approx(warm, rel=0.05)


@pytest.mark.parametrize("compare", ["digest", "full"])
def test_results_are_those_of_all_calls(compare: str) -> None:
    context = make_context()
    compiled = compile_module(parse_mlir(IN_PLACE, "f.mlir", context), name="f", context=context)
    for runs in (1, 3):
        result = run(compiled, MainOptions(compare=compare, runs=runs))
        assert (result.problem, result.status) == (None, 0)
        assert result.console.endswith("PASS\n")
        arrays = {name: data.view(np.int32) for name, data in result.buffers.items()}
        total, a = arrays["gemmini_output_1"][:20], arrays["gemmini_input_0"][:20]
        np.testing.assert_array_equal(arrays["gemmini_output_2"][:20], total)
        assert np.any(a != 0)
        # The sums start with what the program generates for %t.
        start = (total.astype(np.int64) - runs * a.astype(np.int64)).astype(np.int32)
        if runs == 1:
            first = start
        else:
            np.testing.assert_array_equal(start, first)
