"""Upstream MLIR, however it is installed: its Python bindings first, else its binaries."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from gemmini_xdsl.passes.upstream_mlir.bindings import BindingsBackend, find_bindings
from gemmini_xdsl.passes.upstream_mlir.errors import UpstreamMlirNotFoundError
from gemmini_xdsl.passes.upstream_mlir.mlir_opt import (
    MLIR_OPT_VARIABLE,
    MlirOptBackend,
    find_mlir_opt,
)

HOW_TO_INSTALL = (
    "pip install 'gemmini-xdsl[mlir]' for its Python bindings, or install mlir-opt "
    "(Debian: apt-get install mlir-22-tools) and put it on PATH or its path into "
    f"{MLIR_OPT_VARIABLE}"
)


class UpstreamMlir(Protocol):
    """What we ask of upstream MLIR. Modules are MLIR text; results are in the generic form.

    Unregistered operations are allowed, and locations are kept. Every method raises
    `UpstreamMlirError` with upstream's own diagnostic.
    """

    @property
    def description(self) -> str:
        """Which installation this is."""

    def run(self, text: str, pipeline: str = "", *, pretty: bool = False) -> str:
        """Parse and verify a module and run a pipeline on it; `pretty` is for people."""

    def run_file(self, path: Path, pipeline: str = "") -> str:
        """The same for a file, which diagnostics then name."""

    def to_llvm_ir(self, text: str) -> str:
        """Translate a module in the `llvm` dialect to LLVM IR."""


def find_upstream(purpose: str) -> UpstreamMlir:
    """The installed upstream MLIR.

    `purpose` completes the sentence "... needs upstream MLIR". Raises `UpstreamMlirNotFoundError`.
    """
    binary = find_mlir_opt()
    bindings, unusable = find_bindings()
    if bindings is not None and (binary is None or not binary.requested):
        return BindingsBackend(bindings)
    if binary is not None:
        return MlirOptBackend(binary.path)
    reason = f" ({unusable})" if unusable else ""
    raise UpstreamMlirNotFoundError(
        f"{purpose} needs upstream MLIR, which is not installed{reason}: {HOW_TO_INSTALL}"
    )


def anchored(pipeline: str) -> str:
    """`pipeline` on `builtin.module`, unless it names the operation that it runs on."""
    text = pipeline.strip()
    if text.startswith(("builtin.module(", "any(")):
        return text
    return f"builtin.module({text})"
