"""Modules between xDSL and upstream MLIR.

The common form is generic text with locations: custom syntax of our operations is unknown
upstream, and that of standard operations differs between versions.
"""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import ModuleOp
from xdsl.irdl import IRDLOperation
from xdsl.printer import Printer
from xdsl.utils.exceptions import ParseError, VerifyException

from gemmini_xdsl.dialects.linear_parser import LinearParser
from gemmini_xdsl.passes.upstream_mlir.backend import HOW_TO_INSTALL
from gemmini_xdsl.passes.upstream_mlir.bindings import (
    BindingsBackend,
    find_bindings,
    generic_text,
)
from gemmini_xdsl.passes.upstream_mlir.errors import (
    UpstreamMlirError,
    UpstreamMlirNotFoundError,
)

_GENERATED_NAME = re.compile(r"arg\d+")
"""What upstream calls arguments of blocks."""

_PROMISES = frozenset({"overflowFlags", "fastmath", "nonNeg", "isExact", "disjoint"})
"""Properties that promise something about operands, so that without them nothing changes."""


def to_upstream(module: ModuleOp, context: Any | None = None) -> Any:
    """`module` as a verified `mlir.ir.Module`, our operations in it unregistered.

    `context` is the `mlir.ir.Context` to make it in; by default a new one. Raises
    `UpstreamMlirError` if the bindings are not installed or refuse the module.
    """
    bindings, unusable = find_bindings()
    if bindings is None:
        reason = f" ({unusable})" if unusable else ""
        raise UpstreamMlirNotFoundError(
            f"upstream MLIR's Python bindings are not installed{reason}: {HOW_TO_INSTALL}"
        )
    with context or bindings.context(), BindingsBackend(bindings).diagnostics():
        result = bindings.ir.Module.parse(to_generic_text(module))
        result.operation.verify()
        return result


def from_upstream(upstream: Any, context: Context) -> ModuleOp:
    """The verified xDSL module of an `mlir.ir.Module`. Raises `UpstreamMlirError`."""
    return from_generic_text(generic_text(upstream), context)


def to_generic_text(module: ModuleOp) -> str:
    """Generic text with locations, for upstream to read."""
    stream = StringIO()
    Printer(stream, print_generic_format=True, print_debuginfo=True).print_op(module)
    return stream.getvalue()


def from_generic_text(text: str, context: Context, *, verify: bool = True) -> ModuleOp:
    """The module in text from upstream, verified by xDSL too. Raises `UpstreamMlirError`."""
    try:
        module = LinearParser(context, text, "upstream MLIR").parse_module()
        _drop_unknown_promises(module)
        if verify:
            module.verify()
    except ParseError as error:
        raise UpstreamMlirError(
            f"xDSL cannot read what upstream MLIR made: {' '.join(error.msg.split())}"
        ) from None
    except VerifyException as error:
        raise UpstreamMlirError(
            f"xDSL does not accept what upstream MLIR made: {' '.join(str(error).split())}"
        ) from None
    _drop_generated_names(module)
    return module


def _drop_unknown_promises(module: ModuleOp) -> None:
    """Drop promises that upstream's definition of an operation has and xDSL's has not."""
    for op in module.walk():
        for name in _PROMISES.intersection(op.properties):
            if isinstance(op, IRDLOperation) and name not in op.get_irdl_definition().properties:
                del op.properties[name]


def _drop_generated_names(module: ModuleOp) -> None:
    regions = (region for op in module.walk() for region in op.regions)
    for argument in (
        argument for region in regions for block in region.blocks for argument in block.args
    ):
        if _GENERATED_NAME.fullmatch(argument.name_hint or ""):
            argument.name_hint = None


def replace_contents(module: ModuleOp, new: ModuleOp) -> None:
    """Put attributes and body of `new` in place of those of `module`.

    Upstream drops the names of functions' arguments; they are kept, and new arguments come last.
    """
    hints = {
        op.sym_name.data: [argument.name_hint for argument in op.body.blocks[0].args]
        for op in module.ops
        if isinstance(op, func.FuncOp) and op.body.blocks
    }
    module.attributes = dict(new.attributes)
    module.properties = dict(new.properties)
    old = module.detach_region(module.body)
    old.drop_all_references()
    module.add_region(new.detach_region(new.body))
    for op in module.ops:
        if not isinstance(op, func.FuncOp) or not op.body.blocks:
            continue
        names = hints.get(op.sym_name.data, [])
        arguments = op.body.blocks[0].args
        if len(names) <= len(arguments):
            for argument, name in zip(arguments, names, strict=False):
                argument.name_hint = name
