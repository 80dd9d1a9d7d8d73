"""Matrix products as RISC-V machine code on the emulated hart, checked against numpy."""

from __future__ import annotations

import random
import re

import numpy as np
import pytest
from riscv_programs import Linker, execute, needs_clang, needs_gcc

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.tools.compile import Compiled, CompileOptions, compile_module
from gemmini_xdsl.tools.elf_build import build_program, emitted_files
from gemmini_xdsl.tools.elf_compilers import candidates
from gemmini_xdsl.tools.elf_data import generated
from gemmini_xdsl.tools.elf_main import MainOptions
from gemmini_xdsl.tools.elf_project import Platform, ProgramOptions
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.inputs import load_input, make_context
from gemmini_xdsl.tools.run import CompiledDirectory
from gemmini_xdsl.tools.runners.base import RunnerOptions
from gemmini_xdsl.tools.runners.riscv import RiscvRunner

pytestmark = needs_gcc

CASES = 100
GROUPS = 10
SCHEDULES = (None, None, "dataflow = os", "lowering = loop_ws")


def compile_gemm(text: str, schedule: str | None = None) -> Compiled:
    context = make_context()
    source = load_input(text, context)
    options = CompileOptions(schedule=schedule)
    return compile_module(source.module, options, source.name, context=context)


def random_case(rng: random.Random) -> tuple[str, str | None]:
    """A shorthand with all options of matrix products, and a schedule."""
    m, n, k = (rng.choice((1, rng.randint(1, 20), rng.randint(1, 70))) for _ in range(3))
    bias = rng.choice(("none", "row", "full", "scalar"))
    out = rng.choice(("i8", "i8", "i32"))
    act = rng.choice(("none", "relu")) if out == "i8" else "none"
    text = f"gemm:M={m},N={n},K={k},bias={bias},act={act},out={out}"
    if out == "i8":
        text += f",scale={rng.choice((1.0, 0.01, 0.0371, 0.5))}"
        if rng.random() < 0.2:
            text += f",zc={rng.randint(-20, 20)}"
    if rng.random() < 0.2:
        text += f",za={rng.randint(-128, 127)},zb={rng.randint(-128, 127)}"
    return text + f",ta={rng.randint(0, 1)},tb={rng.randint(0, 1)}", rng.choice(SCHEDULES)


def expected_gemm(text: str, values: dict[str, np.ndarray]) -> np.ndarray:
    """The product as the shorthand defines it, straight from numpy."""
    given = dict(item.split("=") for item in text.partition(":")[2].split(","))
    a = values["A"].astype(np.int64) - int(given.get("za", 0))
    b = values["B"].astype(np.int64) - int(given.get("zb", 0))
    total = (a.T if given["ta"] == "1" else a) @ (b.T if given["tb"] == "1" else b)
    total = (total + values.get("bias", np.int64(0))).astype(np.int32)
    if given["out"] == "i32":
        return total
    if given["act"] == "relu":
        total = np.maximum(total, 0)
    scaled = np.rint(total.astype(np.float32) * np.float32(given["scale"])).astype(np.float64)
    low = int(given.get("zc", 0)) if given["act"] == "relu" else -128
    shifted = scaled + int(given.get("zc", 0))
    return np.clip(shifted, max(low, -128), 127).astype(np.int8)


@pytest.fixture(scope="module")
def linker(tmp_path_factory: pytest.TempPathFactory) -> Linker:
    return Linker(tmp_path_factory.mktemp("runtime"), GemminiConfig())


