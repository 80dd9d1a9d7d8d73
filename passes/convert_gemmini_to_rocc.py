"""`convert-gemmini-to-rocc`: instructions become RoCC commands with packed 64-bit operands."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import (
    FixedBitwidthType,
    MemRefType,
    ModuleOp,
    NoneAttr,
    StridedLayoutAttr,
)
from xdsl.ir import Operation, SSAValue
from xdsl.passes import ModulePass
from xdsl.rewriter import InsertPoint, Rewriter
from xdsl.transforms.common_subexpression_elimination import cse
from xdsl.transforms.dead_code_elimination import region_dce
from xdsl.utils.exceptions import PassFailedException
from xdsl.utils.hints import isa

from gemmini_xdsl.dialects import isa as instructions
from gemmini_xdsl.dialects import rocc
from gemmini_xdsl.dialects.attributes import Space
from gemmini_xdsl.dialects.mixed import Index, join
from gemmini_xdsl.dialects.tile import AllocOp
from gemmini_xdsl.hardware import encoding
from gemmini_xdsl.hardware.encoding import Funct
from gemmini_xdsl.passes.diagnostics import location
from gemmini_xdsl.passes.instruction_operands import operands_of
from gemmini_xdsl.passes.linear_form import LinearForm
from gemmini_xdsl.passes.strength_reduction import StrengthReducer


@dataclass(frozen=True)
class ConvertGemminiToRoccPass(ModulePass):
    """Lower level 3 to level 4.

    Every operand is a linear form of loop counters, pointers and sizes; it is carried through
    the loops and incremented instead of being packed anew for each command.
    """

    name = "convert-gemmini-to-rocc"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Convert all instructions; raises `PassFailedException` where rows are not allocated."""
        reducer = StrengthReducer()
        for instruction in [i for i in op.walk() if isinstance(i, instructions.ISA_OPS)]:
            if isinstance(instruction, instructions.LocalAddressOp):
                continue
            if isinstance(instruction, instructions.FenceOp):
                Rewriter.insert_op(rocc.FenceOp(), InsertPoint.before(instruction))
            for funct, rs1, rs2 in commands_of(instruction):
                operands = [reducer.materialize(form, before=instruction) for form in (rs1, rs2)]
                Rewriter.insert_op(
                    rocc.CommandOp(funct, operands[0], operands[1], funct.mnemonic),
                    InsertPoint.before(instruction),
                )
            Rewriter.erase_op(instruction)
        reducer.finish()
        region_dce(op.body)
        for alloc in [i for i in op.walk() if isinstance(i, AllocOp) and not i.buffer.uses]:
            Rewriter.erase_op(alloc)
        cse(op)


_Form = TypeVar("_Form", int, LinearForm)
_Command: TypeAlias = tuple[Funct, _Form, _Form]
_Tile: TypeAlias = tuple[_Form, _Form, _Form]
"""A local address as the hardware decodes it, rows and columns."""

_LOADS = {0: Funct.MVIN, 1: Funct.MVIN2, 2: Funct.MVIN3}


def _constant(funct: Funct, operands: tuple[int, int]) -> _Command[LinearForm]:
    return funct, LinearForm(operands[0]), LinearForm(operands[1])


def commands_of(op: Operation) -> list[_Command[LinearForm]]:
    """The commands of one instruction."""
    operands = operands_of(op)
    if operands is not None:
        dram = LinearForm(0)
        if operands.matrix is not None:
            dram = _dram_address(operands.matrix, operands.offsets)
        sizes = [LinearForm.of(size) for size in operands.sizes]
        tiles = [
            (_local_address(address), sizes[2 * number], sizes[2 * number + 1])
            for number, address in enumerate(operands.addresses)
        ]
        return [command_of(op, dram, tiles)]
    match op:
        case instructions.ConfigExOp():
            packed = encoding.config_ex(
                dataflow=op.dataflow.data.value,
                activation=op.activation.data.value,
                transpose_a=op.transpose_a is not None,
                transpose_b=op.transpose_b is not None,
                a_stride=op.a_stride.value.data,
                c_stride=op.c_stride.value.data,
                in_shift=op.in_shift.value.data,
            )
            return [_constant(Funct.CONFIG, packed)]
        case instructions.ConfigLdOp():
            packed = encoding.config_ld(
                id=op.id.value.data,
                stride=op.stride.value.data,
                block_stride=op.block_stride.value.data,
                scale=op.scale.value.data,
                shrink=op.shrink is not None,
            )
            return [_constant(Funct.CONFIG, packed)]
        case instructions.ConfigStOp():
            packed = encoding.config_st(
                stride=op.stride.value.data,
                scale=op.scale.value.data,
                activation=op.activation.data.value,
            )
            return [_constant(Funct.CONFIG, packed)]
        case instructions.LoopWsOp():
            return _loop_ws(op)
        case instructions.FlushOp():
            return [_constant(Funct.FLUSH, (0, 0))]
        case _:
            assert isinstance(op, instructions.FenceOp)
            return []


