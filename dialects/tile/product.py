"""The product of two buffers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    I1,
    DenseArrayBase,
    IndexType,
    StringAttr,
    UnitAttr,
    i64,
)
from xdsl.dialects.utils.dynamic_index_list import DynamicIndexList
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.dialects import mixed
from gemmini_xdsl.dialects.attributes import (
    TILE_DIMS,
    Dataflow,
    DataflowAttr,
    Space,
)
from gemmini_xdsl.dialects.checks import article, require
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.effects import (
    ACCUMULATOR,
    ARRAY_STATE,
    CONFIG_STATE,
    SCRATCHPAD,
    FixedEffects,
)
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.tile.transfers import verify_slot
from gemmini_xdsl.dialects.transposes import illegal_transposes


@irdl_op_definition
class TileMatmulOp(IRDLOperation):
    """Multiply two buffers into a third: `c = a * b`, or `c += a * b` if `accumulate` is true.

    `size` is [m, n, k] in elements. `order` is the order of the loops over blocks, outermost
    first. With `transpose_a` (`transpose_b`) the buffer holds A (B) transposed.

    With `packed_a` A is a single row, whose blocks are columns of squares, one beside the other:
    block t is column DIM - 1 - t % DIM of square t / DIM. Products with the columns before it go
    to other rows of C, of which only the last one of each block is the result. That takes the os
    dataflow, and both operands transposed.
    """

    name = "gemmini.tile_matmul"

    a = operand_def(BufferType)
    a_slot = var_operand_def(IndexType)
    b = operand_def(BufferType)
    b_slot = var_operand_def(IndexType)
    c = operand_def(BufferType)
    c_slot = var_operand_def(IndexType)
    sizes = var_operand_def(IndexType)
    accumulate = opt_operand_def(I1)

    static_a_slot = prop_def(DenseArrayBase.constr(i64))
    static_b_slot = prop_def(DenseArrayBase.constr(i64))
    static_c_slot = prop_def(DenseArrayBase.constr(i64))
    static_sizes = prop_def(DenseArrayBase.constr(i64))
    dataflow = prop_def(DataflowAttr, default_value=DataflowAttr(Dataflow.WS))
    order = prop_def(StringAttr, default_value=StringAttr("knm"))
    transpose_a = opt_prop_def(UnitAttr)
    transpose_b = opt_prop_def(UnitAttr)
    packed_a = opt_prop_def(UnitAttr)

    traits = traits_def(
        FixedEffects(
            reads=(SCRATCHPAD, ACCUMULATOR), writes=(ACCUMULATOR, ARRAY_STATE, CONFIG_STATE)
        )
    )
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "$a `` custom<DynamicIndexList>($a_slot, $static_a_slot) `,` "
        "$b `` custom<DynamicIndexList>($b_slot, $static_b_slot) "
        "`to` $c `` custom<DynamicIndexList>($c_slot, $static_c_slot) "
        "`size` custom<DynamicIndexList>($sizes, $static_sizes) "
        "(`accumulate` `(` $accumulate^ `)`)? "
        "attr-dict `:` type($a) `,` type($b) `,` type($c)"
    )

    def __init__(
        self,
        a: tuple[SSAValue, mixed.Index],
        b: tuple[SSAValue, mixed.Index],
        c: tuple[SSAValue, mixed.Index],
        sizes: Sequence[mixed.Index],
        accumulate: SSAValue | None,
        *,
        dataflow: Dataflow,
        order: str,
        transpose_a: bool,
        transpose_b: bool,
        packed_a: bool = False,
    ):
        slots = [mixed.split([slot]) for _, slot in (a, b, c)]
        dynamic_sizes, static_sizes = mixed.split(sizes)
        super().__init__(
            operands=[
                a[0],
                slots[0][0],
                b[0],
                slots[1][0],
                c[0],
                slots[2][0],
                dynamic_sizes,
                accumulate,
            ],
            properties={
                "static_a_slot": slots[0][1],
                "static_b_slot": slots[1][1],
                "static_c_slot": slots[2][1],
                "static_sizes": static_sizes,
                "dataflow": DataflowAttr(dataflow),
                "order": StringAttr(order),
                "transpose_a": UnitAttr() if transpose_a else None,
                "transpose_b": UnitAttr() if transpose_b else None,
                "packed_a": UnitAttr() if packed_a else None,
            },
        )

    @property
    def slots(self) -> tuple[mixed.Index, mixed.Index, mixed.Index]:
        """Slots of a, b and c."""
        return (
            mixed.join(self.a_slot, self.static_a_slot)[0],
            mixed.join(self.b_slot, self.static_b_slot)[0],
            mixed.join(self.c_slot, self.static_c_slot)[0],
        )

    @property
    def mixed_sizes(self) -> list[mixed.Index]:
        """m, n and k, in elements."""
        return mixed.join(self.sizes, self.static_sizes)

    def verify_(self) -> None:
        """Check spaces, matching grids, sizes, dataflow and transposes."""
        a, b, c = self.a.type, self.b.type, self.c.type
        assert isinstance(a, BufferType)
        assert isinstance(b, BufferType)
        assert isinstance(c, BufferType)
        config = module_config(self)
        for label, type_, space in (
            ("a", a, Space.SCRATCHPAD),
            ("b", b, Space.SCRATCHPAD),
            ("c", c, Space.ACCUMULATOR),
        ):
            if type_.space.data != space:
                raise VerifyException(f"{label} must be {article(space)} buffer, got {type_}")
        require(mixed.problem(self.sizes, self.static_sizes, 3, "sizes"))
        for slot, static, type_ in (
            (self.a_slot, self.static_a_slot, a),
            (self.b_slot, self.static_b_slot, b),
            (self.c_slot, self.static_c_slot, c),
        ):
            require(mixed.problem(slot, static, 1, "slot"))
            verify_slot(mixed.join(slot, static)[0], type_)
        transposed = (self.transpose_a is not None, self.transpose_b is not None)
        if self.packed_a is not None:
            self._verify_packed(a, b, transposed)
            a = BufferType.get((b.grid[1], 1), (b.block[1], c.block[0]), Space.SCRATCHPAD)
        m_k = (a.grid[::-1], a.block[::-1]) if transposed[0] else (a.grid, a.block)
        k_n = (b.grid[::-1], b.block[::-1]) if transposed[1] else (b.grid, b.block)
        for (m, k), (k_b, n), (m_c, n_c), what in (
            (m_k[0], k_n[0], c.grid, "grids"),
            (m_k[1], k_n[1], c.block, "blocks"),
        ):
            if k != k_b or m != m_c or n != n_c:
                raise VerifyException(
                    f"{what} do not match: a is {m}x{k}, b is {k_b}x{n}, c is {m_c}x{n_c}"
                )
        if m_k[1][1] > config.exact_depth:
            raise VerifyException(
                f"k blocks of {m_k[1][1]} can overflow the {config.array_bits}-bit sums of config "
                f"'{config.name}'; at most {config.exact_depth} are exact"
            )
        limits = (c.extent[0], c.extent[1], m_k[0][1] * m_k[1][1])
        for label, size, limit in zip(TILE_DIMS, self.mixed_sizes, limits, strict=True):
            if isinstance(size, int) and not 1 <= size <= limit:
                raise VerifyException(f"{label} must be 1 to {limit} for these buffers, got {size}")
        if sorted(self.order.data) != sorted(TILE_DIMS):
            raise VerifyException(
                f'order must be a permutation of "{TILE_DIMS}", got "{self.order.data}"'
            )
        require(illegal_transposes(config, self.dataflow.data, *transposed))

    def _verify_packed(self, a: BufferType, b: BufferType, transposed: tuple[bool, bool]) -> None:
        config = module_config(self)
        m, _, k = self.mixed_sizes
        if self.dataflow.data != Dataflow.OS or transposed != (True, True):
            raise VerifyException(
                "packed_a needs the os dataflow with transpose_a and transpose_b: only there the "
                "columns of a are rows of the product"
            )
        squares = (1, -(-b.grid[1] // config.dim))
        if (a.grid, a.block) != (squares, (config.exact_depth, config.dim)):
            raise VerifyException(
                f"packed_a: for {b.grid[1]} blocks of k a must be {squares[0]}x{squares[1]} of "
                f"{config.exact_depth}x{config.dim}, got {a}"
            )
        if m != 1 or not isinstance(k, int) or k % config.exact_depth:
            raise VerifyException(f"packed_a: m must be 1 and k a multiple of {config.exact_depth}")
