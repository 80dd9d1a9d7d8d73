"""Software pipelines: a prologue, a loop over a kernel without loops, and an epilogue."""

from __future__ import annotations

from xdsl.dialects.builtin import IndexType, UnitAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.transforms.common_subexpression_elimination import KnownOps
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects.bounds import constant_value
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import AllocOp, PipelineOp, UnrollOp
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder, is_pure
from gemmini_xdsl.passes.instruction_streams import Stream, copy_region, open_streams


def expand_software_pipeline(op: PipelineOp, region: UnrollOp) -> None:
    """Make a loop of `op`, which stands in `region` and is left to be erased.

    `region` becomes the prologue: what stands before `op`, the first tiles, and the loads of the
    next; all of these tiles but the last are stored there. The kernel computes one tile, loads the
    next and stores the one before. It loads one tile too many, which the tiles' offsets allow. The
    epilogue stores the last tile.

    With a prefetch distance of n only the first n loads of the next tile's operand are sent in
    advance, and the kernel begins with those that its own tile still lacks.
    """
    trips, distance = op.trip_count.value.data, region.distance
    tiles = region.tiles
    if tiles >= trips:
        raise PassFailedException(
            f"{location(op)}: a software pipeline computes {tiles} of its {trips} tiles before its "
            "loop, which needs one at least; use fewer prologue_tiles, or no software_pipeline"
        )
    for inner in list(region.body.block.ops):
        if isinstance(inner, AllocOp) or is_pure(inner):
            _move_before(inner, region)
    prologue = IndexBuilder.before(op)
    for tile in range(tiles):
        copy_region(op.prefetch.block, prologue, tile)
        copy_region(op.compute.block, prologue, tile)
    for tile in range(tiles - 1):
        copy_region(op.store.block, prologue, tile)
    _load_ahead(op, prologue, tiles, distance)
    region.software_pipeline, region.prologue = None, UnitAttr()

    after = IndexBuilder(InsertPoint.after(region))
    with after.loop(trips, start=tiles) as (body, iteration):
        previous, following = body.subtract(iteration, 1), body.add(iteration, 1)
        kernel = UnrollOp.empty(kernel=True, prefetch_distance=distance)
        body.insert(kernel)
        inside = IndexBuilder.at_end(kernel.body.block)
        copy_region(op.store.block, inside, previous)
        if distance:
            _load_rest(op, inside, iteration, distance)
        _load_ahead(op, inside, following, distance)
        copy_region(op.compute.block, inside, iteration)
        _hoist_invariant(kernel)
    epilogue = UnrollOp.empty()
    after.insert(epilogue)
    copy_region(op.store.block, IndexBuilder.at_end(epilogue.body.block), trips - 1)


def _load_ahead(op: PipelineOp, builder: IndexBuilder, iteration: Index, distance: int) -> None:
    """The loads of a tile that are sent while the one before is computed."""
    if not distance:
        copy_region(op.prefetch.block, builder, iteration)
        return
    for stream in _streams(op, builder, iteration):
        ahead = stream.limit if stream.touches_accumulator else min(distance, stream.limit)
        stream.issue_range(builder, 0, ahead)
        if not stream.touches_accumulator:
            distance -= ahead


def _load_rest(op: PipelineOp, builder: IndexBuilder, iteration: Index, distance: int) -> None:
    """The other loads of the tile."""
    for stream in _streams(op, builder, iteration):
        if not stream.touches_accumulator:
            ahead = min(distance, stream.limit)
            stream.issue_range(builder, ahead, stream.limit)
            distance -= ahead


def _streams(op: PipelineOp, builder: IndexBuilder, iteration: Index) -> list[Stream]:
    block = op.prefetch.block
    mapping: dict[SSAValue, SSAValue] = {block.args[0]: builder.value(iteration)}
    streams = open_streams(block, builder, mapping, None)
    if streams is None or any(_trips(stream) != stream.limit for stream in streams):
        raise PassFailedException(
            f"{location(op)}: prefetch_distance needs loads that can be counted when compiling; "
            "leave it out"
        )
    return streams


def _trips(stream: Stream) -> int | None:
    return stream.count if isinstance(stream.count, int) else constant_value(stream.count)


def _hoist_invariant(kernel: UnrollOp) -> None:
    """Compute before the kernel what depends on the iteration alone, each number once.

    Slots of the same tile are then the same value, by which they are known.
    """
    block: Block = kernel.body.block
    known = KnownOps()
    for op in list(block.ops):
        inside = any(
            isinstance(operand.owner, Operation) and operand.owner.parent is block
            for operand in op.operands
        )
        numbers = all(isinstance(result.type, IndexType) for result in op.results)
        if not is_pure(op) or not numbers or op.regions or inside:
            continue
        if (same := known.get(op)) is not None:
            Rewriter.replace_op(op, [], same.results)
        else:
            known[op] = op
            _move_before(op, kernel)


def _move_before(op: Operation, place: Operation) -> None:
    op.detach()
    Rewriter.insert_op(op, InsertPoint.before(place))
