"""`gemmini-interleave`: pipelines become loops with one order of loads, products and stores."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Region
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import PipelineOp
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder


@dataclass(frozen=True)
class GemminiInterleavePass(ModulePass):
    """Expand each `gemmini.pipeline` in order: all of the next tile's loads, then this tile.

    One loop serves start-up, steady state and drain: iteration t prefetches tile t and executes
    tile t - 1, so that each region is emitted once.
    """

    name = "gemmini-interleave"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Expand every pipeline."""
        PatternRewriteWalker(ExpandPipeline(), apply_recursively=False).rewrite_module(op)


class ExpandPipeline(RewritePattern):
    """Expand one pipeline."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PipelineOp, rewriter: PatternRewriter) -> None:
        """Replace `op` by a loop over its iterations and one more for the drain."""
        trips = op.trip_count.value.data
        builder = IndexBuilder.before(op)
        if not op.prefetch.block.ops:
            with builder.loop(trips) as (body, iteration):
                _inline(op.compute, body, iteration)
                _inline(op.store, body, iteration)
        else:
            with builder.loop(trips + 1) as (body, iteration):
                with body.guard(body.compare("slt", iteration, trips)) as prefetch:
                    _inline(op.prefetch, prefetch, iteration)
                with body.guard(body.compare("sgt", iteration, 0)) as execute:
                    previous = execute.subtract(iteration, 1)
                    _inline(op.compute, execute, previous)
                    _inline(op.store, execute, previous)
        rewriter.erase(op)


def _inline(region: Region, builder: IndexBuilder, iteration: Index) -> None:
    """Move the operations of `region` to `builder`, with `iteration` for its argument."""
    region.block.args[0].replace_all_uses_with(builder.value(iteration))
    for op in list(region.block.ops):
        op.detach()
        builder.insert(op)
