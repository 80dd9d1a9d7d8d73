"""How `gemmini.load_transposed` becomes MVINs and passes through the array."""

from __future__ import annotations

from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Operation, SSAValue
from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.attributes import Dataflow
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.isa import (
    MVIN_OPS,
    ComputeAccumulatedOp,
    ComputePreloadedOp,
    ConfigExOp,
    ConfigLdOp,
    LocalAddressOp,
    PreloadOp,
)
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.matmul import row_stride
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import LoadTransposedOp
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.schedule_rules import ceil_div


class LowerLoadTransposed(RewritePattern):
    """`gemmini.load_transposed`: CONFIG_LD, CONFIG_EX, and a loop over groups of blocks.

    Each iteration loads a group, and multiplies the blocks of one that was loaded before, so that
    loads and array work at the same time. The factor is moving (os), or weights that stay (ws).
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: LoadTransposedOp, rewriter: PatternRewriter) -> None:
        """What all slots of the staging buffer but one hold is loaded ahead."""
        groups = _Groups(op)
        builder = IndexBuilder.before(op)
        stride = row_stride(groups.source) * groups.config.input_bytes
        builder.insert(ConfigLdOp(op.id.value.data, stride, groups.config.dim))
        dataflow = op.dataflow.data
        builder.insert(ConfigExOp(dataflow, True, dataflow == Dataflow.OS))
        total = groups.count
        ahead = min((groups.slots - 1) * groups.in_slot, total - 1)
        for number in range(ahead + 1):
            groups.load(builder, number)
        groups.transpose(builder, 0, first=True)
        if total > ahead + 1:
            with builder.loop(total, start=ahead + 1) as (body, next_one):
                groups.load(body, next_one)
                groups.transpose(body, body.subtract(next_one, ahead))
        for number in range(total - ahead, total):
            groups.transpose(builder, number)
        rewriter.erase(op)


class _Groups:
    """The groups of blocks of the source, row by row."""

    def __init__(self, op: LoadTransposedOp):
        source, staging, buffer = op.source.type, op.staging.type, op.buffer.type
        assert isa(source, MemRefType)
        assert isinstance(staging, BufferType)
        assert isinstance(buffer, BufferType)
        self.op, self.source, self.config = op, source, module_config(op)
        self.dim = self.config.dim
        self.rows, self.cols = source.get_shape()
        self.width, self.slots = op.cols.value.data // self.dim, staging.slots.data
        self.in_slot = staging.grid[1] // self.width
        self.in_row = ceil_div(self.cols, self.width * self.dim)
        self.count = ceil_div(self.rows, self.dim) * self.in_row
        self.buffer_cols = buffer.grid[1]

    def load(self, builder: IndexBuilder, number: Index) -> None:
        """Load group `number`."""
        row, col = self._place(builder, number)
        width = self.width * self.dim
        address = self._staged(builder, number, 0)
        offsets = [builder.multiply(row, self.dim), builder.multiply(col, width)]
        sizes = [
            builder.block_size(self.rows, row, self.dim),
            builder.block_size(self.cols, col, width),
        ]
        builder.insert(MVIN_OPS[self.op.id.value.data](self.op.source, offsets, address, sizes))

    def transpose(self, builder: IndexBuilder, number: Index, *, first: bool = False) -> None:
        """Multiply the blocks of group `number`, transposed, by the factor."""
        row, col = self._place(builder, number)
        height = builder.block_size(self.rows, row, self.dim)
        for block in range(self.width):
            block_col = builder.add(builder.multiply(col, self.width), block)
            width = builder.block_size(self.cols, block_col, self.dim)
            local = builder.add(
                builder.multiply(block_col, self.buffer_cols * self.dim),
                builder.multiply(row, self.dim),
            )
            result = builder.insert(LocalAddressOp(self.op.buffer, 0, local)).results[0]
            staged = self._staged(builder, number, block)
            if self.op.dataflow.data == Dataflow.OS:
                builder.insert(PreloadOp(None, [width, self.dim], result, [width, self.dim]))
                compute: Operation = ComputePreloadedOp(
                    staged, [width, height], self._factor(builder), [height, self.dim]
                )
            else:
                new = first and block == 0
                weights = self._factor(builder) if new else None
                builder.insert(PreloadOp(weights, [self.dim] * 2, result, [width, self.dim]))
                kind = ComputePreloadedOp if new else ComputeAccumulatedOp
                compute = kind(staged, [width, height], None, [width, self.dim])
            builder.insert(compute)

    def _factor(self, builder: IndexBuilder) -> SSAValue:
        return builder.insert(LocalAddressOp(self.op.factor, 0, 0)).results[0]

    def _place(self, builder: IndexBuilder, number: Index) -> tuple[Index, Index]:
        """The row of blocks, and the group in it."""
        return builder.divide(number, self.in_row), builder.remainder(number, self.in_row)

    def _staged(self, builder: IndexBuilder, number: Index, block: int) -> SSAValue:
        slot = builder.remainder(builder.divide(number, self.in_slot), self.slots)
        place = builder.remainder(number, self.in_slot)
        row = builder.add(builder.multiply(place, self.width * self.dim), block * self.dim)
        op = LocalAddressOp(self.op.staging, slot, row)
        return builder.insert(op).results[0]
