"""Measuring on many machines through TVM's RPC tracker.

A server is TVM's own RPC server with one more function, which measures a trial with whatever
runner its machine has. A client asks the tracker for a free server for each trial; a server that
dies costs its trial a second attempt elsewhere.
"""

from __future__ import annotations

import contextlib
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from gemmini_xdsl.hardware import ConfigError, GemminiConfig
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.measure import (
    Builder,
    MeasureErrorNo,
    MeasureInput,
    MeasureResult,
    Results,
    Runner,
    measure_one,
)
from gemmini_xdsl.tvm_bridge.autotvm.records import decode, encode
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

MEASURE_FUNCTION = "gemmini.autotvm.measure"
ATTEMPTS = 5
CONNECT_SECONDS = 5.0
SESSION_SECONDS = 120
ENDED = 0.9
"""A session that fails after this share of its time, or later, was ended by its server, which
counts from a little earlier."""

CHECK_SECONDS = 5.0
CHECKS = 2
"""After so many looks at the tracker, `CHECK_SECONDS` apart, missing servers count as gone."""


# -- server side ----------------------------------------------------------------------------------


def serve_trials(builder: Builder, runner: Runner) -> Callable[[], None]:
    """What a TVM RPC server calls when it starts (`server_init_callback`)."""

    def register() -> None:
        import tvm_ffi

        from gemmini_xdsl.tvm_bridge.autotvm import programs

        # Every session is a fork of this process.
        programs.warm_up()

        def measure(text: str) -> str:
            return measure_text(str(text), builder, runner)

        tvm_ffi.register_global_func(MEASURE_FUNCTION, measure, override=True)

    return register


def measure_text(text: str, builder: Builder, runner: Runner) -> str:
    """Measure the trial that `encode_trial` wrote; the answer is a record and a message."""
    item = decode_trial(text)
    result = measure_one(item, builder, runner)
    return json.dumps([encode(item, result), result.message])


def start_server(
    tracker: tuple[str, int],
    key: str,
    builder: Builder,
    runner: Runner,
    host: str = "0.0.0.0",
    port: int = 9090,
) -> Any:
    """Start TVM's RPC server in a process of its own; it registers with the tracker as `key`.

    The result is a `tvm.rpc.Server`; its `terminate` ends it.
    """
    check_tracker(tracker)
    from tvm import rpc

    return rpc.Server(
        host,
        port,
        port + 1000,
        key=key,
        tracker_addr=tracker,
        silent=True,
        server_init_callback=serve_trials(builder, runner),
    )


# -- client side ----------------------------------------------------------------------------------


def encode_trial(item: MeasureInput) -> str:
    """A trial as text: the record that it will become, and the whole configuration."""
    empty = MeasureResult.failure(MeasureErrorNo.UNKNOWN_ERROR, "", 0.0)
    return json.dumps([encode(item, empty), item.task.config.parameters()])


def decode_trial(text: str) -> MeasureInput:
    """The inverse of `encode_trial`. Raises `TuningError`."""
    try:
        line, parameters = json.loads(text)
        config = GemminiConfig.from_parameters(parameters, "the client's configuration")
    except (ValueError, TypeError, ConfigError) as error:
        raise TuningError(f"not a trial: {error}") from None
    record = decode(line)
    return MeasureInput(GemmTask(record.workload, config), record.index, record.values)


def parse_address(text: str) -> tuple[str, int]:
    """`host:port` as a pair. Raises `TuningError`."""
    host, separator, port = text.rpartition(":")
    if not separator or not host or not (port.isascii() and port.isdigit()) or len(port) > 5:
        raise TuningError(f"a tracker is given as host:port, got '{text}'")
    return host, int(port)


def check_tracker(tracker: tuple[str, int]) -> None:
    """Raise `TuningError` if nothing answers at the tracker's address."""
    try:
        socket.create_connection(tracker, CONNECT_SECONDS).close()
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TuningError(
            f"cannot reach the RPC tracker at {tracker[0]}:{tracker[1]}: {reason}; start one with "
            "python -m tvm.exec.rpc_tracker"
        ) from None


_Finished = tuple[MeasureInput, MeasureResult] | TuningError


@dataclass
class _Attempt:
    """A trial, how often it was tried, and when a server last began with it."""

    item: MeasureInput
    tries: int = 0
    started: float = 0.0


