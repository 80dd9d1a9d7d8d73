"""gemmini-xdsl: an MLIR compiler for the Gemmini systolic array."""
