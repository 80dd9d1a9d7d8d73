"""The LOOP_WS state machine (ISA section 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    I32,
    DenseArrayBase,
    IndexType,
    IntegerAttr,
    MemRefType,
    UnitAttr,
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
    opt_operand_def,
    opt_prop_def,
    prop_def,
    traits_def,
    var_operand_def,
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects import mixed
from gemmini_xdsl.dialects.attributes import (
    Activation,
    ActivationAttr,
    Dataflow,
)
from gemmini_xdsl.dialects.bounds import constant_value, upper_bound
from gemmini_xdsl.dialects.checks import require, require_field, require_full_width, require_loop_ws
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.effects import (
    ALL_RESOURCES,
    FixedEffects,
)
from gemmini_xdsl.dialects.transposes import illegal_transposes

LOOP_SIZE_BITS = 16


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
        require_loop_ws(config)
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
            require(mixed.problem(dynamic, static, rank, f"{label} offsets"))
        require(
            mixed.problem(self.tiles, self.static_tiles, 3, "tiles")
            or mixed.problem(self.pads, self.static_pads, 3, "pads")
        )
        if len(self.strides.get_values()) != 4 or min(self.strides.get_values()) < 0:
            raise VerifyException("strides must be four element counts, of A, B, D and C")
        for pad in self.mixed_pads:
            bound = upper_bound(pad)
            if bound is not None and bound >= config.dim:
                raise VerifyException(f"pads must be 0 to {config.dim - 1}, got {bound}")
        require_field("a_spad_id", self.a_spad_id.value.data, 0, 2)
        require_field("b_spad_id", self.b_spad_id.value.data, 0, 2)
        require(
            illegal_transposes(
                config, Dataflow.WS, self.transpose_a is not None, self.transpose_b is not None
            )
        )
        if self.d is not None and self.ex_accumulate is None:
            raise VerifyException("a loop that loads D must set ex_accumulate")
        if self.full_c is not None:
            require_full_width(config)
        self._verify_tiles()

    def _verify_tiles(self) -> None:
        config = module_config(self)
        sizes = [constant_value(size) for size in self.mixed_tiles]
        for label, size in zip("IJK", sizes, strict=True):
            if size is not None:
                require_field(label, size, 1, (1 << LOOP_SIZE_BITS) - 1)
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
