"""Elements of arguments that the core writes to memory of its own, where commands find them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from xdsl.dialects import func, memref, scf
from xdsl.dialects.builtin import MemRefType, NoneAttr
from xdsl.ir import BlockArgument, Operation, SSAValue

from gemmini_xdsl.dialects.bounds import constant_value
from gemmini_xdsl.passes.constant_evaluation import evaluate
from gemmini_xdsl.passes.index_arithmetic import is_pure, loop_range
from gemmini_xdsl.passes.memory_uses import is_view

COPY_CYCLES = 3
"""What the core needs to write an element: a store, an addition and a branch (Rocket)."""


@dataclass(frozen=True)
class CoreCopy:
    """Memory at `address` holds these elements of an argument; both are given by numbers.

    Of arguments only those in memory count, as in the placements of a command stream.
    """

    address: int
    argument: int
    elements: tuple[int, ...]


def is_core_copy(op: Operation) -> bool:
    """Whether `op` is a loop in which the core loads and stores, and nothing else happens."""
    if not isinstance(op, scf.ForOp) or loop_range(op) is None or op.iter_args:
        return False
    stores = [inner for inner in op.body.block.ops if isinstance(inner, memref.StoreOp)]
    return bool(stores) and all(
        isinstance(inner, memref.LoadOp | memref.StoreOp | scf.YieldOp)
        or (not inner.regions and is_pure(inner))
        for inner in op.body.block.ops
    )


def core_copies(
    function: func.FuncOp, address_of: Callable[[memref.AllocOp], int]
) -> tuple[CoreCopy, ...]:
    """The copies that `function` begins with, as far as they can be told."""
    found: list[CoreCopy] = []
    for op in function.body.ops:
        if isinstance(op, scf.ForOp) and is_core_copy(op):
            copy = _copy(op, address_of)
            if copy is not None:
                found.append(copy)
    return tuple(found)


def _copy(loop: scf.ForOp, address_of: Callable[[memref.AllocOp], int]) -> CoreCopy | None:
    """What a loop copies, if that is elements of one argument in order."""
    target: memref.AllocOp | None = None
    arguments: set[int] = set()
    elements: list[int] = []
    iterations = loop_range(loop)
    assert iterations is not None
    for iteration in iterations:
        numbers: dict[SSAValue, int] = {loop.body.block.args[0]: iteration}
        for op in loop.body.block.ops:
            if isinstance(op, memref.StoreOp):
                source = _element(op.value.owner, numbers)
                place = [_number(index, numbers) for index in op.indices]
                if source is None or place != [len(elements)]:
                    return None
                if not isinstance(op.memref.owner, memref.AllocOp):
                    return None
                target = op.memref.owner
                arguments.add(source[0])
                elements.append(source[1])
            elif is_pure(op) and op.results:
                value = _evaluated(op, numbers)
                if value is not None:
                    numbers[op.results[0]] = value
    if target is None or len(arguments) != 1:
        return None
    return CoreCopy(address_of(target), arguments.pop(), tuple(elements))


def _element(load: object, numbers: Mapping[SSAValue, int]) -> tuple[int, int] | None:
    """The argument that is loaded from, and the number of the element."""
    if not isinstance(load, memref.LoadOp):
        return None
    indices = [_number(index, numbers) for index in load.indices]
    value, type_ = load.memref, load.memref.type
    while isinstance(value.owner, Operation) and is_view(value.owner):
        value = value.owner.operands[0]
        if isinstance(value.owner, memref.SubviewOp):
            return None
    if not isinstance(value, BlockArgument) or not isinstance(type_, MemRefType):
        return None
    if not isinstance(type_.layout, NoneAttr):
        return None
    number = 0
    for index, size in zip(indices, type_.get_shape(), strict=True):
        if index is None:
            return None
        number = number * size + index
    arguments = [a for a in value.block.args if isinstance(a.type, MemRefType)]
    return arguments.index(value), number


def _number(value: SSAValue, numbers: Mapping[SSAValue, int]) -> int | None:
    constant = constant_value(value)
    return numbers.get(value) if constant is None else constant


def _evaluated(op: Operation, numbers: Mapping[SSAValue, int]) -> int | None:
    operands = [_number(operand, numbers) for operand in op.operands]
    known = [operand for operand in operands if operand is not None]
    return evaluate(op, known) if len(known) == len(operands) else None
