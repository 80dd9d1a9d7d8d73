"""Upstream MLIR through its Python bindings."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from gemmini_xdsl.passes.upstream_mlir.errors import (
    UpstreamMlirError,
    format_diagnostic,
    join_diagnostics,
)

PACKAGES = ("mlir", "torch_mlir")
"""Packages that hold the bindings, in order of preference.

The wheel torch-mlir carries upstream's bindings, dialects and passes whole, without PyTorch.
"""

_PLACEHOLDER = "mlir_python_bindings"


@dataclass(frozen=True)
class Bindings:
    """The modules of the bindings that we use; they have no types."""

    package: str
    ir: Any
    passmanager: Any

    def context(self) -> Any:
        """A context with all upstream dialects, in which unregistered ones are opaque."""
        context = self.ir.Context()
        context.allow_unregistered_dialects = True
        # Our modules are small: starting threads takes longer than what they would save.
        context.enable_multithreading(False)
        return context


def find_bindings() -> tuple[Bindings | None, str]:
    """The bindings that are installed, or None and why what is there is of no use."""
    return _find(PACKAGES)


@cache
def _find(packages: tuple[str, ...]) -> tuple[Bindings | None, str]:
    problems: list[str] = []
    for package in packages:
        if find_spec(package) is None:
            continue
        try:
            ir = importlib.import_module(f"{package}.ir")
            passmanager = importlib.import_module(f"{package}.passmanager")
        except ImportError as error:
            problems.append(f"package '{package}' is not LLVM's bindings or is broken: {error}")
            continue
        return Bindings(package, ir, passmanager), ""
    if find_spec(_PLACEHOLDER) is not None:
        problems.append(
            "the installed mlir-python-bindings is PyPI's placeholder, which holds no code; "
            "the real wheel is at https://llvm.github.io/eudsl"
        )
    return None, "; ".join(problems)


@dataclass(frozen=True)
class BindingsBackend:
    """Upstream MLIR in this process; see `UpstreamMlir`."""

    bindings: Bindings

    @property
    def description(self) -> str:
        """The package."""
        return f"Python package {self.bindings.package}"

    def run(self, text: str, pipeline: str = "", *, pretty: bool = False) -> str:
        """Parse, verify and run."""
        with self.bindings.context(), self.diagnostics():
            module = self._run(self.bindings.ir.Module.parse(text), pipeline)
            return str(module) if pretty else generic_text(module)

    def run_file(self, path: Path, pipeline: str = "") -> str:
        """Parse, verify and run on a file."""
        with self.bindings.context(), self.diagnostics():
            return generic_text(self._run(self.bindings.ir.Module.parseFile(str(path)), pipeline))

    def to_llvm_ir(self, text: str) -> str:
        """Translate to LLVM IR."""
        llvm = importlib.import_module(f"{self.bindings.package}.dialects.llvm")
        with self.bindings.context(), self.diagnostics():
            module = self.bindings.ir.Module.parse(text)
            # Upstream's translation crashes on what it does not know.
            for name in _foreign_operations(module.operation):
                raise UpstreamMlirError(f"upstream MLIR: '{name}' has no translation to LLVM IR")
            translated: str | None = llvm.translate_module_to_llvmir(module.operation)
        if translated is None:
            raise UpstreamMlirError("upstream MLIR: the module has no translation to LLVM IR")
        return translated

    def _run(self, module: Any, pipeline: str) -> Any:
        if pipeline:
            try:
                manager = self.bindings.passmanager.PassManager.parse(pipeline)
            except ValueError as error:
                raise UpstreamMlirError(f"upstream MLIR: {' '.join(str(error).split())}") from None
            manager.run(module.operation)
        return module

    @contextmanager
    def diagnostics(self) -> Iterator[None]:
        """Turn errors of the bindings into `UpstreamMlirError`."""
        try:
            yield
        except self.bindings.ir.MLIRError as error:
            reasons = [
                format_diagnostic(str(item.location), item.message)
                for item in error.error_diagnostics
            ]
            raise UpstreamMlirError(f"upstream MLIR: {join_diagnostics(reasons)}") from None


def generic_text(module: Any) -> str:
    """The text of an `mlir.ir.Module`, generic and with locations, as xDSL can read it."""
    text: str = module.operation.get_asm(
        print_generic_op_form=True, enable_debug_info=True, use_local_scope=True
    )
    return text


def _foreign_operations(operation: Any) -> Iterator[str]:
    """Names of the operations inside `operation` that are not of the `llvm` dialect."""
    for region in operation.regions:
        for block in region:
            for inner in block:
                if not inner.operation.name.startswith("llvm."):
                    yield inner.operation.name
                yield from _foreign_operations(inner.operation)
