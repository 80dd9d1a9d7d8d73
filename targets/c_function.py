"""One `func.func` as one C function: names, values, and the walk over its operations."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from xdsl.dialects import arith, func, memref, scf
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Block, BlockArgument, Operation, SSAValue

from gemmini_xdsl.targets.c_expressions import BUILDERS, CValue, Helpers
from gemmini_xdsl.targets.c_memory import CMemRef, memref_type, root_memref
from gemmini_xdsl.targets.c_names import Names
from gemmini_xdsl.targets.c_types import CType, c_type
from gemmini_xdsl.targets.core_cycles import with_core_cycles
from gemmini_xdsl.targets.errors import TargetError, unsupported_op
from gemmini_xdsl.targets.liveness import dead_operations

TARGET = "gemmini-c"
INDENT = "  "
Handler = Callable[["CFunctionEmitter", Any], None]
"""Emits one operation of the type it is registered for."""

# Calls pass the whole buffer: the offset is part of the argument's type.
_DESCRIPTOR_OPS = (
    memref.ExtractAlignedPointerAsIndexOp,
    memref.ExtractStridedMetaDataOp,
    func.CallOp,
)


def _keeps(argument: SSAValue, index: int) -> bool:
    """Whether operand `index` of a loop's yield is what `argument` is in the next iteration."""
    assert isinstance(argument, BlockArgument)
    in_for = isinstance(argument.block.parent_op(), scf.ForOp)
    return argument.index == index + int(in_for)


def unsupported(op: Operation, reason: str = "") -> TargetError:
    """The error for an operation that C emission does not cover."""
    return unsupported_op(TARGET, op, reason)


@dataclass(frozen=True)
class CGlobal:
    """A constant or static array of the module."""

    name: str
    constant: bool


@dataclass
class ModuleNames:
    """What functions need to know about the module around them."""

    functions: dict[str, str]
    globals: dict[str, CGlobal]
    alignment: int
    helpers: Helpers
    handlers: Mapping[type[Operation], Handler]
    core_cycles: bool = False


