"""Changes to a `gemmini.matmul` that need a new operation."""

from __future__ import annotations

from xdsl.ir import SSAValue

from gemmini_xdsl.dialects.matmul import MatmulOp


def with_bias(product: MatmulOp, bias: SSAValue) -> MatmulOp:
    """A copy of `product` with another bias, not yet inserted."""
    return _copy(product, product.b, bias, transpose_b=product.transpose_b is not None)


def with_weights(product: MatmulOp, b: SSAValue, transpose_b: bool) -> MatmulOp:
    """A copy of `product` with another B, stored transposed or not, not yet inserted."""
    return _copy(product, b, product.bias, transpose_b=transpose_b)


def _copy(product: MatmulOp, b: SSAValue, bias: SSAValue | None, *, transpose_b: bool) -> MatmulOp:
    copy = MatmulOp(
        product.a,
        b,
        product.c,
        bias,
        transpose_a=product.transpose_a is not None,
        transpose_b=transpose_b,
        scale=product.scale.value.data,
        activation=product.activation.data,
        clip=product.clip,
        zero_points=product.zero_points,
        schedule=product.schedule,
    )
    copy.attributes.update(product.attributes)
    return copy
