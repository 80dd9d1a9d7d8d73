"""`gemmini-fold-zero-points`: zero points of A and B become part of the bias."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from xdsl.context import Context
from xdsl.dialects import arith, linalg, memref, scf
from xdsl.dialects.builtin import IntegerAttr, MemRefType, ModuleOp, i32
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.passes.constant_globals import (
    constant_contents,
    constant_global,
    erase_unused_globals,
)
from gemmini_xdsl.passes.diagnostics import function_name
from gemmini_xdsl.passes.generic_builders import BodyBuilder, dims_map, generic
from gemmini_xdsl.passes.matmul_rewriting import with_bias
from gemmini_xdsl.passes.memory_uses import may_overlap, memory_use, root

DOC = "zero points"


@dataclass(frozen=True)
class GemminiFoldZeroPointsPass(ModulePass):
    """Fold the zero points of A and B into the bias, exactly (in wrapping int32 arithmetic).

    `sum_k (A - za) (B - zb) + bias` is `sum_k A B` plus the bias
    `bias[i, j] - za * sum_k B[k, j] - zb * sum_k A[i, k] + K * za * zb`. With `zb` = 0 that is a
    row, computed here if B is a constant global; otherwise code before the product computes it.
    """

    name = "gemmini-fold-zero-points"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Fold in every product."""
        for product in [item for item in op.walk() if isinstance(item, MatmulOp)]:
            if product.zero_points[:2] != (0, 0):
                _Folder(op, product).run()
        erase_unused_globals(op)


