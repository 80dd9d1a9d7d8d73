"""Changes to a `gemmini.matmul` that need a new operation."""

from __future__ import annotations

from xdsl.ir import SSAValue

from gemmini_xdsl.dialects.matmul import MatmulOp


def with_bias(product: MatmulOp, bias: SSAValue) -> MatmulOp:
    """A copy of `product` with another bias, not yet inserted."""
    copy = MatmulOp(
        product.a,
        product.b,
        product.c,
        bias,
        transpose_a=product.transpose_a is not None,
        transpose_b=product.transpose_b is not None,
        scale=product.scale.value.data,
        activation=product.activation.data,
        clip=product.clip,
        zero_points=product.zero_points,
        schedule=product.schedule,
    )
    copy.attributes.update(product.attributes)
    return copy
