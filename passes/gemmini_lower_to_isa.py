"""`gemmini-lower-to-isa`: tile operations become loops over instructions.

Each tile operation sets the configuration that it needs, right where it stands;
`gemmini-hoist-config` removes what is redundant.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from xdsl.context import Context
from xdsl.dialects import arith
from xdsl.dialects.builtin import BoolAttr, MemRefType, ModuleOp
from xdsl.ir import SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    GreedyRewritePatternApplier,
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.attributes import ACC_TYPE, TILE_DIMS, Dataflow, Space
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.isa import (
    MVIN_OPS,
    ComputeAccumulatedOp,
    ComputePreloadedOp,
    ConfigExOp,
    ConfigLdOp,
    ConfigStOp,
    LocalAddressOp,
    LoopWsOp,
    MvoutOp,
    PreloadOp,
)
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.matmul import row_stride
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import LoadOp, LoopTileOp, StoreOp, TileMatmulOp
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.tile_nests import A_ID, B_ID, BIAS_ID
from gemmini_xdsl.passes.transposition_lowering import LowerLoadTransposed
from gemmini_xdsl.passes.unpack_lowering import LowerUnpack


@dataclass(frozen=True)
class GemminiLowerToIsaPass(ModulePass):
    """Lower level 2 to level 3."""

    name = "gemmini-lower-to-isa"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Lower every tile operation; loops and pipelines stay."""
        patterns = [
            LowerLoad(),
            LowerLoadTransposed(),
            LowerUnpack(),
            LowerStore(),
            LowerTileMatmul(),
            LowerLoopTile(),
        ]
        PatternRewriteWalker(
            GreedyRewritePatternApplier(patterns), apply_recursively=False
        ).rewrite_module(op)


def _buffer_type(buffer: SSAValue) -> BufferType:
    assert isinstance(buffer.type, BufferType)
    return buffer.type


def _memref_type(value: SSAValue) -> MemRefType:
    assert isa(value.type, MemRefType)
    return value.type


def _element_bytes(type_: MemRefType, config: GemminiConfig) -> int:
    return config.acc_bytes if type_.element_type == ACC_TYPE else config.input_bytes


def _stride_bytes(type_: MemRefType, config: GemminiConfig) -> int:
    """Bytes between rows; 0 for a row that is repeated."""
    if type_.get_num_dims() == 1:
        return 0
    return row_stride(type_) * _element_bytes(type_, config)


@contextmanager
def _if_positive(builder: IndexBuilder, size: Index) -> Iterator[IndexBuilder | None]:
    """A builder for code that runs if `size` is positive; None if it is known to be zero."""
    if isinstance(size, int):
        yield builder if size > 0 else None
    else:
        with builder.guard(builder.compare("sgt", size, 0)) as guarded:
            yield guarded


def _full_blocks_then_rest(
    builder: IndexBuilder, size: Index, block: int, start: int = 0
) -> Iterator[tuple[IndexBuilder, Index, Index]]:
    """A loop over full blocks and, apart from it, the short last one: no minimum in the loop.

    Iterates over at most two bodies to fill: builder, block number, elements in the block. Begins
    at block `start`.
    """
    full = builder.divide(size, block)
    if not isinstance(full, int) or full > start:
        with builder.loop(full, start=start) as (body, number):
            yield body, number, block
    rest = builder.remainder(size, block)
    if not isinstance(full, int) or full >= start:
        with _if_positive(builder, rest) as guarded:
            if guarded is not None:
                yield guarded, full, rest


