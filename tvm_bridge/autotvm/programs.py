"""From a task and a schedule to commands or to C, in memory."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import DiagnosticException

from gemmini_xdsl.dialects.attributes import ConfigAttr, Lowering, Schedule, ScheduleAttr
from gemmini_xdsl.dialects.config_lookup import CONFIG_ATTRIBUTE
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.passes.convert_gemmini_to_rocc import ConvertGemminiToRoccPass
from gemmini_xdsl.passes.gemmini_swap_operands import GemminiSwapOperandsPass
from gemmini_xdsl.passes.gemmini_unroll import GemminiUnrollPass
from gemmini_xdsl.passes.pipelines import default_pipeline
from gemmini_xdsl.passes.schedule_rules import schedule_problem
from gemmini_xdsl.targets.arguments import annotate_arguments
from gemmini_xdsl.targets.c_module import CModule, emit_module
from gemmini_xdsl.targets.command_stream import (
    CommandStream,
    Placement,
    command_stream,
    place_arguments,
)
from gemmini_xdsl.targets.errors import TargetError
from gemmini_xdsl.tools.shorthand import Bias, GemmSpec, build_gemm
from gemmini_xdsl.tools.universe import load_universe
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_commands import LoopWsProgram
from gemmini_xdsl.tvm_bridge.autotvm.straight_line import straight_line_commands
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload

SCALE = 1 / 64
"""The requantisation scale of tuned programs; it changes results but not when they are there."""


def gemm_module(task: GemmTask, schedule: Schedule) -> ModuleOp:
    """The task at level 1, with its schedule."""
    workload = task.workload
    module = build_gemm(
        GemmSpec(
            workload.m,
            workload.n,
            workload.k,
            Bias(workload.bias),
            scale=1.0 if workload.wide_result else SCALE,
            result="i32" if workload.wide_result else "i8",
            transpose_a=workload.transpose_a,
            transpose_b=workload.transpose_b,
        )
    )
    module.attributes[CONFIG_ATTRIBUTE] = ConfigAttr(task.config)
    for op in module.walk():
        if isinstance(op, MatmulOp):
            op.schedule = ScheduleAttr(schedule)
    return module


@lru_cache(maxsize=16)
def placements_of(task: GemmTask) -> tuple[Placement, ...]:
    """Where every program of the task finds its arguments."""
    return place_arguments(gemm_module(task, Schedule((1, 1, 1))))


def counts_core(schedule: Schedule) -> bool:
    """Whether programs tell the core's time: where loops compute operands of instructions."""
    return not schedule.unroll and schedule.lowering == Lowering.ISA


def loop_ws_program(task: GemmTask, schedule: Schedule) -> LoopWsProgram:
    """The program of a legal `loop_ws` schedule."""
    scale = 1.0 if task.workload.wide_result else SCALE
    return LoopWsProgram(task, schedule, placements_of(task), scale)


@cache
def lowering_passes() -> tuple[ModulePass, ...]:
    """The default pipeline from a scheduled product on, as far as it changes commands.

    Passes after the conversion to RoCC only simplify how the core computes them, which compilers
    do as well: the core's cycles hardly change.
    """
    names = [step.name for step in _scheduled_passes()]
    return _scheduled_passes()[: names.index(ConvertGemminiToRoccPass.name) + 1]


@cache
def _scheduled_passes() -> tuple[ModulePass, ...]:
    """The default pipeline from a scheduled product on."""
    passes = default_pipeline()
    start = [step.name for step in passes].index(GemminiSwapOperandsPass.name)
    return tuple(passes[start:])


@cache
def _context() -> Context:
    context = Context()
    for name, load in load_universe().all_dialects.items():
        context.register_dialect(name, load)
    return context


def compile_schedule(task: GemmTask, schedule: Schedule) -> CommandStream:
    """All commands of the task under `schedule`. Raises `TuningError` if it does not compile."""
    legal = schedule_problem(schedule, task.workload.problem, task.config) is None
    if legal and schedule.lowering == Lowering.LOOP_WS:
        program = loop_ws_program(task, schedule)
        return CommandStream(program.placements, (*program.commands(), None))
    module = gemm_module(task, schedule)
    steps = lowering_passes()
    try:
        if schedule.unroll:
            looped = [step.name for step in steps].index(GemminiUnrollPass.name)
            _lower(module, steps[:looped])
            if (stream := straight_line_commands(module)) is not None:
                return stream
            steps = steps[looped:]
        _lower(module, steps)
        return command_stream(module, core_cycles=counts_core(schedule))
    except (DiagnosticException, TargetError) as error:
        raise TuningError(" ".join(str(error).split())) from None


def emit_schedule(
    task: GemmTask, schedule: Schedule, name: str
) -> tuple[CModule, tuple[Placement, ...]]:
    """The C of the task under `schedule`, and where its command stream places the arguments.

    `name` is the stem of the header that the C includes. Raises `TuningError` if the schedule
    does not compile.
    """
    module = gemm_module(task, schedule)
    try:
        annotate_arguments(module)
        _lower(module, lowering_passes())
        c = emit_module(module, name, core_cycles=counts_core(schedule))
        return c, place_arguments(module)
    except (DiagnosticException, TargetError) as error:
        raise TuningError(" ".join(str(error).split())) from None


def warm_up() -> None:
    """Compile a small product, so that what is loaded and cached on demand is there."""
    task = GemmTask(Workload(1, 1, 1), load_config("default"))
    compile_schedule(task, Schedule((1, 1, 1)))
    emit_schedule(task, Schedule((1, 1, 1)), "warm")


def _lower(module: ModuleOp, passes: Sequence[ModulePass]) -> None:
    for step in passes:
        step.apply(_context(), module)
