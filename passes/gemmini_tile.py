"""`gemmini-tile`: a product becomes loops over on-chip tiles with loads, products and stores."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import arith, memref, scf
from xdsl.dialects.builtin import BoolAttr, FloatAttr, MemRefType, ModuleOp, f32
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.pattern_rewriter import (
    PatternRewriter,
    PatternRewriteWalker,
    RewritePattern,
    op_type_rewrite_pattern,
)
from xdsl.utils.exceptions import PassFailedException
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.attributes import (
    ACC_TYPE,
    Activation,
    ActivationAttr,
    Lowering,
    Placement,
    Schedule,
    Space,
)
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.isa import FenceOp
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.matmul import INT8_MAX, INT8_MIN, MatmulOp
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
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.schedule_rules import Problem, Tiling, schedule_problem

A_ID, B_ID, BIAS_ID = 0, 1, 2
"""MVIN configuration sets of the operands, as LOOP_WS uses them (ISA section 9)."""


@dataclass(frozen=True)
class _Extent:
    """One tile's place along one dimension, in elements."""

    offset: Index
    size: Index


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
        bias = _bias_in_memory(op, builder)
        if bias is not op.bias or _core_wrote_memory(op):
            builder.insert(FenceOp())
        if schedule.lowering == Lowering.LOOP_WS:
            _LoopWsNest(op, bias, schedule, config).build(builder)
        else:
            _InstructionNest(op, bias, schedule, config).build(builder)
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
    broken = schedule_problem(schedule, Problem.of(op), config)
    if broken is not None:
        raise PassFailedException(f"{location(op)}: {broken}")
    return schedule


def _bias_in_memory(op: MatmulOp, builder: IndexBuilder) -> SSAValue | None:
    """The bias as a memref: a scalar is written to a row of N elements first."""
    bias = op.bias
    if bias is None or bias.type != ACC_TYPE:
        return bias
    n = op.sizes[1]
    row = builder.insert(memref.AllocOp.get(ACC_TYPE, None, [n])).results[0]
    with builder.loop(n) as (body, column):
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


class _Nest:
    """What both kinds of loop nest share."""

    def __init__(
        self, op: MatmulOp, bias: SSAValue | None, schedule: Schedule, config: GemminiConfig
    ):
        self.op = op
        self.bias = bias
        self.schedule = schedule
        self.config = config
        self.tiling = Tiling.of(schedule, Problem.of(op), config)
        tile_m, tile_n, tile_k = self.tiling.tile
        self.steps = {
            "m": tile_m * config.dim,
            "n": tile_n * config.dim,
            "k": tile_k * config.exact_depth,
        }
        self.totals = dict(zip("mnk", op.sizes, strict=True))

    def extent(self, builder: IndexBuilder, dim: str, offset: Index) -> _Extent:
        """The tile at `offset`: full, or what remains of the dimension."""
        step, total = self.steps[dim], self.totals[dim]
        if isinstance(offset, int):
            return _Extent(offset, min(step, total - offset))
        if self.schedule.software_pipeline:
            # All tiles are full, so that one tile's instructions serve for all: the last one
            # overlaps the one before. So does what is prefetched behind it.
            return _Extent(builder.minimum(offset, total - step), step)
        if total % step == 0:
            return _Extent(offset, step)
        return _Extent(offset, builder.minimum(builder.subtract(total, offset), step))

    def stored(self, transposed: bool, *axes: _Extent) -> tuple[list[Index], list[Index]]:
        """Offsets and sizes of a tile with these logical axes as it lies in memory."""
        ordered = axes[::-1] if transposed else axes
        return [axis.offset for axis in ordered], [axis.size for axis in ordered]

    @property
    def transposed(self) -> tuple[bool, bool]:
        """Whether A and B are stored transposed."""
        return self.op.transpose_a is not None, self.op.transpose_b is not None

    def bias_offsets(self, m: _Extent, n: _Extent) -> list[Index]:
        """Where the tile's bias starts in a row or in a matrix."""
        assert self.bias is not None
        assert isa(self.bias.type, MemRefType)
        return [n.offset] if self.bias.type.get_num_dims() == 1 else [m.offset, n.offset]


