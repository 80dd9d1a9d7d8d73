"""Which configuration registers an instruction sets, and which it depends on (ISA section 5)."""

from __future__ import annotations

from typing import TypeAlias

from xdsl.ir import Operation

from gemmini_xdsl.dialects.isa import (
    MVIN_OPS,
    ConfigExOp,
    ConfigLdOp,
    ConfigStOp,
    LoopWsOp,
    MvoutOp,
    PreloadOp,
)
from gemmini_xdsl.passes.instruction_operands import COMPUTES

Kind: TypeAlias = str
"""One set of configuration registers: "ex", "st", "ld0", "ld1" or "ld2"."""

CONFIGS = (ConfigExOp, ConfigLdOp, ConfigStOp)

EX, _ST = "ex", "st"
_PRODUCTS = frozenset({PreloadOp, *COMPUTES})


def kind_set_by(op: Operation) -> Kind | None:
    """The registers that `op` sets, if it is a configuration."""
    if type(op) not in CONFIGS:
        # Nearly all operations; asking for their classes one by one takes long.
        return None
    match op:
        case ConfigExOp():
            return EX
        case ConfigStOp():
            return _ST
        case _:
            assert isinstance(op, ConfigLdOp)
            return _load_kind(op.id.value.data)


def kinds_used_by(op: Operation) -> set[Kind]:
    """The registers whose contents `op` depends on."""
    kind = type(op)
    if kind in _PRODUCTS:
        return {EX}
    if kind is MvoutOp:
        return {_ST}
    if isinstance(op, MVIN_OPS):
        return {_load_kind(op.ID)}
    if isinstance(op, LoopWsOp):
        loads = zip(MVIN_OPS, (op.a, op.b, op.d), strict=True)
        stores = {_ST} if op.c else set()
        return {EX, *(_load_kind(mvin.ID) for mvin, value in loads if value), *stores}
    return set()


def _load_kind(number: int) -> Kind:
    return f"ld{number}"
