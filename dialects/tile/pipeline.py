"""Loops whose iterations overlap."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import (
    I64,
    IndexType,
    IntegerAttr,
    i64,
)
from xdsl.ir import Block, Region
from xdsl.irdl import (
    IRDLOperation,
    irdl_op_definition,
    prop_def,
    region_def,
    traits_def,
)
from xdsl.traits import NoTerminator, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException


@irdl_op_definition
class PipelineOp(IRDLOperation):
    """A loop whose iterations overlap: iteration t+1 is prefetched while t is computed.

    Executing it means: prefetch(0); then for t in 0..trip_count: prefetch(t+1) if there is
    one, compute(t), store(t). The regions may be interleaved in any way that keeps the order of
    conflicting accesses.
    """

    name = "gemmini.pipeline"

    trip_count = prop_def(IntegerAttr[I64])
    prefetch = region_def("single_block")
    compute = region_def("single_block")
    store = region_def("single_block")

    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())
    assembly_format: ClassVar[str] = (
        "$trip_count `prefetch` $prefetch `compute` $compute `store` $store attr-dict"
    )

    def __init__(self, trip_count: int, prefetch: Region, compute: Region, store: Region):
        super().__init__(
            properties={"trip_count": IntegerAttr(trip_count, i64)},
            regions=[prefetch, compute, store],
        )

    @staticmethod
    def empty(trip_count: int) -> PipelineOp:
        """A pipeline whose three regions hold no operations yet."""
        regions = [Region(Block(arg_types=[IndexType()])) for _ in range(3)]
        return PipelineOp(trip_count, *regions)

    def verify_(self) -> None:
        """Check the trip count and that each region takes the iteration number."""
        if self.trip_count.value.data < 1:
            raise VerifyException(
                f"trip_count must be at least 1, got {self.trip_count.value.data}"
            )
        for region in self.regions:
            if [arg.type for arg in region.block.args] != [IndexType()]:
                raise VerifyException("each region takes one argument, the iteration, of index")
