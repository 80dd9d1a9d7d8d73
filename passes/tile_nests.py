"""Loops over the on-chip tiles of a product: one nest for each way to execute it."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.dialects.builtin import FloatAttr, MemRefType, f32
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.attributes import (
    Activation,
    ActivationAttr,
    Placement,
    Schedule,
    Space,
)
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.matmul import MatmulOp, row_stride
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import (
    AllocOp,
    LoadOp,
    LoopTileOp,
    StoreOp,
    TileMatmulOp,
    UnrollOp,
)
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.row_views import as_vector
from gemmini_xdsl.passes.schedule_rules import (
    Problem,
    Tiling,
    adds_bias_last,
    first_width,
    packs_row,
    transposes,
)

A_ID, B_ID, BIAS_ID = 0, 1, 2
"""MVIN configuration sets of the operands, as LOOP_WS uses them (ISA section 9)."""


@dataclass(frozen=True)
class Extent:
    """One tile's place along one dimension, in elements."""

    offset: Index
    size: Index


@dataclass(frozen=True)
class Part:
    """Tiles of k of the same width, in blocks, that load B in the same way; `first` is a block."""

    first: int
    width: int
    tiles: int
    transposed: bool


class Nest:
    """What both kinds of loop nest share."""

    def __init__(
        self, op: MatmulOp, bias: SSAValue | None, schedule: Schedule, config: GemminiConfig
    ):
        self.op = op
        self.bias = bias
        self.schedule = schedule
        self.config = config
        problem = Problem.of(op)
        self.tiling = Tiling.of(schedule, problem, config)
        tile_m, tile_n, tile_k = self.tiling.tile
        self.steps = {
            "m": tile_m * config.dim,
            "n": tile_n * config.dim,
            "k": tile_k * config.exact_depth,
        }
        self.totals = dict(zip("mnk", op.sizes, strict=True))
        self.packs_row = packs_row(schedule, problem)
        self.transposed = transposes(schedule, problem)
        """Whether tiles of A and B that are loaded, and then multiplied, are stored transposed."""

    def extent(self, builder: IndexBuilder, dim: str, offset: Index) -> Extent:
        """The tile at `offset`: full, or what remains of the dimension."""
        step, total = self.steps[dim], self.totals[dim]
        if isinstance(offset, int):
            return Extent(offset, min(step, total - offset))
        if self.schedule.software_pipeline:
            # All tiles are full, so that one tile's instructions serve for all: the last one
            # overlaps the one before. So does what is prefetched behind it.
            return Extent(builder.minimum(offset, total - step), step)
        if total % step == 0:
            return Extent(offset, step)
        return Extent(offset, builder.minimum(builder.subtract(total, offset), step))

    def stored(self, transposed: bool, *axes: Extent) -> tuple[list[Index], list[Index]]:
        """Offsets and sizes of a tile with these logical axes as it lies in memory."""
        ordered = axes[::-1] if transposed else axes
        return [axis.offset for axis in ordered], [axis.size for axis in ordered]

    def bias_offsets(self, m: Extent, n: Extent) -> list[Index]:
        """Where the tile's bias starts in a row or in a matrix.

        A row that is shorter than N is a scalar that was written as often as a tile needs it.
        """
        assert self.bias is not None
        assert isa(self.bias.type, MemRefType)
        if self.bias.type.get_num_dims() > 1:
            return [m.offset, n.offset]
        repeated = self.bias.type.get_shape()[0] < self.totals["n"]
        return [0 if repeated else n.offset]


