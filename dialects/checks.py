"""Small checks that verifiers share."""

from __future__ import annotations

from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.dialects.attributes import Space
from gemmini_xdsl.hardware import GemminiConfig


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


def require_full_width(config: GemminiConfig) -> None:
    """Raise `VerifyException` unless raw i32 sums can leave the accumulator."""
    if not config.acc_read_full_width:
        raise VerifyException(
            f"config '{config.name}' cannot store i32 elements (acc_read_full_width = false)"
        )


def require_loop_ws(config: GemminiConfig) -> None:
    """Raise `VerifyException` unless the LOOP_WS state machine exists."""
    if not config.has_loop_ws:
        raise VerifyException(f"config '{config.name}' has no LOOP_WS (has_loop_ws = false)")