def _transpose(
    transposed: bool, grid: tuple[int, int], block: tuple[int, int]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Grid and block of an operand as it is stored."""
    return ((grid[1], grid[0]), (block[1], block[0])) if transposed else (grid, block)


class _InstructionNest(_Nest):
    """Loops with local buffers, loads, tile products and stores."""

    def build(self, builder: IndexBuilder) -> None:
        """Insert the buffers and the nest, in a `gemmini.unroll` if the schedule says so."""
        if self.schedule.unroll:
            region = UnrollOp.empty(
                software_pipeline=self.schedule.software_pipeline,
                prefetch_distance=self.schedule.prefetch_distance,
            )
            builder.insert(region)
            builder = IndexBuilder.at_end(region.body.block)
        tile_m, tile_n, tile_k = self.tiling.tile
        depth, dim = self.config.exact_depth, self.config.dim

        def buffer(operand: str, grid: tuple[int, int], block: tuple[int, int]) -> SSAValue:
            space = Space.ACCUMULATOR if operand == "c" else Space.SCRATCHPAD
            slots = self.tiling.slots(self.schedule, operand)
            placement = self.schedule.placement
            if self.schedule.software_pipeline and operand == "c":
                # One tile is stored while the next one is added to.
                placement = Placement.BANKED
            elif placement == Placement.CYCLIC and slots == 1:
                # The other operand takes turns in the banks that this one leaves.
                placement = Placement.PACKED
            elif self.schedule.software_pipeline and slots == 1:
                # It is read while it is being loaded.
                placement = Placement.INTERLEAVED
            type_ = BufferType.get(grid, block, space, slots)
            return builder.insert(AllocOp(type_, placement)).results[0]

        transpose_a, transpose_b = self.transposed
        self.a = buffer("a", *_transpose(transpose_a, (tile_m, tile_k), (dim, depth)))
        self.b = buffer("b", *_transpose(transpose_b, (tile_k, tile_n), (depth, dim)))
        self.c = buffer("c", (tile_m, tile_n), (dim, dim))
        trips = dict(zip("mnk", self.tiling.trips, strict=True))
        self.loops = [dim_name for dim_name in self.schedule.order if trips[dim_name] > 1]
        self._build_level(builder, 0, dict.fromkeys("mnk", 0))

    def _depth_of(self, dims: str) -> int:
        """How many loops surround what changes with `dims` only."""
        return max((self.loops.index(d) + 1 for d in dims if d in self.loops), default=0)

    def _build_level(self, builder: IndexBuilder, depth: int, offsets: dict[str, Index]) -> None:
        extents: dict[str, _Extent] = {}

        def extent(dim: str) -> _Extent:
            if dim not in extents:
                extents[dim] = self.extent(builder, dim, offsets[dim])
            return extents[dim]

        transpose_a, transpose_b = self.transposed
        if depth == self._depth_of("mk"):
            self._load(builder, self.op.a, self.a, A_ID, transpose_a, extent("m"), extent("k"))
        if depth == self._depth_of("kn"):
            self._load(builder, self.op.b, self.b, B_ID, transpose_b, extent("k"), extent("n"))
        if depth == self._depth_of("mn") and self.bias is not None:
            m, n = extent("m"), extent("n")
            builder.insert(
                LoadOp(self.bias, self.bias_offsets(m, n), self.c, 0, [m.size, n.size], BIAS_ID)
            )
        if depth == len(self.loops):
            self._multiply(builder, [extent(dim).size for dim in "mnk"], offsets["k"])
        else:
            dim = self.loops[depth]
            with builder.loop(self.totals[dim], self.steps[dim]) as (body, offset):
                self._build_level(body, depth + 1, {**offsets, dim: offset})
        if depth == self._depth_of("mn"):
            m, n = extent("m"), extent("n")
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
                )
            )

    def _load(
        self,
        builder: IndexBuilder,
        source: SSAValue,
        buffer: SSAValue,
        id: int,
        transposed: bool,
        rows: _Extent,
        cols: _Extent,
    ) -> None:
        offsets, sizes = self.stored(transposed, rows, cols)
        max_cols = self.schedule.mvin_cols or None
        builder.insert(LoadOp(source, offsets, buffer, 0, sizes, id, max_cols))

    def _multiply(self, builder: IndexBuilder, sizes: list[Index], k_offset: Index) -> None:
        accumulate: SSAValue | None = None
        if self.bias is not None:
            accumulate = builder.insert(arith.ConstantOp(BoolAttr.from_bool(True))).results[0]
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
            )
        )


class _LoopWsNest(_Nest):
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

    def _split_k(self, builder: IndexBuilder, m: _Extent, n: _Extent) -> None:
        """The first part of k starts the sum, the last one stores it."""
        step, total = self.steps["k"], self.totals["k"]
        parts = self.tiling.trips[2]
        self._tile(builder, m, n, self.extent(builder, "k", 0), first=True, last=parts == 1)
        if parts > 2:
            with builder.loop((parts - 1) * step, step, start=step) as (body, offset):
                self._tile(body, m, n, _Extent(offset, step), first=False, last=False)
        if parts > 1:
            offset = (parts - 1) * step
            self._tile(builder, m, n, _Extent(offset, total - offset), first=False, last=True)

    def _tile(
        self,
        builder: IndexBuilder,
        m: _Extent,
        n: _Extent,
        k: _Extent,
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
