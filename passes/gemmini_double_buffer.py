"""`gemmini-double-buffer`: loops over tiles become pipelines that prefetch the next tile."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

from xdsl.context import Context
from xdsl.dialects import scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter

from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import AllocOp, LoadOp, PipelineOp, StoreOp, TileMatmulOp
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder, is_pure, loop_range


@dataclass(frozen=True)
class GemminiDoubleBufferPass(ModulePass):
    """Turn each nest of tile loops whose buffers have several slots into a `gemmini.pipeline`.

    The nest is collapsed into one loop over tiles, so that prefetching goes on across the ends
    of the inner loops; what stood in an outer loop is guarded by the iteration number. Buffers
    with one slot are loaded in the compute region, just before they are used; what is added to
    finished sums, in the store region.
    """

    name = "gemmini-double-buffer"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Rewrite every such nest; others are left as they are."""
        for loop in [inner for inner in op.walk() if isinstance(inner, scf.ForOp)]:
            if loop.parent is not None and (nest := _TileNest.match(loop)) is not None:
                Rewriter.replace_op(loop, nest.build(), [])


@dataclass
class _Level:
    """One loop of the nest, with the transfers of its body (not those of inner loops)."""

    loop: scf.ForOp
    trips: int
    start: int
    step: int
    loads: list[LoadOp] = field(default_factory=list)
    products: list[TileMatmulOp] = field(default_factory=list)
    stores: list[StoreOp] = field(default_factory=list)


@dataclass
class _TileNest:
    levels: list[_Level]

    @staticmethod
    def match(root: scf.ForOp) -> _TileNest | None:
        """The nest that starts at `root`, if it is the outermost loop over tiles."""
        if any(isinstance(op, AllocOp) for op in root.walk()):
            return None
        if not any(_slots(op.buffer) > 1 for op in root.walk() if isinstance(op, LoadOp | StoreOp)):
            return None
        levels: list[_Level] = []
        loop: scf.ForOp | None = root
        while loop is not None:
            counts = loop_range(loop)
            if loop.iter_args or counts is None:
                return None
            level = _Level(loop, len(counts), counts.start, counts.step)
            loop = None
            for op in level.loop.body.block.ops:
                if isinstance(op, scf.ForOp):
                    if loop is not None:
                        return None
                    loop = op
                elif isinstance(op, LoadOp):
                    level.loads.append(op)
                elif isinstance(op, TileMatmulOp):
                    level.products.append(op)
                elif isinstance(op, StoreOp):
                    level.stores.append(op)
                elif not isinstance(op, scf.YieldOp) and not is_pure(op):
                    return None
            levels.append(level)
        return _TileNest(levels)

    def inner_trips(self, depth: int) -> int:
        """Iterations of the collapsed loop during one iteration of the loop at `depth`."""
        return prod(level.trips for level in self.levels[depth + 1 :])

    def build(self) -> PipelineOp:
        """The pipeline that is equivalent to the nest."""
        pipeline = PipelineOp.empty(prod(level.trips for level in self.levels))
        prefetch = _RegionBuilder(self, pipeline.prefetch.block.args[0])
        compute = _RegionBuilder(self, pipeline.compute.block.args[0])
        store = _RegionBuilder(self, pipeline.store.block.args[0])
        for depth, level in enumerate(self.levels):
            for load in level.loads:
                if load.accumulate is not None:
                    store.add(load, depth, first=False)
                    continue
                region = prefetch if _slots(load.buffer) > 1 else compute
                region.add(load, depth, first=True)
        for depth, level in enumerate(self.levels):
            for product in level.products:
                compute.add(product, depth, first=True)
        for depth in reversed(range(len(self.levels))):
            for transfer in self.levels[depth].stores:
                store.add(transfer, depth, first=False)
        return pipeline

    def buffer_depth(self, buffer: SSAValue) -> int:
        """Depth of the loop in which `buffer` gets new contents (or, for C, is stored)."""
        for depth, level in enumerate(self.levels):
            transfers: list[LoadOp | StoreOp] = [*level.stores, *level.loads]
            if any(transfer.buffer is buffer for transfer in transfers):
                return depth
        return len(self.levels) - 1


