"""What an earlier call has left in the L2, for calls that are measured in part."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.schedule_rules import ceil_div
from gemmini_xdsl.runtime_c.timing import TimingModel
from gemmini_xdsl.targets.arguments import Role
from gemmini_xdsl.targets.command_stream import Placement
from gemmini_xdsl.tvm_bridge.autotvm.simulate import placement_bytes

_FILLS = 4
"""Times its capacity that is read until the L2 is full of other lines."""

_CHUNK_LINES = 7
"""Lines of which the same share is in the L2; rows do not all begin at the same of them."""


def call_before(
    model: TimingModel,
    config: GemminiConfig,
    whole: Sequence[Placement],
    measured: Sequence[Placement],
) -> None:
    """Fill the L2 as a call with the arguments `whole` does, of which `measured` will be used.

    If these do not fit there are other lines as well. Those of results are written to memory
    when new lines take their place.
    """
    total, capacity = sum(map(placement_bytes, whole)), config.l2_bytes
    share = resident_share(total, capacity)
    if share < 1:
        model.other_traffic(_FILLS * capacity)
        results = sum(placement_bytes(p) for p in whole if p.argument.role == Role.OUTPUT)
        # Where nothing that is measured lies.
        behind = max(p.address + placement_bytes(p) for p in measured)
        line = config.l2_line_bytes
        model.host_write(ceil_div(behind, line) * line, int(results / total * capacity))
    for placement in measured:
        size = placement_bytes(placement)
        if share == 1:
            model.host_write(placement.address, size)
            continue
        lines = ceil_div(size, config.l2_line_bytes)
        for first in range(0, lines, _CHUNK_LINES):
            end = min(first + _CHUNK_LINES, lines)
            if count := int(end * share) - int(first * share):
                address = placement.address + first * config.l2_line_bytes
                model.host_write(address, count * config.l2_line_bytes)


def resident_share(total: int, capacity: int) -> float:
    """Share of `total` bytes that a cache holds when they are used again in the same order.

    A line stays if none of those that take the place of a random line, because they were gone
    themselves, takes its own.
    """
    if total <= capacity:
        return 1.0
    share = 0.0
    for _ in range(100):
        share = exp((share - 1) * total / capacity)
    return share
