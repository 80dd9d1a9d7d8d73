"""Constant globals: their contents, and removal of those that nothing uses."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import (
    AnyFloat,
    BytesAttr,
    DenseIntOrFPElementsAttr,
    FixedBitwidthType,
    IntegerType,
    MemRefType,
    ModuleOp,
    StringAttr,
    SymbolRefAttr,
    TensorType,
    UnitAttr,
)
from xdsl.ir import Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter


def _module_of(op: Operation) -> ModuleOp | None:
    """The nearest module around `op`."""
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, ModuleOp):
        parent = parent.parent_op()
    return parent


def _global_of(get: memref.GetGlobalOp) -> memref.GlobalOp | None:
    """The global that `get` refers to, which the nearest module holds."""
    if (module := _module_of(get)) is None:
        return None
    symbol = get.name_.string_value()
    for op in module.body.block.ops:
        if isinstance(op, memref.GlobalOp) and op.sym_name.data == symbol:
            return op
    return None


def constant_global(
    user: Operation, stem: str, element: IntegerType, values: np.ndarray[Any, Any]
) -> memref.GetGlobalOp:
    """A reference, not yet inserted, to a private constant of integers in the module of `user`.

    Its name is `stem` and a number. One of the same name, type and contents is used again.
    """
    module = _module_of(user)
    assert module is not None
    type_ = MemRefType(element, values.shape)
    little_endian = values.astype(f"<i{element.bitwidth // 8}").tobytes()
    contents = DenseIntOrFPElementsAttr(TensorType(element, values.shape), BytesAttr(little_endian))
    symbols = {
        op.sym_name.data: op
        for op in module.body.block.ops
        if isinstance(op, memref.GlobalOp | func.FuncOp)
    }
    for number in range(len(symbols) + 1):
        new = private_constant(f"{stem}_{number}", type_, contents)
        known = symbols.get(new.sym_name.data)
        if known is None:
            Rewriter.insert_op(new, InsertPoint.at_start(module.body.block))
        if known is None or known.is_structurally_equivalent(new):
            break
    return memref.GetGlobalOp(SymbolRefAttr(new.sym_name), type_)


def private_constant(
    name: str, type_: MemRefType, contents: DenseIntOrFPElementsAttr
) -> memref.GlobalOp:
    """A constant global that only its module sees, not yet inserted."""
    return memref.GlobalOp.get(
        StringAttr(name),
        type_,
        contents,
        sym_visibility=StringAttr("private"),
        constant=UnitAttr(),
    )


def constant_contents(value: SSAValue) -> np.ndarray[Any, Any] | None:
    """Contents of the constant global that `value` is, in its shape; None for anything else.

    Integers are int64 and floating-point values float64, whatever the element type.
    """
    if not isinstance(value.owner, memref.GetGlobalOp) or not isinstance(value.type, MemRefType):
        return None
    found = _global_of(value.owner)
    if found is None or found.constant is None or found.type != value.type:
        return None
    contents = initial_contents(found)
    if contents is None:
        return None
    return contents.astype(np.float64 if contents.dtype.kind == "f" else np.int64)


def initial_contents(op: memref.GlobalOp) -> np.ndarray[Any, Any] | None:
    """What a global holds at first, in its shape and element type; None if that is not given."""
    type_, initial = op.type, op.initial_value
    if not isinstance(initial, DenseIntOrFPElementsAttr) or not isinstance(type_, MemRefType):
        return None
    element = type_.element_type
    assert isinstance(element, FixedBitwidthType)
    kind = "float" if isinstance(element, AnyFloat) else "int"
    values = np.array(initial.get_values())
    return values.astype(f"{kind}{max(8, element.bitwidth)}").reshape(type_.get_shape())


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
