"""Import of Relax: a dataflow of operators on tensors becomes one `func.func`."""

from __future__ import annotations

from typing import Any

import numpy as np
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import (
    DenseIntOrFPElementsAttr,
    IntegerType,
    MemRefType,
    ModuleOp,
    SymbolRefAttr,
    TensorType,
    f32,
)
from xdsl.ir import Attribute, Block, SSAValue

from gemmini_xdsl.passes.constant_globals import private_constant
from gemmini_xdsl.tvm_bridge import relax_access as relax
from gemmini_xdsl.tvm_bridge import tir_access as tir
from gemmini_xdsl.tvm_bridge.errors import TvmImportError
from gemmini_xdsl.tvm_bridge.function_import import (
    BUFFER_TYPES,
    FunctionImporter,
    Parameter,
    function_op,
    name_hint,
)


def import_relax(module: Any, name: str | None = None) -> ModuleOp:
    """A module with one `func.func` for every exported Relax function of an IRModule.

    Operators are legalised to PrimFuncs, which are inlined in the order of the calls; every
    intermediate tensor becomes an allocation, every constant a `memref.global`, and every returned
    tensor an argument at the end. Raises `TvmImportError` for what is not a simple dataflow.
    """
    try:
        legal = relax.legalized(module)
    except Exception as error:
        # TVM raises whatever its passes meet; the reason is in the first line.
        reason = (str(error).strip().splitlines() or [type(error).__name__])[-1]
        raise TvmImportError(f"TVM cannot legalise the Relax module: {reason}") from error
    functions = relax.exported_functions(legal)
    if name is not None:
        functions = [pair for pair in functions if pair[0] == name]
        if not functions:
            raise TvmImportError(f"the module has no Relax function '{name}'")
    prim_funcs = dict(tir.module_functions(legal))
    globals_: list[memref.GlobalOp] = []
    imported = [
        RelaxImporter(symbol, function, prim_funcs, globals_).run()
        for symbol, function in functions
    ]
    return ModuleOp([*globals_, *imported])


