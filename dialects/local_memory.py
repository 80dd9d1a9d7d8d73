"""Types of the local memories: buffers of blocks, and local addresses."""

from __future__ import annotations

from xdsl.dialects.builtin import IntAttr
from xdsl.ir import Attribute, ParametrizedAttribute, TypeAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.dialects.attributes import Space, SpaceAttr


@irdl_attr_definition
class BufferType(ParametrizedAttribute, TypeAttribute):
    """A grid of blocks in one local memory.

    `!gemmini.buffer<4x13 of 16x16, scratchpad, slots = 2>` has two slots of 4 x 13 blocks.
    The grid mirrors the matrix as it lies in DRAM: block (r, c) of a grid with C columns starts
    at row `(r*C + c) * DIM` of its slot, and holds at most the stated elements (rows x columns,
    each at most DIM). Slots are interchangeable copies, for double buffering.
    """

    name = "gemmini.buffer"

    grid_rows: IntAttr
    grid_cols: IntAttr
    block_rows: IntAttr
    block_cols: IntAttr
    space: SpaceAttr
    slots: IntAttr

    @staticmethod
    def get(
        grid: tuple[int, int], block: tuple[int, int], space: Space, slots: int = 1
    ) -> BufferType:
        """A buffer of `grid` blocks of `block` elements in `space`."""
        return BufferType(
            IntAttr(grid[0]),
            IntAttr(grid[1]),
            IntAttr(block[0]),
            IntAttr(block[1]),
            SpaceAttr(space),
            IntAttr(slots),
        )

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of the grid, in blocks."""
        return self.grid_rows.data, self.grid_cols.data

    @property
    def block(self) -> tuple[int, int]:
        """Rows and columns of a block, in elements."""
        return self.block_rows.data, self.block_cols.data

    @property
    def extent(self) -> tuple[int, int]:
        """Rows and columns of the matrix that a slot holds at most, in elements."""
        return (
            self.grid_rows.data * self.block_rows.data,
            self.grid_cols.data * self.block_cols.data,
        )

    def slot_rows(self, dim: int) -> int:
        """Local memory rows that one slot takes on an array of `dim`."""
        return self.grid_rows.data * self.grid_cols.data * dim

    def verify(self) -> None:
        """Sizes and slot counts are positive."""
        for size in (*self.grid, *self.block, self.slots.data):
            if size < 1:
                raise VerifyException("buffer sizes and slot counts must be at least 1")

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        """Parse `<RxC of rxc, space[, slots = n]>`."""
        with parser.in_angle_brackets():
            grid = _parse_pair(parser)
            parser.parse_keyword("of")
            block = _parse_pair(parser)
            parser.parse_punctuation(",")
            space = SpaceAttr(parser.parse_str_enum(Space))
            slots = 1
            if parser.parse_optional_punctuation(","):
                parser.parse_keyword("slots")
                parser.parse_punctuation("=")
                slots = parser.parse_integer(allow_boolean=False)
        return [*map(IntAttr, grid), *map(IntAttr, block), space, IntAttr(slots)]

    def print_parameters(self, printer: Printer) -> None:
        """Print what `parse_parameters` reads."""
        rows, cols = self.grid
        block_rows, block_cols = self.block
        with printer.in_angle_brackets():
            printer.print_string(
                f"{rows}x{cols} of {block_rows}x{block_cols}, {self.space.data.value}"
            )
            if self.slots.data != 1:
                printer.print_string(f", slots = {self.slots.data}")


def _parse_pair(parser: AttrParser) -> list[int]:
    position = parser.pos
    sizes = parser.parse_dimension_list()
    if len(sizes) != 2 or min(sizes) < 1:
        parser.raise_error("expected two static sizes such as 4x13", position)
    return sizes


@irdl_attr_definition
class LocalAddressType(ParametrizedAttribute, TypeAttribute):
    """An address in one of the local memories (ISA section 2)."""

    name = "gemmini.local_address"

    space: SpaceAttr

    @classmethod
    def parse_parameters(cls, parser: AttrParser) -> list[Attribute]:
        """Parse `<space>`."""
        with parser.in_angle_brackets():
            return [SpaceAttr(parser.parse_str_enum(Space))]

    def print_parameters(self, printer: Printer) -> None:
        """Print what `parse_parameters` reads."""
        with printer.in_angle_brackets():
            printer.print_string(self.space.data.value)
