"""The loop nest of a product whose resident operand the array transposes first."""

from __future__ import annotations

import numpy as np
from xdsl.dialects.builtin import MemRefType
from xdsl.ir import SSAValue
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects.attributes import (
    BUFFER_SLOTS,
    INPUT_TYPE,
    Dataflow,
    Placement,
    Space,
)
from gemmini_xdsl.dialects.local_memory import BufferType
from gemmini_xdsl.dialects.tile import AllocOp, LoadOp, LoadTransposedOp
from gemmini_xdsl.passes.constant_globals import constant_global
from gemmini_xdsl.passes.index_arithmetic import IndexBuilder
from gemmini_xdsl.passes.row_views import as_matrix, as_vector
from gemmini_xdsl.passes.schedule_rules import TRANSPOSITION_SLOTS, ceil_div
from gemmini_xdsl.passes.tile_nests import A_ID, B_ID, InstructionNest


class ResidentTransposition(InstructionNest):
    """Loops over tiles of one operand and C, after all of the other has been transposed.

    The os dataflow takes B transposed if A is, too; there A is transposed, by the identity. A
    single row of A is taken for a matrix of rows of a block each; the reversed identity puts the
    blocks in columns that `packed_a` speaks of. In the ws dataflow B is transposed, which costs
    a second pass for each product otherwise.
    """

    def build(self, builder: IndexBuilder) -> None:
        """Insert buffers and the transposition, then the nest."""
        dim, os = self.config.dim, self.schedule.dataflow == Dataflow.OS
        source, id = (self.op.a, A_ID) if os else (self.op.b, B_ID)
        if self.packs_row:
            blocks = self.totals["k"] // dim
            source = as_matrix(builder, as_vector(builder, source), blocks, dim)
            self.bias = self._repeated_bias(builder)
        assert isa(source.type, MemRefType)
        rows, cols = (ceil_div(size, dim) for size in source.type.get_shape())
        buffer = self._blocks(builder, (cols, rows))
        factor = self._blocks(builder, (1, 1))
        widest = self.config.max_block_cols
        group = max(width for width in range(1, widest + 1) if cols % width == 0)
        staging = self._staging(builder, group * (widest // group), rows * cols)
        constant = self._factor(builder)
        builder.insert(LoadOp(constant, [0, 0], factor, 0, [dim, dim], id))
        builder.insert(
            LoadTransposedOp(
                source, buffer, factor, staging, group * dim, id, self._transposing_dataflow
            )
        )
        # Behind the transposition, whose buffers give their rows back.
        self.resident = buffer
        transpose_a, transpose_b = self.transposed
        self.a = buffer if os else self._buffer(builder, "a", transpose_a)
        self.b = self._buffer(builder, "b", transpose_b) if os else buffer
        self.c = self._buffer(builder, "c", False)
        super().build(builder)

    def _allocate(self, builder: IndexBuilder) -> None:
        """All buffers stand in front of the nest."""

    def _repeated_bias(self, builder: IndexBuilder) -> SSAValue | None:
        """The bias as a row that is loaded into all rows of a block."""
        bias = self.bias
        if bias is None or not isa(bias.type, MemRefType) or bias.type.get_num_dims() == 1:
            return bias
        return as_vector(builder, bias)

    @property
    def streamed(self) -> str:
        """The operand that is not transposed, and comes tile by tile if there are several tiles."""
        return "b" if self.schedule.dataflow == Dataflow.OS else "a"

    @property
    def _transposing_dataflow(self) -> Dataflow:
        """That of the products for a row, which are few; else ws, where the factor stays."""
        ws = self.config.supports_dataflow(Dataflow.WS.value)
        return Dataflow.WS if ws and not self.packs_row else self.schedule.dataflow

    def _blocks(
        self,
        builder: IndexBuilder,
        grid: tuple[int, int],
        slots: int = 1,
        placement: Placement = Placement.PACKED,
    ) -> SSAValue:
        dim = self.config.dim
        type_ = BufferType.get(grid, (dim, dim), Space.SCRATCHPAD, slots)
        return builder.insert(AllocOp(type_, placement)).results[0]

    def _staging(self, builder: IndexBuilder, width: int, blocks: int) -> SSAValue:
        """Slots in banks of their own, which the result of so many `blocks` leaves.

        One is read while another one is filled, and with a third one no load waits. A row is done
        soon; what is loaded next should not wait for these banks.
        """
        rows, bank = (blocks + 1) * self.config.dim, self.config.scratchpad_bank_rows
        free = self.config.scratchpad_banks - ceil_div(rows, bank)
        apart = free >= BUFFER_SLOTS and not self.packs_row
        slots = min(free, TRANSPOSITION_SLOTS) if apart else TRANSPOSITION_SLOTS
        placement = Placement.BANKED if apart else Placement.PACKED
        return self._blocks(builder, (1, width), slots, placement)

    def _factor(self, builder: IndexBuilder) -> SSAValue:
        """A constant: the identity, for a packed row with its columns in reverse order."""
        dim = self.config.dim
        name, values = "gemmini_identity", np.eye(dim, dtype=np.int8)
        if self.packs_row:
            name, values = "gemmini_reversed_identity", values[:, ::-1]
        get = constant_global(self.op, name, INPUT_TYPE, values)
        return builder.insert(get).results[0]
