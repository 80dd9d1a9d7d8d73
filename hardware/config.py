"""`GemminiConfig`: everything the compiler, the runtime and the simulator know about one Gemmini.

A configuration is a flat record of hardware parameters. It is written as TOML (a preset shipped
in `hardware/presets/`, or a user's file), checked as a whole, and identified by its digest.
No other module holds a hardware number.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import tomllib
from dataclasses import dataclass, field
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any

from gemmini_xdsl.hardware.validation import ConfigError, validate


def _parameter(doc: str, default: Any) -> Any:
    return field(default=default, metadata={"doc": doc})


@dataclass(frozen=True)
class GemminiConfig:
    """Parameters of one Gemmini instance; the defaults are upstream's `defaultConfig`.

    Sizes are in the unit that the name states (KiB, bytes, bits, rows, cycles). Constructing an
    inconsistent configuration raises `ConfigError`.
    """

    name: str = _parameter("name under which the configuration is known", "default")

    # Array
    mesh_rows: int = _parameter("tiles in one column of the mesh", 16)
    mesh_columns: int = _parameter("tiles in one row of the mesh", 16)
    tile_rows: int = _parameter("PEs in one column of a combinational tile", 1)
    tile_columns: int = _parameter("PEs in one row of a combinational tile", 1)
    dataflow: str = _parameter("dataflows the array is built for: ws, os or both", "both")
    tile_latency: int = _parameter("extra pipeline registers between tiles", 0)
    mesh_output_delay: int = _parameter("registers behind the mesh outputs", 1)
    max_simultaneous_matmuls: int = _parameter("matmuls that may be inside the mesh", 5)

    # Element types
    input_type: str = _parameter("element type of A, B and of the scratchpad", "int8")
    acc_type: str = _parameter("element type of the accumulator", "int32")
    array_bits: int = _parameter("width of partial sums inside the array, in bits", 20)

    # Local memories
    scratchpad_kib: int = _parameter("scratchpad capacity, in KiB", 256)
    scratchpad_banks: int = _parameter("scratchpad banks", 4)
    scratchpad_single_ported: bool = _parameter("a bank reads or writes in one cycle", True)
    accumulator_kib: int = _parameter("accumulator capacity, in KiB", 64)
    accumulator_banks: int = _parameter("accumulator banks", 2)
    accumulator_single_ported: bool = _parameter("an accumulator bank has one port", False)
    accumulator_sub_banks: int = _parameter("sub-banks of a single-ported accumulator", 1)
    scratchpad_read_delay: int = _parameter("registers behind a scratchpad read", 4)
    accumulator_latency: int = _parameter("cycles of an accumulator write", 2)

    # Direct memory access
    dma_max_bytes: int = _parameter("largest memory request, in bytes", 64)
    dma_bus_bits: int = _parameter("width of the memory port, in bits", 128)
    max_in_flight_requests: int = _parameter("memory reads (and writes) in flight", 16)
    tlb_entries: int = _parameter("entries of the shared TLB", 4)
    tlb_register_filter: bool = _parameter("one page register in front of the TLB", True)

    # Front end
    opcode: int = _parameter("RoCC custom opcode number: 3 is custom-3", 3)
    load_entries: int = _parameter("load entries of the reservation station", 8)
    store_entries: int = _parameter("store entries of the reservation station", 4)
    execute_entries: int = _parameter("execute entries of the reservation station", 16)
    load_queue_length: int = _parameter("commands queued before the load controller", 8)
    store_queue_length: int = _parameter("commands queued before the store controller", 2)
    execute_queue_length: int = _parameter("commands queued before the execute controller", 8)
    serial_stores: bool = _parameter(
        "one store executes at a time (RTL of 2025); false: stores overlap (RTL of 2023)", False
    )
    num_counters: int = _parameter("performance counters; 0: COUNTER never answers", 8)

    # Scaling
    has_mvin_scale: bool = _parameter("MVIN scales int8 elements", True)
    mvin_scale_units: int = _parameter("multipliers of the MVIN scale unit", 4)
    mvin_scale_latency: int = _parameter("cycles of an MVIN scale multiplier", 4)
    acc_scale_units: int = _parameter("multipliers of the store scale unit; -1: one a column", -1)
    acc_scale_latency: int = _parameter("cycles of a store scale multiplier", 8)

    # Features
    has_loop_ws: bool = _parameter("the LOOP_WS matmul FSM exists", True)
    has_loop_conv_ws: bool = _parameter("the LOOP_CONV_WS convolution FSM exists", True)
    has_training_convs: bool = _parameter("rotated, transposed and dilated convolutions", True)
    has_dw_convs: bool = _parameter("depthwise convolutions", True)
    has_max_pool: bool = _parameter("pooled MVOUT", True)
    has_normalizations: bool = _parameter("layer normalisation, softmax and GELU", False)
    has_first_layer_optimizations: bool = _parameter("MVIN pixel repeats", True)
    acc_read_full_width: bool = _parameter("MVOUT can store raw accumulator elements", True)
    acc_read_small_width: bool = _parameter("MVOUT can store scaled input elements", True)
    ex_read_from_acc: bool = _parameter("the array can read operands from the accumulator", True)
    ex_write_to_spad: bool = _parameter("the array can write results to the scratchpad", True)
    hardcode_d_to_garbage: bool = _parameter("COMPUTE ignores D (WS)", False)

    # System on chip
    clock_mhz: int = _parameter("clock of core and accelerator, in MHz", 500)
    core_l1_kib: int = _parameter("data cache of the core, in KiB (sample SoC)", 16)
    l2_kib: int = _parameter("L2 capacity, in KiB", 512)
    l2_ways: int = _parameter("L2 ways", 8)
    l2_line_bytes: int = _parameter("L2 line, in bytes", 64)
    l2_hit_latency: int = _parameter(
        "cycles from a request at the L2 to its first beat (RTL recordings)", 6
    )
    l2_mshrs: int = _parameter("L2 misses in flight: 12 less those kept for releases", 10)
    l2_miss_latency: int = _parameter(
        "cycles that a miss adds for the end of its line, with next-cycle DRAM (RTL figures)", 11
    )
    l2_permission_interval: int = _parameter(
        "cycles per 16 misses of writes of whole lines, which read nothing (RTL recordings)", 94
    )
    dram_latency: int = _parameter("cycles added to the next-cycle first beat of DRAM", 0)
    dram_bus_bytes: int = _parameter("DRAM port, in bytes a cycle", 8)

    def __post_init__(self) -> None:
        validate(self)

    # -- derived quantities -------------------------------------------------------------------

    @property
    def dim(self) -> int:
        """Rows and columns of the array, and elements in a row of local memory (DIM)."""
        return self.mesh_rows * self.tile_rows

    @property
    def input_bytes(self) -> int:
        """Bytes of one scratchpad element."""
        return 1

    @property
    def acc_bytes(self) -> int:
        """Bytes of one accumulator element."""
        return 4

    @property
    def scratchpad_rows(self) -> int:
        """Rows of the scratchpad, DIM elements each."""
        return self.scratchpad_kib * 1024 // (self.dim * self.input_bytes)

    @property
    def scratchpad_bank_rows(self) -> int:
        """Rows of one scratchpad bank."""
        return self.scratchpad_rows // self.scratchpad_banks

    @property
    def accumulator_rows(self) -> int:
        """Rows of the accumulator, DIM elements each."""
        return self.accumulator_kib * 1024 // (self.dim * self.acc_bytes)

    @property
    def accumulator_bank_rows(self) -> int:
        """Rows of one accumulator bank."""
        return self.accumulator_rows // self.accumulator_banks

    @property
    def l2_bytes(self) -> int:
        """Capacity of the L2."""
        return self.l2_kib * 1024

    @property
    def row_bits(self) -> int:
        """Width of the row field of a local address (ISA section 2)."""
        return (max(self.scratchpad_rows, self.accumulator_rows) - 1).bit_length()

    @property
    def max_block_cols(self) -> int:
        """DIM-column blocks that one MVIN or MVOUT of `input_type` moves (MAX_BLOCK_LEN)."""
        return max(1, self.dma_max_bytes // (self.dim * self.input_bytes))

    @property
    def max_block_cols_acc(self) -> int:
        """DIM-column blocks that one full-width MVIN into the accumulator moves."""
        return max(1, self.dma_max_bytes // (self.dim * self.acc_bytes))

    @property
    def exact_depth(self) -> int:
        """Largest depth (K) of one product whose sums cannot leave `array_bits` (ISA section 6).

        Every product of two int8 values is at most 2^14; the bound is DIM on all arrays up to
        16x16 and 31 on a 32x32 array with 20-bit sums.
        """
        largest_product = 1 << (2 * (8 * self.input_bytes - 1))
        return min(self.dim, ((1 << (self.array_bits - 1)) - 1) // largest_product)

    def supports_dataflow(self, dataflow: str) -> bool:
        """Whether the array was built for `dataflow` ("ws" or "os")."""
        return self.dataflow in ("both", dataflow)

    @cached_property
    def digest(self) -> str:
        """First 16 hex digits of the SHA-256 of all parameters but the name.

        Artifacts carry it, so that a kernel built for another hardware is noticed at start.
        """
        values = self.parameters()
        del values["name"]
        text = json.dumps(values, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    # -- conversion ---------------------------------------------------------------------------

    def parameters(self) -> dict[str, int | bool | str]:
        """All parameters by name, in declaration order."""
        return dataclasses.asdict(self)

    def differences(self) -> dict[str, int | bool | str]:
        """The parameters (name excepted) whose values differ from upstream's default."""
        defaults = {f.name: f.default for f in dataclasses.fields(self)}
        return {
            key: value
            for key, value in self.parameters().items()
            if key != "name" and value != defaults[key]
        }

    @staticmethod
    def from_parameters(values: dict[str, Any], source: str) -> GemminiConfig:
        """A configuration from `values`; `source` names their origin in messages.

        Raises `ConfigError` for unknown names, wrong types and contradictions.
        """
        known = {f.name: f for f in dataclasses.fields(GemminiConfig)}
        for key, value in values.items():
            if key not in known:
                raise ConfigError(
                    f"{source}: unknown parameter '{key}'; known parameters are "
                    f"{', '.join(sorted(known))}"
                )
            expected = type(known[key].default)
            if type(value) is not expected:
                raise ConfigError(
                    f"{source}: parameter '{key}' must be {_type_name(expected)}, got {value!r}"
                )
        try:
            return GemminiConfig(**values)
        except ConfigError as error:
            raise ConfigError(f"{source}: {error}") from None


