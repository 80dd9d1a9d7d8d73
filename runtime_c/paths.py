"""Where the headers for kernels and the simulator library are installed."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

_LIBRARY = {"darwin": "libgemmini_sim.dylib", "win32": "gemmini_sim.dll"}.get(
    sys.platform, "libgemmini_sim.so"
)


def include_dir() -> Path:
    """The folder that a C compiler needs as `-I` for `#include <gemmini/rocc.h>`."""
    return Path(__file__).resolve().parent / "include"


def source_dir() -> Path:
    """The folder of C sources that are compiled along with kernels (`recorder.c`)."""
    return Path(__file__).resolve().parent / "src"


def library_path() -> Path:
    """The simulator's shared library.

    An installed package holds it next to this module; an editable installation keeps what CMake
    built among the environment's packages. Raises `FileNotFoundError` if it was not built.
    """
    inside = Path("runtime_c", "lib", _LIBRARY)
    candidates = [
        Path(__file__).resolve().parent.parent / inside,
        *(
            Path(sysconfig.get_path(scheme), "gemmini_xdsl", inside)
            for scheme in ("platlib", "purelib")
        ),
        *(Path(entry, "gemmini_xdsl", inside) for entry in sys.path if entry),
    ]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    raise FileNotFoundError(
        f"the simulator library {_LIBRARY} is missing from the installation of gemmini-xdsl; "
        "install the package again (pip install)"
    )
