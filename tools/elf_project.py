"""RISC-V programs: the files of a project, and the ELF that is linked from them."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.hardware.header import write_c_header
from gemmini_xdsl.runtime_c.paths import include_dir
from gemmini_xdsl.tools.elf_compilers import (
    COMPILE_FLAGS,
    LINK_FLAGS,
    TARGET_FLAGS,
    CrossCompiler,
    run_compiler,
)
from gemmini_xdsl.tools.elf_data import ProgramArgument
from gemmini_xdsl.tools.elf_main import MainOptions, data_source, main_source
from gemmini_xdsl.tools.errors import UsageError

DEFAULT_BASE = 0x8000_0000
DEFAULT_STACK_BYTES = 0x1_0000
DEFAULT_MEMORY_BYTES = 256 << 20
PAGE_BYTES = 4096

_HEADERS = ("isa.h", "rocc.h")
_PLATFORM_HEADERS = ("platform.h", "program.h")
_COMMON = ("console.c", "memory.c", "params_check.c", "program.c")
BRING_UP = "bring_up"
LINKER_SCRIPT = "link.ld"


class Platform(StrEnum):
    """Below the program: nothing, or a Linux kernel."""

    BAREMETAL = "baremetal"
    LINUX = "linux"


_PLATFORM_FILES = {
    Platform.BAREMETAL: ("start.S", "htif.c", "trap.c", LINKER_SCRIPT),
    Platform.LINUX: ("start.S", "linux.c"),
}


@dataclass(frozen=True)
class ProgramOptions:
    """How a program is made.

    `base_address`, `stack_bytes` and `memory_bytes` apply to bare metal. `record_commands` keeps
    the last command for the watchdog's message, at three stores a command.
    """

    platform: Platform = Platform.BAREMETAL
    base_address: int = DEFAULT_BASE
    stack_bytes: int = DEFAULT_STACK_BYTES
    memory_bytes: int = DEFAULT_MEMORY_BYTES
    record_commands: bool = False
    main: MainOptions = field(default_factory=MainOptions)

    def __post_init__(self) -> None:
        if not 0 < self.base_address < 1 << 63 or self.base_address % PAGE_BYTES:
            raise UsageError(
                f"--base-address must be a positive multiple of {PAGE_BYTES} (one page), "
                f"got {self.base_address:#x}"
            )


@dataclass(frozen=True)
class Kernel:
    """Emitted C: the name of its files, their texts, and the hardware it was compiled for."""

    name: str
    source: str
    header: str
    config: GemminiConfig


def platform_dir() -> Path:
    """The folder of the platform sources."""
    return include_dir().parent / "platform"


def project_files(
    kernel: Kernel,
    programs: Mapping[str, Sequence[ProgramArgument]],
    options: ProgramOptions,
) -> dict[str, str]:
    """Text of all files of a project by relative name; `programs` are its functions' data."""
    files = _runtime_files(kernel.config, options)
    files[f"{kernel.name}.c"] = kernel.source
    files[f"{kernel.name}.h"] = kernel.header
    for function, arguments in programs.items():
        files[f"{function}_main.c"] = main_source(
            function, f"{kernel.name}.h", arguments, kernel.config, options.main
        )
        data = data_source(arguments, kernel.config, options.main)
        if data is not None:
            files[f"{function}_data.S"] = data
    files["Makefile"] = _makefile(kernel.name, list(programs), files, options)
    files["README.md"] = _readme(kernel, list(programs), options)
    return files


def bring_up_files(config: GemminiConfig, options: ProgramOptions) -> dict[str, str]:
    """Text of the files of the bring-up ladder for `config`."""
    files = _runtime_files(config, options)
    files[f"platform/{BRING_UP}.c"] = (platform_dir() / "common" / f"{BRING_UP}.c").read_text()
    return files


def build_elf(
    compiler: CrossCompiler,
    files: Mapping[str, str],
    sources: Sequence[str],
    options: ProgramOptions,
) -> bytes:
    """Compile and link `sources`, which are among `files`. Raises `GemminiError`."""
    with tempfile.TemporaryDirectory(prefix="gemmini-elf-") as folder:
        root = Path(folder)
        for name, text in files.items():
            path = root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        output = "program.elf"
        runtime = runtime_sources(options.platform)
        arguments = [*COMPILE_FLAGS, *_defines(options), "-Iinclude", "-I."]
        arguments += [*LINK_FLAGS, *_layout_flags(options), *sources, *runtime, "-o", output]
        run_compiler(compiler, arguments, root)
        return (root / output).read_bytes()


def program_sources(kernel: str, function: str, files: Mapping[str, str]) -> list[str]:
    """The sources of one function's program besides the runtime."""
    names = [f"{kernel}.c", f"{function}_main.c", f"{function}_data.S"]
    return [name for name in names if name in files]


def bring_up_sources() -> list[str]:
    """The sources of the bring-up ladder besides the runtime."""
    return [f"platform/{BRING_UP}.c"]


def runtime_sources(platform: Platform) -> list[str]:
    """The runtime's sources, with the folders that they have in a project."""
    names = (*_PLATFORM_FILES[platform], *_COMMON)
    return [f"platform/{name}" for name in names if not name.endswith(".ld")]


