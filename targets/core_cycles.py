"""About how long an in-order core takes to compute what a function's commands need.

Estimates for Rocket: least squares over 70 kernels in loops on the emulated hart, whose core cycles
they predict within a third at most. Compilers may do better or worse with a single operation.
"""

from __future__ import annotations

from xdsl.dialects import arith, func, scf
from xdsl.ir import Operation

from gemmini_xdsl.dialects.bounds import constant_value
from gemmini_xdsl.dialects.rocc import AnchorOp, CommandOp, FenceOp

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
    constants = [constant_value(operand) for operand in op.operands]
    if isinstance(op, _FREE) or (op.name.startswith("arith.") and None not in constants):
        return 0
    if isinstance(op, (arith.MuliOp, *_DIVISIONS, *_REMAINDERS)):
        return _by_number(op)
    return _CYCLES.get(type(op), int(op.name.startswith("arith.")))


def ends_section(op: Operation) -> bool:
    """Whether the core may have to wait at `op`, or goes on elsewhere."""
    return bool(op.regions) or isinstance(op, (CommandOp, FenceOp, func.CallOp))


def _by_number(op: Operation) -> int:
    """A multiplication or division: a shift or a mask if it is by a power of two."""
    constant = constant_value(op.operands[1])
    if constant is None and isinstance(op, arith.MuliOp):
        constant = constant_value(op.operands[0])
    if constant is None:
        return _MULTIPLY if isinstance(op, arith.MuliOp) else _DIVIDE
    if constant > 0 and not constant & (constant - 1):
        return 1
    if isinstance(op, arith.MuliOp):
        return _MULTIPLY_BY_CONSTANT
    return _REMAINDER if isinstance(op, _REMAINDERS) else _DIVIDE_BY_CONSTANT
