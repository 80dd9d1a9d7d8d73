"""Loading of TVM functions from files: TVMScript (`.py`) and TVM's JSON (`.json`)."""

from __future__ import annotations

import contextlib
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from gemmini_xdsl.tvm_bridge.crash_guard import trial_problem
from gemmini_xdsl.tvm_bridge.errors import TvmFileError
from gemmini_xdsl.tvm_bridge.object_check import object_problem
from gemmini_xdsl.tvm_bridge.script_check import CheckedScript, check_script

MAX_FILE_BYTES = 256 << 20
"""Larger files are refused: TVM would need many times their size in memory."""


def load_tvm_file(path: str | Path) -> Any:
    """The PrimFunc, Relax function or IRModule in a `.py` or `.json` file.

    Scripts are checked before TVM sees them (see `script_check`), so that loading a file never
    runs code from it. Raises `TvmFileError` with the file's name for everything that is wrong.
    """
    path = Path(path)
    if path.suffix not in (".py", ".json"):
        raise TvmFileError(f"{path}: expected a TVMScript file (.py) or TVM's JSON (.json)")
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise TvmFileError(f"{path}: larger than {MAX_FILE_BYTES >> 20} MiB")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise TvmFileError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise TvmFileError(f"{path}: not UTF-8 text") from None
    if not text.strip():
        raise TvmFileError(f"{path}: the file is empty")
    if path.suffix == ".py":
        script = check_script(text, str(path))
        return _guarded(lambda: _load_script(script, str(path)), str(path))
    check_graph(text, str(path))
    return _guarded(lambda: _load_json(text, str(path)), str(path))


def _guarded(load: Callable[[], Any], path: str) -> Any:
    """What `load` gives, after it was tried where a crash of TVM does no harm."""
    try:
        import tvm  # noqa: F401
    except ImportError as error:
        raise TvmFileError(
            f"{path}: TVM is needed but cannot be imported ({error}); install gemmini-xdsl[tvm]"
        ) from None

    def checked() -> Any:
        return _checked_kind(load(), path)

    problem = trial_problem(checked)
    if problem is not None:
        raise TvmFileError(problem if problem.startswith(path) else f"{path}: {problem}")
    return checked()


def _load_script(script: CheckedScript, path: str) -> Any:
    from tvm.script import from_source
    from tvm.script import ir as i
    from tvm.script import relax as r
    from tvm.script import tirx as t

    modules = {"T": t, "I": i, "R": r}
    variables = {local: modules[name] for local, name in script.namespaces.items()}
    printed = io.StringIO()
    try:
        with contextlib.redirect_stderr(printed), contextlib.redirect_stdout(printed):
            return from_source(script.text, extra_vars=variables)
    except Exception as error:
        # TVM's parser raises whatever the code it builds IR with raises.
        raise TvmFileError(_script_problem(error, path)) from None


def _load_json(text: str, path: str) -> Any:
    import tvm
    import tvm_ffi

    try:
        loaded = tvm.ir.load_json(text)
    except Exception as error:
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise TvmFileError(f"{path}: TVM cannot load the JSON: {reason}") from None
    problem = object_problem(loaded) if isinstance(loaded, tvm_ffi.Object) else None
    if problem is not None:
        raise TvmFileError(f"{path}: the JSON is damaged: {problem}")
    return loaded


def check_graph(text: str, path: str) -> None:
    """Check what TVM's loader takes for granted: a list of typed nodes and an index into it."""
    try:
        graph = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise TvmFileError(f"{path}: not JSON: {error}") from None
    nodes = graph.get("nodes") if isinstance(graph, dict) else None
    if not isinstance(nodes, list) or not isinstance(graph.get("root_index"), int):
        raise TvmFileError(
            f"{path}: not JSON written by tvm.ir.save_json (no 'nodes' and 'root_index')"
        )
    if not 0 <= graph["root_index"] < len(nodes):
        raise TvmFileError(f"{path}: root_index {graph['root_index']} is not a node")
    for number, node in enumerate(nodes):
        if not isinstance(node, dict) or not isinstance(node.get("type"), str):
            raise TvmFileError(f"{path}: node {number} has no type")


def _checked_kind(loaded: Any, path: str) -> Any:
    from gemmini_xdsl.tvm_bridge import relax_access
    from gemmini_xdsl.tvm_bridge import tir_access as tir

    if tir.is_prim_func(loaded) or relax_access.is_relax_function(loaded):
        return loaded
    if tir.is_ir_module(loaded):
        if not tir.module_functions(loaded):
            raise TvmFileError(f"{path}: the module has no functions")
        return loaded
    raise TvmFileError(
        f"{path}: holds a {type(loaded).__name__}, not a PrimFunc, a Relax function or an IRModule"
    )


_LOCATION = re.compile(r"-->\s*<str>:(\d+)")


def _script_problem(error: Exception, path: str) -> str:
    """What TVM's parser says, with the line of the script."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    found = _LOCATION.search(str(error))
    place = f"{path}:{found.group(1)}" if found else path
    reason = lines[0].removeprefix("error: ") if lines else type(error).__name__
    return f"{place}: TVM rejects the script: {reason}"
