"""Translation of the slice of a function to a Python function that issues its commands.

Integers are held modulo 2^width; the sign bit is flipped where order is signed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from xdsl.dialects import arith, func, memref, scf
from xdsl.dialects.builtin import DYNAMIC_INDEX, FileLineColLoc, IntegerAttr, MemRefType
from xdsl.ir import Block, Operation, SSAValue

from gemmini_xdsl.dialects.rocc import AnchorOp, CommandOp, FenceOp
from gemmini_xdsl.targets.c_memory import kept_dimensions, static_offset, static_strides
from gemmini_xdsl.targets.c_types import c_type
from gemmini_xdsl.targets.command_slice import TARGET, Slice
from gemmini_xdsl.targets.core_cycles import with_core_cycles
from gemmini_xdsl.targets.errors import unsupported_op

BITS = 64


FENCE = "fence"
UNNAMED = "funct_{}"
"""What a command without a mnemonic counts as."""
_COUNT = "counts["
_CORE = "core[0]"

# {a}, {b}: operands modulo 2^w; {sa}, {sb}: as signed numbers; {w}: the width.
_EXPRESSIONS: dict[type[Operation], str] = {
    arith.AddiOp: "({a} + {b})",
    arith.SubiOp: "({a} - {b})",
    arith.MuliOp: "({a} * {b})",
    arith.AndIOp: "{a} & {b}",
    arith.OrIOp: "{a} | {b}",
    arith.XOrIOp: "{a} ^ {b}",
    arith.ShLIOp: "({a} << ({b} & {last}))",
    arith.ShRUIOp: "{a} >> ({b} & {last})",
    arith.ShRSIOp: "({sa} >> ({b} & {last}))",
    arith.DivSIOp: "_int_div({sa}, {sb})",
    arith.RemSIOp: "({sa} - {sb} * _int_div({sa}, {sb}))",
    arith.FloorDivSIOp: "({sa} // {sb})",
    arith.CeilDivSIOp: "-(-{sa} // {sb})",
    arith.DivUIOp: "{a} // {b}",
    arith.RemUIOp: "{a} % {b}",
    arith.CeilDivUIOp: "-(-{a} // {b})",
    arith.MinSIOp: "({a} if {sa} < {sb} else {b})",
    arith.MaxSIOp: "({a} if {sa} > {sb} else {b})",
    arith.MinUIOp: "min({a}, {b})",
    arith.MaxUIOp: "max({a}, {b})",
    arith.ExtUIOp: "{a}",
    arith.ExtSIOp: "{sa}",
    arith.IndexCastOp: "{sa}",
    arith.TruncIOp: "{a}",
}
# Results that stay below 2^width whatever the operands.
_CLOSED = (
    arith.AndIOp,
    arith.OrIOp,
    arith.XOrIOp,
    arith.ShRUIOp,
    arith.DivUIOp,
    arith.RemUIOp,
    arith.MinSIOp,
    arith.MaxSIOp,
    arith.MinUIOp,
    arith.MaxUIOp,
    arith.ExtUIOp,
)
_COMPARISONS = ["==", "!=", "<", "<=", ">", ">=", "<", "<=", ">", ">="]
_FIRST_UNSIGNED = 6


class Surroundings(Protocol):
    """What a translation needs to know of the program that it is a part of."""

    operands: bool
    core_cycles: bool

    def function_name(self, symbol: str) -> str:
        """The Python name of a function."""

    def parameters_of(self, symbol: str) -> list[int]:
        """Indices of the arguments that a function's translation takes."""

    def address_of(self, op: memref.AllocOp | memref.AllocaOp | memref.GetGlobalOp) -> int:
        """The address of a buffer."""


@dataclass(frozen=True)
class _View:
    """A memref: address of the buffer, offset and strides of the view in elements."""

    base: str
    offset: str
    strides: tuple[str, ...]


