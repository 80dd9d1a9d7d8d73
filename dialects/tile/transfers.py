"""Loads and stores of tiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    I32,
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
from xdsl.ir import SSAValue
from xdsl.irdl import (
    AttrSizedOperandSegments,
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    operand_def,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
)
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
from gemmini_xdsl.dialects.checks import article, require, require_full_width
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.effects import LocalTransfer, LocalTransposition
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.matmul import row_stride
from gemmini_xdsl.dialects.transposes import illegal_transposes

MVIN_IDS = 3


@irdl_op_definition
class LoadOp(IRDLOperation):
    """Copy a sub-matrix from DRAM into one slot of a buffer.

    `gemmini.load %A[%m, %k] to %a[%slot] size [64, 200]`. A source of rank 1 is a row that is
    repeated `size[0]` times (a bias). `id` is the MVIN configuration set, `max_cols` the most
    columns that one MVIN moves (absent: what the hardware allows). With `accumulate` the elements
    are added to what the slot of an accumulator buffer holds.
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
    accumulate = opt_prop_def(UnitAttr)

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
        *,
        accumulate: bool = False,
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
                "accumulate": UnitAttr() if accumulate else None,
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
        verify_transfer(
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
                f"{article(buffer.space.data)} buffer is loaded from {expected} elements, "
                f"got {source}"
            )
        if self.accumulate is not None and buffer.space.data == Space.SCRATCHPAD:
            raise VerifyException("accumulate applies to accumulator buffers only")
        if not 0 <= self.id.value.data < MVIN_IDS:
            raise VerifyException(f"id must be 0, 1 or 2, got {self.id.value.data}")
        blocks = (
            config.max_block_cols
            if buffer.space.data == Space.SCRATCHPAD
            else config.max_block_cols_acc
        )
        verify_max_cols(self.max_cols, config.dim, blocks * config.dim, config.name, "MVIN")