class _Folder:
    def __init__(self, module: ModuleOp, product: MatmulOp):
        self.module = module
        self.product = product
        self.ops: list[Operation] = []

    def run(self) -> None:
        za, zb, _ = self.product.zero_points
        bias = self.row_bias(za) if zb == 0 else self.matrix_bias(za, zb)
        Rewriter.insert_op(self.ops, self.insertion_point())
        replacement = with_bias(self.product, bias)
        for name in ("a_zero_point", "b_zero_point"):
            replacement.properties[name] = IntegerAttr(0, i32)
        Rewriter.replace_op(self.product, replacement)

    # -- biases -----------------------------------------------------------------------------------

    def row_bias(self, za: int) -> SSAValue:
        """`bias - za * sum_k B`: a row, unless the bias is a matrix."""
        _, n, _ = self.product.sizes
        bias = self.product.bias
        weights = self.constant_weights()
        if weights is None:
            if bias is None or not isinstance(bias.type, MemRefType):
                return self.column_sums(za, bias)
            return self.added(bias, self.column_sums(za, None))
        correction = _wrapped(-za * weights.sum(axis=0, dtype=np.int64))
        if bias is None:
            return self.global_row(correction)
        constant = bias.owner
        if isinstance(constant, arith.ConstantOp) and isinstance(constant.value, IntegerAttr):
            return self.global_row(_wrapped(correction + constant.value.value.data))
        values = constant_contents(bias)
        if values is not None and values.shape == (n,):
            return self.global_row(_wrapped(correction + values))
        return self.added(bias, self.global_row(correction))

    def matrix_bias(self, za: int, zb: int) -> SSAValue:
        """The whole bias: a matrix, since sums of A differ from row to row."""
        m, n, k = self.product.sizes
        bias = self.product.bias
        rows = self.allocate(m)
        self.fill(rows, k * za * zb)
        a_dims = (1, 0) if self.product.transpose_a is not None else (0, 1)
        self.ops.append(
            generic(
                DOC,
                [(self.product.a, dims_map(2, *a_dims))],
                (rows, dims_map(2, 0)),
                _subtract_scaled(zb),
                reductions=(1,),
            )
        )
        inputs = [(rows, dims_map(2, 0))]
        if za != 0:
            inputs.append((self.column_sums(za, None), dims_map(2, 1)))
        if bias is not None:
            inputs.append((bias, _bias_map(bias)))
        total = self.allocate(m, n)
        self.ops.append(generic(DOC, inputs, (total, dims_map(2, 0, 1)), _sum))
        return total

    def column_sums(self, za: int, start: SSAValue | None) -> SSAValue:
        """A row of `start - za * sum_k B[k, j]`."""
        _, n, _ = self.product.sizes
        sums = self.allocate(n)
        if start is None:
            self.fill(sums, 0)
        else:
            self.ops.append(linalg.ops.FillOp([start], [sums], res=[]))
        b_dims = (0, 1) if self.product.transpose_b is not None else (1, 0)
        self.ops.append(
            generic(
                DOC,
                [(self.product.b, dims_map(2, *b_dims))],
                (sums, dims_map(2, 0)),
                _subtract_scaled(za),
                reductions=(1,),
            )
        )
        return sums

    def added(self, bias: SSAValue, row: SSAValue) -> SSAValue:
        """`bias + row`, in the shape of the bias (a row if it is a scalar)."""
        m, n, _ = self.product.sizes
        if isinstance(bias.type, MemRefType) and bias.type.get_num_dims() == 2:
            total = self.allocate(m, n)
            inputs = [(bias, dims_map(2, 0, 1)), (row, dims_map(2, 1))]
            self.ops.append(generic(DOC, inputs, (total, dims_map(2, 0, 1)), _sum))
            return total
        total = self.allocate(n)
        bias_map = dims_map(1, 0) if isinstance(bias.type, MemRefType) else dims_map(1)
        inputs = [(bias, bias_map), (row, dims_map(1, 0))]
        self.ops.append(generic(DOC, inputs, (total, dims_map(1, 0)), _sum))
        return total

    # -- operations -------------------------------------------------------------------------------

    def allocate(self, *shape: int) -> SSAValue:
        allocation = memref.AllocOp([], [], MemRefType(i32, shape))
        self.ops.append(allocation)
        return allocation.memref

    def fill(self, buffer: SSAValue, value: int) -> None:
        constant = arith.ConstantOp(IntegerAttr(value, i32, truncate_bits=True))
        self.ops += [constant, linalg.ops.FillOp([constant.result], [buffer], res=[])]

    def insertion_point(self) -> InsertPoint:
        """Before the product, outside every loop in which nothing read here changes."""
        product = self.product
        reads = [product.b, *([product.bias] if product.bias is not None else [])]
        if product.zero_points[1] != 0:
            reads.append(product.a)
        anchor: Operation = product
        while isinstance(loop := anchor.parent_op(), scf.ForOp):
            written = memory_use(loop).writes
            if any(may_overlap(root(value), written) for value in reads):
                break
            if any(_defined_inside(value, loop) for value in reads):
                break
            anchor = loop
        return InsertPoint.before(anchor)

    # -- constants --------------------------------------------------------------------------------

    def constant_weights(self) -> np.ndarray[Any, Any] | None:
        """B as a K x N array, if it is a constant."""
        values = constant_contents(self.product.b)
        if values is None:
            return None
        return values.T if self.product.transpose_b is not None else values

    def global_row(self, values: np.ndarray[Any, Any]) -> SSAValue:
        """A new constant global."""
        stem = f"{function_name(self.product)}_bias"
        get = constant_global(self.product, stem, i32, values)
        self.ops.append(get)
        return get.memref


def _wrapped(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return values.astype(np.int64).astype(np.int32)


def _defined_inside(value: SSAValue, loop: Operation) -> bool:
    owner = value.owner
    return owner is loop.regions[0].block or (
        isinstance(owner, Operation) and loop.is_ancestor(owner)
    )


def _bias_map(bias: SSAValue) -> Any:
    if not isinstance(bias.type, MemRefType):
        return dims_map(2)
    return dims_map(2, 0, 1) if bias.type.get_num_dims() == 2 else dims_map(2, 1)


def _subtract_scaled(zero_point: int) -> Any:
    """Body of `sum -= zero_point * element`."""

    def body(builder: BodyBuilder, values: Any) -> SSAValue:
        element, total = values
        wide = builder.add(arith.ExtSIOp(element, i32))
        product = builder.add(arith.MuliOp(wide, builder.integer(zero_point, i32)))
        return builder.add(arith.SubiOp(total, product))

    return body


def _sum(builder: BodyBuilder, values: Any) -> SSAValue:
    """Body that adds all inputs."""
    total: SSAValue = values[0]
    for value in values[1:-1]:
        total = builder.add(arith.AddiOp(total, value))
    return total
