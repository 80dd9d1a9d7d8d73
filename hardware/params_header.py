"""Reading `gemmini_params.h`, which Chipyard generates along with the hardware (ISA section 12).

The header states the array's size, the memories, the element types and some features. It says
nothing about banks of the accumulator, dataflows, queues or the system on chip: those come from a
base configuration.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gemmini_xdsl.hardware.config import GemminiConfig
from gemmini_xdsl.hardware.validation import ConfigError

_COMMENT = re.compile(r"//[^\n]*|/\*.*?\*/", re.DOTALL)
_DEFINE = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)(\([^)\n]*\))?[ \t]*([^\n]*)$", re.MULTILINE)
_TYPEDEF = re.compile(r"^[ \t]*typedef[ \t]+(\w+(?:[ \t]+\w+)*)[ \t]+(\w+)[ \t]*;", re.MULTILINE)
_LONGEST_EXPRESSION = 200

_TYPES = {"elem_t": "int8_t", "acc_t": "int32_t", "acc_scale_t": "float"}
_OPERATORS: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.floordiv,
}


@dataclass(frozen=True)
class _Header:
    """Definitions and types of a header; `source` names it in messages."""

    source: str
    macros: dict[str, str]
    types: dict[str, str]

    def number(self, name: str) -> int:
        """The value of a macro that the header must have."""
        if name not in self.macros:
            raise ConfigError(f"{self.source}: lacks the macro {name}; not a gemmini_params.h?")
        value = self._evaluate(name, self.macros[name], 0)
        if value <= 0 and name != "XCUSTOM_ACC":
            raise ConfigError(f"{self.source}: {name} must be positive, got {value}")
        return value

    def _evaluate(self, name: str, text: str, depth: int) -> int:
        try:
            if depth > 8 or len(text) > _LONGEST_EXPRESSION:
                raise ValueError
            return self._value(ast.parse(text.strip(), mode="eval").body, depth)
        except (SyntaxError, ValueError, ZeroDivisionError, RecursionError, MemoryError):
            raise ConfigError(
                f"{self.source}: {name} is '{text[:60]}', which is no integer expression"
            ) from None

    def _value(self, node: ast.expr, depth: int) -> int:
        match node:
            case ast.Constant(value=int(value)):
                return value
            case ast.Name(id=name) if name in self.macros:
                return self._evaluate(name, self.macros[name], depth + 1)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return _OPERATORS[type(op)](self._value(left, depth), self._value(right, depth))
            case _:
                raise ValueError


def read_params_header(path: Path, base: GemminiConfig | None = None) -> GemminiConfig:
    """The configuration in the file `path`, completed from `base` (default: upstream's default).

    Raises `ConfigError` if the file cannot be read, is no such header, or describes hardware that
    is not supported.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise ConfigError(f"{path}: cannot read the header: {reason}") from None
    return parse_params_header(text, str(path), base)


def parse_params_header(text: str, source: str, base: GemminiConfig | None = None) -> GemminiConfig:
    """The configuration that the header `text` describes; `source` names it in messages."""
    plain = _COMMENT.sub(" ", text)
    macros = {name: value.strip() for name, arguments, value in _DEFINE.findall(plain)
              if not arguments}  # fmt: skip
    types = {name: " ".join(type_.split()) for type_, name in _TYPEDEF.findall(plain)}
    header = _Header(source, macros, types)
    _check_types(header)
    values: dict[str, Any] = (base or GemminiConfig()).parameters()
    values.update(_parameters(header, values))
    config = GemminiConfig.from_parameters(values, source)
    _check_blocks(header, config)
    return config


def _parameters(header: _Header, base: dict[str, Any]) -> dict[str, Any]:
    dim, macros = header.number("DIM"), header.macros
    tile_rows, tile_columns = base["tile_rows"], base["tile_columns"]
    if dim % tile_rows or dim % tile_columns:
        tile_rows = tile_columns = 1
    scratchpad_rows = header.number("BANK_NUM") * header.number("BANK_ROWS")
    return {
        "name": base["name"] if base["name"] != GemminiConfig().name else "gemmini_params",
        "mesh_rows": dim // tile_rows,
        "mesh_columns": dim // tile_columns,
        "tile_rows": tile_rows,
        "tile_columns": tile_columns,
        "scratchpad_kib": _kib(header, "BANK_NUM*BANK_ROWS", scratchpad_rows * dim),
        "scratchpad_banks": header.number("BANK_NUM"),
        "accumulator_kib": _kib(header, "ACC_ROWS", header.number("ACC_ROWS") * dim * 4),
        "dma_max_bytes": header.number("MAX_BYTES"),
        "opcode": header.number("XCUSTOM_ACC"),
        "has_mvin_scale": "HAS_MVIN_SCALE" in macros,
        "acc_read_full_width": "ACC_READ_FULL_WIDTH" in macros,
        "acc_read_small_width": "ACC_READ_SMALL_WIDTH" in macros,
        "has_first_layer_optimizations": "HAS_FIRST_LAYER_OPTIMIZATIONS" in macros,
        "has_normalizations": "HAS_NORMALIZATIONS" in macros,
    }


def _kib(header: _Header, what: str, size: int) -> int:
    if size % 1024:
        raise ConfigError(f"{header.source}: {what} gives {size} bytes, which are not whole KiB")
    return size // 1024


def _check_types(header: _Header) -> None:
    for name, wanted in _TYPES.items():
        found = header.types.get(name)
        if found is None:
            raise ConfigError(f"{header.source}: lacks the type {name}; not a gemmini_params.h?")
        if found != wanted:
            raise ConfigError(
                f"{header.source}: {name} is {found}; only hardware with {wanted} is supported"
            )
    for macro in ("ELEM_T_IS_FLOAT", "HAS_MVIN_ACC_SCALE"):
        if macro in header.macros:
            raise ConfigError(f"{header.source}: hardware with {macro} is not supported")
    if "HAS_MVIN_SCALE" in header.macros and header.types.get("scale_t") != "float":
        found = header.types.get("scale_t", "missing")
        raise ConfigError(
            f"{header.source}: scale_t is {found}; only hardware with float is supported"
        )


def _check_blocks(header: _Header, config: GemminiConfig) -> None:
    """What the header derives must agree with what we derive from the same numbers."""
    derived = {
        "MAX_BLOCK_LEN": config.max_block_cols,
        "MAX_BLOCK_LEN_ACC": config.max_block_cols_acc,
    }
    for name, expected in derived.items():
        if name in header.macros and header.number(name) != expected:
            raise ConfigError(
                f"{header.source}: {name} is {header.number(name)}, but DIM and MAX_BYTES give "
                f"{expected}"
            )
