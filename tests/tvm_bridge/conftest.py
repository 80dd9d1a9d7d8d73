"""A numpy interpreter of levels 0 and 1, and TVM's own compiler as the reference."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from xdsl.context import Context
from xdsl.dialects import arith, func, linalg, math, memref, scf
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    f32,
)
from xdsl.dialects.linalg.abstract_ops import LinalgStructuredOperation
from xdsl.ir import Attribute, Block, Operation, SSAValue
from xdsl.parser import Parser
from xdsl.printer import Printer

from gemmini_xdsl.dialects.attributes import Activation
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.passes.convert_linalg_to_gemmini import ConvertLinalgToGemminiPass
from gemmini_xdsl.passes.gemmini_fold_zero_points import GemminiFoldZeroPointsPass
from gemmini_xdsl.passes.gemmini_legalize_requantization import GemminiLegalizeRequantizationPass
from gemmini_xdsl.tools.universe import load_universe
from gemmini_xdsl.tvm_bridge.import_tir import import_tir

Array = np.ndarray[Any, Any]


def dtype_of(type_: Attribute) -> Any:
    if type_ == f32:
        return np.float32
    if isinstance(type_, IntegerType):
        return {1: np.bool_, 8: np.int8, 16: np.int16, 32: np.int32, 64: np.int64}[type_.bitwidth]
    return np.int64


def round_half_away(x: Array) -> Array:
    wide = x.astype(np.float64)
    return (np.sign(wide) * np.floor(np.abs(wide) + 0.5)).astype(x.dtype)


def to_integer(x: Array, dtype: Any) -> Array:
    info = np.iinfo(dtype)
    assert np.all((x >= info.min) & (x <= info.max)), "conversion to an integer is out of range"
    return x.astype(dtype)


BINARY: dict[type[Operation], Callable[[Any, Any], Any]] = {
    arith.AddiOp: np.add,
    arith.SubiOp: np.subtract,
    arith.MuliOp: np.multiply,
    arith.FloorDivSIOp: np.floor_divide,
    arith.MinSIOp: np.minimum,
    arith.MaxSIOp: np.maximum,
    arith.AndIOp: np.bitwise_and,
    arith.OrIOp: np.bitwise_or,
    arith.XOrIOp: np.bitwise_xor,
    arith.ShLIOp: np.left_shift,
    arith.ShRSIOp: np.right_shift,
    arith.AddfOp: np.add,
    arith.SubfOp: np.subtract,
    arith.MulfOp: np.multiply,
    arith.DivfOp: np.divide,
    arith.MaximumfOp: np.maximum,
    arith.MinimumfOp: np.minimum,
}
UNARY: dict[type[Operation], Callable[[Any], Any]] = {
    math.RoundEvenOp: np.rint,
    math.RoundOp: round_half_away,
    math.AbsFOp: np.abs,
    math.FloorOp: np.floor,
    math.CeilOp: np.ceil,
    math.TruncOp: np.trunc,
    math.SqrtOp: np.sqrt,
}
COMPARE = {
    0: np.equal,
    1: np.not_equal,
    2: np.less,
    3: np.less_equal,
    4: np.greater,
    5: np.greater_equal,
}
COMPARE_FLOAT = {
    1: np.equal,
    2: np.greater,
    3: np.greater_equal,
    4: np.less,
    5: np.less_equal,
    13: np.not_equal,
}


class Interpreter:
    def __init__(self, module: ModuleOp):
        self.globals: dict[str, Array] = {}
        self.functions: dict[str, func.FuncOp] = {}
        for op in module.body.block.ops:
            if isinstance(op, memref.GlobalOp):
                type_ = op.type
                assert isinstance(type_, MemRefType)
                assert isinstance(op.initial_value, DenseIntOrFPElementsAttr)
                values = np.array(op.initial_value.get_values(), dtype_of(type_.element_type))
                self.globals[op.sym_name.data] = values.reshape(type_.get_shape())
            elif isinstance(op, func.FuncOp):
                self.functions[op.sym_name.data] = op

    def call(self, name: str, arguments: list[Array]) -> None:
        block = self.functions[name].body.block
        values: dict[SSAValue, Any] = dict(zip(block.args, arguments, strict=True))
        for argument, array in zip(block.args, arguments, strict=True):
            assert isinstance(argument.type, MemRefType)
            assert argument.type.get_shape() == array.shape
            assert dtype_of(argument.type.element_type) == array.dtype
        with np.errstate(over="ignore"):
            self.block(block, values)

    def block(self, block: Block, values: dict[SSAValue, Any]) -> list[Any]:
        for op in block.ops:
            if isinstance(op, linalg.ops.YieldOp | scf.YieldOp | func.ReturnOp):
                return [values[item] for item in op.operands]
            result = self.op(op, values)
            if result is not None:
                values[op.results[0]] = result
        return []

    def op(self, op: Operation, values: dict[SSAValue, Any]) -> Any:
        operands = [values[item] for item in op.operands]
        match op:
            case arith.ConstantOp():
                return dtype_of(op.result.type)(op.value.value.data)  # type: ignore[union-attr]
            case memref.AllocOp():
                type_ = op.memref.type
                assert isinstance(type_, MemRefType)
                # Uninitialised memory: reading it before writing changes the result.
                return np.full(type_.get_shape(), 77, dtype_of(type_.element_type))
            case memref.GetGlobalOp():
                return self.globals[op.name_.string_value()]
            case memref.SubviewOp():
                return self.subview(op, values)
            case memref.LoadOp():
                return operands[0][tuple(operands[1:])]
            case memref.CopyOp():
                operands[1][...] = operands[0]
            case scf.ForOp():
                for index in range(*operands[:3]):
                    self.block(op.body.block, {**values, op.body.block.args[0]: index})
            case MatmulOp():
                self.matmul(op, values)
            case LinalgStructuredOperation():
                self.structured(op, operands, values)
            case _:
                return self.scalar(op, operands)
        return None

    def scalar(self, op: Operation, operands: list[Any]) -> Any:
        dtype = dtype_of(op.results[0].type)
        if type(op) in BINARY:
            return np.asarray(BINARY[type(op)](*operands), dtype)
        if type(op) in UNARY:
            return np.asarray(UNARY[type(op)](operands[0]), dtype)
        match op:
            case arith.ExtSIOp() | arith.TruncIOp() | arith.SIToFPOp() | arith.IndexCastOp():
                return np.asarray(operands[0]).astype(dtype)
            case arith.ExtUIOp() | arith.UIToFPOp():
                assert np.asarray(operands[0]).dtype == np.bool_
                return np.asarray(operands[0]).astype(dtype)
            case arith.FPToSIOp():
                return to_integer(np.asarray(operands[0]), dtype)
            case arith.DivSIOp():
                quotient = np.abs(operands[0].astype(np.int64)) // np.abs(
                    operands[1].astype(np.int64)
                )
                sign = np.sign(operands[0]) * np.sign(operands[1])
                return (quotient * sign).astype(dtype)
            case arith.RemSIOp():
                return np.fmod(*operands).astype(dtype)
            case arith.CmpiOp():
                return COMPARE[op.predicate.value.data](*operands)
            case arith.CmpfOp():
                return COMPARE_FLOAT[op.predicate.value.data](*operands)
            case arith.SelectOp():
                return np.where(*operands).astype(dtype)
        raise AssertionError(f"the interpreter does not know {op.name}")

    def subview(self, op: memref.SubviewOp, values: dict[SSAValue, Any]) -> Array:
        def resolve(static: Any, dynamic: Any) -> list[int]:
            rest = iter(dynamic)
            return [
                int(values[next(rest)]) if item < -(2**62) else item for item in static.get_values()
            ]

        offsets = resolve(op.static_offsets, op.offsets)
        sizes = resolve(op.static_sizes, op.sizes)
        strides = resolve(op.static_strides, op.strides)
        parts = tuple(
            slice(offset, offset + (size - 1) * stride + 1, stride)
            for offset, size, stride in zip(offsets, sizes, strides, strict=True)
        )
        view: Array = values[op.source][parts]
        assert list(view.shape) == sizes, "a view leaves its memref"
        type_ = op.result.type
        assert isinstance(type_, MemRefType)
        reduced = view.reshape(type_.get_shape())
        assert np.shares_memory(reduced, view)
        return reduced

    def structured(
        self, op: LinalgStructuredOperation, operands: list[Any], values: dict[SSAValue, Any]
    ) -> None:
        maps = [item.data for item in op.get_indexing_maps().data]
        extents = op.get_static_loop_ranges()
        reductions = [
            dim
            for dim, item in enumerate(op.get_iterator_types())
            if item.data == linalg.attrs.IteratorType.REDUCTION
        ]
        parallel = [dim for dim in range(len(extents)) if dim not in reductions]
        grid = np.indices([extents[dim] for dim in parallel])
        block = op.body.block
        for point in np.ndindex(*[extents[dim] for dim in reductions]):
            dims: list[Any] = [0] * len(extents)
            for position, dim in enumerate(parallel):
                dims[dim] = grid[position]
            for dim, index in zip(reductions, point, strict=True):
                dims[dim] = index
            places = [
                tuple(np.asarray(result.eval(dims, [])) for result in map_.results) for map_ in maps
            ]
            inside = dict(values)
            for argument, operand, place in zip(block.args, operands, places, strict=True):
                memory = isinstance(operand, np.ndarray) and operand.ndim > 0
                inside[argument] = operand[place] if memory else operand
            for inner in block.ops:
                if isinstance(inner, linalg.ops.IndexOp):
                    inside[inner.result] = np.asarray(dims[inner.dim.value.data])
                elif isinstance(inner, linalg.ops.YieldOp):
                    operands[-1][places[-1]] = inside[inner.operands[0]]
                else:
                    inside[inner.results[0]] = self.op(inner, inside)

    def matmul(self, op: MatmulOp, values: dict[SSAValue, Any]) -> None:
        """The documented meaning of `gemmini.matmul`."""
        a = values[op.a].astype(np.int64) - op.zero_points[0]
        b = values[op.b].astype(np.int64) - op.zero_points[1]
        a = a.T if op.transpose_a is not None else a
        b = b.T if op.transpose_b is not None else b
        total = a @ b
        if op.bias is not None:
            total = total + values[op.bias].astype(np.int64)
        total = total.astype(np.int32)
        c = values[op.c]
        if c.dtype == np.int32:
            c[...] = total
            return
        if op.activation.data == Activation.RELU:
            total = np.maximum(total, 0)
        scaled = total.astype(np.float32) * np.float32(op.scale.value.data)
        rounded = np.rint(scaled).astype(np.float64) + op.zero_points[2]
        c[...] = np.clip(rounded, *op.clip).astype(np.int8)


def reparse(module: ModuleOp) -> ModuleOp:
    """The module after a round trip through text, in custom and in generic form."""
    context = Context()
    for name, load in load_universe().all_dialects.items():
        context.register_dialect(name, load)
    for generic in (False, True):
        text = io.StringIO()
        Printer(text, print_generic_format=generic).print_op(module)
        parsed = Parser(context, text.getvalue()).parse_module()
        parsed.verify()
        assert parsed.is_structurally_equivalent(module)
    return parsed


def interpret(module: ModuleOp, name: str, arguments: list[Array]) -> list[Array]:
    """Arguments after a call of function `name` with copies of `arguments`."""
    copies = [array.copy() for array in arguments]
    Interpreter(reparse(module)).call(name, copies)
    return copies


def run_tvm(function: Any, arguments: list[Array]) -> list[Array]:
    """Arguments after a call of a PrimFunc that TVM compiled for this machine."""
    import tvm

    compiled = tvm.compile(function.with_attr("global_symbol", "main"), "llvm")
    tensors = [tvm.runtime.tensor(array.copy()) for array in arguments]
    compiled["main"](*tensors)
    return [tensor.numpy() for tensor in tensors]


def random_arguments(module: ModuleOp, name: str, seed: int, kind: str) -> list[Array]:
    """Arguments of a function: random, or all at the ends of their types' ranges."""
    generator = np.random.default_rng(seed)
    arguments = []
    for op in module.body.block.ops:
        if not isinstance(op, func.FuncOp) or op.sym_name.data != name:
            continue
        for type_ in op.function_type.inputs:
            assert isinstance(type_, MemRefType)
            shape, dtype = type_.get_shape(), dtype_of(type_.element_type)
            if dtype == np.float32:
                arguments.append(generator.standard_normal(shape).astype(np.float32))
                continue
            info = np.iinfo(dtype)
            if kind == "extreme":
                # An overflow of int32 is undefined in the code that TVM generates.
                room = 1 << 22 if dtype == np.int32 else 0
                ends = [info.min + room, info.max - room]
                arguments.append(generator.choice(ends, shape).astype(dtype))
            elif dtype == np.int8:
                arguments.append(generator.integers(-128, 128, shape).astype(dtype))
            else:
                arguments.append(generator.integers(-20000, 20000, shape).astype(dtype))
    return arguments


