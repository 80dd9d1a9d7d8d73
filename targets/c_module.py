"""A whole module as one C source file and one header."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.dialects import func, memref
from xdsl.dialects.builtin import Float32Type, Float64Type, MemRefType, ModuleOp
from xdsl.ir import Operation

from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.function_attributes import NO_INLINE
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.targets.arguments import (
    Argument,
    Role,
    arguments_of,
    is_public,
    written_arguments,
)
from gemmini_xdsl.targets.c_control_ops import CONTROL_HANDLERS
from gemmini_xdsl.targets.c_expressions import Helpers
from gemmini_xdsl.targets.c_function import (
    TARGET,
    CFunctionEmitter,
    CGlobal,
    ModuleNames,
    unsupported,
)
from gemmini_xdsl.targets.c_helpers import helper_text
from gemmini_xdsl.targets.c_memory import element_type, global_definition, is_constant_global
from gemmini_xdsl.targets.c_memory_ops import MEMORY_HANDLERS
from gemmini_xdsl.targets.c_names import Names, sanitise
from gemmini_xdsl.targets.c_scalar_ops import SCALAR_HANDLERS
from gemmini_xdsl.targets.c_types import c_type
from gemmini_xdsl.targets.errors import TargetError

_NO_CONTRACTION = """\
/* One rounding for each operation: no fused multiply-add unless the program has one. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__)
#pragma GCC optimize("fp-contract=off")
#endif
"""

_BUFFER_NOTE = " * Scratch buffers are static: the functions are not re-entrant.\n"


@dataclass(frozen=True)
class CFunction:
    """An emitted function: its symbol in the module, its C name and its arguments."""

    symbol: str
    c_name: str
    arguments: tuple[Argument, ...]
    result: str | None
    """dtype of the returned scalar, or None for `void`."""


@dataclass(frozen=True)
class CModule:
    """C text of a module, and what it defines for callers."""

    source: str
    header: str
    functions: tuple[CFunction, ...]


@dataclass
class _Prepared:
    """A function before its body is emitted."""

    op: func.FuncOp
    info: CFunction
    parameters: list[str]
    constant: list[bool]
    names: Names

    @property
    def static(self) -> bool:
        return not is_public(self.op)


def emit_module(
    module: ModuleOp,
    name: str = "kernel",
    *,
    include_header: bool = True,
    core_cycles: bool = False,
) -> CModule:
    """The C17 source and header of `module`.

    `name` is the stem of the header's file name. Without `include_header` the source declares
    its functions itself and stands alone. With `core_cycles` it tells the simulator how long the
    core takes for each command. Raises `TargetError` for what C cannot express.
    """
    config = module_config(module)
    scope = Names()
    global_ops = [op for op in module.ops if isinstance(op, memref.GlobalOp)]
    function_ops = _emitted_functions(module)
    _check_top_level(module)
    names = {op.sym_name.data: scope.fresh(op.sym_name.data) for op in function_ops}
    helpers = Helpers()
    context = ModuleNames(
        functions=names,
        globals={
            op.sym_name.data: CGlobal(scope.fresh(op.sym_name.data), is_constant_global(op))
            for op in global_ops
        },
        alignment=config.l2_line_bytes,
        helpers=helpers,
        handlers={**SCALAR_HANDLERS, **MEMORY_HANDLERS, **CONTROL_HANDLERS},
        core_cycles=core_cycles,
    )
    written = written_arguments(module)
    prepared = [_prepare(op, names[op.sym_name.data], scope, written) for op in function_ops]
    bodies = [
        CFunctionEmitter(item.op, context, item.names).body(item.parameters, item.constant)
        for item in prepared
    ]
    used = {
        op.name_.string_value()
        for function in function_ops
        for op in function.walk()
        if isinstance(op, memref.GetGlobalOp)
    }
    arrays = [
        global_definition(op, context.globals[op.sym_name.data].name, config.l2_line_bytes)
        for op in global_ops
        if op.sym_name.data in used
    ]
    source = _source(module, name, config, prepared, bodies, arrays, helpers, include_header)
    return CModule(
        source=source,
        header=_header(name, config, [item for item in prepared if not item.static]),
        functions=tuple(item.info for item in prepared if not item.static),
    )


def _emitted_functions(module: ModuleOp) -> list[func.FuncOp]:
    """Functions with a body that are public or called from one that is emitted."""
    bodies = {
        op.sym_name.data: op
        for op in module.ops
        if isinstance(op, func.FuncOp) and len(op.body.blocks) > 0
    }
    needed: set[str] = set()
    pending = [symbol for symbol, op in bodies.items() if is_public(op)]
    while pending:
        symbol = pending.pop()
        if symbol in needed or symbol not in bodies:
            continue
        needed.add(symbol)
        pending.extend(
            op.callee.string_value() for op in bodies[symbol].walk() if isinstance(op, func.CallOp)
        )
    return [op for symbol, op in bodies.items() if symbol in needed]


def _check_top_level(module: ModuleOp) -> None:
    for op in module.ops:
        if not isinstance(op, func.FuncOp | memref.GlobalOp):
            raise unsupported(op, "only functions and globals may stand in the module")
        if isinstance(op, func.FuncOp):
            if len(op.body.blocks) > 1:
                raise TargetError(
                    f"{TARGET}: @{op.sym_name.data} has more than one block; "
                    "control flow must be structured (scf)"
                )
            outputs = op.function_type.outputs.data
            if len(outputs) > 1 or any(c_type(output) is None for output in outputs):
                raise TargetError(
                    f"{TARGET}: @{op.sym_name.data} must return nothing or one scalar; "
                    "give it an output argument instead"
                )


def _prepare(op: func.FuncOp, c_name: str, scope: Names, written: dict[str, set[int]]) -> _Prepared:
    arguments = arguments_of(op, written)
    names = Names(scope)
    parameters = [names.fresh(argument.name) for argument in arguments]
    constant = [
        argument.role != Role.OUTPUT and index not in written[op.sym_name.data]
        for index, argument in enumerate(arguments)
    ]
    outputs = op.function_type.outputs.data
    result = c_type(outputs[0]) if outputs else None
    info = CFunction(
        op.sym_name.data, c_name, tuple(arguments), None if result is None else result.name
    )
    return _Prepared(op, info, parameters, constant, names)


# -- text -----------------------------------------------------------------------------------------


def _prototype(item: _Prepared) -> str:
    parameters: list[str] = []
    for block_argument, name, constant in zip(
        item.op.body.block.args, item.parameters, item.constant, strict=True
    ):
        if isinstance(block_argument.type, MemRefType):
            element = element_type(block_argument.type, f"argument '{name}'").element
            qualifier = "const " if constant else ""
            parameters.append(f"{qualifier}{element} *restrict {name}")
        else:
            scalar = c_type(block_argument.type)
            assert scalar is not None
            parameters.append(f"{scalar.name} {name}")
    inline = "__attribute__((noinline)) " if NO_INLINE in item.op.attributes else ""
    static = "static " if item.static else ""
    head = f"{inline}{static}{item.info.result or 'void'} {item.info.c_name}("
    text = head + (", ".join(parameters) or "void") + ")"
    if len(text) <= 100:
        return text
    return head + "\n    " + ",\n    ".join(parameters) + ")"


def _describe(item: _Prepared) -> str:
    lines = [f"/* {item.info.c_name}" + ("" if item.static else ":")]
    width = max((len(name) for name in item.parameters), default=0)
    for block_argument, name, argument in zip(
        item.op.body.block.args, item.parameters, item.info.arguments, strict=True
    ):
        shape = "scalar"
        if argument.shape is not None:
            shape = "x".join(str(size) for size in argument.shape) or "one element"
        layout = ""
        type_ = block_argument.type
        if isinstance(type_, MemRefType) and _is_strided(type_):
            layout = f", strides {list(type_.get_strides() or ())}, offset {type_.get_offset()}"
        lines.append(f" *   {name:<{width}}  {argument.role:<6}  {argument.dtype} {shape}{layout}")
    if len(lines) == 1:
        return f"/* {item.info.c_name}: no arguments. */"
    return "\n".join(lines) + " */"


