"""`gemmini-interleave`: pipelines become loops with one order of loads, products and stores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, ModuleOp
from xdsl.ir import Block, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)

from gemmini_xdsl.dialects.bounds import constant_value
from gemmini_xdsl.dialects.isa import LocalAddressOp, MvoutOp
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import PipelineOp, UnrollOp
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.instruction_streams import (
    ProductNest,
    Stream,
    clone_into,
    open_streams,
)


@dataclass(frozen=True)
class GemminiInterleavePass(ModulePass):
    """Expand each `gemmini.pipeline`.

    The front end takes commands in order, and a full partition of the reservation station holds
    up whatever stands behind it. So the loads of the next tile are spread evenly over the
    products of the current one. The stores of the previous tile are, too, if the accumulator
    has a slot for each: a bank that the array adds to every cycle cannot be read.

    A pipeline whose regions are not understood that way, or whose instructions are ordered one by
    one later (in a `gemmini.unroll`), is expanded region by region: all of the next tile's loads,
    this tile's products, this tile's stores.
    """

    name = "gemmini-interleave"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Expand every pipeline."""
        PatternRewriteWalker(ExpandPipeline(), apply_recursively=False).rewrite_module(op)


class ExpandPipeline(RewritePattern):
    """Expand one pipeline."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: PipelineOp, rewriter: PatternRewriter) -> None:
        """Replace `op` by loops over its iterations."""
        builder = IndexBuilder.before(op)
        nest = ProductNest.find(op.compute.block)
        if (
            nest is None
            or isinstance(op.parent_op(), UnrollOp)
            or not _has_streams(op.prefetch.block)
        ):
            _expand_in_order(op, builder)
        else:
            _Interleaving(op, nest).build(builder)
        rewriter.erase(op)


def _has_streams(block: Block) -> bool:
    """Whether a region of transfers is understood."""
    scratch = Block()
    streams = open_streams(block, IndexBuilder.at_end(scratch), {}, None)
    for inner in reversed(list(scratch.ops)):
        inner.detach()
        inner.erase()
    return streams is not None


def _expand_in_order(op: PipelineOp, builder: IndexBuilder) -> None:
    """One loop for start-up, steady state and drain, with each region once."""
    trips = op.trip_count.value.data
    if not op.prefetch.block.ops:
        with builder.loop(trips) as (body, iteration):
            _copy(op.compute.block, body, iteration)
            _copy(op.store.block, body, iteration)
        return
    with builder.loop(trips + 1) as (body, iteration):
        with body.guard(body.compare("slt", iteration, trips)) as prefetch:
            _copy(op.prefetch.block, prefetch, iteration)
        with body.guard(body.compare("sgt", iteration, 0)) as execute:
            previous = execute.subtract(iteration, 1)
            _copy(op.compute.block, execute, previous)
            _copy(op.store.block, execute, previous)


