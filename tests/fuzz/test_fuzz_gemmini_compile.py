"""`gemmini compile` on damaged inputs and options: one message, or a complete directory."""

import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gemmini_xdsl.tools.gemmini import main

ROUNDS = int(os.environ.get("GEMMINI_FUZZ_ROUNDS", "1"))
SHORTHAND_CASES, MLIR_CASES, SCRIPT_CASES, JSON_CASES, OPTION_CASES = (
    count * ROUNDS for count in (80, 60, 60, 40, 60)
)
REFUSALS = (1, 2)

PRODUCT = """\
func.func @f(%a: memref<40x70xi8>, %b: memref<70x33xi8>, %d: memref<33xi32>,
    %c: memref<40x33xi8>) {
  gemmini.matmul ins(%a, %b : memref<40x70xi8>, memref<70x33xi8>) bias(%d : memref<33xi32>)
    outs(%c : memref<40x33xi8>) {scale = 0.5 : f32, a_zero_point = 3 : i32}
  return
}
"""
LOOPS = """\
func.func @g(%a: memref<40x70xi8>, %b: memref<40x70xi32>) {
  %zero = arith.constant 0 : index
  %one = arith.constant 1 : index
  %rows = arith.constant 40 : index
  scf.for %i = %zero to %rows step %one {
    %x = memref.load %a[%i, %zero] : memref<40x70xi8>
    %y = arith.extsi %x : i8 to i32
    %z = arith.muli %y, %y : i32
    memref.store %z, %b[%i, %one] : memref<40x70xi32>
  }
  return
}
"""

CheckCase = Callable[[list[str], str], int]


@pytest.fixture
def check_case(run_case: Any, tmp_path: Path) -> CheckCase:
    """Compiles into a directory that is there, and whole, only on success; gives the status."""
    output = tmp_path / "parent" / "output"
    output.parent.mkdir()

    def check(args: list[str], case: str) -> int:
        outcome = run_case(main, ["compile", *args, "-o", str(output)], case, refusals=REFUSALS)
        status: int = outcome.status
        left = [path.name for path in output.parent.iterdir()]
        if status == 0:
            assert left == ["output"], (args, case, left)
            manifest = json.loads((output / "manifest.json").read_text())
            assert manifest["config"]["digest"], (args, case)
            for path in sorted(output.rglob("*"), reverse=True):
                path.rmdir() if path.is_dir() else path.unlink()
            output.rmdir()
        else:
            assert left == [], (args, case, left)
            assert outcome.stdout == "", (args, case)
            assert outcome.stderr.startswith("gemmini: error: "), (args, case, outcome.stderr)
        return status

    return check


def test_damaged_shorthand(
    mutator: Callable[[str], Any], deadline: float, check_case: CheckCase
) -> None:
    damage = mutator("shorthand")
    text = "gemm:M=10,N=6,K=20,bias=row,act=relu,scale=0.5,out=i8,ta=0,tb=1"
    statuses = []
    for _ in range(SHORTHAND_CASES):
        if time.monotonic() > deadline:
            break
        damaged = damage.change_number(text)
        if damage.random.randrange(2):
            damaged = damage.damage(
                text, "za=3,zb=-128,zc=1,bias=full,bias=scalar,act=none,out=i32"
            )
        damaged = "gemm:" + damaged.removeprefix("gemm:").replace("\0", "")
        statuses.append(check_case([damaged], damaged))
    assert statuses.count(0) >= 3
    assert len(statuses) - statuses.count(0) >= 10


def test_damaged_modules(
    mutator: Callable[[str], Any], deadline: float, check_case: CheckCase, tmp_path: Path
) -> None:
    damage = mutator("modules")
    path = tmp_path / "module.mlir"
    statuses = []
    for index in range(MLIR_CASES):
        if time.monotonic() > deadline:
            break
        text = (PRODUCT, LOOPS)[index % 2]
        damaged = damage.change_number(text)
        if damage.random.randrange(2):
            damaged = damage.damage(text, PRODUCT + LOOPS)
        path.write_bytes(damaged.encode("utf-8", "replace"))
        statuses.append(check_case([str(path)], damaged))
    assert statuses.count(0) >= 3
    assert statuses.count(1) >= 10


def test_damaged_options(
    mutator: Callable[[str], Any], deadline: float, check_case: CheckCase, tmp_path: Path
) -> None:
    damage = mutator("options")
    config = tmp_path / "mine.toml"
    toml = (
        'name = "mine"\nmesh_rows = 8\nmesh_columns = 8\nscratchpad_kib = 128\nhas_loop_ws = true\n'
    )
    schedule = 'tile = [4, 4, 4], order = "mnk", dataflow = ws, double_buffer = ["a", "b"]'
    pipeline = "gemmini-default-pipeline{config=lean strict-rounding=true},canonicalize,cse"
    for index in range(OPTION_CASES):
        if time.monotonic() > deadline:
            break
        args = ["gemm:M=40,N=33,K=70,bias=row,out=i32"]
        match index % 4:
            case 0:
                case = damage.damage(toml, toml)
                config.write_bytes(case.encode("utf-8", "replace"))
                args += ["--config", str(config)]
            case 1:
                case = damage.damage(schedule, schedule)
                args += ["--schedule", case]
            case 2:
                case = damage.damage(pipeline, pipeline)
                args += ["--pass-pipeline", case]
            case _:
                case = damage.damage("--emit=c,mlir,commands", "--name=x --json --requantization")
                args += [case]
        check_case(args, case)


@pytest.fixture(scope="module")
def tvm_sources() -> dict[str, str]:
    """A product with bias and requantisation, as TVMScript and as JSON."""
    tvm = pytest.importorskip("tvm")
    te, tirx = tvm.te, tvm.tirx
    a, b = te.placeholder((20, 30), "int8", "A"), te.placeholder((10, 30), "int8", "B")
    d = te.placeholder((10,), "int32", "D")
    k = te.reduce_axis((0, 30), "k")
    c = te.compute(
        (20, 10),
        lambda i, j: te.sum(a[i, k].astype("int32") * b[j, k].astype("int32"), axis=k),
        "C",
    )

    def requantise(i: Any, j: Any) -> Any:
        scaled = (c[i, j] + d[j]).astype("float32") * tirx.const(0.0123, "float32")
        clipped = tirx.max(tirx.min(tirx.nearbyint(scaled), 127.0), -128.0)
        return clipped.astype("int8")

    function = te.create_prim_func([a, b, d, te.compute((20, 10), requantise, "E")])
    return {".py": function.script(), ".json": tvm.ir.save_json(function)}


@pytest.mark.parametrize(("suffix", "cases"), [(".py", SCRIPT_CASES), (".json", JSON_CASES)])
def test_damaged_tvm_files(
    mutator: Callable[[str], Any],
    deadline: float,
    check_case: CheckCase,
    tmp_path: Path,
    tvm_sources: dict[str, str],
    suffix: str,
    cases: int,
) -> None:
    damage = mutator(suffix)
    text, path = tvm_sources[suffix], tmp_path / f"operator{suffix}"
    path.write_text(text)
    assert check_case([str(path)], text) == 0
    statuses = []
    for _ in range(cases):
        if time.monotonic() > deadline:
            break
        damaged = damage.change_number(text)
        if damage.random.randrange(2):
            damaged = damage.damage(text, text)
        path.write_bytes(damaged.encode("utf-8", "replace"))
        statuses.append(check_case([str(path)], damaged))
    assert len(statuses) - statuses.count(0) >= 5
