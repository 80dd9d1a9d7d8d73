"""`manifest.json`: what a compiled directory contains, for programs.

    {"functions": [{"name": str,           C name
                    "arguments": [{"name": str, "role": "input" | "output" | "bias",
                                   "shape": [int, ...], "dtype": "int8" | "int32" | ...}],
                    "schedule": str | null,        #gemmini.schedule<...>, several joined by "; "
                    "instructions": {str: int} | null}],   null: not known at compile time
     "config": {"name": str, "digest": str}}

Keys keep their order and are never renamed; later versions may add some. A scalar has shape [].
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gemmini_xdsl.targets.arguments import Argument, Role

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class FunctionRecord:
    """One function of a compiled directory."""

    name: str
    arguments: tuple[Argument, ...]
    schedule: str | None
    instructions: dict[str, int] | None


@dataclass(frozen=True)
class Manifest:
    """The content of `manifest.json`."""

    functions: tuple[FunctionRecord, ...]
    config_name: str
    config_digest: str

    def to_json(self) -> str:
        """The text of the file."""
        functions = [
            {
                "name": function.name,
                "arguments": [
                    {
                        "name": argument.name,
                        "role": str(argument.role),
                        "shape": list(argument.shape or ()),
                        "dtype": argument.dtype,
                    }
                    for argument in function.arguments
                ],
                "schedule": function.schedule,
                "instructions": function.instructions,
            }
            for function in self.functions
        ]
        config = {"name": self.config_name, "digest": self.config_digest}
        return json.dumps({"functions": functions, "config": config}, indent=2) + "\n"

    @staticmethod
    def from_json(text: str) -> Manifest:
        """The manifest that `text` is. Raises `ValueError` if it is none."""
        try:
            data: Any = json.loads(text)
            functions = tuple(
                FunctionRecord(
                    item["name"],
                    tuple(_argument(argument) for argument in item["arguments"]),
                    item["schedule"],
                    item["instructions"],
                )
                for item in data["functions"]
            )
            return Manifest(functions, data["config"]["name"], data["config"]["digest"])
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(f"not a manifest: {error!r}") from None


def _argument(data: Any) -> Argument:
    return Argument(data["name"], Role(data["role"]), tuple(data["shape"]), data["dtype"])


def is_manifest(path: Path) -> bool:
    """Whether the file `path` is a manifest."""
    try:
        Manifest.from_json(path.read_text())
    except (OSError, ValueError):
        return False
    return True
