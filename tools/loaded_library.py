"""Shared libraries that are loaded into this process: their memory (on ELF systems), unloading."""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_PT_LOAD, _PF_W, _PF_R = 1, 2, 4


@dataclass(frozen=True)
class Segment:
    """A part of a library: constants, or variables."""

    address: int
    memory: NDArray[np.uint8]


class _ProgramHeader(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("offset", ctypes.c_uint64),
        ("vaddr", ctypes.c_uint64),
        ("paddr", ctypes.c_uint64),
        ("filesz", ctypes.c_uint64),
        ("memsz", ctypes.c_uint64),
        ("align", ctypes.c_uint64),
    ]


class _Info(ctypes.Structure):
    _fields_ = [
        ("address", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("headers", ctypes.POINTER(_ProgramHeader)),
        ("count", ctypes.c_uint16),
    ]


def library_segments(path: Path) -> list[Segment] | None:
    """The readable segments of the loaded library `path`; None where that cannot be known."""
    iterate = getattr(ctypes.CDLL(None), "dl_iterate_phdr", None)
    if iterate is None or ctypes.sizeof(ctypes.c_void_p) != 8:
        return None
    wanted = str(path).encode()
    found: list[Segment] = []

    def visit(info: Any, _size: int, _data: Any) -> int:
        item = info.contents
        if item.name != wanted:
            return 0
        base = item.address or 0
        for header in item.headers[: item.count]:
            if header.type == _PT_LOAD and header.flags & _PF_R and header.memsz:
                address = base + header.vaddr
                memory = np.frombuffer((ctypes.c_uint8 * header.memsz).from_address(address), "u1")
                memory.flags.writeable = bool(header.flags & _PF_W)
                found.append(Segment(address, memory))
        return 1

    prototype = ctypes.CFUNCTYPE(
        ctypes.c_int, ctypes.POINTER(_Info), ctypes.c_size_t, ctypes.c_void_p
    )
    iterate(prototype(visit), None)
    return found


def unload(library: ctypes.CDLL) -> None:
    """Unload a library, so that many runs in one process do not pile up."""
    import _ctypes

    close = getattr(_ctypes, "dlclose", None)
    if close is not None:
        close(library._handle)
