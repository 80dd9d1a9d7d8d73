"""Import of one block: a linalg operation, and another one for its initialisation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from xdsl.dialects import arith, linalg, memref
from xdsl.dialects.builtin import (
    AffineMapAttr,
    MemRefType,
    StringAttr,
    i8,
)
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.ir.affine import AffineDimExpr, AffineMap

from gemmini_xdsl.tvm_bridge import tir_access as tir
from gemmini_xdsl.tvm_bridge.affine_access import (
    NotAffineError,
    affine_index,
    dimension_access,
)
from gemmini_xdsl.tvm_bridge.errors import TvmImportError
from gemmini_xdsl.tvm_bridge.scalar_expressions import (
    ScalarTranslator,
    UnsupportedExpressionError,
)

if TYPE_CHECKING:
    from gemmini_xdsl.tvm_bridge.function_import import FunctionImporter


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
        self.parent.written.append(self.parent.value(store.buffer, self.realize))

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
                self.parent.biases.append(self.parent.value(load[0], self.realize))

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
            linalg.attrs.IteratorTypeAttr.reduction()
            if axis.is_reduction
            else linalg.attrs.IteratorTypeAttr.parallel()
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
                    index = linalg.ops.IndexOp(number)
                    cast = arith.IndexCastOp(index.result, type_)
                    body.add_ops([index, cast])
                    return cast.result
            return None

        try:
            result = ScalarTranslator(body, load, axis_value).translate(store.value)
        except UnsupportedExpressionError as error:
            raise self.error(str(error)) from None
        body.add_op(linalg.ops.YieldOp(result))
        self.parent.entry.add_op(
            linalg.ops.GenericOp(
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
        block.add_op(linalg.ops.FillOp([value], [output], res=[]))

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