@pytest.mark.parametrize("group", range(GROUPS))
def test_random_products_pass_from_machine_code(linker: Linker, group: int) -> None:
    rng = random.Random(1000 + group)
    done = 0
    while done < CASES // GROUPS:
        text, schedule = random_case(rng)
        try:
            compiled = compile_gemm(text, schedule)
        except GemminiError:
            # Schedules may be illegal for a case, such as both operands transposed in WS.
            if schedule is None:
                raise
            continue
        files = emitted_files(compiled, ["project"], seed=rng.randint(0, 1 << 40))
        sources = {
            name.removeprefix("project/"): text
            for name, text in files.items()
            if re.fullmatch(r"project/gemm(_\w+)?\.[cSh]", name)
        }
        result = execute(linker.link(sources), timing=False)
        assert result.problem is None, f"{text} {schedule}: {result.problem}"
        assert result.console.endswith("PASS\n"), f"{text} {schedule}: {result.console}"
        check_outputs(text, compiled, result.buffers)
        done += 1


def check_outputs(text: str, compiled: Compiled, buffers: dict[str, np.ndarray]) -> None:
    """The program's memory against numpy, independent of the program's own check."""
    values: dict[str, np.ndarray] = {}
    for index, argument in enumerate(compiled.manifest.functions[0].arguments):
        shape = argument.shape
        if shape is None:
            return
        kind = "output" if argument.role == "output" else "input"
        content = buffers[f"gemmini_{kind}_{index}"]
        values[argument.name] = content.view(argument.dtype)[: int(np.prod(shape))].reshape(shape)
    np.testing.assert_array_equal(values["C"], expected_gemm(text, values), err_msg=text)


@needs_clang
@pytest.mark.parametrize("platform", list(Platform))
def test_all_compilers_give_identical_results(tmp_path, platform) -> None:
    compiled = compile_gemm("gemm:M=37,N=50,K=45,bias=row,act=relu,scale=0.013")
    compiled.write(tmp_path / "out")
    directory = CompiledDirectory.open(tmp_path / "out")
    outputs = []
    compilers = [found.compiler for found in candidates() if found.compiler is not None]
    assert {compiler.family for compiler in compilers} >= {"gcc", "clang"}
    for compiler in compilers:
        options = ProgramOptions(platform=platform, main=MainOptions(compare="full"))
        program = build_program(directory, None, options, seed=5, compiler=compiler)
        result = execute(program.elf)
        assert (result.problem, result.status) == (None, 0)
        lines = [line for line in result.console.splitlines() if "cycles" not in line]
        outputs.append((lines, {key: data.tolist() for key, data in result.buffers.items()}))
    assert all(output == outputs[0] for output in outputs)


def test_programs_are_reproducible(tmp_path) -> None:
    compiled = compile_gemm("gemm:M=5,N=6,K=7,scale=0.1")
    first, second = (emitted_files(compiled, ["elf", "project"]) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("schedule", "most"),
    [
        # The array takes a pair of commands every 16 cycles.
        (None, 6),
        ('tile = [8, 4, 4], double_buffer = ["a", "b", "c"]', 6),
    ],
)
def test_a_large_product_needs_few_instructions_for_a_command(tmp_path, schedule, most) -> None:
    compiled = compile_gemm("gemm:M=256,N=256,K=256,scale=0.01", schedule)
    path = tmp_path / "gemm.elf"
    path.write_bytes(emitted_files(compiled, ["elf"])["gemm.elf"])
    outcome = RiscvRunner().run(path, compiled.config, RunnerOptions())
    assert outcome.verdict == "pass"
    assert outcome.figures["instructions_per_command"] <= most
    # The array alone needs 16 cycles for each of the 16^3 tiles.
    assert outcome.cycles is not None
    assert 65536 < outcome.cycles < 80000
    assert outcome.figures["emulation_seconds"] < 20


def test_generated_values_follow_splitmix64() -> None:
    # First outputs of SplitMix64 with seed 0, from its published reference implementation.
    words = [0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4]
    expected = b"".join(word.to_bytes(8, "little") for word in words)
    assert generated(16, "int8", 0).tobytes() == expected
    shifted = [(word >> 32) - (word >> 63 << 32) >> word % 64 % 31 for word in words]
    assert generated(2, "int32", 0).tolist() == shifted
