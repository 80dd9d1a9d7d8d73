"""The reference is what the code says, and its examples run."""

from __future__ import annotations

import shlex

import generate
import pytest
from xdsl.dialects.builtin import ModuleOp
from xdsl.irdl import IRDLOperation

from gemmini_xdsl.passes.registry import get_all_passes
from gemmini_xdsl.passes.upstream_mlir import UpstreamMlirNotFoundError, find_upstream
from gemmini_xdsl.targets.llvm_library import find_llvm_library
from gemmini_xdsl.targets.llvm_machine_code import find_clang
from gemmini_xdsl.targets.registry import get_all_targets
from gemmini_xdsl.tools.gemmini_opt import main
from gemmini_xdsl.tools.inputs import make_context, parse_mlir

NEEDS_UPSTREAM = {"mlir", "gemmini-llvm", "gemmini-asm"}


@pytest.mark.parametrize("name", ["dialects.md", "passes.md", "targets.md"])
def test_pages_are_current(name: str) -> None:
    text = generate.pages()[name]
    assert (generate.FOLDER / name).read_text() == text, "run: python docs/reference/generate.py"


def test_limits_are_stated() -> None:
    text = generate.pages()["dialects.md"]
    matmul = text.partition("### `gemmini.matmul`")[2].partition("###")[0]
    assert "Verification: check shapes, element types and the ranges" in matmul


def examples() -> ModuleOp:
    path = generate.EXAMPLES / "operations.mlir"
    return parse_mlir(path.read_text(), str(path), make_context())


def test_every_operation_has_an_example_that_verifies() -> None:
    found = {op.name for op in examples().walk()}
    for _, dialect in generate.DIALECTS:
        for operation in dialect.operations:
            assert issubclass(operation, IRDLOperation)
            assert operation.name in found


def test_examples_run_from_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(generate.EXAMPLES / "operations.mlir")]) == 0
    assert "rocc.fence" in capsys.readouterr().out


def run(command: str, name: str, capsys: pytest.CaptureFixture[str]) -> str:
    """Run a command of the reference in the folder of the examples."""
    if name in NEEDS_UPSTREAM:
        try:
            find_upstream("a test")
        except UpstreamMlirNotFoundError:
            pytest.skip("upstream MLIR (torch-mlir or mlir-22-tools) is not installed")
    program, *arguments = shlex.split(command)
    assert program == "gemmini-opt"
    assert main(arguments) == 0, capsys.readouterr().err
    return capsys.readouterr().out


@pytest.mark.parametrize("name", get_all_passes())
def test_example_of_pass(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(generate.EXAMPLES)
    assert "func.func @product" in run(generate.pass_command(name), name, capsys)


@pytest.mark.parametrize("name", get_all_targets())
def test_example_of_target(
    name: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if name == "gemmini-asm" and find_llvm_library() is None and find_clang() is None:
        pytest.skip("neither LLVM's library (libllvm22) nor a recent clang is installed")
    monkeypatch.chdir(generate.EXAMPLES)
    assert "product" in run(generate.target_command(name), name, capsys)
