"""Types in the tutorial: every file, command and program of it, in order."""

from __future__ import annotations

import doctest
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from gemmini_xdsl.passes.upstream_mlir import UpstreamMlirNotFoundError, to_upstream
from gemmini_xdsl.targets.llvm_library import find_llvm_library
from gemmini_xdsl.targets.llvm_machine_code import find_clang

TUTORIAL = Path(__file__).parents[2] / "docs" / "tutorial.md"
BLOCK = re.compile(r"^(?:<!-- file: (\S+) -->\n)?```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Command:
    text: str
    expected: str


def commands(block: str) -> list[Command]:
    found: list[Command] = []
    for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
        text, _, expected = part.partition("\n")
        found.append(Command(text, expected))
    return found


def run(arguments: list[str], folder: Path) -> str:
    tools = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    done = subprocess.run(
        arguments, cwd=folder, env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, f"{arguments[-1]}\n{done.stdout}{done.stderr}"
    return done.stdout


def test_tutorial(tmp_path: Path) -> None:
    from xdsl.dialects.builtin import ModuleOp

    try:
        to_upstream(ModuleOp([]))
    except UpstreamMlirNotFoundError:
        pytest.skip("upstream MLIR's Python bindings (torch-mlir) are not installed")
    if find_llvm_library() is None and find_clang() is None:
        pytest.skip("neither LLVM's library (libllvm22) nor a recent clang is installed")
    checker = doctest.OutputChecker()
    kinds: list[str] = []
    for match in BLOCK.finditer(TUTORIAL.read_text()):
        name, kind, text = match.groups()
        kinds.append(kind)
        if kind == "mlir":
            (tmp_path / name).write_text(text)
        elif kind == "python":
            run([sys.executable, "-c", text], tmp_path)
        else:
            assert kind == "console"
            for command in commands(text):
                output = run(["sh", "-c", command.text], tmp_path)
                assert checker.check_output(command.expected, output, doctest.ELLIPSIS), (
                    f"$ {command.text}\n{output}\nexpected:\n{command.expected}"
                )
    assert set(kinds) == {"mlir", "console", "python"}
