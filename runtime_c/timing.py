"""Python binding of the timing model (include/gemmini/timing.h)."""

from __future__ import annotations

import ctypes
import dataclasses
import enum
import functools
from collections.abc import Callable
from types import TracebackType

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.runtime_c.paths import library_path

_NEVER = (1 << 64) - 1


class Cause(enum.IntEnum):
    """What a cycle was spent on; see `gemmini_timing_cause` in the header."""

    ARRAY_BUSY = 0
    BANK_CONFLICTS = 1
    WAITING_FOR_LOADS = 2
    STATION_FULL_LOAD = 3
    STATION_FULL_EXECUTE = 4
    STATION_FULL_STORE = 5
    STORE_BOUND = 6
    HOST_BOUND = 7
    DRAIN = 8


class TimingError(RuntimeError):
    """The model cannot represent the hardware, or the command stream is one that hangs it."""

    def __init__(self, message: str, command: int | None = None) -> None:
        super().__init__(message)
        self.command = command
        """Index of the core's command at which the model stopped, counted from 0."""


class EventKind(enum.IntEnum):
    """What a `TimingEvent` reports."""

    ACCEPT = 0
    ALLOCATE = 1
    ISSUE = 2
    COMPLETE = 3
    IDLE = 4
    DRAM_READ = 5
    DRAM_WRITE = 6
    L2_MISS = 7
    BANK_READ = 8
    BANK_WRITE = 9


@dataclasses.dataclass(frozen=True, slots=True)
class TimingEvent:
    """One event of a run; `cycle` counts from the last restart."""

    kind: EventKind
    cycle: int
    funct: int
    rs1: int
    rs2: int
    command: int
    entry: int
    from_loop: bool


class _Event(ctypes.Structure):
    _fields_ = [
        ("cycle", ctypes.c_uint64),
        ("rs1", ctypes.c_uint64),
        ("rs2", ctypes.c_uint64),
        ("command", ctypes.c_uint64),
        ("kind", ctypes.c_int32),
        ("funct", ctypes.c_int32),
        ("id", ctypes.c_int32),
        ("from_loop", ctypes.c_int32),
    ]


_Listener = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(_Event))


