"""The only place that knows the names of TVM's TIR classes and fields (apache-tvm 0.27).

TVM's Python API changes with every minor release; the rest of the bridge uses these functions.
TVM is imported when one of them is first called, because importing it takes seconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Axis:
    """An iteration variable of a block, over [0, extent)."""

    var: Any
    extent: int
    is_reduction: bool
    binding: Any


@dataclass(frozen=True)
class Store:
    """One element written: `buffer[indices] = value`."""

    buffer: Any
    indices: tuple[Any, ...]
    value: Any


@dataclass(frozen=True)
class FunctionParameter:
    """A buffer parameter; `buffer` is what loads and stores in the body refer to."""

    name: str
    buffer: Any


def is_prim_func(item: object) -> bool:
    """Whether `item` is a TIR function."""
    from tvm import tirx

    return isinstance(item, tirx.PrimFunc)


def is_ir_module(item: object) -> bool:
    """Whether `item` is an IRModule."""
    import tvm

    return isinstance(item, tvm.IRModule)


def global_symbol(function: Any) -> str | None:
    """The exported name of a function, if it has one."""
    symbol = function.attrs.get("global_symbol") if function.attrs is not None else None
    return None if symbol is None else str(symbol)


def parameters(function: Any) -> list[FunctionParameter]:
    """The parameters of a PrimFunc; those that are not buffers have `buffer` None."""
    return [
        FunctionParameter(str(parameter.name), parameter if is_buffer(parameter) else None)
        for parameter in function.params
    ]


def is_buffer(value: Any) -> bool:
    """Whether a variable stands for a buffer."""
    return _kind(value.ty) == "BufferType"


def buffer_name(buffer: Any) -> str:
    """Name of a buffer."""
    return str(buffer.name)


def buffer_dtype(buffer: Any) -> str:
    """Element type of a buffer, such as "int8"."""
    return str(buffer.dtype)


def buffer_shape(buffer: Any) -> tuple[int, ...] | None:
    """Shape of a buffer, or None if it is not static."""
    shape = [integer_value(size) for size in buffer.shape]
    if any(size is None for size in shape):
        return None
    return tuple(size for size in shape if size is not None)


def is_compact(buffer: Any) -> bool:
    """Whether the buffer is row-major and starts at offset 0 of its own storage."""
    offset = buffer.elem_offset
    return not list(buffer.strides or ()) and (offset is None or integer_value(offset) == 0)


def same(left: Any, right: Any) -> bool:
    """Whether two TVM objects are the same object."""
    return bool(left.same_as(right))


# -- statements -----------------------------------------------------------------------------------


def _kind(node: Any) -> str:
    return type(node).__name__


def kind(node: Any) -> str:
    """Class name of a statement or expression, for messages and dispatch."""
    return _kind(node)


def body(function: Any) -> Any:
    """Body of a PrimFunc."""
    return function.body


def sequence(statement: Any) -> list[Any] | None:
    """The statements of a sequence, or None if `statement` is not one."""
    return list(statement.seq) if _kind(statement) == "SeqStmt" else None


def is_block(statement: Any) -> bool:
    """Whether a statement is the realisation of a block."""
    return _kind(statement) == "SBlockRealize"


def is_loop(statement: Any) -> bool:
    """Whether a statement is a loop."""
    return _kind(statement) == "For"


def loop_parts(loop: Any) -> tuple[Any, int | None, Any, bool]:
    """Variable, extent (None unless it counts from 0 to a constant by 1), body, thread-bound."""
    extent = integer_value(loop.extent)
    if integer_value(loop.min) != 0:
        extent = None
    step = getattr(loop, "step", None)
    if step is not None and integer_value(step) != 1:
        extent = None
    return loop.loop_var, extent, loop.body, loop.thread_binding is not None


def block_name(realize: Any) -> str:
    """Name of a block."""
    return str(realize.block.name_hint)


def block_text(realize: Any) -> str:
    """A block in TVMScript, for error messages."""
    return str(realize)


def block_axes(realize: Any) -> list[Axis] | None:
    """Iteration variables of a block, or None if one is neither spatial nor a reduction.

    An axis whose domain is not [0, constant) has extent -1.
    """
    from tvm import tirx

    axes = []
    for variable, binding in zip(realize.block.iter_vars, realize.iter_values, strict=True):
        if variable.iter_type not in (tirx.IterVar.DataPar, tirx.IterVar.CommReduce):
            return None
        extent = integer_value(variable.dom.extent)
        if extent is None or integer_value(variable.dom.min) != 0:
            extent = -1
        is_reduction = variable.iter_type == tirx.IterVar.CommReduce
        axes.append(Axis(variable.var, extent, is_reduction, binding))
    return axes


def block_is_unconditional(realize: Any) -> bool:
    """Whether the predicate of a block is the constant true."""
    return integer_value(realize.predicate) == 1


def block_allocations(realize: Any) -> list[Any]:
    """Buffers that a block allocates."""
    return list(realize.block.alloc_buffers)


def block_has_match_buffers(realize: Any) -> bool:
    """Whether a block declares views of other buffers."""
    return bool(list(realize.block.match_buffers))


def block_body(realize: Any) -> Any:
    """Body of a block."""
    return realize.block.body


def block_init(realize: Any) -> Any:
    """Initialisation of a reduction block, or None."""
    return realize.block.init


def as_store(statement: Any) -> Store | None:
    """An unconditional store of one element, or None if `statement` is something else."""
    if _kind(statement) != "BufferStore" or getattr(statement, "predicate", None) is not None:
        return None
    return Store(statement.buffer, tuple(statement.indices), statement.value)


# -- expressions ----------------------------------------------------------------------------------


def integer_value(expression: Any) -> int | None:
    """Value of an integer constant, else None."""
    if isinstance(expression, int):
        return int(expression)
    return int(expression.value) if _kind(expression) == "IntImm" else None


def constant_value(expression: Any) -> int | float | None:
    """Value of an integer or floating-point constant, else None."""
    if _kind(expression) in ("IntImm", "FloatImm"):
        value: int | float = expression.value
        return value
    return None


def expression_dtype(expression: Any) -> str:
    """Element type of an expression, such as "float32"."""
    return str(expression.ty)


def is_variable(expression: Any) -> bool:
    """Whether an expression is a plain variable."""
    return _kind(expression) == "Var"


def as_load(expression: Any) -> tuple[Any, tuple[Any, ...]] | None:
    """Buffer and indices of an unconditional load, else None."""
    if _kind(expression) not in ("TensorLoad", "BufferLoad"):
        return None
    if getattr(expression, "predicate", None) is not None:
        return None
    buffer = expression.source if hasattr(expression, "source") else expression.buffer
    return buffer, tuple(expression.indices)


def as_call(expression: Any) -> tuple[str, list[Any]] | None:
    """Name without its namespace and arguments of a call of an intrinsic, else None."""
    if _kind(expression) != "Call":
        return None
    name = getattr(expression.op, "name", None)
    text = str(name) if name is not None else str(expression.op)
    return text.rsplit(".", 1)[-1], list(expression.args)


def as_let(expression: Any) -> tuple[Any, Any, Any] | None:
    """Variable, value and body of a let expression, else None."""
    if _kind(expression) != "Let":
        return None
    return expression.var, expression.value, expression.body


def operands(expression: Any) -> tuple[Any, ...]:
    """Operands of a binary or unary operator, a cast or a select, in order."""
    match _kind(expression):
        case "Cast":
            return (expression.value,)
        case "Not" | "BitwiseNot":
            return (expression.a,)
        case "Select":
            return (expression.condition, expression.true_value, expression.false_value)
        case _:
            return (expression.a, expression.b)


def walk_loads(expression: Any) -> Iterator[Any]:
    """All loads in an expression, left to right, each as often as it occurs."""
    if as_load(expression) is not None:
        yield expression
    call = as_call(expression)
    let = as_let(expression)
    if call is not None:
        children: tuple[Any, ...] = tuple(call[1])
    elif let is not None:
        children = (let[1], let[2])
    elif is_operator(expression):
        children = operands(expression)
    else:
        children = ()
    for child in children:
        yield from walk_loads(child)


_OPERATORS = frozenset(
    (
        *("Add", "Sub", "Mul", "Div", "Mod", "FloorDiv", "FloorMod", "Min", "Max"),
        *("EQ", "NE", "LT", "LE", "GT", "GE", "And", "Or", "Not", "Select", "Cast"),
        *("LShift", "RShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot"),
    )
)


def is_operator(expression: Any) -> bool:
    """Whether `operands` applies to an expression."""
    return _kind(expression) in _OPERATORS


def structurally_equal(left: Any, right: Any) -> bool:
    """Whether two expressions are equal, variables compared by identity."""
    import tvm_ffi

    return bool(tvm_ffi.structural_equal(left, right))


def module_functions(module: Any) -> list[tuple[str, Any]]:
    """Functions of an IRModule by name, sorted by name."""
    pairs = [(str(variable.name_hint), function) for variable, function in module.functions.items()]
    return sorted(pairs, key=lambda pair: pair[0])
