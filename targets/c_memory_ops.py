"""Operations of the `memref` dialect in C."""

from __future__ import annotations

from xdsl.dialects import memref
from xdsl.dialects.builtin import MemRefType, ShapedType
from xdsl.ir import Operation, SSAValue

from gemmini_xdsl.targets.c_expressions import CValue
from gemmini_xdsl.targets.c_function import CFunctionEmitter, Handler, unsupported
from gemmini_xdsl.targets.c_memory import (
    INDEX,
    CMemRef,
    buffer_elements,
    element_type,
    index_value,
    kept_dimensions,
    memref_type,
    mixed,
    root_memref,
    static_strides,
)


def _load(emitter: CFunctionEmitter, op: memref.LoadOp) -> None:
    source = emitter.view(op.memref)
    text = source.at(emitter.scalars(op.indices))
    type_ = emitter.scalar_type(op.res, op)
    emitter.define(op.res, op, f"{text} != 0" if type_.bits == 1 else text)


def _store(emitter: CFunctionEmitter, op: memref.StoreOp) -> None:
    target = emitter.view(op.memref)
    if target.constant:
        raise unsupported(op, "the memory is constant (an input or a constant global)")
    emitter.line(f"{target.at(emitter.scalars(op.indices))} = {emitter.scalar(op.value).text};")


def _alloc(emitter: CFunctionEmitter, op: memref.AllocOp | memref.AllocaOp) -> None:
    type_ = memref_type(op.memref)
    element = element_type(type_, op.name)
    count = buffer_elements(type_, op.name)
    alignment = emitter.module.alignment
    if op.alignment is not None:
        alignment = max(alignment, op.alignment.value.data)
    name = emitter.fresh_name(op.memref, "buffer")
    emitter.line(f"static _Alignas({alignment}) {element.element} {name}[{max(count, 1)}];")
    if not _is_read(op.memref):
        emitter.line(f"(void){name};")
    emitter.values[op.memref] = root_memref(name, type_, op.name, False)


def _is_read(buffer: SSAValue) -> bool:
    """Whether anything but stores uses `buffer` (compilers warn about what is only written)."""
    for use in buffer.uses:
        views = [result for result in use.operation.results if isinstance(result.type, MemRefType)]
        if any(_is_read(view) for view in views):
            return True
        written = isinstance(use.operation, memref.StoreOp | memref.DeallocOp)
        if not views and not written:
            return True
    return False


def _get_global(emitter: CFunctionEmitter, op: memref.GetGlobalOp) -> None:
    symbol = op.name_.string_value()
    found = emitter.module.globals.get(symbol)
    if found is None:
        raise unsupported(op, f"the module has no memref.global @{symbol}")
    emitter.values[op.memref] = root_memref(
        found.name, memref_type(op.memref), op.name, found.constant
    )


def _subview(emitter: CFunctionEmitter, op: memref.SubviewOp) -> None:
    source = emitter.view(op.source)
    offsets = mixed(emitter.scalars(op.offsets), op.static_offsets)
    steps = mixed(emitter.scalars(op.strides), op.static_strides)
    strides = []
    for step, stride in zip(steps, source.strides, strict=True):
        if step.constant is not None and stride.constant is not None:
            strides.append(index_value(step.constant * stride.constant))
        elif step.constant == 1:
            strides.append(stride)
        else:
            raise unsupported(op, "strides must be constants")
    kept = kept_dimensions(op)
    distance = source.linear(offsets)
    result = CMemRef(
        base=source.base,
        start=source.start,
        offset=source.offset,
        strides=tuple(strides[dimension] for dimension in kept),
        element=source.element,
        constant=source.constant,
    )
    if distance != "0":
        name = source.start
        if emitter.needs_pointer(op.result):
            name = emitter.fresh_name(op.result, "view")
            emitter.line(f"{source.pointer_type} *const {name} = {source.start} + {distance};")
        else:
            # The offsets may have no other use.
            for value in offsets:
                if value.constant is None:
                    emitter.line(f"(void){value.text};")
        offset = (*source.offset, distance)
        result = CMemRef(result.base, name, offset, result.strides, result.element, result.constant)
    emitter.values[op.result] = result


