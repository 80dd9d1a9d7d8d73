"""Building and running trials on this machine's simulators, and checking their results."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware.encoding import Funct
from gemmini_xdsl.runtime_c.simulator import Simulator, SimulatorError
from gemmini_xdsl.runtime_c.timed import timed
from gemmini_xdsl.runtime_c.timing import TimingError, TimingModel
from gemmini_xdsl.targets.arguments import Role
from gemmini_xdsl.targets.command_stream import CommandStream, Placement
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.host_build import find_c_compiler
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureError, MeasureErrorNo
from gemmini_xdsl.tvm_bridge.autotvm.native import NativeBuilder, NativeProgram, has_native_trial
from gemmini_xdsl.tvm_bridge.autotvm.programs import SCALE, compile_schedule, counts_core
from gemmini_xdsl.tvm_bridge.autotvm.task import HOST_GAP, UNROLLED_HOST_GAP, GemmTask, Workload

WARM_PRODUCTS = 1 << 27
"""Up to this many multiplications, a trial is executed once before it is timed."""

VERIFIED_PRODUCTS = 1 << 28
"""Up to this many multiplications, every trial is verified and not only the best one."""

NATIVE_BLOCKS = 4096
"""Products of more blocks than this send so many commands that compiling C pays."""

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class CommandStreamBuilder:
    """Compiles trials to command streams, in memory."""

    def build(self, task: GemmTask, schedule: Schedule) -> CommandStream:
        """The commands; raises `TuningError` if the schedule does not compile."""
        return compile_schedule(task, schedule)


@dataclass(frozen=True)
class FastestBuilder:
    """Command streams for small products, native code for large ones if there is a compiler.

    Both give the same commands and the same modelled time.
    """

    def build(self, task: GemmTask, schedule: Schedule) -> CommandStream | NativeProgram:
        """The program; raises `TuningError` or `MeasureError` if there is none."""
        large = prod(task.workload.problem.blocks(task.config)) > NATIVE_BLOCKS
        if large and has_native_trial(schedule) and _has_compiler():
            return NativeBuilder().build(task, schedule)
        return compile_schedule(task, schedule)


@cache
def _has_compiler() -> bool:
    try:
        find_c_compiler()
    except GemminiError:
        return False
    return True


@dataclass(frozen=True)
class SimulatorRunner:
    """Times programs on the cycle-level model and verifies them on the functional simulator.

    `host_gap` is the number of cycles that the core takes from one accepted command to the next;
    by default that depends on the kind of schedule, see `core_gap`. Products are timed warm: they
    are executed a second time, unless they are so large that this makes no difference. Those of at
    most `verified_products` multiplications are verified bit by bit in each trial.
    """

    host_gap: int | None = None
    verified_products: int = VERIFIED_PRODUCTS

    def run(
        self, task: GemmTask, schedule: Schedule, program: CommandStream | NativeProgram
    ) -> tuple[float, ...]:
        """The time of one run in seconds; raises `MeasureError`."""
        if workload_size(task.workload) <= self.verified_products:
            verify(task, program)
        return (task.seconds(self.cycles(task, program, schedule)),)

    def cycles(
        self,
        task: GemmTask,
        program: CommandStream | NativeProgram,
        schedule: Schedule | None = None,
    ) -> int:
        """Cycles from the first command until the accelerator is idle; raises `MeasureError`."""
        gap = self.host_gap
        if gap is None:
            gap = HOST_GAP if schedule is None else core_gap(schedule)
        return call_cycles(task, program, gap, warm=workload_size(task.workload) <= WARM_PRODUCTS)


def call_cycles(
    task: GemmTask, program: CommandStream | NativeProgram, gap: int | None, *, warm: bool
) -> int:
    """Cycles of a call on the timing model; `warm`: of the second one.

    The core takes `gap` cycles for each command, or those that were counted. It has just written
    the inputs. Raises `MeasureError` for a program that hangs.
    """
    try:
        with TimingModel(task.config) as model:
            for placement in program.placements:
                if placement.argument.role != Role.OUTPUT:
                    model.host_write(placement.address, placement_bytes(placement))
            start = 0
            if warm:
                _execute(model, program, gap)
                start = model.fence()
            _execute(model, program, gap)
            copying = program.copy_cycles if isinstance(program, CommandStream) else 0
            return copying + model.fence() - start
    except TimingError as error:
        raise MeasureError(MeasureErrorNo.RUNTIME_DEVICE, str(error)) from None


def placement_bytes(placement: Placement) -> int:
    """Bytes of an array in DRAM; none for a scalar."""
    argument = placement.argument
    if argument.shape is None:
        return 0
    return prod(argument.shape) * np.dtype(argument.dtype).itemsize


def core_gap(schedule: Schedule) -> int | None:
    """Cycles between two commands; None for loops over single instructions, where these differ.

    Unrolled code makes an operand by one addition. LOOP_WS is called so seldom that its gap hardly
    matters. Programs of the third kind come with the core's cycles counted.
    """
    if counts_core(schedule):
        return None
    return UNROLLED_HOST_GAP if schedule.unroll else HOST_GAP


def send(model: TimingModel, stream: CommandStream, gap: int | None) -> list[int]:
    """Send a stream to the model; returns when each of its MVOUTs was accepted."""
    command, stored = model.command, []
    gaps = stream.core_cycles if gap is None else (gap,) * len(stream.items)
    assert gaps is not None, "the core's cycles have not been counted"
    for item, cycles in zip(stream.items, gaps, strict=True):
        if item is None:
            model.fence()
        else:
            accepted = command(cycles, item.funct, item.rs1, item.rs2)
            if item.funct == Funct.MVOUT:
                stored.append(accepted)
    return stored


def workload_size(workload: Workload) -> int:
    """Multiplications of a product."""
    return workload.m * workload.n * workload.k


def _execute(model: TimingModel, program: CommandStream | NativeProgram, gap: int | None) -> None:
    """Send all commands of a program to the timing model."""
    if isinstance(program, NativeProgram):
        with timed(model, gap):
            program.call()
        return
    send(model, program, gap)


def verify(task: GemmTask, program: CommandStream | NativeProgram) -> None:
    """Run the commands in the functional simulator and compare with numpy, bit by bit.

    Raises `MeasureError` if the simulator refuses a command or an element differs.
    """
    inputs, expected = _reference(task.workload)
    output = np.zeros(expected.shape, expected.dtype)
    simulator = Simulator(task.config, checked=True)
    operands = iter(inputs)
    for placement in program.placements:
        is_output = placement.argument.role == Role.OUTPUT
        simulator.map(placement.address, output if is_output else next(operands))
    if isinstance(program, CommandStream):
        for constant in program.constants:
            simulator.map(constant.address, constant.contents)
        for copy in program.copies:
            simulator.map(copy.address, inputs[copy.argument].reshape(-1)[list(copy.elements)])
    try:
        if isinstance(program, NativeProgram):
            with simulator.attach():
                program.call()
        else:
            command = simulator.command
            for item in program.items:
                if item is None:
                    simulator.fence()
                else:
                    command(item.funct, item.rs1, item.rs2)
    except SimulatorError as error:
        raise MeasureError(MeasureErrorNo.WRONG_ANSWER, str(error)) from None
    wrong = int(np.count_nonzero(output != expected))
    if wrong:
        raise MeasureError(
            MeasureErrorNo.WRONG_ANSWER, f"{wrong} of {expected.size} results are wrong"
        )


def verify_schedule(task: GemmTask, schedule: Schedule) -> None:
    """Compile a schedule and verify it. Raises `MeasureError` or `TuningError`."""
    verify(task, FastestBuilder().build(task, schedule))


@lru_cache(maxsize=1)
def _reference(workload: Workload) -> tuple[tuple[Array, ...], Array]:
    """Random operands in argument order, and the result that numpy computes from them."""
    rng = np.random.default_rng(0)
    m, n, k = workload.m, workload.n, workload.k
    a = rng.integers(-128, 128, (k, m) if workload.transpose_a else (m, k), np.int8)
    b = rng.integers(-128, 128, (n, k) if workload.transpose_b else (k, n), np.int8)
    inputs = [a, b]
    left = (a.T if workload.transpose_a else a).astype(np.float64)
    right = (b.T if workload.transpose_b else b).astype(np.float64)
    # Sums of int8 products are far below 2^53, so double precision is exact.
    total = (left @ right).astype(np.int64)
    if workload.bias != "none":
        shape = {"row": (n,), "full": (m, n)}[workload.bias]
        bias = rng.integers(-(1 << 15), 1 << 15, shape, np.int32)
        inputs.append(bias)
        total += bias
    sums = total.astype(np.int32)
    for array in inputs:
        array.flags.writeable = False
    if workload.wide_result:
        return tuple(inputs), sums
    scaled = sums.astype(np.float32) * np.float32(SCALE)
    limits = np.iinfo(np.int8)
    return tuple(inputs), np.clip(np.rint(scaled), limits.min, limits.max).astype(np.int8)
