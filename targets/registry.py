"""All targets by name, each imported when it is first used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from xdsl.utils.target import Target

TARGETS: dict[str, str] = {
    "gemmini-c": "c:GemminiCTarget",
    "gemmini-llvm": "llvm:GemminiLlvmTarget",
    "gemmini-asm": "asm:GemminiAsmTarget",
    "gemmini-commands": "command_stream:GemminiCommandsTarget",
}
"""Target name to "module:class", the module relative to `gemmini_xdsl.targets`."""


def _loader(location: str) -> Callable[[], type[Target]]:
    def load() -> type[Target]:
        module, _, name = location.partition(":")
        loaded: type[Target] = getattr(import_module(f"gemmini_xdsl.targets.{module}"), name)
        return loaded

    return load


def get_all_targets() -> dict[str, Callable[[], type[Target]]]:
    """Loaders of all targets by name."""
    return {name: _loader(location) for name, location in TARGETS.items()}
