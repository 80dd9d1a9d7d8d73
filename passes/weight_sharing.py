"""The order of products that share weights."""

from __future__ import annotations

from collections.abc import Sequence

from gemmini_xdsl.dialects.isa import ComputeAccumulatedOp, ComputePreloadedOp, PreloadOp
from gemmini_xdsl.passes.straight_line import Instruction


def short_products_first(code: Sequence[Instruction]) -> list[Instruction]:
    """The same with the last of products that share weights first, if it has fewer rows of A.

    The array needs a cycle for a row, but all of a block's during the product in which the next
    weights enter, whatever its rows (microarchitecture, section 6).
    """
    ordered: list[Instruction] = []
    start = 0
    while start < len(code):
        end = _end_of_group(code, start)
        ordered += _reordered(code[start:end])
        start = end
    return ordered


def _end_of_group(code: Sequence[Instruction], start: int) -> int:
    """Behind all products that share the weights of one at `start`, or behind what else is there.

    They stand one right after another.
    """
    end = start
    compute: type = ComputePreloadedOp
    while (
        end + 1 < len(code)
        and isinstance(code[end].op, PreloadOp)
        and isinstance(code[end + 1].op, compute)
    ):
        end, compute = end + 2, ComputeAccumulatedOp
    return max(end, start + 1)


def _reordered(group: Sequence[Instruction]) -> Sequence[Instruction]:
    preloads, computes = group[::2], group[1::2]
    if len(preloads) < 2 or computes[-1].sizes[0] >= computes[0].sizes[0]:
        return group
    if not _are_apart(preloads):
        return group
    ordered: list[Instruction] = []
    for number, (preload, compute) in enumerate(zip(preloads, computes, strict=True)):
        # The stationary operand stays where it is, what moves comes from the pair before.
        before, moved = preloads[number - 1], computes[number - 1]
        addresses = (preload.addresses[0], before.addresses[1])
        sizes = (*preload.sizes[:2], *before.sizes[2:])
        ordered.append(Instruction(preload.op, addresses=addresses, sizes=sizes))
        ordered.append(Instruction(compute.op, addresses=moved.addresses, sizes=moved.sizes))
    return ordered


def _are_apart(preloads: Sequence[Instruction]) -> bool:
    """Whether the weights stay, and each product adds to sums of its own (not so in OS chains)."""
    first, *others = (preload.addresses[0] for preload in preloads)
    sums = {
        (address.buffer, address.slot, address.row)
        for preload in preloads
        if (address := preload.addresses[1]) is not None
    }
    kept = first is not None and all(stationary is None for stationary in others)
    return kept and len(sums) == len(preloads)
