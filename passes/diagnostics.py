"""Warnings of passes."""

from __future__ import annotations

import sys

from xdsl.dialects import func
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation


def function_name(op: Operation) -> str:
    """Name of the function around `op`, or "module"."""
    parent: Operation | None = op
    while parent is not None:
        if isinstance(parent, func.FuncOp):
            return parent.sym_name.data
        parent = parent.parent_op()
    return "module"


def operation_label(op: Operation) -> str:
    """What a user knows an operation by: its `doc` (the TIR block's name), else its kind."""
    doc = op.properties.get("doc")
    return doc.data if isinstance(doc, StringAttr) else op.name


def location(op: Operation) -> str:
    """`<function>: <operation>`, with which messages about `op` begin."""
    return f"{function_name(op)}: {operation_label(op)}"


def warn(op: Operation, message: str) -> None:
    """Print `warning: <function>: <operation>: <message>` to standard error."""
    print(f"warning: {location(op)}: {message}", file=sys.stderr)


def note(op: Operation, message: str) -> None:
    """Print `note: <function>: <operation>: <message>` to standard error."""
    print(f"note: {location(op)}: {message}", file=sys.stderr)
