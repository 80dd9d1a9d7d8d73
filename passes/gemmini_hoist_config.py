"""`gemmini-hoist-config`: no redundant configuration, and fences only where needed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import Block, Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.traits import is_side_effect_free
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.isa import MVIN_OPS, FenceOp, LoopWsOp, MvoutOp
from gemmini_xdsl.dialects.tile import AllocOp
from gemmini_xdsl.passes.configuration_state import Kind, kind_set_by, kinds_used_by
from gemmini_xdsl.passes.memory_uses import is_view


@dataclass(frozen=True)
class GemminiHoistConfigPass(ModulePass):
    """Move configuration out of loops and conditions, drop what repeats the state in force, and
    drop fences between products that share no memory.

    A kind of configuration is moved only if each of its uses in the function is preceded by its
    own, so that setting it earlier cannot be seen elsewhere.
    """

    name = "gemmini-hoist-config"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Process every function."""
        for function in op.walk():
            if isinstance(function, func.FuncOp) and not function.is_declaration:
                for kind in sorted({k for inner in function.walk() if (k := kind_set_by(inner))}):
                    holders = _holders(function, kind)
                    if _uses_are_configured(function, kind, holders):
                        _hoist(function, kind, holders)
                for block in function.body.blocks:
                    _drop_repeated(block, {})
                    _drop_fences(block)


def _configs(op: Operation, kind: Kind) -> list[Operation]:
    """All configurations of `kind` in `op`, itself excluded."""
    return [inner for inner in op.walk() if inner is not op and kind_set_by(inner) == kind]


def _holders(function: func.FuncOp, kind: Kind) -> set[Operation]:
    """All operations that have a configuration of `kind` inside."""
    found: set[Operation] = set()
    for config in _configs(function, kind):
        parent = config.parent_op()
        while parent is not None and parent not in found:
            found.add(parent)
            parent = parent.parent_op()
    return found


def _uses_are_configured(function: func.FuncOp, kind: Kind, holders: set[Operation]) -> bool:
    return all(
        _is_configured(use, kind, function, holders)
        for use in function.walk()
        if kind in kinds_used_by(use)
    )


def _is_configured(
    use: Operation, kind: Kind, function: func.FuncOp, holders: set[Operation]
) -> bool:
    """Whether, going back from `use` and out of loops, a configuration is met before any choice."""
    current: Operation = use
    while True:
        previous = current.prev_op
        while previous is not None:
            if kind_set_by(previous) == kind:
                return True
            if previous in holders or isinstance(previous, func.CallOp):
                return False
            previous = previous.prev_op
        parent = current.parent_op()
        if parent is None or parent is function or parent in holders:
            return False
        current = parent


def _hoist(function: func.FuncOp, kind: Kind, holders: set[Operation]) -> None:
    """Move configurations of `kind` before the operations that hold them, innermost first."""
    for op in _post_order(function, holders):
        if op is function:
            continue
        configs = _configs(op, kind)
        if any(not _same(config, configs[0]) for config in configs):
            continue
        Rewriter.insert_op(configs[0].clone(), InsertPoint.before(op))
        for config in configs:
            Rewriter.erase_op(config)


def _post_order(op: Operation, holders: set[Operation]) -> Iterator[Operation]:
    """The holders in `op`, which is one itself."""
    for region in op.regions:
        for block in region.blocks:
            for inner in list(block.ops):
                if inner in holders:
                    yield from _post_order(inner, holders)
    yield op


def _same(a: Operation, b: Operation) -> bool:
    return a.properties == b.properties and a.attributes == b.attributes


def _drop_repeated(block: Block, state: dict[Kind, Operation]) -> None:
    """Erase configurations that set what is set already; `state` is what holds on entry."""
    for op in list(block.ops):
        kind = kind_set_by(op)
        if kind is not None:
            if kind in state and _same(state[kind], op):
                Rewriter.erase_op(op)
            else:
                state[kind] = op
            continue
        if isinstance(op, func.CallOp):
            state.clear()
        if not op.regions:
            continue
        for kind in {k for inner in op.walk() if (k := kind_set_by(inner))}:
            state.pop(kind, None)
        for region in op.regions:
            for inner_block in region.blocks:
                _drop_repeated(inner_block, dict(state))


# -- fences ----------------------------------------------------------------------------------


@dataclass
class _Traffic:
    """Memory that the accelerator touches between two fences, by the memref it belongs to."""

    reads: set[SSAValue]
    writes: set[SSAValue]
    only_accelerator: bool = True

    def may_overlap(self, later: _Traffic) -> bool:
        """Whether `later` must wait until this traffic is done."""
        return bool(self.writes & (later.reads | later.writes) or self.reads & later.writes)


def _drop_fences(block: Block) -> None:
    """Erase each fence of a function body that orders nothing: before it and after it, up to the
    next fence, only the accelerator touches memory, and not the same.

    Arguments of a function are taken not to overlap, as its C signature says (`restrict`).
    """
    pending = _Traffic(set(), set())
    last: FenceOp | None = None
    segment = _Traffic(set(), set())
    for op in list(block.ops):
        if not isinstance(op, FenceOp):
            _add_traffic(op, segment)
            continue
        if last is not None:
            ordered = not (pending.only_accelerator and segment.only_accelerator)
            if not ordered and not pending.may_overlap(segment):
                Rewriter.erase_op(last)
                segment.reads |= pending.reads
                segment.writes |= pending.writes
        pending, segment, last = segment, _Traffic(set(), set()), op


def _add_traffic(op: Operation, traffic: _Traffic) -> None:
    for inner in op.walk():
        match inner:
            case MvoutOp():
                traffic.writes.add(_root(inner.destination))
            case LoopWsOp():
                traffic.reads.update(_root(v) for v in (inner.a, inner.b, inner.d) if v)
                traffic.writes.update(_root(v) for v in (inner.c,) if v)
            case memref.LoadOp() | memref.StoreOp() | memref.CopyOp() | func.CallOp():
                traffic.only_accelerator = False
            case _ if isinstance(inner, MVIN_OPS):
                if inner.source is not None:
                    traffic.reads.add(_root(inner.source))
            case _ if _may_touch_memory(inner):
                traffic.only_accelerator = False


def _may_touch_memory(op: Operation) -> bool:
    """Whether an operation that is not ours has memrefs and effects on them."""
    if op.regions and op.name.startswith("scf."):
        return False
    if isinstance(op, AllocOp | memref.AllocOp | memref.AllocaOp) or is_side_effect_free(op):
        return False
    return any(isa(operand.type, MemRefType) for operand in op.operands)


def _root(value: SSAValue) -> SSAValue:
    """The memref that `value` is a view of."""
    while isinstance(value.owner, Operation) and is_view(value.owner):
        value = value.owner.operands[0]
    return value
