"""CONFIG_EX, CONFIG_LD and CONFIG_ST (ISA section 5)."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import (
    I32,
    I64,
    Float32Type,
    FloatAttr,
    IntegerAttr,
    UnitAttr,
    f32,
    i32,
    i64,
)
from xdsl.irdl import (
    IRDLOperation,
    ParsePropInAttrDict,
    irdl_op_definition,
    opt_prop_def,
    prop_def,
    traits_def,
)
from xdsl.utils.exceptions import VerifyException

from gemmini_xdsl.dialects.attributes import (
    Activation,
    ActivationAttr,
    Dataflow,
    DataflowAttr,
)
from gemmini_xdsl.dialects.checks import require, require_field
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.effects import (
    CONFIG_STATE,
    FixedEffects,
)
from gemmini_xdsl.dialects.transposes import illegal_transposes

STRIDE_BITS = 16
SHIFT_BITS = 5


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

    def __init__(
        self, dataflow: Dataflow, transpose_a: bool, transpose_b: bool, *, c_stride: int = 1
    ):
        super().__init__(
            properties={
                "dataflow": DataflowAttr(dataflow),
                "c_stride": IntegerAttr(c_stride, i32),
                "transpose_a": UnitAttr() if transpose_a else None,
                "transpose_b": UnitAttr() if transpose_b else None,
            }
        )

    def verify_(self) -> None:
        """Check transposes, dataflow and field widths."""
        config = module_config(self)
        require(
            illegal_transposes(
                config,
                self.dataflow.data,
                self.transpose_a is not None,
                self.transpose_b is not None,
            )
        )
        require_field("a_stride", self.a_stride.value.data, 1, config.scratchpad_rows - 1)
        require_field("c_stride", self.c_stride.value.data, 1, config.scratchpad_rows - 1)
        require_field("in_shift", self.in_shift.value.data, 0, (1 << SHIFT_BITS) - 1)
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
        require_field("id", self.id.value.data, 0, 2)
        if self.stride.value.data < 0:
            raise VerifyException(f"stride must not be negative, got {self.stride.value.data}")
        require_field(
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
        require_field("stride", self.stride.value.data, 0, (1 << 32) - 1)
