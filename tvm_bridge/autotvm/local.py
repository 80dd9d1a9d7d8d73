"""`LocalExecutor`: trials on this machine's cores, each under a time limit."""

from __future__ import annotations

import gc
import multiprocessing
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnContext, SpawnProcess
from threading import Lock

from gemmini_xdsl.tvm_bridge.autotvm.measure import (
    Builder,
    MeasureErrorNo,
    MeasureInput,
    MeasureResult,
    Results,
    Runner,
    measure_one,
)

TIMEOUT_SECONDS = 60.0
START_SECONDS = 120.0
"""Time that a new process may take until it is ready, with all imports."""

_STARTING = Lock()
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class _Worker:
    process: SpawnProcess
    connection: Connection
    ready: bool = False
    item: MeasureInput | None = None
    deadline: float = 0.0
    started: float = 0.0


class LocalExecutor:
    """Measures trials in `jobs` processes.

    A trial that takes longer than `timeout` seconds, or that ends its process, gets an error
    result; a new process takes over. Close it after use.
    """

    def __init__(
        self,
        builder: Builder,
        runner: Runner,
        jobs: int | None = None,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._builder = builder
        self._runner = runner
        self._jobs = jobs or available_cores()
        self._timeout = timeout
        # Spawned: a fork would inherit the threads' locks of whatever the caller has running.
        self._context: SpawnContext = multiprocessing.get_context("spawn")
        self._workers: list[_Worker] = []

    @property
    def parallelism(self) -> int:
        """The number of processes."""
        return self._jobs

    def start(self, jobs: int | None = None) -> None:
        """Start all processes, or `jobs`, ahead of their first trials: it takes them a second."""
        wanted = self._jobs if jobs is None else min(jobs, self._jobs)
        while len(self._workers) < wanted:
            self._workers.append(self._start())

    def measure(self, inputs: Iterable[MeasureInput]) -> Results:
        """Every input once with its result, as they become ready."""
        pending = list(inputs)[::-1]
        self.start(len(pending))
        while pending or any(worker.item is not None for worker in self._workers):
            for worker in self._workers:
                if worker.ready and worker.item is None and pending:
                    self._send(worker, pending.pop())
            nearest = min(worker.deadline for worker in self._watched())
            ready = wait(
                [worker.connection for worker in self._watched()],
                max(0.0, nearest - time.monotonic()),
            )
            for worker in self._watched():
                if worker.connection in ready:
                    finished = self._receive(worker)
                elif time.monotonic() >= worker.deadline:
                    finished = self._expire(worker)
                else:
                    continue
                if finished is not None:
                    yield finished

    def close(self) -> None:
        """End all processes."""
        for worker in self._workers:
            _end(worker)
        self._workers.clear()

    def _watched(self) -> list[_Worker]:
        return [w for w in self._workers if w.item is not None or not w.ready]

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(
            target=_serve, args=(theirs, self._builder, self._runner), daemon=True
        )
        with _STARTING, _one_thread():
            process.start()
        theirs.close()
        return _Worker(process, ours, deadline=time.monotonic() + START_SECONDS)

    def _send(self, worker: _Worker, item: MeasureInput) -> None:
        worker.item = item
        worker.started = time.monotonic()
        worker.deadline = worker.started + self._timeout
        try:
            worker.connection.send(item)
        except OSError:
            # Its process has ended in the meantime; the wait that follows notices.
            worker.deadline = worker.started + self._timeout

    def _receive(self, worker: _Worker) -> tuple[MeasureInput, MeasureResult] | None:
        try:
            result = worker.connection.recv()
        except (EOFError, OSError):
            return self._replace(
                worker,
                MeasureErrorNo.RUNTIME_DEVICE,
                f"the process ended unexpectedly (exit status {_exit_status(worker)})",
            )
        if not worker.ready:
            worker.ready = True
            return None
        item, worker.item = worker.item, None
        assert item is not None
        return item, result

    def _expire(self, worker: _Worker) -> tuple[MeasureInput, MeasureResult] | None:
        return self._replace(
            worker, MeasureErrorNo.RUN_TIMEOUT, f"took longer than {self._timeout:g} s"
        )

    def _replace(
        self, worker: _Worker, number: MeasureErrorNo, message: str
    ) -> tuple[MeasureInput, MeasureResult] | None:
        _end(worker)
        if not worker.ready:
            raise RuntimeError(f"a measuring process did not start: {message}")
        self._workers[self._workers.index(worker)] = self._start()
        if worker.item is None:
            return None
        seconds = time.monotonic() - worker.started
        return worker.item, MeasureResult.failure(number, message, seconds)


def available_cores() -> int:
    """The number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _exit_status(worker: _Worker) -> int | None:
    worker.process.join(1.0)
    return worker.process.exitcode


def _end(worker: _Worker) -> None:
    worker.connection.close()
    worker.process.kill()
    worker.process.join()
    worker.process.close()


@contextmanager
def _one_thread() -> Iterator[None]:
    """New processes that load a numerical library start no threads, which would only compete."""
    missing = [name for name in _THREADS if name not in os.environ]
    os.environ.update(dict.fromkeys(missing, "1"))
    try:
        yield
    finally:
        for name in missing:
            del os.environ[name]


def _serve(connection: Connection, builder: Builder, runner: Runner) -> None:
    """The loop of a measuring process; a closed pipe ends it."""
    import signal

    # Ctrl-C reaches every process of a terminal; the parent decides when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    from gemmini_xdsl.tvm_bridge.autotvm import programs

    programs.warm_up()
    # What is loaded by now stays, so that the search for garbage need not go through it.
    gc.collect()
    gc.freeze()
    try:
        connection.send(None)
        while True:
            connection.send(measure_one(connection.recv(), builder, runner))
    except (EOFError, OSError):
        return
