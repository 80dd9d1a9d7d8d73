"""Attributes of the `gemmini` dialect: configuration, schedule and the enumerations they use."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

from xdsl.dialects.builtin import IntegerType
from xdsl.dialects.utils import EnumAttribute
from xdsl.ir import Data, SpacedOpaqueSyntaxAttribute
from xdsl.irdl import irdl_attr_definition
from xdsl.parser import AttrParser
from xdsl.printer import Printer
from xdsl.utils.str_enum import StrEnum

from gemmini_xdsl.hardware import ConfigError, GemminiConfig, load_config, preset_names


class Activation(StrEnum):
    """What is applied to an accumulator element before it is scaled (ISA section 7)."""

    NONE = "none"
    RELU = "relu"


class Dataflow(StrEnum):
    """Which operand stays in the array: the weights (B) or the outputs (C)."""

    WS = "ws"
    OS = "os"


class Space(StrEnum):
    """The two local memories."""

    SCRATCHPAD = "scratchpad"
    ACCUMULATOR = "accumulator"


class Lowering(StrEnum):
    """What executes a tile: separate instructions or the LOOP_WS state machine."""

    ISA = "isa"
    LOOP_WS = "loop_ws"


class Placement(StrEnum):
    """How local buffers are placed.

    Slots in banks of their own, slots one after another, or pieces of the matrix that one MVIN
    loads in several banks by turns, so that one piece is loaded while its neighbour is read:
    `interleaved` takes turns in two dimensions, `cyclic` piece by piece.
    """

    BANKED = "banked"
    PACKED = "packed"
    INTERLEAVED = "interleaved"
    CYCLIC = "cyclic"

    @property
    def by_pieces(self) -> bool:
        """Whether a slot is not contiguous: each piece has rows of its own."""
        return self in (Placement.INTERLEAVED, Placement.CYCLIC)


@irdl_attr_definition
class ActivationAttr(EnumAttribute[Activation], SpacedOpaqueSyntaxAttribute):
    """`#gemmini<activation relu>`."""

    name = "gemmini.activation"


@irdl_attr_definition
class DataflowAttr(EnumAttribute[Dataflow], SpacedOpaqueSyntaxAttribute):
    """`#gemmini<dataflow ws>`."""

    name = "gemmini.dataflow"


@irdl_attr_definition
class SpaceAttr(EnumAttribute[Space], SpacedOpaqueSyntaxAttribute):
    """`#gemmini<space scratchpad>`."""

    name = "gemmini.space"


@irdl_attr_definition
class PlacementAttr(EnumAttribute[Placement], SpacedOpaqueSyntaxAttribute):
    """`#gemmini<placement banked>`."""

    name = "gemmini.placement"


@irdl_attr_definition
class ConfigAttr(Data[GemminiConfig]):
    """`#gemmini.config<"zcu102">`, or a name with the parameters that differ from `default`.

    A preset prints as its name alone; any other configuration prints all it changes, so that a
    module never depends on a file: `#gemmini.config<"mine", mesh_rows = 8, mesh_columns = 8>`.
    A module holds it as its attribute `gemmini.config`.
    """

    name = "gemmini.config"

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> GemminiConfig:
        """Parse the text between `<` and `>`; contradictions are parse errors."""
        values: dict[str, int | bool | str] = {}
        with parser.in_angle_brackets():
            start = parser.pos
            name = parser.parse_str_literal()
            while parser.parse_optional_punctuation(","):
                key = parser.parse_identifier()
                parser.parse_punctuation("=")
                values[key] = _parse_parameter_value(parser)
            end = parser.pos
        try:
            if not values:
                if name not in preset_names():
                    raise ConfigError(
                        f"unknown configuration '{name}'; presets are "
                        f"{', '.join(preset_names())}; other hardware is given by its parameters: "
                        f'<"{name}", mesh_rows = 8, mesh_columns = 8>'
                    )
                return load_config(name)
            config = GemminiConfig.from_parameters({"name": name, **values}, f"config '{name}'")
            if name in preset_names() and load_config(name) != config:
                raise ConfigError(f"'{name}' is a preset with other values; choose another name")
            return config
        except ConfigError as error:
            parser.raise_error(str(error), start, end)

    def print_parameter(self, printer: Printer) -> None:
        """Print the name and, unless it is a preset, the parameters that differ from `default`."""
        with printer.in_angle_brackets():
            printer.print_string_literal(self.data.name)
            if self.data.name in preset_names() and load_config(self.data.name) == self.data:
                return
            for key, value in (self.data.differences() or {"opcode": self.data.opcode}).items():
                printer.print_string(f", {key} = ")
                if isinstance(value, bool):
                    printer.print_string("true" if value else "false")
                elif isinstance(value, int):
                    printer.print_string(str(value))
                else:
                    printer.print_string_literal(value)


def _parse_parameter_value(parser: AttrParser) -> int | bool | str:
    text = parser.parse_optional_str_literal()
    if text is not None:
        return text
    flag = parser.parse_optional_boolean()
    if flag is not None:
        return flag
    return parser.parse_integer(allow_boolean=False)


TILE_DIMS = "mnk"
OPERANDS = "abc"

BUFFER_SLOTS = 2
"""Slots of a buffer whose next tile is loaded, or whose last one is stored, meanwhile."""

REARRANGING_FIELDS = ("swap_operands", "transpose_resident", "fold_rows")
"""Fields of a schedule by which another product is computed, or an operand rearranged first."""


@dataclass(frozen=True)
class Schedule:
    """How one matrix product is executed; everything a tuner may choose.

    `tile` is the on-chip tile [m, n, k] in blocks (DIM rows or columns of the array each; k in
    blocks of the configuration's `exact_depth`). `order` is the order of the loops over tiles,
    outermost first (k is always innermost: a partial sum never leaves the accumulator), and
    `inner_order` that of the loops over the blocks of one tile. `double_buffer` names the
    operands that have two slots. `mvin_cols` and `mvout_cols` are the most columns that one
    MVIN of A or B, or one MVOUT, moves. With `unroll` no loop is left: all instructions of the
    product are put in one order at compile time. With `software_pipeline`, too, one loop is left:
    that over tiles, which loads the next tile and stores the one before while it computes one.
    `prefetch_distance` says how many MVINs ahead of their first product its loads are sent; with 0
    they are a whole tile ahead. With `transposed_tiles` a whole product is ordered like that, whose
    tiles along k have a slot each: in the first ones B, a single column, is loaded as a row, which
    takes fewer requests, and transposed by the array, which takes a second pass. `prologue_tiles`
    are computed before the loop of a software pipeline: a second one gives the array work while the
    operand that stays is loaded. With `swap_operands` the product is computed as the transpose of
    B^T A^T, which all other fields speak of: a result of one column then is a row. With
    `transpose_resident` the operand of which the tile holds all is transposed by the array first,
    once: A in the os dataflow, which then can take B as it is stored, transposed; B in the ws
    dataflow, where each product with a new block of it would take a second pass. With
    `fold_rows` several rows of C, which has few columns, are computed as one row that fills the
    width of the array: a tile holds as many blocks of them, of which each takes every so many rows
    of A. C is stored as such rows, and B loaded, which the array unpacks.
    """

    tile: tuple[int, int, int]
    order: str = "mnk"
    inner_order: str = "knm"
    dataflow: Dataflow = Dataflow.WS
    double_buffer: tuple[str, ...] = ()
    mvin_cols: int = 0
    mvout_cols: int = 0
    placement: Placement = Placement.BANKED
    lowering: Lowering = Lowering.ISA
    unroll: bool = False
    software_pipeline: bool = False
    prefetch_distance: int = 0
    transposed_tiles: int = 0
    prologue_tiles: int = 1
    swap_operands: bool = False
    transpose_resident: bool = False
    fold_rows: bool = False

    @property
    def rearranges(self) -> bool:
        """Whether one of `REARRANGING_FIELDS` is set."""
        return any(getattr(self, key) for key in REARRANGING_FIELDS)

    def slots(self, operand: str) -> int:
        """Slots of the local buffer of `operand` ("a", "b" or "c")."""
        return BUFFER_SLOTS if operand in self.double_buffer else 1

    def problem(self) -> str | None:
        """The first rule that the fields break whatever the hardware, or None."""
        if len(self.tile) != len(TILE_DIMS) or any(size < 1 for size in self.tile):
            return f"tile must be three sizes [m, n, k] of at least 1 block, got {self.tile}"
        for key in ("order", "inner_order"):
            if sorted(getattr(self, key)) != sorted(TILE_DIMS):
                return f'{key} must be a permutation of "mnk", got "{getattr(self, key)}"'
        if self.order[-1] != "k":
            return (
                f'order must end in k, got "{self.order}": partial sums stay in the accumulator '
                "until k is done"
            )
        wrong = [name for name in self.double_buffer if name not in OPERANDS or len(name) != 1]
        if wrong or len(set(self.double_buffer)) != len(self.double_buffer):
            return f'double_buffer must list "a", "b", "c" at most once, got {self.double_buffer}'
        for key in ("mvin_cols", "mvout_cols", "prefetch_distance", "transposed_tiles"):
            if getattr(self, key) < 0:
                return f"{key} must not be negative, got {getattr(self, key)}"
        if self.unroll and self.lowering != Lowering.ISA:
            return "unroll orders separate instructions: it needs lowering = isa"
        if self.software_pipeline and not self.unroll:
            return "software_pipeline orders the instructions of one tile: it needs unroll = true"
        if self.placement.by_pieces and not self.unroll:
            return (
                f"placement = {self.placement} needs unroll = true: it has no row that loops can "
                "add to"
            )
        for key in REARRANGING_FIELDS:
            if getattr(self, key) and self.lowering != Lowering.ISA:
                return f"{key} takes separate instructions: it needs lowering = isa"
        if (self.prefetch_distance > 0) != (self.placement == Placement.CYCLIC):
            return (
                "prefetch_distance and placement = cyclic need each other: what is loaded must lie "
                "in another bank than what is read"
            )
        if self.transposed_tiles and (self.software_pipeline or not self.prefetch_distance):
            return (
                "transposed_tiles are those of a whole product: they need a prefetch_distance and "
                "no software_pipeline"
            )
        if self.fold_rows and not (self.software_pipeline and self.prefetch_distance):
            return (
                "fold_rows: its loads keep the pace of a software pipeline: it needs "
                "software_pipeline = true and a prefetch_distance"
            )
        if self.prefetch_distance and not (
            self.software_pipeline or self.transposed_tiles or self.transpose_resident
        ):
            return (
                "prefetch_distance needs software_pipeline = true, transposed_tiles or "
                "transpose_resident = true"
            )
        return self._prologue_problem()

    def _prologue_problem(self) -> str | None:
        tiles, most = self.prologue_tiles, BUFFER_SLOTS
        if not 1 <= tiles <= most:
            return f"prologue_tiles must be 1 to {most}, each with slots of its own, got {tiles}"
        if self.prologue_tiles > 1 and not self.software_pipeline:
            return "prologue_tiles are those of a pipeline: they need software_pipeline = true"
        if self.prologue_tiles > 1 and self.prefetch_distance:
            return (
                "prologue_tiles: with a prefetch_distance loads keep the pace of one tile's "
                "products; choose one of them"
            )
        return None


@irdl_attr_definition
class ScheduleAttr(Data[Schedule]):
    """`#gemmini.schedule<tile = [4, 4, 13], dataflow = ws, double_buffer = ["a", "b"]>`.

    Fields that hold their default are not printed; `tile` always is.
    """

    name = "gemmini.schedule"

    _enums: ClassVar[dict[str, type[StrEnum]]] = {
        "dataflow": Dataflow,
        "placement": Placement,
        "lowering": Lowering,
    }

    @classmethod
    def parse_parameter(cls, parser: AttrParser) -> Schedule:
        """Parse `key = value` pairs between `<` and `>`."""
        values: dict[str, object] = {}
        known = [field.name for field in fields(Schedule)]

        def parse_field() -> None:
            start = parser.pos
            key = parser.parse_identifier()
            if key not in known:
                parser.raise_error(
                    f"unknown schedule field '{key}'; fields are {', '.join(known)}",
                    start,
                    parser.pos,
                )
            if key in values:
                parser.raise_error(f"schedule field '{key}' is given twice", start, parser.pos)
            parser.parse_punctuation("=")
            values[key] = cls._parse_value(parser, key)

        start = parser.pos
        parser.parse_comma_separated_list(parser.Delimiter.ANGLE, parse_field)
        if "tile" not in values:
            parser.raise_error("a schedule needs a tile, such as tile = [4, 4, 4]", start)
        schedule = Schedule(**values)  # type: ignore[arg-type]
        if (problem := schedule.problem()) is not None:
            parser.raise_error(problem, start, parser.pos)
        return schedule

    @classmethod
    def _parse_value(cls, parser: AttrParser, key: str) -> object:
        if key == "tile":
            sizes = parser.parse_comma_separated_list(
                parser.Delimiter.SQUARE, lambda: parser.parse_integer(allow_boolean=False)
            )
            return tuple(sizes)
        if key == "double_buffer":
            return tuple(
                parser.parse_comma_separated_list(parser.Delimiter.SQUARE, parser.parse_str_literal)
            )
        if key in cls._enums:
            return parser.parse_str_enum(cls._enums[key])
        if key in ("order", "inner_order"):
            return parser.parse_str_literal()
        if isinstance(getattr(Schedule, key, None), bool):
            return parser.parse_boolean()
        return parser.parse_integer(allow_boolean=False)

    def print_parameter(self, printer: Printer) -> None:
        """Print the fields that differ from their defaults."""
        defaults = {field.name: field.default for field in fields(Schedule)}
        with printer.in_angle_brackets():
            printed = [
                f"{key} = {_format_field(getattr(self.data, key))}"
                for key in defaults
                if getattr(self.data, key) != defaults[key]
            ]
            printer.print_string(", ".join(printed))


def _format_field(value: object) -> str:
    if isinstance(value, StrEnum):
        return str(value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, Sequence):
        return "[" + ", ".join(_format_field(item) for item in value) + "]"
    return str(value)


INPUT_TYPE = IntegerType(8)
ACC_TYPE = IntegerType(32)
