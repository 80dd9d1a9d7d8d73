"""Code without loops, in an order that is chosen at compile time."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import UnitAttr
from xdsl.ir import Block, Region
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    opt_prop_def,
    region_def,
    traits_def,
)
from xdsl.traits import NoTerminator, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException


@irdl_op_definition
class UnrollOp(IRDLOperation):
    """A region that executes once, whose instructions are put in one order at compile time.

    `gemmini-unroll` replaces its loops and conditions by what they execute;
    `gemmini-list-schedule` orders the instructions and puts them in the region's place. Until
    then the region is ordinary code, so that every pass between treats it as such.

    With `software_pipeline` the region holds a `gemmini.pipeline` that `gemmini-interleave` makes
    a loop over the `kernel`: one such region, whose transfers belong to other tiles than its
    products, so that they can be spread over these.
    """

    name = "gemmini.unroll"

    software_pipeline = opt_prop_def(UnitAttr)
    kernel = opt_prop_def(UnitAttr)
    body = region_def("single_block")

    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())
    assembly_format: ClassVar[str] = (
        "(`software_pipeline` $software_pipeline^)? (`kernel` $kernel^)? $body attr-dict"
    )

    def __init__(self, body: Region, *, software_pipeline: bool = False, kernel: bool = False):
        super().__init__(
            properties={
                "software_pipeline": UnitAttr() if software_pipeline else None,
                "kernel": UnitAttr() if kernel else None,
            },
            regions=[body],
        )

    def verify_(self) -> None:
        """Nothing enters the region by arguments of its block."""
        if self.body.block.args:
            raise VerifyException(f"its block takes no arguments, got {len(self.body.block.args)}")

    @staticmethod
    def empty(*, software_pipeline: bool = False, kernel: bool = False) -> UnrollOp:
        """A region that holds no operations yet."""
        return UnrollOp(Region(Block()), software_pipeline=software_pipeline, kernel=kernel)
