"""`gemmini tune-server`: a TVM RPC server that measures trials on this machine."""

from __future__ import annotations

import importlib
import sys
import threading

from gemmini_xdsl.tools.errors import GemminiError, UsageError
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.measure import Runner
from gemmini_xdsl.tvm_bridge.autotvm.rpc import parse_address, start_server
from gemmini_xdsl.tvm_bridge.autotvm.simulate import (
    HOST_GAP,
    CommandStreamBuilder,
    SimulatorRunner,
)


def serve(
    tracker: str,
    key: str,
    host: str,
    port: int,
    host_gap: int | None,
    runner: str | None,
) -> int:
    """Serve until interrupted. Raises `GemminiError`."""
    machine: Runner = SimulatorRunner(HOST_GAP if host_gap is None else host_gap)
    if runner is not None:
        machine = load_runner(runner)
    try:
        server = start_server(
            parse_address(tracker), key, CommandStreamBuilder(), machine, host, port
        )
    except TuningError as error:
        raise GemminiError(str(error)) from None
    except ImportError as error:
        raise GemminiError(
            f"the server needs TVM: pip install 'gemmini-xdsl[tvm]' ({error})"
        ) from None
    print(f"measuring for '{key}' on port {server.port}; Ctrl-C ends it", file=sys.stderr)
    try:
        threading.Event().wait()
    finally:
        server.terminate()
    return 0


def load_runner(text: str) -> Runner:
    """The runner that the function `module:name` returns. Raises `UsageError`."""
    module, separator, name = text.partition(":")
    if not separator or not module or not name:
        raise UsageError(f"--runner must be module:name, got '{text}'")
    try:
        found: Runner = getattr(importlib.import_module(module), name)()
    except Exception as error:
        raise UsageError(f"--runner {text}: {type(error).__name__}: {error}") from None
    if not callable(getattr(found, "run", None)):
        raise UsageError(f"--runner {text}: what it returns has no method run")
    return found
