"""Schedules of products that are small enough to be unrolled, as a whole or tile by tile."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from math import prod

from gemmini_xdsl.dialects.attributes import BUFFER_SLOTS, Dataflow, Placement, Schedule
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.instruction_costs import InstructionCosts
from gemmini_xdsl.passes.lower_bound import lower_bound
from gemmini_xdsl.passes.schedule_rules import (
    Problem,
    ceil_div,
    instruction_count,
    load_blocks,
    schedule_problem,
)

LEAST_PAIRS = 32
"""Pairs of a tile that hide the latency of the next one's loads."""

PREFETCH_DISTANCES = (2, 3)
"""MVINs that are sent ahead of the products that use them: so many hide each other's latency, and
the more, the further ahead is the bank that is loaded of that which is read."""

MUCH_AGAIN = 1 / 32
"""Share of a product's blocks that its last strip computes again."""

LEAST_PIECES = 6
"""Pieces of a strip that take turns in banks, two by two."""

SLOW_LOADS = 1.1
"""Loads of the resident operand that take so many times the products of a strip call for a second
strip in the prologue."""


def unrolled_schedule(
    problem: Problem, config: GemminiConfig, dataflow: Dataflow
) -> Schedule | None:
    """The unrolled schedule of fewest instructions, or None if none fits an instruction cache."""
    fitting = [
        schedule
        for schedule in _candidates(problem, config, dataflow)
        if schedule_problem(schedule, problem, config) is None
    ]
    return min(
        fitting,
        key=lambda schedule: instruction_count(schedule, problem, config),
        default=None,
    )


def _candidates(problem: Problem, config: GemminiConfig, dataflow: Dataflow) -> Iterator[Schedule]:
    """The whole product as one tile; else strips of rows or columns with two slots of sums."""
    m, n, k = problem.blocks(config)
    # Blocks of sums are finished one after another, in different banks. Weights that change cost
    # a second pass if they are transposed, so these are used for all rows at once.
    transposed = problem.transpose_b and dataflow == Dataflow.WS and m > 1
    inner_order = "knm" if transposed else "nmk"

    def schedule(tile: tuple[int, int, int], order: str, slots: tuple[str, ...]) -> Schedule:
        return Schedule(
            tile,
            order=order,
            inner_order=inner_order,
            dataflow=dataflow,
            double_buffer=slots,
            placement=Placement.INTERLEAVED,
            unroll=True,
        )

    yield schedule((m, n, k), "mnk", ())
    sums = config.accumulator_rows // config.dim // 2
    for parts in range(2, m + 1):
        rows = ceil_div(m, parts)
        if rows * n <= sums:
            yield schedule((rows, n, k), "mnk", ("a", "c"))
            break
    for parts in range(2, n + 1):
        cols = ceil_div(n, parts)
        if cols * m <= sums:
            yield schedule((m, cols, k), "nmk", ("b", "c"))
            break


Legal = Callable[[Schedule], bool]
"""Whether a product can be executed like that."""


