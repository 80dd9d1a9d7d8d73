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
from gemmini_xdsl.dialects.tile import UnpackOp
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder


class LowerUnpack(RewritePattern):
    """`gemmini.unpack`: CONFIG_EX, and for each block of packed rows as many products as become of
    one row.

    Row r of product p, which selects columns p * cols and following, goes to row p of those that
    packed row r becomes. The selector's last rows are the identity, so that its lower part has
    that as many rows down as there are columns before.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: UnpackOp, rewriter: PatternRewriter) -> None:
        """Loop over blocks of packed rows."""
        dim, cols = module_config(op).dim, op.cols.value.data
        packed_rows, parts = op.rows.value.data * cols // dim, dim // cols
        builder = IndexBuilder.before(op)
        builder.insert(ConfigExOp(Dataflow.WS, False, False, c_stride=parts))
        for part in range(parts):
            depth = (part + 1) * cols
            for number in range(-(-packed_rows // dim)):
                row = number * dim
                height = min(dim, packed_rows - row)
                packed = builder.insert(LocalAddressOp(op.packed, 0, row)).results[0]
                first = row * parts + part
                result = builder.insert(LocalAddressOp(op.buffer, 0, first)).results[0]
                weights = None
                if number == 0:
                    weights = builder.insert(LocalAddressOp(op.selector, 0, dim - depth)).results[0]
                builder.insert(PreloadOp(weights, [depth, dim], result, [height, dim]))
                kind = ComputePreloadedOp if number == 0 else ComputeAccumulatedOp
                builder.insert(kind(packed, [height, depth], None, [height, dim]))
        rewriter.erase(op)
