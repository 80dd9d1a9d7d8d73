"""Upstream MLIR through its binaries `mlir-opt` and `mlir-translate`."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from gemmini_xdsl.passes.upstream_mlir.errors import (
    UpstreamMlirError,
    format_diagnostic,
    join_diagnostics,
)

MLIR_OPT_VARIABLE = "GEMMINI_MLIR_OPT"
"""Names the `mlir-opt` to use, before anything else that is installed."""

_VERSIONS = range(30, 19, -1)
_OPTIONS = ("--allow-unregistered-dialect", "--mlir-disable-threading")
_GENERIC = ("--mlir-print-op-generic", "--mlir-print-debuginfo", "--mlir-print-local-scope")
_ERROR = re.compile(r"^(.+?):(\d+):(\d+): error: (.*)$|^(?:.*?: )?error: (.*)$")
_TIMEOUT_SECONDS = 300


@dataclass(frozen=True)
class MlirOpt:
    """A binary, and whether the user asked for it by name."""

    path: str
    requested: bool


def find_mlir_opt() -> MlirOpt | None:
    """The binary in `GEMMINI_MLIR_OPT`, else the newest on PATH. Raises `UpstreamMlirError`."""
    requested = os.environ.get(MLIR_OPT_VARIABLE)
    if requested:
        found = shutil.which(requested)
        if found is None:
            raise UpstreamMlirError(f"{MLIR_OPT_VARIABLE}={requested}: no such program")
        return MlirOpt(found, requested=True)
    for name in ("mlir-opt", *(f"mlir-opt-{version}" for version in _VERSIONS)):
        found = shutil.which(name)
        if found is not None:
            return MlirOpt(found, requested=False)
    return None


@dataclass(frozen=True)
class MlirOptBackend:
    """Upstream MLIR in processes of its own; see `UpstreamMlir`."""

    path: str

    @property
    def description(self) -> str:
        """The path of the binary."""
        return self.path

    def run(self, text: str, pipeline: str = "", *, pretty: bool = False) -> str:
        """Parse, verify and run."""
        form = () if pretty else _GENERIC
        return _call([self.path, *_OPTIONS, *form, *_passes(pipeline), "-"], text)

    def run_file(self, path: Path, pipeline: str = "") -> str:
        """Parse, verify and run on a file."""
        return _call([self.path, *_OPTIONS, *_GENERIC, *_passes(pipeline), str(path)], "")

    def to_llvm_ir(self, text: str) -> str:
        """Translate to LLVM IR."""
        binary = Path(self.path)
        translate = binary.with_name(binary.name.replace("mlir-opt", "mlir-translate"))
        if not translate.exists():
            raise UpstreamMlirError(
                f"LLVM IR is made by mlir-translate, which is not beside {self.path}"
            )
        return _call([str(translate), "--mlir-to-llvmir"], text)


def _passes(pipeline: str) -> list[str]:
    return [f"--pass-pipeline={pipeline}"] if pipeline else []


def _call(command: list[str], text: str) -> str:
    try:
        done = subprocess.run(
            command,
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
    except OSError as error:
        raise UpstreamMlirError(f"{command[0]}: {error.strerror}") from None
    except subprocess.TimeoutExpired:
        raise UpstreamMlirError(f"{command[0]}: no answer in {_TIMEOUT_SECONDS} s") from None
    if done.returncode != 0:
        raise UpstreamMlirError(f"upstream MLIR: {_reasons(done.stderr, done.returncode)}")
    return done.stdout


def _reasons(stderr: str, status: int) -> str:
    found: list[str] = []
    for line in stderr.splitlines():
        match = _ERROR.match(line)
        if match is None:
            continue
        if match[1] is None:
            found.append(match[5])
        else:
            found.append(format_diagnostic(f'"{match[1]}":{match[2]}:{match[3]}', match[4]))
    if not found:
        lines = stderr.strip().splitlines()
        return f"exit status {status}" + (f": {lines[0]}" if lines else "")
    return join_diagnostics(found)
