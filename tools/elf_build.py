"""From compiled modules and compiled directories to RISC-V programs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from xdsl.dialects import func

from gemmini_xdsl.targets.arguments import functions
from gemmini_xdsl.tools.compile import Compiled
from gemmini_xdsl.tools.elf_compilers import CrossCompiler, find_cross_compiler
from gemmini_xdsl.tools.elf_data import Array, ProgramArgument, program_data
from gemmini_xdsl.tools.elf_project import (
    Kernel,
    ProgramOptions,
    build_elf,
    program_sources,
    project_files,
)
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.run import CompiledDirectory

PROJECT = "project"


@dataclass(frozen=True)
class BuiltProgram:
    """One function's program."""

    function: str
    elf: bytes
    compiler: CrossCompiler
    arguments: tuple[ProgramArgument, ...]


def emitted_files(
    compiled: Compiled,
    kinds: Sequence[str],
    options: ProgramOptions | None = None,
    seed: int = 0,
    compiler: CrossCompiler | None = None,
) -> dict[str, str | bytes]:
    """What `--emit elf` and `--emit project` add to a compiled directory. Raises `GemminiError`."""
    options = options or ProgramOptions()
    kernel = Kernel(compiled.name, compiled.c.source, compiled.c.header, compiled.config)
    check = options.main.compare != "none"
    programs = {
        function.c_name: program_data(
            compiled.original,
            _original(compiled, function.symbol),
            compiled.config,
            seed=seed,
            check=check,
            runs=options.main.runs,
        )
        for function in compiled.c.functions
    }
    files = project_files(kernel, programs, options)
    result: dict[str, str | bytes] = {}
    if PROJECT in kinds:
        result.update({f"{PROJECT}/{name}": text for name, text in files.items()})
    if "elf" in kinds:
        chosen = compiler or find_cross_compiler()
        for function in programs:
            sources = program_sources(kernel.name, function, files)
            result[f"{function}.elf"] = build_elf(chosen, files, sources, options)
    return result


def build_program(
    directory: CompiledDirectory,
    function: str | None,
    options: ProgramOptions,
    *,
    seed: int = 0,
    inputs: Mapping[str, Array | Path] | None = None,
    compiler: CrossCompiler | None = None,
) -> BuiltProgram:
    """Build the program of one function of a compiled directory. Raises `GemminiError`."""
    record, original = directory.select(function)
    texts = []
    for suffix in (".c", ".h"):
        path = directory.path / f"{directory.name}{suffix}"
        if not path.is_file():
            raise GemminiError(f"{directory.path}: has no {path.name}; compile with --emit c,mlir")
        texts.append(path.read_text())
    kernel = Kernel(directory.name, texts[0], texts[1], directory.config)
    arguments = program_data(
        directory.module,
        original,
        directory.config,
        seed=seed,
        inputs=inputs,
        check=options.main.compare != "none",
        runs=options.main.runs,
    )
    files = project_files(kernel, {record.name: arguments}, options)
    chosen = compiler or find_cross_compiler()
    sources = program_sources(kernel.name, record.name, files)
    elf = build_elf(chosen, files, sources, options)
    return BuiltProgram(record.name, elf, chosen, tuple(arguments))


def _original(compiled: Compiled, symbol: str) -> func.FuncOp:
    for op in functions(compiled.original):
        if op.sym_name.data == symbol:
            return op
    raise GemminiError(f"{compiled.name}: the input module lacks function '{symbol}'")
