"""`gemmini-opt`: runs any part of the pipeline on any MLIR file."""

from __future__ import annotations

from xdsl.xdsl_opt_main import xDSLOptMain


def main() -> None:
    """Entry point of `gemmini-opt`."""
    xDSLOptMain(description="Gemmini modular optimizer driver").run()
