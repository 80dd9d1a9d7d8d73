"""`gemmini-unroll`: loops in a `gemmini.unroll` become the instructions that they execute."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from xdsl.context import Context
from xdsl.dialects import arith, memref, scf
from xdsl.dialects.builtin import BoolAttr, ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects.isa import (
    MVIN_OPS,
    ComputeAccumulatedOp,
    ComputePreloadedOp,
    ConfigExOp,
    ConfigLdOp,
    ConfigStOp,
    LocalAddressOp,
    MvoutOp,
    PreloadOp,
)
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import AllocOp, UnrollOp
from gemmini_xdsl.passes.constant_evaluation import evaluate
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.schedule_rules import MAX_UNROLLED_INSTRUCTIONS

MAX_EXECUTED = 64 * MAX_UNROLLED_INSTRUCTIONS
"""Operations that may be executed for one region: for each instruction, what finds its operands."""


@dataclass(frozen=True)
class GemminiUnrollPass(ModulePass):
    """Replace the contents of each `gemmini.unroll` by what they execute, without any loop.

    Buffers and local addresses come first, each address once, then the instructions in the order
    of the program. Raises `PassFailedException` for a loop or a condition that depends on what
    is known at run time only.
    """

    name = "gemmini-unroll"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Unroll every region."""
        for region in [inner for inner in op.walk() if isinstance(inner, UnrollOp)]:
            old = region.body.block
            new = _Unroller(old).unroll()
            for inner in reversed(list(old.ops)):
                inner.detach()
                inner.erase(safe_erase=False)
            for inner in list(new.ops):
                inner.detach()
                old.add_op(inner)


_Known: TypeAlias = int | SSAValue


class _Unroller:
    """Executes a block as far as it is known, and records the rest."""

    def __init__(self, block: Block):
        self.block = block
        self.known: dict[SSAValue, _Known] = {}
        self.setup = Block()
        self.instructions = Block()
        self.addresses: dict[tuple[SSAValue, int, int, bool, bool], SSAValue] = {}
        self.true: SSAValue | None = None
        self.executed = 0

    def unroll(self) -> Block:
        """The operations without loops."""
        self._execute(self.block)
        for op in list(self.instructions.ops):
            op.detach()
            self.setup.add_op(op)
        return self.setup

    def _execute(self, block: Block) -> None:
        for op in block.ops:
            self.executed += 1
            if self.executed > MAX_EXECUTED:
                raise PassFailedException(
                    f"{location(op)}: unrolling executes more than {MAX_EXECUTED} operations; "
                    "leave the loops, or make them shorter"
                )
            match op:
                case scf.YieldOp():
                    pass
                case scf.ForOp():
                    self._loop(op)
                case scf.IfOp():
                    self._choice(op)
                case LocalAddressOp():
                    self.known[op.address] = self._address(op)
                case AllocOp() | memref.SubviewOp() | memref.CastOp():
                    clone = op.clone(value_mapper=self._values())
                    self.setup.add_op(clone)
                    self.known.update(zip(op.results, clone.results, strict=True))
                case arith.ConstantOp() if evaluate(op, []) is None:
                    self.instructions.add_op(op.clone())
                case _ if op.results:
                    self.known[op.results[0]] = self._evaluate(op)
                case _:
                    self.instructions.add_op(self._instruction(op))

    def _loop(self, loop: scf.ForOp) -> None:
        bounds = [self._integer(value, loop) for value in (loop.lb, loop.ub, loop.step)]
        if loop.iter_args:
            raise PassFailedException(f"{location(loop)}: a loop that carries values stays a loop")
        if bounds[2] < 1:
            raise PassFailedException(
                f"{location(loop)}: a loop needs a step of at least 1 to be unrolled, "
                f"got {bounds[2]}"
            )
        for number in range(*bounds):
            self.executed += 1
            self.known[loop.body.block.args[0]] = number
            self._execute(loop.body.block)

    def _choice(self, branch: scf.IfOp) -> None:
        taken = self._integer(branch.cond, branch)
        for block in (branch.true_region if taken else branch.false_region).blocks:
            self._execute(block)

    def _evaluate(self, op: Operation) -> int:
        value = evaluate(op, [self._integer(operand, op) for operand in op.operands])
        if value is None:
            raise PassFailedException(
                f"{location(op)}: '{op.name}' cannot be evaluated when the code is unrolled"
            )
        return value

    def _integer(self, value: SSAValue, user: Operation) -> int:
        known = self.known.get(value)
        if known is None and isinstance(value.owner, arith.ConstantOp):
            known = evaluate(value.owner, [])
        if not isinstance(known, int):
            raise PassFailedException(
                f"{location(user)}: '{user.name}' depends on a value that is known at run time "
                "only, so it cannot be unrolled"
            )
        return known

    def _indices(self, values: Sequence[Index], user: Operation) -> list[Index]:
        return [v if isinstance(v, int) else self._integer(v, user) for v in values]

    def _value(self, value: SSAValue) -> SSAValue:
        known = self.known.get(value, value)
        assert isinstance(known, SSAValue)
        return known

    def _values(self) -> dict[SSAValue, SSAValue]:
        return {key: value for key, value in self.known.items() if isinstance(value, SSAValue)}

    def _address(self, op: LocalAddressOp) -> SSAValue:
        slot, row = self._indices(op.slot_and_row, op)
        assert isinstance(slot, int)
        assert isinstance(row, int)
        accumulate = op.accumulate is not None and bool(self._integer(op.accumulate, op))
        buffer = self._value(op.buffer)
        key = (buffer, slot, row, accumulate, op.full is not None)
        if key not in self.addresses:
            flag = self._true() if accumulate else None
            address = LocalAddressOp(buffer, slot, row, flag, full=op.full is not None)
            self.setup.add_op(address)
            self.addresses[key] = address.address
        return self.addresses[key]

    def _true(self) -> SSAValue:
        if self.true is None:
            constant = arith.ConstantOp(BoolAttr.from_bool(True))
            self.setup.add_op(constant)
            self.true = constant.result
        return self.true

    def _instruction(self, op: Operation) -> Operation:
        def value(operand: SSAValue | None) -> SSAValue | None:
            return None if operand is None else self._value(operand)

        def sizes(values: Sequence[Index]) -> list[Index]:
            return self._indices(values, op)

        match op:
            case ConfigExOp() | ConfigLdOp() | ConfigStOp():
                return op.clone()
            case MvoutOp():
                return MvoutOp(
                    self._value(op.source),
                    self._value(op.destination),
                    sizes(op.mixed_offsets),
                    sizes(op.mixed_sizes),
                )
            case PreloadOp():
                return PreloadOp(
                    value(op.stationary),
                    sizes(op.mixed_stationary_sizes),
                    value(op.destination),
                    sizes(op.mixed_destination_sizes),
                )
            case ComputePreloadedOp() | ComputeAccumulatedOp():
                return type(op)(
                    self._value(op.a),
                    sizes(op.mixed_a_sizes),
                    value(op.bd),
                    sizes(op.mixed_bd_sizes),
                )
            case _ if isinstance(op, MVIN_OPS):
                return type(op)(
                    value(op.source),
                    sizes(op.mixed_offsets),
                    self._value(op.destination),
                    sizes(op.mixed_sizes),
                )
        raise PassFailedException(f"{location(op)}: '{op.name}' cannot be unrolled")
