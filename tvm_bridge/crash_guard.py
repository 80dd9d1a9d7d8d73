"""Trial of an action in a child process, because TVM ends the process on some malformed input."""

from __future__ import annotations

import os
import select
import signal
import time
import warnings
from collections.abc import Callable

from gemmini_xdsl.tvm_bridge.errors import TvmBridgeError

TIMEOUT_SECONDS = 120.0
"""Longest time that TVM may take for one file."""


def trial_problem(action: Callable[[], object]) -> str | None:
    """What stops `action`: the message of its `TvmBridgeError`, a crash or a time-out; or None.

    The child process is a copy of this one, so that nothing has to be imported again; what it
    prints is lost. Where processes cannot be copied, nothing is tried.
    """
    if not hasattr(os, "fork"):
        return None
    reader, writer = os.pipe()
    with warnings.catch_warnings():
        # Python warns of threads here; the child only loads one file.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _run(action, reader, writer)
    os.close(writer)
    try:
        message = _read(reader)
    finally:
        os.close(reader)
    if message is None:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        return f"TVM takes more than {TIMEOUT_SECONDS:g} s"
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status < 0:
        return f"TVM crashes on it ({signal.Signals(-status).name})"
    if status != 0:
        return f"TVM ends with exit code {status}"
    return message or None


def _run(action: Callable[[], object], reader: int, writer: int) -> None:
    """The child process: report the message of an error, and end without cleaning up."""
    status = 1
    try:
        os.close(reader)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        try:
            action()
        except TvmBridgeError as error:
            os.write(writer, str(error).encode())
        status = 0
    finally:
        os._exit(status)


def _read(reader: int) -> str | None:
    """Everything that the child writes, or None after the time limit."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    data = b""
    while True:
        ready, _, _ = select.select([reader], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return None
        part = os.read(reader, 1 << 16)
        if not part:
            return data.decode(errors="replace")
        data += part
