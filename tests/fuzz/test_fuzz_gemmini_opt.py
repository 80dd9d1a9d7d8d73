"""`gemmini-opt` on damaged modules and options: always one message or a complete result."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from gemmini_xdsl.passes.pipelines import default_pipeline
from gemmini_xdsl.passes.registry import get_all_passes
from gemmini_xdsl.targets.registry import get_all_targets
from gemmini_xdsl.tools.gemmini_opt import main

TESTS = Path(__file__).parents[1]
ROUNDS = int(os.environ.get("GEMMINI_FUZZ_ROUNDS", "1"))
"""How many times as much as usual to do."""

CASES_PER_FILE = 10 * ROUNDS
OPTION_CASES = 300 * ROUNDS
PRODUCT_CASES = 60 * ROUNDS
LEVEL_CASES = 80 * ROUNDS


def corpus() -> list[Path]:
    found = (path.relative_to(TESTS) for path in TESTS.rglob("*.mlir"))
    return sorted(path for path in found if "Output" not in path.parts)


def pipelines() -> list[str]:
    """No passes, each pass, and every beginning of the default pipeline."""
    steps = [step.name for step in default_pipeline()]
    beginnings = [",".join(steps[:count]) for count in range(2, len(steps) + 1)]
    return ["", *get_all_passes(), *beginnings]


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


SIZES = [1, 1, 2, 7, 15, 16, 17, 31, 33, 48, 64, 100, 200, 1000]
SCALES = ["1.0", "0.0123", "0.0123", "0.5", "-0.5", "0.0", "1.0e+30", "0x7FC00000", "0x7F800000"]
ACTIVATIONS = ("activation none", "activation relu")
ALL_BUFFERED = 'double_buffer = ["a", "b", "c"]'
SOME_BUFFERS, ALL_BUFFERS = '["a", "c"]', '["a", "b", "c"]'
CONFIGS = ["default", "zcu102", "lean", "int8_4x4", "int8_8x8", "int8_32x32"]


def random_product(random: Random) -> str:
    """A product with properties and a schedule that are each in range, or nearly so."""
    choose = random.choice
    m, n, k = (choose(SIZES) for _ in range(3))
    properties = [name for name in ("transpose_a", "transpose_b") if choose((True, False))]
    a = f"memref<{k}x{m}xi8>" if "transpose_a" in properties else f"memref<{m}x{k}xi8>"
    b = f"memref<{n}x{k}xi8>" if "transpose_b" in properties else f"memref<{k}x{n}xi8>"
    element = choose(("i8", "i8", "i32"))
    bias = choose((None, "i32", f"memref<{n}xi32>", f"memref<{m}x{n}xi32>"))
    if element == "i8":
        scale = choose(SCALES)
        properties += [f"scale = {scale} : f32", f"activation = #gemmini<{choose(ACTIVATIONS)}>"]
        if random.randrange(3) == 0:
            low, high = sorted(choose((-128, -5, 0, 6, 127)) for _ in range(2))
            properties += [f"clip_min = {low} : i32", f"clip_max = {high} : i32"]
    if random.randrange(3) == 0:
        zero_points = "abc" if element == "i8" else "ab"
        properties.append(f"{choose(zero_points)}_zero_point = {choose((-128, 3, 127))} : i32")
    if random.randrange(3):
        tile = [choose((1, 1, 2, 3, 4, 8, 13, 64, 100000)) for _ in range(3)]
        fields = [
            f"tile = {tile}",
            f'order = "{choose(("mnk", "nmk"))}"',
            f'inner_order = "{choose(("mnk", "knm", "nkm"))}"',
            f"dataflow = {choose(('ws', 'os'))}",
            f"double_buffer = {choose(('[]', SOME_BUFFERS, ALL_BUFFERS))}",
            f"mvin_cols = {choose((0, 4, 16, 32, 64, 80))}",
            f"mvout_cols = {choose((0, 4, 16, 32, 64))}",
            f"placement = {choose(('banked', 'packed'))}",
            f"lowering = {choose(('isa', 'isa', 'loop_ws'))}",
        ]
        chosen = fields[:1] + random.sample(fields[1:], random.randrange(len(fields)))
        properties.append(f"schedule = #gemmini.schedule<{', '.join(chosen)}>")
    c = f"memref<{m}x{n}x{element}>"
    argument = f", %bias: {bias}" if bias else ""
    clause = f" bias(%bias : {bias})" if bias else ""
    return (
        f'module attributes {{gemmini.config = #gemmini.config<"{choose(CONFIGS)}">}} {{\n'
        f"  func.func @f(%a: {a}, %b: {b}{argument}, %c: {c}) {{\n"
        f"    gemmini.matmul ins(%a, %b : {a}, {b}){clause} outs(%c : {c}) "
        f"{{{', '.join(properties)}}}\n    return\n  }}\n}}\n"
    )


def test_random_products(
    mutator: Callable[[str], Any], deadline: float, run_case: Any, tmp_path: Path
) -> None:
    random = mutator("products").random
    module, output = tmp_path / "module.mlir", tmp_path / "output"
    steps = [step.name for step in default_pipeline()]
    accepted = 0
    for _ in range(PRODUCT_CASES):
        if time.monotonic() > deadline:
            break
        text = random_product(random)
        module.write_text(text)
        count = random.choice((random.randrange(len(steps)), len(steps), len(steps)))
        args = [str(module), "-o", str(output), "-p", ",".join(steps[:count])]
        if count == len(steps):
            args += ["-t", random.choice(["mlir", *get_all_targets()])]
        outcome = run_case(main, args, text)
        assert is_complete_or_absent(output, outcome.status), (args, text)
        if outcome.status == 0:
            accepted += 1
            if "-t" not in args or args[-1] == "mlir":
                again = run_case(main, [str(output), "-f", "mlir"], output.read_text())
                assert again.status == 0, (args, text, again.stderr)
                assert again.stdout == output.read_text(), (args, text)
            output.unlink()
    assert accepted >= 5


PRODUCT = """\
func.func @f(%a: memref<40x70xi8>, %b: memref<70x33xi8>, %d: memref<33xi32>,
    %c: memref<40x33xi8>) {{
  gemmini.matmul ins(%a, %b : memref<40x70xi8>, memref<70x33xi8>) bias(%d : memref<33xi32>)
    outs(%c : memref<40x33xi8>) {{scale = 0.5 : f32, a_zero_point = 3 : i32,
    schedule = #gemmini.schedule<tile = [2, 1, 2], {schedule}>}}
  return
}}
"""
SCHEDULES = [ALL_BUFFERED, "dataflow = os", "lowering = loop_ws"]


def test_damaged_levels(
    mutator: Callable[[str], Any], deadline: float, run_case: Any, tmp_path: Path
) -> None:
    """Damage done between two passes meets the rest of the pipeline and a target."""
    damage = mutator("levels")
    module, output = tmp_path / "module.mlir", tmp_path / "output"
    steps = [step.name for step in default_pipeline()]
    levels = []
    for schedule in SCHEDULES:
        module.write_text(PRODUCT.format(schedule=schedule))
        for count in range(len(steps) + 1):
            args = [str(module), "-p", ",".join(steps[:count])]
            outcome = run_case(main, args, module.read_text())
            assert outcome.status == 0, outcome.stderr
            levels.append((outcome.stdout, steps[count:]))
    refused = accepted = 0
    for _ in range(LEVEL_CASES):
        # Making the levels may have taken most of the time.
        if time.monotonic() > deadline and refused >= 5 and accepted >= 3:
            break
        base, rest = damage.random.choice(levels)
        text = damage.change_number(base)
        if damage.random.randrange(2):
            text = damage.damage(base, damage.random.choice(levels)[0])
        module.write_bytes(text.encode("utf-8", "replace"))
        # A damaged loop bound makes a module's command stream as long as it says.
        target = damage.random.choice(["mlir", "gemmini-c"])
        passes = ",".join([*rest, "convert-linalg-to-loops", "lower-affine"])
        args = [str(module), "-o", str(output), "-p", passes, "-t", target]
        outcome = run_case(main, args, text)
        assert is_complete_or_absent(output, outcome.status), (args, text)
        refused += outcome.status
        accepted += 1 - outcome.status
        output.unlink(missing_ok=True)
    assert refused >= 5
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