def level1(module: ModuleOp, requantization: str = "exact", **options: Any) -> ModuleOp:
    """A copy of a module after the three passes down to level 1."""
    module = module.clone()
    context = Context()
    exact: Any = requantization
    ConvertLinalgToGemminiPass(exact, **options).apply(context, module)
    module.verify()
    GemminiFoldZeroPointsPass().apply(context, module)
    module.verify()
    GemminiLegalizeRequantizationPass(exact).apply(context, module)
    module.verify()
    return module


def matmuls(module: ModuleOp) -> list[MatmulOp]:
    """All products of a module."""
    return [op for op in module.walk() if isinstance(op, MatmulOp)]


def generics(module: ModuleOp) -> list[Operation]:
    """All linalg operations that are left."""
    return [op for op in module.walk() if isinstance(op, LinalgStructuredOperation)]


def check_against_tvm(function: Any, seeds: range = range(2), ties: bool = True) -> ModuleOp:
    """Compare levels 0 and 1 with TVM's own build on every argument; returns level 1.

    Without `ties` level 1 is not compared: it rounds exact ties differently.
    """
    name = "kernel"
    module = import_tir(function, name)
    lowered = level1(module)
    for kind in ("random", "extreme"):
        for seed in seeds:
            arguments = random_arguments(module, name, seed, kind)
            expected = run_tvm(function, arguments)
            for level in (module, lowered) if ties else (module,):
                got = interpret(level, name, arguments)
                for index, (left, right) in enumerate(zip(expected, got, strict=True)):
                    np.testing.assert_array_equal(left, right, err_msg=f"{kind} {seed} {index}")
    return lowered


class Helpers:
    check_against_tvm = staticmethod(check_against_tvm)
    generics = staticmethod(generics)
    interpret = staticmethod(interpret)
    level1 = staticmethod(level1)
    matmuls = staticmethod(matmuls)
    random_arguments = staticmethod(random_arguments)
    run_tvm = staticmethod(run_tvm)


@pytest.fixture(scope="session")
def bridge() -> type[Helpers]:
    return Helpers