@functools.cache
def _library() -> ctypes.CDLL:
    library = ctypes.CDLL(str(library_path()))
    u64, u32, handle = ctypes.c_uint64, ctypes.c_uint32, ctypes.c_void_p
    signatures: dict[str, tuple[object, list[object]]] = {
        "parameter_set": (ctypes.c_bool, [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int64]),
        "parameters_size": (ctypes.c_size_t, []),
        "create": (handle, [ctypes.c_void_p]),
        "destroy": (None, [handle]),
        "refusal": (ctypes.c_char_p, [ctypes.c_void_p]),
        "listen": (None, [handle, _Listener, ctypes.c_void_p]),
        "listen_to_banks": (None, [handle, ctypes.c_bool]),
        "command": (u64, [handle, u64, u32, u64, u64]),
        "fence": (u64, [handle]),
        "configure": (None, [handle, u32, u64, u64]),
        "host_write": (None, [handle, u64, u64]),
        "host_hold": (None, [handle, u64, u64]),
        "host_fetch": (None, [handle, u64]),
        "set_seed": (None, [handle, u64]),
        "empty_l2": (None, [handle]),
        "l2_traffic": (u64, [handle]),
        "other_traffic": (None, [handle, u64]),
        "set_dram_latency": (None, [handle, u32]),
        "restart": (None, [handle]),
        "cycles": (u64, [handle]),
        "last_completion": (u64, [handle]),
        "breakdown": (u64, [handle, ctypes.c_int]),
        "counter": (u64, [handle, u64, u64, ctypes.POINTER(u32)]),
        "error": (ctypes.c_char_p, [handle]),
        "error_command": (u64, [handle]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"gemmini_timing_{name}")
        function.restype = result
        function.argtypes = arguments
    return library


@functools.lru_cache(maxsize=8)
def _parameters(library: ctypes.CDLL, config: GemminiConfig) -> ctypes.Array[ctypes.c_char]:
    """The library's form of a configuration."""
    parameters = ctypes.create_string_buffer(library.gemmini_timing_parameters_size())
    for name, value in config.parameters().items():
        if isinstance(value, int):
            library.gemmini_timing_parameter_set(parameters, name.encode(), int(value))
    return parameters


class TimingModel:
    """An accelerator whose commands take time and have no data.

    All times are cycles of the accelerator's clock since creation or the last `restart`. Use as a
    context manager, or call `close`.
    """

    def __init__(self, config: GemminiConfig) -> None:
        """Create an idle accelerator with an empty L2.

        Raises `TimingError` for hardware that the model does not represent.
        """
        self._library = _library()
        parameters = _parameters(self._library, config)
        refusal = self._library.gemmini_timing_refusal(parameters)
        if refusal is not None:
            raise TimingError(f"configuration '{config.name}': {refusal.decode()}")
        self._handle = self._library.gemmini_timing_create(parameters)
        if not self._handle:
            raise MemoryError("no memory for the timing model")
        self._listener: object = None

    def __enter__(self) -> TimingModel:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def handle(self) -> int:
        """Address of the C object. Raises `ValueError` after `close`."""
        if not self._handle:
            raise ValueError("the timing model is closed")
        return int(self._handle)

    def close(self) -> None:
        """Free the model; it must not be used afterwards."""
        if self._handle:
            self._library.gemmini_timing_destroy(self._handle)
            self._handle = None

    def listen(self, listener: Callable[[TimingEvent], None] | None) -> None:
        """Call `listener` for every event from now on; None: no longer."""

        def forward(_context: int, event: ctypes._Pointer[_Event]) -> None:
            e = event.contents
            assert listener is not None
            listener(
                TimingEvent(
                    EventKind(e.kind),
                    e.cycle,
                    e.funct,
                    e.rs1,
                    e.rs2,
                    e.command,
                    e.id,
                    bool(e.from_loop),
                )
            )

        self._listener = _Listener(forward) if listener is not None else _Listener()
        self._library.gemmini_timing_listen(self._handle, self._listener, None)

    def listen_to_banks(self, on: bool = True) -> None:
        """Whether the listener also hears of every row that a bank reads or writes."""
        self._library.gemmini_timing_listen_to_banks(self._handle, on)

    def command(self, gap: int, funct: int, rs1: int, rs2: int) -> int:
        """Offer a command `gap` cycles after the last acceptance; return when it is accepted.

        After a fence the gap counts from the end of the fence. Raises `TimingError` on a hang and
        for commands that the accelerator does not execute.
        """
        accepted: int = self._library.gemmini_timing_command(self._handle, gap, funct, rs1, rs2)
        return self._checked(accepted)

    def fence(self) -> int:
        """Wait until the accelerator is idle; return that cycle. Raises `TimingError`."""
        idle: int = self._library.gemmini_timing_fence(self._handle)
        return self._checked(idle)

    def counter(self, gap: int, rs1: int) -> tuple[int, int]:
        """Execute a COUNTER command; return the cycle of the answer and the answer.

        Raises `TimingError` if the hardware has no counters.
        """
        value = ctypes.c_uint32()
        cycle: int = self._library.gemmini_timing_counter(
            self._handle, gap, rs1, ctypes.byref(value)
        )
        return self._checked(cycle), value.value

    def breakdown(self) -> dict[Cause, int]:
        """Cycles since the start by cause; they add up to `cycles`."""
        return {
            cause: int(self._library.gemmini_timing_breakdown(self._handle, cause))
            for cause in Cause
        }

    def configure(self, funct: int, rs1: int, rs2: int) -> None:
        """Set configuration state by a CONFIG or LOOP_WS_CONFIG command that takes no time."""
        self._library.gemmini_timing_configure(self._handle, funct, rs1, rs2)

    def host_write(self, address: int, size: int) -> None:
        """The host wrote `size` bytes at `address`, so they are in the L2 as far as they fit."""
        self._library.gemmini_timing_host_write(self._handle, address, size)

    def host_hold(self, address: int, size: int) -> None:
        """The same, but the core's L1 still holds the lines: the L2 has to fetch them from it."""
        self._library.gemmini_timing_host_hold(self._handle, address, size)

    def host_fetch(self, delay: int) -> None:
        """The core fetches instructions from memory, `delay` cycles after the last acceptance."""
        self._library.gemmini_timing_host_fetch(self._handle, delay)

    def set_seed(self, seed: int) -> None:
        """Select the pseudo-random sequence of the L2's replacement."""
        self._library.gemmini_timing_set_seed(self._handle, seed)

    def empty_l2(self) -> None:
        """Forget what is in the L2; the accelerator must be idle."""
        self._library.gemmini_timing_empty_l2(self._handle)

    @property
    def l2_traffic(self) -> int:
        """Bytes that have come into the L2 because a request missed, since it was emptied."""
        return int(self._library.gemmini_timing_l2_traffic(self._handle))

    def other_traffic(self, size: int) -> None:
        """Somebody else reads `size` bytes that no command names; the accelerator must be idle."""
        self._library.gemmini_timing_other_traffic(self._handle, size)

    def set_dram_latency(self, cycles: int) -> None:
        """Change `GemminiConfig.dram_latency`; the accelerator must be idle."""
        self._library.gemmini_timing_set_dram_latency(self._handle, cycles)

    def restart(self) -> None:
        """Count cycles and commands from zero; the accelerator must be idle."""
        self._library.gemmini_timing_restart(self._handle)

    @property
    def cycles(self) -> int:
        """Cycles since the start."""
        return int(self._library.gemmini_timing_cycles(self._handle))

    @property
    def last_completion(self) -> int:
        """Cycle in which the reservation station last freed a command."""
        return int(self._library.gemmini_timing_last_completion(self._handle))

    def _checked(self, cycle: int) -> int:
        if cycle != _NEVER:
            return cycle
        message = self._library.gemmini_timing_error(self._handle)
        command = int(self._library.gemmini_timing_error_command(self._handle))
        raise TimingError(message.decode(), command)
