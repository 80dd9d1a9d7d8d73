"""Import of TIR: every PrimFunc becomes a `func.func` of linalg operations on static memrefs."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from xdsl.dialects import arith, func, linalg, memref
from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    DictionaryAttr,
    MemRefType,
    ModuleOp,
    StringAttr,
    i8,
)
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineMap
from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.tvm_bridge import tir_access as tir
from gemmini_xdsl.tvm_bridge.affine_access import (
    NotAffineError,
    affine_index,
    dimension_access,
)
from gemmini_xdsl.tvm_bridge.errors import TvmImportError
from gemmini_xdsl.tvm_bridge.iteration import Loop, binding_problem
from gemmini_xdsl.tvm_bridge.scalar_expressions import (
    SCALAR_TYPES,
    ScalarTranslator,
    UnsupportedExpressionError,
)

NAME_ATTRIBUTE = "gemmini.name"
ROLE_ATTRIBUTE = "gemmini.role"


def import_tir(source: Any, name: str | None = None) -> ModuleOp:
    """A module with one `func.func` for every PrimFunc of `source`.

    `source` is a PrimFunc or an IRModule of PrimFuncs (for Relax functions see
    `gemmini_xdsl.tvm_bridge.relax`). The function of a lone PrimFunc is called `name`, its global
    symbol, or "main". Parameters become memrefs in their order, with the argument attributes
    `gemmini.name` (the buffer's name) and `gemmini.role` ("input", "output" or "bias").

    Raises `TvmImportError`, naming the block, when something has no exact counterpart.
    """
    if tir.is_prim_func(source):
        functions = [(name or tir.global_symbol(source) or "main", source)]
    elif tir.is_ir_module(source):
        functions = tir.module_functions(source)
        if not functions:
            raise TvmImportError("the module has no functions")
        if name is not None:
            functions = [pair for pair in functions if pair[0] == name]
            if not functions:
                raise TvmImportError(f"the module has no function '{name}'")
    else:
        raise TvmImportError(f"expected a PrimFunc or an IRModule, got {type(source).__name__}")
    for symbol, function in functions:
        if not tir.is_prim_func(function):
            raise TvmImportError(
                f"function '{symbol}' is a {type(function).__name__}, not a PrimFunc"
            )
    module = ModuleOp([FunctionImporter(symbol, item).run() for symbol, item in functions])
    try:
        module.verify()
    except VerifyException as error:
        raise TvmImportError(f"the imported module is not valid: {error}") from error
    return module


@dataclass
class FunctionImporter:
    """Imports one PrimFunc."""

    symbol: str
    function: Any
    buffers: list[tuple[Any, SSAValue]] = field(default_factory=list)
    written: list[Any] = field(default_factory=list)
    biases: list[Any] = field(default_factory=list)
    entry: Block = field(default_factory=Block)

    def run(self) -> func.FuncOp:
        """The imported function."""
        parameters = tir.parameters(self.function)
        types = []
        for parameter in parameters:
            if parameter.buffer is None:
                raise self.error(f"parameter '{parameter.name}' is not a buffer")
            types.append(self.memref_type(parameter.buffer))
        self.entry = Block(arg_types=types)
        for parameter, argument in zip(parameters, self.entry.args, strict=True):
            argument.name_hint = _name_hint(parameter.name)
            self.buffers.append((parameter.buffer, argument))
        self.statement(tir.body(self.function), [])
        self.entry.add_op(func.ReturnOp())
        attributes = [
            DictionaryAttr(
                {
                    NAME_ATTRIBUTE: StringAttr(parameter.name),
                    ROLE_ATTRIBUTE: StringAttr(self.role(parameter.buffer)),
                }
            )
            for parameter in parameters
        ]
        return func.FuncOp(
            self.symbol, (types, []), Region(self.entry), arg_attrs=ArrayAttr(attributes)
        )

    def error(self, reason: str, realize: Any = None) -> TvmImportError:
        """An error that names the function and, if there is one, prints the block."""
        if realize is None:
            return TvmImportError(f"function '{self.symbol}': {reason}")
        return TvmImportError(
            f"function '{self.symbol}', block '{tir.block_name(realize)}': {reason}\n"
            f"{tir.block_text(realize)}"
        )

    def role(self, buffer: Any) -> str:
        """What a parameter is for."""
        if any(tir.same(buffer, item) for item in self.written):
            return "output"
        if any(tir.same(buffer, item) for item in self.biases):
            return "bias"
        return "input"

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
        if dtype not in SCALAR_TYPES or dtype in ("bool", "int16"):
            raise self.error(
                f"{label} has element type {dtype}; int8, int32, int64 and float32 are supported",
                realize,
            )
        return MemRefType(SCALAR_TYPES[dtype], shape)

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
            allocation.memref.name_hint = _name_hint(tir.buffer_name(buffer))
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


@dataclass
class BlockImporter:
    """Imports one block that stores one element."""

    parent: FunctionImporter
    realize: Any
    axes: list[tir.Axis]

    def error(self, reason: str) -> TvmImportError:
        """An error that prints the block."""
        return self.parent.error(reason, self.realize)

    def run(self) -> None:
        """Append the operations to the function."""
        store = self.store_of(tir.block_body(self.realize))
        spatial = [axis for axis in self.axes if not axis.is_reduction]
        init = tir.block_init(self.realize)
        if init is not None:
            start = self.store_of(init)
            same_element = tir.same(start.buffer, store.buffer) and all(
                tir.structurally_equal(left, right)
                for left, right in zip(start.indices, store.indices, strict=True)
            )
            if not same_element:
                raise self.error("the initialisation writes another element than the body")
            self.note_biases(start.value, store.buffer)
            self.emit(start, spatial)
        self.note_biases(store.value, store.buffer)
        self.emit(store, self.axes)
        self.parent.written.append(store.buffer)

    def store_of(self, statement: Any) -> tir.Store:
        """The only statement of a body, which must be a store."""
        store = tir.as_store(statement)
        if store is None:
            raise self.error(
                f"the body is a {tir.kind(statement)}; only a single store of one element is "
                "supported"
            )
        return store

    def note_biases(self, value: Any, target: Any) -> None:
        """Record int32 parameters that are added to, or initialise, an int32 result."""
        terms = tir.operands(value) if tir.kind(value) == "Add" else (value,)
        for term in terms:
            load = tir.as_load(term)
            if load is None or tir.same(load[0], target):
                continue
            if tir.buffer_dtype(load[0]) == tir.buffer_dtype(target) == "int32":
                self.parent.biases.append(load[0])

    def emit(self, store: tir.Store, axes: list[tir.Axis]) -> None:
        """One linalg operation over `axes`."""
        constant = tir.constant_value(store.value)
        output, output_map = self.operand(store.buffer, store.indices, axes)
        covered = sorted(
            item.position for item in output_map.results if isinstance(item, AffineDimExpr)
        )
        parallel = [number for number, axis in enumerate(axes) if not axis.is_reduction]
        if covered != parallel or any(
            item.used_dims() - set(parallel) for item in output_map.results
        ):
            raise self.error("the element written must be addressed by each spatial axis once")
        whole = output_map == AffineMap.identity(len(axes)) and len(axes) > 0
        if constant is not None and whole:
            self.fill(store, output)
            return
        loads = self.distinct_loads(store)
        operands = [self.operand(*_load(item), axes) for item in loads]
        shapes = self.shape_operands([*(item[1] for item in operands), output_map], axes)
        inputs = [*operands, *shapes]
        body = Block(arg_types=[_element(value) for value, _ in [*inputs, (output, output_map)]])
        arguments = dict(enumerate(body.args))
        generic_types = [
            linalg.IteratorTypeAttr.reduction()
            if axis.is_reduction
            else linalg.IteratorTypeAttr.parallel()
            for axis in axes
        ]

        def load(expression: Any) -> SSAValue:
            for number, known in enumerate(loads):
                if tir.structurally_equal(known, expression):
                    return arguments[number]
            return arguments[len(inputs)]

        def axis_value(variable: Any, type_: Attribute) -> SSAValue | None:
            for number, axis in enumerate(axes):
                if tir.same(axis.var, variable):
                    index = linalg.IndexOp(number)
                    cast = arith.IndexCastOp(index.result, type_)
                    body.add_ops([index, cast])
                    return cast.result
            return None

        try:
            result = ScalarTranslator(body, load, axis_value).translate(store.value)
        except UnsupportedExpressionError as error:
            raise self.error(str(error)) from None
        body.add_op(linalg.YieldOp(result))
        self.parent.entry.add_op(
            linalg.GenericOp(
                [value for value, _ in inputs],
                [output],
                Region(body),
                [AffineMapAttr(item) for _, item in [*inputs, (output, output_map)]],
                generic_types,
                doc=StringAttr(tir.block_name(self.realize)),
            )
        )

    def fill(self, store: tir.Store, output: SSAValue) -> None:
        """A `linalg.fill` with a constant."""
        block = self.parent.entry
        translator = ScalarTranslator(block, lambda _: output, lambda _, __: None)
        value = translator.translate(store.value)
        block.add_op(linalg.FillOp([value], [output], res=[]))

    def distinct_loads(self, store: tir.Store) -> list[Any]:
        """Loads of the value by first occurrence, without the element that is written."""
        loads: list[Any] = []
        for load in tir.walk_loads(store.value):
            buffer, indices = _load(load)
            if tir.same(buffer, store.buffer):
                if not all(
                    tir.structurally_equal(left, right)
                    for left, right in zip(indices, store.indices, strict=True)
                ):
                    raise self.error(
                        f"'{tir.buffer_name(buffer)}' is read at another element than the one "
                        "written"
                    )
            elif not any(tir.structurally_equal(load, known) for known in loads):
                loads.append(load)
        return loads

    def operand(
        self, buffer: Any, indices: tuple[Any, ...], axes: list[tir.Axis]
    ) -> tuple[SSAValue, AffineMap]:
        """A memref and the map that addresses it, slicing the buffer where linalg needs that."""
        value = self.parent.value(buffer, self.realize)
        shape = tir.buffer_shape(buffer) or ()
        extents = [axis.extent for axis in axes]
        accesses = []
        for index, size in zip(indices, shape, strict=True):
            try:
                expression = affine_index(index, [axis.var for axis in axes])
            except NotAffineError as error:
                raise self.error(f"'{tir.buffer_name(buffer)}': {error}") from None
            access = dimension_access(expression, extents, size)
            if access is None:
                raise self.error(
                    f"'{tir.buffer_name(buffer)}': index '{index}' may leave its dimension of "
                    f"{size} elements"
                )
            accesses.append(access)
        map_ = AffineMap(len(axes), 0, tuple(access.index for access in accesses))
        if tuple(access.size for access in accesses) != shape:
            view = memref.SubviewOp.from_static_parameters(
                value,
                _memref_type(value),
                [access.offset for access in accesses],
                [access.size for access in accesses],
                [access.stride for access in accesses],
            )
            self.parent.entry.add_op(view)
            value = view.result
        return value, map_

    def shape_operands(
        self, maps: list[AffineMap], axes: list[tir.Axis]
    ) -> list[tuple[SSAValue, AffineMap]]:
        """An unread operand for axes that no map holds alone, as linalg's pooling has one."""
        alone = {
            item.position
            for map_ in maps
            for item in map_.results
            if isinstance(item, AffineDimExpr)
        }
        missing = [number for number in range(len(axes)) if number not in alone]
        if not missing:
            return []
        shape = MemRefType(i8, [axes[number].extent for number in missing])
        allocation = memref.AllocOp([], [], shape)
        self.parent.entry.add_op(allocation)
        results = tuple(AffineDimExpr(number) for number in missing)
        return [(allocation.memref, AffineMap(len(axes), 0, results))]


def _load(expression: Any) -> tuple[Any, tuple[Any, ...]]:
    load = tir.as_load(expression)
    assert load is not None
    return load


def _memref_type(value: SSAValue) -> MemRefType:
    assert isinstance(value.type, MemRefType)
    return value.type


def _element(value: SSAValue) -> Attribute:
    return _memref_type(value).element_type


def _name_hint(name: str) -> str | None:
    # xDSL numbers equal names itself: a name that ends in a number could be printed twice.
    stem = re.sub(r"(_\d+)+$", "", name)
    return stem if SSAValue.is_valid_name(stem) else None
