"""`gemmini compile`: files, manifest, and one message for each mistake."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gemmini_xdsl.hardware import load_config
from gemmini_xdsl.runtime_c.paths import include_dir
from gemmini_xdsl.tools.manifest import Manifest

Gemmini = Callable[..., Any]
SMALL = "gemm:M=20,N=10,K=30,bias=row,act=relu,scale=0.05"

MATMUL = """
func.func @product(%x: memref<5x6xi8>, %w: memref<6x7xi8>, %y: memref<5x7xi32>) {
  gemmini.matmul ins(%x, %w : memref<5x6xi8>, memref<6x7xi8>) outs(%y : memref<5x7xi32>)
  func.return
}
"""


def files_of(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_files_of_a_compiled_directory(gemmini: Gemmini, tmp_path: Path) -> None:
    result = gemmini("compile", SMALL, "-o", tmp_path / "out", "--emit", "c,mlir,commands")
    assert result.status == 0
    assert result.err == ""
    assert files_of(tmp_path / "out") == {
        "gemm.c",
        "gemm.h",
        "gemm.mlir",
        "gemm.input.mlir",
        "gemm.commands",
        "manifest.json",
        "include/gemmini/config.h",
        "include/gemmini/isa.h",
        "include/gemmini/rocc.h",
    }
    rocc = (tmp_path / "out/include/gemmini/rocc.h").read_text()
    assert rocc == (include_dir() / "gemmini/rocc.h").read_text()
    assert os.listdir(tmp_path) == ["out"]


def test_emit_chooses_what_is_written(gemmini: Gemmini, tmp_path: Path) -> None:
    always = {"gemm.input.mlir", "manifest.json"}
    assert gemmini("compile", SMALL, "-o", tmp_path / "a", "--emit", "commands").status == 0
    assert files_of(tmp_path / "a") == always | {"gemm.commands"}
    assert gemmini("compile", SMALL, "-o", tmp_path / "b", "--emit", "mlir").status == 0
    assert files_of(tmp_path / "b") == always | {"gemm.mlir"}


def test_manifest_schema(gemmini: Gemmini, tmp_path: Path) -> None:
    result = gemmini("compile", SMALL, "-o", tmp_path / "out", "--config", "lean", "--json")
    text = (tmp_path / "out/manifest.json").read_text()
    assert result.out == text
    manifest = json.loads(text)
    assert list(manifest) == ["functions", "config"]
    assert manifest["config"] == {"name": "lean", "digest": load_config("lean").digest}
    (function,) = manifest["functions"]
    assert list(function) == ["name", "arguments", "schedule", "instructions"]
    assert function["name"] == "gemm"
    assert function["arguments"] == [
        {"name": "A", "role": "input", "shape": [20, 30], "dtype": "int8"},
        {"name": "B", "role": "input", "shape": [30, 10], "dtype": "int8"},
        {"name": "bias", "role": "bias", "shape": [10], "dtype": "int32"},
        {"name": "C", "role": "output", "shape": [20, 10], "dtype": "int8"},
    ]
    assert function["schedule"].startswith("#gemmini.schedule<tile = [")
    # 20x10x30 on a 16x16 array: 2 * 1 * 2 products, each a preload and a compute.
    counts = function["instructions"]
    assert counts["preload"] == 4
    computes = [count for name, count in counts.items() if name.startswith("compute_")]
    assert sum(computes) == 4
    assert counts["mvout"] == 2
    assert Manifest.from_json(text).to_json() == text


def test_output_is_deterministic(gemmini: Gemmini, tmp_path: Path) -> None:
    for name in ("a", "b"):
        gemmini("compile", SMALL, "-o", tmp_path / name, "--emit", "c,mlir,commands")
    for name in files_of(tmp_path / "a"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_arguments_take_their_names_from_mlir(gemmini: Gemmini, tmp_path: Path) -> None:
    source = tmp_path / "my layer.mlir"
    source.write_text(MATMUL)
    assert gemmini("compile", source, "-o", tmp_path / "out").status == 0
    assert {"my_layer.c", "my_layer.h", "my_layer.mlir"} <= files_of(tmp_path / "out")
    (function,) = json.loads((tmp_path / "out/manifest.json").read_text())["functions"]
    assert [(a["name"], a["role"]) for a in function["arguments"]] == [
        ("x", "input"),
        ("w", "input"),
        ("y", "output"),
    ]


@pytest.mark.parametrize("command", [["gcc"], ["clang"], ["riscv64-unknown-elf-gcc"]], ids=str)
def test_directory_builds_without_us(gemmini: Gemmini, tmp_path: Path, command: list[str]) -> None:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    out = tmp_path / "out"
    gemmini("compile", "gemm:M=40,N=33,K=50,za=3,zb=2,zc=1,scale=0.1,bias=scalar", "-o", out)
    riscv = ["-ffreestanding", "-march=rv64gc", "-mabi=lp64d"]
    target = riscv if "riscv" in command[0] else ["-DGEMMINI_RECORD"]
    strict = ["-std=c17", "-pedantic", "-Wall", "-Wextra", "-Werror", "-O2"]
    result = subprocess.run(
        [*command, *strict, *target, "-c", "gemm.c", "-Iinclude", "-o", tmp_path / "gemm.o"],
        cwd=out,
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr


def test_recompiling_replaces_our_directory_only(gemmini: Gemmini, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    assert gemmini("compile", SMALL, "-o", out).status == 0
    assert gemmini("compile", "gemm:M=2,N=2,K=2", "-o", out, "--name", "tiny").status == 0
    assert "tiny.c" in files_of(out)
    assert "gemm.c" not in files_of(out)
    (out / "manifest.json").write_text("{}")
    before = files_of(out)
    result = gemmini("compile", SMALL, "-o", out)
    assert result.status == 1
    assert result.err == (
        f"gemmini: error: {out}: exists and was not made by gemmini compile; "
        "give another directory or remove it\n"
    )
    assert files_of(out) == before


def test_parents_are_made_and_removed_again(
    gemmini: Gemmini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gemmini("compile", SMALL, "-o", tmp_path / "a/b/out").status == 0
    real = Path.rename

    def rename(self: Path, target: Path) -> Path:
        if self.name == "new":
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    result = gemmini("compile", SMALL, "-o", tmp_path / "c/d/out")
    assert result.status == 1
    assert "cannot be written: No space left on device" in result.err
    result = gemmini("compile", "gemm:M=2,N=2,K=2", "-o", tmp_path / "a/b/out", "--name", "other")
    assert result.status == 1
    assert "gemm.c" in files_of(tmp_path / "a/b/out")
    assert os.listdir(tmp_path) == ["a"]
    assert os.listdir(tmp_path / "a/b") == ["out"]


def test_schedule_option(gemmini: Gemmini, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for text in ("tile = [1, 1, 1], dataflow = os", "#gemmini.schedule<tile=[1,1,1],dataflow=os>"):
        assert gemmini("compile", SMALL, "-o", out, "--schedule", text).status == 0
        (function,) = json.loads((out / "manifest.json").read_text())["functions"]
        assert "dataflow = os" in function["schedule"]
        assert "tile = [1, 1, 1]" in function["schedule"]


def test_heuristic_option(gemmini: Gemmini, tmp_path: Path) -> None:
    out = tmp_path / "out"
    schedules = {}
    for name in ("default", "library"):
        assert gemmini("compile", SMALL, "-o", out, "--heuristic", name).status == 0
        (function,) = json.loads((out / "manifest.json").read_text())["functions"]
        schedules[name] = function["schedule"]
    assert "lowering = loop_ws" in schedules["library"]
    assert "loop_ws" not in schedules["default"]


def test_pass_pipeline_option(gemmini: Gemmini, tmp_path: Path) -> None:
    out = tmp_path / "out"
    pipeline = 'gemmini-default-pipeline{schedule="tile = [1, 1, 1]"}'
    assert gemmini("compile", SMALL, "-o", out, "--pass-pipeline", pipeline).status == 0
    (function,) = json.loads((out / "manifest.json").read_text())["functions"]
    assert "tile = [1, 1, 1]" in function["schedule"]


BAD_REQUESTS = [
    (["compile"], 2, "Missing argument 'INPUT'"),
    (["compile", SMALL], 2, "Missing option"),
    (["nonsense"], 2, "No such command 'nonsense'"),
    ([], 2, "Missing command"),
    (["compile", "gemm:N=2,K=3"], 2, "shorthand: M must be given, as in gemm:M=100,N=60,K=200"),
    (["compile", "gemm:M=2"], 2, "shorthand: N and K must be given"),
    (["compile", "gemm:M=0,N=2,K=3"], 2, "shorthand: M must be from 1 to 1048576, got 0"),
    (["compile", "gemm:M=1.5,N=2,K=3"], 2, "shorthand: M must be an integer, got '1.5'"),
    (["compile", "gemm:M=1,N=2,K=3,size=4"], 2, "shorthand: unknown key 'size'; keys are M, N"),
    (["compile", "gemm:M=1,M=2,N=2,K=3"], 2, "shorthand: M is given twice"),
    (["compile", "gemm:M=1,N=2,K"], 2, "shorthand: 'K' is not of the form key=value"),
    (["compile", "gemm:M=1,N=2,K=3,bias=col"], 2, "bias must be none or row or full or scalar"),
    (["compile", "gemm:M=1,N=2,K=3,act=gelu"], 2, "act must be none or relu, got 'gelu'"),
    (["compile", "gemm:M=1,N=2,K=3,scale=big"], 2, "scale must be a number, got 'big'"),
    (["compile", "gemm:M=1,N=2,K=3,scale=1e99"], 2, "scale must be finite as a float32"),
    (["compile", "gemm:M=1,N=2,K=3,scale=nan"], 2, "scale must be finite as a float32"),
    (["compile", "gemm:M=1,N=2,K=3,out=i16"], 2, "out must be i8 or i32, got 'i16'"),
    (["compile", "gemm:M=1,N=2,K=3,ta=yes"], 2, "ta must be 0 or 1, got 'yes'"),
    (["compile", "gemm:M=1,N=2,K=3,za=200"], 2, "za must be from -128 to 127, got 200"),
    (["compile", "gemm:M=1,N=2,K=3,out=i32,scale=2"], 2, "scale does not apply to out=i32"),
    (["compile", "gemm:M=1,N=2,K=3,out=i32,act=relu"], 2, "act does not apply to out=i32"),
    (["compile", "gemm:M=1048576,N=2,K=1048576"], 2, "A of 1048576x1048576 has more than"),
    (["compile", "layer.onnx"], 1, "layer.onnx: unknown kind of input; give a file ending in"),
    (["compile", "no.mlir"], 1, "no.mlir: cannot be read: No such file or directory"),
    (["compile", SMALL, "--config", "zcu999"], 1, "unknown configuration 'zcu999'; presets are"),
    (["compile", SMALL, "--config", "no.toml"], 1, "no.toml: cannot read the configuration"),
    (["compile", SMALL, "--emit", "c,nonsense"], 2, "--emit must list some of c, mlir, commands"),
    (["compile", SMALL, "--emit", ","], 2, "got nothing"),
    (["compile", SMALL, "--schedule", "tile = 4"], 2, "--schedule: "),
    (["compile", SMALL, "--schedule", "speed = 4"], 2, "unknown schedule field 'speed'"),
    (["compile", SMALL, "--pass-pipeline", "nope"], 2, "--pass-pipeline: unknown pass 'nope'"),
    (["compile", SMALL, "--pass-pipeline", "cse{"], 2, "--pass-pipeline: 'cse{' is not understo"),
    (["compile", SMALL, "--pass-pipeline", "cse{a=1}"], 2, "--pass-pipeline: pass 'cse': "),
    (["compile", SMALL, "--pass-pipeline", "cse"], 1, "cannot emit 'gemmini.matmul' in @gemm"),
    (["compile", SMALL, "--heuristic", "best"], 2, "'best' is not one of 'default', 'library'"),
    (
        ["compile", SMALL, "--heuristic", "library", "--schedule", "tile = [1, 1, 1]"],
        2,
        "--schedule and --heuristic both choose the schedule; give one",
    ),
    (
        ["compile", SMALL, "--heuristic", "library", "--tuning-log", "shipped"],
        2,
        "--heuristic and --tuning-log both choose the schedule; give one",
    ),
    (
        ["compile", SMALL, "--heuristic", "library", "--pass-pipeline", "cse"],
        2,
        "--heuristic has no effect with --pass-pipeline; give",
    ),
    (["compile", SMALL, "--runs", "0"], 2, "'--runs': Input should be greater"),
    (["compile", SMALL, "--requantization", "good"], 2, "'good' is not one of 'exact', 'fast'"),
]


@pytest.mark.parametrize(("arguments", "status", "message"), BAD_REQUESTS)
def test_wrong_requests(
    gemmini: Gemmini,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    status: int,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    output = ["-o", "out"] if len(arguments) > 1 and arguments != ["compile", SMALL] else []
    result = gemmini(*arguments, *output)
    assert result.status == status
    assert result.err.startswith("gemmini: error: ")
    assert result.err.count("\n") == 1
    assert message in result.err
    assert "Traceback" not in result.err
    assert result.out == ""
    assert os.listdir(tmp_path) == []


BAD_MODULES = {
    "empty": ("", "bad.mlir: the file is empty"),
    "no function": ("builtin.module {}", "the module has no public function to compile"),
    "syntax": ("func.func @f( {", "bad.mlir:1:"),
    "binary": ("\0\1\2", "bad.mlir"),
    "shapes": (MATMUL.replace("6x7", "8x7"), "A and B disagree on K: A has 6, B has 8"),
    "dtype": (MATMUL.replace("xi8", "xi16"), "A must have i8 elements"),
    "dynamic": ("func.func @f(%a: memref<?xi8>) { func.return }", "must have a static shape"),
    "half": ("func.func @f(%a: memref<2xf16>) { func.return }", "f16, which has no C counter"),
    "unknown": ('func.func @f() { "a.b"() : () -> ()\n func.return }', "a.b"),
    "private": ("func.func private @f() { func.return }", "no public function to compile"),
}


@pytest.mark.parametrize("case", BAD_MODULES)
def test_bad_modules(gemmini: Gemmini, tmp_path: Path, case: str) -> None:
    text, message = BAD_MODULES[case]
    (tmp_path / "bad.mlir").write_text(text)
    result = gemmini("compile", tmp_path / "bad.mlir", "-o", tmp_path / "out")
    assert result.status == 1
    assert result.err.startswith("gemmini: error: ")
    assert message in result.err
    assert "Traceback" not in result.err
    assert os.listdir(tmp_path) == ["bad.mlir"]


def test_a_schedule_that_does_not_fit(gemmini: Gemmini, tmp_path: Path) -> None:
    large = "gemm:M=2048,N=2048,K=2048"
    result = gemmini("compile", large, "-o", tmp_path / "out", "--schedule", "tile = [64, 64, 64]")
    assert result.status == 1
    assert "gemmini-assign-schedule" in result.err
    assert os.listdir(tmp_path) == []


def test_output_that_cannot_be_written(gemmini: Gemmini, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    result = gemmini("compile", SMALL, "-o", tmp_path / "file")
    assert (result.status, result.err) == (
        1,
        f"gemmini: error: {tmp_path / 'file'}: exists and is not a directory\n",
    )
    result = gemmini("compile", SMALL, "-o", tmp_path / "file/out")
    assert result.status == 1
    assert result.err == (
        f"gemmini: error: {tmp_path / 'file/out'}: cannot be written: Not a directory\n"
    )
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_unwritable_directory(gemmini: Gemmini, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    result = gemmini("compile", SMALL, "-o", locked / "out")
    assert result.status == 1
    assert result.err == (
        f"gemmini: error: {locked / 'out'}: cannot be written: Permission denied\n"
    )


def test_commands_that_depend_on_data_are_named(gemmini: Gemmini, tmp_path: Path) -> None:
    (tmp_path / "f.mlir").write_text(
        """
      func.func @f(%m: memref<1xi64>) {
        %c0 = arith.constant 0 : index
        %x = memref.load %m[%c0] : memref<1xi64>
        %p = arith.cmpi eq, %x, %x2 : i64
        scf.if %p {
          rocc.fence
        }
        func.return
      }
    """.replace("%x2", "%x")
    )
    source, out = tmp_path / "f.mlir", tmp_path / "out"
    result = gemmini("compile", source, "-o", out, "--emit", "commands", "--pass-pipeline", "cse")
    assert result.status == 1
    assert "depend on data loaded from memory" in result.err
    assert not out.exists()
    result = gemmini("compile", source, "-o", out, "--pass-pipeline", "cse")
    assert result.status == 0
    (function,) = json.loads((out / "manifest.json").read_text())["functions"]
    assert function["instructions"] is None


def test_help_ends_with_an_example(gemmini: Gemmini) -> None:
    for arguments in (["--help"], ["compile", "--help"], ["run", "--help"]):
        result = gemmini(*arguments)
        assert result.status == 0
        assert "Example: gemmini" in result.out
        assert result.out.rstrip().splitlines()[-1].strip() != ""
    assert gemmini("--version").out.startswith("gemmini ")


def test_internal_errors_are_one_line(
    gemmini: Gemmini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError("surprise")

    monkeypatch.setattr("gemmini_xdsl.tools.compile.emit_module", broken)
    result = gemmini("compile", SMALL, "-o", tmp_path / "out")
    assert result.status == 3
    assert result.err.startswith("gemmini: internal error: KeyError: 'surprise'")
    assert result.err.count("\n") == 1
    assert os.listdir(tmp_path) == []


def test_entry_point(tmp_path: Path) -> None:
    program = Path(sys.executable).parent / "gemmini"
    command = [program, "compile", "gemm:M=2,N=2,K=2", "-o", tmp_path / "out"]
    result = subprocess.run(command, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert f"written to {tmp_path / 'out'}" in result.stdout
    result = subprocess.run([program, "run", tmp_path], capture_output=True, text=True)
    assert result.returncode == 1
    assert result.stderr == (
        f"gemmini: error: {tmp_path}: no manifest.json: not made by gemmini compile\n"
    )
