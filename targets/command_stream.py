"""`-t gemmini-commands`: the commands that a function issues, as flat text.

The format, one item a line:

    # anything            a comment
    funct rs1 rs2 ; name  a command: three hexadecimal numbers, and its mnemonic for readers
    fence                 wait until all commands before it are complete

Addresses of arguments and buffers are assigned from `base` upwards in order, on cache lines; the
comments at the head list them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import IO, Any, ClassVar, NamedTuple

import numpy.typing as npt
from xdsl.context import Context
from xdsl.dialects import func, memref
from xdsl.dialects.builtin import MemRefType, ModuleOp
from xdsl.utils.target import Target

from gemmini_xdsl.dialects.config_lookup import module_config
from gemmini_xdsl.passes.constant_globals import initial_contents
from gemmini_xdsl.targets.arguments import Argument, arguments_of, functions, is_public
from gemmini_xdsl.targets.command_program import Buffers, Program
from gemmini_xdsl.targets.command_slice import TARGET
from gemmini_xdsl.targets.command_translator import BITS, FENCE
from gemmini_xdsl.targets.core_copies import COPY_CYCLES, CoreCopy, core_copies
from gemmini_xdsl.targets.errors import TargetError

DEFAULT_BASE = 0x8000_0000
MAX_COMMANDS = 1 << 26
"""Longer streams are refused: they would not fit into memory."""


class Command(NamedTuple):
    """One custom instruction with its operands, and where its operation stands if that is known."""

    funct: int
    rs1: int
    rs2: int
    mnemonic: str
    location: str = ""


@dataclass(frozen=True)
class Placement:
    """An argument and its DRAM address."""

    argument: Argument
    address: int


@dataclass(frozen=True, eq=False)
class Constant:
    """What the program holds at a DRAM address."""

    contents: npt.NDArray[Any]
    address: int


@dataclass(frozen=True)
class CommandStream:
    """All that a function issues; `None` stands for a fence.

    `constants` are what it reads beside its arguments, and `copies` what the core writes of these
    before. `core_cycles` are the cycles that the core
    needs for each item since the one before, if they have been counted
    (`gemmini_xdsl.targets.core_cycles`).
    """

    placements: tuple[Placement, ...]
    items: tuple[Command | None, ...]
    core_cycles: tuple[int, ...] | None = None
    constants: tuple[Constant, ...] = ()
    copies: tuple[CoreCopy, ...] = ()

    @property
    def copy_cycles(self) -> int:
        """What the core needs for the `copies`, about."""
        return COPY_CYCLES * sum(len(copy.elements) for copy in self.copies)


def command_stream(
    module: ModuleOp,
    function: str | None = None,
    base: int = DEFAULT_BASE,
    *,
    core_cycles: bool = False,
) -> CommandStream:
    """The commands of `function` (by default the only public one).

    `core_cycles` tells whether to count these. Raises `TargetError` if commands depend on data or
    on scalar arguments.
    """
    op = select_function(module, function)
    placements, addresses, buffers = place_arguments_of(module, op, base)
    items: list[Command | None] = []
    program = Program(module, op.sym_name.data, buffers, core_cycles=core_cycles)
    core, times = program.core, [0]

    def issue(item: Command | None) -> None:
        items.append(item)
        times.append(core[0])

    program.run(addresses, lambda *fields: issue(Command(*fields)), lambda: issue(None))
    gaps = tuple(later - earlier for earlier, later in pairwise(times)) if core_cycles else None
    constants = constants_of(module, program.global_addresses())
    copies = core_copies(op, program.address_of)
    return CommandStream(placements, tuple(items), gaps, constants, copies)


def place_arguments(
    module: ModuleOp, function: str | None = None, base: int = DEFAULT_BASE
) -> tuple[Placement, ...]:
    """Where `command_stream` places the arguments of `function`."""
    return place_arguments_of(module, select_function(module, function), base)[0]


def count_instructions(module: ModuleOp, function: str | None = None) -> dict[str, int]:
    """How many instructions `function` issues, by mnemonic in alphabetical order.

    A fence counts as `fence`. Raises `DataDependentError` if the number depends on data, and
    `TooLongError` if it cannot be found in reasonable time.
    """
    op = select_function(module, function)
    _, addresses, buffers = place_arguments_of(module, op)
    counts = Program(module, op.sym_name.data, buffers, operands=False).count(addresses)
    return dict(sorted(counts.items()))


def select_function(module: ModuleOp, name: str | None) -> func.FuncOp:
    """The function called `name`, or the only public one. Raises `TargetError`."""
    candidates = [op for op in functions(module) if op.body.blocks]
    if name is not None:
        for op in candidates:
            if op.sym_name.data == name:
                return op
        known = ", ".join(op.sym_name.data for op in candidates) or "none"
        raise TargetError(f"{TARGET}: no function '{name}'; the module has {known}")
    public = [op for op in candidates if is_public(op)]
    if len(public) != 1:
        known = ", ".join(op.sym_name.data for op in public) or "none"
        raise TargetError(
            f"{TARGET}: the module has {len(public)} public functions ({known}); "
            "choose one with function=NAME"
        )
    return public[0]


def place_arguments_of(
    module: ModuleOp, op: func.FuncOp, base: int = DEFAULT_BASE
) -> tuple[tuple[Placement, ...], dict[int, int], Buffers]:
    """The arguments of `op` in DRAM, their addresses by number, and the addresses behind them."""
    if not 0 < base < 1 << BITS:
        raise TargetError(f"{TARGET}: base must be a positive {BITS}-bit address, got {base}")
    buffers = Buffers(base, module_config(module).l2_line_bytes)
    placements: list[Placement] = []
    addresses: dict[int, int] = {}
    for block_argument, argument in zip(op.body.block.args, arguments_of(op), strict=True):
        if isinstance(block_argument.type, MemRefType):
            what = f"@{op.sym_name.data}: argument '{argument.name}'"
            address = buffers.allocate_memref(block_argument.type, what)
            addresses[block_argument.index] = address
            placements.append(Placement(argument, address))
    return tuple(placements), addresses, buffers


def constants_of(module: ModuleOp, addresses: Mapping[str, int]) -> tuple[Constant, ...]:
    """What the program holds at the `addresses` of globals, given by their names."""
    return tuple(
        Constant(contents, addresses[op.sym_name.data])
        for op in module.ops
        if isinstance(op, memref.GlobalOp) and op.sym_name.data in addresses
        if (contents := initial_contents(op)) is not None
    )


def format_stream(module: ModuleOp, function: str, stream: CommandStream) -> Iterator[str]:
    """The lines of the text format, each with its line end."""
    config = module_config(module)
    yield f"# Commands of @{function} for {config.name} ({config.digest}): funct rs1 rs2 ; name\n"
    for placement in stream.placements:
        argument = placement.argument
        shape = "x".join(str(size) for size in argument.shape or ())
        yield (
            f"# {argument.name} = {placement.address:#x} "
            f"({argument.role} {argument.dtype} {shape})\n"
        )
    for constant in stream.constants:
        contents = constant.contents
        shape = "x".join(map(str, contents.shape))
        what = f"constant {contents.dtype} {shape}"
        yield f"# {constant.address:#x} ({what}): {contents.tobytes().hex()}\n"
    for copy in stream.copies:
        name = stream.placements[copy.argument].argument.name
        elements = " ".join(map(str, copy.elements))
        yield f"# {copy.address:#x} (elements of {name}, copied by the core): {elements}\n"
    for item in stream.items:
        if item is None:
            yield f"{FENCE}\n"
        else:
            comment = f" ; {item.mnemonic}" if item.mnemonic else ""
            yield f"{item.funct:#04x} {item.rs1:#018x} {item.rs2:#018x}{comment}\n"


@dataclass(frozen=True)
class GemminiCommandsTarget(Target):
    """The flat command stream of one function.

    Options: `function` (default: the only public one) and `base`, the address of the first
    argument as a number or as a string such as `"0x80000000"`.
    """

    name: ClassVar[str] = TARGET

    function: str | None = None
    base: int | str = DEFAULT_BASE

    def emit(self, ctx: Context, module: ModuleOp, output: IO[str]) -> None:
        """Write the stream. Raises `TargetError` if there is no one stream."""
        try:
            base = int(self.base, 0) if isinstance(self.base, str) else self.base
        except ValueError:
            raise TargetError(f"{TARGET}: base must be an address, got '{self.base}'") from None
        function = select_function(module, self.function).sym_name.data
        stream = command_stream(module, function, base)
        output.writelines(format_stream(module, function, stream))
