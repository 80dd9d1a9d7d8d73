"""Import of one PrimFunc: its statements, buffers and parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from xdsl.dialects import func, memref
from xdsl.dialects.builtin import (
    ArrayAttr,
    DictionaryAttr,
    MemRefType,
    StringAttr,
)
from xdsl.ir import Block, Region, SSAValue

from gemmini_xdsl.tvm_bridge import tir_access as tir
from gemmini_xdsl.tvm_bridge.block_import import BlockImporter
from gemmini_xdsl.tvm_bridge.errors import TvmImportError
from gemmini_xdsl.tvm_bridge.iteration import Loop, binding_problem
from gemmini_xdsl.tvm_bridge.scalar_expressions import (
    SCALAR_TYPES,
)

NAME_ATTRIBUTE = "gemmini.name"
ROLE_ATTRIBUTE = "gemmini.role"


BUFFER_TYPES = {name: SCALAR_TYPES[name] for name in ("int8", "int32", "int64", "float32")}
"""Element types that buffers may have."""


@dataclass(frozen=True)
class Parameter:
    """An argument of an imported function and the name that TVM has for it."""

    name: str
    value: SSAValue


def name_hint(name: str) -> str | None:
    """What an SSA value that stands for something called `name` is called, if it can be."""
    # xDSL numbers equal names itself: a name that ends in a number could be printed twice.
    stem = re.sub(r"(_\d+)+$", "", name)
    return stem if SSAValue.is_valid_name(stem) else None


def function_op(
    symbol: str,
    entry: Block,
    parameters: list[Parameter],
    outputs: list[Parameter],
    biases: list[SSAValue],
) -> func.FuncOp:
    """A function around `entry` whose arguments carry their names and roles."""
    attributes = []
    for parameter in parameters:
        parameter.value.name_hint = name_hint(parameter.name)
        role = "bias" if parameter.value in biases else "input"
        attributes.append(
            DictionaryAttr(
                {
                    NAME_ATTRIBUTE: StringAttr(parameter.name),
                    ROLE_ATTRIBUTE: StringAttr("output" if parameter in outputs else role),
                }
            )
        )
    types = [parameter.value.type for parameter in parameters]
    return func.FuncOp(symbol, (types, []), Region(entry), arg_attrs=ArrayAttr(attributes))


@dataclass
class FunctionImporter:
    """Appends the body of one PrimFunc to `entry`.

    `written` and `biases` are the memrefs that it stores to, and the int32 memrefs that it adds to
    int32 results or initialises them with.
    """

    symbol: str
    function: Any
    entry: Block
    buffers: list[tuple[Any, SSAValue]] = field(default_factory=list)
    written: list[SSAValue] = field(default_factory=list)
    biases: list[SSAValue] = field(default_factory=list)

    def bind_parameters(self, values: list[SSAValue]) -> None:
        """Let the parameters stand for memrefs, which must have their types."""
        parameters = tir.parameters(self.function)
        if len(parameters) != len(values):
            raise self.error(f"called with {len(values)} tensors, but has {len(parameters)}")
        for parameter, value in zip(parameters, values, strict=True):
            if parameter.buffer is None:
                raise self.error(f"parameter '{parameter.name}' is not a buffer")
            expected = self.memref_type(parameter.buffer)
            if expected != value.type:
                raise self.error(f"'{parameter.name}' is {expected}, but called with {value.type}")
            self.buffers.append((parameter.buffer, value))

    def run(self) -> None:
        """Import the body."""
        self.statement(tir.body(self.function), [])

    def error(self, reason: str, realize: Any = None) -> TvmImportError:
        """An error that names the function and, if there is one, prints the block."""
        if realize is None:
            return TvmImportError(f"function '{self.symbol}': {reason}")
        return TvmImportError(
            f"function '{self.symbol}', block '{tir.block_name(realize)}': {reason}\n"
            f"{tir.block_text(realize)}"
        )

    def memref_type(self, buffer: Any, realize: Any = None) -> MemRefType:
        """The memref type of a buffer."""
        label = f"buffer '{tir.buffer_name(buffer)}'"
        shape = tir.buffer_shape(buffer)
        if shape is None:
            raise self.error(f"{label} has a shape that is not static", realize)
        if any(size < 1 for size in shape):
            raise self.error(f"{label} is empty: shape {shape}", realize)
        if not tir.is_compact(buffer):
            raise self.error(f"{label} has strides or an offset; only row-major works", realize)
        dtype = tir.buffer_dtype(buffer)
        if dtype not in BUFFER_TYPES:
            raise self.error(
                f"{label} has element type {dtype}; {', '.join(BUFFER_TYPES)} are supported",
                realize,
            )
        return MemRefType(BUFFER_TYPES[dtype], shape)

    def value(self, buffer: Any, realize: Any) -> SSAValue:
        """The memref that stands for a buffer."""
        for known, memref_value in self.buffers:
            if tir.same(known, buffer):
                return memref_value
        raise self.error(f"buffer '{tir.buffer_name(buffer)}' is not allocated", realize)

    # -- statements -------------------------------------------------------------------------------

    def statement(self, statement: Any, loops: list[Loop]) -> None:
        """Import a statement inside perfectly nested `loops`."""
        items = tir.sequence(statement)
        if items is not None:
            if loops:
                raise self.error(
                    "a loop contains more than one statement; each block needs a loop nest of "
                    f"its own\n{statement}"
                )
            for item in items:
                self.statement(item, loops)
        elif tir.is_loop(statement):
            variable, extent, body, thread_bound = tir.loop_parts(statement)
            if extent is None or thread_bound:
                raise self.error(
                    f"loop '{variable}' must count from 0 to a constant and not be bound to a "
                    f"thread\n{statement}"
                )
            self.statement(body, [*loops, Loop(variable, extent)])
        elif tir.is_block(statement):
            self.block(statement, loops)
        else:
            raise self.error(
                f"{tir.kind(statement)} statement outside a block is not supported (only blocks "
                f"in loops are)\n{statement}"
            )

    def block(self, realize: Any, loops: list[Loop]) -> None:
        """Import a block: a container (no axes) or one linalg operation and its initialisation."""
        axes = tir.block_axes(realize)
        if axes is None:
            raise self.error("an axis is neither spatial nor a reduction", realize)
        if not tir.block_is_unconditional(realize):
            raise self.error("the block runs under a condition (T.where)", realize)
        if tir.block_has_match_buffers(realize):
            raise self.error("match_buffer inside a block is not supported", realize)
        for buffer in tir.block_allocations(realize):
            if loops:
                raise self.error("a buffer is allocated inside a loop", realize)
            allocation = memref.AllocOp([], [], self.memref_type(buffer, realize))
            allocation.memref.name_hint = name_hint(tir.buffer_name(buffer))
            self.entry.add_op(allocation)
            self.buffers.append((buffer, allocation.memref))
        if not axes and not loops and tir.block_init(realize) is None:
            store = tir.as_store(tir.block_body(realize))
            if store is None:
                self.statement(tir.block_body(realize), [])
                return
        problem = binding_problem(axes, loops)
        if problem is not None:
            raise self.error(problem, realize)
        BlockImporter(self, realize, axes).run()
