"""Named pipelines: the whole way from linalg, or from any later level, to RoCC commands."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass, PassPipeline
from xdsl.transforms.canonicalize import CanonicalizePass
from xdsl.transforms.common_subexpression_elimination import CommonSubexpressionElimination
from xdsl.utils.exceptions import ParseError, PassFailedException

from gemmini_xdsl.dialects.attributes import ConfigAttr, ScheduleAttr
from gemmini_xdsl.dialects.config_lookup import CONFIG_ATTRIBUTE
from gemmini_xdsl.dialects.linear_parser import LinearParser
from gemmini_xdsl.hardware import ConfigError, load_config
from gemmini_xdsl.passes.convert_gemmini_to_rocc import ConvertGemminiToRoccPass
from gemmini_xdsl.passes.convert_linalg_to_gemmini import ConvertLinalgToGemminiPass
from gemmini_xdsl.passes.gemmini_allocate import GemminiAllocatePass
from gemmini_xdsl.passes.gemmini_assign_schedule import GemminiAssignSchedulePass
from gemmini_xdsl.passes.gemmini_double_buffer import GemminiDoubleBufferPass
from gemmini_xdsl.passes.gemmini_fold_zero_points import GemminiFoldZeroPointsPass
from gemmini_xdsl.passes.gemmini_hoist_config import GemminiHoistConfigPass
from gemmini_xdsl.passes.gemmini_interleave import GemminiInterleavePass
from gemmini_xdsl.passes.gemmini_legalize_requantization import (
    GemminiLegalizeRequantizationPass,
)
from gemmini_xdsl.passes.gemmini_list_schedule import GemminiListSchedulePass
from gemmini_xdsl.passes.gemmini_lower_to_isa import GemminiLowerToIsaPass
from gemmini_xdsl.passes.gemmini_outline_body import GemminiOutlineBodyPass
from gemmini_xdsl.passes.gemmini_swap_operands import GemminiSwapOperandsPass
from gemmini_xdsl.passes.gemmini_tile import GemminiTilePass
from gemmini_xdsl.passes.gemmini_transpose_weights import GemminiTransposeWeightsPass
from gemmini_xdsl.passes.gemmini_unroll import GemminiUnrollPass


def default_pipeline(
    *,
    requantization: Literal["exact", "fast"] = "exact",
    strict_rounding: bool = False,
    schedule: GemminiAssignSchedulePass | None = None,
) -> list[ModulePass]:
    """The passes from level 0 to level 4, in order.

    Each level of the IR stands between two of them, so that a pipeline may begin or end anywhere.
    What is not offloaded stays linalg.
    """
    return [
        ConvertLinalgToGemminiPass(requantization=requantization, strict_rounding=strict_rounding),
        GemminiLegalizeRequantizationPass(requantization=requantization),
        GemminiFoldZeroPointsPass(),
        GemminiTransposeWeightsPass(),
        schedule or GemminiAssignSchedulePass(),
        GemminiSwapOperandsPass(),
        GemminiTilePass(),
        GemminiDoubleBufferPass(),
        GemminiAllocatePass(),
        CommonSubexpressionElimination(),
        GemminiLowerToIsaPass(),
        GemminiInterleavePass(),
        GemminiHoistConfigPass(),
        GemminiUnrollPass(),
        GemminiListSchedulePass(),
        CommonSubexpressionElimination(),
        GemminiOutlineBodyPass(),
        ConvertGemminiToRoccPass(),
        CanonicalizePass(),
        CommonSubexpressionElimination(),
    ]


def set_config(module: ModuleOp, name_or_path: str) -> None:
    """Make `module` one for the named preset or TOML file; raises `ConfigError`."""
    module.attributes[CONFIG_ATTRIBUTE] = ConfigAttr(load_config(name_or_path))


@dataclass(frozen=True)
class GemminiDefaultPipelinePass(ModulePass):
    """Run the default pipeline.

    `config` names a preset or a TOML file and replaces the module's; `schedule` is the text
    between the angle brackets of a `#gemmini.schedule`, for every product.
    """

    name = "gemmini-default-pipeline"

    config: str | None = None
    schedule: str | None = None
    requantization: Literal["exact", "fast"] = "exact"
    strict_rounding: bool = False

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run it; raises `PassFailedException` for options that make no sense."""
        if self.config is not None:
            try:
                set_config(op, self.config)
            except ConfigError as error:
                raise PassFailedException(str(error)) from None
        schedule = None
        if self.schedule is not None:
            schedule = schedule_pass(ctx, self.schedule)
        passes = default_pipeline(
            requantization=self.requantization,
            strict_rounding=self.strict_rounding,
            schedule=schedule,
        )
        PassPipeline(tuple(passes)).apply(ctx, op)


def schedule_pass(ctx: Context, text: str) -> GemminiAssignSchedulePass:
    """The pass that gives every product the schedule `text`, such as `tile = [4, 4, 4]`.

    `text` may be a whole `#gemmini.schedule<...>` or what stands between its brackets. Raises
    `PassFailedException` if it is not a schedule.
    """
    stripped = text.strip()
    if not stripped.startswith("#"):
        stripped = f"#{ScheduleAttr.name}<{stripped}>"
    try:
        parser = LinearParser(ctx, stripped, "schedule")
        attribute = parser.parse_attribute()
        if not isinstance(attribute, ScheduleAttr):
            raise PassFailedException(f"'{text}' is not a schedule")
    except ParseError as error:
        raise PassFailedException(f"schedule '{text}': {error.args[1]}") from None
    given = attribute.data
    values = {
        field.name: getattr(given, field.name)
        for field in fields(GemminiAssignSchedulePass)
        if field.name not in ("override", "heuristic", "log")
    }
    values["double_buffer"] = given.double_buffer or ("none",)
    return GemminiAssignSchedulePass(**values, override=True)
