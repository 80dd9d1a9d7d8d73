"""`gemmini-bufferize`: linalg on tensors becomes linalg on memrefs, by upstream's bufferization."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
    BoolAttr,
    DictionaryAttr,
    FunctionType,
    MemRefType,
    ModuleOp,
    StringAttr,
    TensorType,
    UnrankedTensorType,
)
from xdsl.ir import Attribute, BlockArgument, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.upstream_mlir import (
    UpstreamMlir,
    anchored,
    find_upstream,
    from_generic_text,
    replace_contents,
    to_generic_text,
)
from gemmini_xdsl.targets.arguments import written_arguments

GENERALIZE = "linalg-generalize-named-ops,canonicalize,cse"
"""Named operations become `linalg.generic`, which xDSL models without gaps."""

# Fusion brings widening, transposes and broadcasts into the product that reads them.
_ON_TENSORS = (
    f"convert-elementwise-to-linalg,{GENERALIZE},linalg-fuse-elementwise-ops,canonicalize,cse"
)

_BUFFERIZE = (
    "eliminate-empty-tensors,"
    "one-shot-bufferize{bufferize-function-boundaries "
    "function-boundary-type-conversion=identity-layout-map}"
)

TO_MEMREFS = f"{_ON_TENSORS},{_BUFFERIZE},{GENERALIZE}"
"""From linalg on tensors to memrefs, some of which functions return."""

# There is no heap to return memory from.
_TO_ARGUMENTS = (
    "buffer-results-to-out-params{add-result-attr hoist-static-allocs modify-public-functions},"
    f"fold-memref-alias-ops,{GENERALIZE}"
)

_NAME_ATTRIBUTE = "gemmini.name"
_TENSOR_TYPES = (TensorType, UnrankedTensorType)
_WRITABLE = "bufferization.writable"
_RESULT_ATTRIBUTE = "bufferize.result"


@dataclass(frozen=True)
class GemminiBufferizePass(ModulePass):
    """Turn tensors into memrefs with upstream MLIR.

    Modules without tensors, and without memrefs that functions return, stay as they are. Results
    become arguments behind the others, called `result0`, `result1`, .... A result that is an
    argument computed in place (the `outs` of an operation) is that argument; no other argument is
    written to.
    """

    name = "gemmini-bufferize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Bufferise; raises `PassFailedException` for dynamic shapes and what upstream refuses."""
        if not has_tensors(op) and not returns_memory(op):
            return
        upstream = find_upstream("bufferising linalg on tensors")
        if has_tensors(op):
            check_static(op)
            replace_contents(op, _to_memrefs(op, ctx, upstream))
        drop_returned_arguments(op)
        text = upstream.run(to_generic_text(op), anchored(_TO_ARGUMENTS))
        replace_contents(op, from_generic_text(text, ctx))
        name_results(op)


def _to_memrefs(module: ModuleOp, ctx: Context, upstream: UpstreamMlir) -> ModuleOp:
    """The module on memrefs, in which functions write to no argument that they do not return.

    Upstream reuses the memory of arguments, such as that of a bias for the sum. A caller expects
    that of values which the function returns, but not of others.
    """
    protected = module.clone()
    while True:
        text = upstream.run(to_generic_text(protected), anchored(TO_MEMREFS))
        result = from_generic_text(text, ctx)
        written = written_arguments(result)
        found = False
        for before, after in zip(_defined(protected), _defined(result), strict=True):
            last = after.body.blocks[-1].last_op
            returned = set(last.operands) if isinstance(last, func.ReturnOp) else set()
            for index in sorted(written[after.sym_name.data]):
                if after.body.blocks[0].args[index] not in returned:
                    found |= _protect(before, index)
        if not found:
            return result


def _defined(module: ModuleOp) -> list[func.FuncOp]:
    return [op for op in module.ops if isinstance(op, func.FuncOp) and op.body.blocks]


def _protect(function: func.FuncOp, index: int) -> bool:
    """Make upstream copy a tensor argument before it writes; whether that is new and possible."""
    arguments = function.body.blocks[0].args
    old = function.arg_attrs or ArrayAttr([DictionaryAttr({}) for _ in arguments])
    if _WRITABLE in old.data[index].data or not isinstance(arguments[index].type, TensorType):
        return False
    attributes = [dict(item.data) for item in old]
    attributes[index][_WRITABLE] = BoolAttr.from_bool(False)
    function.arg_attrs = ArrayAttr([DictionaryAttr(item) for item in attributes])
    return True


def has_tensors(module: ModuleOp) -> bool:
    """Whether any value is a tensor."""
    return any(isinstance(value.type, _TENSOR_TYPES) for _, value in _values(module))


def returns_memory(module: ModuleOp) -> bool:
    """Whether a function with a body returns a memref."""
    return any(
        isinstance(type_, MemRefType)
        for op in module.ops
        if isinstance(op, func.FuncOp) and op.body.blocks
        for type_ in op.function_type.outputs
    )


def drop_returned_arguments(module: ModuleOp) -> None:
    """Do not return memrefs that are arguments: the caller has them.

    Functions that others call, or with several returns, stay as they are.
    """
    called = {op.callee.string_value() for op in module.walk() if isinstance(op, func.CallOp)}
    for function in module.ops:
        if not isinstance(function, func.FuncOp) or len(function.body.blocks) != 1:
            continue
        last = function.body.block.last_op
        if function.sym_name.data in called or not isinstance(last, func.ReturnOp):
            continue
        kept = [
            index
            for index, value in enumerate(last.operands)
            if not (isinstance(value, BlockArgument) and isinstance(value.type, MemRefType))
        ]
        if len(kept) == len(last.operands):
            continue
        Rewriter.replace_op(last, func.ReturnOp(*(last.operands[index] for index in kept)))
        outputs = [function.function_type.outputs.data[index] for index in kept]
        function.function_type = FunctionType.from_lists(
            list(function.function_type.inputs), outputs
        )
        if function.res_attrs is not None:
            attributes = [function.res_attrs.data[index] for index in kept]
            function.res_attrs = ArrayAttr(attributes) if attributes else None


def check_static(module: ModuleOp) -> None:
    """Raise `PassFailedException` for a tensor without a static shape."""
    for op, value in _values(module):
        type_ = value.type
        if isinstance(type_, UnrankedTensorType) or (
            isinstance(type_, TensorType) and not type_.has_static_shape()
        ):
            raise PassFailedException(
                f"{location(op)}: {type_} has no static shape; only static shapes are supported "
                "(specialise the module for one shape first)"
            )


def name_results(module: ModuleOp) -> None:
    """Name the arguments that were results."""
    for op in module.ops:
        if not isinstance(op, func.FuncOp) or op.arg_attrs is None:
            continue
        count = 0
        dictionaries: list[DictionaryAttr] = []
        for dictionary in op.arg_attrs:
            attributes: dict[str, Attribute] = dict(dictionary.data)
            attributes.pop(_WRITABLE, None)
            if attributes.pop(_RESULT_ATTRIBUTE, None) is not None:
                attributes.setdefault(_NAME_ATTRIBUTE, StringAttr(f"result{count}"))
                count += 1
            dictionaries.append(DictionaryAttr(attributes))
        op.arg_attrs = ArrayAttr(dictionaries)


def _values(module: ModuleOp) -> Iterator[tuple[Operation, SSAValue]]:
    """Every value, and the operation that it is a result or a block argument of."""
    for op in module.walk():
        yield from ((op, result) for result in op.results)
        for region in op.regions:
            for block in region.blocks:
                yield from ((op, argument) for argument in block.args)
