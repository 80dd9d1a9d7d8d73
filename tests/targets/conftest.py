from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.parser import Parser

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.targets.c_module import emit_module
from gemmini_xdsl.tools.universe import load_universe

STRICT = ["-std=c17", "-pedantic", "-Wall", "-Wextra", "-Werror"]
RISCV = ["riscv64-unknown-elf-gcc", "-ffreestanding", "-march=rv64gc", "-mabi=lp64d", "-O2"]
COMPILERS = {"gcc": ["gcc", "-O2"], "clang": ["clang", "-O2"], "riscv": RISCV}

# Commands are not what these tests are about: they become calls of a function that records.
RECORDING_HEADER = """\
#include <stdint.h>
void record(uint64_t funct, uint64_t rs1, uint64_t rs2);
#define GEMMINI_ROCC(funct, rs1, rs2) record((funct), (rs1), (rs2))
#define GEMMINI_FENCE() record(1000, 0, 0)
#define GEMMINI_ANCHOR(variable) ((void)(variable))
"""
RECORDER = """
typedef void (*recorder)(uint64_t, uint64_t, uint64_t);
static recorder callback;
void set_recorder(recorder function);
void set_recorder(recorder function) { callback = function; }
void record(uint64_t funct, uint64_t rs1, uint64_t rs2) {
  if (callback) callback(funct, rs1, rs2);
}
"""


def parse_module(text: str) -> ModuleOp:
    context = Context()
    for name, load in load_universe().all_dialects.items():
        context.register_dialect(name, load)
    module = Parser(context, text).parse_module()
    module.verify()
    return module


@pytest.fixture
def parse() -> Callable[[str], ModuleOp]:
    """Parses and verifies a module in any dialect."""
    return parse_module


@pytest.fixture(scope="session")
def headers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("include") / "gemmini"
    folder.mkdir()
    (folder / "rocc.h").write_text(RECORDING_HEADER)
    (folder / "config.h").write_text(f"#define GEMMINI_CONFIG_DIGEST 0x{GemminiConfig().digest}\n")
    return folder.parent


@pytest.fixture
def compile_object(headers: Path, tmp_path: Path) -> Callable[[str, str], None]:
    """Compiles C text strictly with every compiler that is installed."""

    def compile_(source: str, header: str) -> None:
        path = tmp_path / "kernel.c"
        path.write_text(source)
        (tmp_path / "kernel.h").write_text(header)
        used = 0
        for command in COMPILERS.values():
            if shutil.which(command[0]) is None:
                continue
            used += 1
            output = ["-c", str(path), "-o", str(tmp_path / "kernel.o")]
            result = subprocess.run(
                [*command, *STRICT, f"-I{headers}", *output], capture_output=True, text=True
            )
            assert result.returncode == 0, result.stderr + source
        assert used, "no C compiler is installed"

    return compile_


@pytest.fixture
def load_source(tmp_path: Path) -> Callable[[str, Path], ctypes.CDLL]:
    """Compiles C text to a shared library in which undefined behaviour is fatal."""

    def load(source: str, include: Path) -> ctypes.CDLL:
        path = tmp_path / "kernel.c"
        path.write_text(source + RECORDER)
        library = tmp_path / f"kernel{len(list(tmp_path.iterdir()))}.so"
        sanitise = ["-fsanitize=undefined", "-fno-sanitize-recover=all"]
        options = ["-O1", "-shared", "-fPIC", *sanitise, f"-I{include}"]
        subprocess.run(["gcc", *STRICT, *options, str(path), "-o", str(library)], check=True)
        return ctypes.CDLL(str(library))

    return load


@pytest.fixture
def load_c(
    headers: Path, load_source: Callable[[str, Path], ctypes.CDLL]
) -> Callable[[str], ctypes.CDLL]:
    """The same for MLIR text, by way of the C emitter."""

    def load(text: str) -> ctypes.CDLL:
        source = emit_module(parse_module(text), include_header=False).source
        return load_source(source, headers)

    return load