@dataclass
class CFunctionEmitter:
    """Emits the body of one function as lines of C."""

    function: func.FuncOp
    module: ModuleNames
    names: Names
    lines: list[str] = field(default_factory=list)
    values: dict[SSAValue, CValue | CMemRef] = field(default_factory=dict)
    depth: int = 1
    dead: set[Operation] = field(default_factory=set)

    def body(self, parameters: Sequence[str], constant: Sequence[bool]) -> list[str]:
        """The lines between the braces; `parameters` are C names, one for each argument."""
        self.dead = dead_operations(self.function)
        block = self.function.body.block
        for argument, name, is_constant in zip(block.args, parameters, constant, strict=True):
            what = f"@{self.function.sym_name.data}: argument {argument.index}"
            if isinstance(argument.type, MemRefType):
                self.values[argument] = root_memref(name, argument.type, what, is_constant)
            else:
                self.values[argument] = CValue(name, self.scalar_type(argument, self.function))
            if self.unused(argument):
                self.line(f"(void){name};")
        self.emit_block(block)
        return self.lines

    def line(self, text: str) -> None:
        """Append one line at the current depth."""
        self.lines.append(f"{INDENT * self.depth}{text}" if text else "")

    @contextmanager
    def braces(self, head: str, tail: str = "}") -> Iterator[None]:
        """A braced block, one level deeper."""
        self.line(f"{head} {{" if head else "{")
        self.depth += 1
        yield
        self.depth -= 1
        self.line(tail)

    def scalar_type(self, value: SSAValue, op: Operation) -> CType:
        """The C type of `value`, which `op` defines."""
        type_ = c_type(value.type)
        if type_ is None:
            raise unsupported(op, f"type {value.type} has no C counterpart here")
        return type_

    def scalar(self, value: SSAValue) -> CValue:
        """The C atom of a scalar."""
        result = self.values.get(value)
        if not isinstance(result, CValue):
            raise self._undefined(value)
        return result

    def scalars(self, values: Sequence[SSAValue]) -> list[CValue]:
        """The C atoms of scalars."""
        return [self.scalar(value) for value in values]

    def view(self, value: SSAValue) -> CMemRef:
        """The pointer and layout of a memref."""
        memref_type(value)
        result = self.values.get(value)
        if not isinstance(result, CMemRef):
            raise self._undefined(value)
        return result

    def _undefined(self, value: SSAValue) -> TargetError:
        name = f"%{value.name_hint}" if value.name_hint else "a value"
        function = self.function.sym_name.data
        return TargetError(f"{TARGET}: @{function} uses {name} before it is defined")

    def fresh_name(self, value: SSAValue, default: str) -> str:
        """A new identifier after the value's name in the IR."""
        return self.names.fresh(value.name_hint or default)

    def unused(self, *values: SSAValue) -> bool:
        """Whether nothing that is emitted reads any of `values`."""
        return all(use.operation in self.dead for value in values for use in value.uses)

    def only_carried(self, argument: SSAValue, result: SSAValue, terminator: Operation) -> bool:
        """Whether a loop-carried variable is read by nothing but the yield that keeps it."""
        return self.unused(result) and all(
            use.operation in self.dead
            or (use.operation is terminator and _keeps(argument, use.index))
            for use in argument.uses
        )

    def needs_pointer(self, view: SSAValue) -> bool:
        """Whether elements of `view` are accessed through it or through views of it."""
        for use in view.uses:
            op = use.operation
            if op in self.dead or isinstance(op, _DESCRIPTOR_OPS):
                continue
            views = [result for result in op.results if isinstance(result.type, MemRefType)]
            if not views or any(self.needs_pointer(result) for result in views):
                return True
        return False

    def define(self, value: SSAValue, op: Operation, expression: str) -> None:
        """A new constant variable for `value`."""
        type_ = self.scalar_type(value, op)
        name = self.fresh_name(value, "v")
        self.line(f"const {type_.name} {name} = {expression};")
        self.values[value] = CValue(name, type_)

    def variable(self, value: SSAValue, op: Operation, initial: SSAValue | None = None) -> str:
        """A new mutable variable for `value`, a result or a loop-carried value."""
        if isinstance(value.type, MemRefType):
            raise unsupported(op, "a memref cannot be the result of control flow")
        type_ = self.scalar_type(value, op)
        name = self.fresh_name(value, "carried" if initial is not None else "result")
        start = "" if initial is None else f" = {self.scalar(initial).text}"
        self.line(f"{type_.name} {name}{start};")
        self.values[value] = CValue(name, type_)
        return name

    def assign(self, targets: Sequence[str], values: Sequence[SSAValue]) -> None:
        """`targets = values`, all at once."""
        sources = self.scalars(values)
        moves = [
            (target, source)
            for target, source in zip(targets, sources, strict=True)
            if source.text != target
        ]
        overwritten = {target for target, _ in moves}
        clash = len(moves) > 1 and any(source.text in overwritten for _, source in moves)
        if clash:
            copies = []
            for target, source in moves:
                name = self.names.fresh(f"next_{target}")
                self.line(f"const {source.type.name} {name} = {source.text};")
                copies.append((target, CValue(name, source.type)))
            moves = copies
        for target, source in moves:
            self.line(f"{target} = {source.text};")

    def emit_block(self, block: Block) -> None:
        """Emit the operations of `block` in order."""
        live = (op for op in block.ops if op not in self.dead)
        if not self.module.core_cycles:
            for op in live:
                self._operation(op)
            return
        for reached, cycles in with_core_cycles(live):
            if cycles:
                self.line(f"GEMMINI_CORE_CYCLES({cycles});")
            if reached is not None:
                self._operation(reached)

    def _operation(self, op: Operation) -> None:
        builder = BUILDERS.get(type(op))
        if builder is not None:
            operands = self._scalars_of(op)
            result = op.results[0]
            type_ = self.scalar_type(result, op)
            if isinstance(op, arith.IndexCastOp) and operands[0].type == type_:
                self.values[result] = operands[0]
                return
            text = builder(op, operands, type_, self.module.helpers)
            if text is None:
                raise unsupported(op, f"not for type {result.type}")
            self.define(result, op, text)
            return
        handler = self.module.handlers.get(type(op))
        if handler is None:
            hint = ""
            if op.name.startswith(("affine.", "linalg.")):
                hint = "lower it first (convert-linalg-to-loops, lower-affine)"
            elif op.name.startswith("gemmini."):
                hint = "lower it first (gemmini-default-pipeline)"
            elif op.name.startswith("math."):
                hint = "it needs a C library, which the emitted code does without"
            raise unsupported(op, hint)
        handler(self, op)

    def _scalars_of(self, op: Operation) -> list[CValue]:
        for operand in op.operands:
            if isinstance(self.values.get(operand), CMemRef):
                raise unsupported(op, f"operands of type {operand.type}")
        return self.scalars(list(op.operands))
