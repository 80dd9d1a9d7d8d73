"""Commands as what they do to rows of local memory, decoded by hand from the ISA reference.

Independent of the compiler's own notion of buffers and dependencies: addresses are physical rows.
Products and sums stay symbols, so that two orders of the same commands can be compared.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from gemmini_xdsl.hardware import GemminiConfig

CONFIG, MVINS, MVOUT, COMPUTES, PRELOAD = 0, {2: 0, 1: 1, 14: 2}, 3, (4, 5), 6
GARBAGE = (1 << 32) - 1
ACCUMULATOR, ACCUMULATE = 1 << 31, 1 << 30
ADDRESS = (1 << 29) - 1
TRANSPOSE_A, TRANSPOSE_B = 8, 9

Row: TypeAlias = tuple[str, int]
"""Memory ("scratchpad" or "accumulator") and row number."""
Raw: TypeAlias = tuple[int, int, int]


@dataclass
class Access:
    """One load, product or store; `key` is the same wherever it stands and whether it adds."""

    key: tuple[object, ...]
    kind: str
    reads: set[Row] = field(default_factory=set)
    writes: set[Row] = field(default_factory=set)
    adds: bool = False


@dataclass
class Execution:
    """The accesses in order, and what is stored: bytes of DRAM to the terms that were summed."""

    accesses: list[Access] = field(default_factory=list)
    stored: dict[int, tuple[object, ...]] = field(default_factory=dict)
    commands: int = 0


def execute(commands: Iterable[Raw], config: GemminiConfig) -> Execution:
    """Run `commands` (no fences) with symbols for numbers."""
    return _Machine(config).run(commands)


def _tile(operand: int) -> tuple[int, int, int]:
    """Address, rows and columns of a packed operand."""
    return operand & GARBAGE, operand >> 48, operand >> 32 & 0xFFFF


class _Machine:
    def __init__(self, config: GemminiConfig):
        self.dim = config.dim
        self.element_bytes = {"scratchpad": 1, "accumulator": 4}
        self.memory: dict[Row, Counter[object]] = {}
        self.load_strides: dict[int, tuple[int, int]] = {}
        self.store: tuple[int, int] = (0, 0)
        self.array: int = 0
        self.weights: tuple[object, ...] = ()
        self.weights_at: tuple[int, int, int] = (GARBAGE, 0, 0)
        self.preloaded: tuple[int, int] | None = None
        self.out = Execution()

    def run(self, commands: Iterable[Raw]) -> Execution:
        for funct, rs1, rs2 in commands:
            self.out.commands += 1
            if funct == CONFIG:
                self._configure(rs1, rs2)
            elif funct in MVINS:
                self._load(MVINS[funct], rs1, rs2)
            elif funct == MVOUT:
                self._store(rs1, rs2)
            elif funct == PRELOAD:
                assert self.preloaded is None, "a PRELOAD without COMPUTE"
                self.preloaded = (rs1, rs2)
            else:
                assert funct in COMPUTES, funct
                self._multiply(funct, rs1, rs2)
        assert self.preloaded is None, "a PRELOAD without COMPUTE"
        return self.out

    def _configure(self, rs1: int, rs2: int) -> None:
        match rs1 & 3:
            case 0:
                self.array = rs1 & 0xFFFF
            case 1:
                self.load_strides[rs1 >> 3 & 3] = rs2, rs1 >> 16 & 0xFFFF
            case 2:
                self.store = rs2, rs1

    @staticmethod
    def _rows(address: int, rows: int) -> list[Row]:
        memory = "accumulator" if address & ACCUMULATOR else "scratchpad"
        return [(memory, (address & ADDRESS) + row) for row in range(rows)]

    def _blocks(self, address: int, rows: int, cols: int, spacing: int) -> list[tuple[Row, int]]:
        """Each row with the first column that it holds."""
        return [
            (row, first)
            for first in range(0, cols, self.dim)
            for row in self._rows(address + first // self.dim * spacing, rows)
        ]

    def _write(self, row: Row, term: object, adds: bool) -> None:
        if adds:
            assert row in self.memory, f"{row} is added to before anything overwrites it"
            self.memory[row][term] += 1
        else:
            self.memory[row] = Counter([term])

    def _load(self, config: int, dram: int, rs2: int) -> None:
        address, rows, cols = _tile(rs2)
        stride, spacing = self.load_strides[config]
        adds = bool(address & ACCUMULATOR and address & ACCUMULATE)
        access = Access((config, dram, rs2 & ~ACCUMULATE), "load", adds=adds)
        for number, (row, first) in enumerate(self._blocks(address, rows, cols, spacing)):
            at = dram + number % rows * stride + first * self.element_bytes[row[0]]
            self._write(row, ("memory", at, min(self.dim, cols - first)), adds)
            access.writes.add(row)
        self.out.accesses.append(access)

    def _read(self, access: Access, tile: tuple[int, int, int]) -> tuple[object, ...]:
        """What the array reads; a transposed matrix lies in memory with its columns as rows."""
        address, rows, cols = tile
        if address == GARBAGE:
            return ()
        used = self._rows(address, rows)
        access.reads.update(used)
        return (cols, *(tuple(self.memory[row].items()) for row in used))

    def _operand(self, operand: int, transpose_bit: int) -> tuple[int, int, int]:
        address, rows, cols = _tile(operand)
        return (address, cols, rows) if self.array >> transpose_bit & 1 else (address, rows, cols)

    def _multiply(self, funct: int, rs1: int, rs2: int) -> None:
        assert self.preloaded is not None, "a COMPUTE without PRELOAD"
        weight_stationary = self.array >> 2 & 1
        stationary, (address, rows, cols) = map(_tile, self.preloaded)
        moving, other = self._operand(rs1, TRANSPOSE_A), _tile(rs2)
        if weight_stationary:
            stationary = self._operand(self.preloaded[0], TRANSPOSE_B)
        else:
            other = self._operand(rs2, TRANSPOSE_B)
        self.preloaded = None
        if funct == COMPUTES[0]:
            self.weights_at = stationary
        else:
            assert stationary[0] == GARBAGE
        key = ("product", self.weights_at, rs1, rs2, (address & ~ACCUMULATE, rows, cols))
        adds = bool(address & ACCUMULATE)
        access = Access(key, "product", adds=adds)
        if funct == COMPUTES[0]:
            self.weights = self._read(access, stationary)
        product = (self.weights, self._read(access, moving), self._read(access, other), self.array)
        for number, row in enumerate(self._rows(address, rows)):
            self._write(row, ("product", number, cols, product), adds)
            access.writes.add(row)
        self.out.accesses.append(access)

    def _store(self, dram: int, rs2: int) -> None:
        address, rows, cols = _tile(rs2)
        stride = self.store[0] & GARBAGE
        element = 4 if address & 1 << 29 else 1
        access = Access((dram, rs2), "store")
        for number, (row, first) in enumerate(self._blocks(address, rows, cols, self.dim)):
            at = dram + number % rows * stride + first * element
            assert at not in self.out.stored, f"{at:#x} is stored twice"
            terms = frozenset(self.memory[row].items())
            self.out.stored[at] = (min(self.dim, cols - first), self.store, terms)
            access.reads.add(row)
        self.out.accesses.append(access)


def broken_dependencies(program: Execution, order: Execution) -> list[str]:
    """Pairs of accesses to one row that must keep their order in `program` but do not in `order`.

    Two that write the accumulator may change places if the second one adds and nothing reads in
    between: then the first of a sum overwrites whichever it is.
    """
    places: dict[object, int] = {}
    for place, key in enumerate(_numbered(order.accesses)):
        places[key] = place
    broken: list[str] = []
    written: dict[Row, list[int]] = {}
    read: dict[Row, list[int]] = {}
    before_sum: dict[Row, list[int]] = {}

    def check(row: Row, kind: str, earlier: list[int], later: int) -> None:
        broken.extend(
            f"{kind} {row}: {program.accesses[number].key} and {program.accesses[later].key}"
            for number in earlier
            if number != later and position[number] >= position[later]
        )

    position = [places[key] for key in _numbered(program.accesses)]
    for number, access in enumerate(program.accesses):
        for row in access.reads:
            check(row, "read after write", written.get(row, []), number)
            read.setdefault(row, []).append(number)
        for row in access.writes:
            check(row, "write after read", read.get(row, []), number)
            check(row, "sum after sum", before_sum.get(row, []), number)
            commutes = row[0] == "accumulator" and access.adds and not read.get(row)
            if not commutes:
                check(row, "write after write", written.get(row, []), number)
            if access.adds:
                written.setdefault(row, []).append(number)
            else:
                before_sum[row] = [*written.get(row, []), *read.get(row, [])]
                written[row], read[row] = [number], []
    return broken


def _numbered(accesses: Iterable[Access]) -> list[tuple[object, int]]:
    """The keys, those that are equal numbered."""
    seen: Counter[object] = Counter()
    found = []
    for access in accesses:
        found.append((access.key, seen[access.key]))
        seen[access.key] += 1
    return found
