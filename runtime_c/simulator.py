"""The functional simulator from Python: a ctypes binding of `<gemmini/sim.h>`."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.runtime_c.paths import library_path

_Row = TypeVar("_Row", bound=npt.NDArray[Any])

Listener = Callable[[int, int, int], None]
"""Called with funct, rs1 and rs2 of each executed command."""


class SimulatorError(RuntimeError):
    """The simulator stopped at a command; the text names the command and the reason.

    `index` is the command's position in the stream of commands and fences, counted from 0.
    """

    def __init__(self, message: str, index: int):
        super().__init__(message)
        self.index = index


@dataclass(frozen=True)
class Statistics:
    """What a simulator did since its creation or reset.

    `issued` counts the received commands by mnemonic; in `executed`, LOOP_WS commands are
    replaced by what they unroll to. `macs` counts products inside the tiles' sizes.
    """

    issued: dict[str, int]
    executed: dict[str, int]
    macs: int
    dram_bytes_read: int
    dram_bytes_written: int


_CONFIG_FIELDS = (
    "dim",
    "scratchpad_rows",
    "scratchpad_banks",
    "accumulator_rows",
    "accumulator_banks",
    "row_bits",
    "array_bits",
    "dma_max_bytes",
    "max_simultaneous_matmuls",
    "supports_ws",
    "supports_os",
    "has_mvin_scale",
    "acc_read_full_width",
    "acc_read_small_width",
    "ex_write_to_spad",
    "hardcode_d_to_garbage",
    "has_normalizations",
    "has_loop_ws",
    "checked",
)
_MNEMONICS = 32


class _Config(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in _CONFIG_FIELDS]


class _Statistics(ctypes.Structure):
    _fields_ = [
        ("issued", ctypes.c_uint64 * _MNEMONICS),
        ("executed", ctypes.c_uint64 * _MNEMONICS),
        ("macs", ctypes.c_uint64),
        ("dram_bytes_read", ctypes.c_uint64),
        ("dram_bytes_written", ctypes.c_uint64),
    ]


_LISTENER = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_uint64
)


class _Function(Protocol):
    argtypes: list[Any]
    restype: Any

    def __call__(self, *arguments: Any) -> Any: ...


@cache
def load_library() -> ctypes.CDLL:
    """The simulator library, loaded so that kernels loaded later find its symbols."""
    library = ctypes.CDLL(str(library_path()), mode=ctypes.RTLD_GLOBAL)
    handle, u32, u64, status = (ctypes.c_void_p, ctypes.c_uint32, ctypes.c_uint64, ctypes.c_int)
    signatures: dict[str, tuple[Any, list[Any]]] = {
        "create": (handle, [ctypes.POINTER(_Config), ctypes.c_char_p, ctypes.c_size_t]),
        "destroy": (None, [handle]),
        "reset": (None, [handle]),
        "map": (status, [handle, u64, ctypes.c_void_p, u64, ctypes.c_int]),
        "unmap_all": (None, [handle]),
        "command": (status, [handle, u32, u64, u64]),
        "fence": (status, [handle]),
        "error": (ctypes.c_char_p, [handle]),
        "error_index": (u64, [handle]),
        "get_statistics": (None, [handle, ctypes.POINTER(_Statistics)]),
        "mnemonic": (ctypes.c_char_p, [u32]),
        "listen": (None, [handle, _LISTENER, ctypes.c_void_p]),
        "read_scratchpad": (status, [handle, u32, ctypes.c_void_p]),
        "write_scratchpad": (status, [handle, u32, ctypes.c_void_p]),
        "read_accumulator": (status, [handle, u32, ctypes.c_void_p]),
        "write_accumulator": (status, [handle, u32, ctypes.c_void_p]),
        "attach": (handle, [handle]),
    }
    for name, (result, arguments) in signatures.items():
        function: _Function = getattr(library, f"gemmini_sim_{name}")
        function.restype = result
        function.argtypes = arguments
    return library


class Simulator:
    """A functional simulator of the Gemmini that `config` describes.

    With `checked`, it also reports uninitialised rows, malformed operands, DRAM accesses outside
    mapped regions and races that the hardware does not track. A simulator must be used by one
    thread at a time.
    """

    def __init__(self, config: GemminiConfig, checked: bool = False):
        self.config = config
        self._library = load_library()
        self._handle: int | None = None
        self._mapped: list[npt.NDArray[Any]] = []
        message = ctypes.create_string_buffer(256)
        fields = _Config(*config_fields(config, checked).values())
        self._handle = self._library.gemmini_sim_create(ctypes.byref(fields), message, len(message))
        if self._handle is None:
            raise ValueError(f"config '{config.name}': {message.value.decode()}")
        self._listener = _LISTENER()

    def __del__(self) -> None:
        if getattr(self, "_handle", None) is not None:
            self._library.gemmini_sim_destroy(self._handle)
            self._handle = None

    @property
    def handle(self) -> int:
        """The address of the C object (`gemmini_sim *`)."""
        assert self._handle is not None
        return self._handle

    # -- commands -----------------------------------------------------------------------------

    def command(self, funct: int, rs1: int, rs2: int) -> None:
        """Execute one RoCC command; raise `SimulatorError` if it is refused."""
        if self._library.gemmini_sim_command(self._handle, funct, rs1, rs2) != 0:
            self.raise_error()

    def fence(self) -> None:
        """Execute a fence; raise `SimulatorError` if it would hang."""
        if self._library.gemmini_sim_fence(self._handle) != 0:
            self.raise_error()

    def reset(self) -> None:
        """Back to the state after creation, except for the memory map."""
        self._library.gemmini_sim_reset(self._handle)

    @property
    def error(self) -> str | None:
        """The message of the error that stopped the simulator."""
        message: bytes | None = self._library.gemmini_sim_error(self._handle)
        return None if message is None else message.decode()

    def raise_error(self) -> None:
        """Raise `SimulatorError` if the simulator has stopped."""
        message = self.error
        if message is not None:
            raise SimulatorError(message, self._library.gemmini_sim_error_index(self._handle))

    # -- memory -------------------------------------------------------------------------------

    def map(self, address: int, array: npt.NDArray[Any]) -> None:
        """Map the bytes of a C-contiguous `array` at DRAM `address`, writable if the array is.

        From the first mapping on, commands may access mapped memory only. The simulator keeps
        the array alive. Raises `ValueError` if the region is
        empty, contains address 0 (which MVIN takes for zeros) or overlaps another one.
        """
        if not array.flags.c_contiguous:
            raise ValueError("only C-contiguous arrays can be mapped")
        status = self._library.gemmini_sim_map(
            self._handle, address, array.ctypes.data, array.nbytes, array.flags.writeable
        )
        if status != 0:
            raise ValueError(
                f"cannot map {array.nbytes} bytes at DRAM address 0x{address:x}: the region is "
                "empty, contains address 0, overlaps another one or is one too many"
            )
        self._mapped.append(array)

    def unmap_all(self) -> None:
        """Forget all mapped regions; commands then address the host's memory again."""
        self._library.gemmini_sim_unmap_all(self._handle)
        self._mapped.clear()

    def read_scratchpad(self, row: int) -> npt.NDArray[np.int8]:
        """The `dim` elements of a scratchpad row; raises `IndexError` if it does not exist."""
        return self._read_row("scratchpad", row, np.zeros(self.config.dim, np.int8))

    def read_accumulator(self, row: int) -> npt.NDArray[np.int32]:
        """The `dim` elements of an accumulator row; raises `IndexError` if it does not exist."""
        return self._read_row("accumulator", row, np.zeros(self.config.dim, np.int32))

    def write_scratchpad(self, row: int, elements: npt.ArrayLike) -> None:
        """Set the `dim` elements of a scratchpad row."""
        self._write_row("scratchpad", row, np.asarray(elements, np.int8))

    def write_accumulator(self, row: int, elements: npt.ArrayLike) -> None:
        """Set the `dim` elements of an accumulator row."""
        self._write_row("accumulator", row, np.asarray(elements, np.int32))

    def _read_row(self, memory: str, row: int, elements: _Row) -> _Row:
        function = getattr(self._library, f"gemmini_sim_read_{memory}")
        if row < 0 or function(self._handle, row, elements.ctypes.data) != 0:
            raise IndexError(f"the {memory} has no row {row}")
        return elements

    def _write_row(self, memory: str, row: int, elements: npt.NDArray[Any]) -> None:
        if elements.shape != (self.config.dim,):
            raise ValueError(f"a row has {self.config.dim} elements, got shape {elements.shape}")
        function = getattr(self._library, f"gemmini_sim_write_{memory}")
        contiguous = np.ascontiguousarray(elements)
        if row < 0 or function(self._handle, row, contiguous.ctypes.data) != 0:
            raise IndexError(f"the {memory} has no row {row}")

    # -- kernels and observation --------------------------------------------------------------

    @contextmanager
    def attach(self) -> Iterator[Simulator]:
        """Let kernels that the calling thread runs inside the block execute on this simulator.

        The kernels are libraries compiled with `GEMMINI_HOST_SIM`. An error of the simulator is
        raised at the end of the block.
        """
        previous = self._library.gemmini_sim_attach(self._handle)
        try:
            yield self
        finally:
            self._library.gemmini_sim_attach(previous)
        self.raise_error()

    def listen(self, listener: Listener | None) -> None:
        """Call `listener` before each executed command, or stop doing so.

        Commands that LOOP_WS unrolls to are reported one by one, LOOP_WS itself is not.
        """
        if listener is None:
            self._listener = _LISTENER()
        else:
            self._listener = _LISTENER(lambda _context, funct, rs1, rs2: listener(funct, rs1, rs2))
        self._library.gemmini_sim_listen(self._handle, self._listener, None)

    def statistics(self) -> Statistics:
        """Counts since creation or reset."""
        raw = _Statistics()
        self._library.gemmini_sim_get_statistics(self._handle, ctypes.byref(raw))
        return Statistics(
            issued=self._counts(raw.issued),
            executed=self._counts(raw.executed),
            macs=raw.macs,
            dram_bytes_read=raw.dram_bytes_read,
            dram_bytes_written=raw.dram_bytes_written,
        )

    def _counts(self, counts: ctypes.Array[ctypes.c_uint64]) -> dict[str, int]:
        return {
            self._library.gemmini_sim_mnemonic(index).decode(): int(count)
            for index, count in enumerate(counts)
            if count != 0
        }


def config_fields(config: GemminiConfig, checked: bool) -> dict[str, int]:
    """The fields of the C library's `gemmini_sim_config`, in its order."""
    derived = {
        "supports_ws": config.supports_dataflow("ws"),
        "supports_os": config.supports_dataflow("os"),
        "checked": checked,
    }
    return {
        name: int(derived[name] if name in derived else getattr(config, name))
        for name in _CONFIG_FIELDS
    }
