"""`gemmini-transpose-weights`: constant weights are stored as a product takes them fastest."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.rewriter import InsertPoint, Rewriter

from gemmini_xdsl.dialects.attributes import INPUT_TYPE, Dataflow
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.constant_globals import (
    constant_contents,
    constant_global,
    erase_unused_globals,
)
from gemmini_xdsl.passes.diagnostics import function_name
from gemmini_xdsl.passes.matmul_rewriting import with_weights
from gemmini_xdsl.passes.schedule_rules import can_transpose


@dataclass(frozen=True)
class GemminiTransposeWeightsPass(ModulePass):
    """Transpose B at compile time, where it is a constant global, if that pays.

    The array would transpose it again and again, or once for each call. But if A is a single row of
    blocks, loads of B take longest, and they do where rows do not begin on beats of the bus: then
    B is stored transposed if rows begin on beats only like that. Products that have a schedule are
    left, since that knows how B is stored, and those of one column, which is a row in memory.
    """

    name = "gemmini-transpose-weights"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Transpose the weights of every product for which it pays."""
        PatternRewriteWalker(TransposeWeights(), apply_recursively=False).rewrite_module(op)
        erase_unused_globals(op)


class TransposeWeights(RewritePattern):
    """Give one product another constant."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatmulOp, rewriter: PatternRewriter) -> None:
        """Replace `op` if its B is a constant that should be stored the other way."""
        if op.schedule is not None or op.sizes[1] == 1:
            return
        transposed = _should_be_transposed(op, module_config(op))
        if transposed == (op.transpose_b is not None):
            return
        weights = constant_contents(op.b)
        if weights is None:
            return
        stem = f"{function_name(op)}_weights"
        get = constant_global(op, stem, INPUT_TYPE, np.ascontiguousarray(weights.T))
        place = InsertPoint.before(op)
        Rewriter.insert_op(get, place)
        Rewriter.insert_op(with_weights(op, get.memref, transposed), place)
        rewriter.erase(op)


def _should_be_transposed(op: MatmulOp, config: GemminiConfig) -> bool:
    """Whether only rows of B transposed begin on beats, and the array can do without a second pass:
    see `transpose_resident`.
    """
    m, n, k = op.sizes
    beat = config.dma_bus_bits // 8
    able = config.supports_dataflow(Dataflow.OS.value) and can_transpose(config)
    if not able or op.transpose_a is not None:
        return False
    on_beats = [size * config.input_bytes % beat == 0 for size in (n, k)]
    return m <= config.dim and on_beats == [False, True]
