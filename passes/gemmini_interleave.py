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
    copy_region,
    open_streams,
)
from gemmini_xdsl.passes.software_pipelining import expand_software_pipeline


@dataclass(frozen=True)
class GemminiInterleavePass(ModulePass):
    """Expand each `gemmini.pipeline`.

    The front end takes commands in order, and a full partition of the reservation station holds
    up whatever stands behind it. So the loads of the next tile are spread evenly over the
    products of the current one. The stores of the previous tile are, too, if the accumulator
    has a slot for each: a bank that the array adds to every cycle cannot be read.

    A pipeline whose regions are not understood that way, or whose instructions are ordered one by
    one later (in a `gemmini.unroll`), is expanded region by region: all of the next tile's loads,
    this tile's products, this tile's stores. That of a `gemmini.unroll software_pipeline` becomes
    a prologue, a loop over a kernel, and an epilogue.
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
        parent = op.parent_op()
        if isinstance(parent, UnrollOp) and parent.software_pipeline is not None:
            expand_software_pipeline(op, parent)
            rewriter.erase(op)
            return
        nest = ProductNest.find(op.compute.block)
        if nest is None or isinstance(parent, UnrollOp) or not _has_streams(op.prefetch.block):
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


def _stores_can_wait(op: PipelineOp) -> bool:
    """Whether every stored buffer has several slots and takes turns with them.

    A tile is then stored from another slot than the next tile is computed into.
    """
    addresses = [
        inner.source.owner
        for inner in op.store.walk()
        if isinstance(inner, MvoutOp) and isinstance(inner.source.owner, LocalAddressOp)
    ]
    return all(
        isinstance(address.buffer.type, BufferType)
        and address.buffer.type.slots.data > 1
        and not isinstance(address.slot_and_row[0], int)
        for address in addresses
    )


def _expand_in_order(op: PipelineOp, builder: IndexBuilder) -> None:
    """One loop for start-up, steady state and drain, with each region once."""
    trips = op.trip_count.value.data
    if not op.prefetch.block.ops:
        with builder.loop(trips) as (body, iteration):
            copy_region(op.compute.block, body, iteration)
            copy_region(op.store.block, body, iteration)
        return
    with builder.loop(trips + 1) as (body, iteration):
        with body.guard(body.compare("slt", iteration, trips)) as prefetch:
            copy_region(op.prefetch.block, prefetch, iteration)
        with body.guard(body.compare("sgt", iteration, 0)) as execute:
            previous = execute.subtract(iteration, 1)
            copy_region(op.compute.block, execute, previous)
            copy_region(op.store.block, execute, previous)


NEVER_DUE = -(1 << 40)
"""Credit of a stream with nothing to issue: no tile has enough points to make it positive."""


@dataclass(frozen=True)
class _Progress:
    """How far a stream has come: credit for transfers that are due, and transfers issued."""

    credit: SSAValue
    issued: SSAValue

    @property
    def values(self) -> tuple[SSAValue, SSAValue]:
        """What loops carry."""
        return self.credit, self.issued


class _Interleaving:
    """The products of each iteration, with the loads of the next and the stores between them."""

    def __init__(self, op: PipelineOp, nest: ProductNest):
        self.op = op
        self.nest = nest
        self.trips = op.trip_count.value.data
        self.delay_stores = _stores_can_wait(op) and _has_streams(op.store.block)
        self.depth = nest.interleaving_depth()
        self.points = nest.limit(self.depth)
        self.streams: list[Stream] = []
        self.state: list[_Progress] = []

    def build(self, builder: IndexBuilder) -> None:
        """Insert start-up, the loop over all tiles, and the last stores."""
        copy_region(self.op.prefetch.block, builder, 0)
        with builder.loop(self.trips) as (body, iteration):
            self._build_iteration(body, iteration)
        if self.delay_stores:
            copy_region(self.op.store.block, builder, self.trips - 1)

    def _build_iteration(self, builder: IndexBuilder, iteration: Index) -> None:
        stores: list[Stream] = []
        if self.delay_stores:
            previous = builder.subtract(iteration, 1)
            started = builder.compare("sgt", iteration, 0)
            stores = self._open(self.op.store.block, builder, previous, started)
        following = builder.add(iteration, 1)
        more = builder.compare("slt", following, self.trips)
        loads = self._open(self.op.prefetch.block, builder, following, more)
        # What is stored now may lie where the bias of the next tile goes. So stores come first,
        # and a bias waits for the store of the same blocks, or for all stores.
        biases = [stream for stream in loads if stream.touches_accumulator]
        together = all(store.covers_like(bias) for store in stores for bias in biases)
        others = [stream for stream in loads if stream not in biases]
        in_step = [*stores, *biases] if together else stores
        self.streams = [*in_step, *others]
        self.state = [
            self._initial(builder, stream, number, len(in_step))
            for number, stream in enumerate(self.streams)
        ]
        compute = self.op.compute.block
        mapping: dict[SSAValue, SSAValue] = {compute.args[0]: builder.value(iteration)}
        self._copy_nest(compute, builder, mapping, 0)
        self._finish_streams(builder, mapping)
        if not together:
            for stream in biases:
                stream.issue_range(builder, 0, stream.count)
        if not self.delay_stores:
            copy_region(self.op.store.block, builder, iteration)

    @staticmethod
    def _open(
        block: Block, builder: IndexBuilder, iteration: Index, condition: SSAValue
    ) -> list[Stream]:
        mapping: dict[SSAValue, SSAValue] = {block.args[0]: builder.value(iteration)}
        streams = open_streams(block, builder, mapping, condition)
        assert streams is not None
        return streams

    def _initial(
        self, builder: IndexBuilder, stream: Stream, number: int, in_step: int
    ) -> _Progress:
        """Nothing issued yet; streams that need not go in step are due at different points."""
        shift = 0 if number < in_step else number * self.points // len(self.streams)
        credit: Index = shift
        if not isinstance(stream.count, int):
            some = builder.compare("sgt", stream.count, 0)
            select = arith.SelectOp(some, builder.value(shift), builder.value(NEVER_DUE))
            credit = builder.insert(select).results[0]
        return _Progress(builder.value(credit), builder.value(0))

    def _copy_nest(
        self,
        block: Block,
        builder: IndexBuilder,
        mapping: dict[SSAValue, SSAValue],
        depth: int,
    ) -> None:
        """Clone `block`; at `depth` loops of the nest, add transfers to the body."""
        for op in block.ops:
            if isinstance(op, scf.YieldOp):
                continue
            if depth < self.depth and op is self.nest.loops[depth]:
                self._copy_loop(op, builder, mapping, depth)
            else:
                clone_into(op, builder, mapping)
        if depth == self.depth:
            for number, stream in enumerate(self.streams):
                self.state[number] = self._advance(builder, stream, self.state[number])

    def _copy_loop(
        self, loop: scf.ForOp, builder: IndexBuilder, mapping: dict[SSAValue, SSAValue], depth: int
    ) -> None:
        """Clone one loop of the nest; it carries how far the streams have come."""
        carried = [value for progress in self.state for value in progress.values]
        block = Block(arg_types=[IndexType()] * (1 + len(carried)))
        self._set_state(block.args[1:])
        inner = {**mapping, loop.body.block.args[0]: block.args[0]}
        self._copy_nest(loop.body.block, IndexBuilder.at_end(block), inner, depth + 1)
        block.add_op(scf.YieldOp(*(v for progress in self.state for v in progress.values)))
        stop = builder.value(self._trips(loop, mapping))
        copy = scf.ForOp(builder.value(0), stop, builder.value(1), carried, block)
        builder.insert(copy)
        self._set_state(copy.results)

    def _set_state(self, values: Sequence[SSAValue]) -> None:
        self.state = [
            _Progress(credit, issued)
            for credit, issued in zip(values[::2], values[1::2], strict=True)
        ]

    @staticmethod
    def _trips(loop: scf.ForOp, mapping: dict[SSAValue, SSAValue]) -> Index:
        stop = mapping.get(loop.ub, loop.ub)
        constant = constant_value(stop)
        return stop if constant is None else constant

    def _advance(self, builder: IndexBuilder, stream: Stream, before: _Progress) -> _Progress:
        """Issue what is due at this point: after point p, (p + 1) * limit / points in all.

        The division is a running sum: each point earns `limit`, each transfer costs `points`.
        """
        credit = builder.value(builder.add(before.credit, stream.limit))
        if stream.limit > self.points:
            due = builder.divide(credit, self.points)
            after = builder.value(builder.add(before.issued, due))
            # Credit that stays negative means that there is nothing to issue.
            some = builder.compare("sge", credit, self.points)
            last = builder.insert(arith.SelectOp(some, after, before.issued)).results[0]
            stream.issue_range(builder, before.issued, _minimum(builder, last, stream.count))
            spent = builder.multiply(builder.subtract(last, before.issued), self.points)
            return _Progress(builder.value(builder.subtract(credit, spent)), last)
        then, otherwise = Block(), Block()
        due_now = IndexBuilder.at_end(then)
        if stream.count == stream.limit:
            stream.issue(due_now, before.issued)
        else:
            exists = due_now.compare("slt", before.issued, stream.count)
            with due_now.guard(exists) as guarded:
                stream.issue(guarded, before.issued)
        spent = due_now.value(due_now.subtract(credit, self.points))
        then.add_op(scf.YieldOp(spent, due_now.value(due_now.add(before.issued, 1))))
        otherwise.add_op(scf.YieldOp(credit, before.issued))
        condition = builder.compare("sge", credit, self.points)
        branch = scf.IfOp(condition, [IndexType()] * 2, [then], [otherwise])
        builder.insert(branch)
        return _Progress(*branch.results)

    def _finish_streams(self, builder: IndexBuilder, mapping: dict[SSAValue, SSAValue]) -> None:
        """What is left when a tile at the edge has fewer points than a full one."""
        trips = [self._trips(loop, mapping) for loop in self.nest.loops[: self.depth]]
        if all(isinstance(count, int) for count in trips):
            return
        for stream, progress in zip(self.streams, self.state, strict=True):
            stream.issue_range(builder, progress.issued, stream.count)


def _minimum(builder: IndexBuilder, a: Index, b: Index) -> Index:
    if isinstance(b, int):
        return builder.minimum(a, b)
    if isinstance(a, int):
        return builder.minimum(b, a)
    return builder.insert(arith.MinSIOp(a, b)).results[0]
