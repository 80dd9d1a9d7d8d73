"""The Python API: compile a module and run what comes out.

from gemmini_xdsl.tools.api import compile_module, run
compiled = compile_module(module)         # an xDSL module, a PrimFunc, an IRModule
result = run(compiled, {"A": a, "B": b})  # numpy arrays; also run("directory", ...)
print(result.outputs["C"])
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.tools import compile as _compile
from gemmini_xdsl.tools.compile import Compiled, CompileOptions, compile_input
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.inputs import import_tvm, load_input
from gemmini_xdsl.tools.run import RunOptions, RunResult, run_directory

__all__ = [
    "CompileOptions",
    "Compiled",
    "GemminiError",
    "RunResult",
    "compile_input",
    "compile_module",
    "run",
]


def compile_module(
    source: Any, options: CompileOptions | None = None, name: str | None = None
) -> Compiled:
    """Compile an xDSL module, a TVM PrimFunc or IRModule, or what `gemmini compile` takes.

    The last is a string: the path of a file, or a shorthand. `name` is the stem of file names
    (default: that of the input, else `kernel`). Raises `GemminiError`.
    """
    if isinstance(source, str):
        loaded = load_input(source)
        source, name = loaded.module, name or loaded.name
    elif not isinstance(source, ModuleOp):
        source = import_tvm(source, name)
    return _compile.compile_module(source, options, name or "kernel")


def run(
    compiled: Compiled | str | Path,
    inputs: Mapping[str, NDArray[Any] | Path] | None = None,
    *,
    function: str | None = None,
    seed: int = 0,
    check: bool = False,
    checked_simulator: bool = True,
) -> RunResult:
    """Run a function in the simulator; `compiled` may be the directory that holds it.

    Arrays must have exactly the arguments' shapes and dtypes; inputs that are not given are
    random. Raises `GemminiError`.
    """
    given = {
        name: value if isinstance(value, Path) else np.asarray(value)
        for name, value in (inputs or {}).items()
    }
    options = RunOptions(function, given, seed, check, checked_simulator)
    if not isinstance(compiled, Compiled):
        return run_directory(Path(compiled), options)
    with tempfile.TemporaryDirectory(prefix="gemmini-") as folder:
        directory = Path(folder) / compiled.name
        compiled.write(directory)
        return run_directory(directory, options)
