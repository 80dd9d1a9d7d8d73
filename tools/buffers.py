"""Arrays of a kernel's arguments: allocation, inputs from files, and random inputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import Attribute

from gemmini_xdsl.targets.arguments import Argument, Role
from gemmini_xdsl.targets.c_memory import buffer_elements, static_offset, static_strides
from gemmini_xdsl.tools.errors import GemminiError

Array = NDArray[Any]


@dataclass(frozen=True)
class Buffer:
    """The memory of one argument: `storage` is what C gets, `view` the argument's elements."""

    argument: Argument
    storage: Array
    view: Array

    def copy(self) -> Buffer:
        """The same content in memory of its own."""
        storage = self.storage.copy()
        offset = self.view.__array_interface__["data"][0] - self.storage.ctypes.data
        view = np.ndarray(self.view.shape, self.view.dtype, storage.data, offset, self.view.strides)
        return Buffer(self.argument, storage, view)


def allocate(argument: Argument, type_: Attribute, alignment: int) -> Buffer:
    """Memory for an argument, all zeros, aligned to `alignment` bytes."""
    dtype = np.dtype(argument.dtype)
    count = buffer_elements(type_, argument.name) if isinstance(type_, MemRefType) else 1
    memory = np.zeros(count * dtype.itemsize + alignment, np.uint8)
    start = -memory.ctypes.data % alignment
    storage = memory[start : start + count * dtype.itemsize].view(dtype)
    if not isinstance(type_, MemRefType):
        return Buffer(argument, storage, storage.reshape(()))
    strides = [stride * dtype.itemsize for stride in static_strides(type_, argument.name)]
    first = storage[static_offset(type_, argument.name) :]
    view = np.lib.stride_tricks.as_strided(first, type_.get_shape(), strides)
    return Buffer(argument, storage, view)


def random_values(shape: tuple[int, ...], dtype: str, rng: np.random.Generator) -> Array:
    """Random elements over the whole range of their type.

    Wide integers have every magnitude: each is a full-range value shifted right by a random
    number of bits, since full-range biases alone would hide the products behind them.
    """
    type_ = np.dtype(dtype)
    if type_ == np.bool_:
        return rng.integers(0, 2, shape).astype(np.bool_)
    if type_.kind == "f":
        return rng.normal(0.0, 100.0, shape).astype(type_)
    limits = np.iinfo(type_)
    values = rng.integers(limits.min, limits.max, shape, type_, endpoint=True)
    if type_.itemsize > 1:
        shifts = rng.integers(0, limits.bits - 1, shape).astype(type_)
        return np.asarray(values >> shifts)
    return np.asarray(values)


def load_array(argument: Argument, path: Path) -> Array:
    """The array in a .npy file, which must fit `argument`. Raises `GemminiError`."""
    try:
        array = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise GemminiError(f"{path}: no such file (input '{argument.name}')") from None
    except OSError as error:
        raise GemminiError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, EOFError):
        array = None
    if not isinstance(array, np.ndarray):
        raise GemminiError(f"{path}: not a .npy file of numbers (input '{argument.name}')")
    wanted = argument.shape or ()
    if array.shape != wanted:
        raise GemminiError(
            f"{path}: input '{argument.name}' must have shape {_shape(wanted)}, "
            f"got {_shape(array.shape)}"
        )
    if array.dtype != np.dtype(argument.dtype):
        raise GemminiError(
            f"{path}: input '{argument.name}' must have dtype {argument.dtype}, got {array.dtype}"
        )
    return array


def _shape(shape: tuple[int, ...]) -> str:
    return "x".join(str(size) for size in shape) or "() (a single number)"


def fill_inputs(buffers: Mapping[str, Buffer], given: Mapping[str, Array], seed: int) -> None:
    """Fill `buffers` from `given`, and inputs that are not given with seeded random values.

    Outputs that are not given start as zeros. Raises `GemminiError` for unknown names and
    arrays that do not fit.
    """
    for name, array in given.items():
        if name not in buffers:
            raise GemminiError(f"no argument '{name}'; arguments are {', '.join(buffers)}")
        argument, view = buffers[name].argument, buffers[name].view
        if array.shape != view.shape or array.dtype != view.dtype:
            raise GemminiError(
                f"argument '{name}' must be {argument.dtype} of shape {_shape(view.shape)}, "
                f"got {array.dtype} of shape {_shape(array.shape)}"
            )
        view[...] = array
    for index, (name, buffer) in enumerate(buffers.items()):
        if name not in given and buffer.argument.role != Role.OUTPUT:
            rng = np.random.default_rng([seed, index])
            buffer.view[...] = random_values(buffer.view.shape, buffer.argument.dtype, rng)
