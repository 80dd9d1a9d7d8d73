"""When a schedule can execute a matrix product on a configuration."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod

from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Attribute
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.attributes import TILE_DIMS, Dataflow, Lowering, Schedule
from gemmini_xdsl.dialects.matmul import MatmulOp, row_stride
from gemmini_xdsl.dialects.transposes import illegal_transposes
from gemmini_xdsl.hardware import GemminiConfig

MAX_UNROLLED_INSTRUCTIONS = 1280
"""The most that `unroll` may make of a product: 10 bytes of machine code each, less than the 12 KiB
that leave room in an instruction cache of 16 KiB."""


TRANSPOSITION_SLOTS = 3
"""Slots for blocks that are transposed, at most: one is read, one filled, one waits for either."""


def transposition_blocks(config: GemminiConfig) -> int:
    """Blocks that are in the scratchpad for a transposition beside its result, at most."""
    return TRANSPOSITION_SLOTS * config.max_block_cols + 1


def ceil_div(a: int, b: int) -> int:
    """`a / b`, rounded up."""
    return -(-a // b)


def load_blocks(cols: str, config: GemminiConfig) -> int:
    """Blocks that one MVIN moves at most, of a matrix whose columns are those of dimension `cols`.

    Blocks that are narrower than the array are loaded one by one.
    """
    narrow = cols == "k" and config.exact_depth < config.dim
    return 1 if narrow else config.max_block_cols


def first_width(width: int) -> int:
    """How wide the parts of the first of all tiles of k are, in blocks: half, or one block."""
    return 1 if width % 2 else width // 2


@dataclass(frozen=True)
class Problem:
    """The facts of a product that scheduling depends on; sizes are in elements.

    `has_gaps` says that B, C or a bias does not lie in consecutive elements of memory, since it is
    a part of a wider matrix.
    """

    m: int
    n: int
    k: int
    transpose_a: bool = False
    transpose_b: bool = False
    wide_result: bool = False
    has_bias: bool = False
    has_gaps: bool = False

    @staticmethod
    def of(op: MatmulOp) -> Problem:
        """The facts of `op`."""
        m, n, k = op.sizes
        return Problem(
            m,
            n,
            k,
            op.transpose_a is not None,
            op.transpose_b is not None,
            op.c_type.element_type != op.a_type.element_type,
            op.bias is not None,
            any(_has_gaps(value.type) for value in (op.b, op.bias, op.c) if value),
        )

    @property
    def swapped(self) -> Problem:
        """The product B^T A^T of a problem of one column, whose result is a row."""
        assert self.n == 1
        return replace(self, m=1, n=self.m, transpose_a=False, transpose_b=not self.transpose_a)

    def blocks(self, config: GemminiConfig) -> tuple[int, int, int]:
        """M, N and K in blocks of the array."""
        return (
            ceil_div(self.m, config.dim),
            ceil_div(self.n, config.dim),
            ceil_div(self.k, config.exact_depth),
        )


def _has_gaps(type_: Attribute) -> bool:
    """Whether it is a memref of several rows of a wider matrix."""
    if not isa(type_, MemRefType) or type_.get_num_dims() == 1:
        return False
    rows, cols = type_.get_shape()
    return rows > 1 and row_stride(type_) != cols


def as_executed(schedule: Schedule, problem: Problem) -> tuple[Schedule, Problem]:
    """The schedule and the product that the accelerator executes for `problem`.

    That is another one if operands are swapped; all that speaks of tiles means it.
    """
    if not schedule.swap_operands:
        return schedule, problem
    return replace(schedule, swap_operands=False), problem.swapped


def packs_row(schedule: Schedule, problem: Problem) -> bool:
    """Whether A, a single row, is transposed block by block and not element by element."""
    os = schedule.dataflow == Dataflow.OS
    return schedule.transpose_resident and os and problem.m == 1


def can_transpose(config: GemminiConfig) -> bool:
    """Whether the array can transpose blocks into the scratchpad, by products with an identity."""
    return config.exact_depth == config.dim and config.ex_write_to_spad


def transposes(schedule: Schedule, problem: Problem) -> tuple[bool, bool]:
    """Whether A and B lie transposed where the array finds them."""
    if not schedule.transpose_resident:
        return problem.transpose_a, problem.transpose_b
    if schedule.dataflow == Dataflow.OS:
        return True, problem.transpose_b
    return problem.transpose_a, False


@dataclass(frozen=True)
class Tiling:
    """A schedule's tile clipped to a product: tile sizes in blocks, and how many tiles."""

    tile: tuple[int, int, int]
    trips: tuple[int, int, int]

    @staticmethod
    def of(schedule: Schedule, problem: Problem, config: GemminiConfig) -> Tiling:
        """Clip the tile of `schedule` to the blocks of `problem`."""
        blocks = problem.blocks(config)
        m, n, k = (min(size, total) for size, total in zip(schedule.tile, blocks, strict=True))
        trips = (
            ceil_div(blocks[0], m),
            ceil_div(blocks[1], n),
            ceil_div(blocks[2], k),
        )
        return Tiling((m, n, k), trips)

    def slots(self, schedule: Schedule, operand: str) -> int:
        """Slots of the buffer of `operand`: one where there is never a next tile to prepare."""
        trip_m, trip_n, trip_k = self.trips
        if schedule.unroll and trip_k > 1 and operand != "c":
            return trip_k
        tiles = {"a": trip_m * trip_k, "b": trip_k * trip_n, "c": trip_m * trip_n}[operand]
        return schedule.slots(operand) if tiles > 1 else 1

    @property
    def streamed(self) -> str:
        """The operand, "a" or "b", that comes tile by tile, or the larger one."""
        trip_m, trip_n, _ = self.trips
        if trip_m == trip_n:
            return "a" if self.tile[0] >= self.tile[1] else "b"
        return "a" if trip_m > trip_n else "b"

    def rows(self, schedule: Schedule, dim: int) -> dict[str, int]:
        """Local rows that the buffers of a, b and c take, all slots together."""
        m, n, k = self.tile
        blocks = {"a": m * k, "b": k * n, "c": m * n}
        return {
            operand: count * dim * self.slots(schedule, operand)
            for operand, count in blocks.items()
        }