class RPCExecutor:
    """Measures trials on all servers that a tracker knows under `key`.

    One thread for each registered server asks the tracker for a session, measures one trial in it
    and gives it back, so that several clients can share the servers. Servers that come later have
    their part in the next trials. A session that takes longer than `session_timeout` seconds is
    ended by its server.
    """

    def __init__(
        self,
        tracker: tuple[str, int],
        key: str,
        *,
        session_timeout: int = SESSION_SECONDS,
        attempts: int = ATTEMPTS,
        servers: int | None = None,
    ) -> None:
        """Connect to the tracker. Raises `TuningError` if it or its servers are not there.

        At most `servers` are used at a time; by default all.
        """
        self._address = tracker
        self._key = key
        self._session_timeout = session_timeout
        self._attempts = attempts
        check_tracker(tracker)
        self._lock = threading.Lock()
        self._waiting: list[Any] = []
        self._stopping = False
        self.retried = 0
        """How many trials had to be measured again because a server failed."""
        found = self._count_servers()
        if found == 0:
            raise TuningError(
                f"the RPC tracker at {tracker[0]}:{tracker[1]} has no server with the key '{key}'"
            )
        self._most = servers
        self._servers = min(found, servers or found)

    @property
    def parallelism(self) -> int:
        """The number of servers that the last trials could use."""
        return self._servers

    def measure(self, inputs: Iterable[MeasureInput]) -> Results:
        """Every input once with its result, as they become ready."""
        todo: queue.Queue[_Attempt | None] = queue.Queue()
        done: queue.Queue[_Finished] = queue.Queue()
        count = 0
        for item in inputs:
            todo.put(_Attempt(item))
            count += 1
        self._look_for_servers()
        threads = [
            threading.Thread(target=self._work, args=(todo, done), daemon=True)
            for _ in range(min(self._servers, count))
        ]
        for thread in threads:
            thread.start()
        try:
            for _ in range(count):
                finished = self._wait(done)
                if isinstance(finished, TuningError):
                    raise finished
                yield finished
        finally:
            self._stop(todo, threads)

    def close(self) -> None:
        """Nothing stays open between trials."""

    def _stop(self, todo: queue.Queue[_Attempt | None], threads: list[threading.Thread]) -> None:
        """End the threads; one that waits for a server is woken by the end of its connection."""
        self._stopping = True
        for _ in threads:
            todo.put(None)
        with self._lock:
            for tracker in self._waiting:
                if tracker._sock is not None:
                    with contextlib.suppress(OSError):
                        tracker._sock.shutdown(socket.SHUT_RDWR)
        for thread in threads:
            thread.join(CHECK_SECONDS)
        self._stopping = False

    def _work(
        self,
        todo: queue.Queue[_Attempt | None],
        done: queue.Queue[_Finished],
    ) -> None:
        while (attempt := todo.get()) is not None:
            attempt.started = 0.0
            try:
                done.put((attempt.item, self._measure_remotely(attempt)))
            except Exception as error:
                if self._stopping:
                    return
                seconds = time.monotonic() - attempt.started if attempt.started else 0.0
                if seconds >= ENDED * self._session_timeout:
                    # The server ended the session; elsewhere it would take as long.
                    done.put((attempt.item, self._timed_out(seconds)))
                    continue
                attempt.tries += 1
                if attempt.tries < self._attempts:
                    self.retried += 1
                    todo.put(attempt)
                    continue
                if (gone := self._gone()) is not None:
                    done.put(gone)
                    return
                text = " ".join(str(error).split())[:200]
                message = f"{self._attempts} servers failed: {type(error).__name__}: {text}"
                failure = MeasureResult.failure(MeasureErrorNo.RUNTIME_DEVICE, message, seconds)
                done.put((attempt.item, failure))

    def _timed_out(self, seconds: float) -> MeasureResult:
        message = f"took longer than {self._session_timeout} s"
        return MeasureResult.failure(MeasureErrorNo.RUN_TIMEOUT, message, seconds)

    def _wait(self, done: queue.Queue[_Finished]) -> _Finished:
        """The next result; a request waits for ever if no server is left, so look now and then."""
        missing = 0
        while True:
            try:
                return done.get(timeout=CHECK_SECONDS)
            except queue.Empty:
                gone = self._gone()
                # A server that comes back, or one between two sessions, gets a little time.
                missing = missing + 1 if gone is not None else 0
                if gone is not None and missing >= CHECKS:
                    return gone

    def _gone(self) -> TuningError | None:
        """Why nothing can be measured any more, if so."""
        try:
            check_tracker(self._address)
            servers = self._count_servers()
        except TuningError as error:
            return error
        except Exception as error:
            return TuningError(f"the RPC tracker does not answer: {error}")
        if servers == 0:
            return TuningError(
                f"all servers with the key '{self._key}' are gone; start some and continue "
                "with --resume"
            )
        return None

    def _measure_remotely(self, attempt: _Attempt) -> MeasureResult:
        from tvm import rpc

        tracker = rpc.connect_tracker(*self._address)
        with self._lock:
            self._waiting.append(tracker)
        try:
            session = tracker.request(self._key, session_timeout=self._session_timeout, max_retry=1)
        finally:
            with self._lock:
                self._waiting.remove(tracker)
            tracker.close()
        attempt.started = time.monotonic()
        answer = str(session.get_function(MEASURE_FUNCTION)(encode_trial(attempt.item)))
        line, message = json.loads(answer)
        result = decode(line).result
        return MeasureResult(
            result.costs, result.error_no, result.all_cost, result.timestamp, message
        )

    def _look_for_servers(self) -> None:
        """Use servers that have come in the meantime, and no threads for those that have gone."""
        # With none, or no tracker, the trials find out whether it stays so.
        with contextlib.suppress(Exception):
            if found := self._count_servers():
                self._servers = min(found, self._most or found)

    def _count_servers(self) -> int:
        from tvm import rpc

        summary = rpc.connect_tracker(*self._address).summary()
        return sum(info["key"] == f"server:{self._key}" for info in summary["server_info"])
