"""Consistency rules of a hardware description, each with its own message."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gemmini_xdsl.hardware.config import GemminiConfig


class ConfigError(ValueError):
    """A hardware description that is malformed or contradicts itself; its text says what to do."""


DATAFLOWS = ("ws", "os", "both")

_POWERS_OF_TWO = (
    "mesh_rows",
    "mesh_columns",
    "tile_rows",
    "tile_columns",
    "scratchpad_kib",
    "scratchpad_banks",
    "accumulator_kib",
    "accumulator_banks",
    "accumulator_sub_banks",
    "dma_max_bytes",
    "dma_bus_bits",
    "l2_line_bytes",
    "dram_bus_bytes",
)
_AT_LEAST_ONE = (
    "max_simultaneous_matmuls",
    "max_in_flight_requests",
    "tlb_entries",
    "load_entries",
    "store_entries",
    "execute_entries",
    "load_queue_length",
    "store_queue_length",
    "execute_queue_length",
    "mvin_scale_units",
    "clock_mhz",
    "l2_kib",
    "l2_ways",
    "l2_mshrs",
)
_NOT_NEGATIVE = (
    "tile_latency",
    "mesh_output_delay",
    "scratchpad_read_delay",
    "accumulator_latency",
    "num_counters",
    "mvin_scale_latency",
    "acc_scale_latency",
    "core_l1_kib",
    "l2_hit_latency",
    "l2_miss_latency",
    "l2_permission_interval",
    "dram_latency",
)


def validate(config: GemminiConfig) -> None:
    """Raise `ConfigError` for the first rule that `config` breaks."""

    def require(condition: bool, message: str) -> None:
        if not condition:
            raise ConfigError(message)

    for name in _POWERS_OF_TWO:
        value = getattr(config, name)
        require(
            value > 0 and value & (value - 1) == 0,
            f"parameter '{name}' must be a power of two, got {value}",
        )
    for name in _AT_LEAST_ONE:
        value = getattr(config, name)
        require(value >= 1, f"parameter '{name}' must be at least 1, got {value}")
    for name in _NOT_NEGATIVE:
        value = getattr(config, name)
        require(value >= 0, f"parameter '{name}' must not be negative, got {value}")

    require(
        config.name != "" and all(c.isalnum() or c in "_-." for c in config.name),
        f"parameter 'name' must be letters, digits, '_', '-' and '.', got '{config.name}'",
    )
    require(
        config.dataflow in DATAFLOWS,
        f"parameter 'dataflow' must be one of {', '.join(DATAFLOWS)}, got '{config.dataflow}'",
    )
    require(
        config.input_type == "int8",
        f"input_type '{config.input_type}' is not supported; only int8 is",
    )
    require(
        config.acc_type == "int32",
        f"acc_type '{config.acc_type}' is not supported; only int32 is",
    )
    require(
        17 <= config.array_bits <= 32,
        f"parameter 'array_bits' must be 17 to 32 (one product and its sign fit), "
        f"got {config.array_bits}",
    )
    require(
        config.dim == config.mesh_columns * config.tile_columns,
        f"the array must be square, got {config.dim} rows "
        f"and {config.mesh_columns * config.tile_columns} columns",
    )
    require(
        2 <= config.dim <= 128,
        f"the array must have 2 to 128 rows, got {config.dim}",
    )
    require(
        config.dma_max_bytes * 8 >= config.dma_bus_bits,
        f"dma_max_bytes ({config.dma_max_bytes}) is less than one beat of "
        f"dma_bus_bits ({config.dma_bus_bits})",
    )
    require(
        config.dma_bus_bits >= 8,
        f"parameter 'dma_bus_bits' must be at least 8, got {config.dma_bus_bits}",
    )
    require(
        config.scratchpad_bank_rows >= 2 * config.dim,
        f"a scratchpad bank must hold at least 2*DIM = {2 * config.dim} rows: "
        f"{config.scratchpad_kib} KiB in {config.scratchpad_banks} banks of "
        f"{config.dim}-byte rows gives {config.scratchpad_bank_rows}",
    )
    require(
        config.accumulator_bank_rows >= config.dim and config.accumulator_rows >= 2 * config.dim,
        f"an accumulator bank must hold at least DIM = {config.dim} rows and the accumulator "
        f"2*DIM: {config.accumulator_kib} KiB in {config.accumulator_banks} banks gives "
        f"{config.accumulator_bank_rows} rows a bank",
    )
    require(
        config.row_bits <= 25,
        f"local addresses hold 25 row bits (ISA section 2), the memories need {config.row_bits}",
    )
    require(
        config.accumulator_sub_banks == 1 or config.accumulator_single_ported,
        "accumulator_sub_banks above 1 needs accumulator_single_ported = true",
    )
    require(0 <= config.opcode <= 3, f"parameter 'opcode' must be 0 to 3, got {config.opcode}")
    require(
        config.acc_scale_units == -1 or config.acc_scale_units >= 1,
        f"parameter 'acc_scale_units' must be -1 or at least 1, got {config.acc_scale_units}",
    )
    require(
        not config.has_loop_ws or config.supports_dataflow("ws"),
        "has_loop_ws = true needs dataflow 'ws' or 'both': the FSM is weight-stationary",
    )
    require(
        not config.has_loop_conv_ws or config.supports_dataflow("ws"),
        "has_loop_conv_ws = true needs dataflow 'ws' or 'both': the FSM is weight-stationary",
    )
    require(
        config.acc_read_small_width or config.acc_read_full_width,
        "acc_read_small_width and acc_read_full_width are both false: "
        "nothing could leave the accumulator",
    )
