"""A `loop_ws` schedule that is measured tile by tile, as far as it takes to tell its pace.

The accelerator takes a LOOP_WS when the third one before it is done, which tells how long each
tile takes. Tiles soon repeat, so that few of them foretell the rest.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import prod

from gemmini_xdsl.passes.lower_bound import STORE_CYCLES
from gemmini_xdsl.passes.schedule_rules import Tiling, ceil_div
from gemmini_xdsl.runtime_c.timing import TimingModel
from gemmini_xdsl.targets.arguments import Role
from gemmini_xdsl.targets.command_stream import Command, CommandStream, Placement
from gemmini_xdsl.tvm_bridge.autotvm.cache_contents import call_before
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_commands import LoopWsProgram
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_search import LATE_STORES, product_work, tile_work
from gemmini_xdsl.tvm_bridge.autotvm.simulate import call_cycles, placement_bytes
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

IN_FLIGHT = 3
"""A LOOP_WS is taken when the one so many before it is done: two run, one waits."""

SETTLED = 0.34
"""What was done before this share of the work so far is not counted for the pace."""

SHORT_PERIOD = 4
"""Tiles of a period that every measurement spans."""

RESIDENT = 0.6
"""An operand of at most this share of the L2 stays there while the others pass through."""


NEARLY_FITS = 1.25
"""Up to so many times the L2, operands are there again soon enough."""


class LoopWsTrial:
    """A call on a timing model of its own, from whatever point `advance` has brought it to.

    `gap` is the cycles that the core needs between commands.
    """

    def __init__(self, program: LoopWsProgram, gap: int) -> None:
        self.schedule = program.schedule
        self._program = program
        self._gap = gap
        self._config = program.task.config
        self._model = TimingModel(self._config)
        self._prepare()
        self._steps = program.steps()
        self._accepted: list[int] = []
        self._total: int | None = None
        problem = program.task.workload.problem
        self._tiling = Tiling.of(self.schedule, problem, self._config)
        self._done = [0.0]
        inner = "mnk".index(self.schedule.order[1])
        uneven = problem.blocks(self._config)[inner] % self._tiling.tile[inner] != 0
        self._period = self._tiling.trips[2] * (self._tiling.trips[inner] if uneven else 1)
        """Tiles after which the same sizes, and stores, come again."""
        self.work, _ = product_work(self._tiling.tile, problem, self._config)
        """`tile_work` of the whole call."""

    @property
    def done(self) -> bool:
        """Whether the whole call was measured."""
        return self._total is not None

    def advance(self, work: float) -> None:
        """Go on until so much of `tile_work` is done, and the pace can be told; or to the end."""
        if self.done:
            return
        period = self._period if self._period <= SHORT_PERIOD else 2
        for tile, commands in self._steps:
            self._accepted.append(self._send(commands))
            m, n, k = (ceil_div(part.size, self._config.dim) for part in (tile.m, tile.n, tile.k))
            self._done.append(self._done[-1] + tile_work(m, n, k, self._config))
            last = len(self._accepted) - 1
            if last >= IN_FLIGHT + period and self._finished(last) >= work:
                return
        self._total = self._model.fence()

    def repeat(self) -> None:
        """Measure the second of two calls after the core has written the inputs."""
        program = self._program
        stream = CommandStream(program.placements, (*program.commands(), None))
        self._total = call_cycles(program.task, stream, self._gap, warm=True)

    def cycles(self) -> float:
        """What the call takes, as far as one can tell; needs `advance` first."""
        if self._total is not None:
            return self._total
        last = len(self._accepted) - 1
        starts = range(IN_FLIGHT, last)
        # Tiles that store, and small ones, take longer for their work: periods are compared.
        whole = [start for start in starts if (last - start) % self._period == 0] or list(starts)
        settled = self._finished(last) * SETTLED
        first = min(whole, key=lambda start: abs(self._finished(start) - settled))
        work = self._finished(last) - self._finished(first)
        pace = max(1.0, (self._accepted[last] - self._accepted[first]) / work)
        stores = prod(self._tiling.tile[:2]) * STORE_CYCLES * LATE_STORES
        return self._accepted[last] + pace * (self.work - self._finished(last)) + stores

    def close(self) -> None:
        """Free the model."""
        self._model.close()

    def _finished(self, number: int) -> float:
        """Work that was done when LOOP_WS `number` was taken."""
        return self._done[number - IN_FLIGHT + 1]

    def _send(self, commands: Iterable[Command]) -> int:
        """Send some commands; the cycle in which the last one was taken."""
        cycle = 0
        for command in commands:
            cycle = self._model.command(self._gap, command.funct, command.rs1, command.rs2)
        return cycle

    def _prepare(self) -> None:
        """Fill the L2 as earlier tiles would have left it."""
        task, placements = self._program.task, self._program.placements
        if sum(map(placement_bytes, placements)) <= NEARLY_FITS * self._config.l2_bytes:
            for placement in placements:
                self._model.host_write(placement.address, placement_bytes(placement))
            return
        call_before(self._model, self._config, placements, placements)
        a, b = (place for place in placements if place.argument.role == Role.INPUT)
        inner, outer = (b, a) if self.schedule.order == "mnk" else (a, b)
        if placement_bytes(inner) <= RESIDENT * self._config.l2_bytes:
            self._model.host_write(inner.address, placement_bytes(inner))
        self._write_strip(outer, "mn"[outer is b], task)

    def _write_strip(self, operand: Placement, dim: str, task: GemmTask) -> None:
        """Put the rows or columns of an operand that the first tiles share into the L2."""
        workload, width = task.workload, self._config.input_bytes
        size = self._program.parts["mn".index(dim)][0].size
        shape = operand.argument.shape
        assert shape is not None
        by_rows = (not workload.transpose_a) if dim == "m" else workload.transpose_b
        if by_rows:
            self._model.host_write(operand.address, size * shape[1] * width)
            return
        for row in range(shape[0]):
            self._model.host_write(operand.address + row * shape[1] * width, size * width)
