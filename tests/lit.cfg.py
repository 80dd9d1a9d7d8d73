"""Configuration of the FileCheck tests: `lit tests`, or as part of pytest by `test_lit.py`."""

# lit provides `config`.
# ruff: noqa: F821
import sys
from pathlib import Path

import lit.formats

tests = Path(__file__).parent
# lit runs in the environment that the project is installed into: its tools are next to Python.
tools = Path(sys.executable).parent

config.name = "gemmini-xdsl"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir"]
config.excludes = ["Output", "inputs"]
config.test_source_root = str(tests)

for tool in ("gemmini-opt", "gemmini", "filecheck"):
    # Only the word at the start of a command, neither a dialect name nor a part of a path.
    config.substitutions.append((rf"(?<![\w./%#!\"'-]){tool}(?![\w./-])", str(tools / tool)))

config.environment["PATH"] = f"{tools}:{config.environment.get('PATH', '')}"

config.maxIndividualTestTime = 60
