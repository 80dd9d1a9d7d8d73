"""`gemmini-opt`: runs any part of the pipeline on any MLIR file."""

from __future__ import annotations

import dataclasses
import difflib
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from io import StringIO
from typing import IO, TextIO, TypeVar

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Attribute, Operation
from xdsl.passes import PassPipeline
from xdsl.printer import Printer
from xdsl.utils.arg_spec import ArgSpec, ArgSpecConvertible, parse_pipeline, parse_spec
from xdsl.utils.diagnostic import Diagnostic
from xdsl.utils.exceptions import (
    ArgSpecParseError,
    DiagnosticException,
    ParseError,
    ShrinkException,
    VerifyException,
)
from xdsl.utils.lexer import Span
from xdsl.xdsl_opt_main import xDSLOptMain

from gemmini_xdsl.hardware import ConfigError
from gemmini_xdsl.tools.opt_help import (
    ArgumentParser,
    UsageError,
    describe_options,
    describe_universe,
)
from gemmini_xdsl.tools.output_file import write_output_file
from gemmini_xdsl.tools.source_locations import (
    LocatingParser,
    format_at_span,
    format_parse_error,
    location_of,
)
from gemmini_xdsl.tools.universe import GEMMINI_UNIVERSE, load_universe

PROGRAM = "gemmini-opt"
DEBUG_VARIABLE = "GEMMINI_DEBUG"

EXIT_OK, EXIT_REFUSED, EXIT_INTERNAL_ERROR, EXIT_INTERRUPTED = 0, 1, 2, 130

_Component = TypeVar("_Component", bound=ArgSpecConvertible)


class OptError(Exception):
    """The complete text of a message to the user."""


@dataclass(frozen=True)
class Stage:
    """What the driver is doing, for messages.

    An unexpected exception is our bug in a pass or target of ours (`ours`). Elsewhere it is how
    xDSL answers input that it does not support.
    """

    text: str
    ours: bool = False


STARTING = Stage("starting", ours=True)
PARSING = Stage("parsing")
VERIFICATION = Stage("verification")


