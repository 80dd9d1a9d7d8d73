"""Generated programs, the bring-up ladder and both platforms, from the command line on."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from riscv_programs import GCC, execute, link, needs_clang, needs_gcc

from gemmini_xdsl.hardware import GemminiConfig, load_config
from gemmini_xdsl.runtime_c.paths import include_dir
from gemmini_xdsl.tools.elf_compilers import compiler_of
from gemmini_xdsl.tools.elf_file import parse_elf, read_elf
from gemmini_xdsl.tools.elf_project import (
    Platform,
    ProgramOptions,
    bring_up_files,
    bring_up_sources,
    build_elf,
    platform_dir,
)
from gemmini_xdsl.tools.gemmini import main
from gemmini_xdsl.tools.runners.hart import Hart
from gemmini_xdsl.tools.runners.instructions import Kind, instructions

pytestmark = needs_gcc

GEMM = "gemm:M=20,N=18,K=33,bias=row,act=relu,scale=0.02"
STEPS = [
    "flush",
    "mvin and mvout of one row",
    "mvin and mvout of one tile",
    "accumulator with scale and ReLU",
    "one product",
    "one product by loop_ws",
]


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("compiled") / "out"
    assert main(["compile", GEMM, "-o", str(path), "--emit", "c,elf,project"]) == 0
    return path


def ladder(config: GemminiConfig, platform: Platform, compiler: str = GCC) -> bytes:
    options = ProgramOptions(platform=platform, record_commands=True)
    files = bring_up_files(config, options)
    return build_elf(compiler_of(compiler), files, bring_up_sources(), options)


@pytest.mark.parametrize("platform", list(Platform))
def test_the_ladder_passes_step_by_step(platform: Platform) -> None:
    result = execute(ladder(GemminiConfig(), platform))
    assert (result.status, result.problem) == (0, None)
    passed = re.findall(r"^bring-up: (.*): ok, \d+ cycles$", result.console, re.MULTILINE)
    assert passed == STEPS
    assert result.console.endswith("PASS\n")


@pytest.mark.parametrize("preset", ["lean", "zcu102", "int8_4x4", "int8_32x32"])
def test_the_ladder_follows_the_configuration(preset: str) -> None:
    config = load_config(preset)
    result = execute(ladder(config, Platform.BAREMETAL), config)
    assert (result.status, result.problem) == (0, None), result.console
    assert result.console.count(": ok, ") == len(STEPS)


def test_each_step_is_named_before_it_runs() -> None:
    # A Gemmini of which nothing works: the first command traps, after its step was named.
    config = GemminiConfig()
    result = execute(ladder(GemminiConfig(opcode=2), Platform.BAREMETAL), config)
    assert result.status == 2
    assert "bring-up: flush ...\n" in result.console
    assert "trap: illegal instruction" in result.console


def test_the_written_program_runs_from_the_command_line(compiled, tmp_path, capsys) -> None:
    assert main(["run", str(compiled), "--on", "riscv", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["check"], result["status"], result["problem"]) == ("pass", 0, None)
    assert result["program"] == str(compiled / "gemm.elf")
    assert result["figures"]["instructions_per_command"] > 1
    assert result["cycles"] > 100


def test_outputs_are_those_of_the_host(compiled, tmp_path) -> None:
    a = np.arange(20 * 33, dtype=np.int64).reshape(20, 33).astype(np.int8)
    np.save(tmp_path / "a.npy", a)
    arguments = ["--seed", "4", "--input", f"A={tmp_path / 'a.npy'}"]
    b = np.random.default_rng(1).integers(-128, 128, (33, 18)).astype(np.int8)
    bias = np.random.default_rng(2).integers(-9999, 9999, 18).astype(np.int32)
    np.save(tmp_path / "b.npy", b)
    np.save(tmp_path / "bias.npy", bias)
    arguments += ["--input", f"B={tmp_path / 'b.npy'}", "--input", f"bias={tmp_path / 'bias.npy'}"]
    run = ["run", str(compiled), *arguments, "--on", "riscv", "-o", str(tmp_path / "out")]
    assert main([*run, "--check"]) == 0
    total = np.maximum(a.astype(np.int32) @ b.astype(np.int32) + bias, 0)
    expected = np.clip(np.rint(total.astype(np.float32) * np.float32(0.02)), -128, 127)
    np.testing.assert_array_equal(np.load(tmp_path / "out" / "C.npy"), expected.astype(np.int8))


def test_the_project_builds_without_us_and_is_the_same_program(compiled) -> None:
    folder = compiled / "project"
    subprocess.run(["make", "-s", "-C", str(folder)], check=True)
    assert (folder / "gemm.elf").read_bytes() == (compiled / "gemm.elf").read_bytes()


def test_the_project_compares_the_hardware_header(compiled, tmp_path) -> None:
    header = tmp_path / "gemmini_params.h"
    values = {"DIM": 16, "BANK_NUM": 4, "BANK_ROWS": 4096, "ACC_ROWS": 1024}
    values |= {"MAX_BLOCK_LEN": 4, "MAX_BLOCK_LEN_ACC": 1}
    lines = [f"#define {name} {value}\n" for name, value in values.items()]
    command = ["make", "-s", "-B", "-C", str(compiled / "project"), f"PARAMS={header}"]
    header.write_text("".join(lines))
    subprocess.run(command, check=True)
    header.write_text("".join(lines).replace("DIM 16", "DIM 8"))
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0
    assert "DIM differs between gemmini_params.h and gemmini/config.h" in result.stderr


def test_a_kernel_for_other_hardware_says_so_at_start() -> None:
    text = """
    #include <gemmini/program.h>
    int main(void) { gemmini_program_start("gemm", "other", 0x123); return 0; }
    """
    result = execute(link(text))
    assert result.status == 4
    assert "error: the kernel was compiled for another Gemmini than default" in result.console


def test_the_emulator_refuses_programs_for_other_hardware(compiled, capsys) -> None:
    elf = str(compiled / "gemm.elf")
    assert main(["run", elf, "--on", "riscv", "--config", "lean"]) == 1
    assert "was built for the configuration with digest" in capsys.readouterr().err


@pytest.mark.parametrize("compare", ["digest", "full"])
def test_a_wrong_result_fails(compiled, tmp_path, capsys, compare: str) -> None:
    out = tmp_path / "out"
    assert main(["compile", GEMM, "-o", str(out), "--emit", "elf", "--compare", compare]) == 0
    data = (out / "gemm.elf").read_bytes()
    # Every MVOUT becomes a no-operation, so the output stays zero.
    elf = read_elf(out / "gemm.elf")
    changed = bytearray(data)
    for segment in elf.segments:
        if segment.executable:
            start = data.index(segment.content)
            for address, found in instructions(segment.content, segment.address):
                if found.kind == Kind.CUSTOM and found.word >> 25 == 3:
                    at = start + address - segment.address
                    changed[at : at + 4] = bytes((0x13, 0, 0, 0))
    assert bytes(changed) != data
    (out / "gemm.elf").write_bytes(changed)
    capsys.readouterr()
    assert main(["run", str(out), "--on", "riscv"]) == 1
    printed = capsys.readouterr().out
    assert "exit status 1 (wrong result): check C: WRONG: " in printed
    if compare == "full":
        assert re.search(r"elements differ; the first is element \d+, which is 0", printed)


def test_unchecked_programs_do_not_claim_to_pass(tmp_path, capsys) -> None:
    out = str(tmp_path / "out")
    assert main(["compile", GEMM, "-o", out, "--emit", "elf", "--compare", "none"]) == 0
    capsys.readouterr()
    assert main(["run", out, "--on", "riscv"]) == 0
    assert "done (not checked)" in capsys.readouterr().out
    assert main(["run", out, "--on", "riscv", "--check"]) == 1
    assert "the program does not check its results" in capsys.readouterr().err


@needs_clang
def test_programs_use_only_rv64gc_and_custom_3(compiled) -> None:
    command = ["riscv64-unknown-elf-objdump", "-d", "-M", "no-aliases", str(compiled / "gemm.elf")]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    unknown = re.findall(r"\.(?:4byte|2byte|insn|word|short)\s+\w*,?\s*(0x[0-9a-f]+)", text)
    assert unknown
    assert {int(word, 16) & 0x7F for word in unknown} == {0x7B}
    attributes = ["riscv64-unknown-elf-readelf", "-A", str(compiled / "gemm.elf")]
    arch = subprocess.run(attributes, capture_output=True, text=True, check=True).stdout
    extensions = set(re.search(r'Tag_RISCV_arch: "(\S+)"', arch)[1].split("_"))
    names = {re.match(r"rv64i|[a-z]+", item)[0] for item in extensions}
    # Zmmul is a part of M.
    assert names <= {"rv64i", "m", "a", "f", "d", "c", "zicsr", "zifencei", "zmmul"}


def test_buffers_start_on_cache_lines(compiled) -> None:
    elf = read_elf(compiled / "gemm.elf")
    buffers = [s for s in elf.symbols if s.name.startswith(("gemmini_input", "gemmini_output"))]
    assert len(buffers) == 4
    assert all(symbol.address % 64 == 0 for symbol in buffers)


def test_the_stack_has_the_size_that_was_asked_for() -> None:
    elf = parse_elf(link("int main(void) { return 0; }", ProgramOptions(stack_bytes=8192)), "a")
    start, end = elf.symbol("__stack_start"), elf.symbol("__stack_end")
    assert start is not None
    assert end is not None
    assert end.address - start.address == 8192


def test_linux_programs_say_when_memory_cannot_be_locked() -> None:
    elf = parse_elf(ladder(GemminiConfig(), Platform.LINUX), "a.elf")
    hart = Hart(elf, GemminiConfig())
    hart.calls.locked_bytes_limit = 64 << 10
    result = hart.run(20)
    assert result.status == 4
    assert "memory cannot be locked: RLIMIT_MEMLOCK is 64 KiB" in result.console
    assert "ulimit -l unlimited" in result.console


def test_linux_programs_flush_the_tlb_first() -> None:
    elf = parse_elf(ladder(GemminiConfig(), Platform.LINUX), "a.elf")
    hart = Hart(elf, GemminiConfig())
    hart.accelerator.recorded = []
    assert hart.run(20).status == 0
    # A fence before any command, then FLUSH (funct 7).
    assert hart.accelerator.recorded[:2] == [None, (7, 0, 0)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--platform", "windows"], "--platform must be one of baremetal, linux; got 'windows'"),
        (["--base-address", "high"], "--base-address must be a number such as 0x80000000"),
        (["--base-address", "0x80000001"], "multiple of 4096"),
        (["--compare", "maybe"], "--compare must be one of digest, full, none; got 'maybe'"),
        (["--program-data", "x"], "--program-data must be one of generated, embedded; got 'x'"),
    ],
)
def test_wrong_options_are_refused(tmp_path, capsys, arguments, message: str) -> None:
    out = tmp_path / "out"
    assert main(["compile", GEMM, "-o", str(out), "--emit", "elf", *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not out.exists()


def test_a_missing_cross_compiler_names_what_was_looked_for(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    out = tmp_path / "out"
    assert main(["compile", GEMM, "-o", str(out), "--emit", "elf"]) == 1
    message = capsys.readouterr().err
    assert "no RISC-V cross compiler found (riscv64-unknown-elf-gcc: not on PATH; " in message
    assert "apt-get install gcc-riscv64-unknown-elf) or set GEMMINI_RISCV_CC" in message
    assert not out.exists()


def test_a_wrong_choice_of_compiler_is_not_replaced(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("GEMMINI_RISCV_CC", "/nowhere/gcc")
    assert main(["compile", GEMM, "-o", str(tmp_path / "out"), "--emit", "elf"]) == 1
    assert "GEMMINI_RISCV_CC='/nowhere/gcc': no such program" in capsys.readouterr().err


def test_a_compiler_that_fails_is_quoted(tmp_path, monkeypatch, capsys) -> None:
    compiler = tmp_path / "my-gcc"
    compiler.write_text(f"#!{sys.executable}\nimport sys\nsys.exit('unknown option -march')\n")
    compiler.chmod(0o755)
    monkeypatch.setenv("GEMMINI_RISCV_CC", str(compiler))
    assert main(["compile", GEMM, "-o", str(tmp_path / "out"), "--emit", "elf"]) == 1
    message = capsys.readouterr().err
    assert "my-gcc cannot build the RISC-V program:\nunknown option -march" in message
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "compiler", [[GCC], pytest.param(["clang", "--target=riscv64-unknown-elf"], marks=needs_clang)]
)
def test_platform_sources_have_no_warnings(compiled, tmp_path, compiler: list[str]) -> None:
    sources = sorted(str(path) for path in platform_dir().glob("*/*.c"))
    assert len(sources) >= 8
    flags = ["-std=c17", "-O2", "-pedantic", "-Wall", "-Wextra", "-Wshadow", "-Werror"]
    folders = [platform_dir() / "include", include_dir(), compiled / "include"]
    target = ["-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-ffreestanding", "-c"]
    includes = [f"-I{folder}" for folder in folders]
    command = [*compiler, *target, *flags, *includes, *sources]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


MODULE = """
func.func @scaled(%A: memref<4x6xf32>, %k: f32, %n: i64, %flag: i1, %B: memref<4x6xf32>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  %c6 = arith.constant 6 : index
  %m = arith.sitofp %n : i64 to f32
  %f = arith.select %flag, %k, %m : f32
  scf.for %i = %c0 to %c4 step %c1 {
    scf.for %j = %c0 to %c6 step %c1 {
      %a = memref.load %A[%i, %j] : memref<4x6xf32>
      %b = arith.mulf %a, %f : f32
      memref.store %b, %B[%i, %j] : memref<4x6xf32>
    }
  }
  return
}
func.func @negated(%A: memref<5xi64>, %B: memref<5xi64>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c5 = arith.constant 5 : index
  %z = arith.constant 0 : i64
  scf.for %i = %c0 to %c5 step %c1 {
    %a = memref.load %A[%i] : memref<5xi64>
    %b = arith.subi %z, %a : i64
    memref.store %b, %B[%i] : memref<5xi64>
  }
  return
}
"""


@pytest.mark.parametrize("data", ["generated", "embedded"])
def test_all_kinds_of_arguments_and_several_functions(tmp_path, capsys, data: str) -> None:
    source, out = tmp_path / "two.mlir", tmp_path / "out"
    source.write_text(MODULE)
    options = ["--emit", "c,elf", "--program-data", data, "--compare", "full"]
    assert main(["compile", str(source), "-o", str(out), *options]) == 0
    for function in ("scaled", "negated"):
        capsys.readouterr()
        assert main(["run", str(out), "--on", "riscv", "--function", function]) == 0
        assert "check B: as expected\nPASS\n" in capsys.readouterr().out
        arguments = ["--seed", "9", "--function", function, "--check"]
        assert main(["run", str(out), "--on", "riscv", *arguments]) == 0
