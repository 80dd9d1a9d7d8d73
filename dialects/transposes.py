"""Which transpositions the array can do (ISA section 5)."""

from __future__ import annotations

from gemmini_xdsl.dialects.attributes import Dataflow
from gemmini_xdsl.hardware import GemminiConfig


def illegal_transposes(
    config: GemminiConfig, dataflow: Dataflow, transpose_a: bool, transpose_b: bool
) -> str | None:
    """Why `dataflow` on `config` cannot multiply operands transposed like this, or None.

    There is one transposer: weight-stationary feeds either operand through it, not both;
    output-stationary feeds A through it unless A is stored transposed.
    """
    if not config.supports_dataflow(dataflow.value):
        return f"config '{config.name}' has no {dataflow.value} dataflow"
    if dataflow == Dataflow.WS and transpose_a and transpose_b:
        return "transpose_a with transpose_b is illegal in the ws dataflow; use os"
    if dataflow == Dataflow.OS and transpose_b and not transpose_a:
        return "transpose_b without transpose_a is illegal in the os dataflow; use ws"
    return None
