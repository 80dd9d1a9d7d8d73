"""The analytical model: a lower bound of each schedule's time, and features for learning.

Both are computed for many points at once. The bound is the roofline of a tiled product: the
array, the loads, the stores and the core, which sends the commands, each need at least so many
cycles, and what cannot overlap is added: the first loads, the last stores, and everything where
nothing is double-buffered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gemmini_xdsl.dialects.attributes import Dataflow, Lowering
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.tvm_bridge.autotvm.knobs import Entity, ReorderEntity, SplitEntity
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import (
    DATAFLOW,
    EXCHANGE,
    INNER,
    LOWERING,
    MVIN,
    MVOUT,
    OPTION_NUMBERS,
    SLOTS,
    TILES,
)
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigSpace, Indices
from gemmini_xdsl.tvm_bridge.autotvm.task import HOST_GAP, GemmTask

Columns = npt.NDArray[np.float64]

_LOOP_COMMANDS = 6
"""Commands that start LOOP_WS for a tile: bounds, addresses, strides, and the loop."""

_WS, _LOOP_WS = OPTION_NUMBERS[str(Dataflow.WS)], OPTION_NUMBERS[str(Lowering.LOOP_WS)]


def _ceil(a: Columns | float, b: Columns | float) -> Columns:
    return np.asarray(np.ceil(np.asarray(a) / b), dtype=np.float64)


@dataclass(frozen=True)
class _Points:
    """Many points: columns of numbers for each knob, tiles clipped, and how many tiles there are.

    A tile is its number of blocks; an order of loops has a column for each axis, its position.
    """

    knobs: dict[str, tuple[Columns, ...]]
    tile: tuple[Columns, Columns, Columns]
    trips: tuple[Columns, Columns, Columns]

    def __getitem__(self, name: str) -> Columns:
        """The only column of a knob."""
        (column,) = self.knobs[name]
        return column


def _points(space: ConfigSpace, indices: Indices, task: GemmTask) -> _Points:
    choices = space.points(indices)
    knobs: dict[str, tuple[Columns, ...]] = {}
    for position, (name, knob) in enumerate(space.knobs.items()):
        table = np.array([_numbers(entity) for entity in knob.entities], dtype=np.float64)
        knobs[name] = tuple(column[choices[:, position]] for column in table.T)
    blocks = task.workload.problem.blocks(task.config)
    m, n, k = (np.minimum(knobs[name][0], n) for name, n in zip(TILES, blocks, strict=True))
    trips = (_ceil(blocks[0], m), _ceil(blocks[1], n), _ceil(blocks[2], k))
    return _Points(knobs, (m, n, k), trips)


def _numbers(entity: Entity) -> list[float]:
    if isinstance(entity, SplitEntity):
        return [entity.size[1]]
    if isinstance(entity, ReorderEntity):
        return [entity.perm.index(axis) for axis in range(len(entity.perm))]
    value = entity.val
    return [OPTION_NUMBERS[value] if isinstance(value, str) else float(value)]


@dataclass(frozen=True)
class _Costs:
    """Cycles of many points, by what spends them."""

    compute: Columns
    load: Columns
    store: Columns
    host: Columns
    exposed: Columns

    @property
    def parts(self) -> tuple[Columns, ...]:
        return self.compute, self.load, self.store, self.host

    @property
    def total(self) -> Columns:
        return np.asarray(np.maximum.reduce(self.parts) + self.exposed, dtype=np.float64)


def _costs(points: _Points, task: GemmTask) -> _Costs:
    config, problem = task.config, task.workload.problem
    dim = config.dim
    m, n, k = (float(count) for count in problem.blocks(config))
    tile_m, tile_n, tile_k = points.tile
    trip_m, trip_n, trip_k = points.trips
    single_k = trip_k == 1
    # The operand that the inner loop over tiles does not index stays if k is one tile.
    a_passes = np.where(single_k & (points[EXCHANGE] == 0), 1, trip_n)
    b_passes = np.where(single_k & (points[EXCHANGE] == 1), 1, trip_m)
    a_cols = problem.m if problem.transpose_a else problem.k
    b_cols = problem.k if problem.transpose_b else problem.n
    a_bytes = _moved_bytes(problem.k if problem.transpose_a else problem.m, a_cols, config)
    b_bytes = _moved_bytes(problem.n if problem.transpose_b else problem.k, b_cols, config)
    beat = config.dma_bus_bits // 8
    load = (a_bytes * a_passes + b_bytes * b_passes) / beat
    if problem.has_bias:
        load = load + problem.m * problem.n * config.acc_bytes / beat
    out_bytes = config.acc_bytes if problem.wide_result else config.input_bytes
    store_width = np.minimum(points[MVOUT], tile_n * dim)
    # A row of a store occupies the writer for its beats, and two cycles at least.
    store = (
        problem.m
        * _ceil(problem.n, store_width)
        * np.maximum(2.0, _ceil(store_width * out_bytes, beat))
    )
    # Weights stay for a row of blocks if m is innermost; if not, a pair costs a full preload.
    inner_m = points.knobs[INNER][0]
    keeps_weights = (inner_m == len(TILES) - 1) & (points[DATAFLOW] == _WS)
    rows = np.where(keeps_weights & (points.tile[0] > 1), min(dim, problem.m), dim)
    compute = m * n * k * np.where(m > 1, dim, rows)
    block = dim * dim * config.input_bytes / beat
    first = (tile_m + tile_n) * np.minimum(tile_k, 4.0) * block
    last = tile_m * tile_n * dim / 2
    slot_a, slot_b, slot_c = (points[name] for name in SLOTS)
    overlapped_loads = (slot_a + slot_b) / 2
    loop_ws = points[LOWERING] == _LOOP_WS
    overlapped_loads = np.where(loop_ws, 1.0, overlapped_loads)
    overlapped_stores = np.where(loop_ws, 1.0, slot_c)
    exposed = first + last
    exposed = exposed + (1 - overlapped_loads) * np.minimum(load, compute) * 0.5
    exposed = exposed + (1 - overlapped_stores) * np.minimum(store, compute) * 0.5
    exposed = exposed + 2 * dim * trip_m * trip_n * trip_k * np.where(loop_ws, 0.5, 1.0)
    host = HOST_GAP * _commands(points, task, a_passes, b_passes)
    return _Costs(*np.broadcast_arrays(compute, load, store, host, exposed))


def _commands(points: _Points, task: GemmTask, a_passes: Columns, b_passes: Columns) -> Columns:
    """How many commands the core sends."""
    config, problem = task.config, task.workload.problem
    m, n, k = problem.blocks(config)
    tile_m, tile_n, tile_k = points.tile
    trip_m, trip_n, trip_k = points.trips
    width = points[MVIN] / config.dim
    # A load moves a row of blocks of a tile, up to its width.
    a_loads = (
        k * trip_m * _ceil(tile_m, width)
        if problem.transpose_a
        else (m * trip_k * _ceil(tile_k, width))
    )
    b_loads = (
        n * trip_k * _ceil(tile_k, width)
        if problem.transpose_b
        else (k * trip_n * _ceil(tile_n, width))
    )
    stores = m * trip_n * _ceil(tile_n * config.dim, points[MVOUT])
    bias = stores if problem.has_bias else 0
    # A block product is a preload and a compute.
    separate = 2 * m * n * k + a_loads * a_passes + b_loads * b_passes + stores + bias
    in_loop = _LOOP_COMMANDS * trip_m * trip_n * trip_k
    return np.where(points[LOWERING] == _LOOP_WS, in_loop, separate)


def _moved_bytes(rows: int, cols: int, config: GemminiConfig) -> float:
    """Bytes of bus beats that loading a row-major matrix once takes."""
    beat = config.dma_bus_bits // 8
    return float(rows * -(-cols * config.input_bytes // beat) * beat)


def bound(task: GemmTask, space: ConfigSpace, indices: Indices) -> Columns:
    """Estimated cycles of every point."""
    return _costs(_points(space, indices, task), task).total


def features(task: GemmTask, space: ConfigSpace, indices: Indices) -> Columns:
    """What a cost model learns from: one row a point, the same columns for every workload."""
    points = _points(space, indices, task)
    costs = _costs(points, task)
    ideal = _ideal(task)
    sizes = [float(size) for size in task.workload.problem.blocks(task.config)]
    dim = task.config.dim
    # Widths count in blocks; whatever else the space has, as it is.
    scales = {MVIN: dim, MVOUT: dim}
    columns = [
        *points.tile,
        *(np.log2(trips) for trips in points.trips),
        *(
            column / scales.get(name, 1)
            for name, parts in points.knobs.items()
            if name not in TILES
            for column in parts
        ),
        points.tile[0] * points.tile[1],
        points.tile[0] * points.tile[2],
        points.tile[2] * points.tile[1],
        *(np.log2(part / ideal + 1) for part in costs.parts),
        np.log2(costs.exposed / ideal + 1),
        np.log2(costs.total / ideal),
        *(np.full_like(points.tile[0], np.log2(size)) for size in sizes),
    ]
    return np.stack(columns, axis=1)


def _ideal(task: GemmTask) -> float:
    m, n, k = task.workload.problem.blocks(task.config)
    return float(m * n * k * task.config.dim)


def relative_cost(task: GemmTask, seconds: float) -> float:
    """What a cost model predicts: log2 of the time over the array's least time."""
    return float(np.log2(seconds / task.seconds(_ideal(task))))
