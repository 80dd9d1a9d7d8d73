"""Loading of TVMScript and JSON files: what is let through, and one clear message for the rest."""

from __future__ import annotations

import contextlib
import random
import re
from pathlib import Path
from typing import Any

import pytest

from gemmini_xdsl.tvm_bridge.errors import TvmBridgeError, TvmFileError
from gemmini_xdsl.tvm_bridge.load_file import load_tvm_file
from gemmini_xdsl.tvm_bridge.script_check import check_script

SCRIPT = '''"""A product."""
import tvm
from tvm.script import tirx as T


@T.prim_func(s_tir=True)
def gemm(A: T.Buffer((4, 8), "int8"), B: T.Buffer((8, 6), "int8"), C: T.Buffer((4, 6), "int32")):
    T.func_attr({"tirx.noalias": True})
    for i, j, k in T.grid(4, 6, 8):
        with T.sblock("C"):
            vi, vj, vk = T.axis.remap("SSR", [i, j, k])
            T.reads(A[vi, vk], B[vk, vj])
            T.writes(C[vi, vj])
            with T.init():
                C[vi, vj] = 0
            C[vi, vj] = C[vi, vj] + T.Cast("int32", A[vi, vk]) * T.Cast("int32", B[vk, vj])
'''

FUNCTION = """@T.prim_func(s_tir=True)
def f(A: T.Buffer((4,), "int8")):
    {}
"""


