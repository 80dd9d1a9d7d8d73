"""Errors that the TVM bridge reports to users."""

from __future__ import annotations


class TvmBridgeError(Exception):
    """Something that comes from TVM cannot be used; the message names it and says why."""


class TvmFileError(TvmBridgeError):
    """A TVMScript or JSON file cannot be loaded."""


class TvmImportError(TvmBridgeError):
    """A function or one of its blocks cannot be expressed as linalg on memrefs."""
