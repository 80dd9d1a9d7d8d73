"""The commands of a `loop_ws` product, straight from its schedule.

They are so few and so regular that going through the passes would take much longer than timing
them. Tests compare them with those of the whole pipeline.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware import encoding
from gemmini_xdsl.hardware.encoding import Funct
from gemmini_xdsl.passes.schedule_rules import Tiling, ceil_div
from gemmini_xdsl.passes.tile_nests import A_ID, B_ID, BIAS_ID
from gemmini_xdsl.targets.arguments import Role
from gemmini_xdsl.targets.command_stream import Command, Placement
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

NO_ADDRESS = 0
"""What LOOP_WS takes for "this matrix is not moved"."""


@dataclass(frozen=True)
class Part:
    """A range of one dimension, in elements."""

    start: int
    size: int


@dataclass(frozen=True)
class Matrix:
    """A matrix in DRAM, its elements counted in bytes; a row that is repeated has stride 0."""

    address: int
    stride: int
    element_bytes: int

    def at(self, row: int, col: int) -> int:
        """The address of an element."""
        return self.address + (row * self.stride + col) * self.element_bytes

    @property
    def stride_bytes(self) -> int:
        """Bytes from one row to the next."""
        return self.stride * self.element_bytes


@dataclass(frozen=True)
class Tile:
    """What one LOOP_WS multiplies; the first of a sum loads the bias, the last one stores."""

    m: Part
    n: Part
    k: Part
    first: bool
    last: bool


@dataclass(frozen=True)
class LoopWsProgram:
    """What the core sends for a product under a `loop_ws` schedule, tile by tile.

    `scale` is the requantisation's; `placements` are those of A, B, the bias and C.
    """

    task: GemmTask
    schedule: Schedule
    placements: tuple[Placement, ...]
    scale: float

    @cached_property
    def parts(self) -> tuple[list[Part], list[Part], list[Part]]:
        """What the tiles cover along M, N and K."""
        workload, config = self.task.workload, self.task.config
        tiling = Tiling.of(self.schedule, workload.problem, config)
        steps = (size * config.dim for size in tiling.tile)
        m, n, k = (
            [Part(start, min(step, total - start)) for start in range(0, total, step)]
            for total, step in zip((workload.m, workload.n, workload.k), steps, strict=True)
        )
        return m, n, k

    def tiles(self) -> Iterator[Tile]:
        """All tiles in order."""
        rows, cols, depths = self.parts
        if self.schedule.order == "nmk":
            places = ((m, n) for n in cols for m in rows)
        else:
            places = ((m, n) for m in rows for n in cols)
        for m, n in places:
            for k in depths:
                yield Tile(m, n, k, k is depths[0], k is depths[-1])

    def steps(self) -> Iterator[tuple[Tile, list[Command]]]:
        """Each tile with the commands up to its LOOP_WS."""
        before, last = self.configuration()
        rows, cols, depths = self.parts
        # What stands in loops is moved before them; the store's does not if C is one tile.
        late = len(rows) == len(cols) == 1 and len(depths) > 1
        if not late:
            before.append(last)
        for tile in self.tiles():
            if late and tile.last:
                before.append(last)
            yield tile, [*before, *self.tile(tile)]
            before.clear()

    def commands(self) -> Iterator[Command]:
        """All commands but the fence at the end."""
        for _, commands in self.steps():
            yield from commands

    def configuration(self) -> tuple[list[Command], Command]:
        """What LOOP_WS relies on: the array's and the loads' configuration, and the store's."""
        config, workload = self.task.config, self.task.workload
        execute = encoding.config_ex(
            dataflow=self.schedule.dataflow.value,
            activation="none",
            transpose_a=workload.transpose_a,
            transpose_b=workload.transpose_b,
            a_stride=1,
            c_stride=1,
            in_shift=0,
        )
        a, b, bias, c = self._matrices
        loads = [(A_ID, a), (B_ID, b), *([] if bias is None else [(BIAS_ID, bias)])]
        packed = [
            encoding.config_ld(
                id=id, stride=matrix.stride_bytes, block_stride=config.dim, scale=1.0, shrink=False
            )
            for id, matrix in loads
        ]
        store = encoding.config_st(stride=c.stride_bytes, scale=self.scale, activation="none")
        return [_command(Funct.CONFIG, *operands) for operands in (execute, *packed)], _command(
            Funct.CONFIG, *store
        )

    def tile(self, tile: Tile) -> list[Command]:
        """One LOOP_WS and its configuration."""
        workload, dim = self.task.workload, self.task.config.dim
        m, n, k = tile.m, tile.n, tile.k
        a, b, bias, c = self._matrices
        a_address = a.at(*((k.start, m.start) if workload.transpose_a else (m.start, k.start)))
        b_address = b.at(*((n.start, k.start) if workload.transpose_b else (k.start, n.start)))
        d_address, d_stride = NO_ADDRESS, 0
        has_bias = tile.first and bias is not None
        if tile.first and bias is not None:
            d_address, d_stride = bias.at(m.start, n.start), bias.stride
        c_address, c_stride = (c.at(m.start, n.start), c.stride) if tile.last else (NO_ADDRESS, 0)
        sizes = (m.size, n.size, k.size)
        run = encoding.loop_ws(
            ex_accumulate=has_bias or not tile.first,
            full_c=tile.last and workload.wide_result,
            low_d=False,
            activation="none",
            a_spad_id=0,
            b_spad_id=0,
            transpose_a=workload.transpose_a,
            transpose_b=workload.transpose_b,
        )
        return [
            _command(
                Funct.LOOP_WS_CONFIG_BOUNDS,
                _ijk([-size % dim for size in sizes]),
                _ijk([ceil_div(size, dim) for size in sizes]),
            ),
            _command(Funct.LOOP_WS_CONFIG_ADDRS_AB, a_address, b_address),
            _command(Funct.LOOP_WS_CONFIG_ADDRS_DC, d_address, c_address),
            _command(Funct.LOOP_WS_CONFIG_STRIDES_AB, a.stride, b.stride),
            _command(Funct.LOOP_WS_CONFIG_STRIDES_DC, d_stride, c_stride),
            _command(Funct.LOOP_WS, *run),
        ]

    @cached_property
    def _matrices(self) -> tuple[Matrix, Matrix, Matrix | None, Matrix]:
        """A, B, the bias and C."""
        config, workload = self.task.config, self.task.workload
        found: list[Matrix] = []
        bias: Matrix | None = None
        for placement in self.placements:
            shape, role = placement.argument.shape, placement.argument.role
            assert shape is not None
            stride = shape[1] if len(shape) > 1 else 0
            if role == Role.BIAS:
                bias = Matrix(placement.address, stride, config.acc_bytes)
            else:
                wide = role == Role.OUTPUT and workload.wide_result
                width = config.acc_bytes if wide else config.input_bytes
                found.append(Matrix(placement.address, stride, width))
        a, b, c = found
        return a, b, bias, c


def _command(funct: Funct, first: int, second: int) -> Command:
    return Command(funct, first, second, funct.mnemonic)


def _ijk(values: list[int]) -> int:
    i, j, k = values
    return i | j << encoding.LOOP_J_SHIFT | k << encoding.LOOP_K_SHIFT