@irdl_op_definition
class StoreOp(IRDLOperation):
    """Copy one slot of an accumulator buffer to a sub-matrix in DRAM.

    `gemmini.store %c[%slot] to %C[%m, %n] size [64, 48]`. An i8 destination receives scaled
    elements, `clamp(rne(f32(activation(x)) * scale))` (ISA section 7), an i32 one the raw sums.
    With `last_row` the tile is a single row, which is the last one of each block.
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
    last_row = opt_prop_def(UnitAttr)

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
        *,
        last_row: bool = False,
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
                "last_row": UnitAttr() if last_row else None,
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
        verify_transfer(
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
            require_full_width(config)
            if self.scale.value.data != 1.0 or self.activation.data != Activation.NONE:
                raise VerifyException("an i32 destination takes neither scale nor activation")
        elif destination.element_type != INPUT_TYPE:
            raise VerifyException(f"the destination must have i8 or i32 elements: {destination}")
        elif not config.acc_read_small_width:
            raise VerifyException(
                f"config '{config.name}' cannot store i8 elements (acc_read_small_width = false)"
            )
        verify_max_cols(self.max_cols, config.dim, blocks * config.dim, config.name, "MVOUT")
        if self.last_row is not None and self.mixed_sizes[0] != 1:
            raise VerifyException("last_row: the tile is a single row of each block")


@irdl_op_definition
class LoadTransposedOp(IRDLOperation):
    """Copy a matrix from DRAM into a buffer, transposed by the array.

    `gemmini.load_transposed %A to %at by %identity through %staging`: groups of blocks, of `cols`
    columns, are loaded into the slots of `staging` by turns, as many into each as it holds; the
    product of each block, transposed, and of the block `factor` goes to `buffer`. `factor` is the
    identity, or the reversed identity, which reverses the order of the columns of each block.
    `dataflow` is the one whose configuration transposes.
    """

    name = "gemmini.load_transposed"

    source = operand_def(MemRefType)
    buffer = operand_def(BufferType)
    factor = operand_def(BufferType)
    staging = operand_def(BufferType)

    cols = prop_def(IntegerAttr[I32])
    id = prop_def(IntegerAttr[I32], default_value=IntegerAttr(0, i32))
    dataflow = prop_def(DataflowAttr, default_value=DataflowAttr(Dataflow.WS))

    traits = traits_def(LocalTransposition())
    irdl_options = (ParsePropInAttrDict(),)
    assembly_format: ClassVar[str] = (
        "$source `to` $buffer `by` $factor `through` $staging "
        "attr-dict `:` type($source) `,` type($buffer) `,` type($factor) `,` type($staging)"
    )

    def __init__(
        self,
        source: SSAValue,
        buffer: SSAValue,
        factor: SSAValue,
        staging: SSAValue,
        cols: int,
        id: int,
        dataflow: Dataflow,
    ):
        super().__init__(
            operands=[source, buffer, factor, staging],
            properties={
                "cols": IntegerAttr(cols, i32),
                "id": IntegerAttr(id, i32),
                "dataflow": DataflowAttr(dataflow),
            },
        )

    def verify_(self) -> None:
        """Check spaces, grids and the source against each other, and what the array can do."""
        source, config = self.source.type, module_config(self)
        assert isa(source, MemRefType)
        buffers = (self.buffer.type, self.factor.type, self.staging.type)
        for label, type_ in zip(("buffer", "factor", "staging"), buffers, strict=True):
            assert isinstance(type_, BufferType)
            if type_.space.data != Space.SCRATCHPAD:
                raise VerifyException(f"{label} must be a scratchpad buffer, got {type_}")
        buffer, factor, staging = buffers
        assert isinstance(buffer, BufferType)
        assert isinstance(factor, BufferType)
        assert isinstance(staging, BufferType)
        if not config.ex_write_to_spad:
            raise VerifyException(
                f"config '{config.name}' cannot write results to the scratchpad "
                "(ex_write_to_spad = false)"
            )
        if source.element_type != INPUT_TYPE or source.get_num_dims() != 2:
            raise VerifyException(f"the source must be a matrix of i8, got {source}")
        row_stride(source)
        square = (config.exact_depth, config.dim)
        if (factor.grid, factor.block) != ((1, 1), square):
            raise VerifyException(
                f"factor must be one block of {square[0]}x{square[1]}, got {factor}"
            )
        rows, cols = (-(-size // config.dim) for size in source.get_shape())
        if config.exact_depth != config.dim or (buffer.grid, buffer.block) != (
            (cols, rows),
            square,
        ):
            raise VerifyException(
                f"buffer must be {cols}x{rows} of {square[0]}x{square[1]} for this source, "
                f"got {buffer}"
            )
        most = config.max_block_cols * config.dim
        verify_max_cols(self.cols, config.dim, most, config.name, "MVIN", "cols")
        group = self.cols.value.data // config.dim
        if cols % group:
            raise VerifyException(
                f"cols: a row of {cols} blocks is no groups of {self.cols.value.data} columns"
            )
        if staging.block != square or staging.grid[0] != 1 or staging.grid[1] % group:
            raise VerifyException(
                f"a slot of staging must be a row of whole groups of {group} blocks of "
                f"{square[0]}x{square[1]}, got {staging}"
            )
        if not 0 <= self.id.value.data < MVIN_IDS:
            raise VerifyException(f"id must be 0, 1 or 2, got {self.id.value.data}")
        transposes = (True, self.dataflow.data == Dataflow.OS)
        require(illegal_transposes(config, self.dataflow.data, *transposes))


def verify_slot(slot: mixed.Index, buffer: BufferType) -> None:
    """A static slot must exist in `buffer`."""
    if isinstance(slot, int) and slot >= buffer.slots.data:
        raise VerifyException(f"slot {slot} does not exist: the buffer has {buffer.slots.data}")


def verify_transfer(
    memref: MemRefType,
    buffer: BufferType,
    offsets_problem: str | None,
    slot_problem: str | None,
    sizes_problem: str | None,
    slot: mixed.Index,
    sizes: Sequence[mixed.Index],
) -> None:
    """A tile of `sizes` of the matrix `memref` must fit the slot of `buffer`."""
    if memref.get_num_dims() not in (1, 2):
        raise VerifyException(f"expected a row or a matrix, got {memref}")
    row_stride(memref)
    for problem in (offsets_problem, slot_problem, sizes_problem):
        require(problem)
    verify_slot(slot, buffer)
    for label, size, limit in zip(("rows", "columns"), sizes, buffer.extent, strict=True):
        if isinstance(size, int) and not 1 <= size <= limit:
            raise VerifyException(f"{label} must be 1 to {limit} for this buffer, got {size}")


def verify_max_cols(
    max_cols: IntegerAttr[I32] | None,
    dim: int,
    limit: int,
    name: str,
    what: str,
    label: str = "max_cols",
) -> None:
    """`max_cols` must be whole blocks, and no more than the instruction `what` moves."""
    if max_cols is None:
        return
    value = max_cols.value.data
    if value % dim or not dim <= value <= limit:
        raise VerifyException(
            f"{label} must be a multiple of {dim} up to {limit} for this {what} on config "
            f"'{name}', got {value}"
        )
