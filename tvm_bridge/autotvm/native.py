"""Trials as native code: emitted C, compiled by the machine's compiler, calling the simulators.

A trial's C only computes addresses and sends commands, so it runs on made-up addresses: those
that the command stream has, which makes both kinds of programs take the same modelled time.
"""

from __future__ import annotations

import ctypes
import tempfile
from dataclasses import dataclass
from pathlib import Path

from gemmini_xdsl.dialects.attributes import Schedule
from gemmini_xdsl.hardware.header import write_c_header
from gemmini_xdsl.runtime_c.paths import include_dir, library_path
from gemmini_xdsl.targets.command_stream import Placement
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.host_build import build_shared_library
from gemmini_xdsl.tools.loaded_library import unload
from gemmini_xdsl.tvm_bridge.autotvm.measure import MeasureError, MeasureErrorNo
from gemmini_xdsl.tvm_bridge.autotvm.programs import emit_schedule
from gemmini_xdsl.tvm_bridge.autotvm.task import GemmTask

NAME = "trial"


@dataclass(frozen=True)
class NativeProgram:
    """A trial's shared library as bytes, its function, and the addresses that it is called with."""

    image: bytes
    function: str
    placements: tuple[Placement, ...]

    def call(self) -> None:
        """Run it once on the simulator or the model that is attached to this thread."""
        with tempfile.NamedTemporaryFile(prefix="gemmini-trial-", suffix=".so") as file:
            file.write(self.image)
            file.flush()
            library = ctypes.CDLL(file.name)
        try:
            function = getattr(library, self.function)
            function.restype = None
            function(*(ctypes.c_void_p(placement.address) for placement in self.placements))
        finally:
            unload(library)


def has_native_trial(schedule: Schedule) -> bool:
    """Whether all memory that the C of `schedule` names is that of its arguments.

    Addresses are made up, so that neither the core can read a bias to spread it over a row, nor
    the accelerator a constant of the C.
    """
    return not schedule.rearranges


@dataclass(frozen=True)
class NativeBuilder:
    """Compiles trials to C and that for this machine."""

    def build(self, task: GemmTask, schedule: Schedule) -> NativeProgram:
        """The library; raises `TuningError` or `MeasureError` if there is none."""
        if not has_native_trial(schedule):
            raise MeasureError(
                MeasureErrorNo.COMPILE_HOST,
                "swap_operands, transpose_resident and fold_rows read memory that a trial in C has "
                'not; use the builder "fastest" or "commands"',
            )
        c, placements = emit_schedule(task, schedule, NAME)
        with tempfile.TemporaryDirectory(prefix="gemmini-trial-") as name:
            folder = Path(name)
            source, output = folder / f"{NAME}.c", folder / f"{NAME}.so"
            source.write_text(c.source)
            (folder / f"{NAME}.h").write_text(c.header)
            (folder / "gemmini").mkdir()
            (folder / "gemmini" / "config.h").write_text(write_c_header(task.config))
            try:
                build_shared_library([source], [folder, include_dir()], library_path(), output)
            except (GemminiError, FileNotFoundError) as error:
                text = " ".join(str(error).split())
                raise MeasureError(MeasureErrorNo.COMPILE_HOST, text) from None
            return NativeProgram(output.read_bytes(), c.functions[0].c_name, placements)
