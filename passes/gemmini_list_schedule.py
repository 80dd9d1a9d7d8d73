"""`gemmini-list-schedule`: instructions of a `gemmini.unroll` in an order that hides latency."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter

from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.tile import UnrollOp
from gemmini_xdsl.passes.configuration_state import CONFIGS
from gemmini_xdsl.passes.instruction_ordering import order_instructions
from gemmini_xdsl.passes.pipeline_ordering import order_ahead, order_kernel
from gemmini_xdsl.passes.prologue_ordering import order_prologue
from gemmini_xdsl.passes.straight_line import Instruction, read_instructions


@dataclass(frozen=True)
class GemminiListSchedulePass(ModulePass):
    """Order the instructions of each `gemmini.unroll` and put them in its place.

    Instructions that touch the same rows of local memory keep their order, but additions to the
    same sums may change places. The regions' code must be unrolled and its rows allocated. The
    transfers of a `kernel`, which touch other rows than its products, are spread evenly over these,
    or its loads go a `prefetch_distance` ahead of their products. In a `prologue` the products
    follow the rows of the operand that is being loaded.
    """

    name = "gemmini-list-schedule"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Order every region; raises `PassFailedException` for one that is not ready."""
        for region in [inner for inner in op.walk() if isinstance(inner, UnrollOp)]:
            _order(region)


def _order(region: UnrollOp) -> None:
    code = list(read_instructions(region.body.block, run_time=region.kernel is not None))
    addresses = [instruction.addresses for instruction in code]
    ordered = order_region(region, configs_before(region), code)
    for instruction, before in zip(code, addresses, strict=True):
        for old, new in zip(before, instruction.addresses, strict=True):
            if old is not None and new is not None and old is not new:
                place = list(instruction.op.operands).index(old.op.address)
                instruction.op.operands[place] = new.op.address
    _replace(region, ordered)


def configs_before(region: UnrollOp) -> list[Instruction]:
    """The configurations that stand right before the region, in order; none for a kernel.

    They may change places with its instructions. Those before a kernel are outside its loop.
    """
    found: list[Instruction] = []
    previous = region.prev_op if region.kernel is None else None
    while isinstance(previous, CONFIGS):
        found.insert(0, Instruction(previous))
        previous = previous.prev_op
    return found


def order_region(
    region: UnrollOp, before: Sequence[Instruction], code: Sequence[Instruction]
) -> list[Instruction]:
    """Configurations `before` the region and its unrolled code, in their order."""
    config = module_config(region)
    if region.kernel is not None:
        return [*before, *order_kernel(code, config, region.distance)]
    if region.distance:
        return order_ahead(before, code, config, region.distance)
    if region.prologue is not None:
        ordered = order_prologue(before, code, config, region.tiles)
        if ordered is not None:
            return ordered
    return order_instructions(before, code, config)


def _replace(region: UnrollOp, ordered: list[Instruction]) -> None:
    """Put the instructions in the region's place, after what computes their operands."""
    moved = {instruction.op for instruction in ordered}
    setup = [op for op in region.body.block.ops if op not in moved]
    for op in [*setup, *(instruction.op for instruction in ordered)]:
        op.detach()
        Rewriter.insert_op(op, InsertPoint.before(region))
    Rewriter.erase_op(region)