def schedule_problem(schedule: Schedule, problem: Problem, config: GemminiConfig) -> str | None:
    """The first rule that `schedule` breaks for `problem` on `config`, or None."""
    if (broken := schedule.problem()) is not None:
        return broken
    if schedule.swap_operands:
        if (broken := _swap_problem(problem)) is not None:
            return broken
        return schedule_problem(*as_executed(schedule, problem), config)
    for check in (_transposition_problem, _folding_problem):
        if (broken := check(schedule, problem, config)) is not None:
            return broken
    found = transposes(schedule, problem)
    if (broken := illegal_transposes(config, schedule.dataflow, *found)) is not None:
        return broken
    if problem.wide_result and not config.acc_read_full_width:
        return f"config '{config.name}' cannot store i32 results (acc_read_full_width = false)"
    if not problem.wide_result and not config.acc_read_small_width:
        return f"config '{config.name}' cannot store i8 results (acc_read_small_width = false)"
    limits = (
        ("mvin_cols", schedule.mvin_cols, config.max_block_cols),
        ("mvout_cols", schedule.mvout_cols, 1 if problem.wide_result else config.max_block_cols),
    )
    for key, value, blocks in limits:
        if value % config.dim or value > blocks * config.dim:
            return (
                f"{key} must be a multiple of {config.dim} up to {blocks * config.dim} here "
                f"(0: the default), got {value}"
            )
    if schedule.lowering == Lowering.LOOP_WS:
        return _loop_ws_problem(schedule, problem, config)
    if schedule.unroll and (broken := unroll_problem(schedule, problem, config)) is not None:
        return broken
    if (broken := pipeline_problem(schedule, problem, config)) is not None:
        return broken
    # No move crosses two pieces.
    piece = config.max_block_cols * config.dim
    if schedule.placement.by_pieces:
        for key, value, _ in limits:
            if value and piece % value:
                return f"placement {schedule.placement}: {key} must divide {piece}, got {value}"
    if not loads_whole_pieces(schedule, config):
        return (
            "software_pipeline: the operand that stays lies in pieces, so that mvin_cols must "
            f"divide {piece}, got {schedule.mvin_cols}"
        )
    rows = Tiling.of(schedule, problem, config).rows(schedule, config.dim)
    if packs_row(schedule, problem):
        rows["a"] = ceil_div(rows["a"], config.dim)
    if schedule.transpose_resident:
        # The other operand's buffer takes the place of the blocks that are being transposed.
        other = "b" if schedule.dataflow == Dataflow.OS else "a"
        rows[other] = max(rows[other], transposition_blocks(config) * config.dim)
    if schedule.fold_rows:
        # The rows that are unpacked, and the block that selects from them.
        packed = ceil_div(problem.k * problem.n, config.dim**2)
        rows["b"] += (packed + 1) * config.dim
    needed = rows["a"] + rows["b"]
    if needed > config.scratchpad_rows:
        return (
            f"tile {list(schedule.tile)} needs {needed} scratchpad rows (a {rows['a']}, "
            f"b {rows['b']}); config '{config.name}' has {config.scratchpad_rows}: choose a "
            "smaller tile or less double buffering"
        )
    if rows["c"] > config.accumulator_rows:
        return (
            f"tile {list(schedule.tile)} needs {rows['c']} accumulator rows; config "
            f"'{config.name}' has {config.accumulator_rows}: choose a smaller tile or less "
            "double buffering"
        )
    return None


