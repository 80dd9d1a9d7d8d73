"""`-t gemmini-llvm`: a module in upstream's `llvm` dialect, or as LLVM IR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, ClassVar, Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.target import Target

from gemmini_xdsl.targets.llvm_lowering import to_llvm_dialect, to_llvm_ir


@dataclass(frozen=True)
class GemminiLlvmTarget(Target):
    """The `llvm` dialect for riscv64, made by upstream MLIR (its bindings or `mlir-opt`).

    Commands are inline assembly with side effects, memrefs are bare pointers, functions have the
    names and signatures of the C target. Options: `form` is `mlir` (the default) or `ir`, LLVM IR.
    """

    name: ClassVar[str] = "gemmini-llvm"

    form: Literal["mlir", "ir"] = "mlir"

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        """Write the text. Raises `TargetError` or `UpstreamMlirError`."""
        if self.form == "ir":
            output.write(to_llvm_ir(module, self.name))
        else:
            output.write(to_llvm_dialect(module, self.name, pretty=True))