@dataclass
class Translator:
    """Translates one slice to a Python function."""

    slice: Slice
    program: Surroundings
    lines: list[str] = field(default_factory=list)
    _values: dict[SSAValue, str] = field(default_factory=dict)
    _views: dict[SSAValue, _View] = field(default_factory=dict)
    _depth: int = 1
    _count: int = 0

    def translate(self, name: str) -> str:
        """Python source of the function, called with the buffers' addresses."""
        parameters: list[str] = []
        function = self.slice.function
        for index in sorted(self.slice.parameters):
            argument = function.body.block.args[index]
            parameters.append(f"p{index}")
            self._root(argument, f"p{index}", f"@{function.sym_name.data}")
        self._block(function.body.block)
        head = f"def {name}({', '.join(parameters)}):"
        return "\n".join([head, *(self.lines or ["    pass"]), "    return"])

    def _line(self, text: str) -> None:
        self.lines.append("    " * self._depth + text)

    @contextmanager
    def _indented(self) -> Iterator[None]:
        self._depth += 1
        before = len(self.lines)
        yield
        if len(self.lines) == before:
            self._line("pass")
        self._depth -= 1

    def _fresh(self) -> str:
        self._count += 1
        return f"v{self._count}"

    def _root(self, value: SSAValue, base: str, what: str) -> None:
        type_ = value.type
        assert isinstance(type_, MemRefType)
        strides = tuple(str(stride) for stride in static_strides(type_, what))
        self._views[value] = _View(base, str(static_offset(type_, what)), strides)

    def _width(self, value: SSAValue, op: Operation) -> int:
        type_ = c_type(value.type)
        if type_ is None or type_.is_float:
            raise unsupported_op(TARGET, op, f"commands depend on a value of type {value.type}")
        return type_.bits

    def _signed(self, value: SSAValue, op: Operation) -> str:
        text, width = self._values[value], self._width(value, op)
        if text.isdigit():
            number = int(text)
            return f"({number - (1 << width) if number >> (width - 1) else number})"
        sign = 1 << (width - 1)
        return f"(({text} ^ {sign}) - {sign})"

    def _define(self, value: SSAValue, text: str, masked_to: int | None) -> None:
        if masked_to is not None:
            text = f"{text} & {(1 << masked_to) - 1}"
        name = self._fresh()
        self._line(f"{name} = {text}")
        self._values[value] = name

    # -- operations -----------------------------------------------------------------------------

    def _block(self, block: Block) -> None:
        if not self.program.core_cycles:
            for op in block.ops:
                if op in self.slice.operations:
                    self._operation(op)
            return
        # What ends a region takes time, too.
        taken = (op for op in block.ops if op in self.slice.operations or op is block.last_op)
        for reached, cycles in with_core_cycles(taken):
            if cycles:
                self._line(f"{_CORE} += {cycles}")
            if reached is not None and reached in self.slice.operations:
                self._operation(reached)

    def _operation(self, op: Operation) -> None:
        if type(op) in _EXPRESSIONS:
            self._expression(op)
            return
        match op:
            case CommandOp():
                self._command(op)
            case FenceOp():
                self._line("fence()" if self.program.operands else f"{_COUNT}{FENCE!r}] += 1")
            case func.CallOp():
                self._call(op)
            case AnchorOp():
                self._values[op.result] = self._values[op.value]
            case arith.ConstantOp():
                if not isinstance(op.value, IntegerAttr):
                    raise unsupported_op(TARGET, op, "commands depend on a float")
                mask = (1 << self._width(op.result, op)) - 1
                self._values[op.result] = str(op.value.value.data & mask)
            case arith.CmpiOp():
                self._compare(op)
            case arith.SelectOp():
                condition, a, b = (self._values[operand] for operand in op.operands)
                self._define(op.result, f"{a} if {condition} else {b}", None)
            case scf.ForOp():
                self._for(op)
            case scf.ParallelOp():
                self._parallel(op)
            case scf.IfOp():
                self._if(op)
            case scf.WhileOp():
                self._while(op)
            case scf.IndexSwitchOp():
                self._switch(op)
            case scf.ExecuteRegionOp():
                self._results(op)
                self._block(op.region.block)
                self._yield(op.region.block, op.results)
            case _:
                self._memory(op)

    def _expression(self, op: Operation) -> None:
        result, operands = op.results[0], list(op.operands)
        width, source = self._width(result, op), self._width(operands[0], op)
        texts = {"a": self._values[operands[0]], "sa": self._signed(operands[0], op)}
        if len(operands) > 1:
            texts |= {"b": self._values[operands[1]], "sb": self._signed(operands[1], op)}
        if isinstance(op, arith.IndexCastOp) and width == source:
            self._values[result] = texts["a"]
            return
        text = _EXPRESSIONS[type(op)].format(last=source - 1, **texts)
        self._define(result, text, None if isinstance(op, _CLOSED) else width)

    def _compare(self, op: arith.CmpiOp) -> None:
        predicate = op.predicate.value.data
        signed = 2 <= predicate < _FIRST_UNSIGNED
        a, b = (
            self._signed(value, op) if signed else self._values[value] for value in (op.lhs, op.rhs)
        )
        self._define(op.result, f"int({a} {_COMPARISONS[predicate]} {b})", None)

    def _command(self, op: CommandOp) -> None:
        mnemonic = "" if op.mnemonic is None else op.mnemonic.data
        funct = op.funct.value.data
        if self.program.operands:
            operands = f"{self._values[op.rs1]}, {self._values[op.rs2]}"
            self._line(f"command({funct}, {operands}, {mnemonic!r}, {_location(op)!r})")
        else:
            self._line(f"{_COUNT}{mnemonic or UNNAMED.format(funct)!r}] += 1")

    def _call(self, op: func.CallOp) -> None:
        symbol = op.callee.string_value()
        arguments = [self._views[op.operands[i]].base for i in self.program.parameters_of(symbol)]
        self._line(f"{self.program.function_name(symbol)}({', '.join(arguments)})")

    # -- control flow ---------------------------------------------------------------------------

    def _needed(self, values: Iterable[SSAValue]) -> list[tuple[int, SSAValue]]:
        return [(i, value) for i, value in enumerate(values) if value in self.slice.values]

    def _results(self, op: Operation) -> None:
        for _, result in self._needed(op.results):
            self._define(result, "0", None)

    def _yield(self, block: Block, targets: Sequence[SSAValue]) -> None:
        last = block.last_op
        assert last is not None
        pairs = [
            (self._values[target], self._values[last.operands[index]])
            for index, target in self._needed(targets)
        ]
        moves = [(target, source) for target, source in pairs if target != source]
        if moves:
            left, right = zip(*moves, strict=True)
            self._line(f"{', '.join(left)} = {', '.join(right)}")

    def _for(self, op: scf.ForOp) -> None:
        carried = op.body.block.args[1:]
        for index, argument in self._needed(carried):
            self._define(argument, self._values[op.iter_args[index]], None)
            self._values[op.results[index]] = self._values[argument]
        start = len(self.lines)
        self._range(op.body.block.args[0], op.lb, op.ub, op.step, op)
        body = len(self.lines)
        with self._indented():
            self._block(op.body.block)
            self._yield(op.body.block, carried)
        if all(line.lstrip().startswith(_COUNT) for line in self.lines[body:]):
            self._multiply(start, body, [self._signed(v, op) for v in (op.lb, op.ub, op.step)])

    def _multiply(self, start: int, body: int, bounds: Sequence[str]) -> None:
        """Replace a loop that does nothing but count by what it adds in all."""
        counted = [line.strip() for line in self.lines[body:]]
        del self.lines[start:]
        times = self._fresh()
        self._line(f"{times} = trip_count({', '.join(bounds)})")
        for line in counted:
            head, amount = line.split(" += ", 1)
            self._line(f"{head} += {times if amount == '1' else f'{times} * {amount}'}")

    def _range(
        self, variable: SSAValue, lb: SSAValue, ub: SSAValue, step: SSAValue, op: Operation
    ) -> None:
        name = self._fresh()
        bounds = ", ".join(self._signed(value, op) for value in (lb, ub, step))
        self._line(f"spend(trip_count({bounds}))")
        self._line(f"for {name} in range({bounds}):")
        self._values[variable] = name
        if not self._values[lb].isdigit() or int(self._values[lb]) >> (BITS - 1):
            self._depth += 1
            self._line(f"{name} &= {(1 << self._width(variable, op)) - 1}")
            self._depth -= 1

    def _parallel(self, op: scf.ParallelOp) -> None:
        bounds = zip(op.lowerBound, op.upperBound, op.step, strict=True)
        for variable, (lb, ub, step) in zip(op.body.block.args, bounds, strict=True):
            self._range(variable, lb, ub, step, op)
            self._depth += 1
        self._block(op.body.block)
        self._line("pass")
        self._depth -= len(op.body.block.args)

    def _if(self, op: scf.IfOp) -> None:
        self._results(op)
        self._line(f"if {self._values[op.cond]}:")
        for label, region in (("", op.true_region), ("else:", op.false_region)):
            if not region.blocks:
                continue
            if label:
                self._line(label)
            with self._indented():
                self._block(region.block)
                self._yield(region.block, op.results)

    def _switch(self, op: scf.IndexSwitchOp) -> None:
        self._results(op)
        keyword = "if"
        for case, region in zip(op.cases.get_values(), op.case_regions, strict=True):
            self._line(f"{keyword} {self._values[op.arg]} == {int(case) & ((1 << BITS) - 1)}:")
            keyword = "elif"
            with self._indented():
                self._block(region.block)
                self._yield(region.block, op.results)
        self._line("else:" if keyword == "elif" else "if True:")
        with self._indented():
            self._block(op.default_region.block)
            self._yield(op.default_region.block, op.results)

    def _while(self, op: scf.WhileOp) -> None:
        before, after = op.before_region.block, op.after_region.block
        for argument, initial in zip(before.args, op.arguments, strict=True):
            self._define(argument, self._values[initial], None)
        for result, argument in zip(op.results, after.args, strict=True):
            self._define(result, "0", None)
            self._values[argument] = self._values[result]
        self._line("while True:")
        with self._indented():
            self._block(before)
            condition = before.last_op
            assert isinstance(condition, scf.ConditionOp)
            for result, value in zip(op.results, condition.args, strict=True):
                self._line(f"{self._values[result]} = {self._values[value]}")
            self._line(f"if not {self._values[condition.condition]}: break")
            self._line("spend(1)")
            self._block(after)
            self._yield(after, before.args)

    # -- memory ---------------------------------------------------------------------------------

    def _memory(self, op: Operation) -> None:
        match op:
            case memref.AllocOp() | memref.AllocaOp() | memref.GetGlobalOp():
                self._root(op.memref, str(self.program.address_of(op)), op.name)
            case memref.CastOp() | memref.MemorySpaceCastOp() | memref.AssumeAlignmentOp():
                self._views[op.results[0]] = self._views[op.operands[0]]
            case memref.CollapseShapeOp() | memref.ExpandShapeOp():
                source = self._views[op.operands[0]]
                type_ = op.result.type
                assert isinstance(type_, MemRefType)
                strides = tuple(str(stride) for stride in static_strides(type_, op.name))
                self._views[op.result] = _View(source.base, source.offset, strides)
            case memref.SubviewOp():
                self._subview(op)
            case memref.ReinterpretCastOp():
                (offset,) = self._mixed(op.offsets, op.static_offsets)
                strides = tuple(self._mixed(op.strides, op.static_strides))
                self._views[op.result] = _View(self._views[op.source].base, offset, strides)
            case memref.ExtractAlignedPointerAsIndexOp():
                self._values[op.aligned_pointer] = self._views[op.source].base
            case memref.ExtractStridedMetaDataOp():
                self._metadata(op)
            case memref.DimOp():
                index = self._values[op.index]
                source_type = op.source.type
                assert isinstance(source_type, MemRefType)
                if not index.isdigit():
                    raise unsupported_op(TARGET, op, "the dimension must be a constant")
                self._values[op.result] = str(source_type.get_shape()[int(index)])
            case _:
                raise unsupported_op(TARGET, op, "commands depend on it")

    def _mixed(self, dynamic: Sequence[SSAValue], static: Any) -> list[str]:
        remaining = iter(dynamic)
        return [
            self._values[next(remaining)] if value == DYNAMIC_INDEX else str(value)
            for value in static.get_values()
        ]

    def _subview(self, op: memref.SubviewOp) -> None:
        source = self._views[op.source]
        offsets = self._mixed(op.offsets, op.static_offsets)
        steps = self._mixed(op.strides, op.static_strides)
        terms = [f"{a} * {b}" for a, b in zip(offsets, source.strides, strict=True) if a != "0"]
        offset = source.offset
        if terms:
            offset = self._fresh()
            self._line(f"{offset} = {' + '.join([source.offset, *terms])}")
        strides = [
            stride if step == "1" else f"({stride} * {step})"
            for stride, step in zip(source.strides, steps, strict=True)
        ]
        kept = tuple(strides[dimension] for dimension in kept_dimensions(op))
        self._views[op.result] = _View(source.base, offset, kept)

    def _metadata(self, op: memref.ExtractStridedMetaDataOp) -> None:
        source = self._views[op.source]
        self._views[op.base_buffer] = _View(source.base, "0", ())
        self._define(op.offset, f"({source.offset})", BITS)
        type_ = op.source.type
        assert isinstance(type_, MemRefType)
        for result, size in zip(op.sizes, type_.get_shape(), strict=True):
            self._values[result] = str(size)
        for result, stride in zip(op.strides, source.strides, strict=True):
            self._values[result] = stride


def _location(op: Operation) -> str:
    """`file:line:column` of an operation that was parsed with its position, else nothing."""
    location = op.location
    if not isinstance(location, FileLineColLoc):
        return ""
    return f"{location.filename.data}:{location.line.data}:{location.column.data}"
