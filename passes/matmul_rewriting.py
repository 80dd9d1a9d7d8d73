"""Changes to a `gemmini.matmul` that need a new operation."""

from __future__ import annotations

from xdsl.ir import SSAValue

from gemmini_xdsl.dialects.matmul import MatmulOp


def with_bias(product: MatmulOp, bias: SSAValue) -> MatmulOp:
    """A copy of `product` with another bias, not yet inserted."""
    copy = MatmulOp(product.a, product.b, product.c, bias)
    segments = "operandSegmentSizes"
    copy.properties.update(
        {name: item for name, item in product.properties.items() if name != segments}
    )
    copy.attributes.update(product.attributes)
    return copy
