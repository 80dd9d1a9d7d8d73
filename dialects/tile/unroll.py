"""Code without loops, in an order that is chosen at compile time."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import I64, IntegerAttr, UnitAttr, i64
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

from gemmini_xdsl.dialects.attributes import BUFFER_SLOTS


@irdl_op_definition
class UnrollOp(IRDLOperation):
    """A region that executes once, whose instructions are put in one order at compile time.

    `gemmini-unroll` replaces its loops and conditions by what they execute;
    `gemmini-list-schedule` orders the instructions and puts them in the region's place. Until
    then the region is ordinary code, so that every pass between treats it as such.

    With `software_pipeline` the region holds a `gemmini.pipeline` that `gemmini-interleave` makes
    a `prologue` and a loop over the `kernel`: one such region, whose transfers belong to other
    tiles than its products, so that they can be spread over these. With a `prefetch_distance` the
    last loads of the tile stand in the kernel, too, and as many fewer of the next tile's: a load
    belongs to the kernel's own tile if its slot is the value that the products have for theirs.
    The prologue computes `prologue_tiles`, by default one.
    """

    name = "gemmini.unroll"

    software_pipeline = opt_prop_def(UnitAttr)
    prologue = opt_prop_def(UnitAttr)
    kernel = opt_prop_def(UnitAttr)
    prefetch_distance = opt_prop_def(IntegerAttr[I64])
    prologue_tiles = opt_prop_def(IntegerAttr[I64])
    body = region_def("single_block")

    traits = traits_def(NoTerminator(), RecursiveMemoryEffect())
    assembly_format: ClassVar[str] = (
        "(`software_pipeline` $software_pipeline^)? (`prologue` $prologue^)? (`kernel` $kernel^)? "
        "(`prefetch_distance` $prefetch_distance^)? (`prologue_tiles` $prologue_tiles^)? "
        "$body attr-dict"
    )

    def __init__(
        self,
        body: Region,
        *,
        software_pipeline: bool = False,
        kernel: bool = False,
        prefetch_distance: int = 0,
        prologue_tiles: int = 1,
    ):
        tiles = IntegerAttr(prologue_tiles, i64) if prologue_tiles > 1 else None
        distance = IntegerAttr(prefetch_distance, i64) if prefetch_distance else None
        super().__init__(
            properties={
                "software_pipeline": UnitAttr() if software_pipeline else None,
                "kernel": UnitAttr() if kernel else None,
                "prefetch_distance": distance,
                "prologue_tiles": tiles,
            },
            regions=[body],
        )

    @property
    def distance(self) -> int:
        """How many MVINs ahead of their products the streamed operand is loaded; 0: a tile."""
        return 0 if self.prefetch_distance is None else int(self.prefetch_distance.value.data)

    @property
    def tiles(self) -> int:
        """How many tiles the prologue of a software pipeline computes."""
        return 1 if self.prologue_tiles is None else int(self.prologue_tiles.value.data)

    def verify_(self) -> None:
        """Nothing enters the region by arguments of its block; numbers fit the kind of region."""
        if self.body.block.args:
            raise VerifyException(f"its block takes no arguments, got {len(self.body.block.args)}")
        if self.prefetch_distance is not None and self.distance < 1:
            raise VerifyException(f"prefetch_distance must be at least 1, got {self.distance}")
        if self.prologue_tiles is not None:
            self._verify_prologue_tiles()

    def _verify_prologue_tiles(self) -> None:
        if not 1 <= self.tiles <= BUFFER_SLOTS:
            raise VerifyException(f"prologue_tiles must be 1 to {BUFFER_SLOTS}, got {self.tiles}")
        if self.software_pipeline is None and self.prologue is None:
            raise VerifyException("prologue_tiles are those of a software_pipeline or a prologue")
        if self.prefetch_distance is not None:
            raise VerifyException("prologue_tiles and prefetch_distance exclude each other")

    @staticmethod
    def empty(
        *,
        software_pipeline: bool = False,
        kernel: bool = False,
        prefetch_distance: int = 0,
        prologue_tiles: int = 1,
    ) -> UnrollOp:
        """A region that holds no operations yet."""
        return UnrollOp(
            Region(Block()),
            software_pipeline=software_pipeline,
            kernel=kernel,
            prefetch_distance=prefetch_distance,
            prologue_tiles=prologue_tiles,
        )
