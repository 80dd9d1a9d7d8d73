"""`-t gemmini-asm`: a module as RISC-V assembly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, ClassVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.target import Target

from gemmini_xdsl.targets.llvm_machine_code import emit_assembly


@dataclass(frozen=True)
class GemminiAsmTarget(Target):
    """RISC-V assembly (RV64GC, ABI lp64d), made by upstream MLIR and LLVM."""

    name: ClassVar[str] = "gemmini-asm"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        """Write the text. Raises `TargetError` or `UpstreamMlirError`."""
        output.write(emit_assembly(module, self.name))
