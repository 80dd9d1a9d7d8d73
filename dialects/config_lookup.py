"""Finding the hardware configuration that an operation is compiled for."""

from __future__ import annotations

from functools import cache

from xdsl.ir import Operation

from gemmini_xdsl.dialects.attributes import ConfigAttr
from gemmini_xdsl.hardware import GemminiConfig, load_config

CONFIG_ATTRIBUTE = "gemmini.config"
DEFAULT_PRESET = "default"


@cache
def _default() -> GemminiConfig:
    return load_config(DEFAULT_PRESET)


def module_config(op: Operation) -> GemminiConfig:
    """The configuration of the innermost enclosing operation that has one, else the default."""
    current: Operation | None = op
    while current is not None:
        attribute = current.attributes.get(CONFIG_ATTRIBUTE)
        if isinstance(attribute, ConfigAttr):
            return attribute.data
        current = current.parent_op()
    return _default()
