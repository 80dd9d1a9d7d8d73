"""Building emitted C for this machine, with commands going to the simulator."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from gemmini_xdsl.tools.errors import GemminiError

COMPILERS = ("cc", "gcc", "clang")
FLAGS = ("-std=c17", "-O2", "-ffp-contract=off", "-fPIC", "-shared", "-DGEMMINI_HOST_SIM")
MAX_MESSAGE_LINES = 20


def find_c_compiler() -> list[str]:
    """The command of the machine's C compiler: `$CC`, else the first of cc, gcc and clang.

    Raises `GemminiError` if there is none.
    """
    chosen = os.environ.get("CC", "").strip()
    if chosen:
        try:
            command = shlex.split(chosen)
        except ValueError as error:
            raise GemminiError(f"CC='{chosen}' is not a command: {error}") from None
        if shutil.which(command[0]) is None:
            raise GemminiError(f"no C compiler found: CC is set to '{chosen}', which is no program")
        return command
    for name in COMPILERS:
        if shutil.which(name) is not None:
            return [name]
    raise GemminiError(
        f"no C compiler found: looked for {', '.join(COMPILERS)}; install one "
        "(Debian and Ubuntu: apt-get install gcc) or set CC"
    )


def build_shared_library(
    sources: Sequence[Path], includes: Sequence[Path], simulator: Path, output: Path
) -> None:
    """Compile `sources` into the shared library `output`, linked with the simulator.

    Raises `GemminiError` with the compiler's message if that fails.
    """
    command = [
        *find_c_compiler(),
        *FLAGS,
        *(f"-I{folder}" for folder in includes),
        *(str(source) for source in sources),
        str(simulator),
        f"-Wl,-rpath,{simulator.parent}",
        "-o",
        str(output),
    ]
    try:
        result = subprocess.run(command, capture_output=True, text=True, errors="replace")
    except OSError as error:
        raise GemminiError(f"{command[0]} cannot be run: {error.strerror}") from None
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines()[:MAX_MESSAGE_LINES]
        raise GemminiError(
            f"{command[0]} cannot compile {', '.join(str(s) for s in sources)}:\n"
            + "\n".join(lines)
        )
