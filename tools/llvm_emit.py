"""What `--emit llvm`, `asm` and `object` add to a compiled directory."""

from __future__ import annotations

from collections.abc import Sequence

from gemmini_xdsl.passes.upstream_mlir import UpstreamMlirError
from gemmini_xdsl.targets.errors import TargetError
from gemmini_xdsl.targets.llvm_lowering import to_llvm_ir
from gemmini_xdsl.targets.llvm_machine_code import emit_assembly, emit_object
from gemmini_xdsl.tools.compile import Compiled
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.inputs import describe

LLVM_KINDS = ("llvm", "asm", "object")


def llvm_files(compiled: Compiled, kinds: Sequence[str]) -> dict[str, str | bytes]:
    """LLVM IR (.ll), RISC-V assembly (.s) and object (.o) by name. Raises `GemminiError`."""
    files: dict[str, str | bytes] = {}
    try:
        if "llvm" in kinds:
            files[f"{compiled.name}.ll"] = to_llvm_ir(compiled.module, "--emit llvm")
        if "asm" in kinds:
            files[f"{compiled.name}.s"] = emit_assembly(compiled.module, "--emit asm")
        if "object" in kinds:
            files[f"{compiled.name}.o"] = emit_object(compiled.module, "--emit object")
    except (TargetError, UpstreamMlirError) as error:
        raise GemminiError(f"{compiled.name}: {describe(error)}") from None
    return files
