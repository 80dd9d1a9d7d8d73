"""Inputs and expected outputs of a RISC-V program.

The pseudo-random inputs are defined in include/gemmini/program.h (`gemmini_fill`), which produces
the same values on the target.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects import func
from xdsl.dialects.builtin import MemRefType, ModuleOp

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.targets.arguments import Argument, Role, arguments_of
from gemmini_xdsl.tools.buffers import Buffer, allocate, fill_inputs, load_array
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.reference import evaluate_function

Array = NDArray[Any]

_STEP = 0x9E3779B97F4A7C15
_MASK = (1 << 64) - 1
ELEMENTS = ("bool", "int8", "int16", "int32", "int64", "float32", "float64")


@dataclass(frozen=True)
class ProgramArgument:
    """An argument with its content before the call and, for checked outputs, after it.

    `key` is the key of generated content, None if the content is given.
    """

    argument: Argument
    before: Buffer
    key: int | None
    expected: Array | None

    @property
    def is_scalar(self) -> bool:
        """Whether the argument is passed by value."""
        return self.argument.shape is None

    @property
    def digest(self) -> int:
        """CRC-32 of the expected content."""
        assert self.expected is not None
        return zlib.crc32(self.expected.tobytes())


def program_data(
    module: ModuleOp,
    function: func.FuncOp,
    config: GemminiConfig,
    *,
    seed: int = 0,
    inputs: Mapping[str, Array | Path] | None = None,
    check: bool = True,
    runs: int = 1,
) -> list[ProgramArgument]:
    """Inputs and, with `check`, the numpy reference's outputs of `runs` calls of one function.

    Inputs that are not given are generated from `seed`; outputs that are not given start as
    zeros, and each call finds what the one before left. Raises `GemminiError` for wrong inputs
    and for modules that the reference cannot evaluate.
    """
    arguments: Sequence[Argument] = arguments_of(function)
    types = [argument.type for argument in function.body.block.args]
    buffers = {
        argument.name: allocate(argument, type_, config.l2_line_bytes)
        for argument, type_ in zip(arguments, types, strict=True)
    }
    given = _load(buffers, inputs or {})
    keys: dict[str, int] = {}
    for index, (name, buffer) in enumerate(buffers.items()):
        if name not in given and buffer.argument.role != Role.OUTPUT:
            keys[name] = fill_key(seed, index)
            content = generated(buffer.storage.size, buffer.argument.dtype, keys[name])
            buffer.storage[...] = content
    in_place = {name: buffer.view.copy() for name, buffer in buffers.items() if name in keys}
    fill_inputs(buffers, {**in_place, **given}, seed)
    expected: dict[str, Array] = {}
    if check:
        after = {name: buffer.copy() for name, buffer in buffers.items()}
        values = [
            buffer.view if isinstance(type_, MemRefType) else buffer.view[()]
            for type_, buffer in zip(types, after.values(), strict=True)
        ]
        for _ in range(runs):
            before = {name: buffer.storage.copy() for name, buffer in after.items()}
            evaluate_function(module, function.sym_name.data, values)
            if all(np.array_equal(before[name], after[name].storage) for name in after):
                break
        expected = {
            name: buffer.storage
            for name, buffer in after.items()
            if buffer.argument.role == Role.OUTPUT
        }
    return [
        ProgramArgument(buffer.argument, buffer, keys.get(name), expected.get(name))
        for name, buffer in buffers.items()
    ]


def fill_key(seed: int, index: int) -> int:
    """The generator's key of argument number `index`."""
    return int(_mix(np.array([(seed * _STEP + index + 1) & _MASK], np.uint64))[0])


def generated(count: int, dtype: str, key: int) -> Array:
    """`count` values of the generator that program.h describes."""
    if dtype not in ELEMENTS:
        raise GemminiError(
            f"inputs of type {dtype} cannot be generated; RISC-V programs take "
            f"{', '.join(ELEMENTS)}"
        )
    type_ = np.dtype(dtype)
    if type_.itemsize == 1:
        stream = _words(-(-count // 8), key).astype("<u8").view(np.uint8)[:count]
        return (stream & 1).astype(np.bool_) if dtype == "bool" else stream.view(np.int8)
    words = _words(count, key)
    signed = words.view(np.int64)
    match dtype:
        case "float32":
            return (signed >> 32).astype(np.float32) * np.float32(2.0**-24)
        case "float64":
            return signed.astype(np.float64) * 2.0**-56
    bits = type_.itemsize * 8
    shifts = (words % 64 % (bits - 1)).astype(np.int64)
    return (signed >> (64 - bits) >> shifts).astype(type_)


def _words(count: int, key: int) -> NDArray[np.uint64]:
    with np.errstate(over="ignore"):
        steps = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(_STEP)
        return _mix(steps + np.uint64(key))


def _mix(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """SplitMix64's output function."""
    with np.errstate(over="ignore"):
        words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return words ^ (words >> np.uint64(31))


def _load(buffers: Mapping[str, Buffer], given: Mapping[str, Array | Path]) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for name, value in given.items():
        if name not in buffers:
            raise GemminiError(f"no argument '{name}'; arguments are {', '.join(buffers)}")
        argument = buffers[name].argument
        arrays[name] = load_array(argument, value) if isinstance(value, Path) else value
    return arrays
