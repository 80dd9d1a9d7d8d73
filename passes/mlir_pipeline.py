"""`mlir`: passes of upstream MLIR in a pipeline of ours."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.passes.upstream_mlir import (
    anchored,
    find_upstream,
    from_generic_text,
    replace_contents,
    to_generic_text,
)


@dataclass(frozen=True)
class MlirPass(ModulePass):
    """Run a pipeline of upstream MLIR's passes: `mlir{pipeline="canonicalize,cse"}`.

    It runs on `builtin.module`, or on what it names itself. Operations that upstream does not
    know are opaque to it: they are kept, in order, and may have any effect.
    """

    name = "mlir"

    pipeline: str

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Run it; raises `PassFailedException` with upstream's diagnostic."""
        if not self.pipeline.strip():
            raise PassFailedException('the pipeline is empty; name passes: pipeline="cse"')
        upstream = find_upstream("pass 'mlir'")
        text = upstream.run(to_generic_text(op), anchored(self.pipeline))
        replace_contents(op, from_generic_text(text, ctx))
