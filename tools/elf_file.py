"""Reading statically linked RV64 ELF files."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from gemmini_xdsl.tools.errors import GemminiError

MAGIC = b"\x7fELF"
_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SEGMENT = struct.Struct("<IIQQQQQQ")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_CLASS64, _LITTLE_ENDIAN, _EXECUTABLE, _RISCV = 2, 1, 2, 243
_LOAD, _FLAG_EXECUTE, _FLAG_WRITE = 1, 1, 2
_SYMBOL_TABLE, _OBJECT, _FUNCTION = 2, 1, 2
_MACHINES = {3: "x86", 40: "ARM", 62: "x86-64", 183: "AArch64", 8: "MIPS", 21: "PowerPC64"}


@dataclass(frozen=True)
class Segment:
    """A part of the file that is loaded at `address`; `size` includes zeros behind `content`."""

    address: int
    content: bytes
    size: int
    executable: bool
    writable: bool


@dataclass(frozen=True)
class Symbol:
    """A named address; `size` is 0 if the file does not give it."""

    name: str
    address: int
    size: int
    is_object: bool
    is_function: bool


@dataclass(frozen=True)
class ElfFile:
    """What is needed of an executable to run it and to print its instructions."""

    path: str
    entry: int
    segments: tuple[Segment, ...]
    symbols: tuple[Symbol, ...]

    @cached_property
    def _by_name(self) -> dict[str, Symbol]:
        return {symbol.name: symbol for symbol in self.symbols}

    def symbol(self, name: str) -> Symbol | None:
        """The symbol called `name`."""
        return self._by_name.get(name)

    def function_at(self, address: int) -> str | None:
        """The function that contains `address`, with the offset in it."""
        for symbol in self.symbols:
            if symbol.is_function and symbol.address <= address < symbol.address + symbol.size:
                offset = address - symbol.address
                return f"{symbol.name}+{offset:#x}" if offset else symbol.name
        return None


def is_elf(path: Path) -> bool:
    """Whether `path` is a file that starts like an ELF file."""
    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def read_elf(path: Path) -> ElfFile:
    """The executable in a file. Raises `GemminiError` if it is none for RV64."""
    try:
        return parse_elf(path.read_bytes(), str(path))
    except OSError as error:
        raise GemminiError(f"{path}: cannot be read: {error.strerror}") from None


def parse_elf(data: bytes, path: str) -> ElfFile:
    """The executable that `data` holds; `path` is for messages. Raises `GemminiError`."""
    if data[: len(MAGIC)] != MAGIC:
        raise GemminiError(f"{path}: not an ELF file")
    try:
        header = _HEADER.unpack_from(data)
        ident, kind, machine, _, entry, segments_at, sections_at = header[:7]
        segment_size, segments, section_size, sections = header[9:13]
        if ident[4] != _CLASS64 or ident[5] != _LITTLE_ENDIAN or machine != _RISCV:
            bits = "64" if ident[4] == _CLASS64 else "32"
            name = _MACHINES.get(machine, "RISC-V" if machine == _RISCV else f"number {machine}")
            raise GemminiError(
                f"{path}: is for the machine {name} ({bits} bits); RV64 little-endian is needed"
            )
        if kind != _EXECUTABLE:
            raise GemminiError(f"{path}: not a statically linked executable; link it with -static")
        return ElfFile(
            path,
            entry,
            _segments(data, path, segments_at, segment_size, segments),
            _symbols(data, sections_at, section_size, sections),
        )
    except (struct.error, OverflowError):
        raise GemminiError(f"{path}: truncated ELF file") from None


def _segments(data: bytes, path: str, at: int, size: int, count: int) -> tuple[Segment, ...]:
    found = []
    for index in range(count):
        kind, flags, offset, address, _, filled, total, _ = _SEGMENT.unpack_from(
            data, at + index * size
        )
        if kind != _LOAD or total == 0:
            continue
        content = data[offset : offset + filled]
        if len(content) != filled or filled > total:
            raise GemminiError(f"{path}: truncated ELF file")
        found.append(
            Segment(address, content, total, bool(flags & _FLAG_EXECUTE), bool(flags & _FLAG_WRITE))
        )
    if not found:
        raise GemminiError(f"{path}: has nothing to load")
    return tuple(found)


def _symbols(data: bytes, at: int, size: int, count: int) -> tuple[Symbol, ...]:
    sections = [_SECTION.unpack_from(data, at + index * size) for index in range(count)]
    found: list[Symbol] = []
    for _, kind, _, _, offset, bytes_, link, _, _, _ in sections:
        if kind != _SYMBOL_TABLE or link >= count:
            continue
        names_at, names_bytes = sections[link][4:6]
        names = data[names_at : names_at + names_bytes]
        for position in range(offset, offset + bytes_, _SYMBOL.size):
            name_at, info, _, section, value, length = _SYMBOL.unpack_from(data, position)
            end = names.find(b"\0", name_at)
            name = names[name_at:end].decode(errors="replace")
            # Section 0 is "undefined"; types above function are sections and files.
            if name and section != 0 and info & 15 <= _FUNCTION:
                is_object, is_function = info & 15 == _OBJECT, info & 15 == _FUNCTION
                found.append(Symbol(name, value, length, is_object, is_function))
    return tuple(found)
