"""A check that xDSL's verifier leaves out: every value is defined before it is used."""

from __future__ import annotations

from xdsl.ir import Block, Operation, SSAValue
from xdsl.traits import IsolatedFromAbove
from xdsl.utils.exceptions import VerifyException


def verify_dominance(module: Operation) -> None:
    """Raise `VerifyException` if an operation uses a value that is not visible to it.

    Visible are results of earlier operations of the same block and what is visible to the
    operations around it, up to one that is isolated from above. In a region of several blocks,
    only uses within a block are checked for their order.
    """
    _check_regions(module, set())


def _check_regions(op: Operation, outside: set[SSAValue]) -> None:
    if op.has_trait(IsolatedFromAbove):
        outside = set()
    for region in op.regions:
        blocks = list(region.blocks)
        inside = set(outside)
        if len(blocks) > 1:
            inside |= {r for block in blocks for o in block.ops for r in o.results}
            inside |= {argument for block in blocks for argument in block.args}
        for block in blocks:
            _check_block(block, set(inside), {r for o in block.ops for r in o.results})


def _check_block(block: Block, visible: set[SSAValue], local: set[SSAValue]) -> None:
    visible -= local
    visible |= set(block.args)
    for op in block.ops:
        for operand in op.operands:
            if operand not in visible:
                name = f"%{operand.name_hint}" if operand.name_hint else "a value"
                raise VerifyException(f"'{op.name}' uses {name} before it is defined")
        if op.regions:
            _check_regions(op, visible)
        visible |= set(op.results)
