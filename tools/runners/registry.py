"""Runners by name."""

from __future__ import annotations

from gemmini_xdsl.tools.errors import UsageError
from gemmini_xdsl.tools.runners.base import Runner
from gemmini_xdsl.tools.runners.external import RTL, SPIKE, ZCU102
from gemmini_xdsl.tools.runners.riscv import RiscvRunner

RUNNERS: dict[str, Runner] = {runner.name: runner for runner in (RiscvRunner(), SPIKE, RTL, ZCU102)}


def get_runner(name: str) -> Runner:
    """The runner called `name`. Raises `UsageError`."""
    if name not in RUNNERS:
        raise UsageError(f"--on must be one of host_sim, {', '.join(RUNNERS)}; got '{name}'")
    return RUNNERS[name]
