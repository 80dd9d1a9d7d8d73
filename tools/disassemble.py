"""`gemmini disasm`: the custom instructions of an ELF file, or the commands of a stream."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.hardware.encoding import CUSTOM_OPCODES, FUNCT3_TWO_SOURCES
from gemmini_xdsl.targets.command_translator import FENCE
from gemmini_xdsl.targets.disassembler import disassemble, mnemonic
from gemmini_xdsl.tools.elf_file import is_elf, read_elf
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.runners.instructions import Kind, instructions

REGISTERS = (
    *("zero", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "s0", "s1"),
    *(f"a{index}" for index in range(8)),
    *(f"s{index}" for index in range(2, 12)),
    *(f"t{index}" for index in range(3, 7)),
)


def disassemble_file(path: Path, config: GemminiConfig) -> Iterator[str]:
    """Lines about the file, one for each command. Raises `GemminiError`."""
    if is_elf(path):
        return _elf_lines(path, config)
    return _stream_lines(path, config)


def _elf_lines(path: Path, config: GemminiConfig) -> Iterator[str]:
    """Operands are registers, so only the operation is known; fences are listed, too."""
    elf = read_elf(path)
    opcode = CUSTOM_OPCODES[config.opcode]
    function = ""
    for segment in elf.segments:
        if not segment.executable:
            continue
        for address, found in instructions(segment.content, segment.address):
            is_command = found.size == 4 and found.word & 0x7F == opcode
            if not is_command and found.kind != Kind.FENCE:
                continue
            where = (elf.function_at(address) or "?").partition("+")[0]
            if where != function:
                function = where
                yield f"{function}:"
            text = _command(found.word) if is_command else FENCE
            yield f"  {address:x}:  {found.word:08x}  {text}"


def _command(word: int) -> str:
    name = mnemonic(word >> 25)
    rd, rs1, rs2 = (REGISTERS[word >> low & 31] for low in (7, 15, 20))
    if word >> 12 & 7 == FUNCT3_TWO_SOURCES:
        return f"{name} {rs1}, {rs2}"
    return f"{name} {rd}, {rs1}, {rs2} (funct3 {word >> 12 & 7})"


def _stream_lines(path: Path, config: GemminiConfig) -> Iterator[str]:
    try:
        text = path.read_text()
    except OSError as error:
        raise GemminiError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise GemminiError(f"{path}: neither an ELF file nor a stream of commands") from None
    lines = []
    for number, line in enumerate(text.splitlines(), 1):
        content = line.partition(";")[0].partition("#")[0].strip()
        if content:
            lines.append(content if content == FENCE else _parsed(path, number, content, config))
    return iter(lines)


def _parsed(path: Path, number: int, content: str, config: GemminiConfig) -> str:
    try:
        funct, rs1, rs2 = (int(part, 16) for part in content.split())
    except ValueError:
        raise GemminiError(
            f"{path}:{number}: '{content[:60]}' is not a command: expected three hexadecimal "
            f"numbers (funct rs1 rs2) or '{FENCE}'"
        ) from None
    if not (0 <= funct < 128 and 0 <= rs1 < 1 << 64 and 0 <= rs2 < 1 << 64):
        raise GemminiError(
            f"{path}:{number}: '{content[:60]}': funct has 7 bits, operands have 64 bits"
        )
    return disassemble(funct, rs1, rs2, config)
