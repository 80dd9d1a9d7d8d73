"""`gemm:M=100,N=60,K=200,...`: one matrix product, described on the command line."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from xdsl.dialects import func
from xdsl.dialects.builtin import ArrayAttr, DictionaryAttr, MemRefType, ModuleOp, StringAttr
from xdsl.ir import Attribute, Block, Region

from gemmini_xdsl.dialects.attributes import ACC_TYPE, INPUT_TYPE, Activation
from gemmini_xdsl.dialects.matmul import INT8_MAX, INT8_MIN, MatmulOp
from gemmini_xdsl.targets.arguments import NAME_ATTRIBUTE, ROLE_ATTRIBUTE, Role
from gemmini_xdsl.tools.errors import UsageError

PREFIX = "gemm:"
FUNCTION = "gemm"
MAX_SIZE = 1 << 20
MAX_ELEMENTS = 1 << 31


class Bias(StrEnum):
    """What is added to the product."""

    NONE = "none"
    ROW = "row"
    FULL = "full"
    SCALAR = "scalar"


@dataclass(frozen=True)
class GemmSpec:
    """One matrix product; the fields are those of `gemmini.matmul`."""

    m: int
    n: int
    k: int
    bias: Bias = Bias.NONE
    activation: Activation = Activation.NONE
    scale: float = 1.0
    result: str = "i8"
    transpose_a: bool = False
    transpose_b: bool = False
    zero_points: tuple[int, int, int] = (0, 0, 0)


_KEYS = ("M", "N", "K", "bias", "act", "scale", "out", "ta", "tb", "za", "zb", "zc")
_REQUIRED = ("M", "N", "K")
_ONLY_I8 = ("act", "scale", "zc")


def is_shorthand(text: str) -> bool:
    """Whether an INPUT is meant as a shorthand."""
    return text.startswith(PREFIX)


def parse_shorthand(text: str) -> GemmSpec:
    """The product that `text` describes. Raises `UsageError` with the key at fault."""
    values = _split(text)
    missing = [key for key in _REQUIRED if key not in values]
    if missing:
        raise _error(f"{' and '.join(missing)} must be given, as in gemm:M=100,N=60,K=200")
    m, n, k = (_size(key, values[key]) for key in _REQUIRED)
    for label, rows, columns in (("A", m, k), ("B", k, n), ("C", m, n)):
        if rows * columns > MAX_ELEMENTS:
            raise _error(f"{label} of {rows}x{columns} has more than {MAX_ELEMENTS} elements")
    result = _choice("out", values.get("out", "i8"), ("i8", "i32"))
    activation = _choice("act", values.get("act", "none"), tuple(Activation))
    scale = _scale(values.get("scale", "1"))
    zero_points = tuple(_zero_point(key, values.get(key, "0")) for key in ("za", "zb", "zc"))
    if result == "i32":
        neutral = {"act": activation == "none", "scale": scale == 1.0, "zc": zero_points[2] == 0}
        for key in _ONLY_I8:
            if not neutral[key]:
                raise _error(f"{key} does not apply to out=i32, which is the raw sum")
    return GemmSpec(
        m,
        n,
        k,
        Bias(_choice("bias", values.get("bias", "none"), tuple(Bias))),
        Activation(activation),
        scale,
        result,
        _flag("ta", values.get("ta", "0")),
        _flag("tb", values.get("tb", "0")),
        (zero_points[0], zero_points[1], zero_points[2]),
    )


def build_gemm(spec: GemmSpec) -> ModuleOp:
    """A module whose function `gemm(A, B, [bias,] C)` is the product, at level 1."""
    a_shape = (spec.k, spec.m) if spec.transpose_a else (spec.m, spec.k)
    b_shape = (spec.n, spec.k) if spec.transpose_b else (spec.k, spec.n)
    bias_types: dict[Bias, list[Attribute]] = {
        Bias.NONE: [],
        Bias.ROW: [MemRefType(ACC_TYPE, [spec.n])],
        Bias.FULL: [MemRefType(ACC_TYPE, [spec.m, spec.n])],
        Bias.SCALAR: [ACC_TYPE],
    }
    types: list[Attribute] = [
        MemRefType(INPUT_TYPE, a_shape),
        MemRefType(INPUT_TYPE, b_shape),
        *bias_types[spec.bias],
        MemRefType(INPUT_TYPE if spec.result == "i8" else ACC_TYPE, [spec.m, spec.n]),
    ]
    named = [("A", Role.INPUT), ("B", Role.INPUT), ("bias", Role.BIAS), ("C", Role.OUTPUT)]
    if spec.bias == Bias.NONE:
        del named[2]
    block = Block(arg_types=types)
    for argument, (name, _) in zip(block.args, named, strict=True):
        argument.name_hint = name
    block.add_op(
        MatmulOp(
            block.args[0],
            block.args[1],
            block.args[-1],
            None if spec.bias == Bias.NONE else block.args[2],
            transpose_a=spec.transpose_a,
            transpose_b=spec.transpose_b,
            scale=spec.scale,
            activation=spec.activation,
            zero_points=spec.zero_points,
        )
    )
    block.add_op(func.ReturnOp())
    attributes = ArrayAttr(
        [
            DictionaryAttr({NAME_ATTRIBUTE: StringAttr(name), ROLE_ATTRIBUTE: StringAttr(role)})
            for name, role in named
        ]
    )
    return ModuleOp([func.FuncOp(FUNCTION, (types, []), Region(block), arg_attrs=attributes)])


# -- values ---------------------------------------------------------------------------------------


def _error(message: str) -> UsageError:
    return UsageError(f"shorthand: {message}")


def _split(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for item in text.removeprefix(PREFIX).split(","):
        key, separator, value = (part.strip() for part in item.partition("="))
        if not separator or not key or not value:
            raise _error(f"'{item}' is not of the form key=value")
        if key not in _KEYS:
            raise _error(f"unknown key '{key}'; keys are {', '.join(_KEYS)}")
        if key in values:
            raise _error(f"{key} is given twice")
        values[key] = value
    return values


def _integer(key: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 9:
        raise _error(f"{key} must be an integer, got '{text}'")
    return int(text)


def _size(key: str, text: str) -> int:
    value = _integer(key, text)
    if not 1 <= value <= MAX_SIZE:
        raise _error(f"{key} must be from 1 to {MAX_SIZE}, got {value}")
    return value


def _zero_point(key: str, text: str) -> int:
    value = _integer(key, text)
    if not INT8_MIN <= value <= INT8_MAX:
        raise _error(f"{key} must be from {INT8_MIN} to {INT8_MAX}, got {value}")
    return value


def _flag(key: str, text: str) -> bool:
    return _choice(key, text, ("0", "1")) == "1"


def _choice(key: str, text: str, choices: tuple[str, ...]) -> str:
    if text not in choices:
        raise _error(f"{key} must be {' or '.join(choices)}, got '{text}'")
    return text


def _scale(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        raise _error(f"scale must be a number, got '{text}'") from None
    with np.errstate(over="ignore", under="ignore"):
        single = float(np.float32(value))
    if not math.isfinite(single):
        raise _error(f"scale must be finite as a float32, got '{text}'")
    return single