class GemminiOpt(xDSLOptMain):
    """xDSL's driver with our dialects, passes and targets, and with errors made readable.

    An error is one message on standard error, with the position in the input where that is
    known; nothing is then written to the output.
    """

    def __init__(self, args: Sequence[str] | None = None):
        """Parse the options `args` (those of the process if None). Raises `UsageError`."""
        # Replaces the constructor of the base class, whose parser reports errors in its own way.
        self.universe = load_universe()
        self.available_frontends = {}
        self.available_passes = dict(self.universe.all_passes)
        self.available_targets = dict(self.universe.all_targets)
        self.ctx = Context()
        for name, load in self.universe.all_dialects.items():
            self.ctx.register_dialect(name, load)
        self.register_all_frontends()

        parser = ArgumentParser(
            "Applies passes to an MLIR module and prints it, or what a target makes of it.",
            lambda: describe_universe(GEMMINI_UNIVERSE, self.universe),
        )
        self.register_all_arguments(parser)
        parser.set_help("input_file", "MLIR file; standard input if absent or '-'")
        parser.set_help("passes", "passes to apply, in order: a,b{option=value},c", "PIPELINE")
        parser.set_help("target", "what to print: mlir (the default) or another target", "TARGET")
        parser.set_help("output_file", "file to write; standard output if absent", "FILE")
        self.args = parser.parse_args(args)
        if self.args.input_file == "-":
            self.args.input_file = None
        if self.args.output_file == "-":
            self.args.output_file = None

        self.ctx.allow_unregistered = self.args.allow_unregistered_dialect
        if self.args.disable_verify:
            Attribute.__post_init__ = _verify_nothing  # type: ignore[method-assign]
        if self.args.syntax_highlight:
            Diagnostic.colored = True

        self._stage = STARTING
        self._parser: LocatingParser | None = None
        self._line_offset = 0
        self.setup_pipeline()
        self._check_target()

    @property
    def version_format(self) -> str:  # type: ignore[override]
        """Text of `--version`."""
        return f"{PROGRAM} {version('gemmini-xdsl')} (xDSL {{xdsl_version}})"

    # -- options ------------------------------------------------------------------------------

    def setup_pipeline(self) -> None:
        """Create the passes named by the options. Raises `UsageError`."""
        try:
            specs = list(parse_pipeline(self.args.passes))
        except ArgSpecParseError as error:
            raise UsageError(_spec_message("-p", error)) from None
        self.pipeline = PassPipeline(
            tuple(_instantiate("pass", self.available_passes, spec) for spec in specs)
        )

    def _check_target(self) -> None:
        try:
            spec = parse_spec(self.args.target)
        except ArgSpecParseError as error:
            raise UsageError(_spec_message("-t", error)) from None
        _instantiate("target", self.available_targets, spec)  # type: ignore[arg-type]

    # -- steps --------------------------------------------------------------------------------

    def get_input_name(self) -> str:
        """The input as messages name it."""
        return self.args.input_file or "<stdin>"

    def register_all_frontends(self) -> None:
        """Register the one input format."""

        def parse_mlir(stream: IO[bytes]) -> ModuleOp:
            text = stream.read().decode()
            self._parser = LocatingParser(self.ctx, text, self.get_input_name(), self._line_offset)
            return self._parser.parse_module(not self.args.no_implicit_module)

        self.available_frontends["mlir"] = parse_mlir

    def apply_passes(self, prog: ModuleOp) -> None:
        """Verify, then apply each pass and verify again."""
        self._verify(prog, VERIFICATION)
        for index, pass_ in enumerate(self.pipeline.passes):
            ours = pass_.name in GEMMINI_UNIVERSE.all_passes
            self._stage = Stage(f"pass '{pass_.name}'", ours)
            start = time.perf_counter()
            pass_.apply(self.ctx, prog)
            if self.args.time_passes:
                print(f"Pass {pass_.name} took {time.perf_counter() - start} seconds")
            self._verify(prog, Stage(f"verification after pass '{pass_.name}'", ours))
            if self.args.print_between_passes and index + 1 < len(self.pipeline.passes):
                print(f"IR after {pass_.name}:")
                Printer(stream=sys.stdout).print_op(prog)
                print("\n\n\n")

    def _verify(self, module: ModuleOp, stage: Stage) -> None:
        self._stage = stage
        if not self.args.disable_verify:
            module.verify()

    def _read_chunks(self) -> tuple[list[tuple[IO[bytes], int]], str]:
        name = self.get_input_name()
        try:
            return self.prepare_input()
        except OSError as error:
            raise OptError(f"{PROGRAM}: error: {name}: {error.strerror}") from None
        except ValueError:
            raise OptError(
                f"{PROGRAM}: error: {name}: the format does not follow from the extension; "
                "name it, as in -f mlir"
            ) from None

    def _process(self, chunk: IO[bytes], extension: str) -> str:
        self._stage = PARSING
        module = self.parse_chunk(chunk, extension)
        if module is None:
            return ""
        self.apply_passes(module)
        target = parse_spec(self.args.target).name
        self._stage = Stage(f"target '{target}'", target in GEMMINI_UNIVERSE.all_targets)
        return self.output_resulting_program(module)

    def run(self) -> None:
        """Process the input and write all of the output, or raise without writing any of it."""
        output, diagnostics = StringIO(), StringIO()
        if self.args.output_file is None:
            diagnostics = output
        chunks, extension = self._read_chunks()
        for index, (chunk, offset) in enumerate(chunks):
            self._line_offset = offset
            self._parser = None
            if index > 0:
                output.write("// -----\n")
            try:
                with chunk:
                    output.write(self._process(chunk, extension))
            except ParseError as error:
                error.span = _shifted(error.span, offset)
                if not self.args.parsing_diagnostics:
                    raise OptError(format_parse_error(error)) from error
                print(error, file=diagnostics)
            except DiagnosticException as error:
                if not self.args.verify_diagnostics:
                    raise OptError(self._describe(error)) from error
                print(error, *getattr(error, "__notes__", ()), sep="\n", file=diagnostics)
            except (ShrinkException, OptError):
                raise
            except RecursionError as error:
                raise OptError(
                    f"{PROGRAM}: error: {self.get_input_name()}: nested too deeply"
                ) from error
            except Exception as error:
                if self._stage.ours and not isinstance(error, ConfigError):
                    raise
                raise OptError(self._describe_failure(error)) from error
        if diagnostics is not output:
            sys.stdout.write(diagnostics.getvalue())
        self._write(output.getvalue())

    def _write(self, text: str) -> None:
        name = self.args.output_file
        if name is None:
            sys.stdout.write(text)
            sys.stdout.flush()
            return
        try:
            write_output_file(name, text)
        except OSError as error:
            raise OptError(f"{PROGRAM}: error: {name}: {error.strerror}") from None

    # -- messages -----------------------------------------------------------------------------

    def _describe(self, error: DiagnosticException) -> str:
        location = None
        subject = ""
        if isinstance(error, VerifyException) and (op := _verified_op(error)) is not None:
            location = location_of(op)
            subject = f"'{op.name}': "
        place = location or f"{PROGRAM}: {self.get_input_name()}"
        stage = "" if self._stage == VERIFICATION else f"{self._stage.text}: "
        return f"{place}: error: {stage}{subject}{error}".rstrip()

    def _describe_failure(self, error: Exception) -> str:
        """The message for an exception that is not meant for users."""
        detail = " ".join(str(error).split())
        if not isinstance(error, ConfigError):
            detail = f"{type(error).__name__}: {detail}" if detail else type(error).__name__
        if self._stage == PARSING and self._parser is not None:
            span = _shifted(self._parser.current_span, self._line_offset)
            return format_at_span(span, f"malformed input ({detail})")
        op = _verified_op(error)
        place = (op and location_of(op)) or f"{PROGRAM}: {self.get_input_name()}"
        return f"{place}: error: {self._stage.text} failed: {detail}"


