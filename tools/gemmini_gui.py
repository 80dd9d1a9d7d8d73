"""`gemmini-gui`: xDSL's interactive view with our dialects and passes.

`xdsl-gui` itself offers what xDSL comes with, and does not look for plugins.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from xdsl.passes import ModulePass, PassPipeline
from xdsl.utils.exceptions import ArgSpecParseError

from gemmini_xdsl.tools.universe import load_universe

PROGRAM = "gemmini-gui"
EXIT_OK, EXIT_REFUSED = 0, 1
_HOW_TO_INSTALL = "pip install 'gemmini-xdsl[gui]'"


class GuiError(Exception):
    """A message to the user."""


def make_app(path: str | None = None, text: str | None = None, passes: str = "") -> Any:
    """The application on the file `path` with content `text`, after `passes`. Raises `GuiError`."""
    try:
        from xdsl.interactive.app import InputApp
    except ImportError as error:
        raise GuiError(f"this needs xDSL's graphical parts: {_HOW_TO_INSTALL} ({error})") from None
    universe = load_universe()
    try:
        pipeline = PassPipeline.parse_spec(universe.all_passes, passes).passes
    except (ArgSpecParseError, ValueError, TypeError) as error:
        raise GuiError(f"--passes: {' '.join(str(error).split())}") from None
    loaded: tuple[tuple[str, type[ModulePass]], ...] = tuple(
        (name, load()) for name, load in sorted(universe.all_passes.items())
    )
    return InputApp(tuple(universe.all_dialects.items()), loaded, path, text, pipeline)


def main(args: Sequence[str] | None = None) -> int:
    """Entry point of `gemmini-gui`: returns the exit status."""
    parser = argparse.ArgumentParser(
        PROGRAM,
        description="Look at what passes do to an MLIR module, one by one.",
        epilog=f"example: {PROGRAM} product.mlir -p gemmini-assign-schedule,gemmini-tile",
    )
    parser.add_argument("input_file", nargs="?", help="MLIR file")
    parser.add_argument("-p", "--passes", default="", help="passes to begin with: a,b{x=1}")
    options = parser.parse_args(args)
    try:
        text = None if options.input_file is None else _read(options.input_file)
        app = make_app(options.input_file, text, options.passes)
    except GuiError as error:
        print(f"{PROGRAM}: error: {error}", file=sys.stderr)
        return EXIT_REFUSED
    app.run()
    return EXIT_OK


def _read(name: str) -> str:
    try:
        return Path(name).read_text()
    except OSError as error:
        raise GuiError(f"{name}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise GuiError(f"{name}: not a text file") from None


if __name__ == "__main__":
    sys.exit(main())
