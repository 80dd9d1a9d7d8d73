"""Runners that hand the ELF to a program of the user: Spike, an RTL simulator, a board's loader."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.tools.elf_file import read_elf
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.runners.base import Outcome, RunnerOptions, problem_of

_GRACE_SECONDS = 5.0


@dataclass(frozen=True)
class ExternalRunner:
    """A program that loads the ELF, prints its console and returns its exit status.

    `variable` names the environment variable with the default program, `default` what is looked
    for on PATH, if anything. `needs_tty`: the program takes the board's serial line.
    """

    name: Literal["spike", "rtl", "zcu102"]
    variable: str
    default: str | None
    arguments: tuple[str, ...]
    what: str
    needs_tty: bool = False

    def program(self, options: RunnerOptions) -> list[str]:
        """The command to start. Raises `GemminiError` if there is none."""
        text = options.program or os.environ.get(self.variable, "").strip() or self.default
        hint = f"give {self.what} with --runner or in {self.variable}"
        if text is None:
            raise GemminiError(f"--on {self.name}: no program: {hint}")
        try:
            command = shlex.split(text)
        except ValueError as error:
            raise GemminiError(f"--on {self.name}: '{text}' is not a command: {error}") from None
        if not command or shutil.which(command[0]) is None:
            raise GemminiError(f"--on {self.name}: program '{text}' not found: {hint}")
        return command

    def check(self, options: RunnerOptions) -> None:
        """Raise `GemminiError` if the program, or the serial line of a board, is missing."""
        self.program(options)
        if not self.needs_tty:
            return
        if options.tty is None:
            raise GemminiError(
                f"--on {self.name} needs the board's serial line: --tty /dev/ttyUSB1"
            )
        if not Path(options.tty).exists():
            raise GemminiError(f"--on {self.name}: {options.tty} does not exist; is the board on?")

    def command_line(self, elf: Path, options: RunnerOptions) -> list[str]:
        """The command line that runs `elf`. Raises `GemminiError`."""
        line = [*self.program(options), *self.arguments, *options.arguments]
        if self.needs_tty:
            line.append(f"+tty={options.tty}")
        if self.name == "rtl":
            line.append("+permissive-off")
        return [*line, str(elf)]

    def run(self, elf: Path, config: GemminiConfig, options: RunnerOptions) -> Outcome:
        """Run the program to its end or the time limit. Raises `GemminiError`."""
        self.check(options)
        read_elf(elf)
        line = self.command_line(elf, options)
        status, console = _run(line, options.time_limit)
        problem: str | None
        if status is None:
            problem = f"no end within the time limit of {options.time_limit:g} s"
        elif status < 0:
            problem = f"{line[0]} was ended by signal {-status}"
        else:
            problem = problem_of(status, console)
        outcome = Outcome(self.name, console, tuple(line), status, problem)
        if problem is None and outcome.verdict == "not checked" and outcome.cycles is None:
            problem = f"{line[0]} ended without the program's output; see its messages above"
            outcome = Outcome(self.name, console, tuple(line), status, problem)
        return outcome


def _run(line: Sequence[str], time_limit: float) -> tuple[int | None, str]:
    """Exit status (None: time limit) and output. All processes that were started are ended."""
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                line,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise GemminiError(f"{line[0]} cannot be run: {error.strerror}") from None
        status: int | None = None
        try:
            status = process.wait(time_limit)
        except subprocess.TimeoutExpired:
            pass
        finally:
            _end(process)
        output.seek(0)
        return status, output.read().decode(errors="replace").replace("\r\n", "\n")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a process that still runs, and its children; politely first, for the tty's sake."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(_GRACE_SECONDS)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


SPIKE = ExternalRunner(
    "spike", "GEMMINI_SPIKE", "spike", ("--extension=gemmini",), "Spike with libgemmini"
)
RTL = ExternalRunner(
    "rtl", "GEMMINI_RTL", None, ("+permissive",), "the binary of a Chipyard simulator"
)
ZCU102 = ExternalRunner(
    "zcu102", "GEMMINI_UART_TSI", "uart_tsi", (), "Chipyard's uart_tsi loader", needs_tty=True
)