def _runtime_files(config: GemminiConfig, options: ProgramOptions) -> dict[str, str]:
    root = platform_dir()
    files = {"include/gemmini/config.h": write_c_header(config)}
    for name in _HEADERS:
        files[f"include/gemmini/{name}"] = (include_dir() / "gemmini" / name).read_text()
    for name in _PLATFORM_HEADERS:
        files[f"include/gemmini/{name}"] = (root / "include" / "gemmini" / name).read_text()
    for name in _COMMON:
        files[f"platform/{name}"] = (root / "common" / name).read_text()
    for name in _PLATFORM_FILES[options.platform]:
        text = (root / str(options.platform) / name).read_text()
        is_script = name == LINKER_SCRIPT
        files[f"platform/{name}"] = _linker_script(text, options) if is_script else text
    return files


def _defines(options: ProgramOptions) -> list[str]:
    return ["-DGEMMINI_LAST_COMMAND"] if options.record_commands else []


def _layout_flags(options: ProgramOptions) -> list[str]:
    if options.platform == Platform.LINUX:
        return []
    # Zig overlooks the entry that the script names.
    return ["-Wl,--entry=gemmini_start", "-T", f"platform/{LINKER_SCRIPT}"]


def _linker_script(text: str, options: ProgramOptions) -> str:
    """The script with the layout filled in; not every linker can define symbols for it."""
    symbols = {
        "GEMMINI_BASE_ADDRESS": options.base_address,
        "GEMMINI_STACK_BYTES": options.stack_bytes,
        "GEMMINI_MEMORY_BYTES": options.memory_bytes,
    }
    for name, value in symbols.items():
        text = re.sub(rf"DEFINED\({name}\) \? {name} : \w+", f"{value:#x}", text)
    _, _, layout = text.partition("*/\n")
    return f"/* A bare-metal program in one block of memory. */\n{layout}"


def _makefile(
    kernel: str, functions: Sequence[str], files: Mapping[str, str], options: ProgramOptions
) -> str:
    runtime = " ".join(runtime_sources(options.platform))
    headers = " ".join(sorted(name for name in files if name.endswith((".h", ".ld"))))
    elfs = " ".join(f"{function}.elf" for function in functions)
    lines = [
        "# make                            builds every program",
        "# make CC='clang --target=riscv64-unknown-elf -mno-relax -fuse-ld=lld'",
        "# make PARAMS=gemmini_params.h    also compares the hardware's header with the kernel's",
        "CC = riscv64-unknown-elf-gcc",
        f"TARGET_FLAGS = {' '.join(TARGET_FLAGS)}",
        f"CFLAGS = {' '.join(COMPILE_FLAGS)}",
        f"LDFLAGS = {' '.join([*LINK_FLAGS, *_layout_flags(options)])}",
        f"DEFINES = {' '.join(_defines(options))}",
        "ifdef PARAMS",
        "DEFINES += -DGEMMINI_PARAMS='\"$(abspath $(PARAMS))\"'",
        "endif",
        f"RUNTIME = {runtime}",
        f"HEADERS = {headers}",
        "",
        ".PHONY: all clean",
        f"all: {elfs}",
        "",
    ]
    for function in functions:
        sources = " ".join(program_sources(kernel, function, files))
        lines += [
            f"{function}.elf: {sources} $(RUNTIME) $(HEADERS)",
            f"\t$(CC) $(TARGET_FLAGS) $(CFLAGS) $(DEFINES) -Iinclude -I. $(LDFLAGS) "
            f"{sources} $(RUNTIME) -o $@",
            "",
        ]
    lines += ["clean:", f"\trm -f {elfs}", ""]
    return "\n".join(lines)


def _readme(kernel: Kernel, functions: Sequence[str], options: ProgramOptions) -> str:
    config, listed = kernel.config, ", ".join(f"`{function}.elf`" for function in functions)
    if options.platform == Platform.BAREMETAL:
        run = (
            "The programs run in machine mode on hart 0, at "
            f"{options.base_address:#x}, and print through HTIF:\n\n"
            f"    spike --extension=gemmini {functions[0]}.elf\n"
            f"    SIMULATOR +permissive +permissive-off {functions[0]}.elf\n"
            f"    uart_tsi +tty=/dev/ttyUSB1 {functions[0]}.elf\n"
        )
    else:
        run = (
            "The programs run in user mode under a Linux kernel that enables the accelerator\n"
            "(`mstatus.XS`), and need permission to lock their memory (`ulimit -l unlimited`).\n"
        )
    return f"""# {kernel.name} on Gemmini

Kernels and the programs that run them, for the hardware configuration '{config.name}'
(digest {config.digest}). Everything needed is here but a RISC-V compiler.

    make

builds {listed}. `make PARAMS=path/to/gemmini_params.h` also stops if that header, which
was generated together with the hardware, describes another Gemmini than the kernels expect.

{run}
A program prints the cycles that its function took, one line for each output, and `PASS` or
`FAIL`. Exit statuses: 0 pass, 1 wrong result, 2 trap, 3 watchdog, 4 wrong set-up.
"""