def loads_whole_pieces(schedule: Schedule, config: GemminiConfig) -> bool:
    """Whether no MVIN crosses pieces of the operand that stays while a software pipeline runs."""
    piece = config.max_block_cols * config.dim
    return not (schedule.software_pipeline and schedule.mvin_cols and piece % schedule.mvin_cols)


def _swap_problem(problem: Problem) -> str | None:
    if problem.n > 1:
        return (
            "swap_operands: the transpose of a result of one column is a row in memory; others "
            f"would have to be transposed, got N = {problem.n}"
        )
    if problem.has_gaps:
        return (
            "swap_operands: B, C and a bias of one column must lie in consecutive elements; here "
            "one is a column of a wider matrix"
        )
    return None


def _transposition_problem(
    schedule: Schedule, problem: Problem, config: GemminiConfig
) -> str | None:
    """What keeps the array from transposing the operand that stays in the scratchpad."""
    if not schedule.transpose_resident:
        return None
    os = schedule.dataflow == Dataflow.OS
    if not problem.transpose_b or (os and problem.transpose_a):
        return (
            "transpose_resident: B must be stored transposed, and in the os dataflow A must not "
            "be; other products can do without"
        )
    if not can_transpose(config):
        return (
            f"transpose_resident: config '{config.name}' cannot transpose: that takes products "
            "over all rows of the array (array_bits) and ex_write_to_spad"
        )
    trip_m, trip_n, trip_k = Tiling.of(schedule, problem, config).trips
    if trip_k > 1 or (trip_m if os else trip_n) > 1:
        return (
            f"transpose_resident: in the {schedule.dataflow} dataflow the tile must hold all of "
            f"{'A' if os else 'B'}, got tile {list(schedule.tile)}"
        )
    if packs_row(schedule, problem) and problem.k % config.dim:
        return (
            f"transpose_resident: K of a product of one row must be a multiple of {config.dim}, "
            f"got {problem.k}"
        )
    return None


def _folding_problem(schedule: Schedule, problem: Problem, config: GemminiConfig) -> str | None:
    """What keeps several rows of the result from being computed as one."""
    if not schedule.fold_rows:
        return None
    if problem.transpose_a or problem.transpose_b or problem.has_gaps:
        return (
            "fold_rows: operands must not be stored transposed, and rows of B, C and a bias must "
            "follow each other without gaps"
        )
    dim, n = config.dim, problem.n
    if n >= dim or dim % n or problem.k * n % dim or problem.m * n % dim:
        return (
            f"fold_rows: N must divide {dim} and be less, and rows of {dim} elements must hold all "
            f"of B and of C, got M = {problem.m}, N = {n}, K = {problem.k}"
        )
    if not can_transpose(config) or schedule.dataflow != Dataflow.WS:
        return (
            "fold_rows: takes the ws dataflow, and products over all rows of the array "
            "(array_bits) into the scratchpad (ex_write_to_spad), got dataflow "
            f"{schedule.dataflow} on config '{config.name}'"
        )
    tile, (_, trip_n, trip_k) = schedule.tile, Tiling.of(schedule, problem, config).trips
    if tile[0] != dim // n or trip_n > 1 or trip_k > 1:
        return (
            f"fold_rows: the tile must hold all of B and {dim // n} blocks of rows, got tile "
            f"{list(tile)}"
        )
    return None


