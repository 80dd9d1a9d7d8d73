"""Measuring through TVM's own RPC tracker and servers, on loopback."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from machines import NoBuilder, TableRunner

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.tvm_bridge.autotvm.errors import TuningError
from gemmini_xdsl.tvm_bridge.autotvm.gemm_space import gemm_space
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureErrorNo, MeasureInput, MeasureResult
from gemmini_xdsl.tvm_bridge.autotvm.rpc import (
    RPCExecutor,
    decode_trial,
    encode_trial,
    parse_address,
    start_server,
)
from gemmini_xdsl.tvm_bridge.autotvm.schedule_knobs import values_of
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask, Workload

HOST = "127.0.0.1"
KEY = "test"
SERVERS = 4
SECONDS = 0.25
"""What a trial costs on a test server, whatever it is."""
HANG = 6
"""The size of K tiles with which a test server never ends; the other tests have none."""

TASK = GemmTask(Workload(64, 64, 64), load_config("default"))
SPACE = gemm_space(TASK.workload.problem, TASK.config)


def trials(count: int) -> list[MeasureInput]:
    """Trials that compile on the test machine (no M tiles of three) in the space's order."""
    return [MeasureInput.of(TASK, SPACE.get(int(index))) for index in SPACE.distinct[:count]]


def test_trials_travel_as_text() -> None:
    item = trials(1)[0]
    assert decode_trial(encode_trial(item)) == item
    with pytest.raises(TuningError, match="not a trial"):
        decode_trial("[]")


@pytest.mark.parametrize("text", ["", "host", ":1", "host:", "host:x", "host:123456"])
def test_addresses_that_are_none(text: str) -> None:
    with pytest.raises(TuningError, match="a tracker is given as host:port"):
        parse_address(text)


def test_an_unreachable_tracker() -> None:
    with socket.socket() as unused:
        unused.bind((HOST, 0))
        port = unused.getsockname()[1]
    with pytest.raises(TuningError) as error:
        RPCExecutor((HOST, port), KEY)
    assert str(error.value).startswith(f"cannot reach the RPC tracker at {HOST}:{port}: ")


@pytest.fixture(scope="module")
def tracker() -> Iterator[tuple[str, int]]:
    from tvm.rpc.tracker import Tracker

    server = Tracker(HOST, 19190, 19290, silent=True)
    yield HOST, server.port
    server.terminate()


def registered(tracker: tuple[str, int], key: str = KEY) -> int:
    from tvm import rpc

    summary = rpc.connect_tracker(*tracker).summary()
    return sum(info["key"] == f"server:{key}" for info in summary["server_info"])


def wait_for(tracker: tuple[str, int], count: int, key: str = KEY) -> None:
    deadline = time.monotonic() + 30
    while registered(tracker, key) < count:
        assert time.monotonic() < deadline, "the servers did not register"
        time.sleep(0.2)


@pytest.fixture(scope="module")
def servers(tracker: tuple[str, int]) -> Iterator[list[Any]]:
    started: list[Any] = []

    def start() -> None:
        machine = TableRunner(seconds=SECONDS, wrong=4, hang=HANG)
        started.append(start_server(tracker, KEY, NoBuilder(), machine, HOST, 19090))

    threads = [threading.Thread(target=start) for _ in range(SERVERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == SERVERS
    wait_for(tracker, SERVERS)
    yield started
    for server in started:
        server.terminate()


def measure(executor: RPCExecutor, count: int) -> tuple[float, list[MeasureResult]]:
    """Seconds that `count` trials take, and their results in the order of the trials."""
    items = trials(count)
    start = time.monotonic()
    found = list(executor.measure(items))
    seconds = time.monotonic() - start
    assert sorted(item.index for item, _ in found) == sorted(item.index for item in items)
    by_index = {item.index: result for item, result in found}
    return seconds, [by_index[item.index] for item in items]


def check(results: list[MeasureResult]) -> None:
    for item, result in zip(trials(len(results)), results, strict=True):
        m, n, k = item.schedule.tile
        if k == 4:
            assert result.error_no == MeasureErrorNo.WRONG_ANSWER
            assert result.message == "1 of 4096 results are wrong"
        else:
            assert result.costs == (TASK.seconds(1000 * m + 100 * n + k),)


def test_no_server_with_the_key(tracker: tuple[str, int]) -> None:
    with pytest.raises(TuningError, match="has no server with the key 'zcu102'"):
        RPCExecutor(tracker, "zcu102")


def test_servers_that_come_later_are_used(tracker: tuple[str, int]) -> None:
    machine = TableRunner()
    first = start_server(tracker, "late", NoBuilder(), machine, HOST, 19290)
    second = None
    try:
        wait_for(tracker, 1, "late")
        executor = RPCExecutor(tracker, "late")
        assert executor.parallelism == 1
        second = start_server(tracker, "late", NoBuilder(), machine, HOST, 19290)
        wait_for(tracker, 2, "late")
        _, results = measure(executor, 3)
        assert all(result.ok for result in results)
        assert executor.parallelism == 2
    finally:
        for server in (first, second):
            if server is not None:
                server.terminate()


def test_four_servers_are_three_times_as_fast_as_one(
    tracker: tuple[str, int], servers: list[Any]
) -> None:
    executor = RPCExecutor(tracker, KEY)
    assert executor.parallelism == SERVERS
    measure(executor, SERVERS)
    together, results = measure(executor, 32)
    check(results)
    alone = RPCExecutor(tracker, KEY, servers=1)
    single, results = measure(alone, 8)
    check(results)
    assert (32 / together) / (8 / single) >= 3


def test_a_trial_that_hangs_is_not_tried_elsewhere(
    tracker: tuple[str, int], servers: list[Any]
) -> None:
    executor = RPCExecutor(tracker, KEY, session_timeout=2)
    task = GemmTask(Workload(64, 64, HANG * 16), TASK.config)
    values = values_of(Schedule((1, 1, HANG)), task.workload.problem, task.config)
    hanging = MeasureInput(task, -1, values)
    found = {item.index: result for item, result in executor.measure([hanging, *trials(1)])}
    late, good = found[-1], found[trials(1)[0].index]
    assert good.ok
    assert (late.error_no, late.message) == (MeasureErrorNo.RUN_TIMEOUT, "took longer than 2 s")
    assert executor.retried == 0


def test_a_killed_server_loses_nothing(tracker: tuple[str, int], servers: list[Any]) -> None:
    import psutil

    def kill(server: Any, after: float) -> None:
        time.sleep(after)
        process = psutil.Process(server.proc._proc.pid)
        for victim in [*process.children(recursive=True), process]:
            victim.kill()

    retried = 0
    # A server that dies between two trials holds none; the next one then dies a little later.
    for server, after in zip(servers[:3], (2.5, 2.75, 3.25), strict=True):
        executor = RPCExecutor(tracker, KEY)
        killer = threading.Thread(target=kill, args=(server, after * SECONDS))
        killer.start()
        _, results = measure(executor, 32)
        killer.join()
        check(results)
        retried += executor.retried
        if retried:
            break
    assert retried >= 1


def test_all_servers_gone(
    tracker: tuple[str, int], servers: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    from gemmini_xdsl.tvm_bridge.autotvm import rpc

    monkeypatch.setattr(rpc, "CHECK_SECONDS", 0.5)
    executor = RPCExecutor(tracker, KEY)
    for server in servers:
        server.terminate()
    with pytest.raises(TuningError, match="all servers with the key 'test' are gone"):
        list(executor.measure(trials(2)))
