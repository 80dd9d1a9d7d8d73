"""A numpy evaluator of input modules, which `gemmini run --check` compares kernels with.

It executes levels 0 and 1 (func, scf, memref, linalg, arith, math and `gemmini.matmul`) straight
from their definitions and shares no code with the passes and targets. Structured operations are
evaluated for all parallel iterations at once and loop over the reductions in order.
"""

from __future__ import annotations

import itertools
import math as _math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import affine, func, linalg, memref, scf
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseIntOrFPElementsAttr,
    MemRefType,
    ModuleOp,
)
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.ir import Block, Operation, SSAValue
from xdsl.ir.affine import (
    AffineBinaryOpExpr,
    AffineBinaryOpKind,
    AffineConstantExpr,
    AffineDimExpr,
    AffineExpr,
    AffineSymExpr,
)

from gemmini_xdsl.dialects.attributes import INPUT_TYPE, Activation
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.reference_scalars import Value, dtype_of, evaluate_scalar

Array = NDArray[Any]


def evaluate_function(module: ModuleOp, symbol: str, arguments: Sequence[Any]) -> None:
    """Execute `@symbol`; arrays are memrefs and are written in place.

    Raises `GemminiError` for an operation that the evaluator does not know.
    """
    with np.errstate(all="ignore"):
        _Evaluator(module).call(symbol, arguments)


def matmul_reference(op: MatmulOp, a: Array, b: Array, bias: Any) -> Array:
    """What `op` computes of A, B (as stored) and the bias (an array, a number or None)."""
    left = (a.T if op.transpose_a is not None else a).astype(np.float64)
    right = (b.T if op.transpose_b is not None else b).astype(np.float64)
    za, zb, zc = op.zero_points
    # All partial sums are integers below 2^53: float64 is exact, in any order.
    total = ((left - za) @ (right - zb)).astype(np.int64)
    if bias is not None:
        total = total + np.asarray(bias, dtype=np.int64)
    acc: Array = total.astype(np.int32)
    if op.c_type.element_type != INPUT_TYPE:
        return acc
    if op.activation.data == Activation.RELU:
        acc = np.maximum(acc, 0)
    scaled = acc.astype(np.float32) * np.float32(op.scale.value.data)
    low, high = op.clip
    result: Array = np.clip(np.rint(scaled).astype(np.float64) + zc, low, high).astype(np.int8)
    return result


@dataclass
class _Evaluator:
    module: ModuleOp
    _globals: dict[str, Array] = field(default_factory=dict)

    def call(self, symbol: str, arguments: Sequence[Any]) -> list[Value]:
        """Execute a function and return its results."""
        for op in self.module.ops:
            if isinstance(op, func.FuncOp) and op.sym_name.data == symbol and op.body.blocks:
                frame = _Frame(self, {})
                for parameter, argument in zip(op.body.block.args, arguments, strict=True):
                    frame.values[parameter] = argument
                return frame.block(op.body.block)
        raise GemminiError(f"the module has no function '{symbol}'")

    def global_array(self, symbol: str) -> Array:
        """The array of a `memref.global`; the same one every time."""
        if symbol not in self._globals:
            for op in self.module.ops:
                if isinstance(op, memref.GlobalOp) and op.sym_name.data == symbol:
                    self._globals[symbol] = _initial(op)
                    break
            else:
                raise GemminiError(f"the module has no memref.global '{symbol}'")
        return self._globals[symbol]


def _initial(op: memref.GlobalOp) -> Array:
    assert isinstance(op.type, MemRefType)
    shape, dtype = op.type.get_shape(), dtype_of(op.type.element_type)
    if not isinstance(op.initial_value, DenseIntOrFPElementsAttr):
        return np.zeros(shape, dtype)
    values = np.array(list(op.initial_value.get_values()))
    if dtype.kind == "i":
        values = values.astype(np.int64)
    if values.size != _math.prod(shape):
        return np.full(shape, values.ravel()[0]).astype(dtype)
    return values.astype(dtype).reshape(shape)


@dataclass
class _Frame:
    """Values of one call."""

    evaluator: _Evaluator
    values: dict[SSAValue, Any]
    grid: list[Any] = field(default_factory=list)
    """Indices of the structured operation that is being evaluated."""

    def get(self, value: SSAValue) -> Any:
        return self.values[value]

    def all(self, values: Iterable[SSAValue]) -> list[Any]:
        return [self.values[value] for value in values]

    def block(self, block: Block) -> list[Value]:
        """Execute a block; the operands of its terminator."""
        for op in block.ops:
            if isinstance(op, func.ReturnOp | scf.YieldOp | scf.ConditionOp | linalg.ops.YieldOp):
                return self.all(op.operands)
            self.operation(op)
        return []

    def operation(self, op: Operation) -> None:
        """Execute one operation."""
        handler = _HANDLERS.get(type(op))
        if handler is not None:
            results = handler(self, op)
        elif isinstance(op, LinalgStructuredOperation):
            _structured(self, op)
            results = None
        else:
            scalars = evaluate_scalar(op, self.all(op.operands))
            if scalars is None:
                raise GemminiError(f"the reference cannot evaluate '{op.name}'")
            results = scalars
        for result, value in zip(op.results, results or (), strict=True):
            self.values[result] = value

    def run(self, block: Block, arguments: Sequence[Value]) -> list[Value]:
        """Execute a block with arguments."""
        for parameter, argument in zip(block.args, arguments, strict=True):
            self.values[parameter] = argument
        return self.block(block)