def command_of(op: Operation, dram: _Form, tiles: Sequence[_Tile[_Form]]) -> _Command[_Form]:
    """The command of a transfer or a part of a product, for a DRAM address and local tiles."""
    match op:
        case instructions.PreloadOp():
            return Funct.PRELOAD, _packed(*tiles[0]), _packed(*tiles[1])
        case instructions.ComputePreloadedOp():
            return Funct.COMPUTE_PRELOADED, _packed(*tiles[0]), _packed(*tiles[1])
        case instructions.ComputeAccumulatedOp():
            return Funct.COMPUTE_ACCUMULATED, _packed(*tiles[0]), _packed(*tiles[1])
        case instructions.MvoutOp():
            return Funct.MVOUT, dram, _packed(*tiles[0])
        case _:
            assert isinstance(op, instructions.MVIN_OPS)
            return _LOADS[op.ID], dram, _packed(*tiles[0])


def _packed(address: _Form, rows: _Form, cols: _Form) -> _Form:
    """A local address with rows and columns (ISA section 3)."""
    return rows * (1 << encoding.ROWS_SHIFT) + cols * (1 << encoding.COLS_SHIFT) + address


def _loop_ws(op: instructions.LoopWsOp) -> list[_Command[LinearForm]]:
    pads, tiles = op.mixed_pads, op.mixed_tiles
    addresses = [
        LinearForm(0) if pair is None else _dram_address(*pair) for pair in op.mixed_addresses
    ]
    strides = [LinearForm(int(stride)) for stride in op.strides.get_values()]
    run = encoding.loop_ws(
        ex_accumulate=op.ex_accumulate is not None,
        full_c=op.full_c is not None,
        low_d=op.low_d is not None,
        activation=op.activation.data.value,
        a_spad_id=op.a_spad_id.value.data,
        b_spad_id=op.b_spad_id.value.data,
        transpose_a=op.transpose_a is not None,
        transpose_b=op.transpose_b is not None,
    )
    return [
        (Funct.LOOP_WS_CONFIG_BOUNDS, _ijk(pads), _ijk(tiles)),
        (Funct.LOOP_WS_CONFIG_ADDRS_AB, addresses[0], addresses[1]),
        (Funct.LOOP_WS_CONFIG_ADDRS_DC, addresses[2], addresses[3]),
        (Funct.LOOP_WS_CONFIG_STRIDES_AB, strides[0], strides[1]),
        (Funct.LOOP_WS_CONFIG_STRIDES_DC, strides[2], strides[3]),
        _constant(Funct.LOOP_WS, run),
    ]


def _ijk(values: list[Index]) -> LinearForm:
    i, j, k = (LinearForm.of(value) for value in values)
    return i + j * (1 << encoding.LOOP_J_SHIFT) + k * (1 << encoding.LOOP_K_SHIFT)


