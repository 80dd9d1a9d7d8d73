"""Materialising linear forms as loop-carried values that are incremented, not recomputed."""

from __future__ import annotations

from typing import TypeAlias

from xdsl.builder import Builder
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import IndexType, IntegerAttr, i64
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint, Rewriter

from gemmini_xdsl.dialects import rocc
from gemmini_xdsl.dialects.bounds import constant_value
from gemmini_xdsl.dialects.isa import ISA_OPS
from gemmini_xdsl.passes.linear_form import MODULUS, LinearForm

_Terms: TypeAlias = tuple[tuple[SSAValue, int], ...]

IMMEDIATE_RANGE = 1 << 11
"""What one addition of RISC-V reaches: 12 bits with a sign."""

MAX_ANCHORS, MAX_CONSTANT_ANCHORS = 2, 14
"""Values kept in registers for pointers (each) and for packed constants (all together)."""

LONG_BODY = 32
"""Commands of a loop's body from which on it is treated as straight-line code."""


class StrengthReducer:
    """Turns linear forms into i64 values where they are needed.

    What does not change in a loop is computed before it; what changes by a constant in each
    iteration becomes an argument that the loop carries. Equal forms share one value. After all
    forms are materialised, `finish` rebuilds the loops with their new arguments. In a body of many
    commands operands are counted from a few anchors instead, as they are outside of loops.
    """

    def __init__(self) -> None:
        self._hoisted: dict[tuple[scf.ForOp, LinearForm], SSAValue] = {}
        self._carried: dict[tuple[scf.ForOp, LinearForm, int], SSAValue] = {}
        self._arguments: dict[scf.ForOp, list[tuple[SSAValue, int]]] = {}
        self._long: dict[scf.ForOp, bool] = {}
        self._anchors: dict[tuple[Block | None, _Terms], list[tuple[int, SSAValue]]] = {}
        self._distances: dict[tuple[Block | None, int], SSAValue] = {}

    def materialize(self, form: LinearForm, before: Operation) -> SSAValue:
        """An i64 value of `form` that is available at `before`."""
        loop = _enclosing_loop(before)
        if loop is None:
            return self._anchored(form, before)
        if self._is_long(loop) and before.parent is loop.body.block:
            return self._anchored(self._moving(form, loop), before)
        outside, inner = _split(form, loop)
        if not inner:
            return self._invariant_or_carried(outside, loop)
        if not outside.terms:
            return _emit(form, before)
        base = self._invariant_or_carried(outside, loop)
        return _emit(LinearForm(0, ((base, 1), *inner)), before)

    def _is_long(self, loop: scf.ForOp) -> bool:
        """Whether the loop's body has more commands than registers could hold operands for."""
        if loop not in self._long:
            commands = sum(isinstance(op, ISA_OPS) for op in loop.body.block.ops)
            self._long[loop] = commands > LONG_BODY
        return self._long[loop]

    def _moving(self, form: LinearForm, loop: scf.ForOp) -> LinearForm:
        """`form` with one carried value for what does not change, or changes evenly, in `loop`.

        Its constant stays apart, so that it can be counted from an anchor.
        """
        outside, inner = _split(form, loop)
        if not outside.terms:
            return form
        base = self._invariant_or_carried(LinearForm(0, outside.terms), loop)
        return LinearForm(form.constant, ((base, 1), *inner))

    def _invariant_or_carried(self, form: LinearForm, loop: scf.ForOp) -> SSAValue:
        induction = loop.body.block.args[0]
        coefficient = form.coefficient(induction)
        if coefficient == 0:
            key = (loop, form)
            if key not in self._hoisted:
                self._hoisted[key] = self.materialize(form, loop)
            return self._hoisted[key]
        step = constant_value(loop.step)
        assert step is not None
        start = form.without({induction}) + LinearForm.of(loop.lb) * coefficient
        increment = coefficient * step % MODULUS
        carried_key = (loop, start, increment)
        if carried_key not in self._carried:
            initial = self.materialize(start, loop)
            block = loop.body.block
            argument = block.insert_arg(i64, len(block.args))
            self._arguments.setdefault(loop, []).append((initial, increment))
            self._carried[carried_key] = argument
        return self._carried[carried_key]

    def _anchored(self, form: LinearForm, before: Operation) -> SSAValue:
        """A value close to an earlier one of the same block is counted from that."""
        anchors = self._anchors.setdefault((before.parent, form.terms), [])
        for position, (constant, anchor) in enumerate(anchors):
            distance = _signed((form.constant - constant) % MODULUS)
            if distance == 0 or -IMMEDIATE_RANGE <= distance < IMMEDIATE_RANGE:
                anchors.insert(0, anchors.pop(position))
                return self._plus(anchor, distance, before)
        value = None
        if anchors and form.terms:
            distance = _signed((form.constant - anchors[0][0]) % MODULUS)
            value = self._plus(anchors[0][1], distance, before)
        anchor_op = rocc.AnchorOp(value or _emit(form, before))
        anchor = Builder(InsertPoint.before(before)).insert(anchor_op).results[0]
        anchors.insert(0, (form.constant, anchor))
        del anchors[MAX_ANCHORS if form.terms else MAX_CONSTANT_ANCHORS :]
        return anchor

    def _plus(self, value: SSAValue, distance: int, before: Operation) -> SSAValue:
        """`value + distance`; a block has each distance once."""
        if distance == 0:
            return value
        builder = Builder(InsertPoint.before(before))
        key = (before.parent, distance)
        if key not in self._distances:
            constant = builder.insert(arith.ConstantOp(IntegerAttr(distance, i64)))
            self._distances[key] = constant.results[0]
        return builder.insert(arith.AddiOp(value, self._distances[key])).results[0]

    def finish(self) -> None:
        """Give the loops the initial values and increments of their new arguments."""
        for loop, arguments in self._arguments.items():
            block = loop.body.block
            new_arguments = block.args[len(block.args) - len(arguments) :]
            terminator = block.last_op
            assert isinstance(terminator, scf.YieldOp)
            builder = Builder(InsertPoint.before(terminator))
            yielded = list(terminator.operands)
            for argument, (_, increment) in zip(new_arguments, arguments, strict=True):
                constant = builder.insert(arith.ConstantOp(IntegerAttr(_signed(increment), i64)))
                yielded.append(builder.insert(arith.AddiOp(argument, constant)).results[0])
            Rewriter.replace_op(terminator, scf.YieldOp(*yielded))
            initial = [*loop.iter_args, *(value for value, _ in arguments)]
            bounds = (loop.lb, loop.ub, loop.step)
            results = list(loop.results)
            body = loop.detach_region(loop.body)
            new_loop = scf.ForOp(*bounds, initial, body)
            Rewriter.replace_op(loop, new_loop, new_loop.results[: len(results)])