# -- products and structured operations -----------------------------------------------------------


def _matmul(frame: _Frame, op: MatmulOp) -> None:
    bias = None if op.bias is None else frame.get(op.bias)
    frame.get(op.c)[...] = matmul_reference(op, frame.get(op.a), frame.get(op.b), bias)


def _structured(frame: _Frame, op: LinalgStructuredOperation) -> None:
    if op.res:
        raise GemminiError(f"the reference evaluates '{op.name}' on memrefs only")
    ranges = op.get_static_loop_ranges()
    kinds = [kind.data for kind in op.get_iterator_types()]
    maps = [attribute.data for attribute in op.get_indexing_maps()]
    sequential = [d for d, kind in enumerate(kinds) if kind != linalg.attrs.IteratorType.PARALLEL]
    parallel = [d for d in range(len(ranges)) if d not in sequential]
    grid: list[Any] = [np.int64(0)] * len(ranges)
    for position, dim in enumerate(parallel):
        shape = [1] * len(parallel)
        shape[position] = ranges[dim]
        grid[dim] = np.arange(ranges[dim]).reshape(shape)
    operands = frame.all(op.operands)
    outputs = range(len(op.inputs), len(operands))
    for point in itertools.product(*(range(ranges[dim]) for dim in sequential)):
        for dim, index in zip(sequential, point, strict=True):
            grid[dim] = np.int64(index)
        accesses = [tuple(_affine(expr, grid) for expr in map_.results) for map_ in maps]
        elements = [
            operand[access] if isinstance(operand, np.ndarray) else operand
            for operand, access in zip(operands, accesses, strict=True)
        ]
        frame.grid = grid
        results = frame.run(op.body.block, elements)
        for position, result in zip(outputs, results, strict=True):
            operands[position][accesses[position]] = result


def _linalg_index(frame: _Frame, op: linalg.ops.IndexOp) -> list[Value]:
    return [frame.grid[op.dim.value.data]]


