"""Level 1 of the `gemmini` dialect: a whole quantised matrix product on memrefs in DRAM."""

from __future__ import annotations

from typing import ClassVar

from xdsl.dialects.builtin import (
    Float32Type,
    FloatAttr,
    IntegerAttr,
    MemRefType,
    NoneAttr,
    StridedLayoutAttr,
    UnitAttr,
    f32,
    i32,
)
from xdsl.ir import Attribute, Operation, SSAValue
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
)
from xdsl.utils.exceptions import VerifyException
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.attributes import (
    ACC_TYPE,
    INPUT_TYPE,
    Activation,
    ActivationAttr,
    ScheduleAttr,
)
from gemmini_xdsl.dialects.effects import MatmulEffect

INT8_MIN, INT8_MAX = -128, 127


def row_stride(type_: MemRefType) -> int:
    """Elements between the starts of two consecutive rows of a two-dimensional memref.

    Raises `VerifyException` unless the shape is static and rows are contiguous.
    """
    shape = type_.get_shape()
    if any(size < 0 for size in shape):
        raise VerifyException(f"shape must be static, got {type_}")
    match type_.layout:
        case NoneAttr():
            return shape[-1]
        case StridedLayoutAttr():
            strides = type_.layout.get_strides()
            if strides[-1] != 1 and shape[-1] != 1:
                raise VerifyException(f"rows must be contiguous (innermost stride 1), got {type_}")
            if len(strides) == 1:
                return shape[-1]
            if strides[-2] is None:
                raise VerifyException(f"row stride must be static, got {type_}")
            return strides[-2]
        case _:
            raise VerifyException(f"layout must be the identity or strided, got {type_}")


