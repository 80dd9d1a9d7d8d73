"""Level 2 of the `gemmini` dialect: tiles of matrices in local buffers.

Sizes are in elements; those that are static are bounded by the buffer's type when the
operation is verified, the others where they are computed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    I1,
    I32,
    I64,
    DenseArrayBase,
    Float32Type,
    FloatAttr,
    IndexType,
    IntegerAttr,
    MemRefType,
    StringAttr,
    UnitAttr,
    f32,
    i32,
    i64,
)
from xdsl.dialects.utils.dynamic_index_list import DynamicIndexList
from xdsl.ir import Attribute, Block, Region, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    region_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import NoTerminator, RecursiveMemoryEffect
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects import mixed
from gemmini_xdsl.dialects.attributes import (
    ACC_TYPE,
    INPUT_TYPE,
    TILE_DIMS,
    Activation,
    ActivationAttr,
    Dataflow,
    DataflowAttr,
    Placement,
    PlacementAttr,
    Space,
)
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.effects import (
    ACCUMULATOR,
    ALL_RESOURCES,
    ARRAY_STATE,
    CONFIG_STATE,
    SCRATCHPAD,
    FixedEffects,
    LocalAllocation,
    LocalTransfer,
)
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.matmul import row_stride
from gemmini_xdsl.dialects.transposes import illegal_transposes

MVIN_IDS = 3


def _require(problem: str | None) -> None:
    if problem is not None:
        raise VerifyException(problem)


@irdl_op_definition
class AllocOp(IRDLOperation):
    """A local buffer; `base` gives the first row of each slot once rows are allocated.

    `placement` says where `gemmini-allocate` may put it.
    """

    name = "gemmini.alloc"

    base = opt_prop_def(DenseArrayBase.constr(i64))
    placement = prop_def(PlacementAttr, default_value=PlacementAttr(Placement.BANKED))
    buffer = result_def(BufferType)

    traits = traits_def(LocalAllocation())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format: ClassVar[str] = "attr-dict `:` type($buffer)"

    def __init__(self, type_: BufferType, placement: Placement = Placement.BANKED):
        super().__init__(
            properties={"placement": PlacementAttr(placement)},
            result_types=[type_],
        )

    def verify_(self) -> None:
        """Blocks fit the array; allocated slots lie inside their memory and apart."""
        type_ = self.buffer.type
        assert isinstance(type_, BufferType)
        config = module_config(self)
        if max(type_.block) > config.dim:
            raise VerifyException(
                f"a block holds at most {config.dim}x{config.dim} elements on config "
                f"'{config.name}', got {type_.block[0]}x{type_.block[1]}"
            )
        if self.base is None:
            return
        starts = [int(start) for start in self.base.get_values()]
        if len(starts) != type_.slots.data:
            raise VerifyException(
                f"base must give one row per slot: {type_.slots.data} slots, {len(starts)} rows"
            )
        rows = type_.slot_rows(config.dim)
        capacity = (
            config.scratchpad_rows
            if type_.space.data == Space.SCRATCHPAD
            else config.accumulator_rows
        )
        for start in starts:
            if start < 0 or start + rows > capacity:
                raise VerifyException(
                    f"slot of {rows} rows at row {start} leaves the {type_.space.data.value}, "
                    f"which has {capacity} rows on config '{config.name}'"
                )
        for first, second in zip(sorted(starts), sorted(starts)[1:], strict=False):
            if first + rows > second:
                raise VerifyException(f"slots of {rows} rows at rows {first} and {second} overlap")


@irdl_op_definition
class LoadOp(IRDLOperation):
    """Copy a sub-matrix from DRAM into one slot of a buffer.

    `gemmini.load %A[%m, %k] to %a[%slot] size [64, 200]`. A source of rank 1 is a row that is
    repeated `size[0]` times (a bias). `id` is the MVIN configuration set, `max_cols` the most
    columns that one MVIN moves (absent: what the hardware allows).
    """

    name = "gemmini.load"

    source = operand_def(MemRefType)
    offsets = var_operand_def(IndexType)
    buffer = operand_def(BufferType)
    slot = var_operand_def(IndexType)
    sizes = var_operand_def(IndexType)

    static_offsets = prop_def(DenseArrayBase.constr(i64))
    static_slot = prop_def(DenseArrayBase.constr(i64))
    static_sizes = prop_def(DenseArrayBase.constr(i64))
    id = prop_def(IntegerAttr[I32], default_value=IntegerAttr(0, i32))
    max_cols = opt_prop_def(IntegerAttr[I32])

    traits = traits_def(LocalTransfer())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "$source `` custom<DynamicIndexList>($offsets, $static_offsets) "
        "`to` $buffer `` custom<DynamicIndexList>($slot, $static_slot) "
        "`size` custom<DynamicIndexList>($sizes, $static_sizes) "
        "attr-dict `:` type($source) `,` type($buffer)"
    )

    def __init__(
        self,
        source: SSAValue,
        offsets: Sequence[mixed.Index],
        buffer: SSAValue,
        slot: mixed.Index,
        sizes: Sequence[mixed.Index],
        id: int,
        max_cols: int | None = None,
    ):
        dynamic_offsets, static_offsets = mixed.split(offsets)
        dynamic_slot, static_slot = mixed.split([slot])
        dynamic_sizes, static_sizes = mixed.split(sizes)
        super().__init__(
            operands=[source, dynamic_offsets, buffer, dynamic_slot, dynamic_sizes],
            properties={
                "static_offsets": static_offsets,
                "static_slot": static_slot,
                "static_sizes": static_sizes,
                "id": IntegerAttr(id, i32),
                "max_cols": None if max_cols is None else IntegerAttr(max_cols, i32),
            },
        )

    @property
    def mixed_offsets(self) -> list[mixed.Index]:
        """Element offsets into the source."""
        return mixed.join(self.offsets, self.static_offsets)

    @property
    def mixed_slot(self) -> mixed.Index:
        """Slot that is written."""
        return mixed.join(self.slot, self.static_slot)[0]

    @property
    def mixed_sizes(self) -> list[mixed.Index]:
        """Rows and columns, in elements."""
        return mixed.join(self.sizes, self.static_sizes)

    def verify_(self) -> None:
        """Check ranks, element types, sizes against the buffer, and the MVIN limits."""
        source, buffer = self.source.type, self.buffer.type
        assert isa(source, MemRefType)
        assert isinstance(buffer, BufferType)
        config = module_config(self)
        _verify_transfer(
            source,
            buffer,
            mixed.problem(
                self.offsets, self.static_offsets, source.get_num_dims(), "source offsets"
            ),
            mixed.problem(self.slot, self.static_slot, 1, "slot"),
            mixed.problem(self.sizes, self.static_sizes, 2, "sizes"),
            self.mixed_slot,
            self.mixed_sizes,
        )
        expected = INPUT_TYPE if buffer.space.data == Space.SCRATCHPAD else ACC_TYPE
        if source.element_type != expected:
            raise VerifyException(
                f"a {buffer.space.data.value} buffer is loaded from {expected} elements, "
                f"got {source}"
            )
        if not 0 <= self.id.value.data < MVIN_IDS:
            raise VerifyException(f"id must be 0, 1 or 2, got {self.id.value.data}")
        blocks = (
            config.max_block_cols
            if buffer.space.data == Space.SCRATCHPAD
            else config.max_block_cols_acc
        )
        _verify_max_cols(self.max_cols, config.dim, blocks * config.dim, config.name, "MVIN")


@irdl_op_definition
class StoreOp(IRDLOperation):
    """Copy one slot of an accumulator buffer to a sub-matrix in DRAM.

    `gemmini.store %c[%slot] to %C[%m, %n] size [64, 48]`. An i8 destination receives scaled
    elements, `clamp(rne(f32(activation(x)) * scale))` (ISA section 7), an i32 one the raw sums.
    """

    name = "gemmini.store"

    buffer = operand_def(BufferType)
    slot = var_operand_def(IndexType)
    destination = operand_def(MemRefType)
    offsets = var_operand_def(IndexType)
    sizes = var_operand_def(IndexType)

    static_slot = prop_def(DenseArrayBase.constr(i64))
    static_offsets = prop_def(DenseArrayBase.constr(i64))
    static_sizes = prop_def(DenseArrayBase.constr(i64))
    scale = prop_def(FloatAttr[Float32Type], default_value=FloatAttr(1.0, f32))
    activation = prop_def(ActivationAttr, default_value=ActivationAttr(Activation.NONE))
    max_cols = opt_prop_def(IntegerAttr[I32])

    traits = traits_def(LocalTransfer())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "$buffer `` custom<DynamicIndexList>($slot, $static_slot) "
        "`to` $destination `` custom<DynamicIndexList>($offsets, $static_offsets) "
        "`size` custom<DynamicIndexList>($sizes, $static_sizes) "
        "attr-dict `:` type($buffer) `,` type($destination)"
    )

    def __init__(
        self,
        buffer: SSAValue,
        slot: mixed.Index,
        destination: SSAValue,
        offsets: Sequence[mixed.Index],
        sizes: Sequence[mixed.Index],
        scale: FloatAttr[Float32Type],
        activation: ActivationAttr,
        max_cols: int | None = None,
    ):
        dynamic_offsets, static_offsets = mixed.split(offsets)
        dynamic_slot, static_slot = mixed.split([slot])
        dynamic_sizes, static_sizes = mixed.split(sizes)
        super().__init__(
            operands=[buffer, dynamic_slot, destination, dynamic_offsets, dynamic_sizes],
            properties={
                "static_offsets": static_offsets,
                "static_slot": static_slot,
                "static_sizes": static_sizes,
                "scale": scale,
                "activation": activation,
                "max_cols": None if max_cols is None else IntegerAttr(max_cols, i32),
            },
        )

    @property
    def mixed_offsets(self) -> list[mixed.Index]:
        """Element offsets into the destination."""
        return mixed.join(self.offsets, self.static_offsets)

    @property
    def mixed_slot(self) -> mixed.Index:
        """Slot that is read."""
        return mixed.join(self.slot, self.static_slot)[0]

    @property
    def mixed_sizes(self) -> list[mixed.Index]:
        """Rows and columns, in elements."""
        return mixed.join(self.sizes, self.static_sizes)

    def verify_(self) -> None:
        """Check ranks, element types, sizes against the buffer, and the MVOUT limits."""
        destination, buffer = self.destination.type, self.buffer.type
        assert isa(destination, MemRefType)
        assert isinstance(buffer, BufferType)
        config = module_config(self)
        if buffer.space.data != Space.ACCUMULATOR:
            raise VerifyException("only accumulator buffers are stored")
        if destination.get_num_dims() != 2:
            raise VerifyException(f"the destination must be a matrix, got {destination}")
        _verify_transfer(
            destination,
            buffer,
            mixed.problem(self.offsets, self.static_offsets, 2, "destination offsets"),
            mixed.problem(self.slot, self.static_slot, 1, "slot"),
            mixed.problem(self.sizes, self.static_sizes, 2, "sizes"),
            self.mixed_slot,
            self.mixed_sizes,
        )
        blocks = config.max_block_cols
        if destination.element_type == ACC_TYPE:
            blocks = 1
            if not config.acc_read_full_width:
                raise VerifyException(
                    f"config '{config.name}' cannot store i32 elements "
                    "(acc_read_full_width = false)"
                )
            if self.scale.value.data != 1.0 or self.activation.data != Activation.NONE:
                raise VerifyException("an i32 destination takes neither scale nor activation")
        elif destination.element_type != INPUT_TYPE:
            raise VerifyException(f"the destination must have i8 or i32 elements: {destination}")
        elif not config.acc_read_small_width:
            raise VerifyException(
                f"config '{config.name}' cannot store i8 elements (acc_read_small_width = false)"
            )
        _verify_max_cols(self.max_cols, config.dim, blocks * config.dim, config.name, "MVOUT")


@irdl_op_definition
class TileMatmulOp(IRDLOperation):
    """Multiply two buffers into a third: `c = a * b`, or `c += a * b` if `accumulate` is true.

    `size` is [m, n, k] in elements. `order` is the order of the loops over blocks, outermost
    first. With `transpose_a` (`transpose_b`) the buffer holds A (B) transposed.
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
                raise VerifyException(f"{label} must be a {space.value} buffer, got {type_}")
        _require(mixed.problem(self.sizes, self.static_sizes, 3, "sizes"))
        for slot, static, type_ in (
            (self.a_slot, self.static_a_slot, a),
            (self.b_slot, self.static_b_slot, b),
            (self.c_slot, self.static_c_slot, c),
        ):
            _require(mixed.problem(slot, static, 1, "slot"))
            _verify_slot(mixed.join(slot, static)[0], type_)
        transposed = (self.transpose_a is not None, self.transpose_b is not None)
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
        _require(illegal_transposes(config, self.dataflow.data, *transposed))