class LowerLoad(RewritePattern):
    """`gemmini.load`: CONFIG_LD and MVINs, as wide as allowed.

    One loop over all of them, so that they can be spread over other instructions one by one.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: LoadOp, rewriter: PatternRewriter) -> None:
        """Loop over groups of blocks that one MVIN moves, row by row of the grid."""
        config = module_config(op)
        source, buffer = _memref_type(op.source), _buffer_type(op.buffer)
        builder = IndexBuilder.before(op)
        builder.insert(ConfigLdOp(op.id.value.data, _stride_bytes(source, config), config.dim))
        block_rows, block_cols = buffer.block
        group = _columns_per_mvin(op, config) if block_cols == config.dim else block_cols
        mvin = MVIN_OPS[op.id.value.data]
        accumulate = None if op.accumulate is None else builder.true()
        *row_offset, col_offset = op.mixed_offsets
        for body, part in _groups(builder, op.mixed_sizes, block_rows, group, buffer):
            blocks_before = body.multiply(part.col, group // block_cols)
            local = body.add(
                body.multiply(part.row, buffer.grid[1] * config.dim),
                body.multiply(blocks_before, config.dim),
            )
            address = body.insert(
                LocalAddressOp(op.buffer, op.mixed_slot, local, accumulate)
            ).results[0]
            offsets = [body.add(col_offset, body.multiply(part.col, group))]
            if row_offset:
                offsets.insert(0, body.add(row_offset[0], body.multiply(part.row, block_rows)))
            body.insert(mvin(op.source, offsets, address, [part.height, part.width]))
        rewriter.erase(op)


@dataclass(frozen=True)
class _Group:
    """One transfer of a tile: its row of blocks, its group of columns, and their sizes."""

    row: Index
    col: Index
    height: Index
    width: Index


def _groups(
    builder: IndexBuilder, sizes: list[Index], block_rows: int, group: int, buffer: BufferType
) -> Iterator[tuple[IndexBuilder, _Group]]:
    """A loop over the transfers of a tile; iterates over its only body, to be filled.

    A tile that may be narrower than its buffer skips the groups that it lacks.
    """
    rows, cols = sizes
    widest = cols if isinstance(cols, int) else buffer.extent[1]
    groups = -(-widest // group)
    row_blocks = builder.divide_up(rows, block_rows)
    with builder.loop(builder.multiply(row_blocks, groups)) as (body, number):
        row: Index = 0
        col = number
        if row_blocks != 1:
            row, col = body.divide(number, groups), body.remainder(number, groups)
        height = body.block_size(rows, row, block_rows)
        width = body.block_size(cols, col, group)
        if isinstance(cols, int) or groups == 1:
            yield body, _Group(row, col, height, width)
        else:
            with body.guard(body.compare("sgt", width, 0)) as guarded:
                yield guarded, _Group(row, col, height, width)


def _columns_per_mvin(op: LoadOp, config: GemminiConfig) -> int:
    if op.max_cols is not None:
        return op.max_cols.value.data
    scratchpad = _buffer_type(op.buffer).space.data == Space.SCRATCHPAD
    blocks = config.max_block_cols if scratchpad else config.max_block_cols_acc
    return blocks * config.dim


class LowerStore(RewritePattern):
    """`gemmini.store`: CONFIG_ST and MVOUTs.

    One loop over all blocks, so that stores can be spread over other instructions one by one.
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: StoreOp, rewriter: PatternRewriter) -> None:
        """Loop over groups of blocks that one MVOUT moves, row by row of the grid."""
        config = module_config(op)
        destination, buffer = _memref_type(op.destination), _buffer_type(op.buffer)
        full = destination.element_type == ACC_TYPE
        builder = IndexBuilder.before(op)
        builder.insert(ConfigStOp(_stride_bytes(destination, config), op.scale, op.activation))
        group = config.dim if op.max_cols is None else op.max_cols.value.data
        row_offset, col_offset = op.mixed_offsets
        for body, part in _groups(builder, op.mixed_sizes, config.dim, group, buffer):
            local = body.add(
                body.multiply(part.row, buffer.grid[1] * config.dim),
                body.multiply(part.col, group),
            )
            offsets = [
                body.add(row_offset, body.multiply(part.row, config.dim)),
                body.add(col_offset, body.multiply(part.col, group)),
            ]
            if op.last_row is not None:
                local = body.add(local, config.dim - 1)
            address = LocalAddressOp(op.buffer, op.mixed_slot, local, full=full)
            source = body.insert(address).results[0]
            body.insert(MvoutOp(source, op.destination, offsets, [part.height, part.width]))
        rewriter.erase(op)


@dataclass
class _Block:
    """Where the loops over blocks stand: block numbers and sizes by dimension."""

    numbers: dict[str, Index] = field(default_factory=dict)
    sizes: dict[str, Index] = field(default_factory=dict)

    def extended(self, dim: str, number: Index, size: Index) -> _Block:
        """This place with one more dimension fixed."""
        return _Block({**self.numbers, dim: number}, {**self.sizes, dim: size})


