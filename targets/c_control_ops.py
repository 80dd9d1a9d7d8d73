"""Commands, calls and structured control flow in C."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects import func, scf
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Block, Operation, SSAValue

from gemmini_xdsl.dialects.rocc import AnchorOp, CommandOp, FenceOp
from gemmini_xdsl.targets.c_expressions import CValue
from gemmini_xdsl.targets.c_function import CFunctionEmitter, Handler, unsupported
from gemmini_xdsl.targets.c_memory import index_value


def _command(emitter: CFunctionEmitter, op: CommandOp) -> None:
    rs1, rs2 = emitter.scalars([op.rs1, op.rs2])
    comment = "" if op.mnemonic is None else f" /* {_comment(op.mnemonic.data)} */"
    emitter.line(f"GEMMINI_ROCC({op.funct.value.data}, {rs1.text}, {rs2.text});{comment}")


def _fence(emitter: CFunctionEmitter, _: FenceOp) -> None:
    emitter.line("GEMMINI_FENCE();")


def _anchor(emitter: CFunctionEmitter, op: AnchorOp) -> None:
    name = emitter.fresh_name(op.result, "base")
    emitter.line(f"uint64_t {name} = {emitter.scalar(op.value).text};")
    emitter.line(f"GEMMINI_ANCHOR({name});")
    emitter.values[op.result] = CValue(name, emitter.scalar_type(op.result, op))


def _call(emitter: CFunctionEmitter, op: func.CallOp) -> None:
    symbol = op.callee.string_value()
    if symbol not in emitter.module.functions:
        raise unsupported(op, f"@{symbol} has no body in this module")
    arguments: list[str] = []
    for operand in op.operands:
        if isinstance(operand.type, MemRefType):
            arguments.append(emitter.view(operand).base)
        else:
            arguments.append(emitter.scalar(operand).text)
    call = f"{emitter.module.functions[symbol]}({', '.join(arguments)})"
    if op.results and not emitter.unused(op.results[0]):
        emitter.define(op.results[0], op, call)
    else:
        emitter.line(f"{call};")


def _return(emitter: CFunctionEmitter, op: func.ReturnOp) -> None:
    if op.arguments:
        emitter.line(f"return {emitter.scalar(op.arguments[0]).text};")


def _for(emitter: CFunctionEmitter, op: scf.ForOp) -> None:
    induction, *carried = op.body.block.args
    names = []
    for argument, result, initial in zip(carried, op.results, op.iter_args, strict=True):
        names.append(emitter.variable(argument, op, initial))
        emitter.values[result] = emitter.values[argument]
    _for_head(emitter, op, induction, emitter.scalars([op.lb, op.ub, op.step]))
    emitter.depth += 1
    emitter.emit_block(op.body.block)
    last = op.body.block.last_op
    assert isinstance(last, scf.YieldOp)
    emitter.assign(names, list(last.arguments))
    emitter.depth -= 1
    emitter.line("}")
    for name, argument, result in zip(names, carried, op.results, strict=True):
        if emitter.only_carried(argument, result, last):
            emitter.line(f"(void){name};")


def _for_head(
    emitter: CFunctionEmitter, op: Operation, induction: SSAValue, bounds: Sequence[CValue]
) -> None:
    lower, upper, step = bounds
    type_ = emitter.scalar_type(induction, op)
    if type_.bits < 64:
        raise unsupported(op, "the induction variable must be index or i64")
    name = emitter.fresh_name(induction, "i")
    emitter.values[induction] = CValue(name, type_)
    # Without negative bounds the signed comparison that scf.for means is an unsigned one.
    unsigned = (
        lower.constant is not None
        and lower.constant >= 0
        and upper.constant is not None
        and upper.constant > 0
    )
    condition = f"{name} < {upper.plain}" if unsigned else f"(int64_t){name} < {upper.signed}"
    advance = f"{name}++" if step.constant == 1 else f"{name} += {step.plain}"
    emitter.line(f"for (uint64_t {name} = {lower.plain}; {condition}; {advance}) {{")


def _parallel(emitter: CFunctionEmitter, op: scf.ParallelOp) -> None:
    if op.initVals:
        raise unsupported(op, "reductions are not supported")
    bounds = zip(op.lowerBound, op.upperBound, op.step, strict=True)
    for induction, values in zip(op.body.block.args, bounds, strict=True):
        _for_head(emitter, op, induction, emitter.scalars(values))
        emitter.depth += 1
    emitter.emit_block(op.body.block)
    for _ in op.body.block.args:
        emitter.depth -= 1
        emitter.line("}")


def _if(emitter: CFunctionEmitter, op: scf.IfOp) -> None:
    names = [emitter.variable(result, op) for result in op.results]
    with emitter.braces(f"if ({emitter.scalar(op.cond).text})"):
        _yielding(emitter, op.true_region.block, names)
    if op.false_region.blocks:
        emitter.lines[-1] += " else {"
        emitter.depth += 1
        _yielding(emitter, op.false_region.block, names)
        emitter.depth -= 1
        emitter.line("}")
    _discard(emitter, names, op)


def _discard(emitter: CFunctionEmitter, names: Sequence[str], op: Operation) -> None:
    for name, result in zip(names, op.results, strict=True):
        if emitter.unused(result):
            emitter.line(f"(void){name};")


def _yielding(emitter: CFunctionEmitter, block: Block, names: Sequence[str]) -> None:
    emitter.emit_block(block)
    last = block.last_op
    assert isinstance(last, scf.YieldOp)
    emitter.assign(names, list(last.arguments))


def _while(emitter: CFunctionEmitter, op: scf.WhileOp) -> None:
    before, after = op.before_region.block, op.after_region.block
    carried = [
        emitter.variable(argument, op, initial)
        for argument, initial in zip(before.args, op.arguments, strict=True)
    ]
    results = [emitter.variable(result, op) for result in op.results]
    with emitter.braces("for (;;)"):
        emitter.emit_block(before)
        condition = before.last_op
        assert isinstance(condition, scf.ConditionOp)
        emitter.assign(results, list(condition.args))
        emitter.line(f"if (!{emitter.scalar(condition.condition).text}) break;")
        for argument, result in zip(after.args, op.results, strict=True):
            emitter.values[argument] = emitter.values[result]
        _yielding(emitter, after, carried)
    for name, argument, result in zip(results, after.args, op.results, strict=True):
        if emitter.unused(argument, result):
            emitter.line(f"(void){name};")
    for name, argument in zip(carried, before.args, strict=True):
        if emitter.unused(argument):
            emitter.line(f"(void){name};")


def _switch(emitter: CFunctionEmitter, op: scf.IndexSwitchOp) -> None:
    names = [emitter.variable(result, op) for result in op.results]
    with emitter.braces(f"switch ({emitter.scalar(op.arg).text})"):
        labels = [f"case {index_value(int(v)).text}:" for v in op.cases.get_values()]
        regions = [*op.case_regions, op.default_region]
        for label, region in zip([*labels, "default:"], regions, strict=True):
            with emitter.braces(label):
                _yielding(emitter, region.block, names)
                emitter.line("break;")
    _discard(emitter, names, op)


def _execute_region(emitter: CFunctionEmitter, op: scf.ExecuteRegionOp) -> None:
    if len(op.region.blocks) != 1:
        raise unsupported(op, "more than one block")
    names = [emitter.variable(result, op) for result in op.results]
    with emitter.braces(""):
        _yielding(emitter, op.region.block, names)
    _discard(emitter, names, op)


def _nothing(_: CFunctionEmitter, __: Operation) -> None:
    """Terminators are emitted by the operation around them."""


def _comment(text: str) -> str:
    return "".join(c for c in text.replace("*/", "").replace("/*", "") if c.isprintable())


CONTROL_HANDLERS: dict[type[Operation], Handler] = {
    CommandOp: _command,
    FenceOp: _fence,
    AnchorOp: _anchor,
    func.CallOp: _call,
    func.ReturnOp: _return,
    scf.ForOp: _for,
    scf.ParallelOp: _parallel,
    scf.IfOp: _if,
    scf.WhileOp: _while,
    scf.IndexSwitchOp: _switch,
    scf.ExecuteRegionOp: _execute_region,
    scf.YieldOp: _nothing,
    scf.ConditionOp: _nothing,
    scf.ReduceOp: _nothing,
}
