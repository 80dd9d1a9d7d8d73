"""`convert-gemmini-to-rocc`: instructions become RoCC commands with packed 64-bit operands."""

from __future__ import annotations

from dataclasses import dataclass

from xdsl.context import Context
from xdsl.dialects import memref
from xdsl.dialects.builtin import (
    DYNAMIC_INDEX,
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
from gemmini_xdsl.dialects.attributes import Placement, Space
from gemmini_xdsl.dialects.mixed import Index
from gemmini_xdsl.dialects.tile import AllocOp
from gemmini_xdsl.hardware import encoding
from gemmini_xdsl.hardware.encoding import Funct
from gemmini_xdsl.passes.diagnostics import location
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


_Command = tuple[Funct, LinearForm, LinearForm]


def _constant(funct: Funct, operands: tuple[int, int]) -> _Command:
    return funct, LinearForm(operands[0]), LinearForm(operands[1])


def commands_of(op: Operation) -> list[_Command]:
    """The commands of one instruction."""
    match op:
        case instructions.ConfigExOp():
            operands = encoding.config_ex(
                dataflow=op.dataflow.data.value,
                activation=op.activation.data.value,
                transpose_a=op.transpose_a is not None,
                transpose_b=op.transpose_b is not None,
                a_stride=op.a_stride.value.data,
                c_stride=op.c_stride.value.data,
                in_shift=op.in_shift.value.data,
            )
            return [_constant(Funct.CONFIG, operands)]
        case instructions.ConfigLdOp():
            operands = encoding.config_ld(
                id=op.id.value.data,
                stride=op.stride.value.data,
                block_stride=op.block_stride.value.data,
                scale=op.scale.value.data,
                shrink=op.shrink is not None,
            )
            return [_constant(Funct.CONFIG, operands)]
        case instructions.ConfigStOp():
            operands = encoding.config_st(
                stride=op.stride.value.data,
                scale=op.scale.value.data,
                activation=op.activation.data.value,
            )
            return [_constant(Funct.CONFIG, operands)]
        case instructions.MvoutOp():
            address = _dram_address(op.destination, op.mixed_offsets)
            return [(Funct.MVOUT, address, _dims(op.source, op.mixed_sizes))]
        case instructions.PreloadOp():
            stationary = _dims(op.stationary, op.mixed_stationary_sizes)
            destination = _dims(op.destination, op.mixed_destination_sizes)
            return [(Funct.PRELOAD, stationary, destination)]
        case instructions.ComputePreloadedOp() | instructions.ComputeAccumulatedOp():
            preloaded = isinstance(op, instructions.ComputePreloadedOp)
            funct = Funct.COMPUTE_PRELOADED if preloaded else Funct.COMPUTE_ACCUMULATED
            return [(funct, _dims(op.a, op.mixed_a_sizes), _dims(op.bd, op.mixed_bd_sizes))]
        case instructions.LoopWsOp():
            return _loop_ws(op)
        case instructions.FlushOp():
            return [_constant(Funct.FLUSH, (0, 0))]
        case instructions.FenceOp():
            return []
        case _:
            assert isinstance(op, instructions.MVIN_OPS)
            funct = {0: Funct.MVIN, 1: Funct.MVIN2, 2: Funct.MVIN3}[op.ID]
            source = LinearForm(0)
            if op.source is not None:
                source = _dram_address(op.source, op.mixed_offsets)
            return [(funct, source, _dims(op.destination, op.mixed_sizes))]


def _loop_ws(op: instructions.LoopWsOp) -> list[_Command]:
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


def _dims(address: SSAValue | None, sizes: list[Index]) -> LinearForm:
    """A local address with rows and columns (ISA section 3)."""
    rows, cols = (LinearForm.of(size) for size in sizes)
    packed = rows * (1 << encoding.ROWS_SHIFT) + cols * (1 << encoding.COLS_SHIFT)
    if address is None:
        return packed + encoding.GARBAGE_ADDRESS
    return packed + _local_address(address)


def _local_address(address: SSAValue) -> LinearForm:
    """A local address as the hardware decodes it (ISA section 2)."""
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
    elif alloc.placement.data == Placement.INTERLEAVED:
        raise PassFailedException(
            f"{location(op)}: interleaved placement needs static rows; run gemmini-unroll first"
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
    if op.address.type.space.data == Space.ACCUMULATOR:
        form = form + (1 << encoding.ACCUMULATOR_BIT)
    if op.accumulate is not None:
        form = form + LinearForm.of(op.accumulate) * (1 << encoding.ACCUMULATE_BIT)
    if op.full is not None:
        form = form + (1 << encoding.READ_FULL_BIT)
    return form


def _dram_address(value: SSAValue, offsets: list[Index]) -> LinearForm:
    """Byte address of the element at `offsets` of a memref."""
    form = _base_address(value)
    type_ = _memref_type(value)
    for offset, stride in zip(offsets, _strides(type_), strict=True):
        form = form + LinearForm.of(offset) * (stride * _element_bytes(type_))
    return form


def _base_address(value: SSAValue) -> LinearForm:
    """Byte address of the first element, through subviews down to the memref itself."""
    owner = value.owner
    if isinstance(owner, memref.CastOp):
        return _base_address(owner.source)
    if isinstance(owner, memref.SubviewOp):
        type_ = _memref_type(owner.source)
        form = _base_address(owner.source)
        dynamic = iter(owner.offsets)
        for static, stride in zip(owner.static_offsets.get_values(), _strides(type_), strict=True):
            offset: Index = next(dynamic) if static == DYNAMIC_INDEX else int(static)
            form = form + LinearForm.of(offset) * (stride * _element_bytes(type_))
        return form
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
