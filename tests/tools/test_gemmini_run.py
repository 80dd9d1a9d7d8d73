"""`gemmini run`: results, the check, JSON, and one message for each mistake."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemmini_xdsl.tools.api import CompileOptions, GemminiError, compile_module, run
from gemmini_xdsl.tools.host_build import find_c_compiler
from gemmini_xdsl.tools.run import RunResult, write_outputs

Gemmini = Callable[..., Any]


@pytest.fixture(scope="module")
def dense(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A compiled 20x10x30 product with bias, ReLU and requantisation."""
    directory = tmp_path_factory.mktemp("compiled") / "dense"
    compile_module("gemm:M=20,N=10,K=30,bias=row,act=relu,scale=0.05").write(directory)
    return directory


@pytest.fixture(scope="module")
def arrays() -> dict[str, Any]:
    rng = np.random.default_rng(5)
    return {
        "A": rng.integers(-128, 128, (20, 30)).astype(np.int8),
        "B": rng.integers(-128, 128, (30, 10)).astype(np.int8),
        "bias": rng.integers(-(2**12), 2**12, 10).astype(np.int32),
    }


def expected(arrays: dict[str, Any]) -> Any:
    total = arrays["A"].astype(np.int64) @ arrays["B"].astype(np.int64) + arrays["bias"]
    scaled = np.float32(np.maximum(total, 0)) * np.float32(0.05)
    return np.clip(np.rint(scaled), -128, 127).astype(np.int8)


REPORT = ("function", "check", "max_abs_error", "outputs")


def test_inputs_and_outputs_are_npy_files(
    gemmini: Gemmini, dense: Path, arrays: dict[str, Any], tmp_path: Path
) -> None:
    options: list[object] = []
    for name, array in arrays.items():
        np.save(tmp_path / f"{name}.npy", array)
        options += ["--input", f"{name}={tmp_path / name}.npy"]
    output = tmp_path / "results/first"
    result = gemmini("run", dense, *options, "--output", output, "--check", "--json")
    assert result.status == 0
    assert result.err == ""
    report = json.loads(result.out)
    assert {key: report[key] for key in REPORT} == {
        "function": "gemm",
        "check": "pass",
        "max_abs_error": 0,
        "outputs": {"C": str(output / "C.npy")},
    }
    got = np.load(output / "C.npy")
    np.testing.assert_array_equal(got, expected(arrays))
    assert got.dtype == np.int8
    assert os.listdir(output) == ["C.npy"]


def test_json_keys_are_in_order_and_null_without_a_check(gemmini: Gemmini, dense: Path) -> None:
    result = gemmini("run", dense, "--json")
    report = json.loads(result.out)
    assert list(report) == [*REPORT, "cycles", "utilization", "gops", "source", "breakdown"]
    assert [report[key] for key in REPORT] == ["gemm", "not run", None, {}]
    assert report["source"] == "model"
    without = gemmini("run", dense, "--json", "--no-timing")
    assert list(json.loads(without.out)) == [*REPORT]


