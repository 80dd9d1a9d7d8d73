"""Errors of the `gemmini` command and of the Python API behind it."""

from __future__ import annotations

EXIT_INTERRUPTED = 130
"""Exit status after Ctrl-C."""


class GemminiError(Exception):
    """What the user asked for cannot be done; the message is complete and for people.

    The command prints it as one line and exits with status 1.
    """


class UsageError(GemminiError):
    """The request itself makes no sense: a wrong option or shorthand. Exit status 2."""
