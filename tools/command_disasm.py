"""The command line of `gemmini disasm`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def disasm_command(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A RISC-V ELF file, or a stream of commands (gemmini compile --emit commands).",
        ),
    ],
    config: Annotated[
        str,
        typer.Option(metavar="NAME|FILE", help="Hardware, for its opcode and memory sizes."),
    ] = "default",
) -> int:
    """Print the commands in a file with their decoded fields.

    Of an ELF file, every custom instruction with its registers and the function that it is in; of
    a stream, every command with the values of its fields.
    """
    from gemmini_xdsl.hardware import ConfigError, load_config
    from gemmini_xdsl.tools.disassemble import disassemble_file
    from gemmini_xdsl.tools.errors import GemminiError

    try:
        hardware = load_config(config)
    except ConfigError as error:
        raise GemminiError(str(error)) from None
    for line in disassemble_file(file, hardware):
        typer.echo(line)
    return 0
