"""Cross compilers for RISC-V programs: which are installed, and how each is called."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gemmini_xdsl.tools.errors import GemminiError

VARIABLE = "GEMMINI_RISCV_CC"
GCC_NAMES = ("riscv64-unknown-elf-gcc", "riscv64-linux-gnu-gcc")
GNU_LINKERS = ("riscv64-unknown-elf-ld", "riscv64-linux-gnu-ld")
MAX_MESSAGE_LINES = 20

TARGET_FLAGS = ("-march=rv64gc", "-mabi=lp64d", "-mcmodel=medany")
COMPILE_FLAGS = (
    "-std=c17",
    "-O2",
    "-ffreestanding",
    "-ffp-contract=off",
    "-fno-pic",
    "-fno-stack-protector",
    "-fno-asynchronous-unwind-tables",
    "-Wall",
    "-Wextra",
)
LINK_FLAGS = ("-nostdlib", "-static", "-Wl,--build-id=none")

Family = Literal["gcc", "clang", "zig"]


@dataclass(frozen=True)
class CrossCompiler:
    """A command that compiles and links RV64GC programs, and the flags that it needs for that."""

    command: tuple[str, ...]
    family: Family
    flags: tuple[str, ...]

    @property
    def name(self) -> str:
        """The command as a person would type it."""
        return shlex.join(self.command)

    def version(self) -> str:
        """First line of `--version`, or why it cannot be run."""
        try:
            result = subprocess.run(
                [*self.command, "--version"],
                capture_output=True,
                text=True,
                errors="replace",
                timeout=60,
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"cannot be run: {error}"
        lines = (result.stdout or result.stderr).strip().splitlines()
        return lines[0] if lines else "unknown version"


@dataclass(frozen=True)
class Candidate:
    """One place where the search looks: what it is, and the compiler or why there is none."""

    what: str
    compiler: CrossCompiler | None
    reason: str = ""


def candidates() -> list[Candidate]:
    """Every place of the search in order, the user's choice first."""
    found: list[Candidate] = []
    chosen = os.environ.get(VARIABLE, "").strip()
    if chosen:
        found.append(_chosen(chosen))
    for name in GCC_NAMES:
        if shutil.which(name) is None:
            found.append(Candidate(name, None, "not on PATH"))
        else:
            found.append(Candidate(name, CrossCompiler((name,), "gcc", TARGET_FLAGS)))
    found.append(_clang(("clang",)))
    found.append(_zig())
    return found


def find_cross_compiler() -> CrossCompiler:
    """The first compiler of the search; only `$GEMMINI_RISCV_CC` if that is set.

    Raises `GemminiError` with what was looked for.
    """
    looked = candidates()
    if os.environ.get(VARIABLE, "").strip():
        looked = looked[:1]
    for candidate in looked:
        if candidate.compiler is not None:
            return candidate.compiler
    reasons = "; ".join(f"{candidate.what}: {candidate.reason}" for candidate in looked)
    raise GemminiError(
        f"no RISC-V cross compiler found ({reasons}); install one (Debian and Ubuntu: "
        f"apt-get install gcc-riscv64-unknown-elf) or set {VARIABLE}"
    )


def compiler_of(text: str) -> CrossCompiler:
    """The compiler of a command line such as `clang` or `/opt/riscv/bin/riscv64-elf-gcc`.

    Raises `GemminiError` if it is no program or cannot link.
    """
    candidate = _chosen(text)
    if candidate.compiler is None:
        raise GemminiError(f"{candidate.what}: {candidate.reason}")
    return candidate.compiler


def run_compiler(compiler: CrossCompiler, arguments: Sequence[str], folder: Path) -> None:
    """Run the compiler in `folder`. Raises `GemminiError` with its message if it fails."""
    command = [*compiler.command, *compiler.flags, *arguments]
    try:
        result = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, errors="replace"
        )
    except OSError as error:
        raise GemminiError(f"{compiler.name} cannot be run: {error.strerror}") from None
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines()[:MAX_MESSAGE_LINES]
        raise GemminiError(f"{compiler.name} cannot build the RISC-V program:\n" + "\n".join(lines))


def _chosen(text: str) -> Candidate:
    what = f"{VARIABLE}='{text}'"
    try:
        command = tuple(shlex.split(text))
    except ValueError as error:
        return Candidate(what, None, f"not a command: {error}")
    if not command or shutil.which(command[0]) is None:
        return Candidate(what, None, "no such program")
    if "ziglang" in command or Path(command[0]).name == "zig":
        return Candidate(what, CrossCompiler(command, "zig", _ZIG_FLAGS))
    if "clang" in Path(command[0]).name:
        candidate = _clang(command)
        return Candidate(what, candidate.compiler, candidate.reason)
    return Candidate(what, CrossCompiler(command, "gcc", TARGET_FLAGS))


def _clang(command: tuple[str, ...]) -> Candidate:
    what = f"{shlex.join(command)} with lld"
    if shutil.which(command[0]) is None:
        return Candidate(what, None, "clang is not on PATH")
    flags = ("--target=riscv64-unknown-elf", *TARGET_FLAGS)
    # lld before version 15 cannot relax.
    no_relax = (*flags, "-mno-relax", "-Wno-unused-command-line-argument")
    version = command[0].partition("clang")[2]
    for linker in ("ld.lld", f"ld.lld{version}"):
        if shutil.which(linker) is not None:
            compiler = CrossCompiler(command, "clang", (*no_relax, f"--ld-path={linker}"))
            return Candidate(what, compiler)
    for linker in GNU_LINKERS:
        path = shutil.which(linker)
        if path is not None:
            compiler = CrossCompiler(command, "clang", (*no_relax, f"--ld-path={path}"))
            return Candidate(f"{shlex.join(command)} with {linker}", compiler)
    return Candidate(what, None, "no linker: neither ld.lld nor a RISC-V ld is on PATH")


_ZIG_FLAGS = (
    "-target",
    "riscv64-freestanding-none",
    "-mcpu=generic_rv64+m+a+f+d+c",
    "-mabi=lp64d",
    "-mcmodel=medany",
    "-fno-sanitize=undefined",
    "-g0",
    "-Wno-unused-command-line-argument",
)


def _zig() -> Candidate:
    what = "python -m ziglang cc"
    if importlib.util.find_spec("ziglang") is None:
        return Candidate(what, None, "the Python package ziglang is not installed")
    command = (sys.executable, "-m", "ziglang", "cc")
    return Candidate(what, CrossCompiler(command, "zig", _ZIG_FLAGS))
