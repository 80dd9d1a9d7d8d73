"""The commands of an unrolled product, straight from the loops.

Such a product, or a tile of it, is a list of a thousand instructions. Making operations of
them, turning each into arithmetic, cleaning that up and executing it would take longer than
everything else of a trial.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from xdsl.dialects import func, memref, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.ir import Block, Operation, OpResult, SSAValue

from gemmini_xdsl.dialects.bounds import constant_value
from gemmini_xdsl.dialects.isa import ISA_OPS, FenceOp, LocalAddressOp
from gemmini_xdsl.dialects.tile import UnrollOp
from gemmini_xdsl.hardware import encoding
from gemmini_xdsl.passes.constant_evaluation import evaluate
from gemmini_xdsl.passes.convert_gemmini_to_rocc import (
    address_flags,
    base_address,
    byte_strides,
    command_of,
    commands_of,
)
from gemmini_xdsl.passes.gemmini_list_schedule import configs_before, order_region
from gemmini_xdsl.passes.index_arithmetic import is_pure, loop_range
from gemmini_xdsl.passes.linear_form import MODULUS, LinearForm
from gemmini_xdsl.passes.straight_line import Instruction, LocalAddress, RunTimeNumber
from gemmini_xdsl.passes.unrolling import execute, unroll
from gemmini_xdsl.targets.command_stream import (
    Command,
    CommandStream,
    constants_of,
    place_arguments_of,
    select_function,
)
from gemmini_xdsl.targets.core_copies import core_copies, is_core_copy


def straight_line_commands(module: ModuleOp) -> CommandStream | None:
    """The commands of a module's only function, in which only `gemmini.unroll` has loops, or is
    all that they repeat.

    They are those that the passes from `gemmini-unroll` on, and `command_stream`, give. None for
    a function of any other kind. Raises `PassFailedException` as those passes do.
    """
    function = select_function(module, None)
    if len(function.body.blocks) > 1:
        return None
    for op in function.body.ops:
        if isinstance(op, func.CallOp):
            return None
        if isinstance(op, UnrollOp) or _kernel_of(op) is not None or _only_instructions(op):
            continue
        if is_core_copy(op):
            continue
        if op.regions:
            return None
    placements, numbered, buffers = place_arguments_of(module, function)
    addresses: dict[SSAValue, int] = {
        function.body.block.args[number]: address for number, address in numbered.items()
    }
    globals_: dict[str, int] = {}
    for op in function.body.walk():
        if isinstance(op, memref.GetGlobalOp):
            name = op.name_.string_value()
            if name not in globals_:
                globals_[name] = buffers.allocate_memref(op.memref.type, op.name)
            addresses[op.memref] = globals_[name]
        elif isinstance(op, memref.AllocOp):
            addresses[op.memref] = buffers.allocate_memref(op.memref.type, op.name)
    encoder = _Encoder(addresses)
    code: list[Instruction] = []
    numbers: dict[SSAValue, int] = {}
    for op in list(function.body.block.ops):
        if is_core_copy(op):
            continue
        if isinstance(op, scf.ForOp):
            code += _repeated(op) if _kernel_of(op) is not None else _unrolled(op)
        elif isinstance(op, UnrollOp) and op.kernel is not None:
            code += _Kernel(_ordered(op, [])).instructions(numbers)
        elif isinstance(op, UnrollOp):
            before = configs_before(op)
            del code[len(code) - len(before) :]
            code += _ordered(op, before)
        elif isinstance(op, ISA_OPS) and not isinstance(op, LocalAddressOp):
            code.append(Instruction(op))
        elif op.results and (value := _evaluated(op, numbers)) is not None:
            numbers[op.results[0]] = value
    items: list[Command | None] = []
    for instruction in code:
        if isinstance(instruction.op, FenceOp):
            items.append(None)
        else:
            items.extend(encoder.commands(instruction))
    constants = constants_of(module, globals_)
    copies = core_copies(function, lambda op: addresses[op.memref])
    return CommandStream(placements, tuple(items), constants=constants, copies=copies)


def _kernel_of(op: Operation) -> UnrollOp | None:
    """The kernel that `op`, a loop, repeats."""
    if not isinstance(op, scf.ForOp) or loop_range(op) is None or op.iter_args:
        return None
    kernel: UnrollOp | None = None
    for inner in op.body.block.ops:
        if isinstance(inner, UnrollOp) and inner.kernel is not None and kernel is None:
            kernel = inner
        elif inner.regions or not (is_pure(inner) or isinstance(inner, scf.YieldOp)):
            return None
    return kernel


def _repeated(loop: scf.ForOp) -> Iterator[Instruction]:
    """What a loop over a kernel issues."""
    kernel, iterations = _kernel_of(loop), loop_range(loop)
    assert kernel is not None
    assert iterations is not None
    ordered = _Kernel(_ordered(kernel, []))
    for iteration in iterations:
        numbers: dict[SSAValue, int] = {loop.body.block.args[0]: iteration}
        for op in loop.body.block.ops:
            if op.results:
                value = _evaluated(op, numbers)
                assert value is not None
                numbers[op.results[0]] = value
        yield from ordered.instructions(numbers)


def _only_instructions(op: Operation) -> bool:
    """Whether `op` is a loop over instructions and arithmetic, so often as is known."""
    if not isinstance(op, scf.ForOp) or loop_range(op) is None or op.iter_args:
        return False
    return all(
        isinstance(inner, (*ISA_OPS, scf.YieldOp)) or (not inner.regions and is_pure(inner))
        for inner in op.body.block.ops
    )


def _unrolled(loop: scf.ForOp) -> list[Instruction]:
    """What a loop over instructions issues."""
    return execute(Block([loop.clone()])).instructions


def _ordered(region: UnrollOp, before: list[Instruction]) -> list[Instruction]:
    """What a region issues, in order."""
    return order_region(region, before, unroll(region.body.block).instructions)


def _evaluated(op: Operation, numbers: Mapping[SSAValue, int]) -> int | None:
    operands: list[int] = []
    for operand in op.operands:
        constant = constant_value(operand)
        if constant is None and operand not in numbers:
            return None
        operands.append(numbers[operand] if constant is None else constant)
    return evaluate(op, operands)


class _Kernel:
    """Instructions of a kernel, in order, for any numbers that are known at run time only.

    The same numbers of slots give the same instructions and addresses, which are encoded once.
    """

    def __init__(self, ordered: Iterable[Instruction]):
        self._ordered = list(ordered)
        self._instructions: dict[tuple[Instruction, tuple[int, ...]], Instruction] = {}
        self._addresses: dict[tuple[LocalAddress, int], LocalAddress] = {}

    def instructions(self, numbers: Mapping[SSAValue, int]) -> Iterator[Instruction]:
        """What the kernel issues."""

        def number(value: int | RunTimeNumber) -> int:
            return value if isinstance(value, int) else numbers[value.value] + value.constant

        for instruction in self._ordered:
            slots = tuple(number(a.slot) for a in instruction.addresses if a is not None)
            key = (instruction, slots)
            known = self._instructions.get(key)
            if known is None:
                addresses = tuple(self._address(old, number) for old in instruction.addresses)
                known = replace(instruction, addresses=addresses)
                self._instructions[key] = known
            if known.offsets:
                known = replace(known, offsets=tuple(number(offset) for offset in known.offsets))
            yield known

    def _address(
        self, old: LocalAddress | None, number: Callable[[int | RunTimeNumber], int]
    ) -> LocalAddress | None:
        if old is None or isinstance(old.slot, int):
            return old
        key = (old, number(old.slot))
        if key not in self._addresses:
            self._addresses[key] = replace(old, slot=key[1])
        return self._addresses[key]


class _Encoder:
    """Packs the operands of instructions, for memory at known addresses."""

    def __init__(self, memory: Mapping[SSAValue, int]):
        self._memory = memory
        self._addresses: dict[LocalAddress | None, int] = {None: encoding.GARBAGE_ADDRESS}
        self._matrices: dict[SSAValue, tuple[int, list[int]]] = {}
        self._commands: dict[Instruction, list[Command]] = {}

    def commands(self, code: Instruction) -> list[Command]:
        """The commands of one instruction."""
        if code.matrix is not None:
            dram, strides = self._matrix(code.matrix)
            for offset, stride in zip(code.offsets, strides, strict=True):
                assert isinstance(offset, int)
                dram += offset * stride
            return [self._transfer(code, dram)]
        if code not in self._commands:
            self._commands[code] = self._without_memory(code)
        return self._commands[code]

    def _without_memory(self, code: Instruction) -> list[Command]:
        if code.addresses:
            return [self._transfer(code, 0)]
        return [
            Command(funct, self._value(rs1), self._value(rs2), funct.mnemonic)
            for funct, rs1, rs2 in commands_of(code.op)
        ]

    def _transfer(self, code: Instruction, dram: int) -> Command:
        sizes = iter(code.sizes)
        tiles = [(self._address(address), next(sizes), next(sizes)) for address in code.addresses]
        command, first, second = command_of(code.op, dram, tiles)
        return Command(command, first, second, command.mnemonic)

    def _address(self, address: LocalAddress | None) -> int:
        found = self._addresses.get(address)
        if found is None:
            assert address is not None
            accumulate = address.accumulate << encoding.ACCUMULATE_BIT
            found = address.local_row() + accumulate + address_flags(address.op)
            self._addresses[address] = found
        return found

    def _matrix(self, matrix: SSAValue) -> tuple[int, list[int]]:
        """Where a matrix begins, and its strides in bytes."""
        if matrix not in self._matrices:
            self._matrices[matrix] = self._value(base_address(matrix)), byte_strides(matrix)
        return self._matrices[matrix]

    def _value(self, form: LinearForm) -> int:
        total = form.constant
        for value, factor in form.terms:
            total += factor * self._memory[_memory_of(value)]
        return total % MODULUS


def _memory_of(pointer: SSAValue) -> SSAValue:
    """The argument, the buffer or the global whose address `pointer` is."""
    assert isinstance(pointer, OpResult)
    extract: Operation = pointer.op
    assert isinstance(extract, memref.ExtractAlignedPointerAsIndexOp)
    return extract.source
