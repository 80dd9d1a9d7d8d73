"""Finding upstream MLIR, and the messages when it is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.passes.mlir_pipeline import MlirPass
from gemmini_xdsl.passes.upstream_mlir import (
    UpstreamMlirError,
    UpstreamMlirNotFoundError,
    bindings,
    find_upstream,
    to_upstream,
)
from gemmini_xdsl.passes.upstream_mlir.bindings import BindingsBackend
from gemmini_xdsl.passes.upstream_mlir.mlir_opt import MlirOptBackend


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """No bindings and no binary; the folder is the whole PATH and where packages are looked for."""
    monkeypatch.setattr(bindings, "PACKAGES", ("gemmini_no_such_bindings",))
    monkeypatch.setattr(bindings, "_PLACEHOLDER", "gemmini_no_such_placeholder")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("GEMMINI_MLIR_OPT", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    bindings._find.cache_clear()
    return tmp_path


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def test_nothing_installed(nothing_installed: Path, context: Context) -> None:
    with pytest.raises(UpstreamMlirNotFoundError) as error:
        MlirPass("cse").apply(context, ModuleOp([]))
    message = str(error.value)
    assert message.startswith("pass 'mlir' needs upstream MLIR, which is not installed: ")
    assert "gemmini-xdsl[mlir]" in message
    assert "mlir-22-tools" in message
    with pytest.raises(UpstreamMlirNotFoundError, match="bindings are not installed"):
        to_upstream(ModuleOp([]))


def test_placeholder_is_recognised(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nothing_installed / "gemmini_test_placeholder.py").write_text("raise AssertionError")
    monkeypatch.setattr(bindings, "_PLACEHOLDER", "gemmini_test_placeholder")
    with pytest.raises(UpstreamMlirNotFoundError, match="is PyPI's placeholder"):
        find_upstream("a test")


def test_foreign_package_of_that_name(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (nothing_installed / "gemmini_test_foreign.py").write_text("")
    monkeypatch.setattr(bindings, "PACKAGES", ("gemmini_test_foreign",))
    with pytest.raises(UpstreamMlirNotFoundError, match="'gemmini_test_foreign' is not LLVM's"):
        find_upstream("a test")


def test_first_package_wins(nothing_installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for package in ("gemmini_test_first", "gemmini_test_second"):
        folder = nothing_installed / package
        folder.mkdir()
        for module in ("__init__", "ir", "passmanager"):
            (folder / f"{module}.py").write_text("")
    monkeypatch.setattr(bindings, "PACKAGES", ("gemmini_test_first", "gemmini_test_second"))
    found = find_upstream("a test")
    assert isinstance(found, BindingsBackend)
    assert found.description == "Python package gemmini_test_first"


def test_newest_binary_is_used_without_bindings(nothing_installed: Path) -> None:
    for version in ("20", "22"):
        program(nothing_installed / f"mlir-opt-{version}", "exit 1")
    found = find_upstream("a test")
    assert isinstance(found, MlirOptBackend)
    assert Path(found.path).name == "mlir-opt-22"


def test_requested_binary_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = program(tmp_path / "my-opt", "echo 'crash and burn' >&2; exit 3")
    monkeypatch.setenv("GEMMINI_MLIR_OPT", str(path))
    found = find_upstream("a test")
    assert found.description == str(path)
    with pytest.raises(UpstreamMlirError, match=r"^upstream MLIR: exit status 3: crash and burn$"):
        found.run("")


def test_requested_binary_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEMMINI_MLIR_OPT", "/nowhere/mlir-opt")
    with pytest.raises(UpstreamMlirError, match="GEMMINI_MLIR_OPT=/nowhere/mlir-opt: no such"):
        find_upstream("a test")


def test_no_translator_beside_the_binary(tmp_path: Path) -> None:
    path = program(tmp_path / "mlir-opt-99", "exit 0")
    with pytest.raises(UpstreamMlirError, match="mlir-translate, which is not beside"):
        MlirOptBackend(str(path)).to_llvm_ir("")
