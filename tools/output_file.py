"""Output files that appear only when they are complete."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def write_output_file(name: str, text: str) -> None:
    """Write `text` to the file `name`, which keeps its old content unless all of it is written.

    What is not a regular file (a device, a pipe) is written to directly. Raises `OSError`.
    """
    path = Path(os.path.realpath(name))
    # A link such as /dev/stdout leads to whatever file the shell has opened; that one must stay.
    if os.path.abspath(name).startswith("/dev/") or (path.exists() and not path.is_file()):
        path = Path(name)
        path.write_text(text)
        return
    descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
        os.chmod(temporary, path.stat().st_mode if path.exists() else _default_mode())
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def _default_mode() -> int:
    """Mode of a new file; the file creation mask can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
