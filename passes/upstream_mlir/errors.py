"""Errors of work that upstream MLIR does for us, and its diagnostics as text."""

from __future__ import annotations

import re
from collections.abc import Iterable

from xdsl.utils.exceptions import PassFailedException

_POSITION = re.compile(r'"([^"]+)":(\d+):(\d+)')
_NO_FILE = ("-", "<stdin>")


class UpstreamMlirError(PassFailedException):
    """Upstream MLIR refused a module, a pipeline or a translation; the text is for people."""


class UpstreamMlirNotFoundError(UpstreamMlirError):
    """Neither upstream MLIR's Python bindings nor its tools are installed."""


def format_diagnostic(location: str, message: str) -> str:
    """`file:line:column: error: message`, or the message alone where the location is unknown.

    `location` is as MLIR prints it: `loc("file":line:column)`, possibly nested in other ones.
    """
    text = " ".join(message.split())
    found = _POSITION.search(location)
    if found is None or found[1] in _NO_FILE:
        return text
    return f"{found[1]}:{found[2]}:{found[3]}: error: {text}"


def join_diagnostics(diagnostics: Iterable[str]) -> str:
    """The first diagnostic and the number of the others."""
    texts = list(dict.fromkeys(diagnostics))
    if not texts:
        return "no reason given"
    more = f" (and {len(texts) - 1} more)" if len(texts) > 1 else ""
    return texts[0] + more