def _is_strided(type_: MemRefType) -> bool:
    from xdsl.dialects.builtin import NoneAttr, ShapedType

    if isinstance(type_.layout, NoneAttr):
        return False
    dense = tuple(ShapedType.strides_for_shape(type_.get_shape()))
    return tuple(type_.get_strides() or ()) != dense or type_.get_offset() != 0


def _digest_check(config: GemminiConfig) -> str:
    return (
        f"#if GEMMINI_CONFIG_DIGEST != {_digest_literal(config)}\n"
        f'#error "this kernel was compiled for another Gemmini: {_printable(config.name)}, '
        f'digest {config.digest}"\n'
        "#endif\n"
    )


def _digest_literal(config: GemminiConfig) -> str:
    return f"0x{config.digest}"


def _printable(text: str) -> str:
    return "".join(c if c.isalnum() or c in "_-. " else "_" for c in text)


def _uses_float(root: Operation) -> bool:
    return any(
        isinstance(result.type, Float32Type | Float64Type)
        for op in root.walk()
        for result in op.results
    )


def _uses_commands(root: Operation) -> bool:
    return any(op.name.startswith("rocc.") for op in root.walk())


def _source(
    module: ModuleOp,
    name: str,
    config: GemminiConfig,
    prepared: Sequence[_Prepared],
    bodies: Sequence[Sequence[str]],
    arrays: Sequence[str],
    helpers: Helpers,
    include_header: bool,
) -> str:
    has_buffers = any("static _Alignas" in line for body in bodies for line in body)
    parts = [
        f"/* Generated by gemmini-xdsl for the hardware configuration "
        f"{_printable(config.name)} ({config.digest}).\n"
        + (
            " * Scratch buffers are static: the functions are not re-entrant.\n"
            if has_buffers
            else ""
        )
        + " */\n",
        (f'#include "{name}.h"\n\n' if include_header else "")
        + "#include <stdint.h>\n\n#include <gemmini/config.h>\n#include <gemmini/rocc.h>\n",
        _digest_check(config),
    ]
    if _uses_float(module):
        parts.append(_NO_CONTRACTION)
    declared = [item for item in prepared if item.static or not include_header]
    if declared:
        parts.append("".join(f"{_prototype(item)};\n" for item in declared))
    parts.extend(helper_text(key).lstrip("\n") for key in helpers.used)
    parts.extend(arrays)
    for item, body in zip(prepared, bodies, strict=True):
        lines = "".join(f"{line}\n" for line in body)
        parts.append(f"{_describe(item)}\n{_prototype(item)} {{\n{lines}}}\n")
    return "\n".join(parts)


def _header(name: str, config: GemminiConfig, public: Sequence[_Prepared]) -> str:
    guard = f"{sanitise(name).upper()}_H_"
    declarations = "\n".join(f"{_describe(item)}\n{_prototype(item)};\n" for item in public)
    return f"""\
/* Generated by gemmini-xdsl for the hardware configuration {_printable(config.name)} \
({config.digest}).
 *
 * Arrays are row-major and must not overlap. Any alignment is correct; arrays that start at a
 * multiple of {config.l2_line_bytes} bytes are transferred at full speed. Functions must not run \
concurrently.
 */
#ifndef {guard}
#define {guard}

#include <stdint.h>

#ifdef __cplusplus
#define restrict
extern "C" {{
#endif

{declarations}
#ifdef __cplusplus
#undef restrict
}}
#endif

#endif /* {guard} */
"""
