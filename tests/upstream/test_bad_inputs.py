"""What `gemmini compile` says about MLIR that it cannot take."""

from __future__ import annotations

from pathlib import Path

import pytest

from gemmini_xdsl.passes.upstream_mlir import (
    UpstreamMlirError,
    UpstreamMlirNotFoundError,
    find_upstream,
)
from gemmini_xdsl.tools.gemmini import main
from gemmini_xdsl.tools.inputs import load_input

FILE = "input.mlir"


@pytest.fixture
def refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> object:
    monkeypatch.chdir(tmp_path)

    def compile_it(text: str) -> str:
        Path(FILE).write_text(text)
        assert main(["compile", FILE, "-o", "out"]) == 1
        assert not Path("out").exists()
        output = capsys.readouterr()
        assert output.out == ""
        assert "Traceback" not in output.err
        return output.err.strip()

    return compile_it


WRONG_RETURN = """func.func @f(%a: tensor<4x4xi8>) -> tensor<4x4xi32> {
  return %a : tensor<4x4xi8>
}
"""
MATMUL = """!a = {a}
!c = {c}
func.func @f(%a: !a, %b: !a, %c: !c) -> !c {{
  %0 = linalg.matmul ins(%a, %b : !a, !a) outs(%c : !c) -> !c
  return %0 : !c
}}
"""
DYNAMIC = MATMUL.format(a="tensor<?x?xi8>", c="tensor<?x?xi32>")
BFLOAT = MATMUL.format(a="tensor<4x4xbf16>", c="tensor<4x4xbf16>")
SHAPES = """func.func @f(%a: memref<4x5xi8>, %b: memref<4x4xi8>, %c: memref<4x4xi32>) {
  linalg.matmul ins(%a, %b : memref<4x5xi8>, memref<4x4xi8>) outs(%c : memref<4x4xi32>)
  return
}
"""
UNKNOWN = """func.func @f(%a: memref<4x4xi8>) {
  foo.bar %a : memref<4x4xi8>
  return
}
"""
SYNTAX = "func.func @f(%a: memref<4x4xi8>) {\n  %0 = arith.addi :\n}\n"
NAMED = """func.func @f(%a: memref<4x4xi8>, %b: memref<4x4xi8>, %c: memref<4x4xi32>) {
  linalg.matmul ins(%a, %b : memref<4x4xi8>, memref<4x4xi8>) outs(%c : memref<4x4xi32>)
  return
}
"""


@pytest.mark.usefixtures("bindings")
@pytest.mark.parametrize(
    ("text", "messages"),
    [
        (WRONG_RETURN, [f"{FILE}:2:3: error: type of return operand 0", "in function @f"]),
        (SHAPES, [f"{FILE}:2:3: error: ", "to be 5, but found 4"]),
        (DYNAMIC, ["tensor<?x?xi8> has no static shape"]),
        (BFLOAT, ["has type bf16", "no C counterpart"]),
        (UNKNOWN, [f"{FILE}:2:3: error: ", "foo.bar"]),
        (SYNTAX, [f"{FILE}:2:", "arith.addi"]),
    ],
    ids=["return type", "shapes", "dynamic", "bfloat16", "unknown operation", "syntax"],
)
def test_refused(text: str, messages: list[str], refused) -> None:  # type: ignore[no-untyped-def]
    error = refused(text)
    assert error.startswith("gemmini: error: ")
    for message in messages:
        assert message in error


@pytest.mark.parametrize("text", [NAMED, WRONG_RETURN.replace("i32", "i8")])
def test_nothing_installed(text: str, refused, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    def nothing(purpose: str) -> None:
        raise UpstreamMlirNotFoundError(f"{purpose} needs upstream MLIR: install it")

    for module in ("passes.gemmini_bufferize", "tools.mlir_input"):
        monkeypatch.setattr(f"gemmini_xdsl.{module}.find_upstream", nothing)
    assert "needs upstream MLIR: install it" in refused(text)


@pytest.mark.usefixtures("bindings")
def test_names_of_arguments_are_kept(tmp_path: Path) -> None:
    path = tmp_path / FILE
    path.write_text(NAMED)
    (function,) = load_input(str(path)).module.ops
    names = [argument.name_hint for argument in function.regions[0].block.args]
    assert names == ["a", "b", "c"]


@pytest.mark.usefixtures("bindings")
def test_what_llvm_does_not_know_is_no_crash() -> None:
    upstream = find_upstream("this test")
    with pytest.raises(UpstreamMlirError, match=r"'test\.op' has no translation to LLVM IR"):
        upstream.to_llvm_ir('"test.op"() : () -> ()')
