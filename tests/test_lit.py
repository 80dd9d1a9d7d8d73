"""Every FileCheck test as a test of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
TIMEOUT_SECONDS = 90
"""A little more than lit's own limit for one test, which reports more."""


def mlir_files() -> list[Path]:
    found = (path.relative_to(TESTS) for path in TESTS.rglob("*.mlir"))
    return sorted(path for path in found if not {"Output", "inputs"} & set(path.parts))


@pytest.mark.parametrize("path", mlir_files(), ids=str)
def test_lit(path: Path) -> None:
    lit = Path(sys.executable).parent / "lit"
    command = [lit, "-a", "--no-progress-bar", "-j1", "--skip-test-time-recording", TESTS / path]
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=TIMEOUT_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        output, _ = process.communicate()
        pytest.fail(f"{path} did not end within {TIMEOUT_SECONDS} s\n{output}")
    if process.returncode != 0:
        pytest.fail(output, pytrace=False)