def unroll_problem(schedule: Schedule, problem: Problem, config: GemminiConfig) -> str | None:
    """The first rule that an unrolled schedule's tile breaks, whether its buffers fit or not."""
    trip_m, trip_n, trip_k = Tiling.of(schedule, problem, config).trips
    if schedule.prefetch_distance and not schedule.software_pipeline:
        if trip_m > 1 or trip_n > 1:
            return (
                "prefetch_distance: without software_pipeline the tile must hold all of m and n, "
                f"got tile {list(schedule.tile)}"
            )
        if (broken := _transposed_tiles_problem(schedule, problem, config)) is not None:
            return broken
    elif trip_k > 1 or (trip_m > 1 and trip_n > 1):
        return (
            "unroll: the tile must hold all of k, and all of m or of n, which leaves most "
            f"freedom to order instructions, got tile {list(schedule.tile)}"
        )
    if schedule.software_pipeline and trip_m == trip_n == 1:
        return "software_pipeline: there is one tile only, so there is nothing to overlap"
    count = instruction_count(schedule, problem, config)
    if count > MAX_UNROLLED_INSTRUCTIONS:
        return (
            f"unroll: {count} instructions; at most {MAX_UNROLLED_INSTRUCTIONS} fit an "
            "instruction cache beside other code: leave the loops (unroll = false)"
        )
    return None


def _transposed_tiles_problem(
    schedule: Schedule, problem: Problem, config: GemminiConfig
) -> str | None:
    tiles = Tiling.of(schedule, problem, config).trips[2]
    if not schedule.transposed_tiles:
        return None
    if problem.n > 1 or schedule.dataflow != Dataflow.WS:
        return (
            "transposed_tiles: only weights of one column lie in memory like their transpose, got "
            f"N = {problem.n}, dataflow {schedule.dataflow}"
        )
    if problem.transpose_a or problem.transpose_b:
        return "transposed_tiles: the array can transpose one operand only, and none is left"
    if schedule.transposed_tiles > tiles:
        return f"transposed_tiles: k has {tiles} tiles, got {schedule.transposed_tiles}"
    return None


def pipeline_problem(schedule: Schedule, problem: Problem, config: GemminiConfig) -> str | None:
    """What a software pipeline lacks: slots of the operand that comes in strips, and of sums."""
    if not schedule.software_pipeline:
        return None
    tiling = Tiling.of(schedule, problem, config)
    streamed, tiles = tiling.streamed, max(tiling.trips[:2])
    if 1 < schedule.prologue_tiles >= tiles:
        return (
            f"prologue_tiles: there are {tiles} tiles, and the loop needs at least one of them, "
            f"got {schedule.prologue_tiles}"
        )
    if all(schedule.slots(operand) > 1 for operand in (streamed, "c")):
        return None
    return (
        "software_pipeline: one tile is computed while others are loaded and stored: "
        f'double_buffer must name "{streamed}" and "c" here'
    )


def adds_bias_last(schedule: Schedule, tiling: Tiling, config: GemminiConfig) -> bool:
    """Whether a software pipeline adds the bias to finished sums: where strips are wide."""
    across = tiling.tile[1 if tiling.streamed == "a" else 0]
    wide = across > config.max_block_cols and not schedule.prefetch_distance
    return schedule.software_pipeline and wide


def stores_whole_beats(problem: Problem, config: GemminiConfig) -> bool:
    """Whether all rows of the result begin on a beat of the bus; others take masked writes."""
    element = config.acc_bytes if problem.wide_result else config.input_bytes
    return problem.n * element * 8 % config.dma_bus_bits == 0