def test_random_inputs_follow_the_seed(dense: Path) -> None:
    first, again, other = (run(dense, seed=seed).outputs["C"] for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_failing_check_is_reported(gemmini: Gemmini, dense: Path, tmp_path: Path) -> None:
    import shutil

    broken = tmp_path / "broken"
    shutil.copytree(dense, broken)
    source = (broken / "gemm.input.mlir").read_text()
    (broken / "gemm.input.mlir").write_text(source.replace("relu", "none"))
    result = gemmini("run", broken, "--check", "--json")
    assert result.status == 1
    report = json.loads(result.out)
    assert report["check"] == "fail"
    assert 0 < report["max_abs_error"] <= 255
    result = gemmini("run", broken, "--check")
    assert result.status == 1
    assert "FAILED" in result.out


@pytest.mark.parametrize(
    "shorthand",
    [
        "gemm:M=1,N=1,K=1",
        "gemm:M=17,N=33,K=65,bias=full,out=i32",
        "gemm:M=30,N=20,K=40,bias=scalar,scale=0.02,act=relu",
        "gemm:M=30,N=20,K=40,ta=1,scale=0.02",
        "gemm:M=30,N=20,K=40,tb=1,scale=0.02",
        "gemm:M=30,N=20,K=40,ta=1,tb=1,scale=0.02",
        "gemm:M=30,N=20,K=40,za=-7,zb=9,scale=0.02",
        "gemm:M=30,N=20,K=40,za=-7,zb=9,zc=5,scale=0.02,bias=row",
    ],
)
@pytest.mark.parametrize("checked", [True, False])
def test_products_are_exact(shorthand: str, checked: bool) -> None:
    compiled = compile_module(shorthand, CompileOptions(config="zcu102"))
    result = run(compiled, seed=3, check=True, checked_simulator=checked)
    assert (result.check, result.max_abs_error, result.mismatches) == ("pass", 0, 0)


CORE_ONLY = """
func.func @f(%a: memref<4x6xi32>, %w: memref<2x3xf32>, %z: memref<i32>, %k: i32, %p: i1) {
  linalg.generic {
    indexing_maps = [affine_map<(i, j) -> (2 * i, j + i)>, affine_map<(i, j) -> (i, j)>],
    iterator_types = ["parallel", "parallel"]
  } ins(%a : memref<4x6xi32>) outs(%w : memref<2x3xf32>) {
  ^bb0(%x: i32, %s: f32):
    %i = linalg.index 1 : index
    %n = arith.index_cast %i : index to i32
    %u = arith.addi %x, %n : i32
    %v = arith.sitofp %u : i32 to f32
    linalg.yield %v : f32
  }
  linalg.generic {
    indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> ()>],
    iterator_types = ["reduction", "reduction"]
  } ins(%a : memref<4x6xi32>) outs(%z : memref<i32>) {
  ^bb0(%x: i32, %s: i32):
    %u = arith.addi %x, %s : i32
    %v = arith.xori %u, %k : i32
    %t = arith.select %p, %u, %v : i32
    linalg.yield %t : i32
  }
  func.return
}
"""


def test_what_stays_on_the_core_is_compiled_and_checked(tmp_path: Path) -> None:
    (tmp_path / "f.mlir").write_text(CORE_ONLY)
    compiled = compile_module(str(tmp_path / "f.mlir"), name="f")
    assert compiled.manifest.functions[0].instructions == {}
    a = np.arange(24, dtype=np.int32).reshape(4, 6)
    z = np.array(5, np.int32)
    result = run(compiled, {"a": a, "z": z, "k": np.int32(9), "p": np.bool_(0)}, check=True)
    assert result.check == "pass"
    rows = [[a[2 * i, i + j] + j for j in range(3)] for i in range(2)]
    np.testing.assert_array_equal(result.outputs["w"], np.array(rows, np.float32))
    total = 5
    for value in range(24):
        total = (value + total) ^ 9
    assert result.outputs["z"] == total


STRIDED = """
func.func @f(%a: memref<4x5xi8, strided<[9, 1], offset: 3>>, %b: memref<5x6xi8>,
             %c: memref<4x6xi32, strided<[8, 1]>>) {
  gemmini.matmul ins(%a, %b : memref<4x5xi8, strided<[9, 1], offset: 3>>, memref<5x6xi8>)
    outs(%c : memref<4x6xi32, strided<[8, 1]>>)
  func.return
}
"""


def test_strided_arguments(tmp_path: Path) -> None:
    (tmp_path / "f.mlir").write_text(STRIDED)
    result = run(compile_module(str(tmp_path / "f.mlir")), check=True)
    assert result.check == "pass"
    assert result.outputs["c"].shape == (4, 6)


def test_several_functions(gemmini: Gemmini, tmp_path: Path) -> None:
    body = "(%a: memref<2xi8>) { %c = arith.constant 0 : index\n %v = arith.constant {} : i8\n"
    store = "memref.store %v, %a[%c] : memref<2xi8>\n func.return }\n"
    text = "".join(
        f"func.func @{name}{body.replace('{}', value)}{store}"
        for name, value in (("one", "1"), ("for", "2"))
    )
    (tmp_path / "f.mlir").write_text(text)
    gemmini("compile", tmp_path / "f.mlir", "-o", tmp_path / "out")
    result = gemmini("run", tmp_path / "out")
    assert result.status == 1
    assert result.err.endswith("choose a function with --function: one, for_\n")
    result = gemmini("run", tmp_path / "out", "--function", "for_", "--check", "--json")
    assert json.loads(result.out)["check"] == "pass"
    result = gemmini("run", tmp_path / "out", "--function", "two")
    assert result.err.endswith("no function 'two'; it has one, for_\n")


def npy(folder: Path, name: str, array: Any) -> Path:
    np.save(folder / name, array, allow_pickle=True)
    return folder / name


BAD_INPUTS: list[tuple[str, Any, str]] = [
    ("A=@", np.zeros((30, 20), np.int8), "input 'A' must have shape 20x30, got 30x20"),
    ("A=@", np.zeros(600, np.int8), "input 'A' must have shape 20x30, got 600"),
    ("A=@", np.zeros((20, 30), np.uint8), "input 'A' must have dtype int8, got uint8"),
    ("bias=@", np.zeros(10, np.int64), "input 'bias' must have dtype int32, got int64"),
    ("A=@", np.array([{}], object), "not a .npy file of numbers (input 'A')"),
    ("D=@", np.zeros(1), "no argument 'D'; arguments are A, B, bias, C"),
    ("A=missing.npy", None, "missing.npy: no such file (input 'A')"),
    ("A=", None, "--input must be NAME=FILE, got 'A='"),
    ("A", None, "--input must be NAME=FILE, got 'A'"),
]


@pytest.mark.parametrize(("option", "array", "message"), BAD_INPUTS)
def test_bad_inputs(
    gemmini: Gemmini, dense: Path, tmp_path: Path, option: str, array: Any, message: str
) -> None:
    text = option
    if array is not None:
        text = option.replace("@", str(npy(tmp_path, "input.npy", array)))
    output = tmp_path / "results"
    result = gemmini("run", dense, "--input", text, "--output", output)
    assert result.status == (2 if "NAME=FILE" in message else 1)
    assert result.err.startswith("gemmini: error: ")
    assert message in result.err
    assert result.err.count("\n") == 1
    assert not output.exists()


def test_an_input_that_is_no_npy_file(gemmini: Gemmini, dense: Path, tmp_path: Path) -> None:
    for content in (b"", b"hello", b"\x93NUMPY\x01\x00\x10\x00garbage"):
        (tmp_path / "a.npy").write_bytes(content)
        result = gemmini("run", dense, "--input", f"A={tmp_path / 'a.npy'}")
        assert result.status == 1
        assert "a.npy: not a .npy file of numbers (input 'A')" in result.err


def test_an_input_that_is_given_twice(gemmini: Gemmini, dense: Path) -> None:
    result = gemmini("run", dense, "--input", "A=x.npy", "--input", "A=y.npy")
    assert (result.status, result.err) == (2, "gemmini: error: --input A is given twice\n")


def test_no_c_compiler(
    gemmini: Gemmini, dense: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    result = gemmini("run", dense)
    assert result.status == 1
    assert "no C compiler found: looked for cc, gcc, clang; install one" in result.err
    monkeypatch.setenv("CC", "does-not-exist -m64")
    result = gemmini("run", dense)
    assert result.status == 1
    assert "no C compiler found: CC is set to 'does-not-exist -m64'" in result.err


def test_the_compiler_is_chosen_in_order(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("clang", "gcc", "cc"):
        (tmp_path / name).write_text("#!/bin/sh\n")
        (tmp_path / name).chmod(0o755)
        monkeypatch.delenv("CC", raising=False)
        assert find_c_compiler() == [name]
        monkeypatch.setenv("CC", "clang -O1")
        assert find_c_compiler() == ["clang", "-O1"]


def test_a_compiler_that_fails(
    gemmini: Gemmini, dense: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "cc --no-such-option")
    result = gemmini("run", dense)
    assert result.status == 1
    assert "cc cannot compile" in result.err
    assert "Traceback" not in result.err


def test_directories_that_are_not_ours(gemmini: Gemmini, dense: Path, tmp_path: Path) -> None:
    import shutil

    result = gemmini("run", tmp_path / "missing")
    assert result.err.endswith("missing: no manifest.json: not made by gemmini compile\n")
    copy = tmp_path / "copy"
    shutil.copytree(dense, copy)
    (copy / "manifest.json").write_text("[")
    assert "not a manifest; compile again" in gemmini("run", copy).err
    shutil.copy(dense / "manifest.json", copy)
    (copy / "gemm.c").unlink()
    assert "has no gemm.c; compile with --emit c,mlir" in gemmini("run", copy).err
    text = (copy / "gemm.input.mlir").read_text()
    (copy / "gemm.input.mlir").write_text(text.replace('"default"', '"lean"'))
    assert "is for another hardware description" in gemmini("run", copy).err
    (copy / "gemm.input.mlir").unlink()
    assert "needs exactly one *.input.mlir" in gemmini("run", copy).err


def test_output_directory_that_cannot_be_made(
    gemmini: Gemmini, dense: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    result = gemmini("run", dense, "--output", tmp_path / "file/results")
    assert result.status == 1
    assert "cannot be written: Not a directory" in result.err


def test_api_arrays_must_fit(dense: Path, arrays: dict[str, Any]) -> None:
    with pytest.raises(GemminiError, match="'A' must be int8 of shape 20x30, got int16"):
        run(dense, {"A": arrays["A"].astype(np.int16)})
    with pytest.raises(GemminiError, match="no argument 'D'"):
        run(dense, {"D": arrays["A"]})
    result = run(dense, arrays)
    assert isinstance(result, RunResult)
    np.testing.assert_array_equal(result.outputs["C"], expected(arrays))


def test_a_kernel_that_leaves_its_arrays_is_stopped(tmp_path: Path) -> None:
    """The simulator knows the arrays of the kernel, and refuses addresses outside of them."""
    compiled = compile_module("gemm:M=16,N=16,K=16")
    directory = tmp_path / "out"
    compiled.write(directory)
    source = (directory / "gemm.c").read_text()
    (directory / "gemm.c").write_text(source.replace("(uintptr_t)A", "((uintptr_t)A + 8)"))
    assert source != (directory / "gemm.c").read_text()
    with pytest.raises(GemminiError, match="gemm: the simulator stopped: "):
        run(directory)


def test_output_files_have_names_of_their_own(tmp_path: Path) -> None:
    arrays = {name: np.full(2, index, np.int8) for index, name in enumerate(("a.b", "a_b", "../c"))}
    written = write_outputs(RunResult("f", arrays), tmp_path / "results").files
    assert [Path(file).name for file in written.values()] == ["a_b.npy", "a_b_.npy", "___c.npy"]
    for name, file in written.items():
        np.testing.assert_array_equal(np.load(file), arrays[name])
    assert len(os.listdir(tmp_path / "results")) == 3