_AFFINE: dict[AffineBinaryOpKind, Callable[[Any, Any], Any]] = {
    AffineBinaryOpKind.Add: lambda a, b: a + b,
    AffineBinaryOpKind.Mul: lambda a, b: a * b,
    AffineBinaryOpKind.Mod: lambda a, b: a % b,
    AffineBinaryOpKind.FloorDiv: lambda a, b: a // b,
    AffineBinaryOpKind.CeilDiv: lambda a, b: -(-a // b),
}


def _affine(expr: AffineExpr, dims: Sequence[Any], symbols: Sequence[Any] = ()) -> Any:
    match expr:
        case AffineDimExpr():
            return dims[expr.position]
        case AffineSymExpr():
            return symbols[expr.position]
        case AffineConstantExpr():
            return np.int64(expr.value)
        case AffineBinaryOpExpr():
            left, right = (_affine(side, dims, symbols) for side in (expr.lhs, expr.rhs))
            return _AFFINE[expr.kind](left, right)
        case _:
            raise GemminiError(f"the reference cannot evaluate the affine expression {expr}")


def _affine_apply(frame: _Frame, op: affine.ApplyOp) -> list[Value]:
    values = frame.all(op.mapOperands)
    count = op.map.data.num_dims
    (expr,) = op.map.data.results
    return [_affine(expr, values[:count], values[count:])]


# -- control flow ---------------------------------------------------------------------------------


def _for(frame: _Frame, op: scf.ForOp) -> list[Value]:
    start, stop, step = (int(value) for value in frame.all((op.lb, op.ub, op.step)))
    carried = frame.all(op.iter_args)
    dtype = dtype_of(op.lb.type)
    for index in range(start, stop, step):
        carried = frame.run(op.body.block, [dtype.type(index), *carried])
    return carried


def _parallel(frame: _Frame, op: scf.ParallelOp) -> None:
    if op.initVals:
        raise GemminiError(f"the reference cannot evaluate '{op.name}' with reductions")
    bounds = zip(*(frame.all(v) for v in (op.lowerBound, op.upperBound, op.step)), strict=True)
    for point in itertools.product(*(range(int(a), int(b), int(c)) for a, b, c in bounds)):
        for parameter, index in zip(op.body.block.args, point, strict=True):
            frame.values[parameter] = np.int64(index)
        for inner in op.body.block.ops:
            if not isinstance(inner, scf.ReduceOp):
                frame.operation(inner)


def _if(frame: _Frame, op: scf.IfOp) -> list[Value]:
    region = op.true_region if bool(frame.get(op.cond)) else op.false_region
    return frame.run(region.block, []) if region.blocks else []


def _while(frame: _Frame, op: scf.WhileOp) -> list[Value]:
    carried = frame.all(op.arguments)
    while True:
        condition, *forwarded = frame.run(op.before_region.block, carried)
        if not bool(condition):
            return forwarded
        carried = frame.run(op.after_region.block, forwarded)


def _switch(frame: _Frame, op: scf.IndexSwitchOp) -> list[Value]:
    chosen = int(frame.get(op.arg))
    for case, region in zip(op.cases.get_values(), op.case_regions, strict=True):
        if case == chosen:
            return frame.run(region.block, [])
    return frame.run(op.default_region.block, [])


def _call(frame: _Frame, op: func.CallOp) -> list[Value]:
    return frame.evaluator.call(op.callee.string_value(), frame.all(op.operands))


# -- memory ---------------------------------------------------------------------------------------


def _alloc(_: _Frame, op: memref.AllocOp | memref.AllocaOp) -> list[Value]:
    type_ = op.memref.type
    assert isinstance(type_, MemRefType)
    return [np.zeros(type_.get_shape(), dtype_of(type_.element_type))]


def _load(frame: _Frame, op: memref.LoadOp) -> list[Value]:
    return [frame.get(op.memref)[tuple(frame.all(op.indices))]]


def _store(frame: _Frame, op: memref.StoreOp) -> None:
    frame.get(op.memref)[tuple(frame.all(op.indices))] = frame.get(op.value)


def _copy(frame: _Frame, op: memref.CopyOp) -> None:
    frame.get(op.destination)[...] = frame.get(op.source)


def _get_global(frame: _Frame, op: memref.GetGlobalOp) -> list[Value]:
    return [frame.evaluator.global_array(op.name_.string_value())]


def _subview(frame: _Frame, op: memref.SubviewOp) -> list[Value]:
    source: Array = frame.get(op.source)
    lists = (
        (op.offsets, op.static_offsets),
        (op.sizes, op.static_sizes),
        (op.strides, op.static_strides),
    )
    offsets, sizes, steps = (_mixed(frame, dynamic, static) for dynamic, static in lists)
    view = source[
        tuple(
            slice(offset, offset + (size - 1) * step + 1, step)
            for offset, size, step in zip(offsets, sizes, steps, strict=True)
        )
    ]
    type_ = op.result.type
    assert isinstance(type_, MemRefType)
    if view.ndim == type_.get_num_dims():
        return [view]
    wanted = list(type_.get_shape())
    selection: list[Any] = []
    for position, size in enumerate(view.shape):
        # A rank-reducing subview drops unit dimensions that its result lacks.
        optional = view.ndim - position > len(wanted)
        if optional and (not wanted or size != wanted[0]):
            selection.append(0)
        else:
            selection.append(slice(None))
            del wanted[0]
    return [view[tuple(selection)]]


def _mixed(frame: _Frame, dynamic: Sequence[SSAValue], static: Any) -> list[int]:
    remaining = iter(dynamic)
    return [
        int(frame.get(next(remaining))) if value == DYNAMIC_INDEX else int(value)
        for value in static.get_values()
    ]


def _reshape(frame: _Frame, op: memref.CollapseShapeOp | memref.ExpandShapeOp) -> list[Value]:
    type_ = op.result.type
    assert isinstance(type_, MemRefType)
    view = frame.get(op.operands[0])[...]
    result = view.reshape(type_.get_shape())
    if not np.shares_memory(result, view):
        raise GemminiError(f"the reference cannot evaluate '{op.name}' of this layout")
    return [result]


def _same(frame: _Frame, op: Operation) -> list[Value]:
    return [frame.get(op.operands[0])]


def _dim(frame: _Frame, op: memref.DimOp) -> list[Value]:
    return [np.int64(frame.get(op.source).shape[int(frame.get(op.index))])]


_HANDLERS: dict[type[Operation], Callable[[_Frame, Any], list[Value] | None]] = {
    MatmulOp: _matmul,
    linalg.ops.IndexOp: _linalg_index,
    affine.ApplyOp: _affine_apply,
    scf.ForOp: _for,
    scf.ParallelOp: _parallel,
    scf.IfOp: _if,
    scf.WhileOp: _while,
    scf.IndexSwitchOp: _switch,
    func.CallOp: _call,
    memref.AllocOp: _alloc,
    memref.AllocaOp: _alloc,
    memref.DeallocOp: lambda _, __: None,
    memref.LoadOp: _load,
    memref.StoreOp: _store,
    memref.CopyOp: _copy,
    memref.GetGlobalOp: _get_global,
    memref.SubviewOp: _subview,
    memref.CollapseShapeOp: _reshape,
    memref.ExpandShapeOp: _reshape,
    memref.CastOp: _same,
    memref.MemorySpaceCastOp: _same,
    memref.DimOp: _dim,
}
