"""Instructions that stay together when the others change places: configuration, and pairs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from xdsl.ir import Operation
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects.isa import (
    MVIN_OPS,
    ComputePreloadedOp,
    MvoutOp,
    PreloadOp,
)
from gemmini_xdsl.passes.configuration_state import CONFIGS, Kind, kind_set_by, kinds_used_by
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.instruction_operands import COMPUTES
from gemmini_xdsl.passes.straight_line import Instruction


def with_configs(
    configs: Sequence[Instruction], instructions: Sequence[Instruction]
) -> list[Instruction]:
    """The instructions with each configuration before the first one that depends on it."""
    places: list[list[Instruction]] = [[] for _ in range(len(instructions) + 1)]
    for config in configs:
        kind = kind_set_by(config.op)
        users = (n for n, user in enumerate(instructions, 1) if kind in kinds_used_by(user.op))
        places[next(users, 0)].append(config)
    ordered = places[0]
    for instruction, preceding in zip(instructions, places[1:], strict=True):
        ordered += [*preceding, instruction]
    return ordered


class InstructionGroups:
    """Configuration, and instructions that stay together.

    `configs` are the configurations before everything else. The kinds of those that stand among
    the other `groups` are `repeated`.
    """

    def __init__(self, code: Iterable[Instruction]) -> None:
        self.configs: list[Instruction] = []
        self.groups: list[list[Instruction]] = []
        self.repeated: set[Kind | None] = set()
        self._kinds: set[Kind | None] = set()
        self._before: Operation | None = None
        self._previous: Instruction | None = None
        for instruction in code:
            self._add(instruction)

    def in_program_order(self) -> list[Instruction]:
        """All of it, each instruction in its place."""
        return [*self.configs, *(code for group in self.groups for code in group)]

    def _add(self, code: Instruction) -> None:
        op, previous = code.op, self._previous
        if isinstance(op, CONFIGS):
            self._add_config(code)
        elif isinstance(op, COMPUTES):
            if previous is None or not isinstance(previous.op, PreloadOp):
                raise PassFailedException(
                    f"{location(op)}: must follow the gemmini.preload that it belongs to"
                )
            self._add_pair(previous, code)
        elif isinstance(op, (*MVIN_OPS, MvoutOp)):
            self.groups.append([code])
        elif not isinstance(op, PreloadOp):
            raise PassFailedException(f"{location(op)}: cannot be ordered in gemmini.unroll")
        self._before = None if previous is None else previous.op
        self._previous = code

    def _add_config(self, code: Instruction) -> None:
        kind = kind_set_by(code.op)
        if kind in self._kinds or self.groups:
            self.repeated.add(kind)
            self.groups.append([code])
        else:
            self.configs.append(code)
        self._kinds.add(kind)

    def _add_pair(self, preload: Instruction, compute: Instruction) -> None:
        """A pair that uses the weights of the pair before it stays with that one."""
        if isinstance(compute.op, ComputePreloadedOp):
            self.groups.append([preload, compute])
        elif isinstance(self._before, COMPUTES):
            self.groups[-1] += [preload, compute]
        else:
            raise PassFailedException(
                f"{location(compute.op)}: uses weights of a product that does not stand before it"
            )
