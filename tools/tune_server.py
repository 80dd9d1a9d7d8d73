"""`gemmini tune-server`: a TVM RPC server that measures trials on this machine."""

from __future__ import annotations

import signal
import sys
import threading

from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.tune_machines import MachineOptions, find_machine
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.rpc import SESSION_SECONDS, parse_address, start_server


def serve(tracker: str, key: str, host: str, port: int, options: MachineOptions) -> int:
    """Serve until interrupted. Raises `GemminiError`."""
    machine = find_machine(options, SESSION_SECONDS)
    try:
        server = start_server(
            parse_address(tracker), key, machine.builder, machine.runner, host, port
        )
    except TuningError as error:
        raise GemminiError(str(error)) from None
    except ImportError as error:
        raise GemminiError(
            f"the server needs TVM: pip install 'gemmini-xdsl[tvm]' ({error})"
        ) from None
    print(
        f"measuring on {machine.device} for '{key}', port {server.port}; Ctrl-C ends it",
        file=sys.stderr,
    )
    # A request to end, as service managers send it, must not leave the server's process behind.
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        ended.wait()
    finally:
        server.terminate()
    return 0
