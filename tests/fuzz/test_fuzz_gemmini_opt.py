"""`gemmini-opt` on damaged modules and options: always one message or a complete result."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gemmini_xdsl.passes.registry import get_all_passes
from gemmini_xdsl.targets.registry import get_all_targets
from gemmini_xdsl.tools.gemmini_opt import main

TESTS = Path(__file__).parents[1]
CASES_PER_FILE = 12
OPTION_CASES = 400


def corpus() -> list[Path]:
    found = (path.relative_to(TESTS) for path in TESTS.rglob("*.mlir"))
    return sorted(path for path in found if "Output" not in path.parts)


def pipelines() -> list[str]:
    """No passes, each pass, all passes in order, and all followed by the usual clean-up."""
    names = list(get_all_passes())
    return ["", *names, ",".join(names), ",".join([*names, "canonicalize", "cse"])]


def is_complete_or_absent(path: Path, status: int) -> bool:
    return path.exists() == (status == 0) and not list(path.parent.glob(f".{path.name}*"))


def test_damaged_modules(
    mutator: Callable[[str], Any], deadline: float, run_case: Any, tmp_path: Path
) -> None:
    files = corpus()
    texts = {path: (TESTS / path).read_text() for path in files}
    choices, targets = pipelines(), ["mlir", *get_all_targets()]
    module, output = tmp_path / "module.mlir", tmp_path / "output"
    mutators = {path: mutator(str(path)) for path in files}
    refused = accepted = 0
    for _ in range(CASES_PER_FILE):
        for path, damage in mutators.items():
            if time.monotonic() > deadline:
                break
            chunks = texts[path].split("// -----")
            text = damage.damage(damage.random.choice(chunks), damage.random.choice(chunks))
            module.write_bytes(text.encode("utf-8", "replace"))
            target = "mlir"
            args = [str(module), "-o", str(output), "-p", damage.random.choice(choices)]
            if damage.random.randrange(4) == 0:
                target = damage.random.choice(targets)
                args += ["-t", target]
            outcome = run_case(main, args, text)
            assert outcome.stdout == "", (args, text)
            assert is_complete_or_absent(output, outcome.status), (args, text)
            if outcome.status == 0:
                accepted += 1
                if target == "mlir":
                    again = run_case(main, [str(output), "-f", "mlir"], output.read_text())
                    assert again.status == 0, (args, text, again.stderr)
                    assert again.stdout == output.read_text(), (args, text)
                output.unlink()
            else:
                refused += 1
    # Damage that never matters, or always, would test nothing.
    assert refused >= 10
    assert accepted >= 3


def test_damaged_bytes(
    mutator: Callable[[str], Any], deadline: float, run_case: Any, tmp_path: Path
) -> None:
    module = tmp_path / "module.mlir"
    damage = mutator("bytes")
    files = corpus()
    for _ in range(100):
        if time.monotonic() > deadline:
            break
        data = bytearray((TESTS / damage.random.choice(files)).read_bytes()[:4000])
        for _ in range(damage.random.randrange(1, 20)):
            data[damage.random.randrange(len(data))] = damage.random.randrange(256)
        module.write_bytes(data)
        outcome = run_case(main, [str(module), "--split-input-file"], repr(bytes(data)))
        assert outcome.status == 0 or outcome.stdout == ""


def test_damaged_options(
    mutator: Callable[[str], Any],
    deadline: float,
    run_case: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    module = tmp_path / "module.mlir"
    module.write_text("func.func @f() {\n  return\n}\n")
    damage = mutator("options")
    names = [*get_all_passes(), "canonicalize", "cse", "scf-for-loop-unroll", "mlir-opt"]
    values = ["1", "true", '"a b"', "ws", "4,4,4", "zcu102", "", "-1", "1e5", "é", "99999999999"]
    flags = ["--verify-diagnostics", "--split-input-file", "--print-op-generic", "-p", "-t", "-o"]
    flags += ["--allow-unregistered-dialect", "--bogus", "-f", "--", "-", "nothing.mlir", "."]
    for _ in range(OPTION_CASES):
        if time.monotonic() > deadline:
            break
        choose = damage.random.choice
        pipeline = ",".join(
            f"{choose(names)}{{{choose(['tile', 'config', 'x', 'order'])}={choose(values)}}}"
            if damage.random.randrange(2)
            else choose(names)
            for _ in range(damage.random.randrange(1, 4))
        )
        if damage.random.randrange(3):
            pipeline = damage.damage(pipeline, pipeline).replace("\0", "")
        target = choose(["mlir", *get_all_targets()])
        if damage.random.randrange(2):
            target = damage.damage(target + "{a=b}", pipeline).replace("\0", "")
        args = [str(module), f"-p{pipeline}", f"-t{target}"]
        if damage.random.randrange(3) == 0:
            args.insert(damage.random.randrange(len(args) + 1), choose(flags))
        outcome = run_case(main, args, "")
        assert outcome.status == 0 or outcome.stdout == ""
        for leftover in tmp_path.iterdir():
            if leftover != module:
                assert outcome.status == 0, (args, leftover)
                leftover.unlink()


def test_as_a_program(mutator: Callable[[str], Any], tmp_path: Path) -> None:
    """The same in a process of its own, where nothing can be caught on the way out."""
    damage = mutator("program")
    text = (TESTS / "dialects/gemmini/matmul.mlir").read_text()
    program = Path(sys.executable).parent / "gemmini-opt"
    for _ in range(8):
        damaged = damage.damage(text, text).encode("utf-8", "replace")
        done = subprocess.run(
            [program, "-", "-p", "canonicalize"],
            input=damaged,
            capture_output=True,
            timeout=60,
            cwd=tmp_path,
            env={**os.environ, "GEMMINI_DEBUG": ""},
        )
        assert done.returncode in (0, 1), (damaged, done.stderr)
        assert b"Traceback" not in done.stderr, damaged
        assert (done.stdout == b"") == (done.returncode == 1), damaged
    assert list(tmp_path.iterdir()) == []
