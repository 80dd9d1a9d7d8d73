"""The C sources as C: strict builds, sanitizers, kernels on all three back ends of rocc.h."""

from __future__ import annotations

import contextlib
import ctypes
import re
import shutil
import subprocess
import sys
import textwrap
import threading
import zlib
from pathlib import Path

import isa_encoder as isa
import numpy as np
import pytest
import test_errors
from isa_encoder import ACC, ACCUMULATE, FULL, GARBAGE
from test_random_products import BASES, Product, commands

from gemmini_xdsl.hardware import GemminiConfig, load_config, preset_names
from gemmini_xdsl.hardware.header import write_c_header
from gemmini_xdsl.runtime_c.paths import include_dir, library_path, source_dir
from gemmini_xdsl.runtime_c.simulator import Simulator, SimulatorError, config_fields, load_library

HERE = Path(__file__).parent
SIM = Path(__file__).parents[2] / "runtime_c" / "sim"
SIM_SOURCES = [*sorted(SIM.glob("*.c")), *sorted((SIM / "timing").glob("*.c"))]
STRICT = ["-std=c17", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{include_dir()}"]
HOST = {"gcc": ["gcc", "-O2"], "clang": ["clang", "-O2"]}
RISCV_FLAGS = ["-O2", "-ffreestanding", "-march=rv64gc", "-mabi=lp64d"]
RISCV = {
    "gcc": ["riscv64-unknown-elf-gcc", *RISCV_FLAGS],
    "clang": ["clang", "--target=riscv64-unknown-elf", *RISCV_FLAGS],
}


def compile_c(compiler, arguments):
    if shutil.which(compiler[0]) is None:
        pytest.skip(f"{compiler[0]} is not installed")
    done = subprocess.run(
        [*compiler, *STRICT, *map(str, arguments)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture
def headers(tmp_path):
    """A folder with `gemmini/config.h` of the default configuration."""
    (tmp_path / "gemmini").mkdir()
    (tmp_path / "gemmini" / "config.h").write_text(write_c_header(GemminiConfig()))
    return tmp_path


# -- headers and back ends -----------------------------------------------------------------


@pytest.mark.parametrize("compiler", HOST)
@pytest.mark.parametrize("back_end", ["GEMMINI_HOST_SIM", "GEMMINI_RECORD"])
@pytest.mark.parametrize("library", [[], ["-ffreestanding"]])
def test_kernel_compiles_for_the_host(headers, compiler, back_end, library):
    output = headers / "kernel.o"
    compile_c(
        HOST[compiler],
        [f"-D{back_end}", *library, f"-I{headers}", "-c", HERE / "kernel.c", "-o", output],
    )
    assert output.is_file()


@pytest.mark.parametrize("compiler", HOST)
def test_all_headers_compile_alone(tmp_path, compiler):
    for header in sorted((include_dir() / "gemmini").glob("*.h")):
        source = tmp_path / "alone.c"
        source.write_text(f"#include <gemmini/{header.name}>\nextern int used;\n")
        compile_c(HOST[compiler], ["-DGEMMINI_HOST_SIM", "-fsyntax-only", source])


@pytest.mark.parametrize("compiler", RISCV)
def test_kernel_holds_the_instruction_words_for_riscv(headers, compiler):
    output = headers / "kernel.o"
    compile_c(RISCV[compiler], [f"-I{headers}", "-c", HERE / "kernel.c", "-o", output])
    objcopy = "riscv64-unknown-elf-objcopy"
    if shutil.which(objcopy) is None:
        pytest.skip(f"{objcopy} is not installed")
    code = headers / "code"
    subprocess.run([objcopy, "-O", "binary", "-j", ".text", output, code], check=True)
    halves = np.frombuffer(code.read_bytes(), "<u2").astype(np.uint32)
    found = []
    position = 0
    while position < len(halves):
        if halves[position] & 3 != 3:  # a compressed instruction
            position += 1
            continue
        word = int(halves[position] | halves[position + 1] << 16)
        position += 2
        if word & 0x7F == 0x7B:
            # funct3 3 (two source registers), no destination.
            assert word >> 12 & 7 == 3
            assert word >> 7 & 31 == 0
            found.append(word >> 25)
        elif word == 0x0FF0000F:
            found.append("fence")
    assert found == [0, 0, 0, 2, 2, 6, 4, 3, "fence"]


def test_opcode_comes_from_the_configuration(headers):
    custom = GemminiConfig(name="second", opcode=2)
    (headers / "gemmini" / "config.h").write_text(write_c_header(custom))
    output = headers / "kernel.s"
    compile_c(RISCV["gcc"], [f"-I{headers}", "-S", HERE / "kernel.c", "-o", output])
    assert len(re.findall(r"\.insn r (?:91|0x5b), 3,", output.read_text())) == 8


def test_rocc_header_asks_for_a_back_end(headers):
    done = subprocess.run(
        ["gcc", *STRICT, f"-I{headers}", "-fsyntax-only", HERE / "kernel.c"],
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "define GEMMINI_HOST_SIM or GEMMINI_RECORD" in done.stderr


def build_kernel(folder, *options):
    library = folder / "kernel.so"
    sources = [HERE / "kernel.c", *(s for s in options if isinstance(s, Path))]
    flags = [s for s in options if isinstance(s, str)]
    compile_c(HOST["gcc"], [*flags, f"-I{folder}", "-shared", "-fPIC", *sources, "-o", library])
    load_library()
    return ctypes.CDLL(str(library))


def operands():
    rng = np.random.default_rng(3)
    a = rng.integers(-3, 4, (16, 16), dtype=np.int8)
    b = rng.integers(-2, 3, (16, 16), dtype=np.int8)
    return a, b, np.zeros((16, 16), np.int8)


def test_kernel_runs_on_the_attached_simulator(headers):
    kernel = build_kernel(headers, "-DGEMMINI_HOST_SIM")
    a, b, c = operands()
    sim = Simulator(load_config("default"), checked=True)
    pointers = [ctypes.c_void_p(x.ctypes.data) for x in (a, b, c)]
    with sim.attach():
        kernel.one_tile(*pointers)
    np.testing.assert_array_equal(c, (a.astype(int) @ b).clip(-128, 127))
    assert sim.statistics().issued["fence"] == 1
    # Errors surface when the kernel is done; A outside the map is one.
    sim.map(0x1000, np.zeros(16, np.int8))
    with pytest.raises(SimulatorError, match=r"command 12 \(MVIN\): reads 16 bytes"), sim.attach():
        kernel.one_tile(*pointers)


def test_threads_have_their_own_simulators(headers):
    kernel = build_kernel(headers, "-DGEMMINI_HOST_SIM")
    a, b, _ = operands()
    results = [np.zeros((16, 16), np.int8) for _ in range(4)]

    def work(c):
        with Simulator(load_config("default")).attach():
            for _ in range(20):
                kernel.one_tile(*(ctypes.c_void_p(x.ctypes.data) for x in (a, b, c)))

    threads = [threading.Thread(target=work, args=(c,)) for c in results]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for c in results:
        np.testing.assert_array_equal(c, (a.astype(int) @ b).clip(-128, 127))


def test_kernel_without_a_simulator_says_so(headers):
    build_kernel(headers, "-DGEMMINI_HOST_SIM")
    script = f"""
        import ctypes
        from gemmini_xdsl.runtime_c.simulator import load_library
        load_library()
        ctypes.CDLL({str(headers / "kernel.so")!r}).one_tile(None, None, None)
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], capture_output=True, text=True
    )
    assert done.returncode != 0
    assert done.stderr == "gemmini_sim: no simulator is attached to the calling thread\n"


class Recorder(ctypes.Structure):
    _fields_ = [
        ("entries", ctypes.c_void_p),
        ("capacity", ctypes.c_size_t),
        ("count", ctypes.c_size_t),
        ("overflow", ctypes.c_size_t),
    ]


@pytest.mark.parametrize("capacity", [9, 5])
def test_recorder(headers, capacity):
    kernel = build_kernel(headers, "-DGEMMINI_RECORD", source_dir() / "recorder.c")
    entries = np.zeros((capacity, 3), np.uint64)
    recorder = Recorder.in_dll(kernel, "gemmini_recorder")
    recorder.entries = entries.ctypes.data
    recorder.capacity = capacity
    kernel.one_tile(*(ctypes.c_void_p(address) for address in (0x1000, 0x2000, 0x3000)))
    expected = [
        isa.config_ex(),
        isa.config_ld(16),
        isa.config_st(16),
        isa.mvin(0x1000, 0, 16, 16),
        isa.mvin(0x2000, 16, 16, 16),
        isa.preload(16, ACC),
        isa.compute(0, GARBAGE),
        isa.mvout(0x3000, ACC, 16, 16),
        (2**64 - 1, 0, 0),
    ]
    assert [tuple(int(x) for x in entry) for entry in entries] == expected[:capacity]
    assert (recorder.count, recorder.overflow) == (capacity, 9 - capacity)


# -- the library ---------------------------------------------------------------------------


@pytest.mark.parametrize("compiler", HOST)
def test_simulator_compiles_strictly(tmp_path, compiler):
    compile_c(
        [HOST[compiler][0], "-O1"],
        ["-shared", "-fPIC", *SIM_SOURCES, "-o", tmp_path / "simulator.so"],
    )


def test_library_exports_its_interface_only():
    listing = subprocess.run(
        ["nm", "-D", "--defined-only", library_path()], capture_output=True, text=True, check=True
    )
    names = {line.split()[-1] for line in listing.stdout.splitlines()}
    assert "gemmini_sim_rocc" in names
    assert all(name.startswith("gemmini_") for name in names)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"dim": 12}, "dim must be a power of two from 2 to 128"),
        ({"scratchpad_rows": 1000}, "the memories must have a power of two of rows"),
        ({"accumulator_rows": 16}, "the memories must have at least 2*dim rows"),
        ({"row_bits": 13}, "row_bits must be at most 25 and number all rows"),
        ({"array_bits": 33}, "array_bits must be 17 to 32"),
        ({"dma_max_bytes": 48}, "dma_max_bytes must be a power of two up to 4096"),
        ({"supports_ws": 0, "supports_os": 0}, "the array must support WS, OS or both"),
    ],
)
def test_impossible_configurations(replay, tmp_path, values, problem):
    fields = config_fields(GemminiConfig(), checked=False) | values
    done = run_replay(replay, tmp_path, fields, np.zeros(1, np.uint8), 1, [])
    assert (done.returncode, done.stderr.decode()) == (2, problem + "\n")


# -- sanitizers ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def replay(tmp_path_factory):
    """The replay program, built with the address and undefined-behaviour sanitizers."""
    program = tmp_path_factory.mktemp("replay") / "replay"
    compile_c(
        ["gcc", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"],
        [HERE / "replay.c", *SIM_SOURCES, "-o", program],
    )
    return program


def run_replay(program, folder, fields, memory, base, stream):
    (folder / "config").write_text(" ".join(str(value) for value in fields.values()))
    (folder / "memory").write_bytes(memory.tobytes())
    lines = ["fence" if c is None else " ".join(f"{word:x}" for word in c) for c in stream]
    (folder / "commands").write_text("\n".join([f"{base:x}", *lines]) + "\n")
    return subprocess.run(
        [program, *(folder / name for name in ("config", "memory", "commands"))],
        capture_output=True,
    )


@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.parametrize("dataflow", ["ws", "os"])
def test_products_under_sanitizers(replay, tmp_path, preset, dataflow):
    config = load_config(preset)
    if not config.supports_dataflow(dataflow):
        dataflow = "ws"
    rng = np.random.default_rng(zlib.crc32(f"{preset} {dataflow} sanitizer".encode()))
    product = Product(rng, config, transposes=(dataflow == "os", False))
    base = BASES["a"]
    memory = np.zeros(BASES["c"] + product.c.nbytes - base, np.uint8)
    for name, array in (("a", product.a), ("b", product.b), ("d", product.bias)):
        start = BASES[name] - base
        memory[start : start + array.nbytes] = array.reshape(-1).view(np.uint8)
    done = run_replay(
        replay,
        tmp_path,
        config_fields(config, checked=True),
        memory,
        base,
        [*commands(product, config, dataflow), None],
    )
    assert done.stderr.decode() == ""
    stored = np.frombuffer(done.stdout, np.uint8)[BASES["c"] - base :].view(product.c.dtype)
    np.testing.assert_array_equal(stored.reshape(product.c.shape), product.expected)


def damaged_streams(rng, count):
    """Valid-looking streams with random operands: whatever happens, it must be defined."""
    addresses = [0, 8, 16000, 16383, ACC, ACC | 1020, ACC | ACCUMULATE, ACC | FULL | 3, GARBAGE]

    def shape():
        return tuple(int(x) for x in rng.choice([0, 1, 3, 15, 16, 17, 31, 64], 2))

    def local():
        return int(rng.choice(addresses))

    def dram():
        return int(rng.choice([0, 0x1000, 0x1001, 0x1F00, 0x1FFF]))

    def one():
        kind = int(rng.integers(0, 9))
        if kind == 0:
            return (int(rng.integers(0, 28)), int(rng.integers(0, 2**63)), int(rng.integers(2**63)))
        if kind == 1:
            ws, ta, tb = (bool(x) for x in rng.integers(0, 2, 3))
            strides = {"a_stride": int(rng.choice([0, 1, 2, 65535])), "c_stride": 1 + ws}
            return isa.config_ex(ws=ws, ta=ta, tb=tb, shift=int(rng.integers(0, 32)), **strides)
        if kind == 2:
            options = {"shrink": bool(rng.integers(0, 2)), "scale": int(rng.integers(0, 2**32))}
            block_stride = int(rng.choice([16, 17, 16383]))
            stride = int(rng.choice([0, 1, 16, 2**63]))
            return isa.config_ld(
                stride, id=int(rng.integers(0, 3)), block_stride=block_stride, **options
            )
        if kind == 3:
            return isa.config_st(int(rng.integers(0, 64)), scale=int(rng.integers(0, 2**32)))
        if kind == 4:
            return isa.mvin(dram(), local(), *shape(), id=int(rng.integers(0, 3)))
        if kind == 5:
            return isa.mvout(dram(), local(), *shape())
        if kind == 6:
            return isa.preload(local(), local(), shape=shape(), c_shape=shape())
        if kind == 7:
            return isa.compute(
                local(), local(), a_shape=shape(), bd_shape=shape(), flip=bool(rng.integers(0, 2))
            )
        return isa.loop_ws(
            *(int(x) for x in rng.integers(0, 4, 3)), a=dram(), b=dram(), c=dram(), pad_i=3
        )

    for _ in range(count):
        stream = [isa.config_ex(), isa.config_ld(16), isa.config_st(16)]
        for _ in range(60):
            made = one()
            candidate = made if isinstance(made, list) else [made]
            refused = is_refused(stream + candidate)
            if not refused or rng.random() < 0.03:
                stream.extend(candidate)
            if refused and is_refused(stream):
                break
        yield stream


FUZZ_BASE, FUZZ_BYTES = 0x1000, 0x1000


def is_refused(stream):
    """Whether unchecked execution, with DRAM as in the sanitized run, ends in an error."""
    sim = Simulator(load_config("default"))
    sim.map(FUZZ_BASE, np.zeros(FUZZ_BYTES, np.uint8))
    with contextlib.suppress(SimulatorError):
        for command in stream:
            sim.command(*command)
    return sim.error is not None


def test_damaged_streams_under_sanitizers(replay, tmp_path):
    """Random streams end in an error or a result, never in undefined behaviour.

    A stream stops at its first error, so most refused commands are left out.
    """
    rng = np.random.default_rng(11)
    memory = rng.integers(0, 256, FUZZ_BYTES, dtype=np.uint8)
    finished = 0
    for number, stream in enumerate(damaged_streams(rng, 80)):
        fields = config_fields(GemminiConfig(), checked=number % 4 == 0)
        done = run_replay(replay, tmp_path, fields, memory, FUZZ_BASE, stream)
        assert done.returncode in (0, 1), done.stderr.decode()
        if done.returncode == 1:
            assert done.stderr.decode().startswith("command ")
        finished += done.returncode == 0
    assert finished > 10


@pytest.mark.parametrize("case", [*test_errors.ALWAYS, *test_errors.CHECKED])
def test_refusals_under_sanitizers(replay, tmp_path, case):
    stream, expected = (test_errors.ALWAYS | test_errors.CHECKED)[case]
    memory = np.zeros(0xB000, np.uint8)
    if "DRAM address" in expected and "outside" in expected:
        memory = memory[:0x4000]
    done = run_replay(
        replay, tmp_path, config_fields(GemminiConfig(), checked=True), memory, 0x1000, stream
    )
    assert (done.returncode, done.stderr.decode()) == (1, expected + "\n")
