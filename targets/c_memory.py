"""Memrefs as C pointers: views, element accesses, buffers and constants."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import memref
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
    DenseArrayBase,
    DenseIntOrFPElementsAttr,
    IntegerType,
    MemRefType,
    UnitAttr,
)
from xdsl.ir import SSAValue

from gemmini_xdsl.targets.c_expressions import CValue
from gemmini_xdsl.targets.c_types import CType, c_type, float_literal, integer_literal
from gemmini_xdsl.targets.errors import TargetError

INDEX = CType(64)
_VALUES_PER_LINE = 16


@dataclass(frozen=True)
class CMemRef:
    """A memref value in C.

    `base` is the pointer of the whole buffer, `start` that of the view's first element, `offset`
    the distance between them as a sum of C terms, and `strides` one value for each dimension,
    all in elements.
    """

    base: str
    start: str
    offset: tuple[str, ...]
    strides: tuple[CValue, ...]
    element: CType
    constant: bool = False

    @property
    def pointer_type(self) -> str:
        """C type of a pointer into the buffer, without the star."""
        return f"const {self.element.element}" if self.constant else self.element.element

    def linear(self, indices: Sequence[CValue]) -> str:
        """The distance of an element from `start`: a C expression."""
        return sum_of_products(list(zip(indices, self.strides, strict=True)))

    def at(self, indices: Sequence[CValue]) -> str:
        """The element at `indices`."""
        return f"{self.start}[{self.linear(indices)}]"


def index_value(value: int) -> CValue:
    """A constant of type `index`."""
    return CValue.integer(value, INDEX)


def sum_of_products(terms: Sequence[tuple[CValue, CValue]]) -> str:
    """`a*b + c*d + ...` in 64-bit unsigned arithmetic, constants folded."""
    constant = 0
    parts: list[str] = []
    for a, b in terms:
        if a.constant is not None and b.constant is not None:
            constant += a.constant * b.constant
        elif 0 in (a.constant, b.constant):
            continue
        elif a.constant == 1 or b.constant == 1:
            parts.append(b.modular if a.constant == 1 else a.modular)
        elif a.constant is not None:
            parts.append(f"{b.modular} * {a.plain}")
        else:
            parts.append(f"{a.modular} * {b.plain}")
    if constant or not parts:
        literal = index_value(constant)
        parts.append(literal.plain)
    return " + ".join(parts)


def static_strides(type_: MemRefType, what: str) -> tuple[int, ...]:
    """Strides of a memref, in elements. Raises `TargetError` unless they are all static."""
    strides = type_.get_strides()
    if strides is None or any(stride is None for stride in strides):
        raise TargetError(f"{what} has type {type_}: its layout must be strided and static")
    return tuple(stride for stride in strides if stride is not None)


def element_type(type_: MemRefType, what: str) -> CType:
    """C type of the elements of a memref with static shape."""
    c = c_type(type_.element_type)
    if c is None:
        raise TargetError(f"{what} has elements of type {type_.element_type}, which C lacks")
    if any(size < 0 for size in type_.get_shape()):
        raise TargetError(f"{what} has type {type_}: its shape must be static")
    return c


def buffer_elements(type_: MemRefType, what: str) -> int:
    """Elements that a buffer of that type spans, layout included."""
    shape, strides = type_.get_shape(), static_strides(type_, what)
    if 0 in shape:
        return 0
    span = sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    return span + 1 + static_offset(type_, what)


def static_offset(type_: MemRefType, what: str) -> int:
    """Offset of a memref, in elements. Raises `TargetError` unless it is static."""
    offset = type_.get_offset()
    if offset is None:
        raise TargetError(f"{what} has type {type_}: its offset must be static")
    return offset


def root_memref(name: str, type_: MemRefType, what: str, constant: bool) -> CMemRef:
    """The memref of a whole buffer called `name`."""
    offset = static_offset(type_, what)
    return CMemRef(
        base=name,
        start=name if offset == 0 else f"({name} + {offset})",
        offset=(str(offset),) if offset else (),
        strides=tuple(index_value(stride) for stride in static_strides(type_, what)),
        element=element_type(type_, what),
        constant=constant,
    )


def mixed(dynamic: Sequence[CValue], static: DenseArrayBase[IntegerType]) -> list[CValue]:
    """One value for each entry of a list that is partly constants and partly operands."""
    remaining = iter(dynamic)
    return [
        next(remaining) if value == DYNAMIC_INDEX else index_value(int(value))
        for value in static.get_values()
    ]


def kept_dimensions(op: memref.SubviewOp) -> list[int]:
    """Dimensions of the source that the result of a (possibly rank-reducing) subview has."""
    sizes = list(op.static_sizes.get_values())
    result_type = op.result.type
    assert isinstance(result_type, MemRefType)
    shape = list(result_type.get_shape())
    kept: list[int] = []
    remaining = len(sizes)
    for dimension, size in enumerate(sizes):
        remaining = len(sizes) - dimension
        wanted = len(shape) - len(kept)
        if wanted and (remaining == wanted or size != 1 or shape[len(kept)] == 1):
            kept.append(dimension)
    return kept


def global_definition(op: memref.GlobalOp, name: str, alignment: int) -> str:
    """A `memref.global` as a static array, aligned to at least `alignment` bytes."""
    what = f"memref.global @{op.sym_name.data}"
    type_ = op.type
    assert isinstance(type_, MemRefType)
    element = element_type(type_, what)
    count = buffer_elements(type_, what)
    if op.alignment is not None:
        alignment = max(alignment, op.alignment.value.data)
    qualifier = "const " if is_constant_global(op) else ""
    head = f"static {qualifier}_Alignas({alignment}) {element.element} {name}[{max(count, 1)}]"
    if isinstance(op.initial_value, UnitAttr):
        return f"{head};\n"
    assert isinstance(op.initial_value, DenseIntOrFPElementsAttr)
    if count != _product(type_.get_shape()):
        raise TargetError(f"{what}: an initial value needs the identity layout, got {type_}")
    values = list(op.initial_value.get_values())
    if op.initial_value.is_splat() and len(values) != count:
        values = values[:1] * count
    texts = [_element(value, element) for value in values]
    lines = [
        "  " + ", ".join(texts[start : start + _VALUES_PER_LINE]) + ","
        for start in range(0, len(texts), _VALUES_PER_LINE)
    ]
    return f"{head} = {{\n" + "\n".join(lines) + "\n};\n"


def is_constant_global(op: memref.GlobalOp) -> bool:
    """Whether nothing may write the array."""
    return op.constant is not None and not isinstance(op.initial_value, UnitAttr)


def _element(value: object, type_: CType) -> str:
    if type_.is_float:
        return float_literal(float(value), type_)  # type: ignore[arg-type]
    return integer_literal(int(value), CType(type_.bits)).strip("()")  # type: ignore[call-overload]


def _product(shape: Sequence[int]) -> int:
    result = 1
    for size in shape:
        result *= size
    return result


def memref_type(value: SSAValue) -> MemRefType:
    """The type of a value that is a memref."""
    if not isinstance(value.type, MemRefType):
        raise TargetError(f"expected a memref, got a value of type {value.type}")
    return value.type
