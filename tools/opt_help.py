"""The text of `gemmini-opt --help`, and an argument parser whose errors are one line."""

from __future__ import annotations

import argparse
import dataclasses
import textwrap
from collections.abc import Callable, Iterable
from types import NoneType, UnionType
from typing import Any, Literal, NoReturn, Union, get_args, get_origin, get_type_hints

from xdsl.universe import Universe
from xdsl.utils.arg_spec import ArgSpecConvertible

WIDTH = 96

EXAMPLES = """\
examples:
  gemmini-opt module.mlir -p canonicalize,cse
  gemmini-opt module.mlir -p 'a-pass{option=1,2,3 flag=true}' -o lowered.mlir
  gemmini-opt module.mlir -t 'a-target{option=value}'

exit status: 0 on success, 1 if the input or an option is refused, 2 on an internal error."""


class UsageError(Exception):
    """A wrong option; its text says which and why."""


class ArgumentParser(argparse.ArgumentParser):
    """Reports a wrong option by `UsageError`, and describes passes and targets only if asked."""

    def __init__(self, description: str, epilog: Callable[[], str]):
        """`epilog` gives what follows the options in the help text."""
        super().__init__(
            prog="gemmini-opt",
            description=description,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        self._make_epilog = epilog

    def error(self, message: str) -> NoReturn:
        """Raise `UsageError`."""
        raise UsageError(message)

    def format_help(self) -> str:
        """Options, then passes and targets."""
        self.epilog = self._make_epilog()
        return super().format_help()

    def set_help(self, destination: str, text: str, metavar: str | None = None) -> None:
        """Replace the help text of one option."""
        for action in self._actions:
            if action.dest == destination:
                action.help = text
                action.metavar = metavar or action.metavar


def describe_universe(ours: Universe, everything: Universe) -> str:
    """Our passes and targets with their options, the names of all others, and examples."""
    other_passes = sorted(set(everything.all_passes) - set(ours.all_passes))
    other_targets = sorted(set(everything.all_targets) - set(ours.all_targets))
    return "\n".join(
        [
            "passes of this project (-p):",
            *_describe_all(ours.all_passes.values()),
            "",
            "targets of this project (-t):",
            *_describe_all(ours.all_targets.values()),
            "",
            "passes of xDSL:",
            _wrap(other_passes),
            "",
            "targets of xDSL:",
            _wrap(other_targets),
            "",
            EXAMPLES,
        ]
    )


def _wrap(names: Iterable[str]) -> str:
    return textwrap.fill(
        ", ".join(names),
        WIDTH,
        initial_indent="  ",
        subsequent_indent="  ",
        break_on_hyphens=False,
    )


def _describe_all(loaders: Iterable[Callable[[], type[ArgSpecConvertible]]]) -> list[str]:
    lines: list[str] = []
    for load in loaders:
        component = load()
        lines.append(f"  {component.name}")
        lines += textwrap.wrap(
            _summary(component), WIDTH, initial_indent="      ", subsequent_indent="      "
        )
        lines += [f"        {option}" for option in describe_options(component)]
    return lines or ["  (none)"]


def _summary(component: type[Any]) -> str:
    """The first paragraph of the documentation of a class, as one line."""
    paragraph = (component.__doc__ or "").strip().split("\n\n")[0]
    return " ".join(paragraph.split())


def describe_options(component: type[ArgSpecConvertible]) -> list[str]:
    """`name: values = default` of every option of a pass or target."""
    types = get_type_hints(component)
    return [
        f"{field.name.replace('_', '-')}: {_type_text(types[field.name])}{_default_text(field)}"
        for field in dataclasses.fields(component)
        if field.init
    ]


def _type_text(type_: Any) -> str:
    """The values that an option of this type takes, as they are written in a pipeline."""
    arguments = get_args(type_)
    if type_ is bool:
        return "true | false"
    if get_origin(type_) is Literal:
        return " | ".join(str(value) for value in arguments)
    if get_origin(type_) in (Union, UnionType):
        return " | ".join(_type_text(member) for member in arguments if member is not NoneType)
    if get_origin(type_) is tuple:
        element = _type_text(arguments[0])
        return f"({element}),..." if "|" in element else f"{element},..."
    return getattr(type_, "__name__", str(type_))


def _default_text(field: dataclasses.Field[Any]) -> str:
    if field.default is not dataclasses.MISSING:
        value = field.default
    elif field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    else:
        return " (required)"
    return " (unset)" if value is None else f" = {option_text(value)}"


def option_text(value: object) -> str:
    """`value` as it is written in a pipeline."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return ",".join(option_text(item) for item in value)
    if isinstance(value, str):
        return f'"{value}"'
    return str(value)
