"""`gemmini run`: builds a compiled directory for this machine and runs it in the simulator."""

from __future__ import annotations

import ctypes
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp

from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.runtime_c.paths import library_path
from gemmini_xdsl.runtime_c.simulator import Simulator, SimulatorError
from gemmini_xdsl.targets.arguments import Argument, Role, arguments_of, functions, is_public
from gemmini_xdsl.targets.c_names import sanitise
from gemmini_xdsl.tools.buffers import Buffer, allocate, fill_inputs, load_array
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.host_build import build_shared_library
from gemmini_xdsl.tools.inputs import load_mlir, make_context
from gemmini_xdsl.tools.loaded_library import Segment, library_segments, unload
from gemmini_xdsl.tools.manifest import MANIFEST, FunctionRecord, Manifest
from gemmini_xdsl.tools.reference import evaluate_function
from gemmini_xdsl.tools.run_timing import (
    DEFAULT_HOST_GAP,
    RunTiming,
    Timer,
    parse_counters,
    place,
)

Array = NDArray[Any]
Check = Literal["pass", "fail", "not run"]
INPUT_SUFFIX = ".input.mlir"


@dataclass(frozen=True)
class RunOptions:
    """How to run a function.

    `inputs` are arrays or paths of .npy files by argument name; inputs that are not given are
    random (`seed`), outputs that are not given start as zeros. `check` compares all outputs with
    the numpy reference; `checked_simulator` turns the simulator's sanitizer on. `timing` models
    time, the core sending a command every `host_gap` cycles; `counters` names the events that the
    hardware counters count, separated by commas.
    """

    function: str | None = None
    inputs: Mapping[str, Array | Path] = field(default_factory=dict)
    seed: int = 0
    check: bool = False
    checked_simulator: bool = True
    timing: bool = True
    host_gap: int = DEFAULT_HOST_GAP
    counters: str | None = None


@dataclass(frozen=True)
class RunResult:
    """What a run produced. `max_abs_error` is over all outputs, None without a check.

    `timing` is None if time was not modelled.
    """

    function: str
    outputs: dict[str, Array]
    check: Check = "not run"
    max_abs_error: float | None = None
    mismatches: int = 0
    files: dict[str, str] = field(default_factory=dict)
    timing: RunTiming | None = None

    def to_json(self) -> str:
        """One JSON object: function, check, max_abs_error (null if none), outputs, and time."""
        error = self.max_abs_error
        if error is not None:
            error = None if not math.isfinite(error) else error
            error = int(error) if error is not None and error == int(error) else error
        return json.dumps(
            {
                "function": self.function,
                "check": self.check,
                "max_abs_error": error,
                "outputs": self.files,
                **({} if self.timing is None else self.timing.as_json()),
            },
            indent=2,
        )


@dataclass(frozen=True)
class CompiledDirectory:
    """A directory that `gemmini compile` made."""

    path: Path
    name: str
    manifest: Manifest
    module: ModuleOp
    config: GemminiConfig

    @staticmethod
    def open(path: Path) -> CompiledDirectory:
        """Read `path`. Raises `GemminiError` if it was not made by `gemmini compile`."""
        try:
            manifest = Manifest.from_json((path / MANIFEST).read_text())
        except FileNotFoundError:
            raise GemminiError(f"{path}: no {MANIFEST}: not made by gemmini compile") from None
        except OSError as error:
            raise GemminiError(f"{path}: cannot be read: {error.strerror}") from None
        except ValueError:
            raise GemminiError(f"{path / MANIFEST}: not a manifest; compile again") from None
        originals = sorted(path.glob(f"*{INPUT_SUFFIX}"))
        if len(originals) != 1:
            raise GemminiError(f"{path}: needs exactly one *{INPUT_SUFFIX}; compile again")
        module = load_mlir(originals[0], make_context())
        config = module_config(module)
        if config.digest != manifest.config_digest:
            raise GemminiError(
                f"{path}: {MANIFEST} is for another hardware description than "
                f"{originals[0].name} (digest {manifest.config_digest}, not {config.digest}); "
                "compile again"
            )
        name = originals[0].name.removesuffix(INPUT_SUFFIX)
        return CompiledDirectory(path, name, manifest, module, config)

    def select(self, name: str | None) -> tuple[FunctionRecord, func.FuncOp]:
        """The function called `name`, or the only one, and what it was compiled from."""
        names = [record.name for record in self.manifest.functions]
        if name is None and len(names) != 1:
            raise GemminiError(
                f"{self.path}: choose a function with --function: {', '.join(names)}"
            )
        chosen = names[0] if name is None else name
        for record in self.manifest.functions:
            if record.name == chosen:
                return record, self._original(chosen)
        raise GemminiError(f"{self.path}: no function '{chosen}'; it has {', '.join(names)}")

    def _original(self, c_name: str) -> func.FuncOp:
        candidates = [op for op in functions(self.module) if is_public(op) and op.body.blocks]
        for op in candidates:
            if op.sym_name.data == c_name:
                return op
        for op in candidates:
            if sanitise(op.sym_name.data) == c_name:
                return op
        raise GemminiError(f"{self.path}: {self.name}{INPUT_SUFFIX} lacks function '{c_name}'")