def _local_address(address: SSAValue | None) -> LinearForm:
    """A local address as the hardware decodes it (ISA section 2)."""
    if address is None:
        return LinearForm(encoding.GARBAGE_ADDRESS)
    op = address.owner
    if not isinstance(op, instructions.LocalAddressOp):
        raise PassFailedException(
            "a local address must come from gemmini.local_address to be encoded"
        )
    alloc = op.buffer.owner
    if not isinstance(alloc, AllocOp) or alloc.base is None:
        raise PassFailedException(
            f"{location(op)}: the buffer has no rows yet; run gemmini-allocate first"
        )
    slot, row = op.slot_and_row
    starts = alloc.starts
    if isinstance(slot, int) and isinstance(row, int):
        form = LinearForm(alloc.local_row(slot, row))
    elif isinstance(row, int) and len(starts) == 2 * len(alloc.part_rows()):
        first, second = (alloc.local_row(number, row) for number in range(2))
        form = LinearForm.of(slot) * (second - first) + first
    elif alloc.placement.data.by_pieces:
        raise PassFailedException(
            f"{location(op)}: {alloc.placement.data} placement needs static rows; run "
            "gemmini-unroll first"
        )
    elif isinstance(slot, int):
        form = LinearForm.of(row) + starts[slot]
    elif len(starts) > 1:
        spacing = starts[1] - starts[0]
        if any(start != starts[0] + n * spacing for n, start in enumerate(starts)):
            raise PassFailedException(
                f"{location(op)}: a run-time slot needs equally spaced slots, got rows {starts}"
            )
        form = LinearForm.of(row) + starts[0] + LinearForm.of(slot) * spacing
    else:
        form = LinearForm.of(row) + starts[0]
    accumulate = LinearForm.of(0 if op.accumulate is None else op.accumulate)
    return form + accumulate * (1 << encoding.ACCUMULATE_BIT) + address_flags(op)


def address_flags(op: instructions.LocalAddressOp) -> int:
    """The bits of a local address that say which memory it lies in and how it is read."""
    accumulator = op.address.type.space.data == Space.ACCUMULATOR
    full = op.full is not None
    return accumulator << encoding.ACCUMULATOR_BIT | full << encoding.READ_FULL_BIT


def _dram_address(value: SSAValue, offsets: Sequence[Index]) -> LinearForm:
    """Byte address of the element at `offsets` of a memref."""
    form = base_address(value)
    for offset, stride in zip(offsets, byte_strides(value), strict=True):
        form = form + LinearForm.of(offset) * stride
    return form


def byte_strides(value: SSAValue) -> list[int]:
    """Bytes between neighbours along each dimension of a memref."""
    type_ = _memref_type(value)
    return [stride * _element_bytes(type_) for stride in _strides(type_)]


def base_address(value: SSAValue) -> LinearForm:
    """Byte address of the first element, through subviews down to the memref itself."""
    owner = value.owner
    if isinstance(owner, memref.CastOp):
        return base_address(owner.source)
    if isinstance(owner, memref.CollapseShapeOp | memref.ExpandShapeOp):
        return base_address(owner.src)
    if isinstance(owner, memref.SubviewOp):
        offsets: Sequence[Index] = join(owner.offsets, owner.static_offsets)
        return _dram_address(owner.source, offsets)
    layout = _memref_type(value).layout
    form = LinearForm.of(_pointer(value))
    if isinstance(layout, StridedLayoutAttr):
        start = layout.get_offset()
        if start is None:
            raise PassFailedException(f"{value.type}: the offset of a memref must be static")
        form = form + start * _element_bytes(_memref_type(value))
    return form


def _pointer(value: SSAValue) -> SSAValue:
    """The aligned pointer of a memref, extracted once, where the memref is defined."""
    for use in value.uses:
        if isinstance(use.operation, memref.ExtractAlignedPointerAsIndexOp):
            existing: SSAValue = use.operation.results[0]
            return existing
    extract = memref.ExtractAlignedPointerAsIndexOp.get(value)
    owner = value.owner
    if isinstance(owner, Operation):
        Rewriter.insert_op(extract, InsertPoint.after(owner))
    else:
        Rewriter.insert_op(extract, InsertPoint.at_start(owner))
    pointer: SSAValue = extract.results[0]
    return pointer


def _memref_type(value: SSAValue) -> MemRefType:
    assert isa(value.type, MemRefType)
    return value.type


def _element_bytes(type_: MemRefType) -> int:
    assert isinstance(type_.element_type, FixedBitwidthType)
    return type_.element_type.size


def _strides(type_: MemRefType) -> list[int]:
    """Elements between neighbours along each dimension."""
    if isinstance(type_.layout, StridedLayoutAttr):
        strides = type_.layout.get_strides()
        if None in strides:
            raise PassFailedException(f"{type_}: strides must be static")
        return [stride for stride in strides if stride is not None]
    if not isinstance(type_.layout, NoneAttr):
        raise PassFailedException(f"{type_}: the layout must be the identity or strided")
    strides_reversed: list[int] = []
    size = 1
    for extent in reversed(type_.get_shape()):
        strides_reversed.append(size)
        size *= extent
    return strides_reversed[::-1]
