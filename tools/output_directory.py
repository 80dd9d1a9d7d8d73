"""Directories that appear only when they are complete."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.manifest import MANIFEST, is_manifest


def write_directory(directory: Path, files: Mapping[str, str | bytes]) -> None:
    """Make `directory` hold exactly `files` (relative name to content), all of them or nothing.

    An existing directory is replaced if it is empty or was made by `gemmini compile`. Raises
    `GemminiError` otherwise, and when the file system refuses.
    """
    target = Path(os.path.realpath(directory))
    check_replaceable(directory)
    try:
        _replace(target, files)
    except OSError as error:
        raise GemminiError(f"{directory}: cannot be written: {error.strerror}") from None


def check_replaceable(directory: Path) -> None:
    """Raise `GemminiError` if `directory` holds something that must not be replaced."""
    try:
        if not directory.exists():
            return
        if not directory.is_dir():
            raise GemminiError(f"{directory}: exists and is not a directory")
        if any(directory.iterdir()) and not is_manifest(directory / MANIFEST):
            raise GemminiError(
                f"{directory}: exists and was not made by gemmini compile; "
                "give another directory or remove it"
            )
    except OSError as error:
        raise GemminiError(f"{directory}: cannot be written: {error.strerror}") from None


def _replace(target: Path, files: Mapping[str, str | bytes]) -> None:
    ancestor = target.parent
    while not ancestor.exists():
        ancestor = ancestor.parent
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=ancestor))
    made: list[Path] = []
    try:
        complete, old = temporary / "new", temporary / "old"
        complete.mkdir()
        for name, content in files.items():
            path = complete / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        made = _make_parents(target.parent)
        if target.exists():
            target.rename(old)
        try:
            complete.rename(target)
        except OSError:
            if old.exists():
                old.rename(target)
            raise
        made = []
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        for folder in made:
            folder.rmdir()


def _make_parents(folder: Path) -> list[Path]:
    """Create `folder` and its parents; the ones created, innermost first."""
    missing: list[Path] = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    for path in reversed(missing):
        path.mkdir()
    return missing