def run_directory(path: Path, options: RunOptions | None = None) -> RunResult:
    """Build and run one function of a compiled directory. Raises `GemminiError`."""
    options = options or RunOptions()
    compiled = CompiledDirectory.open(path)
    record, original = compiled.select(options.function)
    source = path / f"{compiled.name}.c"
    if not source.is_file():
        raise GemminiError(f"{path}: has no {source.name}; compile with --emit c,mlir")
    buffers = _buffers(original, compiled.config)
    fill_inputs(buffers, _load(buffers, options.inputs), options.seed)
    before = {name: buffer.copy() for name, buffer in buffers.items()}
    with tempfile.TemporaryDirectory(prefix="gemmini-run-") as folder:
        library = Path(folder) / "kernel.so"
        _build(source, path / "include", library)
        timing = _execute(library, record, buffers, compiled.config, options)
    outputs = {
        name: buffer.view.copy()
        for name, buffer in buffers.items()
        if buffer.argument.role == Role.OUTPUT
    }
    if not options.check:
        return RunResult(record.name, outputs, timing=timing)
    checked = _checked(compiled.module, original, record.name, before, outputs)
    return replace(checked, timing=timing)


def write_outputs(result: RunResult, directory: Path) -> RunResult:
    """Write every output as `<name>.npy` into `directory`; the result with the files' names.

    Raises `GemminiError`; a file appears only when it is complete.
    """
    paths = {name: directory / file for name, file in _file_names(result.outputs).items()}
    temporary = {
        name: path.with_name(f".{path.name}.{os.getpid()}") for name, path in paths.items()
    }
    try:
        directory.mkdir(parents=True, exist_ok=True)
        try:
            for name, array in result.outputs.items():
                with temporary[name].open("xb") as file:
                    np.save(file, array)
            for name, path in paths.items():
                temporary[name].replace(path)
        finally:
            for path in temporary.values():
                path.unlink(missing_ok=True)
    except OSError as error:
        raise GemminiError(f"{directory}: cannot be written: {error.strerror}") from None
    files = {name: str(path) for name, path in paths.items()}
    return replace(result, files=files)


def _file_names(names: Iterable[str]) -> dict[str, str]:
    """A file name for each argument: its own, without what file systems may refuse."""
    files: dict[str, str] = {}
    for name in names:
        stem = re.sub(r"[^A-Za-z0-9_-]", "_", name)
        while f"{stem}.npy" in files.values():
            stem += "_"
        files[name] = f"{stem}.npy"
    return files


# -- steps ----------------------------------------------------------------------------------------


def _buffers(original: func.FuncOp, config: GemminiConfig) -> dict[str, Buffer]:
    arguments: Sequence[Argument] = arguments_of(original)
    types = [argument.type for argument in original.body.block.args]
    return {
        argument.name: allocate(argument, type_, config.l2_line_bytes)
        for argument, type_ in zip(arguments, types, strict=True)
    }


