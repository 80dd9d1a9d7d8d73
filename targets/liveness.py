"""Which operations of a function have to be emitted."""

from __future__ import annotations

from xdsl.dialects import func, memref
from xdsl.ir import Operation

from gemmini_xdsl.passes.index_arithmetic import is_pure

_REMOVABLE = (memref.AllocOp, memref.AllocaOp, memref.LoadOp)


def dead_operations(function: func.FuncOp) -> set[Operation]:
    """Operations for which nothing is emitted: deallocations, and results that nobody needs.

    A C variable for an unneeded result would be an unused-variable warning.
    """
    dead: set[Operation] = set()
    for op in function.walk(reverse=True, region_first=True):
        if isinstance(op, memref.DeallocOp) or (
            op.results
            and not op.regions
            and (isinstance(op, _REMOVABLE) or is_pure(op))
            and all(use.operation in dead for result in op.results for use in result.uses)
        ):
            dead.add(op)
    return dead
