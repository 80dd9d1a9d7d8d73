"""Software pipelines: a prologue, a loop over a kernel without loops, and an epilogue."""

from __future__ import annotations

from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation
from xdsl.rewriter import InsertPoint, Rewriter

from gemmini_xdsl.dialects.tile import AllocOp, PipelineOp, UnrollOp
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder, is_pure
from gemmini_xdsl.passes.instruction_streams import copy_region


def expand_software_pipeline(op: PipelineOp, region: UnrollOp) -> None:
    """Make a loop of `op`, which stands in `region` and is left to be erased.

    `region` becomes the prologue: what stands before `op`, the first tile, and the loads of the
    second. The kernel computes one tile, loads the next and stores the one before. It loads one
    tile too many, which the tiles' offsets allow. The epilogue stores the last tile.
    """
    trips = op.trip_count.value.data
    for inner in list(region.body.block.ops):
        if isinstance(inner, AllocOp) or is_pure(inner):
            _move_before(inner, region)
    prologue = IndexBuilder.before(op)
    copy_region(op.prefetch.block, prologue, 0)
    copy_region(op.compute.block, prologue, 0)
    copy_region(op.prefetch.block, prologue, 1)
    region.software_pipeline = None

    after = IndexBuilder(InsertPoint.after(region))
    with after.loop(trips, start=1) as (body, iteration):
        previous, following = body.subtract(iteration, 1), body.add(iteration, 1)
        kernel = UnrollOp.empty(kernel=True)
        body.insert(kernel)
        inside = IndexBuilder.at_end(kernel.body.block)
        copy_region(op.store.block, inside, previous)
        copy_region(op.prefetch.block, inside, following)
        copy_region(op.compute.block, inside, iteration)
        _hoist_invariant(kernel)
    epilogue = UnrollOp.empty()
    after.insert(epilogue)
    copy_region(op.store.block, IndexBuilder.at_end(epilogue.body.block), trips - 1)


def _hoist_invariant(kernel: UnrollOp) -> None:
    """Compute before the kernel what depends on the iteration alone."""
    block: Block = kernel.body.block
    for op in list(block.ops):
        inside = any(
            isinstance(operand.owner, Operation) and operand.owner.parent is block
            for operand in op.operands
        )
        numbers = all(isinstance(result.type, IndexType) for result in op.results)
        if is_pure(op) and numbers and not op.regions and not inside:
            _move_before(op, kernel)


def _move_before(op: Operation, place: Operation) -> None:
    op.detach()
    Rewriter.insert_op(op, InsertPoint.before(place))
