"""The only place that knows the names of TVM's Relax classes and fields (apache-tvm 0.27)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gemmini_xdsl.tvm_bridge.tir_access import integer_value, is_ir_module


@dataclass(frozen=True)
class TensorType:
    """A tensor with a static shape."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Binding:
    """`variable = value`."""

    variable: Any
    value: Any


def is_relax_function(item: object) -> bool:
    """Whether `item` is a Relax function."""
    from tvm import relax

    return isinstance(item, relax.Function)


def has_relax_functions(item: object) -> bool:
    """Whether `item` is an IRModule that holds a Relax function."""
    if not is_ir_module(item):
        return False
    module: Any = item
    return any(is_relax_function(function) for function in module.functions.values())


def module_of(function: Any) -> Any:
    """An IRModule with one function, called by its global symbol or "main"."""
    import tvm

    symbol = function.attrs.get("global_symbol") if function.attrs is not None else None
    return tvm.IRModule({str(symbol or "main"): function})


def legalized(module: Any) -> Any:
    """`module` with every operator call replaced by a call of a PrimFunc.

    Nothing is fused: the functions are inlined on import, and fusion is done on linalg. Constants
    are not folded: that would widen int8 weights.
    """
    import tvm
    from tvm import relax

    passes = [
        relax.transform.DecomposeOpsForInference(),
        relax.transform.LegalizeOps(),
        relax.transform.FuseTIR(),
        relax.transform.DeadCodeElimination(),
    ]
    with tvm.transform.PassContext(opt_level=3):
        return tvm.transform.Sequential(passes)(module)


def exported_functions(module: Any) -> list[tuple[str, Any]]:
    """Relax functions that have a global symbol, by name; all of them if none has one."""
    found = [
        (str(variable.name_hint), function)
        for variable, function in module.functions.items()
        if is_relax_function(function)
    ]
    exported = [
        (name, function)
        for name, function in found
        if function.attrs is not None and function.attrs.get("global_symbol") is not None
    ]
    return sorted(exported or found, key=lambda pair: pair[0])


def tensor_type(value: Any) -> TensorType | None:
    """Type of a Relax value, or None unless it is a tensor of static shape."""
    type_ = value.ty
    if type(type_).__name__ != "TensorType" or type_.shape is None:
        return None
    if type(type_.shape).__name__ != "ShapeExpr":
        return None
    shape = [integer_value(size) for size in type_.shape.values]
    if any(size is None for size in shape):
        return None
    return TensorType(tuple(size for size in shape if size is not None), str(type_.dtype))


def variable_name(variable: Any) -> str:
    """Name of a Relax variable."""
    return str(variable.name)


def bindings(function: Any) -> list[Binding] | None:
    """All bindings of a function in order, or None if one is not a plain assignment."""
    found = []
    for block in function.body.blocks:
        for binding in block.bindings:
            if type(binding).__name__ != "VarBinding":
                return None
            found.append(Binding(binding.var, binding.value))
    return found


def results(function: Any) -> list[Any]:
    """The values that a function returns."""
    body = function.body.body
    return list(body.fields) if is_tuple(body) else [body]


def is_tuple(value: Any) -> bool:
    """Whether a value is a tuple expression."""
    return type(value).__name__ == "Tuple"


def is_variable(value: Any) -> bool:
    """Whether a value is a variable."""
    return type(value).__name__ in ("Var", "DataflowVar")


def is_constant(value: Any) -> bool:
    """Whether a value is a constant tensor."""
    return type(value).__name__ in ("GenericConst", "Constant") and hasattr(value.value, "numpy")


def constant_data(value: Any) -> Any:
    """Contents of a constant as a numpy array."""
    return value.value.numpy()


def call_tir(value: Any) -> tuple[str, list[Any]] | None:
    """Name of the called PrimFunc and its arguments, or None for anything but a plain call."""
    if type(value).__name__ != "Call" or getattr(value.op, "name", None) != "relax.call_tir":
        return None
    arguments = list(value.args)
    if len(arguments) != 2 or not is_tuple(arguments[1]):
        return None
    return str(arguments[0].name_hint), list(arguments[1].fields)
