"""`gemmini-swap-operands`: products of one column become products of one row."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.utils.exceptions import PassFailedException
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.attributes import ScheduleAttr
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.row_views import as_matrix, as_vector
from gemmini_xdsl.passes.schedule_rules import Problem, as_executed, schedule_problem


@dataclass(frozen=True)
class GemminiSwapOperandsPass(ModulePass):
    """Compute `C = A * B` as `C^T = B^T * A^T` where the schedule says `swap_operands`.

    C has a single column, so that it is a row in memory, too, and B is one already. Stores of a row
    are as wide as the array, those of a column a request for each element. A bias of one element
    becomes a scalar. Raises `PassFailedException` for a product that cannot be computed like that.
    """

    name = "gemmini-swap-operands"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite every such product; others are left as they are."""
        PatternRewriteWalker(SwapOperands(), apply_recursively=False).rewrite_module(op)


class SwapOperands(RewritePattern):
    """Swap the operands of one product, which are views of the same memory."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatmulOp, rewriter: PatternRewriter) -> None:
        """Replace `op` if its schedule says so."""
        if op.schedule is None or not op.schedule.data.swap_operands:
            return
        problem = Problem.of(op)
        if (broken := schedule_problem(op.schedule.data, problem, module_config(op))) is not None:
            raise PassFailedException(f"{location(op)}: {broken}")
        schedule, swapped = as_executed(op.schedule.data, problem)
        builder = IndexBuilder.before(op)
        b, c = (
            as_matrix(builder, as_vector(builder, m), 1, size)
            for m, size in ((op.b, problem.k), (op.c, problem.m))
        )
        a_zero, b_zero, c_zero = op.zero_points
        product = MatmulOp(
            b,
            op.a,
            c,
            _swapped_bias(op, builder),
            transpose_b=swapped.transpose_b,
            scale=op.scale.value.data,
            activation=op.activation.data,
            clip=op.clip,
            zero_points=(b_zero, a_zero, c_zero),
            schedule=ScheduleAttr(schedule),
        )
        product.attributes.update(op.attributes)
        builder.insert(product)
        rewriter.erase(op)


def _swapped_bias(op: MatmulOp, builder: IndexBuilder) -> SSAValue | None:
    """A bias of a column as a row; one that is the same for all elements as a scalar."""
    bias = op.bias
    if bias is None or not isa(bias.type, MemRefType):
        return bias
    if bias.type.get_num_dims() == 2:
        return as_vector(builder, bias)
    return builder.insert(memref.LoadOp.get(bias, [builder.value(0)])).results[0]
