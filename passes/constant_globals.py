"""Constant globals: their contents, and removal of those that nothing uses."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.dialects import memref
from xdsl.dialects.builtin import DenseIntOrFPElementsAttr, MemRefType, ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import Rewriter


def _global_of(get: memref.GetGlobalOp) -> memref.GlobalOp | None:
    """The global that `get` refers to, which the nearest module holds."""
    parent: Operation | None = get.parent_op()
    while parent is not None and not isinstance(parent, ModuleOp):
        parent = parent.parent_op()
    if parent is None:
        return None
    symbol = get.name_.string_value()
    for op in parent.body.block.ops:
        if isinstance(op, memref.GlobalOp) and op.sym_name.data == symbol:
            return op
    return None


def constant_contents(value: SSAValue) -> np.ndarray[Any, Any] | None:
    """Contents of the constant global that `value` is, in its shape; None for anything else.

    Integers are int64 and floating-point values float64, whatever the element type.
    """
    if not isinstance(value.owner, memref.GetGlobalOp) or not isinstance(value.type, MemRefType):
        return None
    found = _global_of(value.owner)
    if found is None or found.constant is None or found.type != value.type:
        return None
    initial = found.initial_value
    if not isinstance(initial, DenseIntOrFPElementsAttr):
        return None
    values = np.array(initial.get_values())
    wide = values.astype(np.float64 if values.dtype.kind == "f" else np.int64)
    return wide.reshape(value.type.get_shape())


def erase_unused_globals(module: ModuleOp) -> None:
    """Erase private globals that nothing refers to, and references that nothing uses."""
    for op in list(module.walk()):
        if isinstance(op, memref.GetGlobalOp) and not op.memref.uses.get_length():
            Rewriter.erase_op(op)
    used = {op.name_.string_value() for op in module.walk() if isinstance(op, memref.GetGlobalOp)}
    for op in list(module.body.block.ops):
        if not isinstance(op, memref.GlobalOp) or op.sym_visibility.data != "private":
            continue
        if op.sym_name.data not in used:
            Rewriter.erase_op(op)
