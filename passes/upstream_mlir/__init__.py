"""Upstream MLIR beside xDSL: its passes on our modules, and modules in and out.

Needs the Python bindings (package `mlir` or `torch_mlir`) or the binary `mlir-opt`.
"""

from gemmini_xdsl.passes.upstream_mlir.backend import UpstreamMlir, anchored, find_upstream
from gemmini_xdsl.passes.upstream_mlir.errors import (
    UpstreamMlirError,
    UpstreamMlirNotFoundError,
)
from gemmini_xdsl.passes.upstream_mlir.interchange import (
    from_generic_text,
    from_upstream,
    replace_contents,
    to_generic_text,
    to_upstream,
)

__all__ = [
    "UpstreamMlir",
    "UpstreamMlirError",
    "UpstreamMlirNotFoundError",
    "anchored",
    "find_upstream",
    "from_generic_text",
    "from_upstream",
    "replace_contents",
    "to_generic_text",
    "to_upstream",
]
