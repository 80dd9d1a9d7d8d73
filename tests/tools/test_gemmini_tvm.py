"""TVM functions through `gemmini compile`, `gemmini run` and the Python API."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gemmini_xdsl.tools.api import GemminiError, compile_module, run

tvm = pytest.importorskip("tvm")

Gemmini = Callable[..., Any]

SCRIPT = """
from tvm.script import tirx as T

@T.prim_func(s_tir=True)
def main(A: T.Buffer((20, 30), "int8"), B: T.Buffer((30, 10), "int8"),
         C: T.Buffer((20, 10), "int32")):
    for i, j, k in T.grid(20, 10, 30):
        with T.sblock("product"):
            vi, vj, vk = T.axis.remap("SSR", [i, j, k])
            with T.init():
                C[vi, vj] = 0
            C[vi, vj] = C[vi, vj] + T.Cast("int32", A[vi, vk]) * T.Cast("int32", B[vk, vj])
"""


def product() -> Any:
    from tvm import te

    a = te.placeholder((20, 30), "int8", name="A")
    b = te.placeholder((30, 10), "int8", name="B")
    k = te.reduce_axis((0, 30), name="k")
    c = te.compute(
        (20, 10),
        lambda i, j: te.sum(a[i, k].astype("int32") * b[k, j].astype("int32"), axis=k),
        name="C",
    )
    return te.create_prim_func([a, b, c])


def check_directory(gemmini: Gemmini, directory: Path, name: str) -> None:
    (function,) = json.loads((directory / "manifest.json").read_text())["functions"]
    assert function["name"] == name
    assert [(a["name"], a["role"], a["shape"]) for a in function["arguments"]] == [
        ("A", "input", [20, 30]),
        ("B", "input", [30, 10]),
        ("C", "output", [20, 10]),
    ]
    # 20x10x30 on a 16x16 array: 2 * 1 * 2 products.
    assert function["instructions"]["preload"] == 4
    result = gemmini("run", directory, "--check", "--json")
    assert json.loads(result.out)["check"] == "pass"


def test_tvmscript_file(gemmini: Gemmini, tmp_path: Path) -> None:
    (tmp_path / "layer.py").write_text(SCRIPT)
    result = gemmini("compile", tmp_path / "layer.py", "-o", tmp_path / "out")
    assert result.status == 0, result.err
    check_directory(gemmini, tmp_path / "out", "layer")


def test_json_file(gemmini: Gemmini, tmp_path: Path) -> None:
    (tmp_path / "layer.json").write_text(tvm.ir.save_json(product()))
    result = gemmini("compile", tmp_path / "layer.json", "-o", tmp_path / "out")
    assert result.status == 0, result.err
    check_directory(gemmini, tmp_path / "out", "layer")


def test_prim_func_by_the_api() -> None:
    function = product()
    rng = np.random.default_rng(0)
    a = rng.integers(-128, 128, (20, 30)).astype(np.int8)
    b = rng.integers(-128, 128, (30, 10)).astype(np.int8)
    result = run(compile_module(function, name="layer"), {"A": a, "B": b}, check=True)
    assert (result.function, result.check) == ("layer", "pass")
    expected = tvm.runtime.tensor(np.zeros((20, 10), np.int32))
    tvm.compile(function, target="llvm")(tvm.runtime.tensor(a), tvm.runtime.tensor(b), expected)
    np.testing.assert_array_equal(result.outputs["C"], expected.numpy())


def test_what_is_not_a_function_is_refused() -> None:
    with pytest.raises(GemminiError, match="expected a PrimFunc or an IRModule, got int"):
        compile_module(3)


BAD_FILES = {
    "code.py": (SCRIPT + "\n__import__('os').system('touch owned')\n", "code.py"),
    "loop.py": (SCRIPT.replace("T.grid(20, 10, 30)", "T.grid(open('owned', 'w'), 1, 1)"), "loop"),
    "syntax.py": ("def (", "syntax.py"),
    "empty.py": ("", "empty.py: the file is empty"),
    "dtype.py": (SCRIPT.replace('"int8"', '"float16"'), "float16"),
    "broken.json": ("{", "broken.json"),
    "other.json": ('{"a": 1}', "other.json"),
    "missing.py": (None, "missing.py: cannot be read: No such file or directory"),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(
    gemmini: Gemmini, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    text, message = BAD_FILES[name]
    if text is not None:
        (tmp_path / name).write_text(text)
    result = gemmini("compile", name, "-o", "out")
    assert result.status == 1
    assert result.err.startswith("gemmini: error: ")
    assert message in result.err
    assert "Traceback" not in result.err
    assert os.listdir(tmp_path) == ([name] if text is not None else [])


def test_examples_run(capfd: pytest.CaptureFixture[str]) -> None:
    import runpy

    examples = Path(__file__).parents[2] / "examples"
    with pytest.raises(SystemExit) as status:
        runpy.run_path(str(examples / "dense.py"), run_name="__main__")
    assert status.value.code == 0
    assert capfd.readouterr().out.rstrip().endswith("bit-exact")
    runpy.run_path(str(examples / "gemm.py"))
    assert capfd.readouterr().out.startswith("pass 400 ")
