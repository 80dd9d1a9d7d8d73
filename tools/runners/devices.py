"""What surrounds the emulated hart: HTIF, the machine timer, and Linux system calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from unicorn import Uc, unicorn_const

if TYPE_CHECKING:
    from gemmini_xdsl.tools.runners.hart import Hart

_SYSCALL_WRITE, _SYSCALL_EXIT = 64, 93
_CONSOLE_DEVICE, _CONSOLE_WRITE = 1, 1

_CLINT_BASE, _CLINT_BYTES = 0x0200_0000, 0x1_0000
_MTIMECMP, _MTIME = 0x4000, 0xBFF8
_CYCLES_PER_TICK = 1000
"""Cycles of the core in one tick of the machine timer."""

_NEVER = (1 << 64) - 1


@dataclass(frozen=True)
class Fault:
    """An access to memory that does not exist: its trap cause, pc and address."""

    cause: int
    pc: int
    address: int


class Devices:
    """HTIF (console and exit) and the core-local interruptor's timer of one hart."""

    def __init__(self, hart: Hart) -> None:
        self._hart = hart
        self._compare = _NEVER
        self._skipped = 0
        tohost, fromhost = hart.elf.symbol("tohost"), hart.elf.symbol("fromhost")
        self._fromhost = fromhost.address if fromhost else None
        if tohost is not None:
            hart.unicorn.hook_add(
                unicorn_const.UC_HOOK_MEM_WRITE,
                self._on_tohost,
                begin=tohost.address,
                end=tohost.address + 7,
            )
        if tohost is None:
            return
        hart.unicorn.mmio_map(
            _CLINT_BASE, _CLINT_BYTES, self._read_clint, None, self._write_clint, None
        )

    # -- HTIF ---------------------------------------------------------------------------------

    def _on_tohost(
        self, _uc: Uc, _access: int, _address: int, _size: int, value: int, _data: object
    ) -> None:
        value &= _NEVER
        device, command, payload = value >> 56, value >> 48 & 0xFF, value & (1 << 48) - 1
        if value == 0:
            return
        if device == _CONSOLE_DEVICE and command == _CONSOLE_WRITE:
            self._hart.console.append(chr(payload & 0xFF))
        elif device == 0 and payload & 1:
            self._hart.exit(payload >> 1)
            return
        elif device == 0:
            self._system_call(payload)
        if self._fromhost is not None:
            self._hart.write(self._fromhost, (1).to_bytes(8, "little"))

    def _system_call(self, address: int) -> None:
        """A proxied system call: number and arguments in memory, the result in their place."""
        block = self._hart.read(address, 32)
        number, _, buffer, size = (
            int.from_bytes(block[at : at + 8], "little") for at in range(0, 32, 8)
        )
        result = -38 & _NEVER  # not implemented
        if number == _SYSCALL_WRITE:
            self._hart.console.append(self._hart.read(buffer, size).decode(errors="replace"))
            result = size
        elif number == _SYSCALL_EXIT:
            self._hart.exit(int.from_bytes(block[8:16], "little"))
        self._hart.write(address, result.to_bytes(8, "little"))

    # -- timer --------------------------------------------------------------------------------

    @property
    def _time(self) -> int:
        return self._hart.cycles // _CYCLES_PER_TICK

    @property
    def timer_armed(self) -> bool:
        """Whether an interrupt will come some time."""
        return self._compare != _NEVER

    @property
    def timer_is_due(self) -> bool:
        """Whether the timer asks for an interrupt."""
        return self._compare != _NEVER and self._time >= self._compare

    def skip_to_timeout(self) -> int:
        """Cycles to wait until the timer asks for an interrupt; more each time it is called."""
        self._skipped = max(self._skipped * 2, _CYCLES_PER_TICK)
        remaining = self._compare * _CYCLES_PER_TICK - self._hart.cycles
        return max(remaining, 0) + self._skipped

    def _read_clint(self, _uc: Uc, offset: int, size: int, _data: object) -> int:
        value = {_MTIME: self._time, _MTIMECMP: self._compare}.get(offset & ~7, 0)
        return value >> 8 * (offset & 7) & (1 << 8 * size) - 1

    def _write_clint(self, _uc: Uc, offset: int, size: int, value: int, _data: object) -> None:
        """Unicorn may split a doubleword into words."""
        if offset & ~7 == _MTIMECMP:
            shift = 8 * (offset & 7)
            mask = (1 << 8 * size) - 1 << shift
            self._compare = self._compare & ~mask | value << shift & mask


class LinuxCalls:
    """The system calls that programs of the Linux platform make."""

    _WRITE, _EXIT_GROUP, _SETITIMER = 64, 94, 103
    _SIGACTION, _MLOCKALL, _PRLIMIT = 134, 228, 261
    _A0, _A1, _A2, _A7 = 10, 11, 12, 17
    _NOT_IMPLEMENTED, _NO_MEMORY = -38, -12

    def __init__(self, hart: Hart) -> None:
        self._hart = hart
        self.locked_bytes_limit: int | None = None
        """What RLIMIT_MEMLOCK allows; None: anything."""

    def serve(self) -> None:
        """Execute the system call that the registers describe."""
        hart = self._hart
        match hart.register(self._A7):
            case self._WRITE:
                size = hart.register(self._A2)
                text = hart.read(hart.register(self._A1), size)
                hart.console.append(text.decode(errors="replace"))
                result = size
            case self._EXIT_GROUP:
                hart.exit(hart.register(self._A0) & 0xFF)
                return
            case self._MLOCKALL:
                result = 0 if self.locked_bytes_limit is None else self._NO_MEMORY
            case self._PRLIMIT:
                limit = self.locked_bytes_limit or 0
                hart.write(hart.register(13), limit.to_bytes(8, "little") * 2)
                result = 0
            case self._SETITIMER | self._SIGACTION:
                # Signals are not delivered: the runner's own time limit ends a hanging program.
                result = 0
            case _:
                result = self._NOT_IMPLEMENTED
        hart.set_register(self._A0, result)