def main(args: Sequence[str] | None = None) -> int:
    """Entry point of `gemmini-opt`: returns the exit status.

    0 on success, 1 if the input or an option is refused, 2 on an internal error.
    """
    tool: GemminiOpt | None = None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = _show_warning
        try:
            tool = GemminiOpt(args)
            tool.run()
        except UsageError as error:
            return _report(f"{PROGRAM}: error: {error}", error, EXIT_REFUSED)
        except OptError as error:
            return _report(str(error), error, EXIT_REFUSED)
        except ShrinkException:
            print("Success, can shrink")
            return EXIT_OK
        except BrokenPipeError:
            # The reader has seen enough; Python would complain when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_REFUSED
        except KeyboardInterrupt:
            return _report(f"{PROGRAM}: interrupted", None, EXIT_INTERRUPTED)
        except Exception as error:
            stage = STARTING if tool is None else tool._stage
            detail = " ".join(str(error).split())
            return _report(
                f"{PROGRAM}: internal error: {stage.text}: {type(error).__name__}: {detail} "
                f"(a bug; {DEBUG_VARIABLE}=1 shows the traceback)",
                error,
                EXIT_INTERNAL_ERROR,
            )
    if tool.args.shrink:
        print("Failure, can't shrink")
        return EXIT_REFUSED
    return EXIT_OK


def _report(message: str, error: BaseException | None, status: int) -> int:
    if error is not None and os.environ.get(DEBUG_VARIABLE) == "1":
        traceback.print_exception(error, file=sys.stderr)
    print(message, file=sys.stderr)
    return status


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    print(f"{PROGRAM}: warning: {message}", file=sys.stderr)


def _instantiate(
    kind: str, available: dict[str, Callable[[], type[_Component]]], spec: ArgSpec
) -> _Component:
    """The pass or target that `spec` names, with its options. Raises `UsageError`."""
    if spec.name not in available:
        raise UsageError(f"unknown {kind} '{spec.name}'{_suggestion(spec.name, available)}")
    try:
        component = available[spec.name]()
    except ImportError as error:
        raise UsageError(f"{kind} '{spec.name}' cannot be used here: {error}") from error
    try:
        return component.from_spec(spec)
    except (ValueError, TypeError) as error:
        options = ", ".join(describe_options(component)) or "none"
        detail = " ".join(str(error).split())
        raise UsageError(f"{kind} '{spec.name}': {detail} (its options: {options})") from error


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean '{close[0]}'?" if close else f"; {PROGRAM} --help lists all"


def _spec_message(option: str, error: ArgSpecParseError) -> str:
    """The text of an error in a pipeline without the title that xDSL gives it."""
    lines = str(error).splitlines()[1:]
    return f"argument {option}: not understood\n" + "\n".join(lines)


def _verified_op(error: Exception) -> Operation | None:
    """The operation whose verification raised `error`."""
    innermost = None
    for frame, _ in traceback.walk_tb(error.__traceback__):
        subject = frame.f_locals.get("self")
        if frame.f_code.co_name == "verify" and isinstance(subject, Operation):
            innermost = subject
    return innermost


def _shifted(span: Span[str] | Span[bytes], line_offset: int) -> Span[str] | Span[bytes]:
    """`span` in a file of which the input is a chunk that `line_offset` lines precede."""
    return dataclasses.replace(span, line_offset=line_offset)


def _verify_nothing(self: Attribute) -> None:
    """Stands in for the verification of attributes with `--disable-verify`."""


if __name__ == "__main__":
    sys.exit(main())
