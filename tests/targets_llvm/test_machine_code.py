"""Objects of the LLVM path against the C path: the same programs, commands and results."""

from __future__ import annotations

import random
import re
import subprocess
from pathlib import Path

import pytest
from riscv_programs import Linker, execute, needs_gcc
from test_riscv_gemm import check_outputs, compile_gemm, random_case

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.targets.llvm_machine_code import emit_assembly, emit_object
from gemmini_xdsl.tools.compile import Compiled
from gemmini_xdsl.tools.elf_build import emitted_files
from gemmini_xdsl.tools.errors import GemminiError

pytestmark = [needs_gcc, pytest.mark.usefixtures("machine_code")]

CASES = 40
GROUPS = 4
ROCC = re.compile(r"^\s*[0-9a-f]+:\s+([0-9a-f]{8})\s", re.MULTILINE)


@pytest.fixture(scope="module")
def linker(tmp_path_factory: pytest.TempPathFactory) -> Linker:
    return Linker(tmp_path_factory.mktemp("runtime"), GemminiConfig())


def random_products(seed: int, count: int) -> list[tuple[str, Compiled]]:
    rng = random.Random(seed)
    found: list[tuple[str, Compiled]] = []
    while len(found) < count:
        text, schedule = random_case(rng)
        try:
            found.append((f"{text} {schedule}", compile_gemm(text, schedule)))
        except GemminiError:
            # Schedules may be illegal for a case, such as both operands transposed in WS.
            if schedule is None:
                raise
    return found


def program(compiled: Compiled, seed: int) -> dict[str, str]:
    """The sources of a program, C kernel included."""
    files = emitted_files(compiled, ("project",), seed=seed)
    return {
        name.removeprefix("project/"): text
        for name, text in files.items()
        if isinstance(text, str) and re.fullmatch(r"project/gemm(_\w+)?\.[cSh]", name)
    }


def link_object(linker: Linker, sources: dict[str, str], code: bytes) -> bytes:
    """The program with an object in place of the kernel's C file."""
    (linker.folder / "kernel.o").write_bytes(code)
    others = {name: text for name, text in sources.items() if name != "gemm.c"}
    objects = linker.objects
    linker.objects = ["kernel.o", *objects]
    try:
        return linker.link(others)
    finally:
        linker.objects = objects


@pytest.mark.parametrize("group", range(GROUPS))
def test_objects_compute_what_the_c_path_computes(linker: Linker, group: int) -> None:
    for index, (text, compiled) in enumerate(random_products(4000 + group, CASES // GROUPS)):
        sources = program(compiled, seed=index)
        result = execute(link_object(linker, sources, emit_object(compiled.module)), timing=False)
        assert result.problem is None, f"{text}: {result.problem}"
        assert result.console.endswith("PASS\n"), f"{text}: {result.console}"
        check_outputs(text.split()[0], compiled, result.buffers)


def test_both_paths_issue_the_same_commands(linker: Linker, tmp_path: Path) -> None:
    from gemmini_xdsl.tools.elf_file import parse_elf
    from gemmini_xdsl.tools.runners.hart import Hart

    text = "gemm:M=50,N=70,K=40,bias=row,act=relu,scale=0.01,out=i8"
    compiled = compile_gemm(text)
    sources = program(compiled, seed=3)
    streams = []
    for elf in (linker.link(sources), link_object(linker, sources, emit_object(compiled.module))):
        parsed = parse_elf(elf, "test.elf")
        hart = Hart(parsed, GemminiConfig(), timing=False)
        hart.accelerator.recorded = []
        assert hart.run(20).status == 0
        streams.append(relative(hart.accelerator.recorded, parsed.symbols))
    assert streams[0] == streams[1]
    (function,) = compiled.manifest.functions
    assert function.instructions is not None
    assert len(streams[0]) == sum(function.instructions.values())


def relative(commands, symbols) -> list[object]:  # type: ignore[no-untyped-def]
    """Commands with addresses of the program's buffers as buffer and offset."""
    buffers = [item for item in symbols if item.name.startswith("gemmini_") and item.size]

    def place(value: int) -> object:
        for item in buffers:
            if item.address <= value < item.address + item.size:
                return item.name, value - item.address
        return value

    return [
        None if item is None else (item[0], place(item[1]), place(item[2])) for item in commands
    ]


@pytest.mark.parametrize("preset", ["default", "int8_8x8"])
def test_object_and_assembly_are_one_program(preset: str, binutils: str, tmp_path: Path) -> None:
    from gemmini_xdsl.tools.compile import CompileOptions, compile_module
    from gemmini_xdsl.tools.inputs import load_input, make_context

    context = make_context()
    source = load_input("gemm:M=30,N=20,K=40,bias=row,scale=0.01,zc=2,out=i8", context)
    compiled = compile_module(source.module, CompileOptions(config=preset), context=context)
    code, text = emit_object(compiled.module), emit_assembly(compiled.module)
    (tmp_path / "kernel.o").write_bytes(code)
    (tmp_path / "kernel.s").write_text(text)
    flags = ["-march=rv64gc", "-mabi=lp64d", "-c", "kernel.s", "-o", "assembled.o"]
    subprocess.run(["riscv64-unknown-elf-gcc", *flags], cwd=tmp_path, check=True)
    words = [custom_words(binutils, tmp_path / name) for name in ("kernel.o", "assembled.o")]
    assert words[0] == words[1]
    assert len(words[0]) == text.count("\t.insn r 123, 3, ")
    assert words[0]


def custom_words(binutils: str, path: Path) -> list[int]:
    """The words with Gemmini's opcode, in order."""
    listing = subprocess.run([binutils, "-d", path], capture_output=True, text=True, check=True)
    words = [int(word, 16) for word in ROCC.findall(listing.stdout)]
    return [word for word in words if word & 0x7F == 0x7B]


def test_same_input_same_bytes() -> None:
    module = compile_gemm("gemm:M=30,N=20,K=40,bias=row,scale=0.01").module
    assert emit_object(module) == emit_object(module)
