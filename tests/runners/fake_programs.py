"""Programs that play Spike, an RTL simulator or a board's loader."""

from __future__ import annotations

import sys
from pathlib import Path

from gemmini_xdsl.tools.elf_file import MAGIC

GOOD_CONSOLE = "gemmini-xdsl: gemm, configuration default 0x1\\ngemm: 1234 cycles\\nPASS\\n"

# A real program runs the ELF; these check that they got one, and print what they are told to.
SCRIPT = """\
#!{python}
import sys, time
elf = sys.argv[-1]
assert open(elf, "rb").read(4) == {magic!r}, "not an ELF file"
print("arguments:", *sys.argv[1:-1])
sys.stdout.write("{console}")
sys.stdout.flush()
time.sleep({sleep})
{end}
"""


def fake(
    folder: Path, name: str, *, console: str = GOOD_CONSOLE, status: int = 0, sleep: float = 0,
    end: str | None = None,
) -> Path:  # fmt: skip
    path = folder / name
    path.write_text(
        SCRIPT.format(
            python=sys.executable,
            magic=MAGIC,
            console=console,
            sleep=sleep,
            end=end or f"sys.exit({status})",
        )
    )
    path.chmod(0o755)
    return path
