"""`gemmini-assign-schedule`: give every product the schedule that later passes obey."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields, replace
from enum import Enum
from typing import Any, Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects.attributes import (
    REARRANGING_FIELDS,
    Dataflow,
    Lowering,
    Schedule,
    ScheduleAttr,
)
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.diagnostics import location, note
from gemmini_xdsl.passes.library_schedule import library_schedule
from gemmini_xdsl.passes.rearranging_schedules import rearranging_schedules
from gemmini_xdsl.passes.schedule_heuristic import default_schedule
from gemmini_xdsl.passes.schedule_rules import Problem, schedule_problem
from gemmini_xdsl.passes.schedule_selection import select_schedule


@dataclass(frozen=True)
class GemminiAssignSchedulePass(ModulePass):
    """Assign `#gemmini.schedule` to products that have none.

    Options are fields of the schedule; those that are given replace the heuristic's choice. A
    schedule that is already on a product is kept unless `override` is set, and checked either
    way: one that does not fit the product or the configuration is an error.

    `heuristic` is "default" or "library": LOOP_WS with the tile that Gemmini's C library chooses.
    `log` is a tuning log, "shipped" or "none": the best record of each product, or that of the
    nearest size with a note, takes the place of the heuristic.
    """

    name = "gemmini-assign-schedule"

    tile: tuple[int, ...] | None = None
    order: Literal["mnk", "nmk"] | None = None
    inner_order: Literal["mnk", "mkn", "nmk", "nkm", "kmn", "knm"] | None = None
    dataflow: Literal["ws", "os"] | None = None
    double_buffer: tuple[Literal["a", "b", "c", "none"], ...] | None = None
    mvin_cols: int | None = None
    mvout_cols: int | None = None
    placement: Literal["banked", "packed", "interleaved", "cyclic"] | None = None
    lowering: Literal["isa", "loop_ws"] | None = None
    unroll: bool | None = None
    software_pipeline: bool | None = None
    prefetch_distance: int | None = None
    transposed_tiles: int | None = None
    prologue_tiles: int | None = None
    swap_operands: bool | None = None
    transpose_resident: bool | None = None
    fold_rows: bool | None = None
    override: bool = False
    heuristic: Literal["default", "library"] = "default"
    log: str = "none"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Assign and check schedules; raises `PassFailedException` with the first problem."""
        for matmul in [inner for inner in op.walk() if isinstance(inner, MatmulOp)]:
            config = module_config(matmul)
            problem = Problem.of(matmul)
            if matmul.schedule is None or self.override:
                schedule = self._choose(matmul, problem, config)
            else:
                schedule = matmul.schedule.data
            broken = schedule_problem(schedule, problem, config)
            if broken is not None:
                raise PassFailedException(f"{location(matmul)}: {broken}")
            matmul.schedule = ScheduleAttr(schedule)

    def _choose(self, matmul: MatmulOp, problem: Problem, config: GemminiConfig) -> Schedule:
        given = self._given_fields()
        lowering = given.get("lowering", self._lowering())
        base = self._from_log(matmul, problem, config)
        if base is None and any(given.get(key) for key in REARRANGING_FIELDS):
            base = _first_with(given, rearranging_schedules(problem, config))
        elif base is None and not given and self.heuristic == "default":
            base = select_schedule(matmul, config)
        elif base is None:
            base = self._from_heuristic(problem, config, lowering)
        if base is None and "tile" not in given:
            raise PassFailedException(
                f"{location(matmul)}: config '{config.name}' cannot execute this product: "
                f"{_reason(problem, config, lowering)}"
            )
        schedule = replace(base or Schedule(tile=given["tile"]), **given)
        if schedule_problem(schedule, problem, config) is not None and "tile" not in given:
            fitting = _shrink(schedule, problem, config)
            schedule = fitting if fitting is not None else schedule
        return schedule

    def _lowering(self) -> Lowering:
        return Lowering.LOOP_WS if self.heuristic == "library" else Lowering.ISA

    def _from_heuristic(
        self, problem: Problem, config: GemminiConfig, lowering: Lowering
    ) -> Schedule | None:
        if self.heuristic == "library":
            return library_schedule(problem, config)
        return default_schedule(problem, config, lowering)

    def _from_log(
        self, matmul: MatmulOp, problem: Problem, config: GemminiConfig
    ) -> Schedule | None:
        # Imported here: most compilations need neither logs nor what reads them.
        from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
        from gemmini_xdsl.tvm_bridge.autotvm.history import choose_schedule
        from gemmini_xdsl.tvm_bridge.autotvm.task import Workload

        try:
            choice = choose_schedule(self.log, Workload.of(matmul), config, problem)
        except TuningError as error:
            raise PassFailedException(f"{location(matmul)}: {error}") from None
        if choice is None:
            return None
        if choice.note:
            note(matmul, choice.note)
        return choice.schedule

    def _given_fields(self) -> dict[str, Any]:
        given: dict[str, Any] = {}
        for field in fields(Schedule):
            value, default = getattr(self, field.name), field.default
            if isinstance(default, Enum) and value is not None:
                value = type(default)(value)
            if value is not None:
                given[field.name] = value
        if self.double_buffer is not None:
            given["double_buffer"] = tuple(b for b in self.double_buffer if b != "none")
        return given


def _first_with(given: dict[str, Any], schedules: Iterable[Schedule]) -> Schedule | None:
    """The first schedule that has the given fields."""
    return next(
        (
            schedule
            for schedule in schedules
            if all(getattr(schedule, key) == value for key, value in given.items())
        ),
        None,
    )


def _reason(problem: Problem, config: GemminiConfig, lowering: Lowering) -> str:
    """Why not even the smallest tile is legal."""
    reasons = [
        schedule_problem(Schedule((1, 1, 1), dataflow=dataflow, lowering=lowering), problem, config)
        for dataflow in (Dataflow.WS, Dataflow.OS)
    ]
    return next((reason for reason in reasons if reason is not None), "no schedule was found")


def _shrink(schedule: Schedule, problem: Problem, config: GemminiConfig) -> Schedule | None:
    """Halve the heuristic's tile until it fits the fields that the user fixed."""
    m, n, k = schedule.tile
    while (m, n, k) != (1, 1, 1):
        largest = max(m, n, k)
        if k == largest:
            k = (k + 1) // 2
        elif n == largest:
            n = (n + 1) // 2
        else:
            m = (m + 1) // 2
        candidate = replace(schedule, tile=(m, n, k))
        if schedule_problem(candidate, problem, config) is None:
            return candidate
    return None
