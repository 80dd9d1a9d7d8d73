"""All passes by name, each imported when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from xdsl.passes import ModulePass

PASSES: dict[str, str] = {
    "convert-linalg-to-gemmini": "convert_linalg_to_gemmini:ConvertLinalgToGemminiPass",
    "gemmini-fold-zero-points": "gemmini_fold_zero_points:GemminiFoldZeroPointsPass",
    "gemmini-legalize-requantization": (
        "gemmini_legalize_requantization:GemminiLegalizeRequantizationPass"
    ),
    "gemmini-assign-schedule": "gemmini_assign_schedule:GemminiAssignSchedulePass",
    "gemmini-transpose-weights": "gemmini_transpose_weights:GemminiTransposeWeightsPass",
    "gemmini-swap-operands": "gemmini_swap_operands:GemminiSwapOperandsPass",
    "gemmini-tile": "gemmini_tile:GemminiTilePass",
    "gemmini-double-buffer": "gemmini_double_buffer:GemminiDoubleBufferPass",
    "gemmini-lower-to-isa": "gemmini_lower_to_isa:GemminiLowerToIsaPass",
    "gemmini-interleave": "gemmini_interleave:GemminiInterleavePass",
    "gemmini-unroll": "gemmini_unroll:GemminiUnrollPass",
    "gemmini-list-schedule": "gemmini_list_schedule:GemminiListSchedulePass",
    "gemmini-hoist-config": "gemmini_hoist_config:GemminiHoistConfigPass",
    "gemmini-outline-body": "gemmini_outline_body:GemminiOutlineBodyPass",
    "convert-gemmini-to-rocc": "convert_gemmini_to_rocc:ConvertGemminiToRoccPass",
    "gemmini-default-pipeline": "pipelines:GemminiDefaultPipelinePass",
    "gemmini-allocate": "gemmini_allocate:GemminiAllocatePass",
    "gemmini-bufferize": "gemmini_bufferize:GemminiBufferizePass",
    "mlir": "mlir_pipeline:MlirPass",
}
"""Pass name to "module:class", the module relative to `gemmini_xdsl.passes`."""


def _loader(location: str) -> Callable[[], type[ModulePass]]:
    def load() -> type[ModulePass]:
        module, _, name = location.partition(":")
        loaded: type[ModulePass] = getattr(import_module(f"gemmini_xdsl.passes.{module}"), name)
        return loaded

    return load


def get_all_passes() -> dict[str, Callable[[], type[ModulePass]]]:
    """Loaders of all passes by name."""
    return {name: _loader(location) for name, location in PASSES.items()}
