"""The part of a level-4 function that decides which commands it issues.

Everything else (loads, stores and arithmetic of the core) is left out, so that a function can be
executed without its data. What cannot be left out but depends on data is an error.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from xdsl.dialects import func, memref, scf
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.ir import BlockArgument, Operation, OpResult, SSAValue

from gemmini_xdsl.dialects.rocc import CommandOp, FenceOp
from gemmini_xdsl.targets.errors import DataDependentError, TargetError, unsupported_op

TARGET = "gemmini-commands"


@dataclass
class Slice:
    """Operations and values that the commands of a function need.

    `parameters` are the indices of the function's arguments that are needed.
    """

    function: func.FuncOp
    operations: set[Operation] = field(default_factory=set)
    values: set[SSAValue] = field(default_factory=set)
    parameters: set[int] = field(default_factory=set)


@dataclass
class Slicer:
    """Computes the slices of a module's functions; `operands` false leaves operands out."""

    module: ModuleOp
    operands: bool
    _slices: dict[str, Slice | None] = field(default_factory=dict)
    _active: list[str] = field(default_factory=list)

    def slice_of(self, symbol: str) -> Slice | None:
        """The slice of the function `symbol`, or None if it issues no commands.

        Raises `TargetError` for recursion and for commands that depend on data.
        """
        if symbol in self._active:
            raise TargetError(f"{TARGET}: @{symbol} calls itself")
        if symbol not in self._slices:
            self._active.append(symbol)
            self._slices[symbol] = self._compute(self._function(symbol))
            self._active.pop()
        return self._slices[symbol]

    def _function(self, symbol: str) -> func.FuncOp:
        for op in self.module.ops:
            if isinstance(op, func.FuncOp) and op.sym_name.data == symbol and op.body.blocks:
                if len(op.body.blocks) > 1:
                    raise TargetError(
                        f"{TARGET}: @{symbol} has more than one block; "
                        "control flow must be structured (scf)"
                    )
                return op
        raise TargetError(f"{TARGET}: the module has no function @{symbol} with a body")

    def _compute(self, function: func.FuncOp) -> Slice | None:
        result = Slice(function)
        for op in function.walk():
            if isinstance(op, CommandOp):
                self._need_op(result, op)
                if self.operands:
                    self._need_values(result, op.operands)
            elif isinstance(op, FenceOp):
                self._need_op(result, op)
            elif isinstance(op, func.CallOp):
                callee = self.slice_of(op.callee.string_value())
                if callee is not None:
                    self._need_op(result, op)
                    self._need_values(result, (op.operands[i] for i in callee.parameters))
            elif op.name.startswith(("gemmini.", "affine.", "linalg.")):
                raise unsupported_op(TARGET, op, "lower the module to rocc commands first")
        return result if result.operations else None

    # -- what is needed -------------------------------------------------------------------------

    def _need_op(self, result: Slice, op: Operation) -> None:
        """`op` is executed: so is the control flow around it."""
        current: Operation | None = op
        while current is not None and current is not result.function:
            if current in result.operations:
                return
            result.operations.add(current)
            self._need_control(result, current)
            current = current.parent_op()

    def _need_control(self, result: Slice, op: Operation) -> None:
        match op:
            case scf.ForOp():
                self._need_values(result, (op.lb, op.ub, op.step))
            case scf.IfOp():
                self._need_values(result, (op.cond,))
            case scf.IndexSwitchOp():
                self._need_values(result, (op.arg,))
            case scf.ParallelOp():
                self._need_values(result, (*op.lowerBound, *op.upperBound, *op.step))
            case scf.WhileOp():
                condition = op.before_region.block.last_op
                assert condition is not None
                self._need_values(result, condition.operands)
                self._need_values(result, op.before_region.block.args)
            case scf.ExecuteRegionOp() | CommandOp() | FenceOp() | func.CallOp():
                pass
            case _ if op.regions:
                raise unsupported_op(TARGET, op)
            case _:
                self._need_values(result, op.operands)

    def _need_values(self, result: Slice, values: object) -> None:
        pending: list[SSAValue] = list(values)  # type: ignore[call-overload]
        while pending:
            value = pending.pop()
            if value in result.values:
                continue
            result.values.add(value)
            if isinstance(value, BlockArgument):
                pending.extend(self._sources_of_argument(result, value))
            elif isinstance(value, OpResult):
                pending.extend(self._sources_of_result(result, value))

    def _sources_of_argument(self, result: Slice, value: BlockArgument) -> list[SSAValue]:
        parent = value.block.parent_op()
        if parent is result.function:
            if not isinstance(value.type, MemRefType):
                raise DataDependentError(
                    f"{TARGET}: the commands of @{result.function.sym_name.data} depend on its "
                    f"scalar argument {value.index}, so there is no one command stream"
                )
            result.parameters.add(value.index)
            return []
        assert parent is not None
        self._need_op(result, parent)
        if isinstance(parent, scf.ForOp):
            return [] if value.index == 0 else self._carried(parent, value.index - 1)
        if isinstance(parent, scf.WhileOp):
            index = value.index
            if value.block is parent.before_region.block:
                last = parent.after_region.block.last_op
                assert last is not None
                return [parent.arguments[index], last.operands[index]]
            condition = parent.before_region.block.last_op
            assert condition is not None
            return [condition.operands[index + 1]]
        return []

    def _carried(self, op: scf.ForOp, index: int) -> list[SSAValue]:
        last = op.body.block.last_op
        assert last is not None
        return [
            op.iter_args[index],
            last.operands[index],
            op.body.block.args[index + 1],
            op.results[index],
        ]

    def _sources_of_result(self, result: Slice, value: OpResult) -> list[SSAValue]:
        op, index = value.op, value.index
        if isinstance(op, memref.LoadOp):
            raise DataDependentError(
                f"{TARGET}: the commands of @{result.function.sym_name.data} depend on data "
                "loaded from memory (memref.load), so there is no one command stream"
            )
        if isinstance(op, func.CallOp):
            raise unsupported_op(TARGET, op, "commands depend on the result of a call")
        self._need_op(result, op)
        if isinstance(op, scf.ForOp):
            return self._carried(op, index)
        if isinstance(op, scf.WhileOp):
            condition = op.before_region.block.last_op
            assert condition is not None
            return [condition.operands[index + 1]]
        if isinstance(op, scf.ParallelOp):
            raise unsupported_op(TARGET, op, "reductions are not supported")
        sources: list[SSAValue] = []
        for region in op.regions:
            last = region.block.last_op if region.blocks else None
            if last is not None:
                sources.append(last.operands[index])
        return sources
