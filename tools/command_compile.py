"""The command line of `gemmini compile`."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from gemmini_xdsl.tools.progress import progress


class Requantization(StrEnum):
    """What to do with requantisation that the hardware does not do exactly."""

    EXACT = "exact"
    FAST = "fast"


class Heuristic(StrEnum):
    """What chooses schedules without records of tuning."""

    DEFAULT = "default"
    LIBRARY = "library"


def compile_command(
    source: Annotated[
        str,
        typer.Argument(
            metavar="INPUT",
            help="MLIR (.mlir), TVMScript (.py) or TVM JSON (.json), or a shorthand: "
            "gemm:M=..,N=..,K=.. with bias=none|row|full|scalar, act=none|relu, scale=FLOAT, "
            "out=i8|i32, ta=0|1, tb=0|1 (transposed operands), za, zb, zc (zero points).",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="Directory to make. One that this command made before is replaced.",
        ),
    ],
    config: Annotated[
        str | None,
        typer.Option(
            metavar="NAME|FILE",
            help="Hardware configuration: a preset or a TOML file (default: the module's own, "
            "else 'default').",
        ),
    ] = None,
    pass_pipeline: Annotated[
        str | None,
        typer.Option(
            metavar="PASSES", help="Passes instead of the default ones: a,b{option=value}."
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            metavar="SCHEDULE",
            help="Schedule of every product: #gemmini.schedule<...>, or its fields such as "
            "'tile = [4, 4, 4], dataflow = ws'.",
        ),
    ] = None,
    heuristic: Annotated[
        Heuristic | None,
        typer.Option(
            help="Choose schedules without records of tuning: by the default heuristic, or as "
            "Gemmini's C library does (LOOP_WS).",
        ),
    ] = None,
    tuning_log: Annotated[
        str | None,
        typer.Option(
            metavar="LOG",
            help="Log of gemmini tune: the best schedule of each product or, with a note, of the "
            "nearest size. Default: shipped, the records of the package; none: no records.",
        ),
    ] = None,
    emit: Annotated[
        str,
        typer.Option(
            metavar="LIST",
            help="What to write, of c, mlir, commands, elf (a RISC-V program that runs a function "
            "and checks it), project (its sources with a Makefile), and by way of LLVM: llvm (IR), "
            "asm and object (RISC-V).",
        ),
    ] = "c,mlir",
    requantization: Annotated[
        Requantization,
        typer.Option(
            help="What the hardware cannot requantise exactly: on the core, or approximately "
            "on the hardware with a warning."
        ),
    ] = Requantization.EXACT,
    strict_rounding: Annotated[
        bool,
        typer.Option(
            "--strict-rounding",
            help="Refuse rounding half away from zero instead of warning (the hardware rounds "
            "half to even).",
        ),
    ] = False,
    name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Name of the files (default: that of the input)."),
    ] = None,
    platform: Annotated[
        str, typer.Option(metavar="NAME", help="Of programs: baremetal or linux.")
    ] = "baremetal",
    base_address: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Where bare-metal programs begin."),
    ] = "0x80000000",
    program_data: Annotated[
        str,
        typer.Option(
            metavar="WHERE", help="Inputs of programs: generated (on the target) or embedded."
        ),
    ] = "generated",
    compare: Annotated[
        str,
        typer.Option(
            metavar="HOW",
            help="What programs compare their outputs with: digest, full (the whole reference) "
            "or none.",
        ),
    ] = "digest",
    watchdog: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="CYCLES",
            help="Give up after so many cycles and print the last command, at three stores a "
            "command (0: never; default: late, without the command).",
        ),
    ] = None,
    runs: Annotated[
        int,
        typer.Option(
            min=1,
            metavar="N",
            help="Programs call the function so often and print the cycles of the last call, "
            "which finds caches filled.",
        ),
    ] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the manifest to standard output.")
    ] = False,
) -> int:
    """Compile a module, or one matrix product, to C.

    Writes the kernel (.c and .h), the MLIR that it was made from, manifest.json, and the headers
    it needs. Nothing is written unless all of it succeeds.
    """
    from gemmini_xdsl.tools.compile import CompileOptions, compile_input
    from gemmini_xdsl.tools.elf_options import announce_compiler, parse_program_options

    options = CompileOptions(
        config=config,
        pass_pipeline=pass_pipeline,
        schedule=schedule,
        heuristic=None if heuristic is None else heuristic.value,
        tuning_log=tuning_log,
        requantization="fast" if requantization == Requantization.FAST else "exact",
        strict_rounding=strict_rounding,
    )
    kinds = [kind.strip() for kind in emit.split(",") if kind.strip()]
    program = parse_program_options(platform, base_address, program_data, compare, watchdog, runs)
    announce_compiler(kinds)
    with progress("compiling"):
        compiled = compile_input(source, output, options, kinds, name, program)
    if as_json:
        typer.echo(compiled.manifest.to_json(), nl=False)
        return 0
    for record in compiled.manifest.functions:
        arguments = ", ".join(
            f"{item.name}: {'x'.join(str(size) for size in item.shape or ()) or 'scalar'} "
            f"{item.dtype}"
            for item in record.arguments
        )
        typer.echo(f"{record.name}({arguments})")
        counts = record.instructions
        if counts is not None:
            listed = ", ".join(f"{count} {mnemonic}" for mnemonic, count in counts.items())
            typer.echo(f"  {sum(counts.values())} instructions: {listed or 'all on the core'}")
    typer.echo(f"written to {output}")
    return 0
