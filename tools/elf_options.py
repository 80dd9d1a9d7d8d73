"""The options of `gemmini compile` that concern RISC-V programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import typer

from gemmini_xdsl.tools.elf_compilers import find_cross_compiler
from gemmini_xdsl.tools.elf_main import MainOptions
from gemmini_xdsl.tools.elf_project import Platform, ProgramOptions
from gemmini_xdsl.tools.errors import UsageError

_DATA = ("generated", "embedded")
_COMPARE = ("digest", "full", "none")


def parse_program_options(
    platform: str,
    base_address: str,
    data: str,
    compare: str,
    watchdog: int | None,
    runs: int = 1,
) -> ProgramOptions:
    """The options that the command line's texts mean. Raises `UsageError`."""
    _require("--platform", platform, list(Platform))
    _require("--program-data", data, _DATA)
    _require("--compare", compare, _COMPARE)
    try:
        base = int(base_address, 0)
    except ValueError:
        raise UsageError(
            f"--base-address must be a number such as 0x80000000, got '{base_address}'"
        ) from None
    main = MainOptions(embed=data == "embedded", compare=compare, runs=runs)
    if watchdog is not None:
        main = replace(main, watchdog=watchdog)
    return ProgramOptions(
        platform=Platform(platform),
        base_address=base,
        record_commands=bool(watchdog),
        main=main,
    )


def announce_compiler(kinds: Sequence[str]) -> None:
    """Tell on standard error which cross compiler `--emit elf` uses. Raises `GemminiError`."""
    if "elf" in kinds:
        compiler = find_cross_compiler()
        typer.echo(f"RISC-V compiler: {compiler.name} ({compiler.version()})", err=True)


def _require(option: str, value: str, allowed: Sequence[str]) -> None:
    if value not in allowed:
        raise UsageError(f"{option} must be one of {', '.join(allowed)}; got '{value}'")
