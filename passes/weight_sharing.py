"""The order of products that share weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gemmini_xdsl.dialects.isa import ComputeAccumulatedOp, ComputePreloadedOp, PreloadOp
from gemmini_xdsl.passes.straight_line import Instruction

Pair = tuple[Instruction, Instruction]
"""A PRELOAD and its COMPUTE."""


def short_products_first(code: Sequence[Instruction]) -> list[Instruction]:
    """The same with the last of products that share weights first, if it has fewer rows of A.

    The array needs a cycle for a row, but all of a block's during the product in which the next
    weights enter, whatever its rows (microarchitecture, section 6).
    """
    ordered: list[Instruction] = []
    for group in _groups(code):
        ordered += group if isinstance(group, list) else _reordered(group)
    return ordered


def _groups(code: Sequence[Instruction]) -> Iterator[list[Instruction] | tuple[Pair, ...]]:
    """Pairs with the same weights, one right after another, and everything else."""
    group: list[Pair] = []
    number = 0
    while number < len(code):
        pair = (code[number], code[min(number + 1, len(code) - 1)])
        is_pair = isinstance(pair[0].op, PreloadOp)
        goes_on = is_pair and isinstance(pair[1].op, ComputeAccumulatedOp)
        if group and not goes_on:
            yield tuple(group)
            group = []
        if is_pair and (goes_on == bool(group)):
            group.append(pair)
            number += 2
        else:
            yield [code[number]]
            number += 1
    if group:
        yield tuple(group)


def _reordered(group: tuple[Pair, ...]) -> Iterator[Instruction]:
    rows = [compute.sizes[0] for _, compute in group]
    turned = [group[-1], *group[:-1]] if rows[-1] < rows[0] and _are_apart(group) else group
    for (preload, compute), (other_preload, other_compute) in zip(group, turned, strict=True):
        # The stationary operand stays where it is, what moves changes places.
        weights, _ = preload.addresses
        _, sums = other_preload.addresses
        sizes = (*preload.sizes[:2], *other_preload.sizes[2:])
        yield Instruction(preload.op, addresses=(weights, sums), sizes=sizes)
        yield Instruction(compute.op, addresses=other_compute.addresses, sizes=other_compute.sizes)


def _are_apart(group: tuple[Pair, ...]) -> bool:
    """Whether the weights stay, and each product adds to sums of its own (not so in OS chains)."""
    first, *others = (preload for preload, _ in group)
    sums = {
        (address.buffer, address.slot, address.row)
        for preload, _ in group
        if (address := preload.addresses[1]) is not None
    }
    kept = first.addresses[0] is not None and all(pre.addresses[0] is None for pre in others)
    started = isinstance(group[0][1].op, ComputePreloadedOp)
    return kept and started and len(sums) == len(group)
