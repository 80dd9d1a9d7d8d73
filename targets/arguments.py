"""Arguments of emitted functions: their names, roles, shapes and element types."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from xdsl.dialects import func, memref, scf
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, MemRefType, ModuleOp, StringAttr
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.dialects.rocc import CommandOp
from gemmini_xdsl.hardware.encoding import Funct
from gemmini_xdsl.targets.c_types import c_type
from gemmini_xdsl.targets.errors import TargetError

NAME_ATTRIBUTE = "gemmini.name"
ROLE_ATTRIBUTE = "gemmini.role"

_VIEWS = (
    memref.SubviewOp,
    memref.CastOp,
    memref.MemorySpaceCastOp,
    memref.ReinterpretCastOp,
    memref.CollapseShapeOp,
    memref.ExpandShapeOp,
    memref.ViewOp,
)
# The operand (0 for rs1, 1 for rs2) that is the address of what the accelerator writes.
_WRITING_COMMANDS = {Funct.MVOUT: 0, Funct.LOOP_WS_CONFIG_ADDRS_DC: 1}


class Role(StrEnum):
    """What a function does with an argument."""

    INPUT = "input"
    OUTPUT = "output"
    BIAS = "bias"


@dataclass(frozen=True)
class Argument:
    """One argument of a function: an array (row-major), or a scalar (shape `None`)."""

    name: str
    role: Role
    shape: tuple[int, ...] | None
    dtype: str


def functions(module: ModuleOp) -> list[func.FuncOp]:
    """The functions of `module`, in order."""
    return [op for op in module.ops if isinstance(op, func.FuncOp)]


def is_public(function: func.FuncOp) -> bool:
    """Whether `function` can be called from outside the module."""
    return function.sym_visibility is None or function.sym_visibility.data == "public"


def arguments_of(
    function: func.FuncOp, written: dict[str, set[int]] | None = None
) -> list[Argument]:
    """The arguments of `function`, in order.

    Names and roles come from the argument attributes `gemmini.name` and `gemmini.role`; without
    them an argument is `argN`, an output if the function writes it, a bias if it is nothing but
    the bias of matrix products, else an input. `written` is the result of `written_arguments`.
    Raises `TargetError` for types that have no C counterpart and for unknown roles.
    """
    if written is None:
        module = function.parent_op()
        written = written_arguments(module if isinstance(module, ModuleOp) else function)
    symbol = function.sym_name.data
    seen: set[str] = set()
    result: list[Argument] = []
    for argument in function.body.block.args:
        name = _attribute(function, argument, NAME_ATTRIBUTE) or f"arg{argument.index}"
        if name in seen:
            raise TargetError(f"@{symbol}: two arguments are named '{name}'")
        seen.add(name)
        role = _role(function, argument, written)
        if isa(argument.type, MemRefType):
            shape = argument.type.get_shape()
            if any(size < 0 for size in shape):
                raise TargetError(f"@{symbol}: argument '{name}' must have a static shape")
            dtype = dtype_name(argument.type.element_type, f"@{symbol}: argument '{name}'")
            result.append(Argument(name, role, tuple(shape), dtype))
        else:
            dtype = dtype_name(argument.type, f"@{symbol}: argument '{name}'")
            if role == Role.OUTPUT:
                raise TargetError(f"@{symbol}: the scalar argument '{name}' cannot be an output")
            result.append(Argument(name, role, None, dtype))
    return result


def annotate_arguments(module: ModuleOp) -> None:
    """Store name and role on every argument, where later passes keep them.

    Names are those in the attributes, else of the SSA values, else `argN`. Roles are derived
    best while products and structured operations are still there. Raises `TargetError`.
    """
    written = written_arguments(module)
    for function in functions(module):
        if not function.body.blocks:
            continue
        found = arguments_of(function, written)
        used = {argument.name for argument in found}
        dictionaries: list[DictionaryAttr] = []
        for block_argument, argument in zip(function.body.block.args, found, strict=True):
            name, hint = argument.name, block_argument.name_hint
            given = _attribute(function, block_argument, NAME_ATTRIBUTE) is not None
            if not given and hint is not None and hint not in used:
                name = hint
                used.add(hint)
            kept = _attributes(function, block_argument)
            kept[NAME_ATTRIBUTE] = StringAttr(name)
            kept[ROLE_ATTRIBUTE] = StringAttr(argument.role)
            dictionaries.append(DictionaryAttr(kept))
        function.arg_attrs = ArrayAttr(dictionaries)


def dtype_name(type_: object, what: str) -> str:
    """The numpy name of an element type: int8, int32, float32, bool. `index` is int64."""
    c = c_type(type_)  # type: ignore[arg-type]
    if c is None:
        raise TargetError(f"{what} has type {type_}, which has no C counterpart here")
    if c.bits == 1:
        return "bool"
    return f"{'float' if c.is_float else 'int'}{c.bits}"


def _attributes(function: func.FuncOp, argument: BlockArgument) -> dict[str, Attribute]:
    if function.arg_attrs is None or argument.index >= len(function.arg_attrs.data):
        return {}
    return dict(function.arg_attrs.data[argument.index].data)


def _attribute(function: func.FuncOp, argument: BlockArgument, key: str) -> str | None:
    value = _attributes(function, argument).get(key)
    return value.data if isinstance(value, StringAttr) else None


def _role(function: func.FuncOp, argument: BlockArgument, written: dict[str, set[int]]) -> Role:
    text = _attribute(function, argument, ROLE_ATTRIBUTE)
    if text is not None:
        if text not in set(Role):
            raise TargetError(
                f"@{function.sym_name.data}: {ROLE_ATTRIBUTE} must be input, output or bias, "
                f"got '{text}'"
            )
        return Role(text)
    if argument.index in written[function.sym_name.data]:
        return Role.OUTPUT
    uses = list(argument.uses)
    if uses and all(
        isinstance(use.operation, MatmulOp) and use.operation.bias is argument for use in uses
    ):
        return Role.BIAS
    return Role.INPUT


# -- which arguments are written ----------------------------------------------------------------


def written_arguments(root: Operation) -> dict[str, set[int]]:
    """For every function below `root`, the indices of the arguments that it may write.

    Writes are stores, results of structured operations and matrix products, and addresses that
    the accelerator stores to (any address given to a command that we do not know); calls count
    as what their callee does.
    """
    all_functions = [op for op in root.walk() if isinstance(op, func.FuncOp)]
    written: dict[str, set[int]] = {op.sym_name.data: set() for op in all_functions}
    changed = True
    while changed:
        changed = False
        for function in all_functions:
            if not function.body.blocks:
                continue
            found = {
                argument.index
                for argument in function.body.block.args
                if isa(argument.type, MemRefType) and _is_written(argument, written)
            }
            if found != written[function.sym_name.data]:
                written[function.sym_name.data] = found
                changed = True
    return written


def _is_written(value: SSAValue, written: dict[str, set[int]]) -> bool:
    pending, seen = [value], {value}
    while pending:
        current = pending.pop()
        for use in current.uses:
            if _writes(use.operation, use.index, current, written):
                return True
            for reached in _reached(use.operation, use.index, current):
                if reached not in seen:
                    seen.add(reached)
                    pending.append(reached)
    return False


def _writes(op: Operation, index: int, value: SSAValue, written: dict[str, set[int]]) -> bool:
    match op:
        case memref.StoreOp():
            return op.memref is value
        case memref.CopyOp():
            return op.destination is value
        case MatmulOp():
            return op.c is value
        case LinalgStructuredOperation():
            return any(output is value for output in op.outputs)
        case CommandOp():
            funct = op.funct.value.data
            if funct not in set(Funct):
                return True
            return _WRITING_COMMANDS.get(Funct(funct)) == index
        case func.CallOp():
            return index in written.get(op.callee.string_value(), set())
        case _:
            return False


def _reached(op: Operation, index: int, value: SSAValue) -> Iterator[SSAValue]:
    """Values that may hold what `op` makes of its operand: views, addresses, loop variables."""
    match op:
        case memref.LoadOp() | memref.StoreOp() | memref.CopyOp() | func.CallOp():
            return
        case scf.ForOp():
            if index >= 3:
                yield op.body.block.args[index - 2]
                yield op.results[index - 3]
        case scf.YieldOp() | scf.ConditionOp():
            yield from _reached_by_yield(op, index - isinstance(op, scf.ConditionOp))
        case scf.WhileOp():
            yield op.before_region.block.args[index]
        case _:
            yield from op.results


def _reached_by_yield(op: Operation, index: int) -> Iterator[SSAValue]:
    parent = op.parent_op()
    if parent is None or index < 0:
        return
    if isinstance(parent, scf.ForOp):
        yield parent.body.block.args[index + 1]
    if isinstance(parent, scf.WhileOp):
        after = isinstance(op, scf.ConditionOp)
        region = parent.after_region if after else parent.before_region
        yield region.block.args[index]
        if not after:
            return
    yield parent.results[index]
