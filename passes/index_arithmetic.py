"""Building index arithmetic and loops, with constants folded as they arise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from xdsl.builder import Builder
from xdsl.dialects import arith, scf
from xdsl.dialects.builtin import BoolAttr, IndexType, IntegerAttr
from xdsl.ir import Block, Operation, SSAValue
from xdsl.rewriter import InsertPoint
from xdsl.traits import is_side_effect_free

from gemmini_xdsl.dialects.bounds import constant_value
from gemmini_xdsl.dialects.mixed import Index


class IndexBuilder:
    """Inserts operations at one point; every index is an integer or an SSA value of type index.

    Operations on integers are folded, so that static shapes leave no arithmetic behind.
    """

    def __init__(self, insertion_point: InsertPoint):
        self._builder = Builder(insertion_point)
        self._constants: dict[int, SSAValue] = {}

    @staticmethod
    def at_end(block: Block) -> IndexBuilder:
        """A builder that appends to `block`."""
        return IndexBuilder(InsertPoint.at_end(block))

    @staticmethod
    def before(op: Operation) -> IndexBuilder:
        """A builder that inserts before `op`."""
        return IndexBuilder(InsertPoint.before(op))

    def insert(self, op: Operation) -> Operation:
        """Insert `op` and return it."""
        return self._builder.insert(op)

    def value(self, index: Index) -> SSAValue:
        """`index` as an SSA value."""
        if not isinstance(index, int):
            return index
        if index not in self._constants:
            constant = arith.ConstantOp(IntegerAttr(index, IndexType()))
            self._constants[index] = self.insert(constant).results[0]
        return self._constants[index]

    def true(self) -> SSAValue:
        """A constant i1."""
        return self.insert(arith.ConstantOp(BoolAttr.from_bool(True))).results[0]

    def add(self, a: Index, b: Index) -> Index:
        """`a + b`."""
        if isinstance(a, int) and isinstance(b, int):
            return a + b
        if a == 0 or b == 0:
            return b if a == 0 else a
        return self._binary(arith.AddiOp, a, b)

    def subtract(self, a: Index, b: Index) -> Index:
        """`a - b`."""
        if isinstance(a, int) and isinstance(b, int):
            return a - b
        return a if b == 0 else self._binary(arith.SubiOp, a, b)

    def multiply(self, a: Index, b: int) -> Index:
        """`a * b`."""
        if isinstance(a, int):
            return a * b
        if b == 0:
            return 0
        return a if b == 1 else self._binary(arith.MuliOp, a, b)

    def divide(self, a: Index, b: int) -> Index:
        """`a / b`, rounded down, of non-negative numbers."""
        if isinstance(a, int):
            return a // b
        return a if b == 1 else self._binary(arith.DivUIOp, a, b)

    def divide_up(self, a: Index, b: int) -> Index:
        """`a / b`, rounded up, of non-negative numbers."""
        return self.divide(self.add(a, b - 1), b)

    def remainder(self, a: Index, b: int) -> Index:
        """`a mod b` of non-negative numbers."""
        if isinstance(a, int):
            return a % b
        if is_power_of_two(b):
            return 0 if b == 1 else self._binary(arith.AndIOp, a, b - 1)
        return self._binary(arith.RemUIOp, a, b)

    def minimum(self, a: Index, b: int) -> Index:
        """The lesser of `a` and `b`."""
        if isinstance(a, int):
            return min(a, b)
        return self._binary(arith.MinSIOp, a, b)

    def block_size(self, total: Index, number: Index, block: int) -> Index:
        """Elements in block `number` of `total` elements, not positive behind the last one."""
        if isinstance(total, int) and total % block == 0:
            return block
        return self.minimum(self.subtract(total, self.multiply(number, block)), block)

    def compare(self, predicate: str, a: Index, b: Index) -> SSAValue:
        """The i1 result of comparing `a` with `b` ("eq", "ne", "slt", "sgt", ...)."""
        op = arith.CmpiOp(self.value(a), self.value(b), predicate)
        return self.insert(op).results[0]

    def _binary(
        self,
        kind: type[arith.AddiOp]
        | type[arith.SubiOp]
        | type[arith.MuliOp]
        | type[arith.DivUIOp]
        | type[arith.RemUIOp]
        | type[arith.AndIOp]
        | type[arith.MinSIOp],
        a: Index,
        b: Index,
    ) -> SSAValue:
        return self.insert(kind(self.value(a), self.value(b))).results[0]

    @contextmanager
    def loop(
        self, stop: Index, step: int = 1, start: int = 0
    ) -> Iterator[tuple[IndexBuilder, Index]]:
        """The body of `scf.for` from `start` to `stop`, as a builder, and its induction variable.

        A loop that is seen to run once is not made: the body is built in place.
        """
        if isinstance(stop, int) and stop - start <= step:
            assert stop > start, "an empty loop has no body to build"
            yield self, start
            return
        body = Block(arg_types=[IndexType()])
        yield IndexBuilder.at_end(body), body.args[0]
        body.add_op(scf.YieldOp())
        self.insert(scf.ForOp(self.value(start), self.value(stop), self.value(step), [], body))

    @contextmanager
    def range(self, start: Index, stop: Index) -> Iterator[tuple[IndexBuilder, Index]]:
        """The body of `scf.for` from `start` to `stop`, which may be empty, in steps of one."""
        body = Block(arg_types=[IndexType()])
        yield IndexBuilder.at_end(body), body.args[0]
        body.add_op(scf.YieldOp())
        self.insert(scf.ForOp(self.value(start), self.value(stop), self.value(1), [], body))

    @contextmanager
    def guard(self, condition: SSAValue) -> Iterator[IndexBuilder]:
        """The body of `scf.if` on `condition`, as a builder."""
        body = Block()
        yield IndexBuilder.at_end(body)
        body.add_op(scf.YieldOp())
        self.insert(scf.IfOp(condition, [], [body]))


def is_power_of_two(number: int) -> bool:
    """Whether multiplying by `number` is a shift."""
    return number > 0 and not number & (number - 1)


def is_pure(op: Operation) -> bool:
    """Whether `op` only computes its results; knows of `arith.remui` what xDSL does not."""
    return isinstance(op, arith.RemUIOp) or is_side_effect_free(op)


def loop_range(loop: scf.ForOp) -> range | None:
    """The values that `loop` counts through if its bounds and step are constants, else None."""
    start, stop, step = (constant_value(value) for value in (loop.lb, loop.ub, loop.step))
    if start is None or stop is None or step is None or step <= 0:
        return None
    return range(start, stop, step)
