"""Registration with xDSL: our dialects, passes and targets by name, loaded when first used."""

from __future__ import annotations

from xdsl.ir import Dialect
from xdsl.universe import Universe

from gemmini_xdsl.passes.registry import get_all_passes
from gemmini_xdsl.targets.registry import get_all_targets


def _gemmini() -> Dialect:
    from gemmini_xdsl.dialects.gemmini import Gemmini

    return Gemmini


def _rocc() -> Dialect:
    from gemmini_xdsl.dialects.rocc import Rocc

    return Rocc


GEMMINI_UNIVERSE = Universe(
    all_dialects={"gemmini": _gemmini, "rocc": _rocc},
    all_passes=get_all_passes(),
    all_targets=get_all_targets(),
)