class InstructionNest(Nest):
    """Loops with local buffers, loads, tile products and stores.

    `resident` is a buffer that is filled before, and needs no load.
    """

    resident: SSAValue | None = None

    def build(self, builder: IndexBuilder) -> None:
        """Insert the buffers and the nest, in a `gemmini.unroll` if the schedule says so."""
        if self.schedule.unroll:
            region = UnrollOp.empty(
                software_pipeline=self.schedule.software_pipeline,
                prefetch_distance=self.schedule.prefetch_distance,
                prologue_tiles=self.schedule.prologue_tiles,
            )
            builder.insert(region)
            builder = IndexBuilder.at_end(region.body.block)
        trips = dict(zip("mnk", self.tiling.trips, strict=True))
        self._allocate(builder)
        self.loops = [dim_name for dim_name in self.schedule.order if trips[dim_name] > 1]
        self._build_level(builder, 0, dict.fromkeys("mnk", 0))

    def _allocate(self, builder: IndexBuilder) -> None:
        """Set the buffers of all operands."""
        transpose_a, transpose_b = self.transposed
        self.a = self._buffer(builder, "a", transpose_a)
        self.b = self._buffer(builder, "b", transpose_b)
        self.c = self._buffer(builder, "c", False)

    def _buffer(
        self, builder: IndexBuilder, operand: str, transposed: bool, part: Part | None = None
    ) -> SSAValue:
        """The buffer of "a", "b" or "c": for a tile, or for all that are part of k."""
        blocks = dict(zip("mnk", self.tiling.tile, strict=True))
        slots = self.tiling.slots(self.schedule, operand)
        if part is not None:
            blocks["k"], slots = part.width, part.tiles
        sizes = {"m": self.config.dim, "n": self.config.dim, "k": self.config.exact_depth}
        rows, cols = {"a": ("m", "k"), "b": ("k", "n"), "c": ("m", "n")}[operand]
        if transposed:
            rows, cols = cols, rows
        space = Space.ACCUMULATOR if operand == "c" else Space.SCRATCHPAD
        grid, block = (blocks[rows], blocks[cols]), (sizes[rows], sizes[cols])
        type_ = BufferType.get(grid, block, space, slots)
        return builder.insert(AllocOp(type_, self._placement(operand, slots))).results[0]

    def _placement(self, operand: str, slots: int) -> Placement:
        placement = self.schedule.placement
        if operand == "c":
            # One tile, or one block, is stored while the next one is added to.
            several = Placement.BANKED if self.schedule.software_pipeline else placement
            return Placement.INTERLEAVED if several == Placement.CYCLIC else several
        if placement == Placement.CYCLIC:
            # The other operand takes turns in the banks that this one leaves.
            return placement if operand == self.streamed else Placement.PACKED
        if self.schedule.software_pipeline and slots == 1:
            # It is read while it is being loaded.
            return Placement.INTERLEAVED
        return placement

    @property
    def streamed(self) -> str:
        """The operand, "a" or "b", that comes tile by tile, or the larger one."""
        return self.tiling.streamed

    def _depth_of(self, dims: str) -> int:
        """How many loops surround what changes with `dims` only."""
        return max((self.loops.index(d) + 1 for d in dims if d in self.loops), default=0)

    def _build_level(self, builder: IndexBuilder, depth: int, offsets: dict[str, Index]) -> None:
        extents: dict[str, Extent] = {}

        def extent(dim: str) -> Extent:
            if dim not in extents:
                extents[dim] = self.extent(builder, dim, offsets[dim])
            return extents[dim]

        transpose_a, transpose_b = self.transposed
        if depth == self._depth_of("mk"):
            self._load(builder, self.op.a, self.a, A_ID, transpose_a, extent("m"), extent("k"))
        if depth == self._depth_of("kn"):
            self._load(builder, self.op.b, self.b, B_ID, transpose_b, extent("k"), extent("n"))
        if depth == self._depth_of("mn") and not self.bias_is_last:
            self._load_bias(builder, extent("m"), extent("n"))
        if depth == len(self.loops):
            self._multiply(builder, [extent(dim).size for dim in "mnk"], offsets["k"])
        else:
            dim = self.loops[depth]
            with builder.loop(self.totals[dim], self.steps[dim]) as (body, offset):
                self._build_level(body, depth + 1, {**offsets, dim: offset})
        if depth == self._depth_of("mn"):
            if self.bias_is_last:
                self._load_bias(builder, extent("m"), extent("n"))
            self._store(builder, extent("m"), extent("n"))

    @property
    def bias_is_last(self) -> bool:
        """Whether the bias is added to finished sums, so that no product waits for it.

        In a software pipeline these lie in another bank than those of the tile that is computed.
        Adding takes the DMA engine longer, so that it pays where there are many products for each
        load.
        """
        return adds_bias_last(self.schedule, self.tiling, self.config)

    def _load_bias(self, builder: IndexBuilder, m: Extent, n: Extent) -> None:
        if self.bias is None:
            return
        # A packed row adds to all rows of a block.
        rows = self.config.dim if self.packs_row else m.size
        offsets, sizes = self.bias_offsets(m, n), [rows, n.size]
        last = self.bias_is_last
        builder.insert(LoadOp(self.bias, offsets, self.c, 0, sizes, BIAS_ID, accumulate=last))

    def _store(self, builder: IndexBuilder, m: Extent, n: Extent) -> None:
        builder.insert(
            StoreOp(
                self.c,
                0,
                self.op.c,
                [m.offset, n.offset],
                [m.size, n.size],
                self.op.scale,
                self.op.activation,
                self.schedule.mvout_cols or None,
                last_row=self.packs_row,
            )
        )

    def _load(
        self,
        builder: IndexBuilder,
        source: SSAValue,
        buffer: SSAValue,
        id: int,
        transposed: bool,
        rows: Extent,
        cols: Extent,
    ) -> None:
        if buffer is self.resident:
            return
        offsets, sizes = self.stored(transposed, rows, cols)
        max_cols = self.schedule.mvin_cols or None
        builder.insert(LoadOp(source, offsets, buffer, 0, sizes, id, max_cols))

    def _multiply(self, builder: IndexBuilder, sizes: list[Index], k_offset: Index) -> None:
        accumulate: SSAValue | None = None
        if self.bias is not None and not self.bias_is_last:
            accumulate = builder.true()
        elif not isinstance(k_offset, int):
            accumulate = builder.compare("ne", k_offset, 0)
        transpose_a, transpose_b = self.transposed
        builder.insert(
            TileMatmulOp(
                (self.a, 0),
                (self.b, 0),
                (self.c, 0),
                sizes,
                accumulate,
                dataflow=self.schedule.dataflow,
                order=self.schedule.inner_order,
                transpose_a=transpose_a,
                transpose_b=transpose_b,
                packed_a=self.packs_row,
            )
        )


