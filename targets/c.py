"""`-t gemmini-c`: a module as plain C17."""

from __future__ import annotations

from dataclasses import dataclass
from typing import IO, ClassVar, Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.target import Target

from gemmini_xdsl.targets.c_module import emit_module


@dataclass(frozen=True)
class GemminiCTarget(Target):
    """C source that needs nothing but `gemmini/*.h` and a freestanding C17 compiler.

    Options: `part` is `source` (complete in itself, the default) or `header`; `header` is the
    stem of the header's name, which the source then includes instead of declaring functions.
    """

    name: ClassVar[str] = "gemmini-c"

    part: Literal["source", "header"] = "source"
    header: str | None = None

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        """Write the C text of `module`. Raises `TargetError` for what C cannot express."""
        emitted = emit_module(
            module, self.header or "kernel", include_header=self.header is not None
        )
        output.write(emitted.source if self.part == "source" else emitted.header)