def _split(form: LinearForm, loop: scf.ForOp) -> tuple[LinearForm, _Terms]:
    """What does not change, or changes evenly, in `loop`, and the terms that change otherwise."""
    induction = loop.body.block.args[0]
    even = constant_value(loop.step) is not None
    inside = {
        value
        for value, _ in form.terms
        if _is_inside(value, loop) and not (value is induction and even)
    }
    return form.without(inside), tuple(term for term in form.terms if term[0] in inside)


def _enclosing_loop(op: Operation) -> scf.ForOp | None:
    parent = op.parent_op()
    while parent is not None and not isinstance(parent, scf.ForOp):
        parent = parent.parent_op()
    return parent


def _is_inside(value: SSAValue, loop: scf.ForOp) -> bool:
    """Whether `value` is defined in the body of `loop`."""
    owner = value.owner
    if isinstance(owner, Operation):
        return loop.is_ancestor(owner) and owner is not loop
    parent = owner.parent_op()
    return parent is not None and loop.is_ancestor(parent)


def _signed(value: int) -> int:
    return value - MODULUS if value >= MODULUS // 2 else value


def _emit(form: LinearForm, before: Operation) -> SSAValue:
    """Compute `form` by plain arithmetic before `before`."""
    builder = Builder(InsertPoint.before(before))
    total: SSAValue | None = None
    if form.constant or not form.terms:
        total = builder.insert(arith.ConstantOp(IntegerAttr(_signed(form.constant), i64))).results[
            0
        ]
    for value, coefficient in form.terms:
        term = _as_i64(value, builder)
        if coefficient != 1:
            factor = builder.insert(arith.ConstantOp(IntegerAttr(_signed(coefficient), i64)))
            term = builder.insert(arith.MuliOp(term, factor)).results[0]
        total = term if total is None else builder.insert(arith.AddiOp(total, term)).results[0]
    assert total is not None
    return total


def _as_i64(value: SSAValue, builder: Builder) -> SSAValue:
    if value.type == i64:
        return value
    if isinstance(value.type, IndexType):
        return builder.insert(arith.IndexCastOp(value, i64)).results[0]
    return builder.insert(arith.ExtUIOp(value, i64)).results[0]
