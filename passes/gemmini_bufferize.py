"""`gemmini-bufferize`: linalg on tensors becomes linalg on memrefs, by upstream's bufferization."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ArrayAttr,
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
    anchored,
    find_upstream,
    from_generic_text,
    replace_contents,
    to_generic_text,
)

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

TO_MEMREFS = f"{_ON_TENSORS},{_BUFFERIZE}"
"""From linalg on tensors to memrefs, some of which functions return."""

# There is no heap to return memory from.
_TO_ARGUMENTS = (
    "buffer-results-to-out-params{add-result-attr hoist-static-allocs modify-public-functions},"
    f"fold-memref-alias-ops,{GENERALIZE}"
)

_NAME_ATTRIBUTE = "gemmini.name"
_TENSOR_TYPES = (TensorType, UnrankedTensorType)
_RESULT_ATTRIBUTE = "bufferize.result"


@dataclass(frozen=True)
class GemminiBufferizePass(ModulePass):
    """Turn tensors into memrefs with upstream MLIR.

    Modules without tensors, and without memrefs that functions return, stay as they are. Results
    become arguments behind the others, called `result0`, `result1`, .... A result that is an
    argument computed in place (the `outs` of an operation) is that argument.
    """

    name = "gemmini-bufferize"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Bufferise; raises `PassFailedException` for dynamic shapes and what upstream refuses."""
        if not has_tensors(op) and not returns_memory(op):
            return
        upstream = find_upstream("bufferising linalg on tensors")
        if has_tensors(op):
            check_static(op)
            text = upstream.run(to_generic_text(op), anchored(TO_MEMREFS))
            replace_contents(op, from_generic_text(text, ctx))
        drop_returned_arguments(op)
        text = upstream.run(to_generic_text(op), anchored(_TO_ARGUMENTS))
        replace_contents(op, from_generic_text(text, ctx))
        name_results(op)


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
