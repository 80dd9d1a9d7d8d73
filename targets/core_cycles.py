"""About how long an in-order core takes to compute what a function's commands need.

Estimates for Rocket: least squares over 70 kernels in loops on the emulated hart, whose core cycles
they predict within a third at most. Compilers may do better or worse with a single operation.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from xdsl.dialects import arith, func, scf
from xdsl.ir import Operation

from gemmini_xdsl.dialects.bounds import constant_value
from gemmini_xdsl.dialects.rocc import AnchorOp, CommandOp, FenceOp
from gemmini_xdsl.passes.index_arithmetic import is_power_of_two

_MULTIPLY, _DIVIDE = 8, 34
"""By numbers that only the running program knows: latencies of Rocket's multiplier."""

_MULTIPLY_BY_CONSTANT, _DIVIDE_BY_CONSTANT, _REMAINDER = 6, 20, 12
"""By constants that are no powers of two; a remainder shares the division's product."""

_CYCLES: dict[type[Operation], int] = {
    CommandOp: 2,
    arith.SelectOp: 3,
    scf.ForOp: 2,
    scf.IfOp: 1,
    # A loop counts and goes back to its start.
    scf.YieldOp: 1,
    scf.ReduceOp: 1,
}
_FREE = (
    AnchorOp,
    arith.ConstantOp,
    arith.IndexCastOp,
    arith.ExtUIOp,
    arith.TruncIOp,
    # Compare and branch are one instruction.
    arith.CmpiOp,
)
_DIVISIONS = (
    arith.DivUIOp,
    arith.DivSIOp,
    arith.CeilDivUIOp,
    arith.CeilDivSIOp,
    arith.FloorDivSIOp,
)
_REMAINDERS = (arith.RemUIOp, arith.RemSIOp)


def core_cycles(op: Operation) -> int:
    """Cycles of one operation, without those in its regions; none for what a compiler folds."""
    if isinstance(op, _FREE):
        return 0
    if not op.name.startswith("arith."):
        return _CYCLES.get(type(op), 0)
    constants = [constant_value(operand) for operand in op.operands]
    if None not in constants:
        return 0
    if isinstance(op, (arith.MuliOp, *_DIVISIONS, *_REMAINDERS)):
        return _by_number(op, *constants)
    return _CYCLES.get(type(op), 1)


def with_core_cycles(ops: Iterable[Operation]) -> Iterator[tuple[Operation | None, int]]:
    """Operations in order, each with the cycles that have to be told before it.

    That is where the core may have to wait, or goes on elsewhere. What is left comes with None.
    """
    cycles = 0
    for op in ops:
        cycles += core_cycles(op)
        told = cycles if _ends_section(op) else 0
        cycles -= told
        yield op, told
    yield None, cycles


def _ends_section(op: Operation) -> bool:
    return bool(op.regions) or isinstance(op, (CommandOp, FenceOp, func.CallOp))


def _by_number(op: Operation, left: int | None, right: int | None) -> int:
    """A multiplication or division: a shift or a mask if it is by a power of two."""
    constant = left if right is None and isinstance(op, arith.MuliOp) else right
    if constant is None:
        return _MULTIPLY if isinstance(op, arith.MuliOp) else _DIVIDE
    if is_power_of_two(constant):
        return 1
    if isinstance(op, arith.MuliOp):
        return _MULTIPLY_BY_CONSTANT
    return _REMAINDER if isinstance(op, _REMAINDERS) else _DIVIDE_BY_CONSTANT
