"""Check that the loops around a block visit every point of its iteration space exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gemmini_xdsl.tvm_bridge import tir_access as tir
from gemmini_xdsl.tvm_bridge.affine_access import NotAffineError, affine_index, linear_form


@dataclass(frozen=True)
class Loop:
    """A loop from 0 to `extent`."""

    variable: Any
    extent: int


def binding_problem(axes: Sequence[tir.Axis], loops: Sequence[Loop]) -> str | None:
    """Why the bindings of `axes` to `loops` are not a bijection, or None if they are.

    An axis is a loop or a mixed-radix number of several loops, as `i_outer * 16 + i_inner`.
    """
    variables = [loop.variable for loop in loops]
    used: set[int] = set()
    for axis in axes:
        if axis.extent < 1:
            return f"axis '{axis.var}' must count from 0 to a constant"
        try:
            form = linear_form(affine_index(axis.binding, variables), len(loops))
        except NotAffineError as error:
            return f"axis '{axis.var}': {error}"
        if form is None or form.constant != 0:
            return f"axis '{axis.var}' is bound to '{axis.binding}', which is not understood"
        digits = [item for item in form.coefficients if loops[item[0]].extent > 1]
        radix = 1
        for loop, coefficient in sorted(digits, key=lambda item: item[1]):
            if coefficient != radix or loop in used:
                return f"axis '{axis.var}' is bound to '{axis.binding}', which is not understood"
            used.add(loop)
            radix *= loops[loop].extent
        if radix != axis.extent:
            return f"axis '{axis.var}' of extent {axis.extent} is bound to {radix} values"
    idle = [loop for number, loop in enumerate(loops) if number not in used and loop.extent != 1]
    if idle:
        return f"loop '{idle[0].variable}' repeats the block: no axis is bound to it"
    return None