class RelaxImporter:
    """Imports one Relax function."""

    def __init__(
        self,
        symbol: str,
        function: Any,
        prim_funcs: dict[str, Any],
        globals_: list[memref.GlobalOp],
    ):
        self.symbol = symbol
        self.function = function
        self.prim_funcs = prim_funcs
        self.globals = globals_
        self.entry = Block()
        self.values: list[tuple[Any, SSAValue]] = []
        self.biases: list[SSAValue] = []

    def run(self) -> func.FuncOp:
        """The imported function."""
        parameters: list[Parameter] = []
        for variable in self.function.params:
            label = f"parameter '{relax.variable_name(variable)}'"
            argument = self.entry.insert_arg(self.memref_type(variable, label), len(parameters))
            self.bind(variable, argument)
            parameters.append(Parameter(relax.variable_name(variable), argument))
        bindings = relax.bindings(self.function)
        if bindings is None:
            raise self.error("a binding is not a plain assignment (match_cast is not supported)")
        outputs = self.outputs(bindings, parameters)
        for binding in bindings:
            self.binding(binding)
        self.entry.add_op(func.ReturnOp())
        return function_op(self.symbol, self.entry, [*parameters, *outputs], outputs, self.biases)

    def error(self, reason: str) -> TvmImportError:
        """An error that names the function."""
        return TvmImportError(f"Relax function '{self.symbol}': {reason}")

    def memref_type(self, value: Any, label: str) -> MemRefType:
        """The memref type of a tensor."""
        type_ = relax.tensor_type(value)
        if type_ is None:
            raise self.error(f"{label} is not a tensor of static shape")
        if type_.dtype not in BUFFER_TYPES:
            raise self.error(
                f"{label} has element type {type_.dtype}; {', '.join(BUFFER_TYPES)} are supported"
            )
        if any(size < 1 for size in type_.shape):
            raise self.error(f"{label} is empty: shape {type_.shape}")
        return MemRefType(BUFFER_TYPES[type_.dtype], type_.shape)

    def bind(self, variable: Any, value: SSAValue) -> None:
        """Let `variable` stand for `value`."""
        self.values.append((variable, value))

    def lookup(self, variable: Any) -> SSAValue | None:
        """What a variable stands for."""
        return next((value for known, value in self.values if tir.same(known, variable)), None)

    def outputs(
        self, bindings: list[relax.Binding], parameters: list[Parameter]
    ) -> list[Parameter]:
        """Arguments for the results, bound to the variables that are returned."""
        names = {parameter.name for parameter in parameters}
        outputs = []
        for result in relax.results(self.function):
            origin = result
            while (binding := _binding_of(origin, bindings)) is not None and relax.is_variable(
                binding.value
            ):
                origin = binding.value
            label = f"result '{result}'"
            computed = _binding_of(origin, bindings)
            if computed is None or relax.call_tir(computed.value) is None:
                raise self.error(f"{label} is not computed by an operator")
            if self.lookup(origin) is not None:
                raise self.error(f"{label} is returned twice")
            type_ = self.memref_type(origin, label)
            argument = self.entry.insert_arg(type_, len(self.entry.args))
            self.bind(origin, argument)
            name = relax.variable_name(origin)
            while name in names:
                name += "_out"
            names.add(name)
            outputs.append(Parameter(name, argument))
        return outputs

    def binding(self, binding: relax.Binding) -> None:
        """Import one assignment."""
        name = relax.variable_name(binding.variable)
        if relax.is_variable(binding.value):
            source = self.lookup(binding.value)
            if source is None:
                raise self.error(f"'{name}' uses a variable that is not a tensor")
            self.bind(binding.variable, source)
            return
        call = relax.call_tir(binding.value)
        if call is None:
            raise self.error(f"'{name} = {binding.value}' is not a call of a PrimFunc on tensors")
        callee, arguments = call
        target = self.lookup(binding.variable)
        if target is None:
            allocation = memref.AllocOp([], [], self.memref_type(binding.variable, f"'{name}'"))
            allocation.memref.name_hint = name_hint(name)
            self.entry.add_op(allocation)
            target = allocation.memref
            self.bind(binding.variable, target)
        operands = [self.argument(argument, name) for argument in arguments]
        prim_func = self.prim_funcs.get(callee)
        if prim_func is None or not tir.is_prim_func(prim_func):
            raise self.error(f"'{name}' calls '{callee}', which is not a PrimFunc")
        importer = FunctionImporter(callee, prim_func, self.entry)
        importer.bind_parameters([*operands, target])
        importer.run()
        self.biases += importer.biases

    def argument(self, value: Any, name: str) -> SSAValue:
        """A tensor that is passed to an operator."""
        if relax.is_constant(value):
            return self.constant(value)
        found = self.lookup(value) if relax.is_variable(value) else None
        if found is None:
            raise self.error(f"argument '{value}' of '{name}' is not a tensor")
        return found

    def constant(self, value: Any) -> SSAValue:
        """A constant tensor as a constant global."""
        type_ = self.memref_type(value, "a constant")
        data: np.ndarray[Any, Any] = relax.constant_data(value)
        shape = type_.get_shape()
        items = data.reshape(-1).tolist()
        if isinstance(type_.element_type, IntegerType):
            initial: DenseIntOrFPElementsAttr = DenseIntOrFPElementsAttr.from_list(
                TensorType(type_.element_type, shape), [int(item) for item in items]
            )
        else:
            initial = DenseIntOrFPElementsAttr.from_list(
                TensorType(f32, shape), [float(item) for item in items]
            )
        known: Attribute = initial
        symbol = next((op.sym_name.data for op in self.globals if op.initial_value == known), None)
        if symbol is None:
            symbol = f"{self.symbol}_constant_{len(self.globals)}"
            self.globals.append(private_constant(symbol, type_, initial))
        get = memref.GetGlobalOp(SymbolRefAttr(symbol), type_)
        self.entry.add_op(get)
        return get.memref


def _binding_of(variable: Any, bindings: list[relax.Binding]) -> relax.Binding | None:
    if not relax.is_variable(variable):
        return None
    return next((item for item in bindings if tir.same(item.variable, variable)), None)
