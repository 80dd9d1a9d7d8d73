"""A whole tile by the LOOP_WS state machine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from xdsl.dialects.builtin import (
    DenseArrayBase,
    Float32Type,
    FloatAttr,
    IndexType,
    MemRefType,
    UnitAttr,
    f32,
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
)
from gemmini_xdsl.dialects.checks import require, require_full_width, require_loop_ws
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.effects import (
    ALL_RESOURCES,
    FixedEffects,
)
from gemmini_xdsl.dialects.matmul import row_stride
from gemmini_xdsl.dialects.transposes import illegal_transposes


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
        require_loop_ws(config)
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
            require(mixed.problem(dynamic, static, rank, label))
        require(mixed.problem(self.sizes, self.static_sizes, 3, "sizes"))
        self._verify_types()
        if self.bias is not None and self.accumulate is not None:
            raise VerifyException("a loop starts from a bias or from the accumulator, not both")
        transposed = (self.transpose_a is not None, self.transpose_b is not None)
        require(illegal_transposes(config, Dataflow.WS, *transposed))
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
            if element == ACC_TYPE:
                require_full_width(config)
