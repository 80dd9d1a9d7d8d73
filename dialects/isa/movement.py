"""MVIN, MVIN2, MVIN3 and MVOUT (ISA sections 4 and 7)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    DenseArrayBase,
    IndexType,
    MemRefType,
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
    Space,
)
from gemmini_xdsl.dialects.bounds import constant_value
from gemmini_xdsl.dialects.checks import require, require_full_width
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.effects import (
    AddressedEffects,
)
from gemmini_xdsl.dialects.isa.local_address import (
    LocalAddressOp,
    space_of,
    verify_rows_inside,
    verify_size,
)
from gemmini_xdsl.dialects.local_memory import LocalAddressType


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
        scratchpad = space_of(self.destination) == Space.SCRATCHPAD
        rank = 0
        if self.source is not None:
            assert isa(self.source.type, MemRefType)
            rank = self.source.type.get_num_dims()
            if self.source.type.element_type not in (
                (INPUT_TYPE,) if scratchpad else (INPUT_TYPE, ACC_TYPE)
            ):
                raise VerifyException(
                    f"the {space_of(self.destination).value} takes "
                    f"{'i8' if scratchpad else 'i8 (shrunk) or i32'} elements, "
                    f"got {self.source.type}"
                )
        require(mixed.problem(self.offsets, self.static_offsets, rank, "source offsets"))
        require(mixed.problem(self.sizes, self.static_sizes, 2, "sizes"))
        rows, cols = self.mixed_sizes
        wide = scratchpad or (
            self.source is not None
            and isa(self.source.type, MemRefType)
            and self.source.type.element_type == INPUT_TYPE
        )
        blocks = config.max_block_cols if wide else config.max_block_cols_acc
        verify_size("rows", rows, config.dim)
        verify_size("cols", cols, blocks * config.dim)
        verify_rows_inside(self.destination, rows, 1, config.dim)
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
        require(
            mixed.problem(
                self.offsets,
                self.static_offsets,
                self.destination.type.get_num_dims(),
                "destination offsets",
            )
        )
        require(mixed.problem(self.sizes, self.static_sizes, 2, "sizes"))
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
        if full:
            require_full_width(config)
        rows, cols = self.mixed_sizes
        verify_size("rows", rows, config.dim)
        verify_size("cols", cols, config.dim * (1 if full else config.max_block_cols))
        static_cols = constant_value(cols)
        blocks = 1 if static_cols is None else -(-static_cols // config.dim)
        verify_rows_inside(self.source, rows, blocks, config.dim)
