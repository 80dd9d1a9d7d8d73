"""Measuring one schedule of one product: compiled to a program that runs in the emulated hart."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from gemm_cases import Case
from gemm_library import library_stream, warm_cycles
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import FuncOp

from gemmini_xdsl.dialects.attributes import Schedule, ScheduleAttr
from gemmini_xdsl.hardware import GemminiConfig, load_config
from gemmini_xdsl.passes.library_schedule import library_schedule
from gemmini_xdsl.tools.compile import CompileOptions, compile_module
from gemmini_xdsl.tools.elf_build import emitted_files
from gemmini_xdsl.tools.elf_file import ElfFile, read_elf
from gemmini_xdsl.tools.elf_main import MainOptions
from gemmini_xdsl.tools.elf_project import ProgramOptions
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.inputs import load_input
from gemmini_xdsl.tools.runners.base import RunnerOptions
from gemmini_xdsl.tools.runners.registry import get_runner
from gemmini_xdsl.tools.shorthand import FUNCTION
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.history import choose_schedule
from gemmini_xdsl.tvm_bridge.autotvm.loop_ws_search import fastest_loop_ws
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureError
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload

DEFAULT, TUNED, FSM, LOOP_WS = "default", "tuned", "fsm", "loop_ws"
VARIANTS = (DEFAULT, TUNED, FSM, LOOP_WS)
"""The default heuristic, the record of a tuning log, the C library's choice for LOOP_WS, and the
best LOOP_WS schedule."""

SCALE = 0.0123
RUNS = 2
"""Calls of the kernel in one program; the last one is measured."""

FINALISTS = 3
SMALL_OPERATIONS = 1 << 24
"""Up to so many operations, so many of the fastest LOOP_WS schedules are run as programs."""

TIME_LIMIT = 1800.0


@dataclass(frozen=True)
class Job:
    """What is to be measured; `log` is the tuning log of the variant `TUNED`."""

    case: Case
    variant: str
    config: str = "default"
    log: str = "shipped"
    checked: bool = True


@dataclass(frozen=True)
class Measurement:
    """What a job gave; `problem` is None if the program's result equals the reference.

    `cycles` are modelled, of one warm call including configuration and final fence; `code_bytes`
    is the machine code of the kernel, `operations` the size of the IR after the last pass.
    """

    cycles: int | None = None
    schedule: str = ""
    code_bytes: int = 0
    operations: int = 0
    compile_seconds: float = 0.0
    commands: int = 0
    instructions: int = 0
    problem: str | None = None


@cache
def _config(name: str) -> GemminiConfig:
    return load_config(name)


def task_of(case: Case, config: GemminiConfig) -> GemmTask:
    """The product as the tuner knows it."""
    return GemmTask(Workload(case.m, case.n, case.k, bias=case.bias), config)


def measure(job: Job) -> Measurement | None:
    """Compile, run and check; None if the variant has no schedule for the product."""
    try:
        schedule = _schedule(job)
        if job.variant == FSM and schedule is not None:
            task = task_of(job.case, _config(job.config))
            program = library_stream(task)
            if program is not None:
                return Measurement(
                    warm_cycles(task, program),
                    str(ScheduleAttr(schedule)),
                    commands=sum(item is not None for item in program.items),
                )
        if job.variant == LOOP_WS:
            return _best_loop_ws(job)
        if schedule is None and job.variant != DEFAULT:
            return None
        return _run(job, schedule)
    except (GemminiError, TuningError, MeasureError) as error:
        return Measurement(problem=str(error))


def _schedule(job: Job) -> Schedule | None:
    """The variant's schedule; None if it has none or leaves the choice to the heuristic."""
    config = _config(job.config)
    task = task_of(job.case, config)
    if job.variant == TUNED:
        choice = choose_schedule(job.log, task.workload, config)
        return None if choice is None or choice.note else choice.schedule
    if job.variant == FSM:
        return library_schedule(task.workload.problem, config)
    return None


def _best_loop_ws(job: Job) -> Measurement | None:
    """The search does not count the core's instructions, so the last choice is left to programs."""
    task = task_of(job.case, _config(job.config))
    small = job.case.operations <= SMALL_OPERATIONS
    found = fastest_loop_ws(task, FINALISTS if small else 1)
    measured = [_run(job, schedule) for schedule, _ in found]
    wrong = next((result for result in measured if result.problem is not None), None)
    return wrong or min(measured, key=lambda result: result.cycles or 0, default=None)


def _code_bytes(program: ElfFile, module: ModuleOp) -> int:
    """Machine code of all functions of the module, of which compilers may specialize some."""
    names = {op.sym_name.data for op in module.ops if isinstance(op, FuncOp)}
    return sum(
        symbol.size
        for symbol in program.symbols
        if symbol.is_function and symbol.name.partition(".")[0] in names
    )


def _run(job: Job, schedule: Schedule | None) -> Measurement:
    case = job.case
    text = f"gemm:M={case.m},N={case.n},K={case.k},bias={case.bias},act=relu,scale={SCALE},out=i8"
    options = CompileOptions(
        config=job.config,
        schedule=None if schedule is None else str(ScheduleAttr(schedule)),
        heuristic="default" if schedule is None else None,
    )
    module = load_input(text).module
    start = time.perf_counter()
    compiled = compile_module(module, options, FUNCTION)
    compile_seconds = time.perf_counter() - start
    program = ProgramOptions(main=MainOptions(runs=RUNS))
    (content,) = emitted_files(compiled, ["elf"], program).values()
    assert isinstance(content, bytes)
    with tempfile.TemporaryDirectory(prefix="gemmini-gemm-") as folder:
        path = Path(folder) / f"{FUNCTION}.elf"
        path.write_bytes(content)
        code_bytes = _code_bytes(read_elf(path), compiled.module)
        runner_options = RunnerOptions(checked=job.checked, time_limit=TIME_LIMIT)
        outcome = get_runner("riscv").run(path, compiled.config, runner_options)
    problem = outcome.problem
    if problem is None and outcome.verdict != "pass":
        problem = (
            "the result is wrong" if outcome.verdict == "fail" else "the result was not checked"
        )
    if problem is None and outcome.notes:
        problem = outcome.notes[0]
    return Measurement(
        outcome.cycles,
        compiled.manifest.functions[0].schedule or "",
        code_bytes,
        compiled.stages[-1].operations,
        compile_seconds,
        int(outcome.figures.get("kernel_commands", 0)),
        int(outcome.figures.get("kernel_instructions", 0)),
        problem,
    )