class LowerTileMatmul(RewritePattern):
    """`gemmini.tile_matmul`: CONFIG_EX and pairs of PRELOAD and COMPUTE.

    Weight-stationary with m innermost keeps the weights: only the first pair of each loop over m
    preloads B. Output-stationary drains every block into the accumulator, which keeps any depth
    exact although the array's own sums are narrow (ISA section 6).
    """

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: TileMatmulOp, rewriter: PatternRewriter) -> None:
        """Expand the three loops over blocks in the operation's order."""
        builder = IndexBuilder.before(op)
        builder.insert(
            ConfigExOp(op.dataflow.data, op.transpose_a is not None, op.transpose_b is not None)
        )
        _TileLoops(op).build(builder)
        rewriter.erase(op)


class _TileLoops:
    def __init__(self, op: TileMatmulOp):
        config = module_config(op)
        self.op = op
        self.order = op.order.data
        a = _buffer_type(op.a)
        depth = a.block[0] if op.transpose_a is not None else a.block[1]
        self.block = {"m": config.dim, "n": config.dim, "k": depth}
        self.dim = config.dim
        self.sizes = dict(zip(TILE_DIMS, op.mixed_sizes, strict=True))

    @property
    def _keeps_weights(self) -> bool:
        return self.op.dataflow.data == Dataflow.WS and self.order[-1] == "m"

    @property
    def _first_differs(self) -> bool:
        """Whether the first iteration of the innermost loop differs from the others."""
        starts_sum = self.order[-1] == "k" and not self._always_accumulates
        return self._keeps_weights or starts_sum

    @property
    def _always_accumulates(self) -> bool:
        accumulate = self.op.accumulate
        return (
            accumulate is not None
            and isinstance(accumulate.owner, arith.ConstantOp)
            and accumulate.owner.value == BoolAttr.from_bool(True)
        )

    def build(self, builder: IndexBuilder) -> None:
        """Insert the loops."""
        outer, middle = self.order[0], self.order[1]
        # Both trip counts before the loops: interleaving needs them there.
        counts = {
            dim: builder.divide_up(self.sizes[dim], self.block[dim]) for dim in (outer, middle)
        }
        with builder.loop(counts[outer]) as (body, number):
            size = body.block_size(self.sizes[outer], number, self.block[outer])
            place = _Block().extended(outer, number, size)
            with body.loop(counts[middle]) as (inner, number):
                size = inner.block_size(self.sizes[middle], number, self.block[middle])
                self._innermost(inner, place.extended(middle, number, size))

    def _innermost(self, builder: IndexBuilder, place: _Block) -> None:
        dim = self.order[-1]
        total, block = self.sizes[dim], self.block[dim]
        start = 0
        if self._first_differs:
            self._pair(builder, place.extended(dim, 0, builder.minimum(total, block)), first=True)
            start = 1
            if not isinstance(total, int):
                with builder.guard(builder.compare("sgt", total, block)) as guarded:
                    self._others(guarded, place, start)
                return
        self._others(builder, place, start)

    def _others(self, builder: IndexBuilder, place: _Block, start: int) -> None:
        dim = self.order[-1]
        for body, number, size in _full_blocks_then_rest(
            builder, self.sizes[dim], self.block[dim], start
        ):
            self._pair(body, place.extended(dim, number, size), first=start == 0)

    def _pair(self, builder: IndexBuilder, place: _Block, *, first: bool) -> None:
        """One PRELOAD and its COMPUTE."""
        m, n, k = (place.sizes[dim] for dim in TILE_DIMS)
        keep = self._keeps_weights and not first
        ws = self.op.dataflow.data == Dataflow.WS
        slot_a, slot_b, _ = self.op.slots
        if self.op.packed_a is not None:
            a, m = self._packed_a(builder, place)
        else:
            a = self._operand(
                builder, self.op.a, slot_a, place, "mk", self.op.transpose_a is not None
            )
        b: SSAValue | None = None
        if not keep:
            b = self._operand(
                builder, self.op.b, slot_b, place, "kn", self.op.transpose_b is not None
            )
        c = self._destination(builder, place)
        if ws:
            builder.insert(PreloadOp(b, [k, n], c, [m, n]))
            compute = ComputeAccumulatedOp if keep else ComputePreloadedOp
            builder.insert(compute(a, [m, k], None, [m, n]))
        else:
            builder.insert(PreloadOp(None, [m, n], c, [m, n]))
            builder.insert(ComputePreloadedOp(a, [m, k], b, [k, n]))

    def _operand(
        self,
        builder: IndexBuilder,
        buffer: SSAValue,
        slot: Index,
        place: _Block,
        dims: str,
        transposed: bool,
    ) -> SSAValue:
        row_dim, col_dim = (dims[1], dims[0]) if transposed else (dims[0], dims[1])
        row = self._block_row(builder, buffer, place.numbers[row_dim], place.numbers[col_dim])
        return builder.insert(LocalAddressOp(buffer, slot, row)).results[0]

    def _packed_a(self, builder: IndexBuilder, place: _Block) -> tuple[SSAValue, Index]:
        """The square that holds a block of A, and the rows of its product up to the right one."""
        number = place.numbers["k"]
        row = builder.multiply(builder.divide(number, self.dim), self.dim)
        address = builder.insert(LocalAddressOp(self.op.a, self.op.slots[0], row)).results[0]
        return address, builder.subtract(self.dim, builder.remainder(number, self.dim))

    def _destination(self, builder: IndexBuilder, place: _Block) -> SSAValue:
        row = self._block_row(builder, self.op.c, place.numbers["m"], place.numbers["n"])
        if self.op.packed_a is not None:
            # The right row of the product, its last one, goes to the last row of the block.
            row = builder.add(row, builder.remainder(place.numbers["k"], self.dim))
        accumulate = self._accumulate(builder, place.numbers["k"])
        return builder.insert(LocalAddressOp(self.op.c, self.op.slots[2], row, accumulate)).results[
            0
        ]

    def _block_row(self, builder: IndexBuilder, buffer: SSAValue, row: Index, col: Index) -> Index:
        columns = _buffer_type(buffer).grid[1]
        return builder.add(
            builder.multiply(row, columns * self.dim), builder.multiply(col, self.dim)
        )

    def _accumulate(self, builder: IndexBuilder, k: Index) -> SSAValue | None:
        """Whether this pair adds: always after the first block of k."""
        if self._always_accumulates:
            return self.op.accumulate
        later = None
        if self.order[-1] == "k":
            is_first = isinstance(k, int) and k == 0
            if not is_first:
                return builder.true()
        elif not isinstance(k, int):
            later = builder.compare("ne", k, 0)
        else:
            assert k == 0
        if later is None or self.op.accumulate is None:
            return later if later is not None else self.op.accumulate
        return builder.insert(arith.OrIOp(later, self.op.accumulate)).results[0]


