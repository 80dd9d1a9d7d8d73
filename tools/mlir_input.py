"""Reading MLIR that others produce.

xDSL reads the file if it can. What it does not know (operations and spellings that it lacks or
models more narrowly) upstream MLIR parses, verifies and brings into a form that xDSL has.
"""

from __future__ import annotations

import re
from pathlib import Path

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import SSAValue
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.passes.gemmini_bufferize import (
    GENERALIZE,
    GemminiBufferizePass,
    has_tensors,
)
from gemmini_xdsl.passes.upstream_mlir import (
    UpstreamMlirError,
    UpstreamMlirNotFoundError,
    anchored,
    find_upstream,
    from_generic_text,
)
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.inputs import UnreadableError, describe, parse_mlir

_FUNCTION = re.compile(r"func\.func\s+(?:public\s+)?@([\w$.]+)\s*\(")
_ARGUMENT = re.compile(r"%([\w$.-]+)\s*:")
_OUR_DIALECT = re.compile(r"Dialect `(gemmini|rocc)' not found")
_UPSTREAM_POSITION = re.compile(r":(\d+):\d+: error: ")


def read_mlir(path: Path, text: str, context: Context) -> ModuleOp:
    """The verified module in `text`, which is that of the file `path`: linalg on memrefs, or later.

    Raises `GemminiError` with the position in the file.
    """
    try:
        module = parse_mlir(text, str(path), context)
    except UnreadableError as refusal:
        module = _parse_with_upstream(path, text, context, refusal)
    try:
        GemminiBufferizePass().apply(context, module)
    except PassFailedException as error:
        raise GemminiError(_at(path, error)) from None
    return module


def _parse_with_upstream(
    path: Path, text: str, context: Context, refusal: UnreadableError
) -> ModuleOp:
    """The module in a file that xDSL refuses."""
    try:
        upstream = find_upstream("reading it otherwise")
    except UpstreamMlirNotFoundError as error:
        raise GemminiError(f"{refusal}\n{error}") from None
    except UpstreamMlirError as error:
        raise GemminiError(str(error)) from None
    try:
        parsed = upstream.run_file(path)
    except UpstreamMlirError as error:
        # Upstream knows none of our dialects: on a module with them, xDSL's reason is the reason.
        if _is_same_line(refusal, error) or _OUR_DIALECT.search(str(error)):
            raise refusal from None
        raise GemminiError(_at(path, error)) from None
    try:
        module = _read_back(upstream.run(parsed, anchored(GENERALIZE)), context)
    except PassFailedException as error:
        raise GemminiError(_at(path, error)) from None
    _restore_argument_names(module, text)
    return module


def _read_back(text: str, context: Context) -> ModuleOp:
    """The module in text from upstream. Raises `PassFailedException`."""
    try:
        return from_generic_text(text, context)
    except UpstreamMlirError:
        # Of what xDSL lacks on tensors, some becomes on memrefs what it knows.
        lenient = context.clone()
        lenient.allow_unregistered = True
        module = from_generic_text(text, lenient, verify=False)
        if not has_tensors(module):
            raise
        GemminiBufferizePass().apply(context, module)
        return module


def _is_same_line(refusal: UnreadableError, error: UpstreamMlirError) -> bool:
    """Whether both parsers stop at one line: xDSL's message then shows it as well."""
    found = _UPSTREAM_POSITION.search(str(error))
    return found is not None and refusal.line == int(found[1])


def _at(path: Path, error: PassFailedException) -> str:
    text = describe(error).removeprefix("upstream MLIR: ")
    return text if text.startswith(f"{path}:") else f"{path}: {text}"


def _restore_argument_names(module: ModuleOp, text: str) -> None:
    """Give arguments the names that they have in `text`; upstream drops them."""
    headers = {match[1]: match.end() for match in _FUNCTION.finditer(text)}
    for op in module.ops:
        if not isinstance(op, func.FuncOp) or not op.body.blocks:
            continue
        names = _names_in_list(text, headers.get(op.sym_name.data))
        arguments = op.body.blocks[0].args
        if len(names) <= len(arguments):
            for argument, name in zip(arguments, names, strict=False):
                argument.name_hint = name if SSAValue.is_valid_name(name) else None


def _names_in_list(text: str, start: int | None) -> list[str]:
    """`A` and `B` of `%A: memref<4x4xi8>, %B: i32)`, which is what follows `start`."""
    if start is None:
        return []
    depth, end = 1, start
    while depth and end < len(text):
        depth += {"(": 1, ")": -1}.get(text[end], 0)
        end += 1
    return _ARGUMENT.findall(text[start:end])
