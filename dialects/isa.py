"""Level 3 of the `gemmini` dialect: one operation per instruction (ISA sections 4 to 9).

Addresses in DRAM are a memref with element offsets, local addresses are SSA values that name
buffer, slot and row. Sizes are constants, or values whose bound the verifier can see.
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
    UnitAttr,
    f32,
    i32,
    i64,
)
from xdsl.dialects.utils.dynamic_index_list import DynamicIndexList
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_operand_def,
    opt_prop_def,
    prop_def,
    result_def,
    traits_def,
    var_operand_def,
)
from xdsl.traits import NoMemoryEffect
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects import mixed
from gemmini_xdsl.dialects.attributes import (
    ACC_TYPE,
    INPUT_TYPE,
    Activation,
    ActivationAttr,
    Dataflow,
    DataflowAttr,
    Space,
)
from gemmini_xdsl.dialects.bounds import constant_value, upper_bound
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.effects import (
    ALL_RESOURCES,
    ARRAY_STATE,
    CONFIG_STATE,
    SCRATCHPAD,
    AddressedEffects,
    FixedEffects,
)
from gemmini_xdsl.dialects.local_memory import BufferType, LocalAddressType
from gemmini_xdsl.dialects.transposes import illegal_transposes

STRIDE_BITS = 16
SHIFT_BITS = 5
LOOP_SIZE_BITS = 16


def _require(problem: str | None) -> None:
    if problem is not None:
        raise VerifyException(problem)


def _require_field(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise VerifyException(f"{name} must be {low} to {high}, got {value}")


@irdl_op_definition
class LocalAddressOp(IRDLOperation):
    """A local address: row `row` of a slot of a buffer (ISA section 2).

    `accumulate` (a write then adds to the old contents if it is true) and `full` (a read then
    yields raw sums) belong to accumulator addresses only.
    """

    name = "gemmini.local_address"

    buffer = operand_def(BufferType)
    indices = var_operand_def(IndexType)
    accumulate = opt_operand_def(I1)
    static_indices = prop_def(DenseArrayBase.constr(i64))
    full = opt_prop_def(UnitAttr)
    address = result_def(LocalAddressType)

    traits = traits_def(NoMemoryEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "$buffer `` custom<DynamicIndexList>($indices, $static_indices) "
        "(`accumulate` `(` $accumulate^ `)`)? "
        "attr-dict `:` type($buffer) `->` type($address)"
    )

    def __init__(
        self,
        buffer: SSAValue,
        slot: mixed.Index,
        row: mixed.Index,
        accumulate: SSAValue | None = None,
        full: bool = False,
    ):
        dynamic, static = mixed.split([slot, row])
        assert isinstance(buffer.type, BufferType)
        super().__init__(
            operands=[buffer, dynamic, accumulate],
            properties={"static_indices": static, "full": UnitAttr() if full else None},
            result_types=[LocalAddressType(buffer.type.space)],
        )

    @property
    def slot_and_row(self) -> tuple[mixed.Index, mixed.Index]:
        """The slot, and the row inside it."""
        slot, row = mixed.join(self.indices, self.static_indices)
        return slot, row

    def verify_(self) -> None:
        """Check the space, static slot and row, and which flags apply."""
        buffer, address = self.buffer.type, self.address.type
        assert isinstance(buffer, BufferType)
        assert isinstance(address, LocalAddressType)
        config = module_config(self)
        if address.space != buffer.space:
            raise VerifyException(f"an address in {buffer} lies in the {buffer.space.data.value}")
        _require(mixed.problem(self.indices, self.static_indices, 2, "slot and row"))
        slot, row = self.slot_and_row
        if isinstance(slot, int) and slot >= buffer.slots.data:
            raise VerifyException(f"slot {slot} does not exist: the buffer has {buffer.slots.data}")
        rows = buffer.slot_rows(config.dim)
        if isinstance(row, int) and row >= rows:
            raise VerifyException(f"row {row} is outside the slot, which has {rows} rows")
        if buffer.space.data == Space.SCRATCHPAD and (
            self.accumulate is not None or self.full is not None
        ):
            raise VerifyException("accumulate and full apply to accumulator addresses only")


def _static_row(address: SSAValue) -> tuple[LocalAddressOp, int] | None:
    """The defining operation and the row, if it is static."""
    if not isinstance(address.owner, LocalAddressOp):
        return None
    row = constant_value(address.owner.slot_and_row[1])
    return None if row is None else (address.owner, row)


def _verify_rows_inside(address: SSAValue, rows: mixed.Index, blocks: int, stride: int) -> None:
    """A static address with a static size must not run past its slot."""
    located = _static_row(address)
    count = constant_value(rows)
    if located is None or count is None:
        return
    op, row = located
    buffer = op.buffer.type
    assert isinstance(buffer, BufferType)
    available = buffer.slot_rows(module_config(op).dim)
    end = row + (blocks - 1) * stride + count
    if end > available:
        raise VerifyException(f"rows {row} to {end - 1} leave the slot, which has {available} rows")


def _verify_size(label: str, size: mixed.Index, limit: int) -> None:
    bound = upper_bound(size)
    if bound is None:
        raise VerifyException(
            f"{label} has no visible bound; clamp it by arith.minsi with a constant up to {limit}"
        )
    if bound > limit or (isinstance(size, int) and size < 1):
        raise VerifyException(f"{label} must be 1 to {limit}, got {bound}")


def _space(address: SSAValue) -> Space:
    assert isinstance(address.type, LocalAddressType)
    return address.type.space.data


# -- configuration ---------------------------------------------------------------------------


@irdl_op_definition
class ConfigExOp(IRDLOperation):
    """CONFIG_EX: dataflow, transposes and strides of the array (ISA section 5)."""

    name = "gemmini.config_ex"

    dataflow = prop_def(DataflowAttr)
    activation = prop_def(ActivationAttr, default_value=ActivationAttr(Activation.NONE))
    transpose_a = opt_prop_def(UnitAttr)
    transpose_b = opt_prop_def(UnitAttr)
    a_stride = prop_def(IntegerAttr[I32], default_value=IntegerAttr(1, i32))
    c_stride = prop_def(IntegerAttr[I32], default_value=IntegerAttr(1, i32))
    in_shift = prop_def(IntegerAttr[I32], default_value=IntegerAttr(0, i32))

    traits = traits_def(FixedEffects(writes=(CONFIG_STATE,)))
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format: ClassVar[str] = "attr-dict"

    def __init__(self, dataflow: Dataflow, transpose_a: bool, transpose_b: bool):
        super().__init__(
            properties={
                "dataflow": DataflowAttr(dataflow),
                "transpose_a": UnitAttr() if transpose_a else None,
                "transpose_b": UnitAttr() if transpose_b else None,
            }
        )

    def verify_(self) -> None:
        """Check transposes, dataflow and field widths."""
        config = module_config(self)
        _require(
            illegal_transposes(
                config,
                self.dataflow.data,
                self.transpose_a is not None,
                self.transpose_b is not None,
            )
        )
        _require_field("a_stride", self.a_stride.value.data, 1, config.scratchpad_rows - 1)
        _require_field("c_stride", self.c_stride.value.data, 1, config.scratchpad_rows - 1)
        _require_field("in_shift", self.in_shift.value.data, 0, (1 << SHIFT_BITS) - 1)
        if self.dataflow.data == Dataflow.OS and self.c_stride.value.data != 1:
            raise VerifyException(
                "c_stride must be 1 in the os dataflow: the drain address ignores it"
            )


@irdl_op_definition
class ConfigLdOp(IRDLOperation):
    """CONFIG_LD: stride, scale and layout of the MVINs of one id (ISA section 5).

    `stride` is in bytes (0 repeats one row), `block_stride` in local rows.
    """

    name = "gemmini.config_ld"

    id = prop_def(IntegerAttr[I32])
    stride = prop_def(IntegerAttr[I64])
    block_stride = prop_def(IntegerAttr[I32])
    scale = prop_def(FloatAttr[Float32Type], default_value=FloatAttr(1.0, f32))
    shrink = opt_prop_def(UnitAttr)

    traits = traits_def(FixedEffects(writes=(CONFIG_STATE,)))
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format: ClassVar[str] = "attr-dict"

    def __init__(self, id: int, stride: int, block_stride: int):
        super().__init__(
            properties={
                "id": IntegerAttr(id, i32),
                "stride": IntegerAttr(stride, i64),
                "block_stride": IntegerAttr(block_stride, i32),
            }
        )

    def verify_(self) -> None:
        """Check id, strides and that a scale is available."""
        config = module_config(self)
        _require_field("id", self.id.value.data, 0, 2)
        if self.stride.value.data < 0:
            raise VerifyException(f"stride must not be negative, got {self.stride.value.data}")
        _require_field(
            "block_stride",
            self.block_stride.value.data,
            1,
            min(config.scratchpad_rows, 1 << STRIDE_BITS) - 1,
        )
        if self.scale.value.data != 1.0 and not config.has_mvin_scale:
            raise VerifyException(f"config '{config.name}' cannot scale (has_mvin_scale = false)")


@irdl_op_definition
class ConfigStOp(IRDLOperation):
    """CONFIG_ST: stride, scale and activation of MVOUTs (ISA section 5); stride in bytes."""

    name = "gemmini.config_st"

    stride = prop_def(IntegerAttr[I64])
    scale = prop_def(FloatAttr[Float32Type], default_value=FloatAttr(1.0, f32))
    activation = prop_def(ActivationAttr, default_value=ActivationAttr(Activation.NONE))

    traits = traits_def(FixedEffects(writes=(CONFIG_STATE,)))
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format: ClassVar[str] = "attr-dict"

    def __init__(self, stride: int, scale: FloatAttr[Float32Type], activation: ActivationAttr):
        super().__init__(
            properties={
                "stride": IntegerAttr(stride, i64),
                "scale": scale,
                "activation": activation,
            }
        )

    def verify_(self) -> None:
        """Check that the stride fits its field."""
        _require_field("stride", self.stride.value.data, 0, (1 << 32) - 1)


# -- data movement ---------------------------------------------------------------------------


class _MvinBase(IRDLOperation):
    """MVIN of one configuration id; without a source it writes zeros (ISA section 4)."""

    ID: ClassVar[int]

    source = opt_operand_def(MemRefType)
    offsets = var_operand_def(IndexType)
    destination = operand_def(LocalAddressType)
    sizes = var_operand_def(IndexType)
    static_offsets = prop_def(DenseArrayBase.constr(i64))
    static_sizes = prop_def(DenseArrayBase.constr(i64))

    traits = traits_def(AddressedEffects())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "(`from` $source^ `:` type($source) `at` "
        "custom<DynamicIndexList>($offsets, $static_offsets))? "
        "`to` $destination `size` custom<DynamicIndexList>($sizes, $static_sizes) "
        "attr-dict `:` type($destination)"
    )

    def __init__(
        self,
        source: SSAValue | None,
        offsets: Sequence[mixed.Index],
        destination: SSAValue,
        sizes: Sequence[mixed.Index],
    ):
        dynamic_offsets, static_offsets = mixed.split(offsets)
        dynamic_sizes, static_sizes = mixed.split(sizes)
        super().__init__(
            operands=[source, dynamic_offsets, destination, dynamic_sizes],
            properties={"static_offsets": static_offsets, "static_sizes": static_sizes},
        )

    @property
    def mixed_offsets(self) -> list[mixed.Index]:
        """Element offsets into the source."""
        return mixed.join(self.offsets, self.static_offsets)

    @property
    def mixed_sizes(self) -> list[mixed.Index]:
        """Rows and columns, in elements."""
        return mixed.join(self.sizes, self.static_sizes)

    def verify_(self) -> None:
        """Check the source, and rows and columns against the limits of the destination."""
        config = module_config(self)
        scratchpad = _space(self.destination) == Space.SCRATCHPAD
        rank = 0
        if self.source is not None:
            assert isa(self.source.type, MemRefType)
            rank = self.source.type.get_num_dims()
            if self.source.type.element_type not in (
                (INPUT_TYPE,) if scratchpad else (INPUT_TYPE, ACC_TYPE)
            ):
                raise VerifyException(
                    f"the {_space(self.destination).value} takes "
                    f"{'i8' if scratchpad else 'i8 (shrunk) or i32'} elements, "
                    f"got {self.source.type}"
                )
        _require(mixed.problem(self.offsets, self.static_offsets, rank, "source offsets"))
        _require(mixed.problem(self.sizes, self.static_sizes, 2, "sizes"))
        rows, cols = self.mixed_sizes
        wide = scratchpad or (
            self.source is not None
            and isa(self.source.type, MemRefType)
            and self.source.type.element_type == INPUT_TYPE
        )
        blocks = config.max_block_cols if wide else config.max_block_cols_acc
        _verify_size("rows", rows, config.dim)
        _verify_size("cols", cols, blocks * config.dim)
        _verify_rows_inside(self.destination, rows, 1, config.dim)
        if isinstance(self.destination.owner, LocalAddressOp) and (
            self.destination.owner.full is not None
        ):
            raise VerifyException("full applies to addresses that MVOUT reads")


@irdl_op_definition
class MvinOp(_MvinBase):
    """MVIN: DRAM to local memory with configuration 0."""

    name = "gemmini.mvin"
    ID: ClassVar[int] = 0


@irdl_op_definition
class Mvin2Op(_MvinBase):
    """MVIN2: DRAM to local memory with configuration 1."""

    name = "gemmini.mvin2"
    ID: ClassVar[int] = 1


@irdl_op_definition
class Mvin3Op(_MvinBase):
    """MVIN3: DRAM to local memory with configuration 2."""

    name = "gemmini.mvin3"
    ID: ClassVar[int] = 2


MVIN_OPS: tuple[type[MvinOp] | type[Mvin2Op] | type[Mvin3Op], ...] = (MvinOp, Mvin2Op, Mvin3Op)


@irdl_op_definition
class MvoutOp(IRDLOperation):
    """MVOUT: local memory to DRAM (ISA sections 4 and 7)."""

    name = "gemmini.mvout"

    source = operand_def(LocalAddressType)
    destination = operand_def(MemRefType)
    offsets = var_operand_def(IndexType)
    sizes = var_operand_def(IndexType)
    static_offsets = prop_def(DenseArrayBase.constr(i64))
    static_sizes = prop_def(DenseArrayBase.constr(i64))

    traits = traits_def(AddressedEffects())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "$source `to` $destination `` custom<DynamicIndexList>($offsets, $static_offsets) "
        "`size` custom<DynamicIndexList>($sizes, $static_sizes) "
        "attr-dict `:` type($source) `,` type($destination)"
    )

    def __init__(
        self,
        source: SSAValue,
        destination: SSAValue,
        offsets: Sequence[mixed.Index],
        sizes: Sequence[mixed.Index],
    ):
        dynamic_offsets, static_offsets = mixed.split(offsets)
        dynamic_sizes, static_sizes = mixed.split(sizes)
        super().__init__(
            operands=[source, destination, dynamic_offsets, dynamic_sizes],
            properties={"static_offsets": static_offsets, "static_sizes": static_sizes},
        )

    @property
    def mixed_offsets(self) -> list[mixed.Index]:
        """Element offsets into the destination."""
        return mixed.join(self.offsets, self.static_offsets)

    @property
    def mixed_sizes(self) -> list[mixed.Index]:
        """Rows and columns, in elements."""
        return mixed.join(self.sizes, self.static_sizes)

    def verify_(self) -> None:
        """Check element type against the address, and rows and columns against the limits."""
        config = module_config(self)
        assert isa(self.destination.type, MemRefType)
        _require(
            mixed.problem(
                self.offsets,
                self.static_offsets,
                self.destination.type.get_num_dims(),
                "destination offsets",
            )
        )
        _require(mixed.problem(self.sizes, self.static_sizes, 2, "sizes"))
        full = False
        if isinstance(self.source.owner, LocalAddressOp):
            full = self.source.owner.full is not None
            if self.source.owner.accumulate is not None:
                raise VerifyException("accumulate applies to addresses that are written")
        expected = ACC_TYPE if full else INPUT_TYPE
        if self.destination.type.element_type != expected:
            raise VerifyException(
                f"{'a full' if full else 'this'} address stores {expected} elements, "
                f"got {self.destination.type}"
            )
        if full and not config.acc_read_full_width:
            raise VerifyException(
                f"config '{config.name}' cannot store i32 elements (acc_read_full_width = false)"
            )
        rows, cols = self.mixed_sizes
        _verify_size("rows", rows, config.dim)
        _verify_size("cols", cols, config.dim * (1 if full else config.max_block_cols))
        static_cols = constant_value(cols)
        blocks = 1 if static_cols is None else -(-static_cols // config.dim)
        _verify_rows_inside(self.source, rows, blocks, config.dim)


# -- the array -------------------------------------------------------------------------------


@irdl_op_definition
class PreloadOp(IRDLOperation):
    """PRELOAD: the stationary operand (B in ws, the initial C in os) and where C goes.

    A missing stationary operand keeps the weights (ws, before `compute_accumulated`) or starts
    from zero (os); a missing destination discards the result (ISA section 6).
    """

    name = "gemmini.preload"

    stationary = opt_operand_def(LocalAddressType)
    stationary_sizes = var_operand_def(IndexType)
    destination = opt_operand_def(LocalAddressType)
    destination_sizes = var_operand_def(IndexType)
    static_stationary_sizes = prop_def(DenseArrayBase.constr(i64))
    static_destination_sizes = prop_def(DenseArrayBase.constr(i64))

    traits = traits_def(AddressedEffects())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "($stationary^ `:` type($stationary))? `size` "
        "custom<DynamicIndexList>($stationary_sizes, $static_stationary_sizes) "
        "(`to` $destination^ `:` type($destination))? `size` "
        "custom<DynamicIndexList>($destination_sizes, $static_destination_sizes) attr-dict"
    )

    def __init__(
        self,
        stationary: SSAValue | None,
        stationary_sizes: Sequence[mixed.Index],
        destination: SSAValue | None,
        destination_sizes: Sequence[mixed.Index],
    ):
        dynamic, static = mixed.split(stationary_sizes)
        dynamic_c, static_c = mixed.split(destination_sizes)
        super().__init__(
            operands=[stationary, dynamic, destination, dynamic_c],
            properties={
                "static_stationary_sizes": static,
                "static_destination_sizes": static_c,
            },
        )

    @property
    def mixed_stationary_sizes(self) -> list[mixed.Index]:
        """Rows and columns of the stationary operand, as used in the product."""
        return mixed.join(self.stationary_sizes, self.static_stationary_sizes)

    @property
    def mixed_destination_sizes(self) -> list[mixed.Index]:
        """Rows and columns of C."""
        return mixed.join(self.destination_sizes, self.static_destination_sizes)

    def verify_(self) -> None:
        """Check sizes, memories, and that a COMPUTE follows."""
        config = module_config(self)
        _require(
            mixed.problem(self.stationary_sizes, self.static_stationary_sizes, 2, "sizes")
            or mixed.problem(self.destination_sizes, self.static_destination_sizes, 2, "sizes")
        )
        for sizes in (self.mixed_stationary_sizes, self.mixed_destination_sizes):
            _verify_size("rows", sizes[0], config.dim)
            _verify_size("cols", sizes[1], config.dim)
        if self.stationary is not None and _space(self.stationary) != Space.SCRATCHPAD:
            raise VerifyException(
                "the stationary operand must be in the scratchpad: "
                "reading operands from the accumulator hangs the array"
            )
        if self.destination is not None:
            if _space(self.destination) == Space.SCRATCHPAD and not config.ex_write_to_spad:
                raise VerifyException(
                    f"config '{config.name}' cannot write results to the scratchpad "
                    "(ex_write_to_spad = false)"
                )
            _verify_rows_inside(self.destination, self.mixed_destination_sizes[0], 1, config.dim)
        following = self.next_op
        while following is not None and following.has_trait(NoMemoryEffect):
            following = following.next_op
        if not isinstance(following, _ComputeBase):
            raise VerifyException(
                "a preload must be followed by its compute in the same block: alone it never "
                "completes"
            )


class _ComputeBase(IRDLOperation):
    """COMPUTE: streams the moving operands through the array (ISA section 6)."""

    a = operand_def(LocalAddressType)
    a_sizes = var_operand_def(IndexType)
    bd = opt_operand_def(LocalAddressType)
    bd_sizes = var_operand_def(IndexType)
    static_a_sizes = prop_def(DenseArrayBase.constr(i64))
    static_bd_sizes = prop_def(DenseArrayBase.constr(i64))

    traits = traits_def(
        FixedEffects(reads=(SCRATCHPAD, CONFIG_STATE, ARRAY_STATE), writes=(ARRAY_STATE,))
    )
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "$a `size` custom<DynamicIndexList>($a_sizes, $static_a_sizes) "
        "(`,` $bd^ `:` type($bd))? `size` custom<DynamicIndexList>($bd_sizes, $static_bd_sizes) "
        "attr-dict `:` type($a)"
    )

    def __init__(
        self,
        a: SSAValue,
        a_sizes: Sequence[mixed.Index],
        bd: SSAValue | None,
        bd_sizes: Sequence[mixed.Index],
    ):
        dynamic, static = mixed.split(a_sizes)
        dynamic_bd, static_bd = mixed.split(bd_sizes)
        super().__init__(
            operands=[a, dynamic, bd, dynamic_bd],
            properties={"static_a_sizes": static, "static_bd_sizes": static_bd},
        )

    @property
    def mixed_a_sizes(self) -> list[mixed.Index]:
        """Rows and columns of A, as used in the product."""
        return mixed.join(self.a_sizes, self.static_a_sizes)

    @property
    def mixed_bd_sizes(self) -> list[mixed.Index]:
        """Rows and columns of D (ws) or B (os)."""
        return mixed.join(self.bd_sizes, self.static_bd_sizes)

    def verify_(self) -> None:
        """Check sizes, and that no operand is read from the accumulator."""
        config = module_config(self)
        _require(
            mixed.problem(self.a_sizes, self.static_a_sizes, 2, "sizes")
            or mixed.problem(self.bd_sizes, self.static_bd_sizes, 2, "sizes")
        )
        for sizes in (self.mixed_a_sizes, self.mixed_bd_sizes):
            _verify_size("rows", sizes[0], config.dim)
            _verify_size("cols", sizes[1], config.dim)
        for operand in (self.a, self.bd):
            if operand is not None and _space(operand) != Space.SCRATCHPAD:
                raise VerifyException(
                    "operands must be in the scratchpad: "
                    "reading operands from the accumulator hangs the array"
                )


@irdl_op_definition
class ComputePreloadedOp(_ComputeBase):
    """COMPUTE_PRELOADED: the operand of the preceding PRELOAD becomes the stationary one."""

    name = "gemmini.compute_preloaded"


@irdl_op_definition
class ComputeAccumulatedOp(_ComputeBase):
    """COMPUTE_ACCUMULATED: the stationary operand stays (ws), or accumulation goes on (os)."""

    name = "gemmini.compute_accumulated"


# -- the LOOP_WS state machine ---------------------------------------------------------------


@irdl_op_definition
class LoopWsOp(IRDLOperation):
    """LOOP_WS with its five configuration instructions (ISA section 9).

    `tiles` are I, J, K in blocks of DIM; `pads` the elements that the last block of each lacks.
    A missing A, B or D is not loaded, a missing C not stored. Row strides are in elements and
    must equal those of the CONFIG instructions in force.
    """

    name = "gemmini.loop_ws"

    a = opt_operand_def(MemRefType)
    a_offsets = var_operand_def(IndexType)
    b = opt_operand_def(MemRefType)
    b_offsets = var_operand_def(IndexType)
    d = opt_operand_def(MemRefType)
    d_offsets = var_operand_def(IndexType)
    c = opt_operand_def(MemRefType)
    c_offsets = var_operand_def(IndexType)
    tiles = var_operand_def(IndexType)
    pads = var_operand_def(IndexType)

    static_a_offsets = prop_def(DenseArrayBase.constr(i64))
    static_b_offsets = prop_def(DenseArrayBase.constr(i64))
    static_d_offsets = prop_def(DenseArrayBase.constr(i64))
    static_c_offsets = prop_def(DenseArrayBase.constr(i64))
    static_tiles = prop_def(DenseArrayBase.constr(i64))
    static_pads = prop_def(DenseArrayBase.constr(i64))
    strides = prop_def(DenseArrayBase.constr(i64))
    ex_accumulate = opt_prop_def(UnitAttr)
    full_c = opt_prop_def(UnitAttr)
    low_d = opt_prop_def(UnitAttr)
    transpose_a = opt_prop_def(UnitAttr)
    transpose_b = opt_prop_def(UnitAttr)
    activation = prop_def(ActivationAttr, default_value=ActivationAttr(Activation.NONE))
    a_spad_id = prop_def(IntegerAttr[I32], default_value=IntegerAttr(0, i32))
    b_spad_id = prop_def(IntegerAttr[I32], default_value=IntegerAttr(0, i32))

    traits = traits_def(FixedEffects(reads=ALL_RESOURCES, writes=ALL_RESOURCES))
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())
    custom_directives = (DynamicIndexList,)
    assembly_format: ClassVar[str] = (
        "(`a` $a^ `:` type($a) `at` custom<DynamicIndexList>($a_offsets, $static_a_offsets))? "
        "(`b` $b^ `:` type($b) `at` custom<DynamicIndexList>($b_offsets, $static_b_offsets))? "
        "(`d` $d^ `:` type($d) `at` custom<DynamicIndexList>($d_offsets, $static_d_offsets))? "
        "(`c` $c^ `:` type($c) `at` custom<DynamicIndexList>($c_offsets, $static_c_offsets))? "
        "`tiles` custom<DynamicIndexList>($tiles, $static_tiles) "
        "`pads` custom<DynamicIndexList>($pads, $static_pads) attr-dict"
    )

    def __init__(
        self,
        addresses: Sequence[tuple[SSAValue, Sequence[mixed.Index]] | None],
        tiles: Sequence[mixed.Index],
        pads: Sequence[mixed.Index],
        strides: Sequence[int],
        *,
        ex_accumulate: bool,
        full_c: bool,
        transpose_a: bool,
        transpose_b: bool,
        activation: ActivationAttr,
    ):
        operands: list[SSAValue | Sequence[SSAValue] | None] = []
        properties: dict[str, Attribute | None] = {
            "strides": DenseArrayBase.from_list(i64, strides),
            "ex_accumulate": UnitAttr() if ex_accumulate else None,
            "full_c": UnitAttr() if full_c else None,
            "transpose_a": UnitAttr() if transpose_a else None,
            "transpose_b": UnitAttr() if transpose_b else None,
            "activation": activation,
        }
        for label, pair in zip("abdc", addresses, strict=True):
            dynamic, static = mixed.split(pair[1] if pair is not None else [])
            operands += [None if pair is None else pair[0], dynamic]
            properties[f"static_{label}_offsets"] = static
        for label, values in (("tiles", tiles), ("pads", pads)):
            dynamic, static = mixed.split(values)
            operands.append(dynamic)
            properties[f"static_{label}"] = static
        super().__init__(operands=operands, properties=properties)

    @property
    def mixed_tiles(self) -> list[mixed.Index]:
        """I, J and K, in blocks."""
        return mixed.join(self.tiles, self.static_tiles)

    @property
    def mixed_pads(self) -> list[mixed.Index]:
        """Elements missing in the last block of I, J and K."""
        return mixed.join(self.pads, self.static_pads)

    @property
    def mixed_addresses(self) -> list[tuple[SSAValue, list[mixed.Index]] | None]:
        """Memref and element offsets of A, B, D and C."""
        return [
            None if value is None else (value, mixed.join(dynamic, static))
            for value, dynamic, static in (
                (self.a, self.a_offsets, self.static_a_offsets),
                (self.b, self.b_offsets, self.static_b_offsets),
                (self.d, self.d_offsets, self.static_d_offsets),
                (self.c, self.c_offsets, self.static_c_offsets),
            )
        ]

    def verify_(self) -> None:
        """Check that the FSM exists, the operands, the halves' capacity and the field widths."""
        config = module_config(self)
        if not config.has_loop_ws:
            raise VerifyException(f"config '{config.name}' has no LOOP_WS (has_loop_ws = false)")
        for label, value, dynamic, static in (
            ("a", self.a, self.a_offsets, self.static_a_offsets),
            ("b", self.b, self.b_offsets, self.static_b_offsets),
            ("d", self.d, self.d_offsets, self.static_d_offsets),
            ("c", self.c, self.c_offsets, self.static_c_offsets),
        ):
            rank = 0
            if value is not None:
                assert isa(value.type, MemRefType)
                rank = value.type.get_num_dims()
            _require(mixed.problem(dynamic, static, rank, f"{label} offsets"))
        _require(
            mixed.problem(self.tiles, self.static_tiles, 3, "tiles")
            or mixed.problem(self.pads, self.static_pads, 3, "pads")
        )
        if len(self.strides.get_values()) != 4 or min(self.strides.get_values()) < 0:
            raise VerifyException("strides must be four element counts, of A, B, D and C")
        for pad in self.mixed_pads:
            bound = upper_bound(pad)
            if bound is not None and bound >= config.dim:
                raise VerifyException(f"pads must be 0 to {config.dim - 1}, got {bound}")
        _require_field("a_spad_id", self.a_spad_id.value.data, 0, 2)
        _require_field("b_spad_id", self.b_spad_id.value.data, 0, 2)
        _require(
            illegal_transposes(
                config, Dataflow.WS, self.transpose_a is not None, self.transpose_b is not None
            )
        )
        if self.d is not None and self.ex_accumulate is None:
            raise VerifyException("a loop that loads D must set ex_accumulate")
        if self.full_c is not None and not config.acc_read_full_width:
            raise VerifyException(
                f"config '{config.name}' cannot store i32 elements (acc_read_full_width = false)"
            )
        self._verify_tiles()

    def _verify_tiles(self) -> None:
        config = module_config(self)
        sizes = [constant_value(size) for size in self.mixed_tiles]
        for label, size in zip("IJK", sizes, strict=True):
            if size is not None:
                _require_field(label, size, 1, (1 << LOOP_SIZE_BITS) - 1)
        rows, cols, depth = sizes
        if rows is None or cols is None or depth is None:
            return
        needed, half = (rows + cols) * depth * config.dim, config.scratchpad_rows // 2
        if needed > half:
            raise VerifyException(
                f"A and B need {needed} rows; half the scratchpad has {half} on config "
                f"'{config.name}'"
            )
        needed, half = rows * cols * config.dim, config.accumulator_rows // 2
        if needed > half:
            raise VerifyException(
                f"C needs {needed} rows; half the accumulator has {half} on config '{config.name}'"
            )


# -- synchronisation -------------------------------------------------------------------------


@irdl_op_definition
class FlushOp(IRDLOperation):
    """FLUSH: invalidate the accelerator's TLB (ISA section 8)."""

    name = "gemmini.flush"

    traits = traits_def(FixedEffects(reads=ALL_RESOURCES, writes=ALL_RESOURCES))
    assembly_format: ClassVar[str] = "attr-dict"

    def __init__(self) -> None:
        super().__init__()


@irdl_op_definition
class FenceOp(IRDLOperation):
    """Wait until the accelerator is idle and its stores are visible to the core."""

    name = "gemmini.fence"

    traits = traits_def(FixedEffects(reads=ALL_RESOURCES, writes=ALL_RESOURCES))
    assembly_format: ClassVar[str] = "attr-dict"

    def __init__(self) -> None:
        super().__init__()


ISA_OPS = (
    LocalAddressOp,
    ConfigExOp,
    ConfigLdOp,
    ConfigStOp,
    MvinOp,
    Mvin2Op,
    Mvin3Op,
    MvoutOp,
    PreloadOp,
    ComputePreloadedOp,
    ComputeAccumulatedOp,
    LoopWsOp,
    FlushOp,
    FenceOp,
)
