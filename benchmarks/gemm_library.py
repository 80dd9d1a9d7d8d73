"""The C library's LOOP_WS commands with its reuse of operands, which our lowering does not have.

Where all tiles of an operand fit its two slots of the scratchpad, the library loads each of them
once: LOOP_WS then names the slot, and later loops pass no address. Our schedules load every tile
anew, so the commands are made from those of the library's schedule.
"""

from __future__ import annotations

from dataclasses import replace

from gemmini_xdsl.hardware.encoding import Funct
from gemmini_xdsl.passes.library_schedule import library_schedule
from gemmini_xdsl.passes.schedule_rules import Tiling
from gemmini_xdsl.targets.command_stream import Command, CommandStream
from gemmini_xdsl.tvm_bridge.autotvm.programs import compile_schedule
from gemmini_xdsl.tvm_bridge.autotvm.simulate import HOST_GAP, call_cycles, verify
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

SLOTS = 2
_A_ID_SHIFT, _B_ID_SHIFT = 18, 16


def library_stream(task: GemmTask) -> CommandStream | None:
    """The library's commands; None if there is no LOOP_WS, or if it reuses nothing."""
    problem = task.workload.problem
    schedule = library_schedule(problem, task.config)
    if schedule is None:
        return None
    trip_m, trip_n, trip_k = Tiling.of(schedule, problem, task.config).trips
    a_reused, b_reused = trip_m * trip_k <= SLOTS, trip_n * trip_k <= SLOTS
    if not (a_reused and trip_n > 1) and not (b_reused and trip_m > 1):
        return None
    program = compile_schedule(task, schedule)
    items: list[Command | None] = []
    loop = 0
    for item in program.items:
        # Loops run over m, n and k, outermost first.
        m, n, k = loop // (trip_n * trip_k), loop // trip_k % trip_n, loop % trip_k
        if item is not None and item.funct == Funct.LOOP_WS_CONFIG_ADDRS_AB:
            rs1 = 0 if a_reused and n > 0 else item.rs1
            rs2 = 0 if b_reused and m > 0 else item.rs2
            item = item._replace(rs1=rs1, rs2=rs2)
        elif item is not None and item.funct == Funct.LOOP_WS:
            slots = (1 + (m + k > 0)) << _A_ID_SHIFT if a_reused else 0
            slots |= (1 + (n + k > 0)) << _B_ID_SHIFT if b_reused else 0
            item = item._replace(rs1=item.rs1 | slots)
            loop += 1
        items.append(item)
    return replace(program, items=tuple(items))


def warm_cycles(task: GemmTask, program: CommandStream, host_gap: int = HOST_GAP) -> int:
    """Cycles of the second of two calls on the timing model, with a constant gap of the core.

    Raises `MeasureError` if the result differs from numpy's.
    """
    verify(task, program)
    return call_cycles(task, program, host_gap, warm=True)
