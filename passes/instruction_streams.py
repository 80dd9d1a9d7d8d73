"""Taking the regions of a pipeline apart: streams of transfers, and the nest of products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from xdsl.dialects import arith, scf
from xdsl.ir import Block, Operation, SSAValue

from gemmini_xdsl.dialects.bounds import constant_value, upper_bound
from gemmini_xdsl.dialects.effects import ACCUMULATOR, local_resource
from gemmini_xdsl.dialects.isa import (
    MVIN_OPS,
    Mvin2Op,
    Mvin3Op,
    MvinOp,
    MvoutOp,
    PreloadOp,
)
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.passes.configuration_state import CONFIGS
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder, is_pure


def clone_into(op: Operation, builder: IndexBuilder, mapping: dict[SSAValue, SSAValue]) -> None:
    """Clone `op` at `builder`, its operands and results through `mapping`."""
    builder.insert(op.clone(value_mapper=mapping))


def copy_region(block: Block, builder: IndexBuilder, iteration: Index) -> None:
    """Insert the operations of a pipeline's region at one iteration."""
    mapping: dict[SSAValue, SSAValue] = {block.args[0]: builder.value(iteration)}
    for op in block.ops:
        clone_into(op, builder, mapping)


def counts_from_zero(loop: scf.ForOp) -> bool:
    """Whether `loop` counts from 0 in steps of 1 and carries nothing."""
    return constant_value(loop.lb) == 0 and constant_value(loop.step) == 1 and not loop.iter_args


@dataclass
class Stream:
    """Transfers that can be issued one after another at any time.

    `count` of them are issued in all, at most `limit`; number r is the body of `source` (a loop)
    at r, or `source` itself if it is a single instruction.
    """

    source: scf.ForOp | Operation
    mapping: Mapping[SSAValue, SSAValue]
    count: Index
    limit: int

    @property
    def touches_accumulator(self) -> bool:
        """Whether the transfers load into the accumulator (a bias)."""
        return any(
            isinstance(op, MVIN_OPS) and local_resource(op.destination.type) is ACCUMULATOR
            for op in self.source.walk()
        )

    def covers_like(self, other: Stream) -> bool:
        """Whether transfer r of both moves the same blocks of tiles of one buffer."""
        return self.limit == other.limit and self._widths() == other._widths()

    def _widths(self) -> set[int | None]:
        return {
            upper_bound(op.mixed_sizes[1])
            for op in self.source.walk()
            if isinstance(op, MvinOp | Mvin2Op | Mvin3Op | MvoutOp)
        }

    def issue_range(self, builder: IndexBuilder, first: Index, last: Index) -> None:
        """Insert transfers `first` to `last` - 1."""
        with builder.range(first, last) as (body, number):
            self.issue(body, number)

    def issue(self, builder: IndexBuilder, number: Index) -> None:
        """Insert transfer `number`."""
        mapping = dict(self.mapping)
        if not isinstance(self.source, scf.ForOp):
            clone_into(self.source, builder, mapping)
            return
        mapping[self.source.body.block.args[0]] = builder.value(number)
        for op in self.source.body.block.ops:
            if not isinstance(op, scf.YieldOp):
                clone_into(op, builder, mapping)


def open_streams(
    block: Block,
    builder: IndexBuilder,
    mapping: dict[SSAValue, SSAValue],
    condition: SSAValue | None,
) -> list[Stream] | None:
    """The streams of a prefetch or store region, with what they need computed at `builder`.

    `condition` says whether the region runs at all. None if it holds something that is not
    understood; what was inserted at `builder` is then useless.
    """
    streams: list[Stream] = []

    def counted(count: Index) -> Index:
        if condition is None:
            return count
        select = arith.SelectOp(condition, builder.value(count), builder.value(0))
        return builder.insert(select).results[0]

    for op in block.ops:
        match op:
            case scf.YieldOp():
                pass
            case scf.ForOp():
                limit = upper_bound(op.ub)
                if not counts_from_zero(op) or limit is None:
                    return None
                streams.append(Stream(op, mapping, counted(mapping.get(op.ub, op.ub)), limit))
            case scf.IfOp():
                if op.results or any(b.ops for b in op.false_region.blocks):
                    return None
                inner = mapping.get(op.cond, op.cond)
                if condition is not None:
                    inner = builder.insert(arith.AndIOp(condition, inner)).results[0]
                nested = open_streams(op.true_region.block, builder, mapping, inner)
                if nested is None:
                    return None
                streams += nested
            case MvinOp() | Mvin2Op() | Mvin3Op() | MvoutOp():
                streams.append(Stream(op, mapping, counted(1), 1))
            case _ if isinstance(op, CONFIGS) or is_pure(op):
                clone_into(op, builder, mapping)
            case _:
                return None
    return streams


@dataclass
class ProductNest:
    """The loops over blocks of a compute region: `loops` from the outermost inwards.

    The body of the last one has several instructions; loops deeper inside are part of it.
    """

    loops: list[scf.ForOp]

    @staticmethod
    def find(block: Block) -> ProductNest | None:
        """The only nest of `block` with products, or None."""
        nest = [op for op in block.ops if isinstance(op, scf.ForOp) and _has_products(op)]
        direct = any(isinstance(op, PreloadOp) for op in block.ops)
        conditional = any(isinstance(op, scf.IfOp) and _has_products(op) for op in block.ops)
        if len(nest) != 1 or direct or conditional:
            return None
        loop = nest[0]
        if not counts_from_zero(loop) or upper_bound(loop.ub) is None:
            return None
        deeper = ProductNest.find(loop.body.block)
        loops = [loop]
        for inner in deeper.loops if deeper is not None else []:
            owner = inner.ub.owner
            known_before = not isinstance(owner, Operation) or not loop.is_ancestor(owner)
            if not known_before and constant_value(inner.ub) is None:
                break
            loops.append(inner)
        return ProductNest(loops)

    def limit(self, depth: int) -> int:
        """The most iterations of the first `depth` loops together."""
        total = 1
        for loop in self.loops[:depth]:
            bound = upper_bound(loop.ub)
            assert bound is not None
            total *= bound
        return total

    def interleaving_depth(self) -> int:
        """How many loops to descend so that every iteration has more than one product."""
        body = self.loops[-1].body.block
        products = sum(isinstance(op, PreloadOp) for op in body.ops)
        several = products > 1 or any(_has_products(op) for op in body.ops if op.regions)
        return len(self.loops) - (0 if several or len(self.loops) == 1 else 1)


def _has_products(op: Operation) -> bool:
    return any(isinstance(inner, PreloadOp) for inner in op.walk())
