"""What `gemmini compile` reads: MLIR, TVMScript, TVM's JSON, or a shorthand."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import ParseError, VerifyException

from gemmini_xdsl.tools.dominance import verify_dominance
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.shorthand import FUNCTION, build_gemm, is_shorthand, parse_shorthand
from gemmini_xdsl.tools.universe import load_universe

_HOW_TO_GET_TVM = "pip install 'gemmini-xdsl[tvm]'"
UNNAMED = "main"
MLIR_SUFFIXES = (".mlir",)
TVM_SUFFIXES = (".py", ".json")


@dataclass(frozen=True)
class Input:
    """A module at any level, and the name that files made from it get."""

    name: str
    module: ModuleOp


def make_context() -> Context:
    """A context that knows every dialect that is installed."""
    context = Context()
    for name, load in load_universe().all_dialects.items():
        context.register_dialect(name, load)
    return context


def load_input(text: str, context: Context | None = None) -> Input:
    """Read the INPUT of `gemmini compile`: a path or a shorthand. Raises `GemminiError`."""
    if is_shorthand(text):
        return Input(FUNCTION, build_gemm(parse_shorthand(text)))
    path = Path(text)
    if path.suffix not in MLIR_SUFFIXES + TVM_SUFFIXES:
        known = ", ".join(MLIR_SUFFIXES + TVM_SUFFIXES)
        raise GemminiError(
            f"{text}: unknown kind of input; give a file ending in {known}, or a shorthand such "
            "as gemm:M=100,N=60,K=200"
        )
    name = re.sub(r"[^A-Za-z0-9_-]", "_", path.name.removesuffix(path.suffix)).strip("-")
    if path.suffix in TVM_SUFFIXES:
        return Input(name or "module", _load_tvm(path, name or "module"))
    return Input(name or "module", load_mlir(path, context or make_context()))


def load_mlir(path: Path, context: Context) -> ModuleOp:
    """The verified module in an MLIR file, on memrefs. Raises `GemminiError`."""
    from gemmini_xdsl.tools.mlir_input import read_mlir

    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise GemminiError(f"{path}: cannot be read: {_reason(error)}") from None
    if not text.strip():
        raise GemminiError(f"{path}: the file is empty")
    return read_mlir(path, text, context)


class UnreadableError(GemminiError):
    """xDSL does not accept a text; `line` (from 1) is where, if that is a syntax error."""

    def __init__(self, message: str, line: int | None = None):
        super().__init__(message)
        self.line = line


def parse_mlir(text: str, source: str, context: Context) -> ModuleOp:
    """The verified module that `text` is; `source` names it. Raises `UnreadableError`."""
    from gemmini_xdsl.tools.source_locations import LocatingParser, format_parse_error

    try:
        module = LocatingParser(context, text, source).parse_module()
    except ParseError as error:
        line = error.span.get_location().line
        raise UnreadableError(format_parse_error(error), line) from None
    except RecursionError:
        raise UnreadableError(f"{source}: nested too deeply") from None
    except Exception as error:
        # xDSL answers some malformed input with exceptions of its own making.
        raise UnreadableError(f"{source}: malformed MLIR: {describe(error)}") from None
    try:
        verify(module, source)
    except GemminiError as error:
        raise UnreadableError(str(error)) from None
    return module


def verify(module: ModuleOp, source: str) -> None:
    """Verify `module`. Raises `GemminiError`; `source` says what was being done."""
    try:
        module.verify()
        verify_dominance(module)
    except VerifyException as error:
        raise GemminiError(f"{source}: {describe(error)}") from None
    except Exception as error:
        raise GemminiError(f"{source}: not valid: {describe(error)}") from None


def describe(error: BaseException) -> str:
    """The text of an exception on one line."""
    notes = getattr(error, "__notes__", [])
    text = " ".join(" ".join([str(error), *notes]).split())
    return text or type(error).__name__


def import_tvm(source: Any, name: str | None = None) -> ModuleOp:
    """The module of a PrimFunc, or of an IRModule with PrimFuncs or Relax functions.

    A lone PrimFunc without a name of its own (TVM calls it `main`) gets `name`. Raises
    `GemminiError`.
    """
    try:
        from gemmini_xdsl.tvm_bridge import tir_access
        from gemmini_xdsl.tvm_bridge.errors import TvmBridgeError
        from gemmini_xdsl.tvm_bridge.import_tir import import_tir
    except ImportError as error:
        raise GemminiError(f"importing from TVM needs TVM: {_HOW_TO_GET_TVM} ({error})") from None
    try:
        if tir_access.is_prim_func(source):
            given = tir_access.global_symbol(source)
            return import_tir(source, name if given in (None, UNNAMED) else given)
        return import_tir(source)
    except TvmBridgeError as error:
        raise GemminiError(str(error)) from None


def _load_tvm(path: Path, name: str) -> ModuleOp:
    try:
        from gemmini_xdsl.tvm_bridge.errors import TvmBridgeError
        from gemmini_xdsl.tvm_bridge.load_file import load_tvm_file
    except ImportError as error:
        raise GemminiError(f"{path}: reading it needs TVM: {_HOW_TO_GET_TVM} ({error})") from None
    try:
        source = load_tvm_file(path)
    except TvmBridgeError as error:
        raise GemminiError(str(error)) from None
    try:
        return import_tvm(source, name)
    except GemminiError as error:
        raise GemminiError(f"{path}: {error}") from None


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or "not a text file"
