"""Writes the reference of dialects, passes and targets from the code.

    python docs/reference/generate.py

Everything comes from the definitions themselves: descriptions and limits from docstrings, syntax
from assembly formats, examples from `examples/`, printed by the operations they hold.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path
from typing import Any

from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.utils.enum_attribute import EnumAttribute
from xdsl.ir import Attribute, Operation, TypeAttribute
from xdsl.irdl import (
    AnyAttr,
    AttrConstraint,
    AttributeDef,
    BaseAttr,
    EqAttrConstraint,
    IRDLOperation,
    OptOperandDef,
    ParamAttrConstraint,
    RangeConstraint,
    VarOperandDef,
)
from xdsl.printer import Printer

from gemmini_xdsl.dialects import gemmini, rocc
from gemmini_xdsl.passes.pipelines import default_pipeline
from gemmini_xdsl.passes.registry import get_all_passes
from gemmini_xdsl.targets.registry import get_all_targets
from gemmini_xdsl.tools.inputs import make_context, parse_mlir
from gemmini_xdsl.tools.opt_help import describe_options

FOLDER = Path(__file__).parent
EXAMPLES = FOLDER / "examples"
DIALECTS = ((gemmini, gemmini.Gemmini), (rocc, rocc.Rocc))

PASS_EXAMPLES = {
    "gemmini-default-pipeline": "gemmini-default-pipeline{config=zcu102}",
    "gemmini-bufferize": "gemmini-bufferize",
    "mlir": 'gemmini-default-pipeline,mlir{pipeline="canonicalize,cse"}',
}
"""Pipelines that show a pass; others are shown behind those that they need."""

_HIDDEN = ("operandSegmentSizes", "resultSegmentSizes")
_NOTE = "<!-- Written by docs/reference/generate.py. -->\n"


def pages() -> dict[str, str]:
    """The text of every page by file name."""
    module = parse_mlir(
        (EXAMPLES / "operations.mlir").read_text(), "operations.mlir", make_context()
    )
    return {
        "dialects.md": _NOTE + "\n".join(_dialects(module)) + "\n",
        "passes.md": _NOTE + "\n".join(_passes()) + "\n",
        "targets.md": _NOTE + "\n".join(_targets()) + "\n",
    }


# -- dialects -------------------------------------------------------------------------------------


def _dialects(examples: ModuleOp) -> Iterator[str]:
    yield "# Dialects\n"
    yield (
        "Complete functions with every operation are in "
        "[examples/operations.mlir](examples/operations.mlir). Limits depend on the module's "
        "`gemmini.config`, which is the default configuration if there is none."
    )
    for module, dialect in DIALECTS:
        yield f"\n## `{dialect.name}`\n"
        yield _documentation(module)
        for operation in dialect.operations:
            yield from _operation(operation, examples)
        types = [item for item in dialect.attributes if issubclass(item, TypeAttribute)]
        attributes = [item for item in dialect.attributes if item not in types]
        for kind, sigil, items in (("type", "!", types), ("attribute", "#", attributes)):
            for item in items:
                yield f"\n### {kind} `{sigil}{item.name}`\n"
                yield _documentation(item)
                yield from _enumerators(item)


def _operation(operation: type[Operation], examples: ModuleOp) -> Iterator[str]:
    assert issubclass(operation, IRDLOperation)
    definition = operation.get_irdl_definition()
    yield f"\n### `{operation.name}`\n"
    yield _documentation(operation)
    limits = _limits(operation)
    if limits:
        yield f"\nVerification: {limits[0].lower()}{limits[1:]}"
    if definition.assembly_format is not None:
        yield f"\nSyntax:\n\n```\n{operation.name} {_syntax(str(definition.assembly_format))}\n```"
    rows = [
        (name, "operand" + _multiplicity(item), _constraint(item.constr))
        for name, item in definition.operands
    ]
    rows += [
        (name, _property_kind(item), _constraint(item.constr))
        for name, item in definition.properties.items()
        if name not in _HIDDEN
    ]
    rows += [(name, "result", _constraint(item.constr)) for name, item in definition.results]
    rows += [(name, "region", "") for name, _ in definition.regions]
    if rows:
        yield "\n| name | kind | type |\n|---|---|---|"
        yield from (f"| `{name}` | {kind} | {type_} |" for name, kind, type_ in rows)
    yield f"\nExample:\n\n```mlir\n{_example(operation, examples)}\n```"


def _limits(operation: type[Operation]) -> str:
    """What the verifier of an operation says of itself."""
    for class_ in operation.__mro__:
        verify = vars(class_).get("verify_")
        # IRDL wraps the verifier that the class defines.
        wrapped = [cell.cell_contents for cell in getattr(verify, "__closure__", None) or ()]
        for function in (verify, *wrapped):
            module = getattr(function, "__module__", None) or ""
            if module.startswith("gemmini_xdsl.") and inspect.isfunction(function):
                return inspect.getdoc(function) or ""
    return ""


def _syntax(assembly_format: str) -> str:
    return " ".join(assembly_format.split())


def _multiplicity(definition: object) -> str:
    if isinstance(definition, OptOperandDef):
        return ", optional"
    return ", any number" if isinstance(definition, VarOperandDef) else ""


def _property_kind(definition: Any) -> str:
    if definition.default_value is not None:
        return f"property, default `{definition.default_value}`"
    optional = type(definition).__name__.startswith("Opt")
    return "property, optional" if optional else "property"


def _constraint(constraint: AttrConstraint | RangeConstraint | AttributeDef | Any) -> str:
    """What a constraint admits, in the names that MLIR has for it."""
    inner = getattr(constraint, "constraint", None) or getattr(constraint, "constr", None)
    match constraint:
        case AnyAttr():
            return "any"
        case BaseAttr():
            return f"`{_attribute_name(constraint.attr)}`"
        case EqAttrConstraint():
            return f"`{constraint.attr}`"
        case ParamAttrConstraint():
            parameters = [
                str(item.attr)
                for item in constraint.param_constrs
                if isinstance(item, EqAttrConstraint)
            ]
            name = _attribute_name(constraint.base_attr)
            return f"`{name}` of `{', '.join(parameters)}`" if parameters else f"`{name}`"
        case _ if inner is not None:
            return _constraint(inner)
        case _:
            return f"`{constraint}`"


def _attribute_name(attribute: type[Attribute]) -> str:
    return attribute.name.removeprefix("builtin.")


def _example(operation: type[Operation], examples: ModuleOp) -> str:
    """The first operation of that kind in the examples, as it prints there."""
    for op in examples.walk():
        if isinstance(op, operation):
            stream = StringIO()
            Printer(stream).print_op(op)
            return stream.getvalue()
    raise SystemExit(f"{EXAMPLES}/operations.mlir has no {operation.name}")


def _enumerators(attribute: type[Attribute]) -> Iterator[str]:
    if issubclass(attribute, EnumAttribute):
        values = ", ".join(f"`{item.value}`" for item in attribute.enum_type)
        yield f"\nValues: {values}."


# -- passes and targets ---------------------------------------------------------------------------


def _passes() -> Iterator[str]:
    yield "# Passes\n"
    yield (
        "Run any of them with `gemmini-opt -p` or with `xdsl-opt -p`. The input of the examples is "
        "[examples/product.mlir](examples/product.mlir)."
    )
    for name, load in get_all_passes().items():
        pass_ = load()
        yield f"\n## `{name}`\n"
        yield _documentation(pass_)
        yield from _options(pass_)
        yield f"\n```\n{pass_command(name)}\n```"


def pass_command(name: str) -> str:
    """The command of the example for a pass."""
    return f"gemmini-opt product.mlir -p '{pass_pipeline(name)}'"


def pass_pipeline(name: str) -> str:
    """A pipeline on the example that ends with the pass."""
    if name in PASS_EXAMPLES:
        return PASS_EXAMPLES[name]
    names = [item.name for item in default_pipeline()]
    return ",".join(names[: names.index(name) + 1])


def _targets() -> Iterator[str]:
    yield "# Targets\n"
    yield "What `gemmini-opt -t` or `xdsl-opt -t` print."
    for name, load in get_all_targets().items():
        target = load()
        yield f"\n## `{name}`\n"
        yield _documentation(target)
        yield from _options(target)
        yield f"\n```\n{target_command(name)}\n```"


def target_command(name: str) -> str:
    """The command of the example for a target."""
    return f"gemmini-opt product.mlir -p gemmini-default-pipeline -t {name}"


def _options(component: Any) -> Iterator[str]:
    options = describe_options(component)
    if options:
        yield "\nOptions:\n"
        yield from (f"- `{option}`" for option in options)


def _documentation(item: type[Any] | Callable[..., Any] | object) -> str:
    return inspect.getdoc(item) or ""


if __name__ == "__main__":
    for file_name, text in pages().items():
        (FOLDER / file_name).write_text(text)
