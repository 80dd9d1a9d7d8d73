"""`gemmini-legalize-requantization`: only requantisations that the hardware has remain."""

from __future__ import annotations

import math as pymath
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from xdsl.context import Context
from xdsl.dialects import arith, math, memref
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, MemRefType, ModuleOp, f32, i8, i32
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects.attributes import Activation, ActivationAttr, ScheduleAttr
from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.dialects.matmul import INT8_MAX, INT8_MIN, MatmulOp
from gemmini_xdsl.passes.diagnostics import function_name, warn
from gemmini_xdsl.passes.generic_builders import BodyBuilder, dims_map, generic
from gemmini_xdsl.passes.matmul_rewriting import with_bias
from gemmini_xdsl.passes.requantization_matching import Requantization

FOLDED_BIAS_LIMIT = 1 << 30
"""A zero point that needs a greater bias stays on the CPU: the sum could overflow."""


@dataclass(frozen=True)
class GemminiLegalizeRequantizationPass(ModulePass):
    """Split off what the hardware's store cannot do, and check that the rest can be stored.

    A bound of 0 becomes ReLU where that is equal. With `requantization=exact` a product with an
    output zero point or any other clip range becomes an int32 product and a linalg operation that
    requantises on the CPU. With `requantization=fast` the zero point becomes part of the bias, with
    a warning that states the possible error, and only the clipping is left to the CPU.
    """

    name = "gemmini-legalize-requantization"

    requantization: Literal["exact", "fast"] = "exact"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Legalise every product."""
        for product in [item for item in op.walk() if isinstance(item, MatmulOp)]:
            if product.c_type.element_type == i8:
                self._legalize(product)
        for product in [item for item in op.walk() if isinstance(item, MatmulOp)]:
            config = module_config(product)
            if product.c_type.element_type == i32 and not config.acc_read_full_width:
                raise PassFailedException(
                    f"{function_name(product)}: {product.name}: config '{config.name}' cannot "
                    "store i32 results (acc_read_full_width = false); requantise to int8 by a "
                    "float32 scale without an output zero point, or allow requantization=fast"
                )

    def _legalize(self, product: MatmulOp) -> None:
        requantization = requantization_of(product)
        if not pymath.isfinite(requantization.scale):
            raise PassFailedException(
                f"{function_name(product)}: {product.name}: scale must be finite, got "
                f"{requantization.scale}"
            )
        requantization.normalize()
        if requantization.runs_on_hardware:
            _set_requantization(product, requantization)
        elif self.requantization == "exact" or not _fold(product, requantization):
            _split(product, requantization)


def requantization_of(product: MatmulOp) -> Requantization:
    """The requantisation that an int8 product does."""
    low, high = product.clip
    return Requantization(
        scale=float(np.float32(product.scale.value.data)),
        relu=product.activation.data == Activation.RELU,
        zero_point=product.zero_points[2],
        low=low,
        high=high,
    )


def _set_requantization(product: MatmulOp, requantization: Requantization) -> None:
    activation = Activation.RELU if requantization.relu else Activation.NONE
    product.properties["activation"] = ActivationAttr(activation)
    product.properties["clip_min"] = IntegerAttr(requantization.low, i32)
    product.properties["clip_max"] = IntegerAttr(requantization.high, i32)
    product.properties["c_zero_point"] = IntegerAttr(requantization.zero_point, i32)


# -- exact ----------------------------------------------------------------------------------------


def _split(product: MatmulOp, requantization: Requantization) -> None:
    """An int32 product and a requantisation on the CPU."""
    m, n, _ = product.sizes
    sums = memref.AllocOp([], [], MemRefType(i32, [m, n]))
    raw = MatmulOp(
        product.a,
        product.b,
        sums.memref,
        product.bias,
        transpose_a=product.transpose_a is not None,
        transpose_b=product.transpose_b is not None,
        zero_points=(*product.zero_points[:2], 0),
        schedule=_wide_schedule(product.schedule),
    )
    raw.attributes.update(product.attributes)
    identity = dims_map(2, 0, 1)

    def body(builder: BodyBuilder, values: Sequence[SSAValue]) -> SSAValue:
        return requantized(builder, values[0], requantization)

    epilogue = generic("requantization", [(sums.memref, identity)], (product.c, identity), body)
    Rewriter.replace_op(product, [sums, raw, epilogue], [])


def _wide_schedule(schedule: ScheduleAttr | None) -> ScheduleAttr | None:
    """The schedule of the product whose result became int32: raw sums leave block by block."""
    return None if schedule is None else ScheduleAttr(replace(schedule.data, mvout_cols=0))


def requantized(builder: BodyBuilder, value: SSAValue, requantization: Requantization) -> SSAValue:
    """The meaning of `gemmini.matmul` with an int8 result, on one int32 sum."""
    if requantization.relu:
        value = builder.add(arith.MaxSIOp(value, builder.integer(0, i32)))
    real = builder.add(arith.SIToFPOp(value, f32))
    scale = builder.add(arith.ConstantOp(FloatAttr(requantization.scale, f32)))
    real = builder.add(arith.MulfOp(real, scale))
    real = builder.add(math.RoundEvenOp(real))
    # The bounds less the zero point are small integers, so clamping first is exact.
    zero_point = requantization.zero_point
    low = builder.add(arith.ConstantOp(FloatAttr(requantization.low - zero_point, f32)))
    high = builder.add(arith.ConstantOp(FloatAttr(requantization.high - zero_point, f32)))
    real = builder.add(arith.MaximumfOp(real, low))
    real = builder.add(arith.MinimumfOp(real, high))
    rounded = builder.add(arith.FPToSIOp(real, i32))
    if zero_point != 0:
        rounded = builder.add(arith.AddiOp(rounded, builder.integer(zero_point, i32)))
    return builder.add(arith.TruncIOp(rounded, i8))


# -- approximate ----------------------------------------------------------------------------------


def _fold(product: MatmulOp, requantization: Requantization) -> bool:
    """Fold the zero point into the bias and clip on the CPU; False if that is not possible."""
    zero_point, scale = requantization.zero_point, requantization.scale
    low, high, relu = requantization.low, requantization.high, requantization.relu
    correction = 0
    if zero_point != 0:
        if scale == 0 or (relu and scale < 0):
            return False
        correction = round(zero_point / scale)
        if abs(correction) >= FOLDED_BIAS_LIMIT:
            return False
        error = pymath.floor(abs(correction * scale - zero_point)) + 1
        warn(
            product,
            f"output zero point {zero_point} becomes {correction} in the bias: results may differ "
            f"by {error}",
        )
        if relu:
            # max(x, 0) + z = max(x + z, z): the activation becomes a bound.
            low, relu = max(low, zero_point), False
    _set_requantization(product, Requantization(scale, relu))
    if (low, high) != (INT8_MIN, INT8_MAX):
        identity = dims_map(2, 0, 1)

        def body(builder: BodyBuilder, values: Sequence[SSAValue]) -> SSAValue:
            bounded = builder.add(arith.MaxSIOp(values[0], builder.integer(low, i8)))
            return builder.add(arith.MinSIOp(bounded, builder.integer(high, i8)))

        Rewriter.insert_op(
            generic("clip", [], (product.c, identity), body), InsertPoint.after(product)
        )
    if correction != 0:
        _add_to_bias(product, correction)
    return True


def _add_to_bias(product: MatmulOp, value: int) -> None:
    bias = product.bias
    ops: list[Operation] = []
    if bias is None:
        constant = arith.ConstantOp(IntegerAttr(value, i32))
        ops.append(constant)
        total: SSAValue = constant.result
    elif not isinstance(bias.type, MemRefType):
        constant = arith.ConstantOp(IntegerAttr(value, i32))
        addition = arith.AddiOp(bias, constant)
        ops += [constant, addition]
        total = addition.result
    else:
        shape = bias.type.get_shape()
        sums = memref.AllocOp([], [], MemRefType(i32, shape))
        identity = dims_map(len(shape), *range(len(shape)))

        def body(builder: BodyBuilder, values: Sequence[SSAValue]) -> SSAValue:
            return builder.add(arith.AddiOp(values[0], builder.integer(value, i32)))

        ops += [sums, generic("zero point", [(bias, identity)], (sums.memref, identity), body)]
        total = sums.memref
    Rewriter.replace_op(product, [*ops, with_bias(product, total)], [])
