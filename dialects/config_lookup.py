"""The hardware description that applies to an operation."""

from __future__ import annotations

from xdsl.ir import Operation

from gemmini_xdsl.dialects.attributes import ConfigAttr
from gemmini_xdsl.hardware import GemminiConfig, load_config

CONFIG_ATTRIBUTE = "gemmini.config"
DEFAULT_PRESET = "default"


def module_config(op: Operation) -> GemminiConfig:
    """The configuration on the nearest operation around (or at) `op`, or the preset `default`."""
    parent: Operation | None = op
    while parent is not None:
        attribute = parent.attributes.get(CONFIG_ATTRIBUTE)
        if isinstance(attribute, ConfigAttr):
            return attribute.data
        parent = parent.parent_op()
    return load_config(DEFAULT_PRESET)
