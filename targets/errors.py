"""Errors that emitters report to the user."""

from __future__ import annotations

from xdsl.ir import Operation
from xdsl.utils.exceptions import DiagnosticException


class TargetError(DiagnosticException):
    """A module cannot be emitted; the message names the operation and the reason."""


class DataDependentError(TargetError):
    """The commands of a function depend on its data or on scalar arguments."""


class TooLongError(TargetError):
    """A function issues more commands, or runs longer, than can be executed symbolically."""


def unsupported_op(target: str, op: Operation, reason: str = "") -> TargetError:
    """The error for `op`, which `target` has no translation for."""
    function = op.parent_op()
    while function is not None and function.name != "func.func":
        function = function.parent_op()
    symbol = None if function is None else function.properties.get("sym_name")
    place = f" in @{getattr(symbol, 'data', '?')}" if symbol is not None else ""
    return TargetError(
        f"{target}: cannot emit '{op.name}'{place}" + (f": {reason}" if reason else "")
    )
