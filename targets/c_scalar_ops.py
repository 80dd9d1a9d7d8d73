"""Scalar operations that are not one expression: constants and operations with two results."""

from __future__ import annotations

from xdsl.dialects import arith
from xdsl.dialects.builtin import FloatAttr, IntegerAttr
from xdsl.ir import Operation

from gemmini_xdsl.targets.c_expressions import CValue
from gemmini_xdsl.targets.c_function import CFunctionEmitter, Handler, unsupported
from gemmini_xdsl.targets.c_types import as_signed, float_literal


def _constant(emitter: CFunctionEmitter, op: arith.ConstantOp) -> None:
    type_ = emitter.scalar_type(op.result, op)
    match op.value:
        case IntegerAttr():
            value = as_signed(op.value.value.data, type_.bits)
            emitter.values[op.result] = CValue.integer(value, type_)
        case FloatAttr():
            text = float_literal(op.value.value.data, type_)
            emitter.values[op.result] = CValue(text, type_)
        case _:
            raise unsupported(op, "only scalar constants")


def _addui_extended(emitter: CFunctionEmitter, op: arith.AddUIExtendedOp) -> None:
    type_ = emitter.scalar_type(op.sum, op)
    a, b = emitter.scalars([op.lhs, op.rhs])
    total = emitter.names.fresh("sum")
    emitter.line(f"const {type_.unsigned} {total} = ({type_.unsigned})({a.modular} + {b.plain});")
    if not emitter.unused(op.sum):
        emitter.define(op.sum, op, f"({type_.name}){total}")
    if not emitter.unused(op.overflow):
        emitter.define(op.overflow, op, f"{total} < {a.unsigned}")


def _mul_extended(
    emitter: CFunctionEmitter, op: arith.MulSIExtendedOp | arith.MulUIExtendedOp
) -> None:
    type_ = emitter.scalar_type(op.low, op)
    if type_.bits == 1:
        raise unsupported(op, "not for type i1")
    a, b = emitter.scalars([op.lhs, op.rhs])
    signed = isinstance(op, arith.MulSIExtendedOp)
    if not emitter.unused(op.low):
        emitter.define(op.low, op, f"({type_.name})({a.modular} * {b.modular})")
    if emitter.unused(op.high):
        return
    if type_.bits < 64:
        wide = "int64_t" if signed else "uint64_t"
        left, right = (a.signed, b.signed) if signed else (a.unsigned, b.unsigned)
        product = f"({wide}){left} * ({wide}){right}"
        emitter.define(op.high, op, f"({type_.name})(({product}) >> {type_.bits})")
        return
    high = emitter.module.helpers.call("mulhu", type_, a.text, b.text)
    if signed:
        high += f" - ({a.signed} < 0 ? {b.text} : 0) - ({b.signed} < 0 ? {a.text} : 0)"
    emitter.define(op.high, op, high)


SCALAR_HANDLERS: dict[type[Operation], Handler] = {
    arith.ConstantOp: _constant,
    arith.AddUIExtendedOp: _addui_extended,
    arith.MulSIExtendedOp: _mul_extended,
    arith.MulUIExtendedOp: _mul_extended,
}
