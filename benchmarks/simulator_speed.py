"""How fast is the simulator? Simulated cycles per second of CPU time, on a dense WS GEMM.

    python benchmarks/simulator_speed.py [--json]

Prints the timing model alone, and functional simulation and timing together, each as the best of
several runs: whatever else the machine does only makes a run slower.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import dataclass

import numpy as np

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.runtime_c.simulator import Simulator
from gemmini_xdsl.runtime_c.timing import TimingModel

TILE_I, TILE_J, TILE_K = 4, 8, 16
LOOPS = 400
RUNS = 5
ONE = 0x3F80_0000
BASE = 0x8000_0000
Command = tuple[int, int, int]


@dataclass(frozen=True)
class Speed:
    """One measurement; memory is the peak of the whole process."""

    what: str
    cycles: int
    cycles_per_second: float
    peak_memory_mib: float


def configuration(stride: int) -> list[Command]:
    """The settings that LOOP_WS expects."""
    loads = [(0, ONE << 32 | 16 << 16 | state << 3 | 1, stride) for state in range(3)]
    return [(0, ONE << 32 | 1 << 16 | 1 << 2, 1 << 48), *loads, (0, 2, ONE << 32 | stride)]


def gemm(loops: int, a: int, b: int, c: int, stride: int) -> list[Command]:
    """A sequence of LOOP_WS calls whose operands stay in the L2."""
    sizes = TILE_K << 32 | TILE_J << 16 | TILE_I
    one: list[Command] = [
        (9, 0, sizes),
        (10, a, b),
        (11, 0, c),
        (12, stride, stride),
        (13, stride, stride),
        (8, 0, 0),
    ]
    return one * loops


def measure_timing(loops: int) -> Speed:
    """The timing model alone."""
    stride = 256
    with TimingModel(load_config("default")) as model:
        for setting in configuration(stride):
            model.configure(*setting)
        model.host_write(BASE, 3 << 16)
        stream = gemm(loops, BASE, BASE + (1 << 16), BASE + (2 << 16), stride)
        start = time.process_time()
        for command in stream:
            model.command(1, *command)
        cycles = model.fence()
        seconds = time.process_time() - start
    return Speed("timing alone", cycles, cycles / seconds, _peak())


def measure_both(loops: int) -> Speed:
    """Every command to the functional simulator and to the timing model."""
    stride = 256
    config = load_config("default")
    memory = np.zeros(3 << 16, dtype=np.int8)
    simulator = Simulator(config)
    with TimingModel(config) as model:
        simulator.map(BASE, memory)
        model.host_write(BASE, 3 << 16)
        stream = configuration(stride)
        stream += gemm(loops, BASE, BASE + (1 << 16), BASE + (2 << 16), stride)
        start = time.process_time()
        for command in stream:
            model.command(1, *command)
            simulator.command(*command)
        cycles = model.fence()
        simulator.fence()
        seconds = time.process_time() - start
    return Speed("functional and timing", cycles, cycles / seconds, _peak())


def _rate(speed: Speed) -> float:
    return speed.cycles_per_second


def _peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Speed of the simulator")
    parser.add_argument("--json", action="store_true", help="print a JSON list")
    parser.add_argument("--loops", type=int, default=LOOPS, help="LOOP_WS calls to simulate")
    parser.add_argument("--runs", type=int, default=RUNS, help="runs to take the best of")
    arguments = parser.parse_args()
    speeds = [
        max((measure(arguments.loops) for _ in range(arguments.runs)), key=_rate)
        for measure in (measure_timing, measure_both)
    ]
    if arguments.json:
        print(json.dumps([speed.__dict__ for speed in speeds], indent=2))
        return
    for speed in speeds:
        print(
            f"{speed.what}: {speed.cycles} cycles, "
            f"{speed.cycles_per_second / 1e6:.1f} million per second, "
            f"peak memory {speed.peak_memory_mib:.0f} MiB"
        )


if __name__ == "__main__":
    main()
