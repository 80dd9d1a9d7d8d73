"""The modelled time that `gemmini run` reports."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.runtime_c.counters import EVENT_NAMES, Counter
from gemmini_xdsl.tools.api import compile_input, run
from gemmini_xdsl.tools.run_timing import RunTiming

M, N, K = 64, 48, 32
BLOCKS = 4 * 3 * 2


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("product") / "out"
    compile_input(f"gemm:M={M},N={N},K={K}", folder)
    return folder


def test_cycles_add_up_and_do_not_depend_on_where_memory_lies(product: Path) -> None:
    first, again = run(product).timing, run(product, seed=5).timing
    assert first is not None
    assert again is not None
    assert first == again
    assert sum(first.breakdown.values()) == first.cycles
    # The array alone needs 16 cycles for each of the 16x16x16 blocks.
    assert first.cycles > 16 * BLOCKS
    assert first.macs == M * N * K


def test_time_does_not_change_results(product: Path) -> None:
    from gemmini_xdsl.tools.run import RunOptions, run_directory

    results = [
        run_directory(product, RunOptions(seed=3, timing=timing, host_gap=gap, check=True))
        for timing, gap in ((False, 0), (True, 0), (True, 50))
    ]
    for result in results:
        assert result.check == "pass"
        assert (result.outputs["C"] == results[0].outputs["C"]).all()


def test_utilization_and_gops_by_hand() -> None:
    # 256 processing elements for 1000 cycles; 10 us at 100 MHz.
    timing = RunTiming(1000, 128_000, 1000, load_config("zcu102"), {})
    assert timing.utilization == 0.5
    assert timing.gops == pytest.approx((2 * 128_000 + 1000) / 10e-6 / 1e9)


def test_a_slow_core_is_host_bound(gemmini: Any, product: Path) -> None:
    fast = json.loads(gemmini("run", product, "--json", "--host-gap", "0").out)
    slow = json.loads(gemmini("run", product, "--json", "--host-gap", "200").out)
    assert slow["cycles"] > 200 * BLOCKS > fast["cycles"]
    assert slow["breakdown"]["host_bound"] > 10 * fast["breakdown"]["host_bound"]
    assert slow["outputs"] == fast["outputs"]


def test_counters(gemmini: Any, product: Path) -> None:
    names = "rdma_bytes_received,wdma_bytes_sent"
    report = json.loads(gemmini("run", product, "--json", "--counters", names).out)
    # Every element of A and B is read at least once, in aligned pieces; C is written once.
    assert report["counters"]["rdma_bytes_received"] >= M * K + K * N
    assert report["counters"]["wdma_bytes_sent"] == M * N
    assert len(json.loads(gemmini("run", product, "--json", "--counters", "default").out)) == 10


def test_counter_operands_by_hand() -> None:
    # ISA reference, section 8: [3] configure, [6:4] index, [17:12] event, [31] external.
    assert Counter(2, "exe_active_cycles").configure == 1 << 3 | 2 << 4 | 24 << 12
    assert Counter(0, "wdma_bytes_sent").configure == 1 << 3 | 5 << 12 | 1 << 31
    assert Counter(7, "main_ld_cycles").read == 7 << 4
    assert EVENT_NAMES[43] == "transpose_preload_unroller_active_cycles"


def test_unknown_and_too_many_counters(gemmini: Any, product: Path) -> None:
    result = gemmini("run", product, "--counters", "cycles")
    assert result.status == 1
    assert result.err.startswith("gemmini: error: --counters: no event 'cycles'; events are main")
    nine = ",".join(EVENT_NAMES[:9])
    result = gemmini("run", product, "--counters", nine)
    assert result.status == 1
    assert result.err == (
        "gemmini: error: --counters: 9 events, but config 'default' has 8 counters; "
        "run again for the others\n"
    )