def _load(buffers: Mapping[str, Buffer], given: Mapping[str, Array | Path]) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for name, value in given.items():
        if name not in buffers:
            raise GemminiError(f"no argument '{name}'; arguments are {', '.join(buffers)}")
        if isinstance(value, Path):
            arrays[name] = load_array(buffers[name].argument, value)
        else:
            arrays[name] = np.asarray(value)
    return arrays


def _build(source: Path, include: Path, library: Path) -> None:
    try:
        simulator = library_path()
    except FileNotFoundError as error:
        raise GemminiError(str(error)) from None
    build_shared_library([source], [source.parent, include], simulator, library)


def _execute(
    library: Path,
    record: FunctionRecord,
    buffers: Mapping[str, Buffer],
    config: GemminiConfig,
    options: RunOptions,
) -> RunTiming | None:
    timer: Timer | None = None
    if options.timing:
        names = () if options.counters is None else parse_counters(options.counters, config)
        timer = Timer(config, options.host_gap, names)
    try:
        simulator = Simulator(config, checked=options.checked_simulator)
    except ValueError as error:
        raise GemminiError(f"the simulator cannot model the hardware: {error}") from None
    kernel = ctypes.CDLL(str(library))
    function = getattr(kernel, record.name)
    function.restype = None
    arguments = [_c_argument(buffer) for buffer in buffers.values()]
    segments = library_segments(library)
    if options.checked_simulator and segments is not None:
        _map_memory(simulator, segments, buffers)
    placements = place(buffers, segments, config.l2_line_bytes)
    try:
        with simulator.attach(), timer.running(placements) if timer else nullcontext():
            function(*arguments)
    except SimulatorError as error:
        raise GemminiError(f"{record.name}: the simulator stopped: {error}") from None
    finally:
        # The map views the library's memory: it goes first.
        simulator.unmap_all()
        del segments
        unload(kernel)
    if timer is None:
        return None
    outputs = (b.view.size for b in buffers.values() if b.argument.role == Role.OUTPUT)
    return timer.result(simulator.statistics().macs, sum(outputs))


def _map_memory(
    simulator: Simulator, segments: Sequence[Segment], buffers: Mapping[str, Buffer]
) -> None:
    """Let the kernel's commands access its arguments and its own memory, and nothing else."""
    for segment in segments:
        simulator.map(segment.address, segment.memory)
    for buffer in buffers.values():
        if buffer.argument.shape is not None and buffer.storage.nbytes:
            memory = buffer.storage.view()
            memory.flags.writeable = buffer.argument.role == Role.OUTPUT
            simulator.map(memory.ctypes.data, memory)


def _c_argument(buffer: Buffer) -> Any:
    if buffer.argument.shape is not None:
        return ctypes.c_void_p(buffer.storage.ctypes.data)
    return np.ctypeslib.as_ctypes_type(buffer.view.dtype)(buffer.view[()])


def _checked(
    module: ModuleOp,
    original: func.FuncOp,
    name: str,
    before: Mapping[str, Buffer],
    outputs: dict[str, Array],
) -> RunResult:
    arguments = [
        buffer.view if isinstance(parameter.type, MemRefType) else buffer.view[()]
        for parameter, buffer in zip(original.body.block.args, before.values(), strict=True)
    ]
    evaluate_function(module, original.sym_name.data, arguments)
    error, mismatches = 0.0, 0
    for output, got in outputs.items():
        expected = before[output].view
        different = ~((got == expected) | ((got != got) & (expected != expected)))
        mismatches += int(np.count_nonzero(different))
        if different.any():
            pairs = (array[different].astype(np.float64) for array in (got, expected))
            errors = np.abs(np.subtract(*pairs))
            error = max(error, float(np.where(np.isnan(errors), np.inf, errors).max()))
    check: Check = "fail" if mismatches else "pass"
    return RunResult(name, outputs, check, error, mismatches)
