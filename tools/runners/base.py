"""The interface of runners, and what a program prints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from numpy.typing import NDArray

from gemmini_xdsl.hardware import GemminiConfig

Verdict = Literal["pass", "fail", "not checked"]

STATUS_MEANINGS = {
    1: "wrong result",
    2: "trap",
    3: "the watchdog ended the program",
    4: "wrong set-up",
}
"""Exit statuses of generated programs (include/gemmini/platform.h)."""

_CYCLES = re.compile(r"^(\S+): (\d+) cycles\s*$", re.MULTILINE)
_TELLING = ("watchdog:", "trap:", "error:", "check ")


@dataclass(frozen=True)
class RunnerOptions:
    """How a runner runs a program.

    `program` is the path of the user's simulator or loader (default: found on PATH), `arguments`
    are added to its command line, `time_limit` is in seconds. `checked` and `timing` concern the
    emulated hart: the simulator's sanitizer, and the model of the core's and the accelerator's
    time. `tty` is the board's serial line.
    """

    program: str | None = None
    arguments: tuple[str, ...] = ()
    time_limit: float = 600.0
    checked: bool = True
    timing: bool = True
    tty: str | None = None


@dataclass(frozen=True)
class Outcome:
    """What came out of a run.

    `status` is the program's exit status, None if the runner does not tell; `problem` is one line
    that says what went wrong, None if nothing did. `cycles` is what the program printed.
    `figures` are further numbers by name; `buffers` the final content of the program's buffers by
    symbol, where the runner can see memory; `notes` qualify the numbers.
    """

    runner: str
    console: str
    command: tuple[str, ...] = ()
    status: int | None = None
    problem: str | None = None
    figures: Mapping[str, float | int] = field(default_factory=dict)
    buffers: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    @property
    def cycles(self) -> int | None:
        """Cycles of the (last) function, as the program printed them."""
        found = _CYCLES.findall(self.console)
        return int(found[-1][1]) if found else None

    @property
    def verdict(self) -> Verdict:
        """What the program said about its results; a run with a problem has failed."""
        if self.problem is not None:
            return "fail"
        lines = [line.strip() for line in self.console.splitlines()]
        if "FAIL" in lines:
            return "fail"
        return "pass" if "PASS" in lines else "not checked"


class Runner(Protocol):
    """One way to run programs."""

    @property
    def name(self) -> str:
        """What `--on` calls it."""
        ...

    def check(self, options: RunnerOptions) -> None:
        """Raise `GemminiError` if what the runner needs is missing."""

    def run(self, elf: Path, config: GemminiConfig, options: RunnerOptions) -> Outcome:
        """Run a program to its end or the time limit.

        Raises `GemminiError` if the program cannot be started.
        """


def problem_of(status: int, console: str) -> str | None:
    """One line about an exit status other than 0, with what the program said itself."""
    if status == 0:
        return None
    meaning = STATUS_MEANINGS.get(status)
    said = [
        line.strip()
        for line in console.splitlines()
        if line.startswith(_TELLING) and not line.rstrip().endswith("as expected")
    ]
    text = f"exit status {status}" + (f" ({meaning})" if meaning else "")
    return f"{text}: {said[0]}" if said else text
