"""Building and running RISC-V programs in tests."""

from __future__ import annotations

import functools
import shutil
import subprocess
from pathlib import Path

import pytest

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.tools.elf_compilers import compiler_of
from gemmini_xdsl.tools.elf_file import parse_elf
from gemmini_xdsl.tools.elf_project import (
    Platform,
    ProgramOptions,
    bring_up_files,
    build_elf,
    runtime_sources,
)
from gemmini_xdsl.tools.runners.hart import Hart, HartResult

GCC = "riscv64-unknown-elf-gcc"

needs_gcc = pytest.mark.skipif(shutil.which(GCC) is None, reason=f"{GCC} is not installed")
needs_clang = pytest.mark.skipif(
    shutil.which("clang") is None or shutil.which(GCC) is None,
    reason="clang and a RISC-V linker are not installed",
)

_RUNTIME_FLAGS = ["-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany", "-ffreestanding", "-O2"]


def link(main: str, options: ProgramOptions | None = None, config: GemminiConfig | None = None):
    """The bytes of a program whose `main` is the given C text."""
    options = options or ProgramOptions()
    files = bring_up_files(config or GemminiConfig(), options)
    files["main.c"] = main
    return build_elf(compiler_of(GCC), files, ["main.c"], options)


def execute(elf: bytes, config: GemminiConfig | None = None, seconds=20.0, **options) -> HartResult:
    hart = Hart(parse_elf(elf, "test.elf"), config or GemminiConfig(), **options)
    return hart.run(seconds)


class Linker:
    """Links kernels with a runtime that is compiled once."""

    def __init__(self, folder: Path, config: GemminiConfig) -> None:
        self.folder = folder
        options = ProgramOptions()
        for name, text in bring_up_files(config, options).items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        sources = runtime_sources(Platform.BAREMETAL)
        command = [GCC, *_RUNTIME_FLAGS, "-Iinclude", "-c", *sources]
        subprocess.run(command, cwd=folder, check=True)
        self.objects = sorted(path.name for path in folder.glob("*.o"))

    def link(self, sources: dict[str, str]) -> bytes:
        """A program of these files and the runtime."""
        for name, text in sources.items():
            (self.folder / name).write_text(text)
        names = [name for name in sources if not name.endswith(".h")]
        command = [GCC, *_RUNTIME_FLAGS, "-ffp-contract=off", "-Iinclude", "-I.", "-nostdlib"]
        command += ["-static", "-T", "platform/link.ld", *names, *self.objects, "-o", "a.elf"]
        subprocess.run(command, cwd=self.folder, check=True)
        return (self.folder / "a.elf").read_bytes()


@functools.cache
def default_config() -> GemminiConfig:
    return GemminiConfig()