def software_pipelines(
    problem: Problem,
    config: GemminiConfig,
    dataflow: Dataflow,
    legal: Legal | None = None,
) -> list[Schedule]:
    """Software pipelines over strips of rows, and of columns, that are `legal`: by default, those
    that `problem` allows, which fit an instruction cache.

    Strips are as narrow as `LEAST_PAIRS` lets them be, or twice as wide: the last one is stored
    when all else is done. If stores set the pace, strips of one block are tried as well. Transposed
    weights would take two passes for each product.
    """
    if problem.transpose_b and dataflow == Dataflow.WS:
        return []
    if legal is None:

        def legal(strip: Schedule) -> bool:
            return schedule_problem(strip, problem, config) is None

    m, n, k = problem.blocks(config)
    bound = lower_bound(problem, config)
    narrow = (1,) if bound.store >= max(bound.array, bound.load) else ()
    found: list[Schedule] = []
    for order, others in (("mnk", n), ("nmk", m)):
        resident = _resident_cycles(order, problem, config)
        least = ceil_div(LEAST_PAIRS, others * k)
        # Two slots of sums.
        widest = max(1, config.accumulator_rows // config.dim // 2 // others)
        strips = [
            strip
            for width in dict.fromkeys((*narrow, min(least, widest), min(2 * least, widest)))
            for strip in _far_ahead(_strip(order, width, others, k, dataflow), resident, config)
        ]
        strips += _close_ahead(order, others, problem, config, dataflow)
        even = [
            other
            for strip in strips
            for item in _even(strip, problem, config, legal)
            for other in ([item] if item.prefetch_distance else _far_ahead(item, resident, config))
            if _is_possible(other, problem, config, legal)
        ]
        possible = [strip for strip in strips if _is_possible(strip, problem, config, legal)]
        found += dict.fromkeys((*possible, *even))
    return found


def _strip(order: str, width: int, others: int, k: int, dataflow: Dataflow) -> Schedule:
    """A pipeline over strips of `width` blocks along the first dimension of `order`."""
    streamed = {"m": "a", "n": "b"}[order[0]]
    return Schedule(
        (width, others, k) if streamed == "a" else (others, width, k),
        order=order,
        inner_order=order,
        dataflow=dataflow,
        double_buffer=(streamed, "c"),
        unroll=True,
        software_pipeline=True,
    )


def _far_ahead(strip: Schedule, resident: float, config: GemminiConfig) -> Iterator[Schedule]:
    """Each strip is loaded while the one before is computed.

    The first one has too few products for the `resident` cycles in which the other operand is
    loaded if these are many; then two are computed meanwhile. If both operands take turns in the
    same banks, the list scheduler orders these instead, which is better for some.
    """
    slow = resident > SLOW_LOADS * prod(strip.tile) * InstructionCosts(config).pair
    for prologue_tiles in (1, BUFFER_SLOTS) if slow else (1,):
        for placement in (Placement.BANKED, Placement.INTERLEAVED):
            yield replace(strip, placement=placement, prologue_tiles=prologue_tiles)


def _even(
    strip: Schedule, problem: Problem, config: GemminiConfig, legal: Legal
) -> Iterator[Schedule]:
    """The same with a width that leaves less for the last strip to compute again, if that is much.

    All strips are equally wide, so that the last one overlaps the one before it. Loads are as wide
    as the strip lets them be.
    """
    axis = "mn".index(strip.order[0])
    width, blocks = strip.tile[axis], problem.blocks(config)[axis]

    def again(width: int) -> int:
        return -blocks % width

    if again(width) <= MUCH_AGAIN * blocks:
        return
    near = range(max(1, width // 2), 2 * width)
    better = [other for other in near if again(other) < again(width)]
    for other in sorted(better, key=lambda other: (again(other), abs(other - width), -other)):
        m, n, k = strip.tile
        even = replace(strip, tile=(m, other, k) if axis else (other, n, k), mvin_cols=0)
        if _is_possible(even, problem, config, legal):
            yield even
            return


def _is_possible(strip: Schedule, problem: Problem, config: GemminiConfig, legal: Legal) -> bool:
    """Whether it is legal, and there are more than two strips."""
    axis = "mn".index(strip.order[0])
    several = problem.blocks(config)[axis] > 2 * strip.tile[axis]
    return several and legal(strip)


def _resident_cycles(order: str, problem: Problem, config: GemminiConfig) -> float:
    """Cycles of loading the operand that does not come in strips."""
    sizes = {"m": problem.m, "n": problem.n, "k": problem.k}
    heights = {"m": config.dim, "n": config.dim, "k": config.exact_depth}
    rows, cols = "kn" if order[0] == "m" else "mk"
    if problem.transpose_b if order[0] == "m" else problem.transpose_a:
        rows, cols = cols, rows
    element, width = config.input_bytes, load_blocks(cols, config) * heights[cols]
    costs, stride = InstructionCosts(config), sizes[cols] * element
    row = sum(
        costs.load(
            heights[rows], min(width, sizes[cols] - start) * element, start * element, stride
        )
        for start in range(0, sizes[cols], width)
    )
    return ceil_div(sizes[rows], heights[rows]) * row


def _close_ahead(
    order: str, others: int, problem: Problem, config: GemminiConfig, dataflow: Dataflow
) -> Iterator[Schedule]:
    """Each piece is loaded shortly before it is used, which pays where loads take longest.

    A strip has as many pieces as the banks and the waiting products need for their turns, or half
    of them, which leaves less at the ends. All products that read a piece come one after another,
    so that pieces are used in the order in which they are loaded. Narrower pieces make narrower
    strips if these are stored along K.
    """
    streamed, other = order[0], order[1]
    along_k = problem.transpose_b if streamed == "n" else not problem.transpose_a
    k = problem.blocks(config)[2]
    widest = config.max_block_cols
    inner = f"{streamed}k{other}" if along_k else f"k{streamed}{other}"
    for narrower in (1,) if along_k else (1, 2, 4):
        if narrower > widest:
            break
        piece = widest // narrower
        step, pieces = (1, ceil_div(k, widest)) if along_k else (piece, k)
        most = max(ceil_div(LEAST_PIECES, pieces), ceil_div(LEAST_PAIRS, step * others * k))
        for steps in dict.fromkeys((most, ceil_div(most, 2)) if along_k else (most,)):
            strip = replace(
                _strip(order, step * steps, others, k, dataflow),
                inner_order=inner,
                # A tile that is as narrow limits pieces by itself, and no other loads.
                mvin_cols=piece * config.dim if narrower > 1 and steps > 1 else 0,
                placement=Placement.CYCLIC,
            )
            for distance in PREFETCH_DISTANCES:
                yield replace(strip, prefetch_distance=distance)


def transposed_columns(
    problem: Problem, config: GemminiConfig, dataflow: Dataflow
) -> list[Schedule]:
    """Schedules of a whole product of one column, whose weights are in part loaded as a row.

    A column takes a request for each element, a row fewer; but transposing it takes the array a
    second pass. So many tiles are transposed that the loads take as long as the products, or one
    tile less.
    """
    if problem.n > 1 or problem.transpose_a or problem.transpose_b or dataflow != Dataflow.WS:
        return []
    m, _, k = problem.blocks(config)
    width, dim = min(k, config.max_block_cols), config.dim
    tiles = ceil_div(k, width)
    costs = InstructionCosts(config)
    row_bytes = width * dim * config.input_bytes
    piece = costs.load(dim, row_bytes, 0, row_bytes)
    row = costs.load(1, row_bytes, 0, row_bytes)
    column = width * costs.load(dim, config.input_bytes, 0, config.input_bytes)
    # The time of all loads, and of all products, if no tile is transposed; what one changes.
    late = tiles * (m * piece + column - m * width * costs.pair)
    balanced = round(late / (width * costs.pair + column - row))
    found = [
        Schedule(
            (m, 1, width),
            dataflow=dataflow,
            placement=Placement.CYCLIC,
            unroll=True,
            prefetch_distance=max(m, max(PREFETCH_DISTANCES)),
            transposed_tiles=count,
        )
        for count in dict.fromkeys((min(balanced, tiles), min(balanced, tiles) - 1))
        if count > 0
    ]
    return [item for item in found if schedule_problem(item, problem, config) is None]
