"""Damages texts at random, and runs a command-line tool in this process on what comes out."""

import contextlib
import io
import os
import random
import re
import resource
import signal
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import pytest

SEED = int(os.environ.get("GEMMINI_FUZZ_SEED", "1"))
SECONDS = float(os.environ.get("GEMMINI_FUZZ_SECONDS", "20"))
"""Longest time that one fuzz test goes on."""

CASE_SECONDS = 10
"""A case that takes longer hangs."""

CASE_BYTES = 3 << 30
"""A case that asks for more memory exhausts it."""

TOKEN = re.compile(r"[A-Za-z_][\w.]*|[%#!@^][\w.]+|-?\d[\w.+]*|\"[^\"\n]*\"|\s+|.")
NUMBER = re.compile(r"(?<![\w%@#^!.-])-?\d+(\.\d+(e[-+]\d+)?)?\b(?!x)")
"""A number that is neither part of a name nor the size of a shape."""

NUMBERS = ["0", "1", "2", "-1", "3", "16", "17", "127", "128", "255", "65536", "2147483648"]
NUMBERS += ["9223372036854775808", "340282366920938463463374607431768211456", "0x7fc00000"]
NUMBERS += ["1.0e+40", "nan", "-128", "1e-300", "007", "true"]
NOISE = ["(", ")", "{", "}", "<", ">", "[", "]", ",", ":", "=", "->", '"', "?", "//", "\\", "\0"]
NOISE += ["é", "\ufeff", "\U0001f600", "\t", "\n", "%", "#", "!", "@", "^", "...", ";", "'", "`"]


class Hang(BaseException):
    """The time of one case is over; no handler of the tool may catch this."""


class Mutator:
    """Damages texts in the ways of a bad edit, a wrong tool or a broken disk."""

    def __init__(self, seed: str):
        self.random = random.Random(f"{SEED} {seed}")

    def damage(self, text: str, other: str = "") -> str:
        """`text` with one to four changes, some of which take pieces of `other`."""
        for _ in range(self.random.choice((1, 1, 2, 4))):
            text = self.random.choice(self.MUTATIONS)(self, text, other)
        return text

    def change_number(self, text: str) -> str:
        """`text` with another number, which more often than not still parses."""
        return self._number(text, "")

    def _tokens(self, text: str, other: str) -> str:
        tokens = TOKEN.findall(text) or [" "]
        index = self.random.randrange(len(tokens))
        pool = TOKEN.findall(other) or tokens
        match self.random.randrange(5):
            case 0:
                del tokens[index]
            case 1:
                tokens.insert(index, tokens[index])
            case 2:
                tokens[index] = self.random.choice(tokens)
            case 3:
                tokens[index] = self.random.choice(pool)
            case 4:
                second = self.random.randrange(len(tokens))
                tokens[index], tokens[second] = tokens[second], tokens[index]
        return "".join(tokens)

    def _number(self, text: str, other: str) -> str:
        found = list(NUMBER.finditer(text))
        if not found:
            return text
        match = self.random.choice(found)
        return text[: match.start()] + self.random.choice(NUMBERS) + text[match.end() :]

    def _line(self, text: str, other: str) -> str:
        lines = text.split("\n")
        index = self.random.randrange(len(lines))
        match self.random.randrange(3):
            case 0:
                del lines[index]
            case 1:
                lines.insert(index, self.random.choice(lines))
            case 2:
                lines.insert(index, self.random.choice(other.split("\n")))
        return "\n".join(lines)

    def _cut(self, text: str, other: str) -> str:
        start = self.random.randrange(len(text) + 1)
        if self.random.randrange(4) == 0:
            return text[:start]
        return text[:start] + text[start + self.random.randrange(1, 30) :]

    def _noise(self, text: str, other: str) -> str:
        start = self.random.randrange(len(text) + 1)
        return text[:start] + self.random.choice(NOISE) + text[start:]

    def _splice(self, text: str, other: str) -> str:
        start, end = self.random.randrange(len(text) + 1), self.random.randrange(len(other) + 1)
        return text[:start] + other[end:]

    MUTATIONS = (_tokens, _tokens, _tokens, _number, _number, _line, _cut, _noise, _splice)


@dataclass
class Outcome:
    status: int
    stdout: str
    stderr: str


Tool = Callable[[Sequence[str]], int]


@pytest.fixture
def mutator() -> Callable[[str], Mutator]:
    return Mutator


@pytest.fixture
def deadline() -> float:
    """When, on the monotonic clock, a fuzz test stops."""
    return time.monotonic() + SECONDS


@contextlib.contextmanager
def limits() -> Iterator[None]:
    """Stops what is inside when it takes too long or too much memory."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise Hang

    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    previous = signal.signal(signal.SIGALRM, stop)
    resource.setrlimit(resource.RLIMIT_AS, (used + CASE_BYTES, hard))
    signal.setitimer(signal.ITIMER_REAL, CASE_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


@pytest.fixture
def run_case(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Outcome]:
    """Runs a tool on one case and fails, showing the case, unless it behaves.

    Behaving means: it ends in time with status 0, or with one of `refusals` and a message; it
    raises nothing, and mentions neither a traceback nor an internal error.
    """

    def run(tool: Tool, args: Sequence[str], case: str, refusals: Sequence[int] = (1,)) -> Outcome:
        stdout, stderr = io.StringIO(), io.StringIO()
        problem = None
        status = -1
        try:
            with limits(), contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
                status = tool(args)
        except SystemExit as error:
            status = error.code if isinstance(error.code, int) else 1
        except Hang:
            problem = f"hangs:\n{traceback.format_exc()}"
        except BaseException:
            problem = f"raises:\n{traceback.format_exc()}"
        outcome = Outcome(status, stdout.getvalue(), stderr.getvalue())
        if problem is None:
            if status not in (0, *refusals):
                problem = f"ends with status {status}"
            elif "Traceback" in outcome.stderr or "internal error" in outcome.stderr:
                problem = "shows an internal error"
            elif status != 0 and not outcome.stderr.strip():
                problem = "refuses without a message"
        if problem is not None:
            pytest.fail(
                f"{problem}\narguments: {list(args)}\nstderr: {outcome.stderr[-2000:]}\n"
                f"case:\n{case}",
                pytrace=False,
            )
        return outcome

    return run