def _type_name(type_: type) -> str:
    return {int: "an integer", bool: "true or false", str: "a string"}[type_]


def preset_names() -> list[str]:
    """Names of the configurations shipped with the package, sorted."""
    folder = resources.files("gemmini_xdsl.hardware") / "presets"
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    )


def load_config(name_or_path: str) -> GemminiConfig:
    """The preset called `name_or_path`, or the configuration in the file of that path.

    Whatever ends in `.toml` or `.h` or contains a slash is a path. A `.h` is a `gemmini_params.h`
    (`params_header`), completed from upstream's default; a TOML file may name one as
    `params_header`, relative to itself, and state what the header does not. Raises `ConfigError`.
    """
    if name_or_path.endswith(".h"):
        from gemmini_xdsl.hardware.params_header import read_params_header

        return read_params_header(Path(name_or_path))
    if name_or_path.endswith(".toml") or "/" in name_or_path:
        path = Path(name_or_path)
        try:
            text = path.read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "not a text file"
            raise ConfigError(f"{path}: cannot read the configuration: {reason}") from None
        return parse_config(text, str(path), path.stem, path.parent)
    if name_or_path not in preset_names():
        raise ConfigError(
            f"unknown configuration '{name_or_path}'; presets are "
            f"{', '.join(preset_names())}, or give the path of a .toml file"
        )
    file = resources.files("gemmini_xdsl.hardware") / "presets" / f"{name_or_path}.toml"
    return parse_config(file.read_text(), f"preset '{name_or_path}'", name_or_path)


def parse_config(text: str, source: str, name: str, folder: Path | None = None) -> GemminiConfig:
    """The configuration written as TOML in `text`; `name` is used where the text gives none.

    `folder` is where the text's `params_header` is; without it there can be none.
    """
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: not valid TOML: {error}") from None
    values.setdefault("name", name)
    if folder is not None and isinstance(values.get("params_header"), str):
        from gemmini_xdsl.hardware.params_header import read_params_header

        stated = read_params_header(folder / values.pop("params_header")).parameters()
        return GemminiConfig.from_parameters({**stated, **values}, source)
    return GemminiConfig.from_parameters(values, source)
