"""Import of TVM functions: every one becomes a `func.func` of linalg operations on memrefs."""

from __future__ import annotations

from typing import Any

from xdsl.dialects import func
from xdsl.dialects.builtin import (
    ModuleOp,
)
from xdsl.ir import Block
from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.tvm_bridge import tir_access as tir
from gemmini_xdsl.tvm_bridge.errors import TvmImportError
from gemmini_xdsl.tvm_bridge.function_import import FunctionImporter, Parameter, function_op


def import_tir(source: Any, name: str | None = None) -> ModuleOp:
    """A module with one `func.func` for every function of `source`.

    `source` is a PrimFunc, a Relax function or an IRModule. In an IRModule with Relax functions
    these are imported, with the PrimFuncs that they call inlined (see `relax.import_relax`). The
    function of a lone PrimFunc is called `name`, its global symbol, or "main"; of a module `name`
    selects one function. Parameters become memrefs in their order, with the argument attributes
    `gemmini.name` (the buffer's name) and `gemmini.role` ("input", "output" or "bias").

    Raises `TvmImportError`, naming the block, when something has no exact counterpart.
    """
    from gemmini_xdsl.tvm_bridge import relax_access
    from gemmini_xdsl.tvm_bridge.relax import import_relax

    if relax_access.is_relax_function(source):
        module = import_relax(relax_access.module_of(source), name)
    elif relax_access.has_relax_functions(source):
        module = import_relax(source, name)
    else:
        module = ModuleOp([_import_function(*pair) for pair in _functions(source, name)])
    try:
        module.verify()
    except VerifyException as error:
        raise TvmImportError(f"the imported module is not valid: {error}") from error
    return module


def _functions(source: Any, name: str | None) -> list[tuple[str, Any]]:
    """The PrimFuncs to import, by name."""
    if tir.is_prim_func(source):
        return [(name or tir.global_symbol(source) or "main", source)]
    if not tir.is_ir_module(source):
        raise TvmImportError(f"expected a PrimFunc or an IRModule, got {type(source).__name__}")
    functions = tir.module_functions(source)
    if not functions:
        raise TvmImportError("the module has no functions")
    if name is not None:
        functions = [pair for pair in functions if pair[0] == name]
        if not functions:
            raise TvmImportError(f"the module has no function '{name}'")
    for symbol, function in functions:
        if not tir.is_prim_func(function):
            raise TvmImportError(
                f"function '{symbol}' is a {type(function).__name__}, not a PrimFunc"
            )
    return functions


def _import_function(symbol: str, function: Any) -> func.FuncOp:
    importer = FunctionImporter(symbol, function, Block())
    parameters: list[Parameter] = []
    for parameter in tir.parameters(function):
        if parameter.buffer is None:
            raise importer.error(f"parameter '{parameter.name}' is not a buffer")
        type_ = importer.memref_type(parameter.buffer)
        value = importer.entry.insert_arg(type_, len(parameters))
        parameters.append(Parameter(parameter.name, value))
    importer.bind_parameters([parameter.value for parameter in parameters])
    importer.run()
    importer.entry.add_op(func.ReturnOp())
    outputs = [item for item in parameters if item.value in importer.written]
    return function_op(symbol, importer.entry, parameters, outputs, importer.biases)
