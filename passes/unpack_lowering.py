"""How `gemmini.unpack` becomes passes through the array."""

from __future__ import annotations

from xdsl.pattern_rewriter import PatternRewriter, RewritePattern, op_type_rewrite_pattern

from gemmini_xdsl.dialects.attributes import Dataflow
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.isa import (
    ComputeAccumulatedOp,
    ComputePreloadedOp,
    ConfigExOp,
    LocalAddressOp,
    PreloadOp,
)
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import UnpackOp
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.schedule_rules import ceil_div


class LowerUnpack(RewritePattern):
    """`gemmini.unpack`: CONFIG_EX, and as many products with each block as become of one row.

    Product p yields row p of those that each packed row becomes, so that results lie `c_stride`
    rows apart. Its weights take the packed row's columns p * cols and following: they are the
    selector from the row on that makes its identity meet them. Blocks share these weights.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: UnpackOp, rewriter: PatternRewriter) -> None:
        """For each part of a row, loop over blocks of packed rows."""
        dim, cols = module_config(op).dim, op.cols.value.data
        blocks = ceil_div(op.rows.value.data * cols, dim**2)
        builder = IndexBuilder.before(op)
        builder.insert(ConfigExOp(Dataflow.WS, False, False, c_stride=dim // cols))
        for part in range(dim // cols):
            _multiply(builder, op, part, 0, first=True)
            if blocks > 1:
                with builder.loop(blocks, start=1) as (body, number):
                    _multiply(body, op, part, number, first=False)
        rewriter.erase(op)


def _multiply(
    builder: IndexBuilder, op: UnpackOp, part: int, number: Index, *, first: bool
) -> None:
    """The product of a block, with new weights if it is the first one."""
    dim, cols = module_config(op).dim, op.cols.value.data
    row, depth = builder.multiply(number, dim), (part + 1) * cols
    height = builder.block_size(op.rows.value.data * cols // dim, number, dim)
    target = builder.add(builder.multiply(row, dim // cols), part)
    packed = builder.insert(LocalAddressOp(op.packed, 0, row)).results[0]
    result = builder.insert(LocalAddressOp(op.buffer, 0, target)).results[0]
    weights = None
    if first:
        weights = builder.insert(LocalAddressOp(op.selector, 0, dim - depth)).results[0]
    builder.insert(PreloadOp(weights, [depth, dim], result, [height, dim]))
    kind = ComputePreloadedOp if first else ComputeAccumulatedOp
    builder.insert(kind(packed, [height, depth], None, [height, dim]))