def _same_memory(emitter: CFunctionEmitter, op: Operation) -> None:
    """A view of the same elements with another static type."""
    source = emitter.view(op.operands[0])
    type_ = memref_type(op.results[0])
    if isinstance(op, memref.CastOp | memref.MemorySpaceCastOp):
        emitter.values[op.results[0]] = source
        return
    source_type = memref_type(op.operands[0])
    dense = source_type.get_strides() == tuple(
        ShapedType.strides_for_shape(source_type.get_shape())
    )
    if not dense:
        raise unsupported(op, f"the source must be contiguous, got {source_type}")
    emitter.values[op.results[0]] = CMemRef(
        source.base,
        source.start,
        source.offset,
        tuple(index_value(stride) for stride in static_strides(type_, op.name)),
        source.element,
        source.constant,
    )


def _reinterpret_cast(emitter: CFunctionEmitter, op: memref.ReinterpretCastOp) -> None:
    source = emitter.view(op.source)
    (offset,) = mixed(emitter.scalars(op.offsets), op.static_offsets)
    strides = mixed(emitter.scalars(op.strides), op.static_strides)
    start = source.base
    if offset.constant != 0 and emitter.needs_pointer(op.result):
        start = emitter.fresh_name(op.result, "view")
        emitter.line(f"{source.pointer_type} *const {start} = {source.base} + {offset.text};")
    terms = () if offset.constant == 0 else (offset.text,)
    emitter.values[op.result] = CMemRef(
        source.base, start, terms, tuple(strides), source.element, source.constant
    )


def _metadata(emitter: CFunctionEmitter, op: memref.ExtractStridedMetaDataOp) -> None:
    source = emitter.view(op.source)
    type_ = memref_type(op.source)
    emitter.values[op.base_buffer] = CMemRef(
        source.base, source.base, (), (), source.element, source.constant
    )
    if not emitter.unused(op.offset):
        emitter.define(op.offset, op, " + ".join(source.offset) or "0")
    for result, size in zip(op.sizes, type_.get_shape(), strict=True):
        emitter.values[result] = index_value(size)
    for result, stride in zip(op.strides, source.strides, strict=True):
        emitter.values[result] = stride


def _pointer(emitter: CFunctionEmitter, op: memref.ExtractAlignedPointerAsIndexOp) -> None:
    source = emitter.view(op.source)
    emitter.define(op.aligned_pointer, op, f"(uint64_t)(uintptr_t){source.base}")


def _dim(emitter: CFunctionEmitter, op: memref.DimOp) -> None:
    (index,) = emitter.scalars([op.index])
    shape = memref_type(op.source).get_shape()
    if index.constant is None or not 0 <= index.constant < len(shape):
        raise unsupported(op, "the dimension must be a constant within the rank")
    emitter.values[op.result] = index_value(shape[index.constant])


def _alias(emitter: CFunctionEmitter, op: memref.AssumeAlignmentOp) -> None:
    for result in op.results:
        emitter.values[result] = emitter.view(op.operands[0])


def _copy(emitter: CFunctionEmitter, op: memref.CopyOp) -> None:
    source, target = emitter.view(op.source), emitter.view(op.destination)
    if target.constant:
        raise unsupported(op, "the destination is constant")
    shape = memref_type(op.source).get_shape()
    indices = [CValue(emitter.names.fresh("i"), INDEX) for _ in shape]
    for index, size in zip(indices, shape, strict=True):
        emitter.line(f"for (uint64_t {index.text} = 0; {index.text} < {size}; {index.text}++) {{")
        emitter.depth += 1
    emitter.line(f"{target.at(indices)} = {source.at(indices)};")
    for _ in shape:
        emitter.depth -= 1
        emitter.line("}")


MEMORY_HANDLERS: dict[type[Operation], Handler] = {
    memref.LoadOp: _load,
    memref.StoreOp: _store,
    memref.AllocOp: _alloc,
    memref.AllocaOp: _alloc,
    memref.GetGlobalOp: _get_global,
    memref.SubviewOp: _subview,
    memref.CastOp: _same_memory,
    memref.MemorySpaceCastOp: _same_memory,
    memref.CollapseShapeOp: _same_memory,
    memref.ExpandShapeOp: _same_memory,
    memref.ReinterpretCastOp: _reinterpret_cast,
    memref.ExtractStridedMetaDataOp: _metadata,
    memref.ExtractAlignedPointerAsIndexOp: _pointer,
    memref.DimOp: _dim,
    memref.AssumeAlignmentOp: _alias,
    memref.CopyOp: _copy,
}
