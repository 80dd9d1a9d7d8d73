"""`gemmini-tile`: a product becomes loops over on-chip tiles with loads, products and stores."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import memref, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects.attributes import ACC_TYPE, Lowering, Schedule
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.isa import FenceOp
from gemmini_xdsl.dialects.matmul import INT8_MAX, INT8_MIN, MatmulOp
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.resident_transposition import ResidentTransposition
from gemmini_xdsl.passes.row_folding import FoldedRows
from gemmini_xdsl.passes.schedule_rules import Problem, Tiling, schedule_problem
from gemmini_xdsl.passes.tile_nests import InstructionNest, LoopWsNest, TilesOfK


@dataclass(frozen=True)
class GemminiTilePass(ModulePass):
    """Lower `gemmini.matmul` to level 2 as its schedule says.

    A load stands in the loop that changes what it loads, not further inside, so that an operand
    stays in the scratchpad while only the other one changes.
    """

    name = "gemmini-tile"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Tile every product; raises `PassFailedException` for one that is not ready."""
        PatternRewriteWalker(TileMatmul(), apply_recursively=False).rewrite_module(op)


class TileMatmul(RewritePattern):
    """Expand one product into its loop nest, followed by a fence."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: MatmulOp, rewriter: PatternRewriter) -> None:
        """Replace `op`; it must have a schedule and need no arithmetic the hardware lacks."""
        config = module_config(op)
        schedule = _checked_schedule(op, config)
        builder = IndexBuilder.before(op)
        bias = _bias_in_memory(op, schedule, config, builder)
        if bias is not op.bias or _core_wrote_memory(op):
            builder.insert(FenceOp())
        if schedule.lowering == Lowering.LOOP_WS:
            LoopWsNest(op, bias, schedule, config).build(builder)
        elif schedule.transpose_resident:
            ResidentTransposition(op, bias, schedule, config).build(builder)
        elif schedule.fold_rows:
            FoldedRows(op, bias, schedule, config).build(builder)
        elif schedule.prefetch_distance and not schedule.software_pipeline:
            TilesOfK(op, bias, schedule, config).build(builder)
        else:
            InstructionNest(op, bias, schedule, config).build(builder)
        builder.insert(FenceOp())
        rewriter.erase(op)


def _checked_schedule(op: MatmulOp, config: GemminiConfig) -> Schedule:
    if op.schedule is None:
        raise PassFailedException(
            f"{location(op)}: has no schedule; run gemmini-assign-schedule first"
        )
    if op.zero_points[:2] != (0, 0):
        raise PassFailedException(
            f"{location(op)}: has zero points; run gemmini-fold-zero-points first"
        )
    if op.zero_points[2] != 0 or op.clip != (INT8_MIN, INT8_MAX):
        raise PassFailedException(
            f"{location(op)}: the hardware has neither an output zero point nor a clip range "
            "other than int8; run gemmini-legalize-requantization first"
        )
    schedule = op.schedule.data
    if schedule.swap_operands:
        raise PassFailedException(
            f"{location(op)}: swaps its operands; run gemmini-swap-operands first"
        )
    broken = schedule_problem(schedule, Problem.of(op), config)
    if broken is not None:
        raise PassFailedException(f"{location(op)}: {broken}")
    return schedule


def _bias_in_memory(
    op: MatmulOp, schedule: Schedule, config: GemminiConfig, builder: IndexBuilder
) -> SSAValue | None:
    """The bias as a memref: a scalar is written to a row as wide as a tile first."""
    bias = op.bias
    if bias is None or bias.type != ACC_TYPE:
        return bias
    tile = Tiling.of(schedule, Problem.of(op), config).tile
    width = min(op.sizes[1], tile[1] * config.dim)
    row = builder.insert(memref.AllocOp.get(ACC_TYPE, None, [width])).results[0]
    with builder.loop(width) as (body, column):
        body.insert(memref.StoreOp.get(bias, row, [body.value(column)]))
    return row


def _core_wrote_memory(op: Operation) -> bool:
    """Whether an operation before `op` in its function may have the core write memory.

    Loops around `op` count as a whole: what follows `op` in one runs before it the next time.
    """
    current: Operation | None = op
    while current is not None and not isinstance(current, ModuleOp):
        loops_back = isinstance(current, scf.ForOp | scf.WhileOp)
        scope = current.walk() if loops_back else ()
        if any(_is_core_write(inner) for inner in scope):
            return True
        previous = current.prev_op
        while previous is not None:
            if any(_is_core_write(inner) for inner in previous.walk()):
                return True
            previous = previous.prev_op
        current = current.parent_op()
    return False


def _is_core_write(op: Operation) -> bool:
    return isinstance(op, memref.StoreOp | memref.CopyOp) or op.name.startswith(
        ("linalg.", "func.call")
    )
