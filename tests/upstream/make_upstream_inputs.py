"""Writes the MLIR that the tests read as what others produce.

    python tests/upstream/make_upstream_inputs.py

Each `inputs/NAME.source.mlir` begins with comments that hold one pipeline a line; torch-mlir's and
upstream's own passes turn it into `inputs/NAME.mlir`.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

INPUTS = Path(__file__).parent / "inputs"
SOURCE_SUFFIX = ".source.mlir"
_COMMENT = "// "


def names() -> list[str]:
    return sorted(
        path.name.removesuffix(SOURCE_SUFFIX) for path in INPUTS.glob(f"*{SOURCE_SUFFIX}")
    )


def make(name: str) -> str:
    """The text of `NAME.mlir`."""
    from torch_mlir import ir, passmanager
    from torch_mlir.dialects import torch as torch_dialect

    text = (INPUTS / f"{name}{SOURCE_SUFFIX}").read_text()
    with ir.Context() as context, ir.Location.unknown():
        torch_dialect.register_dialect(context)
        module = ir.Module.parse(text)
        for line in text.splitlines():
            if not line.startswith(_COMMENT):
                break
            manager = passmanager.PassManager.parse(line.removeprefix(_COMMENT))
            manager.run(module.operation)
        return f"{_COMMENT}{producer()}\n{module}"


def producer() -> str:
    """What makes the files; their first line."""
    return f"Made by the passes of torch-mlir {version('torch-mlir')}."


if __name__ == "__main__":
    for item in names():
        (INPUTS / f"{item}.mlir").write_text(make(item))