def refusal(text: str) -> str:
    with pytest.raises(TvmFileError) as error:
        check_script(text, "x.py")
    return str(error.value)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("print(1)", "call of 'print' is not allowed (only names of T, I, R can be called)"),
        ("open('x')", "call of 'open' is not allowed (only names of T, I, R can be called)"),
        (
            "for i in T.serial(exec('import os')):\n        T.evaluate(i)",
            "call of 'exec' is not allowed (only names of T, I, R can be called)",
        ),
        (
            "A.__class__.__base__.__subclasses__()",
            "call of 'A.__class__.__base__.__subclasses__' is not allowed (only names of T, I, R "
            "can be called)",
        ),
        ("x = A.__class__", "the attribute '__class__' is not allowed"),
        ("x = A._data", "the attribute '_data' is not allowed"),
        ("x = __builtins__", "the name '__builtins__' is not allowed"),
        ("__x = 1", "the name '__x' is not allowed"),
        ("x = T.builder", "'T.builder' is not a supported name"),
        ("T.builder.sys.exit(1)", "'T.builder.sys.exit' is not a supported name"),
        ("T.import_module('os')", "'T.import_module' is not a supported name"),
        ("x = T", "'T' must not be used as a value"),
        ("T = 1", "'T' must not be redefined"),
        ("range = 1", "'range' must not be redefined"),
        ("cls = A", "'cls' must stand for the module"),
        ("x = lambda: 1", "a lambda is not allowed"),
        ("x = [i for i in A]", "a comprehension is not allowed"),
        ("x = {i: i for i in A}", "a comprehension is not allowed"),
        ("T.evaluate(sum(i for i in A))", "call of 'sum' is not allowed (only names of T, I, R "
         "can be called)"),
        ("x = f'{A}'", "an f-string is not allowed"),
        ("x = (y := 1)", "an assignment expression (:=) is not allowed"),
        ("T.grid(*A)", "an unpacking (*) is not allowed"),
        ("T.grid(**A)", "an unpacking (**) is not allowed"),
        ("x = 9 ** 9 ** 9", "a power (**) is not allowed"),
        ("x = 1 << 99999999", "a shift (<<) is not allowed"),
        ("x = 'a' * 99999999", "arithmetic on strings and lists is not allowed"),
        ("x = [0] * 99999999", "arithmetic on strings and lists is not allowed"),
        ("import os", "an import inside a function is not allowed"),
        ("from os import system", "an import inside a function is not allowed"),
        ("def g():\n        pass", "a nested function is not allowed"),
        ("class g:\n        pass", "a nested class is not allowed"),
        ("del A", "del is not allowed"),
        ("raise A", "raise is not allowed"),
        ("assert A", "assert is not allowed"),
        ("global A", "global is not allowed"),
        ("try:\n        pass\n    finally:\n        pass", "try is not allowed"),
        ("yield A", "yield is not allowed"),
        ("A += 1", "an augmented assignment is not allowed"),
        ("A.format(1)", "call of 'A.format' is not allowed (only names of T, I, R can be called)"),
        ("for i in range(n=1):\n        pass", "call of 'range' is not allowed (only names of T, "
         "I, R can be called)"),
    ],
)  # fmt: skip
def test_bodies_that_could_run_code(body: str, message: str) -> None:
    assert refusal(FUNCTION.format(body)) == f"x.py:3: {message}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("import os\n" + SCRIPT, "x.py:1: import of 'os' is not allowed"),
        (
            "from os import system\n" + SCRIPT,
            "x.py:1: import of 'system' from 'os' is not allowed (only tirx, ir, relax from "
            "tvm.script)",
        ),
        (
            "from . import tirx\n" + SCRIPT,
            "x.py:1: import of 'tirx' from '.' is not allowed (only tirx, ir, relax from "
            "tvm.script)",
        ),
        (
            "print(1)\n" + SCRIPT,
            "x.py:1: only imports from tvm.script and decorated definitions are allowed at the "
            "top level, not Expr syntax",
        ),
        (
            "x = 1\n" + SCRIPT,
            "x.py:1: only imports from tvm.script and decorated definitions are allowed at the "
            "top level, not Assign syntax",
        ),
        (
            "",
            "x.py: expected one @T.prim_func, @R.function or @I.ir_module, found 0; put several "
            "functions into one @I.ir_module class",
        ),
        (
            FUNCTION.format("pass") + FUNCTION.format("pass"),
            "x.py: expected one @T.prim_func, @R.function or @I.ir_module, found 2; put several "
            "functions into one @I.ir_module class",
        ),
        (
            "def f(A: T.Buffer((4,), 'int8')):\n    pass\n",
            "x.py:1: 'f' needs exactly one decorator (T.prim_func or R.function)",
        ),
        (
            "@staticmethod\ndef f(A: T.Buffer((4,), 'int8')):\n    pass\n",
            "x.py:1: decorator 'staticmethod' of 'f' is not allowed (only T.prim_func or "
            "R.function)",
        ),
        (
            "@T.prim_func(s_tir=A)\ndef f(A: T.Buffer((4,), 'int8')):\n    pass\n",
            "x.py:1: arguments of a decorator must be constants",
        ),
        (
            "@T.prim_func\ndef f(A: T.Buffer((4,), 'int8') = 1):\n    pass\n",
            "x.py:2: default arguments are not allowed",
        ),
        (
            "@T.prim_func\ndef f(*A: T.Buffer((4,), 'int8')):\n    pass\n",
            "x.py:2: only plain arguments are allowed",
        ),
        ("@T.prim_func\ndef f(A):\n    pass\n", "x.py:2: argument 'A' has no type"),
        (
            "@T.prim_func\ndef f(A: exit()):\n    pass\n",
            "x.py:2: call of 'exit' is not allowed (only names of T, I, R can be called)",
        ),
        (
            "@I.ir_module\nclass M(object):\n    pass\n",
            "x.py:2: class 'M' has base classes",
        ),
        (
            "@I.ir_module\nclass M:\n    x = 1\n",
            "x.py:3: Assign syntax is not allowed in an I.ir_module",
        ),
        (
            "async def f():\n    pass\n",
            "x.py:1: only imports from tvm.script and decorated definitions are allowed at the "
            "top level, not an async function",
        ),
        ("def f(:\n", "x.py:1: not Python syntax: invalid syntax"),
    ],
)
def test_files_that_could_run_code(text: str, message: str) -> None:
    assert refusal(text) == message


def test_deep_nesting_is_refused() -> None:
    text = FUNCTION.format("x = " + "(" * 5000 + "1" + ")" * 5000)
    assert refusal(text).startswith("x.py:")
    text = FUNCTION.format("x = " + "-" * 20000 + "1")
    assert refusal(text).startswith("x.py:")


def test_script_is_loaded(tmp_path: Path, bridge: Any) -> None:
    pytest.importorskip("tvm")
    path = tmp_path / "gemm.py"
    path.write_text(SCRIPT)
    function = load_tvm_file(path)
    lowered = bridge.check_against_tvm(function, range(1))
    assert len(bridge.matmuls(lowered)) == 1