class TilesOfK(InstructionNest):
    """All tiles of k one after another, each in slots of its own, and one tile of m and n.

    The first product waits for all rows of A, so that the first tile comes in narrower parts. B of
    one column is a row in memory, too: tiles that are transposed load it as one.
    """

    def build(self, builder: IndexBuilder) -> None:
        """Insert buffers, loads, products and stores in a `gemmini.unroll`."""
        row = self._column_as_row(builder)
        region = UnrollOp.empty(prefetch_distance=self.schedule.prefetch_distance)
        builder.insert(region)
        builder = IndexBuilder.at_end(region.body.block)
        parts = self._parts(0 if row is None else self.schedule.transposed_tiles)
        transpose_a, transpose_b = self.transposed
        operands = [
            (
                self._buffer(builder, "a", transpose_a, part),
                self._buffer(builder, "b", part.transposed or transpose_b, part),
            )
            for part in parts
        ]
        self.c = self._buffer(builder, "c", False)
        m, n = (self.extent(builder, dim, 0) for dim in "mn")
        self._load_bias(builder, m, n)
        for part, (a, b) in zip(parts, operands, strict=True):
            for number in range(part.tiles):
                self._tile(builder, part, number, a, b, row)
        self._store(builder, m, n)

    def _parts(self, transposed: int) -> list[Part]:
        """The first tile in parts, the others that are transposed, and those that are not."""
        width, tiles = self.tiling.tile[2], self.tiling.trips[2]
        narrower = first_width(width)
        first = Part(0, narrower, width // narrower, transposed > 0)
        start, rest = max(1, transposed), max(0, transposed - 1)
        others = [
            Part(width, width, rest, True),
            Part(start * width, width, tiles - start, False),
        ]
        return [first, *(part for part in others if part.tiles)]

    def _tile(
        self,
        builder: IndexBuilder,
        part: Part,
        number: int,
        a: SSAValue,
        b: SSAValue,
        row: SSAValue | None,
    ) -> None:
        """Load A and B of one tile, and multiply."""
        depth = self.config.exact_depth
        offset = (part.first + number * part.width) * depth
        size = min(part.width * depth, self.totals["k"] - offset)
        if size <= 0:
            return
        m, n, k = self.extent(builder, "m", 0), self.extent(builder, "n", 0), Extent(offset, size)
        transpose_a, transpose_b = self.transposed
        offsets, sizes = self.stored(transpose_a, m, k)
        max_cols = self.schedule.mvin_cols or None
        builder.insert(LoadOp(self.op.a, offsets, a, number, sizes, A_ID, max_cols))
        if part.transposed:
            assert row is not None
            builder.insert(LoadOp(row, [offset], b, number, [1, size], BIAS_ID))
        else:
            offsets, sizes = self.stored(transpose_b, k, n)
            builder.insert(LoadOp(self.op.b, offsets, b, number, sizes, B_ID, max_cols))
        # In the last tile one sum after another is finished, so that most are stored meanwhile.
        last = offset + size == self.totals["k"] and not part.transposed
        builder.insert(
            TileMatmulOp(
                (a, number),
                (b, number),
                (self.c, 0),
                [m.size, n.size, size],
                builder.true() if offset > 0 or self.bias is not None else None,
                dataflow=self.schedule.dataflow,
                order="mnk" if last else self.schedule.inner_order,
                transpose_a=transpose_a,
                transpose_b=part.transposed or transpose_b,
            )
        )

    def _column_as_row(self, builder: IndexBuilder) -> SSAValue | None:
        """B as a row, if it is a column whose elements lie one after another."""
        type_ = self.op.b.type
        assert isa(type_, MemRefType)
        if not self.schedule.transposed_tiles or self.totals["n"] > 1 or row_stride(type_) > 1:
            return None
        return as_vector(builder, self.op.b)


class LoopWsNest(Nest):
    """Loops around the LOOP_WS state machine, which has its own buffers."""

    def build(self, builder: IndexBuilder) -> None:
        """Insert the nest: the loops over m and n, and inside them the split of k."""
        outer, inner = self.schedule.order[0], self.schedule.order[1]
        with (
            builder.loop(self.totals[outer], self.steps[outer]) as (outer_body, outer_offset),
            outer_body.loop(self.totals[inner], self.steps[inner]) as (body, inner_offset),
        ):
            extents = {
                outer: self.extent(body, outer, outer_offset),
                inner: self.extent(body, inner, inner_offset),
            }
            self._split_k(body, extents["m"], extents["n"])

    def _split_k(self, builder: IndexBuilder, m: Extent, n: Extent) -> None:
        """The first part of k starts the sum, the last one stores it."""
        step, total = self.steps["k"], self.totals["k"]
        parts = self.tiling.trips[2]
        self._tile(builder, m, n, self.extent(builder, "k", 0), first=True, last=parts == 1)
        if parts > 2:
            with builder.loop((parts - 1) * step, step, start=step) as (body, offset):
                self._tile(body, m, n, Extent(offset, step), first=False, last=False)
        if parts > 1:
            offset = (parts - 1) * step
            self._tile(builder, m, n, Extent(offset, total - offset), first=False, last=True)

    def _tile(
        self,
        builder: IndexBuilder,
        m: Extent,
        n: Extent,
        k: Extent,
        *,
        first: bool,
        last: bool,
    ) -> None:
        transpose_a, transpose_b = self.transposed
        bias = (self.bias, self.bias_offsets(m, n)) if first and self.bias is not None else None
        builder.insert(
            LoopTileOp(
                (self.op.a, self.stored(transpose_a, m, k)[0]),
                (self.op.b, self.stored(transpose_b, k, n)[0]),
                bias,
                (self.op.c, [m.offset, n.offset]) if last else None,
                [m.size, n.size, k.size],
                accumulate=not first,
                transpose_a=transpose_a,
                transpose_b=transpose_b,
                scale=self.op.scale if last else FloatAttr(1.0, f32),
                activation=self.op.activation if last else ActivationAttr(Activation.NONE),
            )
        )
