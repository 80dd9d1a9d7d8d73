"""What a Gemmini is: its parameters, the presets, and the C header made from them."""

from gemmini_xdsl.hardware.config import (
    GemminiConfig,
    load_config,
    parse_config,
    preset_names,
)
from gemmini_xdsl.hardware.header import write_c_header
from gemmini_xdsl.hardware.validation import ConfigError

__all__ = [
    "ConfigError",
    "GemminiConfig",
    "load_config",
    "parse_config",
    "preset_names",
    "write_c_header",
]
