"""`gemmini-outline-body`: registers are saved and restored while the accelerator works."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func, scf
from xdsl.dialects.builtin import ArrayAttr, ModuleOp, StringAttr, UnitAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import SymbolTable
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects.function_attributes import NO_INLINE
from gemmini_xdsl.dialects.isa import ISA_OPS, MVIN_OPS, FenceOp, LocalAddressOp
from gemmini_xdsl.dialects.tile import AllocOp
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.index_arithmetic import is_pure

HEAD_LOADS = 3
"""Loads that stay in front: they take longer than saving all of a RISC-V core's registers."""

MIN_INSTRUCTIONS = 64
"""Code with less than this, and without loops, needs few registers; a call costs more."""


@dataclass(frozen=True)
class GemminiOutlineBodyPass(ModulePass):
    """Move what stands between the first loads and the last fence into a function of its own.

    A function that needs many registers saves them before its first command and restores them
    behind its fence, while the accelerator has nothing to do. The outlined function, which is
    private and not inlined, does so between the first commands and the fence. Functions stay as
    they are if the core does anything but issue instructions, if they have no fence at their end,
    or too little code. Raises `PassFailedException` if rows are not allocated.
    """

    name = "gemmini-outline-body"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Split every function for which it pays."""
        for function in [inner for inner in op.ops if isinstance(inner, func.FuncOp)]:
            fence = _last_fence(function)
            if fence is not None and _only_instructions(function) and _is_long(function):
                _outline(op, function, fence)


def _last_fence(function: func.FuncOp) -> FenceOp | None:
    """The fence in front of the `return` of a function that returns nothing."""
    if len(function.body.blocks) != 1:
        return None
    terminator = function.body.block.last_op
    if not isinstance(terminator, func.ReturnOp) or terminator.operands:
        return None
    fence = terminator.prev_op
    return fence if isinstance(fence, FenceOp) else None


def _only_instructions(function: func.FuncOp) -> bool:
    """Whether a copy of any operation that is no instruction does no harm."""
    return all(
        isinstance(op, (*ISA_OPS, AllocOp, func.ReturnOp, scf.ForOp, scf.IfOp, scf.YieldOp))
        or is_pure(op)
        for op in function.body.walk()
    )


def _is_long(function: func.FuncOp) -> bool:
    if any(isinstance(op, scf.ForOp) for op in function.body.ops):
        return True
    return sum(_is_command(op) for op in function.body.ops) >= MIN_INSTRUCTIONS


def _is_command(op: Operation) -> bool:
    return isinstance(op, ISA_OPS) and not isinstance(op, LocalAddressOp)


def _head(function: func.FuncOp) -> list[Operation]:
    """The instructions that stay: those before any loop, up to the last of the first loads."""
    found: list[Operation] = []
    loads = 0
    for op in function.body.ops:
        if op.regions or loads == HEAD_LOADS:
            break
        if _is_command(op):
            found.append(op)
            loads += isinstance(op, MVIN_OPS)
    return found


def _outline(module: ModuleOp, function: func.FuncOp, fence: FenceOp) -> None:
    for alloc in function.body.walk():
        if isinstance(alloc, AllocOp) and alloc.base is None:
            raise PassFailedException(
                f"{location(alloc)}: the buffer has no rows yet, so that two functions cannot "
                "share it; run gemmini-allocate first"
            )
    caller = func.FuncOp(
        function.sym_name.data,
        function.function_type,
        visibility=function.sym_visibility,
        arg_attrs=function.arg_attrs,
    )
    caller.attributes.update(function.attributes)
    values: dict[SSAValue, SSAValue] = {}
    for old, new in zip(function.body.block.args, caller.body.block.args, strict=True):
        new.name_hint = old.name_hint
        values[old] = new
    for op in _head(function):
        _copy(op, caller.body.block, values)
        Rewriter.erase_op(op)
    function.body.block.detach_op(fence)
    function.sym_name = StringAttr(_fresh_symbol(module, f"{function.sym_name.data}_body"))
    function.sym_visibility = StringAttr("private")
    function.attributes[NO_INLINE] = UnitAttr()
    passed = [caller.body.block.args[index] for index in _drop_unused_arguments(function)]
    call = func.CallOp(function.sym_name.data, passed, [])
    caller.body.block.add_ops([call, fence, func.ReturnOp()])
    Rewriter.insert_op(caller, InsertPoint.before(function))


def _copy(op: Operation, block: Block, values: dict[SSAValue, SSAValue]) -> None:
    """Add a copy of `op` to `block`, behind copies of all that it depends on."""
    for operand in op.operands:
        if operand not in values:
            assert isinstance(operand.owner, Operation)
            _copy(operand.owner, block, values)
    block.add_op(op.clone(values))


def _drop_unused_arguments(function: func.FuncOp) -> list[int]:
    """Erase the arguments that nothing uses; returns the indices of the others."""
    block = function.body.block
    unused = [argument for argument in block.args if not argument.uses]
    kept = [argument.index for argument in block.args if argument.uses]
    if function.arg_attrs is not None:
        attributes = function.arg_attrs.data
        function.arg_attrs = ArrayAttr([attributes[index] for index in kept])
    for argument in unused:
        block.erase_arg(argument)
    function.update_function_type()
    return kept


def _fresh_symbol(module: ModuleOp, wanted: str) -> str:
    name, number = wanted, 0
    while SymbolTable.lookup_symbol(module, StringAttr(name)) is not None:
        number += 1
        name = f"{wanted}_{number}"
    return name
