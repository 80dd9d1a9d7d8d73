"""Small checks that verifiers share."""

from __future__ import annotations

from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.dialects.attributes import Space


def require(problem: str | None) -> None:
    """Raise `VerifyException` with `problem` if there is one."""
    if problem is not None:
        raise VerifyException(problem)


def require_field(name: str, value: int, low: int, high: int) -> None:
    """Raise `VerifyException` unless `value` lies in [low, high]."""
    if not low <= value <= high:
        raise VerifyException(f"{name} must be {low} to {high}, got {value}")


def article(space: Space) -> str:
    """The name of a memory with its article, for messages."""
    return f"{'an' if space == Space.ACCUMULATOR else 'a'} {space.value}"
