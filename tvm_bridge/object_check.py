"""Check of objects that TVM loaded from JSON.

TVM's loader fills the fields of objects without checking them, and its C++ code then trusts them:
a missing child or one of another type ends the process. TVM describes the type of every field, so
that a walk over all objects finds these before anything else touches them.
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

NULLABLE = frozenset({"span", "step", "attrs", "axes", "derive_func", "vdevice", "thread_binding"})
"""Fields that may be missing although their description does not say so."""

MAX_DEPTH = 1000
"""TVM visits objects recursively: deeper nesting could exhaust the stack."""


def object_problem(root: Any) -> str | None:
    """What is wrong with an object that was loaded, or None."""
    finished: set[int] = set()
    active: set[int] = set()
    pending: list[tuple[Any, bool]] = [(root, False)]
    while pending:
        value, leaving = pending.pop()
        handle = _handle(value)
        if leaving:
            active.discard(handle)
            finished.add(handle)
            continue
        if handle in active:
            return f"{type(value).__name__} contains itself"
        if handle in finished:
            continue
        active.add(handle)
        if len(active) > MAX_DEPTH:
            return f"objects are nested more than {MAX_DEPTH} deep"
        pending.append((value, True))
        children, problem = _children(value)
        if problem is not None:
            return problem
        pending += [(child, False) for child in children]
    return None


def _handle(value: Any) -> int:
    handle = value.__chandle__
    return int(handle() if callable(handle) else handle)


def _children(value: Any) -> tuple[list[Any], str | None]:
    """The objects that the fields of `value` refer to, and what is wrong with a field."""
    import tvm_ffi

    if isinstance(value, tvm_ffi.Array):
        found = list(value)
    elif isinstance(value, tvm_ffi.Map):
        found = [item for pair in value.items() for item in pair]
    else:
        found = []
        kind: Any = type(value)
        for name, schema in _fields(kind):
            child = getattr(value, name)
            if not (child is None and name in NULLABLE) and not _conforms(child, schema):
                state = "missing" if child is None else f"a {type(child).__name__}"
                return [], f"field '{name}' of a {kind.__name__} is {state}"
            found.append(child)
    return [item for item in found if isinstance(item, tvm_ffi.Object)], None


@cache
def _fields(kind: type) -> tuple[tuple[str, Any], ...]:
    """Names and type descriptions of the fields of a class, inherited ones included."""
    info = getattr(kind, "__tvm_ffi_type_info__", None)
    found: list[tuple[str, Any]] = []
    while info is not None:
        for item in info.fields or ():
            schema = (item.metadata or {}).get("type_schema")
            if not item.name.startswith("_"):
                found.append((item.name, json.loads(schema) if schema else {"type": "Any"}))
        info = info.parent_type_info
    return tuple(found)


def _conforms(value: Any, schema: Any) -> bool:
    import tvm_ffi

    arguments = schema.get("args", [])
    match schema["type"]:
        case "Any":
            return True
        case "Optional":
            return value is None or _conforms(value, arguments[0])
        case "Union" | "Variant":
            return any(_conforms(value, item) for item in arguments)
        case "ffi.Array" | "ffi.List":
            if not isinstance(value, tvm_ffi.Array):
                return False
            return not arguments or all(_conforms(item, arguments[0]) for item in value)
        case "ffi.Map" | "ffi.Dict":
            if not isinstance(value, tvm_ffi.Map):
                return False
            return not arguments or all(
                _conforms(key, arguments[0]) and _conforms(item, arguments[1])
                for key, item in value.items()
            )
        case name if "." in name and not name.startswith("ffi."):
            kind: Any = type(value)
            return _is_a(kind, name)
        case _:
            return value is not None


@cache
def _is_a(kind: type, type_key: str) -> bool:
    """Whether a class is the TVM type `type_key` or derives from it."""
    info = getattr(kind, "__tvm_ffi_type_info__", None)
    while info is not None:
        if info.type_key == type_key:
            return True
        info = info.parent_type_info
    return False
