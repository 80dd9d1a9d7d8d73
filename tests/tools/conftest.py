from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from gemmini_xdsl.tools.gemmini import main


@dataclass(frozen=True)
class Outcome:
    """What a command line printed and returned."""

    status: int
    out: str
    err: str


@pytest.fixture
def gemmini(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Runs a `gemmini` command line in this process."""

    def run(*arguments: object) -> Outcome:
        capfd.readouterr()
        status = main([str(argument) for argument in arguments])
        captured = capfd.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run
