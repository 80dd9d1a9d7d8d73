"""An emulated RV64GC hart (Unicorn) whose custom instructions go to the simulator.

All instructions are executed from the program's machine code. What Unicorn does not offer is
added by hooks: custom instructions arrive as illegal instructions; fences, reads of the cycle
counter and writes of `mstatus` are hooked by address; exceptions enter the program's own trap
handler; HTIF, the machine timer and the system calls of the Linux platform are served here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unicorn import UC_ARCH_RISCV, Uc, UcError, unicorn_const
from unicorn import riscv_const as rv
from unicorn.unicorn_const import UC_HOOK_BLOCK, UC_HOOK_CODE, UC_HOOK_INTR

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.hardware.encoding import CUSTOM_OPCODES, FUNCT3_TWO_SOURCES
from gemmini_xdsl.runtime_c.simulator import SimulatorError
from gemmini_xdsl.tools.elf_file import ElfFile, Segment
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.runners.accelerator import Accelerator, make_accelerator, map_memory
from gemmini_xdsl.tools.runners.devices import Devices, Fault, LinuxCalls
from gemmini_xdsl.tools.runners.instructions import Kind, instructions
from gemmini_xdsl.tools.runners.rocket import RocketModel

MEMORY_BYTES = 256 << 20
PAGE_BYTES = 4096
STACK_MARGIN = 256

_CYCLE_COUNTERS = frozenset((0xB00, 0xC00, 0xC01))
_RETIRED_COUNTERS = frozenset((0xB02, 0xC02))
_MSTATUS = 0x300
_MSTATUS_MIE, _MSTATUS_MPIE, _MSTATUS_XS = 1 << 3, 1 << 7, 3 << 15
_MSTATUS_FS, _MSTATUS_MPP = 3 << 13, 3 << 11
_MIE_TIMER = 1 << 7
_TIMER_INTERRUPT = 1 << 63 | 7
_ILLEGAL_INSTRUCTION, _BREAKPOINT, _USER_CALL, _MACHINE_CALL = 2, 3, 8, 11
_EBREAK, _C_EBREAK, _MRET = 0x00100073, 0x9002, 0x30200073
_FETCH_FAULT, _LOAD_FAULT, _STORE_FAULT = 1, 5, 7
_WORD_MASK = (1 << 64) - 1

_COUNTER, _FUNCT3_COUNTER = 126, 0b111

_REGISTERS = [rv.UC_RISCV_REG_X0 + index for index in range(32)]
_FETCH_ERRORS = (unicorn_const.UC_MEM_FETCH_UNMAPPED, unicorn_const.UC_MEM_FETCH_PROT)
_WRITE_ERRORS = (unicorn_const.UC_MEM_WRITE_UNMAPPED, unicorn_const.UC_MEM_WRITE_PROT)


class HartError(Exception):
    """The program cannot go on; the text is one line about the reason."""


@dataclass
class _Pending:
    """Why emulation was interrupted: a trap to enter."""

    cause: int
    pc: int
    value: int


@dataclass
class HartResult:
    """How a program ended; `problem` is one line if it did not end by itself."""

    status: int | None
    console: str
    problem: str | None
    instructions: int
    seconds: float = 0.0
    buffers: dict[str, NDArray[Any]] = field(default_factory=dict)


class Hart:
    """One hart with memory, devices and an accelerator, and a program loaded."""

    def __init__(
        self,
        elf: ElfFile,
        config: GemminiConfig,
        *,
        memory_bytes: int = MEMORY_BYTES,
        checked: bool = True,
        timing: bool = True,
    ) -> None:
        """Load `elf`. Raises `GemminiError` if it does not fit into the memory."""
        self._elf = elf
        self._opcode = CUSTOM_OPCODES[config.opcode]
        self._base = min(segment.address for segment in elf.segments) // PAGE_BYTES * PAGE_BYTES
        end = max(segment.address + segment.size for segment in elf.segments)
        if self._base == 0 or end > self._base + memory_bytes - STACK_MARGIN:
            raise GemminiError(
                f"{elf.path}: needs memory from {self._base:#x} to {end:#x}; the emulated hart "
                f"has {memory_bytes >> 20} MiB from the program's first page, not at 0"
            )
        self._memory: NDArray[np.uint8] = np.zeros(memory_bytes, np.uint8)
        self._uc = Uc(UC_ARCH_RISCV, unicorn_const.UC_MODE_RISCV64)
        # Unicorn and the simulator work on the same bytes.
        self._uc.mem_map_ptr(
            self._base, memory_bytes, unicorn_const.UC_PROT_ALL, self._memory.ctypes.data
        )
        for segment in elf.segments:
            self.write(segment.address, segment.content)
        self.core = RocketModel(config, self.read)
        self.accelerator: Accelerator = make_accelerator(config, self.core, checked, timing)
        map_memory(self.accelerator.simulator, elf, self._memory, self._base, checked)
        self.console: list[str] = []
        self.status: int | None = None
        self._pending: _Pending | None = None
        self._fault: Fault | None = None
        self._mstatus_xs = 0
        self._in_trap = False
        self._is_linux = elf.symbol("tohost") is None
        self._deadline = float("inf")
        self._blocks = 0
        self._devices = Devices(self)
        self.calls = LinuxCalls(self)
        self._install_hooks()

    # -- used by devices ----------------------------------------------------------------------

    @property
    def cycles(self) -> int:
        """The cycle counter."""
        return self.accelerator.cycles

    @property
    def elf(self) -> ElfFile:
        """The program."""
        return self._elf

    @property
    def unicorn(self) -> Uc:
        """The emulator."""
        return self._uc

    def register(self, index: int) -> int:
        """Integer register number `index`."""
        return int(self._uc.reg_read(_REGISTERS[index])) & _WORD_MASK

    def set_register(self, index: int, value: int) -> None:
        """Change integer register number `index`."""
        if index:
            self._uc.reg_write(_REGISTERS[index], value & _WORD_MASK)

    def read(self, address: int, size: int) -> bytes:
        """Memory content. Raises `HartError` outside the memory."""
        return self._memory[self._slice(address, size)].tobytes()

    def write(self, address: int, content: bytes) -> None:
        """Change memory. Raises `HartError` outside the memory."""
        self._memory[self._slice(address, len(content))] = np.frombuffer(content, np.uint8)

    def exit(self, status: int) -> None:
        """The program ends."""
        self.status = status
        self._uc.emu_stop()

    def _slice(self, address: int, size: int) -> slice:
        start = address - self._base
        if start < 0 or size < 0 or start + size > self._memory.size:
            raise HartError(f"the program passed memory at {address:#x}, which does not exist")
        return slice(start, start + size)

    # -- running ------------------------------------------------------------------------------

    def run(self, time_limit: float) -> HartResult:
        """Run to the program's end, an error or the time limit (in seconds)."""
        started = time.monotonic()
        self._deadline = started + time_limit
        problem: str | None = None
        pc = self._elf.entry
        if self._is_linux:
            top = self._base + self._memory.size - STACK_MARGIN
            self._uc.reg_write(rv.UC_RISCV_REG_SP, top)
            self._mstatus_xs = _MSTATUS_XS
            self._uc.reg_write(rv.UC_RISCV_REG_MSTATUS, _MSTATUS_FS)
        try:
            while self.status is None:
                self._emulate(pc)
                if self.status is None:
                    pc = self._enter_trap()
        except HartError as stopped:
            problem = str(stopped)
        return HartResult(
            self.status,
            "".join(self.console),
            problem,
            self.core.instructions,
            time.monotonic() - started,
            self._buffers(),
        )

    def _buffers(self) -> dict[str, NDArray[np.uint8]]:
        """Content of the buffers of a generated program."""
        found: dict[str, NDArray[np.uint8]] = {}
        for symbol in self._elf.symbols:
            if symbol.is_object and symbol.name.startswith(("gemmini_input_", "gemmini_output_")):
                start = symbol.address - self._base
                if 0 <= start <= start + symbol.size <= self._memory.size:
                    found[symbol.name] = self._memory[start : start + symbol.size].copy()
        return found

    def _emulate(self, pc: int) -> None:
        self._pending = None
        self._fault = None
        try:
            self._uc.emu_start(pc, 0)
        except UcError as error:
            if self._fault is None and error.errno == unicorn_const.UC_ERR_INSN_INVALID:
                # This is how breakpoints arrive.
                self._fault = self._breakpoint()
            if self._fault is None:
                raise HartError(f"the emulator stopped at {self._where()}: {error}") from None
            self._pending = _Pending(self._fault.cause, self._fault.pc, self._fault.address)

    def _breakpoint(self) -> Fault | None:
        pc = int(self._uc.reg_read(rv.UC_RISCV_REG_PC))
        word = int.from_bytes(self.read(pc, 4), "little")
        is_breakpoint = word == _EBREAK or word & 0xFFFF == _C_EBREAK
        return Fault(_BREAKPOINT, pc, 0) if is_breakpoint else None

    def _enter_trap(self) -> int:
        trap = self._pending
        if trap is None:
            raise HartError(f"the emulator stopped at {self._where()}")
        handler = int(self._uc.reg_read(rv.UC_RISCV_REG_MTVEC)) & ~3
        where = self._elf.function_at(trap.pc) or "no function"
        if self._is_linux or handler == 0 or handler == trap.pc:
            raise HartError(
                f"trap with cause {trap.cause:#x} at pc {trap.pc:#x} ({where}), "
                f"value {trap.value:#x}"
            )
        status = int(self._uc.reg_read(rv.UC_RISCV_REG_MSTATUS))
        status = status & ~_MSTATUS_MPIE | (_MSTATUS_MPIE if status & _MSTATUS_MIE else 0)
        self._uc.reg_write(rv.UC_RISCV_REG_MSTATUS, status & ~_MSTATUS_MIE | _MSTATUS_MPP)
        self._uc.reg_write(rv.UC_RISCV_REG_MEPC, trap.pc)
        self._uc.reg_write(rv.UC_RISCV_REG_MCAUSE, trap.cause)
        self._uc.reg_write(rv.UC_RISCV_REG_MTVAL, trap.value)
        self.core.interrupted()
        self._in_trap = True
        return handler

    def _trap(self, cause: int, pc: int, value: int) -> None:
        self._pending = _Pending(cause, pc, value)
        self._uc.emu_stop()

    def _where(self) -> str:
        pc = int(self._uc.reg_read(rv.UC_RISCV_REG_PC))
        return f"pc {pc:#x} ({self._elf.function_at(pc) or 'no function'})"

    # -- hooks --------------------------------------------------------------------------------

    def _install_hooks(self) -> None:
        uc = self._uc
        uc.hook_add(UC_HOOK_INTR, self._on_exception)
        uc.hook_add(UC_HOOK_BLOCK, self._on_block)
        uc.hook_add(unicorn_const.UC_HOOK_MEM_INVALID, self._on_bad_access)
        if self.accelerator.timing is not None:
            uc.hook_add(
                unicorn_const.UC_HOOK_MEM_READ | unicorn_const.UC_HOOK_MEM_WRITE, self._on_access
            )
        for segment in self._elf.segments:
            if segment.executable:
                self._hook_instructions(segment)

    def _hook_instructions(self, segment: Segment) -> None:
        for address, found in instructions(segment.content, segment.address):
            if found.kind == Kind.FENCE:
                self._uc.hook_add(UC_HOOK_CODE, self._on_fence, begin=address, end=address)
            elif found.word == _MRET:
                self._uc.hook_add(UC_HOOK_CODE, self._on_return, begin=address, end=address)
            elif found.kind == Kind.CSR and found.size == 4 and found.word >> 12 & 7:
                csr = found.word >> 20
                hook = None
                if csr in _CYCLE_COUNTERS | _RETIRED_COUNTERS:
                    hook = self._on_counter
                elif csr == _MSTATUS:
                    hook = self._on_mstatus
                if hook is not None:
                    self._uc.hook_add(UC_HOOK_CODE, hook, begin=address, end=address)

    def _on_block(self, _uc: Uc, address: int, size: int, _data: object) -> None:
        self._blocks += 1
        if self._blocks & 0xFFF == 0 and time.monotonic() > self._deadline:
            raise HartError(f"no end within the time limit, at {self._where()}")
        if self._devices.timer_is_due and self._timer_enabled():
            self._trap(_TIMER_INTERRUPT, address, 0)
            return
        self.core.block(address, size)

    def _timer_enabled(self) -> bool:
        return bool(
            self._uc.reg_read(rv.UC_RISCV_REG_MSTATUS) & _MSTATUS_MIE
            and self._uc.reg_read(rv.UC_RISCV_REG_MIE) & _MIE_TIMER
        )

    def _on_access(
        self, _uc: Uc, access: int, address: int, _size: int, _value: int, _data: object
    ) -> None:
        self.core.memory(address, access == unicorn_const.UC_MEM_WRITE)

    def _on_bad_access(
        self, _uc: Uc, access: int, address: int, _size: int, _value: int, _data: object
    ) -> bool:
        pc = int(self._uc.reg_read(rv.UC_RISCV_REG_PC))
        if access in _FETCH_ERRORS:
            self._fault = Fault(_FETCH_FAULT, address, address)
        else:
            cause = _STORE_FAULT if access in _WRITE_ERRORS else _LOAD_FAULT
            self._fault = Fault(cause, pc, address)
        return False

    def _on_fence(self, _uc: Uc, address: int, _size: int, _data: object) -> None:
        try:
            self.accelerator.fence(address)
        except SimulatorError as error:
            self._hang(address, str(error))

    def _hang(self, pc: int, reason: str) -> None:
        """Gemmini never becomes idle: time passes until the watchdog ends the program."""
        if self._devices.timer_armed and self._timer_enabled():
            self.accelerator.now += self._devices.skip_to_timeout()
            self._trap(_TIMER_INTERRUPT, pc, 0)
            return
        raise HartError(f"fence at pc {pc:#x} ({self._elf.function_at(pc)}): {reason}")

    def _on_return(self, _uc: Uc, _address: int, _size: int, _data: object) -> None:
        self._in_trap = False

    def _on_counter(self, _uc: Uc, address: int, _size: int, _data: object) -> None:
        word = int.from_bytes(self.read(address, 4), "little")
        if not self._in_trap:
            self.accelerator.counter_read()
        retired = word >> 20 in _RETIRED_COUNTERS
        self.set_register(word >> 7 & 31, self.core.instructions if retired else self.cycles)
        self._uc.reg_write(rv.UC_RISCV_REG_PC, address + 4)

    def _on_mstatus(self, _uc: Uc, address: int, _size: int, _data: object) -> None:
        """Keeps mstatus.XS, which Unicorn does not store. Immediate forms cannot reach it."""
        word = int.from_bytes(self.read(address, 4), "little")
        value = self.register(word >> 15 & 31) & _MSTATUS_XS
        match word >> 12 & 7:
            case 1:
                self._mstatus_xs = value
            case 2:
                self._mstatus_xs |= value
            case 3:
                self._mstatus_xs &= ~value

    def _on_exception(self, _uc: Uc, cause: int, _data: object) -> None:
        # Unicorn has advanced the pc by 4, whatever the instruction's size.
        pc = int(self._uc.reg_read(rv.UC_RISCV_REG_PC)) - 4
        if cause in (_USER_CALL, _MACHINE_CALL):
            if self._is_linux:
                self.calls.serve()
            else:
                self._trap(_MACHINE_CALL, pc, 0)
            return
        if cause != _ILLEGAL_INSTRUCTION:
            self._trap(cause, pc, 0)
            return
        word = int.from_bytes(self.read(pc, 4), "little")
        if word & 0x7F != self._opcode or not self._mstatus_xs:
            self._trap(cause, pc, word if word & 3 == 3 else word & 0xFFFF)
            return
        self._custom(pc, word)

    def _custom(self, pc: int, word: int) -> None:
        if word >> 12 & 7 != FUNCT3_TWO_SOURCES:
            self._counter(pc, word)
            return
        operands = self.register(word >> 15 & 31), self.register(word >> 20 & 31)
        try:
            self.accelerator.command(word >> 25, *operands)
        except SimulatorError as error:
            where = self._elf.function_at(pc)
            raise HartError(f"command at pc {pc:#x} ({where}): {error}") from None

    def _counter(self, pc: int, word: int) -> None:
        """The one custom instruction that writes a register."""
        if word >> 25 != _COUNTER or word >> 12 & 7 != _FUNCT3_COUNTER:
            raise HartError(
                f"custom instruction {word:#010x} at pc {pc:#x}: only COUNTER writes a register"
            )
        value = self.accelerator.counter(self.register(word >> 15 & 31))
        if value is None:
            why = self.accelerator.timing_problem or "times are not modelled (--no-timing)"
            raise HartError(f"COUNTER at pc {pc:#x} has no answer: {why}")
        self.set_register(word >> 7 & 31, value)