def test_printed_functions_are_loaded(tmp_path: Path) -> None:
    tvm = pytest.importorskip("tvm")
    import tvm_ffi

    path = tmp_path / "gemm.py"
    path.write_text(SCRIPT)
    function = load_tvm_file(path)
    path.write_text(function.script())
    assert tvm_ffi.structural_equal(load_tvm_file(path), function)
    module = tvm.IRModule({"gemm": function})
    path.write_text(module.script())
    assert tvm_ffi.structural_equal(load_tvm_file(path)["gemm"], function)
    path = tmp_path / "gemm.json"
    path.write_text(tvm.ir.save_json(function))
    assert tvm_ffi.structural_equal(load_tvm_file(path), function)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("x.txt", "x", "expected a TVMScript file (.py) or TVM's JSON (.json)"),
        ("x.py", " \n", "the file is empty"),
        ("x.json", "", "the file is empty"),
        ("x.py", b"\xff\xfe", "not UTF-8 text"),
        ("x.json", "{", "not JSON: Expecting property name enclosed in double quotes: "
         "line 1 column 2 (char 1)"),
        ("x.json", "[]", "not JSON written by tvm.ir.save_json (no 'nodes' and 'root_index')"),
        ("x.json", '{"root_index": 1, "nodes": [{"type": "None"}]}', "root_index 1 is not a node"),
        ("x.json", '{"root_index": 0, "nodes": [3]}', "node 0 has no type"),
        ("x.json", '{"root_index": 0, "nodes": [{"type": "int", "data": 3}]}',
         "holds a int, not a PrimFunc, a Relax function or an IRModule"),
        ("x.json", '{"root_index": 0, "nodes": [{"type": "None"}]}',
         "holds a NoneType, not a PrimFunc, a Relax function or an IRModule"),
    ],
)  # fmt: skip
def test_wrong_files(tmp_path: Path, name: str, content: Any, message: str) -> None:
    pytest.importorskip("tvm")
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(TvmFileError) as error:
        load_tvm_file(path)
    assert str(error.value) == f"{path}: {message}"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("B[vk, vj])\n            T.writes", "E[vk, vj])\n            T.writes",
         "12: TVM rejects the script: Undefined variable: E"),
        ("C[vi, vj] = 0", "C[vi, vj, 3] = 0", "15: TVM rejects the script: "),
    ],
)  # fmt: skip
def test_scripts_that_tvm_rejects(tmp_path: Path, old: str, new: str, message: str) -> None:
    pytest.importorskip("tvm")
    path = tmp_path / "x.py"
    assert old in SCRIPT
    path.write_text(SCRIPT.replace(old, new))
    with pytest.raises(TvmFileError) as error:
        load_tvm_file(path)
    assert str(error.value).startswith(f"{path}:{message}")
    assert len(str(error.value).splitlines()) == 1


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(TvmFileError) as error:
        load_tvm_file(tmp_path / "x.py")
    assert str(error.value) == f"{tmp_path / 'x.py'}: cannot be read: No such file or directory"


TOKEN = re.compile(r"\w+|\s+|.")
WORDS = "T I R A 0 -1 99999999999999999999 'int8' 'int33' None ( ) [ ] : , . = * / % T.Cast T.grid"


def damaged(generator: random.Random, text: str) -> str:
    tokens = TOKEN.findall(text)
    for _ in range(generator.randint(1, 3)):
        place = generator.randrange(len(tokens))
        match generator.randrange(4):
            case 0:
                del tokens[place]
            case 1:
                tokens[place] = generator.choice(WORDS.split())
            case 2:
                tokens.insert(place, generator.choice(tokens))
            case _:
                other = generator.randrange(len(tokens))
                tokens[place], tokens[other] = tokens[other], tokens[place]
    return "".join(tokens)


def test_damaged_scripts_give_typed_errors(tmp_path: Path) -> None:
    pytest.importorskip("tvm")
    from gemmini_xdsl.tvm_bridge.import_tir import import_tir

    generator = random.Random(7)
    refused = 0
    path = tmp_path / "x.py"
    for _ in range(150):
        path.write_text(damaged(generator, SCRIPT))
        try:
            import_tir(load_tvm_file(path))
        except TvmBridgeError:
            refused += 1
    assert refused > 50


def test_damaged_json_gives_typed_errors(tmp_path: Path) -> None:
    tvm = pytest.importorskip("tvm")
    from gemmini_xdsl.tvm_bridge.import_tir import import_tir

    path = tmp_path / "x.py"
    path.write_text(SCRIPT)
    text = tvm.ir.save_json(load_tvm_file(path))
    generator = random.Random(7)
    path = tmp_path / "x.json"
    for _ in range(100):
        path.write_text(damaged(generator, text))
        with contextlib.suppress(TvmBridgeError):
            import_tir(load_tvm_file(path))
