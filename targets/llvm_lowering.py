"""Modules at level 4 in upstream's `llvm` dialect and as LLVM IR."""

from __future__ import annotations

import re

from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.passes.upstream_mlir import anchored, find_upstream, to_generic_text
from gemmini_xdsl.targets.llvm_float_literals import with_portable_literals
from gemmini_xdsl.targets.llvm_preparation import prepare

RISCV_TRIPLE = "riscv64-unknown-elf"
RISCV_DATA_LAYOUT = "e-m:e-p:64:64-i64:64-i128:128-n32:64-S128"

_PRIVATE_GLOBAL = re.compile(r"^(@\S+ = )private(?= )", re.MULTILINE)

LLVM_PIPELINE = (
    "convert-linalg-to-loops,expand-strided-metadata,lower-affine,arith-expand,"
    "convert-scf-to-cf,convert-math-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,"
    "finalize-memref-to-llvm,convert-func-to-llvm{use-bare-ptr-memref-call-conv},"
    "convert-cf-to-llvm,reconcile-unrealized-casts,canonicalize,cse"
)
"""Upstream's passes from standard dialects to the `llvm` dialect, memrefs as bare pointers."""


def to_llvm_dialect(module: ModuleOp, target: str, *, pretty: bool = False) -> str:
    """The text of `module` in the `llvm` dialect; `pretty` is for people.

    Raises `TargetError` in the name of `target`, and `UpstreamMlirError`.
    """
    prepared = prepare(module, target)
    upstream = find_upstream(f"target '{target}'")
    return upstream.run(to_generic_text(prepared), anchored(LLVM_PIPELINE), pretty=pretty)


def to_llvm_ir(module: ModuleOp, target: str) -> str:
    """`module` as LLVM IR, not optimised. Raises as `to_llvm_dialect` does."""
    text = to_llvm_dialect(module, target)
    ir = with_portable_literals(find_upstream(f"target '{target}'").to_llvm_ir(text))
    # Buffers keep their symbols, by which simulators and debuggers know them.
    ir = _PRIVATE_GLOBAL.sub(r"\1internal", ir)
    header = f'target datalayout = "{RISCV_DATA_LAYOUT}"\ntarget triple = "{RISCV_TRIPLE}"\n'
    return header + ir