def _slots(buffer: SSAValue) -> int:
    assert isinstance(buffer.type, BufferType)
    return buffer.type.slots.data


class _RegionBuilder:
    """Clones operations of the nest into one region of the pipeline, at iteration `iteration`."""

    def __init__(self, nest: _TileNest, iteration: SSAValue):
        block = iteration.owner
        assert not isinstance(block, Operation)
        self.nest = nest
        self.iteration = iteration
        self.builder = IndexBuilder.at_end(block)

    def add(self, op: LoadOp | StoreOp | TileMatmulOp, depth: int, *, first: bool) -> None:
        """Clone `op`, which runs in the first (or last) inner iteration of the loop at `depth`."""
        inner = self.nest.inner_trips(depth)
        if inner == 1:
            self._clone(op, self.builder)
            return
        position = self.builder.remainder(self.iteration, inner)
        condition = self.builder.compare("eq", position, 0 if first else inner - 1)
        with self.builder.guard(condition) as guarded:
            self._clone(op, guarded)

    def _clone(self, op: LoadOp | StoreOp | TileMatmulOp, builder: IndexBuilder) -> None:
        mapping: dict[SSAValue, SSAValue] = {}
        for operand in op.operands:
            self._map(operand, mapping, builder)

        def mapped(values: list[Index]) -> list[Index]:
            return [v if isinstance(v, int) else mapping.get(v, v) for v in values]

        def slotted(buffer: SSAValue) -> tuple[SSAValue, Index]:
            return buffer, self._slot(buffer, builder)

        sizes = mapped(op.mixed_sizes)
        match op:
            case LoadOp():
                clone: Operation = LoadOp(
                    op.source,
                    mapped(op.mixed_offsets),
                    *slotted(op.buffer),
                    sizes,
                    op.id.value.data,
                    None if op.max_cols is None else op.max_cols.value.data,
                    accumulate=op.accumulate is not None,
                )
            case StoreOp():
                clone = StoreOp(
                    *slotted(op.buffer),
                    op.destination,
                    mapped(op.mixed_offsets),
                    sizes,
                    op.scale,
                    op.activation,
                    None if op.max_cols is None else op.max_cols.value.data,
                    last_row=op.last_row is not None,
                )
            case TileMatmulOp():
                accumulate = op.accumulate
                clone = TileMatmulOp(
                    slotted(op.a),
                    slotted(op.b),
                    slotted(op.c),
                    sizes,
                    None if accumulate is None else mapping.get(accumulate, accumulate),
                    dataflow=op.dataflow.data,
                    order=op.order.data,
                    transpose_a=op.transpose_a is not None,
                    transpose_b=op.transpose_b is not None,
                    packed_a=op.packed_a is not None,
                )
        builder.insert(clone)

    def _map(
        self, value: SSAValue, mapping: dict[SSAValue, SSAValue], builder: IndexBuilder
    ) -> None:
        """Make the value of `value` at this iteration available, cloning what computes it."""
        if value in mapping:
            return
        for depth, level in enumerate(self.nest.levels):
            if value is level.loop.body.block.args[0]:
                mapping[value] = builder.value(self._induction(depth, builder))
                return
        owner = value.owner
        root = self.nest.levels[0].loop
        if not isinstance(owner, Operation) or not root.is_ancestor(owner):
            return
        for operand in owner.operands:
            self._map(operand, mapping, builder)
        clone = builder.insert(owner.clone(value_mapper=mapping))
        mapping.update(zip(owner.results, clone.results, strict=True))

    def _induction(self, depth: int, builder: IndexBuilder) -> Index:
        level = self.nest.levels[depth]
        number = builder.divide(self.iteration, self.nest.inner_trips(depth))
        if depth > 0:
            number = builder.remainder(number, level.trips)
        return builder.add(builder.multiply(number, level.step), level.start)

    def _slot(self, buffer: SSAValue, builder: IndexBuilder) -> Index:
        slots = _slots(buffer)
        if slots == 1:
            return 0
        inner = self.nest.inner_trips(self.nest.buffer_depth(buffer))
        return builder.remainder(builder.divide(self.iteration, inner), slots)
