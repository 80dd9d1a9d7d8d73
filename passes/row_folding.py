"""The loop nest of a product of few columns, several rows of whose result make one of the array.

C of N columns, with DIM / N = f of its rows side by side, is a matrix of M / f rows and DIM columns
in the same memory. Row p of each f is the product of every f-th row of A and of B, whose columns
are repeated until they fill the array. A product can leave out the array's last columns, but not
the first ones: rows with the highest p are computed first, and what they leave in the columns of
others is overwritten. Stores are DIM elements wide then, and so are the loads of B, which the array
unpacks.
"""

from __future__ import annotations

import numpy as np
from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.attributes import ACC_TYPE, INPUT_TYPE, Dataflow, Placement, Space
from gemmini_xdsl.dialects.isa import FenceOp
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import AllocOp, LoadOp, StoreOp, TileMatmulOp, UnpackOp, UnrollOp
from gemmini_xdsl.passes.constant_globals import constant_global
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.row_views import as_matrix, as_vector, every_row
from gemmini_xdsl.passes.schedule_rules import ceil_div
from gemmini_xdsl.passes.tile_nests import A_ID, B_ID, BIAS_ID, Nest


class FoldedRows(Nest):
    """A software pipeline over blocks of rows of the folded result."""

    def build(self, builder: IndexBuilder) -> None:
        """Insert an unrolled region with buffers, the unpacking of B, and the loop."""
        dim, cols, depth = self.config.dim, self.totals["n"], self.totals["k"]
        folded = dim // cols
        rows = self.totals["m"] // folded
        bias = self._folded_bias(builder, rows)
        # Row p of each f, for the p that is computed first.
        views = [every_row(builder, self.op.a, folded, row) for row in reversed(range(folded))]
        result = as_matrix(builder, as_vector(builder, self.op.c), rows, dim)
        packed = as_matrix(builder, as_vector(builder, self.op.b), depth * cols // dim, dim)
        selector = self._selector(builder)
        region = UnrollOp.empty(
            software_pipeline=True, prefetch_distance=self.schedule.prefetch_distance
        )
        builder.insert(region)
        builder = IndexBuilder.at_end(region.body.block)
        slots, grid = self.schedule.slots("a"), (1, ceil_div(depth, dim))
        # Before what they must not share rows with: loads of A may come before the unpacking.
        a = [self._blocks(builder, grid, slots, Placement.CYCLIC) for _ in views]
        b = self._unpacked(builder, packed, selector)
        slots = self.schedule.slots("c")
        c = self._blocks(builder, (1, 1), slots, Placement.BANKED, Space.ACCUMULATOR)
        with builder.loop(rows, dim) as (body, offset):
            first = body.minimum(offset, rows - dim)
            for view, buffer in zip(views, a, strict=True):
                max_cols = self.schedule.mvin_cols or None
                body.insert(LoadOp(view, [first, 0], buffer, 0, [dim, depth], A_ID, max_cols))
            for number, buffer in enumerate(a):
                self._multiply(body, buffer, b, c, dim - number * cols)
            if bias is not None:
                self._add_bias(body, bias, c, first)
            body.insert(
                StoreOp(c, 0, result, [first, 0], [dim, dim], self.op.scale, self.op.activation)
            )

    def _multiply(
        self, builder: IndexBuilder, a: SSAValue, b: SSAValue, c: SSAValue, width: int
    ) -> None:
        """Overwrite the first columns of C."""
        builder.insert(
            TileMatmulOp(
                (a, 0),
                (b, 0),
                (c, 0),
                [self.config.dim, width, self.totals["k"]],
                None,
                dataflow=Dataflow.WS,
                order="mnk",
                transpose_a=False,
                transpose_b=False,
            )
        )

    def _add_bias(self, builder: IndexBuilder, bias: SSAValue, c: SSAValue, first: Index) -> None:
        """Add it to finished sums, since products overwrite what is in C before."""
        assert isa(bias.type, MemRefType)
        dim, is_row = self.config.dim, bias.type.get_num_dims() == 1
        offsets = [0] if is_row else [first, 0]
        builder.insert(LoadOp(bias, offsets, c, 0, [dim, dim], BIAS_ID, accumulate=True))

    def _unpacked(self, builder: IndexBuilder, source: SSAValue, selector: SSAValue) -> SSAValue:
        """B with its columns repeated, which is read all the time."""
        dim, rows, cols = self.config.dim, self.totals["k"], self.totals["n"]
        buffer = self._blocks(builder, (ceil_div(rows, dim), 1))
        factor = self._blocks(builder, (1, 1), placement=Placement.BANKED)
        packed_rows = rows * cols // dim
        packed = self._blocks(builder, (ceil_div(packed_rows, dim), 1), placement=Placement.BANKED)
        builder.insert(LoadOp(selector, [0, 0], factor, 0, [dim, dim], B_ID))
        builder.insert(LoadOp(source, [0, 0], packed, 0, [packed_rows, dim], B_ID))
        builder.insert(UnpackOp(packed, buffer, factor, rows, cols))
        return buffer

    def _blocks(
        self,
        builder: IndexBuilder,
        grid: tuple[int, int],
        slots: int = 1,
        placement: Placement = Placement.PACKED,
        space: Space = Space.SCRATCHPAD,
    ) -> SSAValue:
        dim = self.config.dim
        type_ = BufferType.get(grid, (dim, dim), space, slots)
        return builder.insert(AllocOp(type_, placement)).results[0]

    def _selector(self, builder: IndexBuilder) -> SSAValue:
        """Zeros, and below them an identity matrix that is repeated to the right."""
        dim, cols = self.config.dim, self.totals["n"]
        values = np.zeros((dim, dim), np.int8)
        values[dim - cols :] = np.tile(np.eye(cols, dtype=np.int8), dim // cols)
        get = constant_global(self.op, "gemmini_selector", INPUT_TYPE, values)
        return builder.insert(get).results[0]

    def _folded_bias(self, builder: IndexBuilder, rows: int) -> SSAValue | None:
        """A bias matrix of the same shape, or a row that the core repeats in a wider one."""
        dim, bias = self.config.dim, self.bias
        if bias is None:
            return None
        assert isa(bias.type, MemRefType)
        if bias.type.get_num_dims() > 1:
            return as_matrix(builder, as_vector(builder, bias), rows, dim)
        repeated = builder.insert(memref.AllocOp.get(ACC_TYPE, None, [dim])).results[0]
        with builder.loop(dim) as (body, column):
            source = body.value(body.remainder(column, bias.type.get_shape()[0]))
            element = body.insert(memref.LoadOp.get(bias, [source])).results[0]
            body.insert(memref.StoreOp.get(element, repeated, [body.value(column)]))
        builder.insert(FenceOp())
        return repeated
