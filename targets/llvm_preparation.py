"""From level 4 to what upstream MLIR lowers to its `llvm` dialect: RoCC commands and buffers."""

from __future__ import annotations

from xdsl.dialects import func, linalg, llvm, memref
from xdsl.dialects.builtin import (
    AffineMapAttr,
    ArrayAttr,
    DictionaryAttr,
    IntegerAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    StringAttr,
    SymbolRefAttr,
    UnitAttr,
    i64,
)
from xdsl.ir import Attribute, Block, Operation, Region
from xdsl.ir.affine import AffineMap
from xdsl.rewriter import InsertPoint, Rewriter

from gemmini_xdsl.dialects import rocc
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.function_attributes import NO_INLINE
from gemmini_xdsl.dialects.gemmini import Gemmini
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.hardware.encoding import CUSTOM_OPCODES, FUNCT3_TWO_SOURCES
from gemmini_xdsl.targets.arguments import arguments_of, functions, is_public
from gemmini_xdsl.targets.c_memory import element_type, static_offset, static_strides
from gemmini_xdsl.targets.c_names import sanitise
from gemmini_xdsl.targets.errors import TargetError, unsupported_op

_REGISTER_BITS = 64
_PRIVATE = StringAttr("private")


def prepare(module: ModuleOp, target: str) -> ModuleOp:
    """A copy of `module` without our operations and attributes.

    Functions get the names that they have in C, and their scalars the extension that C calls
    expect. Raises `TargetError`, in the name of `target`, for what has no translation.
    """
    config = module_config(module)
    prepared = module.clone()
    for function in functions(prepared):
        _check_signature(function, target)
    for op in list(prepared.walk()):
        if op.name.startswith(f"{Gemmini.name}."):
            raise unsupported_op(target, op, "lower it to RoCC commands first")
        match op:
            case rocc.CommandOp():
                _replace(op, _command(op, config))
            case rocc.FenceOp():
                _replace(op, _fence())
            case rocc.AnchorOp():
                op.result.replace_all_uses_with(op.value)
                Rewriter.erase_op(op)
            case memref.AllocOp() | memref.AllocaOp():
                _make_static(prepared, op, target, config.l2_line_bytes)
            case memref.DeallocOp():
                Rewriter.erase_op(op)
            case memref.CopyOp():
                _replace(op, _copy(op))
            case memref.GlobalOp() if op.alignment is None:
                op.alignment = IntegerAttr(config.l2_line_bytes, i64)
            case _:
                pass
    _use_c_names(prepared)
    for function in functions(prepared):
        _mark_extensions(function)
        _keep_from_inlining(function)
        if function.body.blocks and not is_public(function):
            function.attributes["llvm.linkage"] = llvm.LinkageAttr("internal")
    prepared.attributes.clear()
    return prepared


def _replace(op: Operation, new: Operation) -> None:
    Rewriter.insert_op(new, InsertPoint.before(op))
    Rewriter.erase_op(op)


# -- commands -------------------------------------------------------------------------------------


def _command(op: rocc.CommandOp, config: GemminiConfig) -> Operation:
    opcode = CUSTOM_OPCODES[config.opcode]
    # The numeric form is the one that every assembler of LLVM and GNU understands.
    text = f".insn r {opcode:#x}, {FUNCT3_TWO_SOURCES}, {op.funct.value.data}, x0, $0, $1"
    # The memory clobber keeps accesses to matrices on their side of the command.
    return llvm.InlineAsmOp(text, "r,r,~{memory}", [op.rs1, op.rs2], has_side_effects=True)


def _fence() -> Operation:
    return llvm.InlineAsmOp("fence", "~{memory}", [], has_side_effects=True)


# -- memory ---------------------------------------------------------------------------------------