@irdl_op_definition
class MatmulOp(IRDLOperation):
    """`C = requantise(A * B + bias)` on matrices in DRAM.

    With A of M x K (K x M if `transpose_a`) and B of K x N (N x K if `transpose_b`), both int8:

        acc[i, j] = sum_k (A[i, k] - a_zero_point) * (B[k, j] - b_zero_point) + bias

    in int32 arithmetic (wrapping). `bias` is a row vector (memref of N int32), a full matrix
    (memref of M x N int32) or a scalar (i32). With an int32 result `C = acc`, and no other
    property may be set. With an int8 result

        C[i, j] = clamp(rne(f32(act(acc[i, j])) * scale) + c_zero_point, clip_min, clip_max)

    where `act` is the activation (before scaling, as in ISA section 7), and f32() and rne()
    round to nearest, ties to even.
    """

    name = "gemmini.matmul"

    a = operand_def(MemRefType)
    b = operand_def(MemRefType)
    bias = opt_operand_def()
    c = operand_def(MemRefType)

    transpose_a = opt_prop_def(UnitAttr)
    transpose_b = opt_prop_def(UnitAttr)
    scale = prop_def(FloatAttr[Float32Type], default_value=FloatAttr(1.0, f32))
    activation = prop_def(ActivationAttr, default_value=ActivationAttr(Activation.NONE))
    clip_min = prop_def(IntegerAttr, default_value=IntegerAttr(INT8_MIN, i32))
    clip_max = prop_def(IntegerAttr, default_value=IntegerAttr(INT8_MAX, i32))
    a_zero_point = prop_def(IntegerAttr, default_value=IntegerAttr(0, i32))
    b_zero_point = prop_def(IntegerAttr, default_value=IntegerAttr(0, i32))
    c_zero_point = prop_def(IntegerAttr, default_value=IntegerAttr(0, i32))
    schedule = opt_prop_def(ScheduleAttr)

    traits = traits_def(MatmulEffect())
    irdl_options = (AttrSizedOperandSegments(as_property=True), ParsePropInAttrDict())

    assembly_format: ClassVar[str] = (
        "`ins` `(` $a `,` $b `:` type($a) `,` type($b) `)` "
        "(`bias` `(` $bias^ `:` type($bias) `)`)? "
        "`outs` `(` $c `:` type($c) `)` attr-dict"
    )

    def __init__(
        self,
        a: SSAValue | Operation,
        b: SSAValue | Operation,
        c: SSAValue | Operation,
        bias: SSAValue | Operation | None = None,
        *,
        transpose_a: bool = False,
        transpose_b: bool = False,
        scale: float = 1.0,
        activation: Activation = Activation.NONE,
        clip: tuple[int, int] = (INT8_MIN, INT8_MAX),
        zero_points: tuple[int, int, int] = (0, 0, 0),
        schedule: ScheduleAttr | None = None,
    ):
        properties: dict[str, Attribute | None] = {
            "transpose_a": UnitAttr() if transpose_a else None,
            "transpose_b": UnitAttr() if transpose_b else None,
            "scale": FloatAttr(scale, f32),
            "activation": ActivationAttr(activation),
            "clip_min": IntegerAttr(clip[0], i32),
            "clip_max": IntegerAttr(clip[1], i32),
            "a_zero_point": IntegerAttr(zero_points[0], i32),
            "b_zero_point": IntegerAttr(zero_points[1], i32),
            "c_zero_point": IntegerAttr(zero_points[2], i32),
            "schedule": schedule,
        }
        super().__init__(operands=[a, b, bias, c], properties=properties)

    # -- accessors ----------------------------------------------------------------------------

    @property
    def a_type(self) -> MemRefType:
        """Type of A as stored."""
        return _memref(self.a)

    @property
    def b_type(self) -> MemRefType:
        """Type of B as stored."""
        return _memref(self.b)

    @property
    def c_type(self) -> MemRefType:
        """Type of C."""
        return _memref(self.c)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """M, N and K, in elements."""
        m, n = self.c_type.get_shape()
        k = self.a_type.get_shape()[0 if self.transpose_a is not None else 1]
        return m, n, k

    @property
    def zero_points(self) -> tuple[int, int, int]:
        """Zero points of A, B and C."""
        return (
            self.a_zero_point.value.data,
            self.b_zero_point.value.data,
            self.c_zero_point.value.data,
        )

    @property
    def clip(self) -> tuple[int, int]:
        """Least and greatest value of an int8 result."""
        return self.clip_min.value.data, self.clip_max.value.data

    # -- verification -------------------------------------------------------------------------

    def verify_(self) -> None:
        """Check shapes, element types and the ranges of all properties."""
        for label, type_ in (("A", self.a_type), ("B", self.b_type), ("C", self.c_type)):
            if type_.get_num_dims() != 2:
                raise VerifyException(f"{label} must be a matrix, got {type_}")
            row_stride(type_)
            if any(size < 1 for size in type_.get_shape()):
                raise VerifyException(f"{label} must not be empty, got {type_}")
        for label, type_ in (("A", self.a_type), ("B", self.b_type)):
            if type_.element_type != INPUT_TYPE:
                raise VerifyException(f"{label} must have i8 elements, got {type_}")
        self._verify_shapes()
        self._verify_bias()
        self._verify_result()

    def _verify_shapes(self) -> None:
        a, b = self.a_type.get_shape(), self.b_type.get_shape()
        m, k = a[::-1] if self.transpose_a is not None else a
        k_b, n = b[::-1] if self.transpose_b is not None else b
        if k != k_b:
            raise VerifyException(
                f"A and B disagree on K: A has {k}, B has {k_b} (after transposition)"
            )
        if self.c_type.get_shape() != (m, n):
            raise VerifyException(
                f"C must be {m}x{n} for these operands, got "
                f"{'x'.join(str(size) for size in self.c_type.get_shape())}"
            )

    def _verify_bias(self) -> None:
        if self.bias is None or self.bias.type == ACC_TYPE:
            return
        m, n, _ = self.sizes
        if not isa(self.bias.type, MemRefType) or self.bias.type.element_type != ACC_TYPE:
            raise VerifyException(f"bias must be an i32 or a memref of i32, got {self.bias.type}")
        if self.bias.type.get_shape() not in ((n,), (m, n)):
            raise VerifyException(
                f"bias must be a row of {n} or a matrix of {m}x{n}, got {self.bias.type}"
            )
        row_stride(self.bias.type)

    def _verify_result(self) -> None:
        element = self.c_type.element_type
        if element == ACC_TYPE:
            plain = (
                self.scale.value.data == 1.0
                and self.activation.data == Activation.NONE
                and self.clip == (INT8_MIN, INT8_MAX)
                and self.zero_points[2] == 0
            )
            if not plain:
                raise VerifyException(
                    "an i32 result is the raw sum: scale, activation, clip range and "
                    "c_zero_point do not apply"
                )
        elif element != INPUT_TYPE:
            raise VerifyException(f"C must have i8 or i32 elements, got {self.c_type}")
        low, high = self.clip
        if not INT8_MIN <= low <= high <= INT8_MAX:
            raise VerifyException(
                f"clip range must lie in [{INT8_MIN}, {INT8_MAX}], got [{low}, {high}]"
            )
        for label, value in zip("abc", self.zero_points, strict=True):
            if not INT8_MIN <= value <= INT8_MAX:
                raise VerifyException(
                    f"{label}_zero_point must lie in [{INT8_MIN}, {INT8_MAX}], got {value}"
                )


def _memref(value: SSAValue) -> MemRefType:
    assert isa(value.type, MemRefType)
    return value.type