@irdl_op_definition
class LoopTileOp(IRDLOperation):
    """A whole tile from DRAM to DRAM by the LOOP_WS state machine (ISA section 9).

    `gemmini.loop_tile %A[%m, %k], %B[%k, %n] bias %D[%m, %n] to %C[%m, %n] size [64, 48, 200]`.
    Without `bias` the sum starts from zero unless `accumulate` is set; without a destination
    (no `to`) it stays in the accumulator for the next loop.
    """

    name = "gemmini.loop_tile"

    a = operand_def(MemRefType)
    a_offsets = var_operand_def(IndexType)
    b = operand_def(MemRefType)
    b_offsets = var_operand_def(IndexType)
    bias = opt_operand_def(MemRefType)
    bias_offsets = var_operand_def(IndexType)
    c = opt_operand_def(MemRefType)
    c_offsets = var_operand_def(IndexType)
    sizes = var_operand_def(IndexType)

    static_a_offsets = prop_def(DenseArrayBase.constr(i64))
    static_b_offsets = prop_def(DenseArrayBase.constr(i64))
    static_bias_offsets = prop_def(DenseArrayBase.constr(i64))
    static_c_offsets = prop_def(DenseArrayBase.constr(i64))
    static_sizes = prop_def(DenseArrayBase.constr(i64))
    accumulate = opt_prop_def(UnitAttr)
    transpose_a = opt_prop_def(UnitAttr)
    transpose_b = opt_prop_def(UnitAttr)
    scale = prop_def(FloatAttr[Float32Type], default_value=FloatAttr(1.0, f32))
    activation = prop_def(ActivationAttr, default_value=ActivationAttr(Activation.NONE))

    traits = traits_def(FixedEffects(reads=ALL_RESOURCES, writes=ALL_RESOURCES))
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "$a `` custom<DynamicIndexList>($a_offsets, $static_a_offsets) `,` "
        "$b `` custom<DynamicIndexList>($b_offsets, $static_b_offsets) "
        "(`bias` $bias^ `:` type($bias) `at` "
        "custom<DynamicIndexList>($bias_offsets, $static_bias_offsets))? "
        "(`to` $c^ `:` type($c) `at` custom<DynamicIndexList>($c_offsets, $static_c_offsets))? "
        "`size` custom<DynamicIndexList>($sizes, $static_sizes) "
        "attr-dict `:` type($a) `,` type($b)"
    )

    def __init__(
        self,
        a: tuple[SSAValue, Sequence[mixed.Index]],
        b: tuple[SSAValue, Sequence[mixed.Index]],
        bias: tuple[SSAValue, Sequence[mixed.Index]] | None,
        c: tuple[SSAValue, Sequence[mixed.Index]] | None,
        sizes: Sequence[mixed.Index],
        *,
        accumulate: bool,
        transpose_a: bool,
        transpose_b: bool,
        scale: FloatAttr[Float32Type],
        activation: ActivationAttr,
    ):
        operands: list[SSAValue | Sequence[SSAValue] | None] = []
        properties: dict[str, Attribute | None] = {
            "accumulate": UnitAttr() if accumulate else None,
            "transpose_a": UnitAttr() if transpose_a else None,
            "transpose_b": UnitAttr() if transpose_b else None,
            "scale": scale,
            "activation": activation,
        }
        for label, pair in (("a", a), ("b", b), ("bias", bias), ("c", c)):
            dynamic, static = mixed.split(pair[1] if pair is not None else [])
            operands += [None if pair is None else pair[0], dynamic]
            properties[f"static_{label}_offsets"] = static
        dynamic_sizes, properties["static_sizes"] = mixed.split(sizes)
        super().__init__(operands=[*operands, dynamic_sizes], properties=properties)

    @property
    def mixed_addresses(self) -> list[tuple[SSAValue, list[mixed.Index]] | None]:
        """Memref and element offsets of A, B, the bias and C."""
        return [
            None if value is None else (value, mixed.join(dynamic, static))
            for value, dynamic, static in (
                (self.a, self.a_offsets, self.static_a_offsets),
                (self.b, self.b_offsets, self.static_b_offsets),
                (self.bias, self.bias_offsets, self.static_bias_offsets),
                (self.c, self.c_offsets, self.static_c_offsets),
            )
        ]

    @property
    def mixed_sizes(self) -> list[mixed.Index]:
        """m, n and k, in elements."""
        return mixed.join(self.sizes, self.static_sizes)

    def verify_(self) -> None:
        """Check ranks, types, static sizes against the FSM's halves, and transposes."""
        config = module_config(self)
        if not config.has_loop_ws:
            raise VerifyException(f"config '{config.name}' has no LOOP_WS (has_loop_ws = false)")
        for value, dynamic, static, label in (
            (self.a, self.a_offsets, self.static_a_offsets, "a offsets"),
            (self.b, self.b_offsets, self.static_b_offsets, "b offsets"),
            (self.bias, self.bias_offsets, self.static_bias_offsets, "bias offsets"),
            (self.c, self.c_offsets, self.static_c_offsets, "c offsets"),
        ):
            rank = 0
            if value is not None:
                assert isa(value.type, MemRefType)
                row_stride(value.type)
                rank = value.type.get_num_dims()
            _require(mixed.problem(dynamic, static, rank, label))
        _require(mixed.problem(self.sizes, self.static_sizes, 3, "sizes"))
        self._verify_types()
        if self.bias is not None and self.accumulate is not None:
            raise VerifyException("a loop starts from a bias or from the accumulator, not both")
        transposed = (self.transpose_a is not None, self.transpose_b is not None)
        _require(illegal_transposes(config, Dataflow.WS, *transposed))
        if all(isinstance(size, int) for size in self.mixed_sizes):
            m, n, k = (-(-int(size) // config.dim) for size in self.static_sizes.get_values())
            half, half_acc = config.scratchpad_rows // 2, config.accumulator_rows // 2
            if (m * k + k * n) * config.dim > half:
                raise VerifyException(
                    f"A and B of {m}x{n}x{k} blocks need {(m * k + k * n) * config.dim} rows; "
                    f"half the scratchpad has {half}"
                )
            if m * n * config.dim > half_acc:
                raise VerifyException(
                    f"C of {m}x{n} blocks needs {m * n * config.dim} rows; "
                    f"half the accumulator has {half_acc}"
                )

    def _verify_types(self) -> None:
        config = module_config(self)
        for label, value in (("a", self.a), ("b", self.b)):
            assert isa(value.type, MemRefType)
            if value.type.element_type != INPUT_TYPE or value.type.get_num_dims() != 2:
                raise VerifyException(f"{label} must be a matrix of i8, got {value.type}")
        if self.bias is not None:
            assert isa(self.bias.type, MemRefType)
            if self.bias.type.element_type != ACC_TYPE:
                raise VerifyException(f"the bias must have i32 elements, got {self.bias.type}")
        if self.c is not None:
            assert isa(self.c.type, MemRefType)
            element = self.c.type.element_type
            if element not in (INPUT_TYPE, ACC_TYPE):
                raise VerifyException(f"c must have i8 or i32 elements, got {self.c.type}")
            if element == ACC_TYPE and not config.acc_read_full_width:
                raise VerifyException(
                    f"config '{config.name}' cannot store i32 elements "
                    "(acc_read_full_width = false)"
                )


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


def _verify_slot(slot: mixed.Index, buffer: BufferType) -> None:
    if isinstance(slot, int) and slot >= buffer.slots.data:
        raise VerifyException(f"slot {slot} does not exist: the buffer has {buffer.slots.data}")


def _verify_transfer(
    memref: MemRefType,
    buffer: BufferType,
    offsets_problem: str | None,
    slot_problem: str | None,
    sizes_problem: str | None,
    slot: mixed.Index,
    sizes: Sequence[mixed.Index],
) -> None:
    if memref.get_num_dims() not in (1, 2):
        raise VerifyException(f"expected a row or a matrix, got {memref}")
    row_stride(memref)
    for problem in (offsets_problem, slot_problem, sizes_problem):
        _require(problem)
    _verify_slot(slot, buffer)
    for label, size, limit in zip(("rows", "columns"), sizes, buffer.extent, strict=True):
        if isinstance(size, int) and not 1 <= size <= limit:
            raise VerifyException(f"{label} must be 1 to {limit} for this buffer, got {size}")


def _verify_max_cols(
    max_cols: IntegerAttr[I32] | None, dim: int, limit: int, name: str, what: str
) -> None:
    if max_cols is None:
        return
    value = max_cols.value.data
    if value % dim or not dim <= value <= limit:
        raise VerifyException(
            f"max_cols must be a multiple of {dim} up to {limit} for this {what} on config "
            f"'{name}', got {value}"
        )


__all__ = [
    "AllocOp",
    "LoadOp",
    "LoopTileOp",
    "PipelineOp",
    "StoreOp",
    "TileMatmulOp",
]
