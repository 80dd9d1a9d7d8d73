"""The analytical model: a lower bound of each schedule's time, and features for learning.

Both are computed for many points at once. The bound is the roofline of a tiled product: the
array, the loads and the stores each need at least so many cycles, and what cannot overlap is
added: the first loads, the last stores, and everything where nothing is double-buffered.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import (
    DATAFLOW,
    EXCHANGE,
    INNER,
    LOWERING,
    MVIN,
    MVOUT,
    PLACEMENT,
    SLOTS,
    TILES,
)
from gemmini_xdsl.tvm_bridge.autotvm.knobs import OtherOptionEntity, ReorderEntity, SplitEntity
from gemmini_xdsl.tvm_bridge.autotvm.space import ConfigSpace, Indices
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

Columns = npt.NDArray[np.float64]


def _ceil(a: Columns | float, b: Columns | float) -> Columns:
    return np.asarray(np.ceil(np.asarray(a) / b), dtype=np.float64)


@dataclass(frozen=True)
class _Points:
    """Knob values of many points as columns of numbers."""

    tile: tuple[Columns, Columns, Columns]
    trips: tuple[Columns, Columns, Columns]
    exchange: Columns
    inner: tuple[Columns, ...]
    output_stationary: Columns
    slots: tuple[Columns, ...]
    mvin: Columns
    mvout: Columns
    packed: Columns
    loop_ws: Columns


def _points(space: ConfigSpace, indices: Indices, task: GemmTask) -> _Points:
    choices = space.points(indices)
    column = {name: position for position, name in enumerate(space.knobs)}

    def take(name: str, part: int = 0) -> Columns:
        table = [_number(entity, part) for entity in space.knobs[name].entities]
        return np.asarray(table, dtype=np.float64)[choices[:, column[name]]]

    blocks = task.workload.problem.blocks(task.config)
    tile = tuple(np.minimum(take(name, 1), n) for name, n in zip(TILES, blocks, strict=True))
    trips = tuple(_ceil(n, size) for n, size in zip(blocks, tile, strict=True))
    return _Points(
        (tile[0], tile[1], tile[2]),
        (trips[0], trips[1], trips[2]),
        take(EXCHANGE),
        tuple(take(INNER, part) for part in range(len(TILES))),
        take(DATAFLOW),
        tuple(take(name) for name in SLOTS),
        take(MVIN),
        take(MVOUT),
        take(PLACEMENT),
        take(LOWERING),
    )


_NUMBERS = {"ws": 0, "os": 1, "banked": 0, "packed": 1, "isa": 0, "loop_ws": 1}


def _number(entity: SplitEntity | ReorderEntity | OtherOptionEntity, part: int) -> float:
    if isinstance(entity, SplitEntity):
        return entity.size[part]
    if isinstance(entity, ReorderEntity):
        return entity.perm.index(part)
    return float(_NUMBERS[entity.val] if isinstance(entity.val, str) else entity.val)


@dataclass(frozen=True)
class _Costs:
    """Cycles of many points, by what spends them."""

    compute: Columns
    load: Columns
    store: Columns
    exposed: Columns

    @property
    def total(self) -> Columns:
        steady = np.maximum(np.maximum(self.compute, self.load), self.store)
        return np.asarray(steady + self.exposed, dtype=np.float64)


def _costs(points: _Points, task: GemmTask) -> _Costs:
    config, problem = task.config, task.workload.problem
    dim = config.dim
    m, n, k = (float(count) for count in problem.blocks(config))
    tile_m, tile_n, tile_k = points.tile
    trip_m, trip_n, trip_k = points.trips
    single_k = trip_k == 1
    # The operand that the inner loop over tiles does not index stays if k is one tile.
    a_passes = np.where(single_k & (points.exchange == 0), 1, trip_n)
    b_passes = np.where(single_k & (points.exchange == 1), 1, trip_m)
    a_cols = problem.m if problem.transpose_a else problem.k
    b_cols = problem.k if problem.transpose_b else problem.n
    a_bytes = _moved_bytes(problem.k if problem.transpose_a else problem.m, a_cols, config)
    b_bytes = _moved_bytes(problem.n if problem.transpose_b else problem.k, b_cols, config)
    beat = config.dma_bus_bits // 8
    load = (a_bytes * a_passes + b_bytes * b_passes) / beat
    if problem.has_bias:
        load = load + problem.m * problem.n * config.acc_bytes / beat
    out_bytes = config.acc_bytes if problem.wide_result else config.input_bytes
    store_width = np.minimum(points.mvout, tile_n * dim)
    # A row of a store occupies the writer for its beats, and two cycles at least.
    store = (
        problem.m
        * _ceil(problem.n, store_width)
        * np.maximum(2.0, _ceil(store_width * out_bytes, beat))
    )
    # Weights stay for a row of blocks if m is innermost; if not, a pair costs a full preload.
    keeps_weights = (points.inner[0] == len(TILES) - 1) & (points.output_stationary == 0)
    rows = np.where(keeps_weights & (points.tile[0] > 1), min(dim, problem.m), dim)
    compute = m * n * k * np.where(m > 1, dim, rows)
    block = dim * dim * config.input_bytes / beat
    first = (tile_m + tile_n) * np.minimum(tile_k, 4.0) * block
    last = tile_m * tile_n * dim / 2
    overlapped_loads = (points.slots[0] + points.slots[1]) / 2
    loop_ws = points.loop_ws == 1
    overlapped_loads = np.where(loop_ws, 1.0, overlapped_loads)
    overlapped_stores = np.where(loop_ws, 1.0, points.slots[2])
    exposed = first + last
    exposed = exposed + (1 - overlapped_loads) * np.minimum(load, compute) * 0.5
    exposed = exposed + (1 - overlapped_stores) * np.minimum(store, compute) * 0.5
    exposed = exposed + 2 * dim * trip_m * trip_n * trip_k * np.where(loop_ws, 0.5, 1.0)
    full = np.ones_like(tile_m)
    return _Costs(compute * full, load * full, store * full, exposed)


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
    columns = [
        *points.tile,
        *(np.log2(trips) for trips in points.trips),
        points.exchange,
        *points.inner,
        points.output_stationary,
        *points.slots,
        points.mvin / dim,
        points.mvout / dim,
        points.packed,
        points.loop_ws,
        points.tile[0] * points.tile[1],
        points.tile[0] * points.tile[2],
        points.tile[2] * points.tile[1],
        *(np.log2(part / ideal + 1) for part in (costs.compute, costs.load, costs.store)),
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
