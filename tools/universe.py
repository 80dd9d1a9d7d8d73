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
"""What the entry point `xdsl.universe` adds to `xdsl-opt` and to other tools."""


def load_universe() -> Universe:
    """Everything installed here: xDSL's own, ours, and that of other plugins.

    Ours comes first and is there whether or not its entry point is found (it is not in an
    unpacked source tree). Raises `ValueError` if two plugins define one name.
    """
    installed = Universe.get_multiverse()
    return Universe(
        all_dialects=GEMMINI_UNIVERSE.all_dialects | installed.all_dialects,
        all_passes=GEMMINI_UNIVERSE.all_passes | installed.all_passes,
        all_targets=GEMMINI_UNIVERSE.all_targets | installed.all_targets,
    )
