"""Executing a level-4 function for the commands it issues.

Its slice is translated to Python, which is fast enough for streams of a million commands.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType, ModuleOp

from gemmini_xdsl.targets.c_memory import buffer_elements, element_type
from gemmini_xdsl.targets.command_slice import TARGET, Slice, Slicer
from gemmini_xdsl.targets.command_translator import BITS, Translator
from gemmini_xdsl.targets.errors import TargetError, TooLongError

MAX_ITERATIONS = 1 << 27
"""Loops that run longer are refused: they would take minutes."""


def _trip_count(lower: int, upper: int, step: int) -> int:
    """Iterations of a loop; `len` of a range would be limited to 63 bits."""
    if step <= 0:
        raise ValueError("the step must be positive")
    return max(0, -((lower - upper) // step))


def _int_div(a: int, b: int) -> int:
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


@dataclass
class Buffers:
    """DRAM addresses, assigned in order of demand, each a multiple of `alignment`."""

    next_address: int
    alignment: int

    def allocate(self, size: int) -> int:
        """The address of a new buffer of `size` bytes."""
        address = -(-self.next_address // self.alignment) * self.alignment
        self.next_address = address + max(size, 1)
        if self.next_address > 1 << BITS:
            raise TargetError(f"{TARGET}: buffers do not fit into a {BITS}-bit address space")
        return address

    def allocate_memref(self, type_: MemRefType, what: str) -> int:
        """The address of a new buffer for a memref."""
        return self.allocate(buffer_elements(type_, what) * element_bytes(type_, what))


def element_bytes(type_: MemRefType, what: str) -> int:
    """Bytes of one element in memory."""
    return max(8, element_type(type_, what).bits) // 8


@dataclass
class Program:
    """Python functions for `symbol` and all that it calls.

    Without `operands` commands are only counted, by mnemonic, and their operands not computed.
    With `core_cycles` the time that the core needs for all this is counted, too: `core` holds what
    it has taken so far.
    """

    module: ModuleOp
    symbol: str
    buffers: Buffers
    operands: bool = True
    core_cycles: bool = False
    core: list[int] = field(default_factory=lambda: [0])
    slicer: Slicer = field(init=False)
    _names: dict[str, str] = field(default_factory=dict)
    _addresses: dict[object, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.slicer = Slicer(self.module, self.operands)

    def function_name(self, symbol: str) -> str:
        """The Python name of the function `symbol`."""
        return self._names.setdefault(symbol, f"f{len(self._names)}")

    def parameters_of(self, symbol: str) -> list[int]:
        """Indices of the arguments that the translation of `symbol` takes."""
        part = self.slicer.slice_of(symbol)
        assert part is not None
        return sorted(part.parameters)

    def address_of(self, op: memref.AllocOp | memref.AllocaOp | memref.GetGlobalOp) -> int:
        """The address of the buffer that `op` gives; every buffer is static."""
        is_global = isinstance(op, memref.GetGlobalOp)
        key: object = op.name_.string_value() if isinstance(op, memref.GetGlobalOp) else op
        if key not in self._addresses:
            type_ = op.memref.type
            assert isinstance(type_, MemRefType)
            what = f"@{key}" if is_global else op.name
            self._addresses[key] = self.buffers.allocate_memref(type_, what)
        return self._addresses[key]

    def global_addresses(self) -> dict[str, int]:
        """The addresses of the globals that the program has used, by name."""
        return {key: at for key, at in self._addresses.items() if isinstance(key, str)}

    def _translate(self, part: Slice, name: str) -> str:
        try:
            return Translator(part, self).translate(name)
        except KeyError:
            raise TargetError(
                f"{TARGET}: @{part.function.sym_name.data} uses a value before it is defined"
            ) from None

    def run(
        self, arguments: dict[int, int], command: Callable[..., None], fence: Callable[[], None]
    ) -> None:
        """Execute the function with the addresses of its arguments, by index.

        `command` is called with funct, rs1, rs2 and the mnemonic of each command.
        """
        self._execute(arguments, {"command": command, "fence": fence, "core": self.core})

    def count(self, arguments: dict[int, int]) -> dict[str, int]:
        """The number of commands by mnemonic, and of fences."""
        counts: dict[str, int] = defaultdict(int)
        self._execute(arguments, {"counts": counts})
        return {name: number for name, number in counts.items() if number}

    def _execute(self, arguments: dict[int, int], scope: dict[str, Any]) -> None:
        root = self.slicer.slice_of(self.symbol)
        if root is None:
            return
        self.function_name(self.symbol)
        sources: list[str] = []
        done: set[str] = set()
        while len(done) < len(self._names):
            for symbol, name in list(self._names.items()):
                if symbol not in done:
                    done.add(symbol)
                    part = self.slicer.slice_of(symbol)
                    assert part is not None
                    sources.append(self._translate(part, name))
        spent = 0

        def spend(iterations: int) -> None:
            nonlocal spent
            spent += iterations
            if spent > MAX_ITERATIONS:
                raise TooLongError(
                    f"{TARGET}: @{self.symbol} runs for more than {MAX_ITERATIONS} iterations"
                )

        scope |= {"spend": spend, "trip_count": _trip_count, "_int_div": _int_div}
        try:
            exec(compile("\n\n".join(sources), "<commands>", "exec"), scope)
            scope[self._names[self.symbol]](*(arguments[i] for i in sorted(root.parameters)))
        except ZeroDivisionError:
            raise TargetError(f"{TARGET}: @{self.symbol} divides by zero") from None
        except ValueError:
            raise TargetError(f"{TARGET}: a loop of @{self.symbol} has a step below one") from None
        except SyntaxError:
            raise TargetError(
                f"{TARGET}: @{self.symbol} nests loops too deeply to be executed"
            ) from None
