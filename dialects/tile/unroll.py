"""Code without loops, in an order that is chosen at compile time."""

from __future__ import annotations

from typing import ClassVar

from xdsl.ir import Block, Region
from xdsl.irdl import IRDLOperation, irdl_op_definition, region_def, traits_def
from xdsl.traits import NoTerminator, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException


@irdl_op_definition
class UnrollOp(IRDLOperation):
    """A region that executes once, whose instructions are put in one order at compile time.

    `gemmini-unroll` replaces its loops and conditions by what they execute;
    `gemmini-list-schedule` orders the instructions and puts them in the region's place. Until
    then the region is ordinary code, so that every pass between treats it as such.
    """

    name = "gemmini.unroll"

    body = region_def("single_block")

    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())
    assembly_format: ClassVar[str] = "$body attr-dict"

    def __init__(self, body: Region):
        super().__init__(regions=[body])

    def verify_(self) -> None:
        """Nothing enters the region by arguments of its block."""
        if self.body.block.args:
            raise VerifyException(f"its block takes no arguments, got {len(self.body.block.args)}")

    @staticmethod
    def empty() -> UnrollOp:
        """A region that holds no operations yet."""
        return UnrollOp(Region(Block()))
