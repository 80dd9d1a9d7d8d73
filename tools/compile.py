"""`gemmini compile`: from a module at any level to C, and the files that hold it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.printer import Printer
from xdsl.transforms.canonicalize import CanonicalizePass
from xdsl.transforms.common_subexpression_elimination import CommonSubexpressionElimination
from xdsl.transforms.convert_linalg_to_loops import ConvertLinalgToLoopsPass
from xdsl.transforms.lower_affine import LowerAffinePass
from xdsl.utils.arg_spec import parse_pipeline
from xdsl.utils.exceptions import ArgSpecParseError, DiagnosticException

from gemmini_xdsl.dialects.attributes import ConfigAttr
from gemmini_xdsl.dialects.config_lookup import CONFIG_ATTRIBUTE, module_config
from gemmini_xdsl.dialects.matmul import MatmulOp
from gemmini_xdsl.hardware import ConfigError, GemminiConfig, load_config
from gemmini_xdsl.hardware.header import write_c_header
from gemmini_xdsl.passes.gemmini_assign_schedule import GemminiAssignSchedulePass
from gemmini_xdsl.passes.pipelines import (
    GemminiDefaultPipelinePass,
    default_pipeline,
    schedule_pass,
    set_config,
)
from gemmini_xdsl.runtime_c.paths import include_dir
from gemmini_xdsl.targets.arguments import annotate_arguments, functions, is_public
from gemmini_xdsl.targets.c_module import CModule, emit_module
from gemmini_xdsl.targets.command_stream import (
    command_stream,
    count_instructions,
    format_stream,
)
from gemmini_xdsl.targets.errors import DataDependentError, TargetError, TooLongError
from gemmini_xdsl.tools.errors import GemminiError, UsageError
from gemmini_xdsl.tools.inputs import describe, load_input, make_context, verify
from gemmini_xdsl.tools.manifest import MANIFEST, FunctionRecord, Manifest
from gemmini_xdsl.tools.output_directory import check_replaceable, write_directory
from gemmini_xdsl.tools.universe import load_universe

if TYPE_CHECKING:
    from gemmini_xdsl.tools.elf_project import ProgramOptions

EMITS = ("c", "mlir", "commands", "elf", "project", "llvm", "asm", "object")
INPUT_SUFFIX = ".input.mlir"
OUR_PACKAGE = "gemmini_xdsl."

CLEANUPS = (CanonicalizePass, CommonSubexpressionElimination)
"""Passes after which a module is not verified, unless they are the last ones."""
RUNTIME_HEADERS = ("isa.h", "rocc.h")


@dataclass(frozen=True)
class CompileOptions:
    """How to compile.

    `config` is a preset or the path of a TOML file (default: what the module says, else the
    default preset); `pass_pipeline` replaces the default pipeline; `schedule` applies to every
    product and is `#gemmini.schedule<...>` or its fields; `heuristic` ("default" or "library")
    chooses every schedule without records of tuning; `tuning_log` is the path of a log of
    `gemmini tune`, "shipped" for the records of the package (the default) or "none".
    """

    config: str | None = None
    pass_pipeline: str | None = None
    schedule: str | None = None
    heuristic: Literal["default", "library"] | None = None
    tuning_log: str | None = None
    requantization: Literal["exact", "fast"] = "exact"
    strict_rounding: bool = False


@dataclass(frozen=True)
class Stage:
    """One step of a compilation: the pass that ran and the number of operations it left."""

    name: str
    operations: int


@dataclass(frozen=True)
class Compiled:
    """The result of a compilation, in memory.

    `original` is the module as it came in, with the configuration and the arguments' names and
    roles; `module` is what C was made from.
    """

    name: str
    original: ModuleOp
    module: ModuleOp
    config: GemminiConfig
    c: CModule
    manifest: Manifest
    stages: tuple[Stage, ...]

    def files(self, emit: Sequence[str] = EMITS[:2]) -> dict[str, str]:
        """Text of all files of a compiled directory, by relative name."""
        files = {f"{self.name}{INPUT_SUFFIX}": _text(self.original)}
        if "c" in emit:
            files[f"{self.name}.c"] = self.c.source
            files[f"{self.name}.h"] = self.c.header
            files["include/gemmini/config.h"] = write_c_header(self.config)
            for header in RUNTIME_HEADERS:
                text = (include_dir() / "gemmini" / header).read_text()
                files[f"include/gemmini/{header}"] = text
        if "mlir" in emit:
            files[f"{self.name}.mlir"] = _text(self.module)
        if "commands" in emit:
            for function in self.c.functions:
                stream = command_stream(self.module, function.symbol)
                text = "".join(format_stream(self.module, function.symbol, stream))
                files[f"{function.c_name}.commands"] = text
        files[MANIFEST] = self.manifest.to_json()
        return files

    def write(
        self,
        directory: Path,
        emit: Sequence[str] = EMITS[:2],
        others: Mapping[str, str | bytes] | None = None,
    ) -> None:
        """Write the files and `others` to `directory`, all or none. Raises `GemminiError`."""
        try:
            files = self.files(emit)
        except TargetError as error:
            raise GemminiError(f"{self.name}: {describe(error)}") from None
        write_directory(directory, {**files, **(others or {})})


def _text(module: ModuleOp) -> str:
    stream = StringIO()
    Printer(stream).print_op(module)
    return stream.getvalue() + "\n"


def compile_input(
    text: str,
    directory: Path,
    options: CompileOptions | None = None,
    emit: Sequence[str] = EMITS[:2],
    name: str | None = None,
    program: ProgramOptions | None = None,
) -> Compiled:
    """Compile a file or a shorthand into `directory`. Raises `GemminiError`.

    `program` is for the kinds elf and project.
    """
    unknown = [kind for kind in emit if kind not in EMITS]
    if unknown or not emit:
        what = f"got '{','.join(unknown)}'" if unknown else "got nothing"
        raise UsageError(f"--emit must list some of {', '.join(EMITS)}; {what}")
    check_replaceable(directory)
    context = make_context()
    source = load_input(text, context)
    compiled = compile_module(source.module, options, name or source.name, context=context)
    others: dict[str, str | bytes] = {}
    if {"elf", "project"} & set(emit):
        # Imported here: it builds on this module.
        from gemmini_xdsl.tools.elf_build import emitted_files

        others |= emitted_files(compiled, emit, program)
    if {"llvm", "asm", "object"} & set(emit):
        from gemmini_xdsl.tools.llvm_emit import llvm_files

        others |= llvm_files(compiled, emit)
    compiled.write(directory, emit, others)
    return compiled


def compile_module(
    module: ModuleOp,
    options: CompileOptions | None = None,
    name: str = "kernel",
    *,
    context: Context | None = None,
) -> Compiled:
    """Compile a module at any level; `module` itself is left as it is.

    Raises `GemminiError` if an option is wrong, a pass refuses the module, or C cannot express
    the result.
    """
    options = options or CompileOptions()
    context = context or make_context()
    original = module.clone()
    _set_config(original, options.config)
    passes = _passes(options, context)
    try:
        annotate_arguments(original)
    except TargetError as error:
        raise GemminiError(f"{name}: {describe(error)}") from None
    verify(original, name)
    lowered = original.clone()
    schedules, stages = _run(lowered, passes, context, name)
    if options.pass_pipeline is None:
        rest = cpu_passes() if _has_cpu_code(lowered) else [step() for step in CLEANUPS]
        stages += _run(lowered, rest, context, name)[1]
    try:
        c = emit_module(lowered, name)
        records = tuple(
            FunctionRecord(
                function.c_name,
                function.arguments,
                schedules.get(function.symbol),
                _count(lowered, function.symbol),
            )
            for function in c.functions
        )
    except TargetError as error:
        raise GemminiError(f"{name}: {describe(error)}") from None
    if not records:
        raise GemminiError(f"{name}: the module has no public function to compile")
    config = module_config(lowered)
    manifest = Manifest(records, config.name, config.digest)
    return Compiled(name, original, lowered, config, c, manifest, tuple(stages))


def _count(module: ModuleOp, symbol: str) -> dict[str, int] | None:
    try:
        return count_instructions(module, symbol)
    except (DataDependentError, TooLongError):
        return None


# -- passes ---------------------------------------------------------------------------------------


def _set_config(module: ModuleOp, name: str | None) -> None:
    try:
        config = load_config(name) if name is not None else module_config(module)
    except ConfigError as error:
        raise GemminiError(str(error)) from None
    module.attributes[CONFIG_ATTRIBUTE] = ConfigAttr(config)


def cpu_passes() -> list[ModulePass]:
    """From linalg on the core to loops: what the default pipeline leaves for the targets."""
    return [
        ConvertLinalgToLoopsPass(),
        LowerAffinePass(),
        CanonicalizePass(),
        CommonSubexpressionElimination(),
    ]


def _has_cpu_code(module: ModuleOp) -> bool:
    """Whether anything is left for the core that is not loops yet."""
    return any(op.name.startswith(("linalg.", "affine.")) for op in module.walk())


def _passes(options: CompileOptions, context: Context) -> list[ModulePass]:
    given = {
        "--schedule": options.schedule,
        "--heuristic": options.heuristic,
        "--tuning-log": options.tuning_log,
    }
    chosen = [name for name, value in given.items() if value is not None]
    if options.pass_pipeline is not None:
        if chosen:
            raise UsageError(
                f"{chosen[0]} has no effect with --pass-pipeline; "
                "give its value to gemmini-assign-schedule there"
            )
        return _parse_passes(options.pass_pipeline, context)
    if len(chosen) > 1:
        raise UsageError(f"{chosen[0]} and {chosen[1]} both choose the schedule; give one")
    if options.schedule is not None:
        try:
            schedule = schedule_pass(context, options.schedule)
        except DiagnosticException as error:
            raise UsageError(f"--schedule: {describe(error)}") from None
    elif options.heuristic is not None:
        schedule = GemminiAssignSchedulePass(heuristic=options.heuristic)
    else:
        schedule = GemminiAssignSchedulePass(log=options.tuning_log or "shipped")
    pipeline = default_pipeline(
        requantization=options.requantization,
        strict_rounding=options.strict_rounding,
        schedule=schedule,
    )
    return pipeline


def _parse_passes(text: str, context: Context) -> list[ModulePass]:
    available = load_universe().all_passes
    try:
        specs = list(parse_pipeline(text))
    except ArgSpecParseError as error:
        reason = str(error).strip().splitlines()[-1].strip()
        raise UsageError(f"--pass-pipeline: '{text}' is not understood: {reason}") from None
    passes: list[ModulePass] = []
    for spec in specs:
        if spec.name not in available:
            raise UsageError(f"--pass-pipeline: unknown pass '{spec.name}'")
        try:
            passes.append(available[spec.name]().from_spec(spec))
        except (ValueError, TypeError, ImportError) as error:
            raise UsageError(f"--pass-pipeline: pass '{spec.name}': {describe(error)}") from None
    return passes


def _expand(item: ModulePass, module: ModuleOp, context: Context) -> list[ModulePass]:
    """The passes of the default pipeline one by one, so that schedules can be seen."""
    if not isinstance(item, GemminiDefaultPipelinePass):
        return [item]
    if item.config is not None:
        set_config(module, item.config)
    return default_pipeline(
        requantization=item.requantization,
        strict_rounding=item.strict_rounding,
        schedule=None if item.schedule is None else schedule_pass(context, item.schedule),
    )


def _run(
    module: ModuleOp, passes: Sequence[ModulePass], context: Context, name: str
) -> tuple[dict[str, str], list[Stage]]:
    schedules: dict[str, str] = {}
    stages: list[Stage] = []
    for outer in passes:
        step = outer
        try:
            for step in _expand(outer, module, context):
                step.apply(context, module)
                if step is passes[-1] or not isinstance(step, CLEANUPS):
                    module.verify()
                _note_schedules(module, schedules)
                stages.append(Stage(step.name, sum(1 for _ in module.walk())))
        except (DiagnosticException, ConfigError) as error:
            raise GemminiError(f"{name}: {step.name}: {describe(error)}") from None
        except GemminiError:
            raise
        except RecursionError:
            raise GemminiError(f"{name}: {step.name}: nested too deeply") from None
        except Exception as error:
            if type(step).__module__.startswith(OUR_PACKAGE):
                raise
            # xDSL answers what it does not support with exceptions of many kinds.
            detail = f"{type(error).__name__}: {describe(error)}"
            raise GemminiError(f"{name}: {step.name} failed: {detail}") from None
    return schedules, stages


def _note_schedules(module: ModuleOp, schedules: dict[str, str]) -> None:
    """Remember the schedules of each function's products, until they are lowered away."""
    for function in functions(module):
        if not is_public(function):
            continue
        found = [
            str(op.schedule)
            for op in function.walk()
            if isinstance(op, MatmulOp) and op.schedule is not None
        ]
        if found:
            schedules[function.sym_name.data] = "; ".join(found)