def instruction_count(schedule: Schedule, problem: Problem, config: GemminiConfig) -> int:
    """Loads, products and stores that a schedule of separate instructions executes.

    That is all but configuration and fences. In a software pipeline it is what the code holds:
    the `prologue_tiles` and the loads of the next, a tile inside, and the last stores.
    """
    schedule, problem = as_executed(schedule, problem)
    blocks = dict(zip(TILE_DIMS, problem.blocks(config), strict=True))
    tiling = Tiling.of(schedule, problem, config)
    tile = dict(zip(TILE_DIMS, tiling.tile, strict=True))
    trips = dict(zip(TILE_DIMS, tiling.trips, strict=True))
    loops = [dim for dim in schedule.order if trips[dim] > 1]
    pipelined = schedule.software_pipeline
    tiles = schedule.prologue_tiles
    executed, loaded = (1 + tiles, 2 + tiles) if pipelined else (1, 1)
    # With a prefetch distance but a few operands of the next tile are loaded before the loop.
    inputs_loaded = executed if schedule.prefetch_distance else loaded
    if pipelined:
        blocks, trips = tile, dict.fromkeys(TILE_DIMS, 1)

    def moves(rows: str, cols: str, widest: int) -> int:
        """Moves of up to `widest` blocks of each tile of a matrix, once."""
        full, rest = divmod(blocks[cols], tile[cols])
        return blocks[rows] * (full * ceil_div(tile[cols], widest) + ceil_div(rest, widest))

    def loads(rows: str, cols: str, transposed: bool) -> int:
        """Loads of A or B, which stand in the loop that changes what they load."""
        inside = max(
            (number for number, dim in enumerate(loops, 1) if dim in rows + cols), default=0
        )
        repeats = prod(trips[dim] for dim in loops[:inside] if dim not in rows + cols)
        if inside:
            repeats *= inputs_loaded
        if transposed:
            rows, cols = cols, rows
        widest = load_blocks(cols, config)
        widest = min(widest, schedule.mvin_cols // config.dim or widest)
        return repeats * moves(rows, cols, widest)

    products = executed * 2 * prod(blocks.values())
    weights = loads("k", "n", problem.transpose_b)
    whole = ceil_div(tile["k"], config.max_block_cols)
    narrow = first_width(tile["k"])
    parts = tile["k"] // narrow * ceil_div(narrow, config.max_block_cols)
    if schedule.transposed_tiles:
        weights += (schedule.transposed_tiles - 1) * (whole - tile["k"]) + parts - tile["k"]
    first = 0
    if schedule.prefetch_distance and not pipelined:
        # The first tile comes in parts.
        first = tile["m"] * (parts - whole)
    stores = executed * moves("m", "n", max(1, schedule.mvout_cols // config.dim))
    begun = executed if adds_bias_last(schedule, tiling, config) else loaded
    biases = begun * moves("m", "n", config.max_block_cols_acc) if problem.has_bias else 0
    inputs = loads("m", "k", problem.transpose_a)
    if pipelined:
        inputs += schedule.prefetch_distance
    if schedule.transpose_resident:
        # It is loaded and transposed in a loop.
        inputs, weights = (0, weights) if schedule.dataflow == Dataflow.OS else (inputs, 0)
    if schedule.fold_rows:
        packed = ceil_div(problem.k * problem.n, config.dim**2)
        weights = 1 + packed
        products += 2 * packed * (config.dim // problem.n)
    return products + inputs + weights + first + biases + stores


def _loop_ws_problem(schedule: Schedule, problem: Problem, config: GemminiConfig) -> str | None:
    if not config.has_loop_ws:
        return f"lowering loop_ws: config '{config.name}' has no LOOP_WS (has_loop_ws = false)"
    if schedule.dataflow.value != "ws":
        return "lowering loop_ws: the FSM is weight-stationary; set dataflow = ws"
    if problem.k > config.exact_depth and config.exact_depth < config.dim:
        return (
            f"lowering loop_ws: the FSM sums {config.dim} products at a time, which can overflow "
            f"the {config.array_bits}-bit sums of config '{config.name}'; use isa"
        )
    m, n, k = Tiling.of(schedule, problem, config).tile
    half, half_acc = config.scratchpad_rows // 2, config.accumulator_rows // 2
    if (m * k + k * n) * config.dim > half:
        return (
            f"lowering loop_ws: tile {list(schedule.tile)} needs {(m * k + k * n) * config.dim} "
            f"scratchpad rows; the FSM has half of them, {half}"
        )
    if m * n * config.dim > half_acc:
        return (
            f"lowering loop_ws: tile {list(schedule.tile)} needs {m * n * config.dim} "
            f"accumulator rows; the FSM has half of them, {half_acc}"
        )
    return None
