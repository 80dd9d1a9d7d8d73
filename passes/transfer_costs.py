"""How long transfers take where they go in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from xdsl.dialects.builtin import FixedBitwidthType, MemRefType
from xdsl.ir import SSAValue
from xdsl.utils.exceptions import PassFailedException
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.matmul import row_stride
from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.instruction_costs import InstructionCosts
from gemmini_xdsl.passes.straight_line import Instruction


class _Matrix(NamedTuple):
    """A matrix in DRAM: bytes of an element, and between rows."""

    element: int
    stride: int


class TransferCosts:
    """Cycles of transfers whose offsets are constant; each kind is computed once.

    Raises `PassFailedException` for an offset that is known at run time only.
    """

    def __init__(self, config: GemminiConfig) -> None:
        self.config = config
        self.costs = InstructionCosts(config)
        self._matrices: dict[SSAValue, _Matrix] = {}
        self._cycles: dict[tuple[str, tuple[int, ...]], float] = {}

    def store(self, code: Instruction) -> float:
        """An MVOUT."""
        rows, cols = code.sizes
        matrix, offset = self._in_memory(code)
        return self._cycles_of(self.costs.store, rows, cols, matrix.element, offset, matrix.stride)

    def load(self, code: Instruction) -> float:
        """An MVIN."""
        rows, cols = code.sizes
        matrix, offset = self._in_memory(code)
        return self._cycles_of(self.costs.load, rows, cols * matrix.element, offset, matrix.stride)

    def _cycles_of(self, cost: Callable[..., float], *sizes: int) -> float:
        """What `cost` says, whose last two arguments are the offset and the stride."""
        *extent, offset, stride = sizes
        # Requests are aligned to their sizes, of which this is the largest.
        arguments = (*extent, offset % self.config.dma_max_bytes, stride)
        key = (cost.__name__, arguments)
        if key not in self._cycles:
            self._cycles[key] = cost(*arguments)
        return self._cycles[key]

    def _in_memory(self, code: Instruction) -> tuple[_Matrix, int]:
        """The matrix of an instruction, and bytes from its start to the first element."""
        if code.matrix is None:
            return _Matrix(self.config.input_bytes, 0), 0
        if code.matrix not in self._matrices:
            type_ = code.matrix.type
            assert isa(type_, MemRefType)
            assert isinstance(type_.element_type, FixedBitwidthType)
            element = type_.element_type.size
            stride = 0 if type_.get_num_dims() == 1 else row_stride(type_) * element
            self._matrices[code.matrix] = _Matrix(element, stride)
        matrix = self._matrices[code.matrix]
        if len(code.offsets) == 1:
            return matrix, 0
        row, col = code.offsets
        if not isinstance(row, int) or not isinstance(col, int):
            raise PassFailedException(
                f"{location(code.op)}: has offsets known at run time only, so it cannot be ordered"
            )
        return matrix, row * matrix.stride + col * matrix.element
