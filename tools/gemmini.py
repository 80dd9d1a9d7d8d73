"""The `gemmini` command.

Exit status: 0 on success, 1 if something cannot be done or a check fails, 2 if the command line
is wrong, 3 on an internal error. Results go to standard output, everything else to standard error.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from typing import Annotated, Any

import typer

from gemmini_xdsl.tools.command_compile import compile_command
from gemmini_xdsl.tools.command_disasm import disasm_command
from gemmini_xdsl.tools.command_doctor import doctor_command
from gemmini_xdsl.tools.command_replay import replay_command
from gemmini_xdsl.tools.command_run import run_command
from gemmini_xdsl.tools.command_trace import trace_command
from gemmini_xdsl.tools.command_tune import tune_command, tune_server_command
from gemmini_xdsl.tools.errors import EXIT_INTERRUPTED, GemminiError, UsageError

PROGRAM = "gemmini"
DEBUG_VARIABLE = "GEMMINI_DEBUG"
EXIT_OK, EXIT_FAILED, EXIT_USAGE, EXIT_INTERNAL = 0, 1, 2, 3

# What typer raises for a wrong command line; it has no public name in every version of typer.
CommandLineError: Any = next(
    base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException"
)

app = typer.Typer(
    name=PROGRAM,
    help="Compile integer matrix products for the Gemmini systolic array, and run them.",
    epilog="Example: gemmini compile gemm:M=100,N=60,K=200,bias=row,act=relu,scale=0.01 -o out",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(value: bool) -> None:
    if value:
        typer.echo(f"{PROGRAM} {version('gemmini-xdsl')}")
        raise typer.Exit


@app.callback()
def _options(
    _: Annotated[
        bool,
        typer.Option(
            "--version", callback=_print_version, is_eager=True, help="Print the version and exit."
        ),
    ] = False,
) -> None:
    return


app.command(
    "compile",
    epilog="Example: gemmini compile gemm:M=100,N=60,K=200,bias=row,act=relu,scale=0.01 -o out",
)(compile_command)
app.command("run", epilog="Example: gemmini run out --seed 1 --check --json")(run_command)
app.command("replay", epilog="Example: gemmini replay out/gemm.commands --host-gap 4")(
    replay_command
)
app.command("trace", epilog="Example: gemmini trace out -o trace.json --png trace.png")(
    trace_command
)
app.command("disasm", epilog="Example: gemmini disasm out/gemm.elf")(disasm_command)
app.command("doctor", epilog="Example: gemmini doctor")(doctor_command)
app.command(
    "tune",
    epilog="Example: gemmini tune gemm:M=128,N=128,K=128 -o log.json --report tune.html",
)(tune_command)
app.command(
    "tune-server",
    epilog="Example: gemmini tune-server --tracker 192.168.1.2:9190 --key zcu102",
)(tune_server_command)


def main(args: Sequence[str] | None = None) -> int:
    """Entry point of `gemmini`: runs the command line `args` and returns the exit status."""
    try:
        status = app(args=args, prog_name=PROGRAM, standalone_mode=False)
        sys.stdout.flush()
        return status if isinstance(status, int) else EXIT_OK
    except UsageError as error:
        return _report(f"error: {error}", EXIT_USAGE, error)
    except GemminiError as error:
        return _report(f"error: {error}", EXIT_FAILED, error)
    except CommandLineError as error:
        text = " ".join(error.format_message().replace("Value error, ", "").split())
        return _report(f"error: {text} ({PROGRAM} --help)", EXIT_USAGE, error)
    except (typer.Abort, KeyboardInterrupt):
        return _report("interrupted", EXIT_INTERRUPTED, None)
    except BrokenPipeError:
        # The reader has seen enough; Python would complain when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:
        detail = " ".join(str(error).split())
        return _report(
            f"internal error: {type(error).__name__}: {detail} "
            f"(a bug; {DEBUG_VARIABLE}=1 shows the traceback)",
            EXIT_INTERNAL,
            error,
        )


def _report(message: str, status: int, error: BaseException | None) -> int:
    if error is not None and os.environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exception(error, file=sys.stderr)
    print(f"{PROGRAM}: {message}", file=sys.stderr)
    return status
