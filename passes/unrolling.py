"""Executing code as far as it is known when compiling, for the instructions that it issues.

A loop body is executed many times, so that a block is first turned into steps: functions that
find their operands by number instead of by name.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import TypeAlias, TypeVar

from xdsl.dialects import arith, memref, scf
from xdsl.dialects.builtin import IndexType
from xdsl.ir import Block, Operation, SSAValue
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects.bounds import constant_value
from gemmini_xdsl.dialects.isa import LocalAddressOp
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import AllocOp
from gemmini_xdsl.passes.configuration_state import CONFIGS
from gemmini_xdsl.passes.constant_evaluation import function_of
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.instruction_operands import operands_of
from gemmini_xdsl.passes.schedule_rules import MAX_UNROLLED_INSTRUCTIONS
from gemmini_xdsl.passes.straight_line import Instruction, LocalAddress, RunTimeNumber
from gemmini_xdsl.passes.weight_sharing import short_products_first

MAX_EXECUTED = 64 * MAX_UNROLLED_INSTRUCTIONS
"""Operations that may be executed for one region: for each instruction, what finds its operands."""

_Step: TypeAlias = Callable[[], None]
_Number: TypeAlias = int | RunTimeNumber
_T = TypeVar("_T")


@dataclass
class Unrolled:
    """What a block issues, and the buffers, views and addresses for that, in order of first use."""

    setup: list[Operation | LocalAddress] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)


def unroll(block: Block) -> Unrolled:
    """Execute `block`, without changing it; of products that share weights a short last one comes
    first. Raises `PassFailedException` as `execute` does.
    """
    result = execute(block)
    result.instructions = short_products_first(result.instructions)
    return result


def execute(block: Block) -> Unrolled:
    """What `block` does, in order.

    Numbers that come from outside may be added to offsets, and may choose slots. Raises
    `PassFailedException` for a loop or a condition that depends on them, and for code that is too
    long.
    """
    evaluator = _Evaluator()
    evaluator.block(block)()
    return evaluator.result


class _Evaluator:
    """Turns blocks into steps; these keep numbers and local addresses in cells."""

    def __init__(self) -> None:
        self.result = Unrolled()
        self.numbers: list[_Number] = []
        self.addresses: list[LocalAddress | None] = [None]
        self.executed = 0
        self._number_cells: dict[SSAValue | int, int] = {}
        self._address_cells: dict[SSAValue, int] = {}
        self._known: dict[tuple[SSAValue, bool], dict[tuple[_Number, ...], LocalAddress]] = {}
        self._set_up: set[Operation] = set()

    # -- operands -------------------------------------------------------------------------------

    def _new_cell(self, value: SSAValue | int, content: _Number = 0) -> int:
        self.numbers.append(content)
        self._number_cells[value] = len(self.numbers) - 1
        return len(self.numbers) - 1

    def _number(self, value: Index, user: Operation) -> int:
        """The cell of an operand."""
        constant = constant_value(value)
        known: Index = value if constant is None else constant
        if known in self._number_cells:
            return self._number_cells[known]
        if isinstance(known, int):
            return self._new_cell(known, known)
        if not isinstance(known.type, IndexType):
            raise _at_run_time(user)
        return self._new_cell(known, RunTimeNumber(known))

    def _numbers(
        self, values: Sequence[Index], user: Operation
    ) -> Callable[[], tuple[_Number, ...]]:
        return _reader(self.numbers, [self._number(value, user) for value in values])

    def _constants(self, values: Sequence[Index], user: Operation) -> Callable[[], tuple[int, ...]]:
        """The same where a number from outside is of no use."""
        read = self._numbers(values, user)

        def known() -> tuple[int, ...]:
            return tuple(_constant(number, user) for number in read())

        return known

    def _address(self, value: SSAValue | None, user: Operation) -> int:
        """The cell of a local address."""
        if value is None:
            return 0
        if value not in self._address_cells:
            if not isinstance(value.owner, LocalAddressOp):
                raise PassFailedException(
                    f"{location(user)}: a local address must come from gemmini.local_address to "
                    "be unrolled"
                )
            # It stands outside.
            self._address_step(value.owner)()
        return self._address_cells[value]

    # -- steps ----------------------------------------------------------------------------------

    def block(self, block: Block) -> _Step:
        """The steps of all operations."""
        steps: list[_Step] = []
        for op in block.ops:
            try:
                step = self._step(op)
            except PassFailedException as error:
                # It may never be executed.
                step = _raise(error)
            if step is not None:
                steps.append(step)
        first, count = block.first_op, len(block.ops)

        def run() -> None:
            self.executed += count
            if self.executed > MAX_EXECUTED:
                assert first is not None
                raise PassFailedException(
                    f"{location(first)}: unrolling executes more than {MAX_EXECUTED} operations; "
                    "leave the loops, or make them shorter"
                )
            for step in steps:
                step()

        return run

    def _step(self, op: Operation) -> _Step | None:
        match op:
            case scf.YieldOp() | arith.ConstantOp():
                return None
            case scf.ForOp():
                return self._loop(op)
            case scf.IfOp():
                return self._choice(op)
            case LocalAddressOp():
                return self._address_step(op)
            case AllocOp() | memref.SubviewOp() | memref.CastOp():
                return self._set_up_step(op)
            case _ if op.results:
                return self._evaluation(op)
            case _:
                return self._instruction(op)

    def _loop(self, loop: scf.ForOp) -> _Step:
        bounds = self._constants((loop.lb, loop.ub, loop.step), loop)
        if loop.iter_args:
            raise PassFailedException(f"{location(loop)}: a loop that carries values stays a loop")
        numbers, counter = self.numbers, self._new_cell(loop.body.block.args[0])
        body = self.block(loop.body.block)

        def run() -> None:
            first, end, step = bounds()
            if step < 1:
                raise PassFailedException(
                    f"{location(loop)}: a loop needs a step of at least 1 to be unrolled, "
                    f"got {step}"
                )
            for number in range(first, end, step):
                numbers[counter] = number
                body()

        return run

    def _choice(self, branch: scf.IfOp) -> _Step:
        condition = self._constants((branch.cond,), branch)
        taken, otherwise = (
            [self.block(block) for block in region.blocks]
            for region in (branch.true_region, branch.false_region)
        )

        def run() -> None:
            for block in taken if condition()[0] else otherwise:
                block()

        return run

    def _evaluation(self, op: Operation) -> _Step:
        operands, function = self._numbers(op.operands, op), function_of(op)
        numbers, result = self.numbers, self._new_cell(op.results[0])

        def run() -> None:
            try:
                value = None if function is None else function(*operands())
            except TypeError:
                raise _at_run_time(op) from None
            if value is None:
                raise PassFailedException(
                    f"{location(op)}: '{op.name}' cannot be evaluated when the code is unrolled"
                )
            numbers[result] = value

        return run

    def _address_step(self, op: LocalAddressOp) -> _Step:
        """Each address is made once."""
        slot, row = op.slot_and_row
        fields = self._numbers((slot, row, 0 if op.accumulate is None else op.accumulate), op)
        known = self._known.setdefault((op.buffer, op.full is not None), {})
        addresses, cell, setup = self.addresses, len(self.addresses), self.result.setup
        addresses.append(None)
        self._address_cells[op.address] = cell

        def run() -> None:
            key = fields()
            address = known.get(key)
            if address is None:
                slot, *others = key
                row, accumulate = (_constant(number, op) for number in others)
                address = LocalAddress(op, op.buffer, slot, row, bool(accumulate))
                known[key] = address
                setup.append(address)
            addresses[cell] = address

        return run

    def _set_up_step(self, op: Operation) -> _Step:
        """Buffers and views, which do not depend on numbers, are needed once."""
        if len(op.operands) > 1:
            raise PassFailedException(
                f"{location(op)}: '{op.name}' with operands besides the matrix cannot be unrolled"
            )

        def run() -> None:
            if op not in self._set_up:
                self._set_up.add(op)
                self.result.setup.append(op)

        return run

    def _instruction(self, op: Operation) -> _Step:
        issue = self.result.instructions.append
        if isinstance(op, CONFIGS):
            return lambda: issue(Instruction(op))
        operands = operands_of(op)
        if operands is None:
            raise PassFailedException(f"{location(op)}: '{op.name}' cannot be unrolled")
        matrix = operands.matrix
        offsets, sizes = self._numbers(operands.offsets, op), self._constants(operands.sizes, op)
        cells = [self._address(address, op) for address in operands.addresses]
        addresses = _reader(self.addresses, cells)
        return lambda: issue(Instruction(op, matrix, offsets(), addresses(), sizes()))


def _at_run_time(user: Operation) -> PassFailedException:
    return PassFailedException(
        f"{location(user)}: '{user.name}' depends on a value that is known at run time "
        "only, so it cannot be unrolled"
    )


def _constant(number: _Number, user: Operation) -> int:
    if not isinstance(number, int):
        raise _at_run_time(user)
    return number


def _reader(cells: list[_T], numbers: Sequence[int]) -> Callable[[], tuple[_T, ...]]:
    """A function for what some cells hold."""
    if len(numbers) < 2:
        return lambda: tuple(cells[number] for number in numbers)
    get = itemgetter(*numbers)
    return lambda: get(cells)


def _raise(error: Exception) -> _Step:
    def run() -> None:
        raise error

    return run