class LowerLoopTile(RewritePattern):
    """`gemmini.loop_tile`: the configuration that LOOP_WS relies on, and LOOP_WS."""

    @op_type_rewrite_pattern
    def match_and_rewrite(self, op: LoopTileOp, rewriter: PatternRewriter) -> None:
        """Set ids 0, 1 and 2 for A, B and D, and the array's and the store's configuration."""
        config = module_config(op)
        builder = IndexBuilder.before(op)
        transposed = (op.transpose_a is not None, op.transpose_b is not None)
        addresses = op.mixed_addresses
        builder.insert(ConfigExOp(Dataflow.WS, *transposed))
        strides: list[int] = []
        a, b, bias, c = addresses
        for pair, id in ((a, A_ID), (b, B_ID), (bias, BIAS_ID)):
            strides.append(_stride_elements(pair))
            if pair is not None:
                stride = _stride_bytes(_memref_type(pair[0]), config)
                builder.insert(ConfigLdOp(id, stride, config.dim))
        strides.append(_stride_elements(c))
        full_c = c is not None and _memref_type(c[0]).element_type == ACC_TYPE
        if c is not None:
            builder.insert(
                ConfigStOp(_stride_bytes(_memref_type(c[0]), config), op.scale, op.activation)
            )
        tiles = [builder.divide_up(size, config.dim) for size in op.mixed_sizes]
        pads = [_pad(builder, size, config.dim) for size in op.mixed_sizes]
        builder.insert(
            LoopWsOp(
                addresses,
                tiles,
                pads,
                strides,
                ex_accumulate=bias is not None or op.accumulate is not None,
                full_c=full_c,
                transpose_a=transposed[0],
                transpose_b=transposed[1],
                activation=op.activation,
            )
        )
        rewriter.erase(op)


def _stride_elements(pair: tuple[SSAValue, list[Index]] | None) -> int:
    if pair is None or _memref_type(pair[0]).get_num_dims() == 1:
        return 0
    return row_stride(_memref_type(pair[0]))


def _pad(builder: IndexBuilder, size: Index, dim: int) -> Index:
    """Elements missing in the last block: `-size mod dim`."""
    rest = builder.remainder(size, dim)
    return builder.remainder(builder.subtract(dim, rest), dim)
