"""Lists of indices that are partly constants and partly SSA values, as in `memref.subview`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from xdsl.dialects.builtin import DYNAMIC_INDEX, DenseArrayBase, IndexType, IntegerType, i64
from xdsl.dialects.utils.dynamic_index_list import split_dynamic_index_list
from xdsl.ir import SSAValue

Index: TypeAlias = int | SSAValue
StaticList: TypeAlias = DenseArrayBase[IntegerType]


def split(values: Sequence[Index]) -> tuple[list[SSAValue], StaticList]:
    """Separate `values` into dynamic operands and the static list with markers in their place."""
    static, dynamic = split_dynamic_index_list(list(values), DYNAMIC_INDEX)
    return list(dynamic), DenseArrayBase.from_list(i64, static)


def join(dynamic: Sequence[SSAValue], static: StaticList) -> list[Index]:
    """The inverse of `split`."""
    remaining = iter(dynamic)
    return [
        next(remaining) if value == DYNAMIC_INDEX else int(value) for value in static.get_values()
    ]


def problem(dynamic: Sequence[SSAValue], static: StaticList, length: int, what: str) -> str | None:
    """Why the two lists do not describe `length` non-negative indices, or None."""
    values = static.get_values()
    if len(values) != length:
        return f"expected {length} {what}, got {len(values)}"
    if sum(value == DYNAMIC_INDEX for value in values) != len(dynamic):
        return f"{what}: dynamic markers and operands differ in number"
    if any(not isinstance(value.type, IndexType) for value in dynamic):
        return f"{what} must be of type index"
    if any(value < 0 and value != DYNAMIC_INDEX for value in values):
        return f"{what} must not be negative"
    return None
