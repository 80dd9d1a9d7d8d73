"""The commands of a product without loops, straight from its instructions.

An unrolled product is a list of a thousand instructions with constant operands. Turning each into
arithmetic, cleaning that up and executing it would take longer than everything else of a trial.
"""

from __future__ import annotations

from xdsl.dialects import func, memref
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import BlockArgument, OpResult, SSAValue

from gemmini_xdsl.dialects.isa import ISA_OPS, FenceOp, LocalAddressOp
from gemmini_xdsl.passes.convert_gemmini_to_rocc import commands_of
from gemmini_xdsl.passes.linear_form import MODULUS, LinearForm
from gemmini_xdsl.targets.command_stream import (
    Command,
    CommandStream,
    place_arguments,
    select_function,
)


def straight_line_commands(module: ModuleOp) -> CommandStream | None:
    """The commands of a level-3 module's only function; None if it is more than a list of them.

    They are those that `convert-gemmini-to-rocc` and `command_stream` give.
    """
    function = select_function(module, None)
    if any(op.regions for op in function.body.ops) or len(function.body.blocks) > 1:
        return None
    placements = place_arguments(module)
    addresses = dict(zip(function.body.block.args, placements, strict=True))

    def value_of(form: LinearForm) -> int | None:
        total = form.constant
        for value, factor in form.terms:
            pointer = _argument(value)
            if pointer is None:
                return None
            total += factor * addresses[pointer].address
        return total % MODULUS

    items: list[Command | None] = []
    for op in list(function.body.block.ops):
        if isinstance(op, FenceOp):
            items.append(None)
        elif isinstance(op, ISA_OPS) and not isinstance(op, LocalAddressOp):
            for funct, *forms in commands_of(op):
                rs1, rs2 = (value_of(form) for form in forms)
                if rs1 is None or rs2 is None:
                    return None
                items.append(Command(funct, rs1, rs2, funct.mnemonic))
        elif isinstance(op, func.CallOp):
            return None
    return CommandStream(placements, tuple(items))


def _argument(value: SSAValue) -> BlockArgument | None:
    """The function's argument whose address `value` is, if it is one."""
    if not isinstance(value, OpResult):
        return None
    op = value.op
    if not isinstance(op, memref.ExtractAlignedPointerAsIndexOp):
        return None
    return op.source if isinstance(op.source, BlockArgument) else None