def _make_static(
    module: ModuleOp, op: memref.AllocOp | memref.AllocaOp, target: str, alignment: int
) -> None:
    """Buffers are static memory, as in C: there is no heap, and stacks are small."""
    type_ = op.memref.type
    assert isinstance(type_, MemRefType)
    element_type(type_, f"{target}: '{op.name}'")
    if op.alignment is not None:
        alignment = max(alignment, op.alignment.value.data)
    name = _unused_symbol(module, "buffer")
    definition = memref.GlobalOp.get(
        StringAttr(name),
        type_,
        UnitAttr(),
        sym_visibility=_PRIVATE,
        alignment=IntegerAttr(alignment, i64),
    )
    first = module.body.block.first_op
    assert first is not None
    Rewriter.insert_op(definition, InsertPoint.before(first))
    use = memref.GetGlobalOp(SymbolRefAttr(name), type_)
    Rewriter.insert_op(use, InsertPoint.before(op))
    op.memref.replace_all_uses_with(use.memref)
    Rewriter.erase_op(op)


def _unused_symbol(module: ModuleOp, wanted: str) -> str:
    used = {_symbol(op) for op in module.ops}
    number = 0
    while f"{wanted}_{number}" in used:
        number += 1
    return f"{wanted}_{number}"


def _symbol(op: Operation) -> str | None:
    name = op.properties.get("sym_name")
    return name.data if isinstance(name, StringAttr) else None


def _copy(op: memref.CopyOp) -> Operation:
    """A copy as a loop nest; upstream makes library calls of copies between strided memrefs."""
    type_ = op.source.type
    assert isinstance(type_, MemRefType)
    block = Block(arg_types=[type_.element_type, type_.element_type])
    block.add_op(linalg.ops.YieldOp(block.args[0]))
    rank = type_.get_num_dims()
    identity = AffineMapAttr(AffineMap.identity(rank))
    return linalg.ops.GenericOp(
        [op.source],
        [op.destination],
        Region(block),
        [identity, identity],
        [linalg.attrs.IteratorTypeAttr.parallel()] * rank,
    )


# -- functions ------------------------------------------------------------------------------------


def _check_signature(function: func.FuncOp, target: str) -> None:
    if not function.body.blocks:
        return
    name = function.sym_name.data
    arguments = arguments_of(function)
    for block_argument, argument in zip(function.body.blocks[0].args, arguments, strict=True):
        if isinstance(block_argument.type, MemRefType):
            what = f"{target}: @{name}: argument '{argument.name}'"
            static_strides(block_argument.type, what)
            static_offset(block_argument.type, what)
    outputs = function.function_type.outputs.data
    if len(outputs) > 1 or any(isinstance(output, MemRefType) for output in outputs):
        raise TargetError(
            f"{target}: @{name} must return nothing or one scalar; "
            "give it an output argument instead"
        )


def _use_c_names(module: ModuleOp) -> None:
    taken = {_symbol(op) for op in module.ops}
    renamed: dict[str, str] = {}
    for function in functions(module):
        old = function.sym_name.data
        new = sanitise(old)
        if function.body.blocks and is_public(function) and new not in taken:
            renamed[old] = new
            function.sym_name = StringAttr(new)
    for op in module.walk():
        if isinstance(op, func.CallOp) and op.callee.string_value() in renamed:
            op.callee = SymbolRefAttr(renamed[op.callee.string_value()])


def _keep_from_inlining(function: func.FuncOp) -> None:
    """Two attributes: it depends on MLIR's version which of them its conversion translates."""
    if function.attributes.pop(NO_INLINE, None) is not None:
        function.attributes["passthrough"] = ArrayAttr([StringAttr("noinline")])
        function.attributes["llvm.no_inline"] = UnitAttr()


def _mark_extensions(function: func.FuncOp) -> None:
    """C passes narrow integers extended to a register's width."""
    types = function.function_type
    function.arg_attrs = ArrayAttr([_extension(type_) for type_ in types.inputs])
    function.res_attrs = ArrayAttr([_extension(type_) for type_ in types.outputs])


def _extension(type_: Attribute) -> DictionaryAttr:
    if not isinstance(type_, IntegerType) or type_.width.data >= _REGISTER_BITS:
        return DictionaryAttr({})
    return DictionaryAttr({"llvm.zeroext" if type_.width.data == 1 else "llvm.signext": UnitAttr()})
