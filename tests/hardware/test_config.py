"""GemminiConfig: presets, derived quantities, messages of refused descriptions, digest."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest

from gemmini_xdsl.hardware import (
    ConfigError,
    GemminiConfig,
    load_config,
    parse_config,
    preset_names,
)


def test_presets():
    assert preset_names() == [
        "default",
        "int8_32x32",
        "int8_4x4",
        "int8_8x8",
        "lean",
        "zcu102",
    ]
    assert all(load_config(name).name == name for name in preset_names())


def test_default_is_upstreams():
    # ISA reference, introduction and section 12.
    config = load_config("default")
    assert config == GemminiConfig()
    assert (config.dim, config.array_bits, config.dma_max_bytes) == (16, 20, 64)
    assert (config.scratchpad_rows, config.scratchpad_banks) == (16384, 4)
    assert (config.accumulator_rows, config.accumulator_banks) == (1024, 2)
    assert (config.scratchpad_bank_rows, config.accumulator_bank_rows) == (4096, 512)
    assert (config.max_block_cols, config.max_block_cols_acc) == (4, 1)
    assert config.row_bits == 14
    assert config.supports_dataflow("ws")
    assert config.supports_dataflow("os")


@pytest.mark.parametrize(
    ("name", "dim", "sp_rows", "acc_rows", "blocks", "acc_blocks", "depth"),
    [
        ("default", 16, 16384, 1024, 4, 1, 16),
        ("zcu102", 16, 16384, 1024, 4, 1, 16),
        ("lean", 16, 16384, 1024, 4, 1, 16),
        # 64 KiB / 4 B, 16 KiB / 16 B; 64 B hold 16 tiles' columns of 4 bytes, 4 of 4 words.
        ("int8_4x4", 4, 16384, 1024, 16, 4, 4),
        ("int8_8x8", 8, 16384, 1024, 8, 2, 8),
        # 32 * 2^14 = 2^19 does not fit 20 signed bits.
        ("int8_32x32", 32, 16384, 1024, 2, 1, 31),
    ],
)
def test_sizes_of_presets(name, dim, sp_rows, acc_rows, blocks, acc_blocks, depth):
    config = load_config(name)
    assert config.dim == dim
    assert (config.scratchpad_rows, config.accumulator_rows) == (sp_rows, acc_rows)
    assert (config.max_block_cols, config.max_block_cols_acc) == (blocks, acc_blocks)
    assert config.exact_depth == depth


def test_lean_and_zcu102():
    lean = load_config("lean")
    assert lean.dataflow == "ws"
    assert not lean.supports_dataflow("os")
    assert not lean.acc_read_full_width
    assert load_config("zcu102").accumulator_bank_rows == 1024
    assert load_config("zcu102").clock_mhz == 100


INVALID = {
    "mesh_rows = 12": "parameter 'mesh_rows' must be a power of two, got 12",
    "scratchpad_kib = 0": "parameter 'scratchpad_kib' must be a power of two, got 0",
    "load_entries = 0": "parameter 'load_entries' must be at least 1, got 0",
    "dram_latency = -1": "parameter 'dram_latency' must not be negative, got -1",
    'dataflow = "is"': "parameter 'dataflow' must be one of ws, os, both, got 'is'",
    'input_type = "fp32"': "input_type 'fp32' is not supported; only int8 is",
    'acc_type = "fp32"': "acc_type 'fp32' is not supported; only int32 is",
    "array_bits = 16": "parameter 'array_bits' must be 17 to 32 "
    "(one product and its sign fit), got 16",
    "mesh_rows = 8": "the array must be square, got 8 rows and 16 columns",
    "mesh_rows = 1\nmesh_columns = 1": "the array must have 2 to 128 rows, got 1",
    "dma_max_bytes = 8": "dma_max_bytes (8) is less than one beat of dma_bus_bits (128)",
    "scratchpad_kib = 1": "a scratchpad bank must hold at least 2*DIM = 32 rows: "
    "1 KiB in 4 banks of 16-byte rows gives 16",
    "accumulator_kib = 1": "an accumulator bank must hold at least DIM = 16 rows and the "
    "accumulator 2*DIM: 1 KiB in 2 banks gives 8 rows a bank",
    "accumulator_sub_banks = 2": "accumulator_sub_banks above 1 needs "
    "accumulator_single_ported = true",
    "opcode = 4": "parameter 'opcode' must be 0 to 3, got 4",
    "acc_scale_units = 0": "parameter 'acc_scale_units' must be -1 or at least 1, got 0",
    'dataflow = "os"': "has_loop_ws = true needs dataflow 'ws' or 'both': "
    "the FSM is weight-stationary",
    'dataflow = "os"\nhas_loop_ws = false': "has_loop_conv_ws = true needs dataflow 'ws' or "
    "'both': the FSM is weight-stationary",
    "acc_read_small_width = false\nacc_read_full_width = false": "acc_read_small_width and "
    "acc_read_full_width are both false: nothing could leave the accumulator",
    'name = "two words"': "parameter 'name' must be letters, digits, '_', '-' and '.', "
    "got 'two words'",
    "scratchpad_kib = 1048576": "local addresses hold 25 row bits (ISA section 2), "
    "the memories need 26",
    "clock_mhz = 1.5": "parameter 'clock_mhz' must be an integer, got 1.5",
    "clock_mhz = true": "parameter 'clock_mhz' must be an integer, got True",
    "has_loop_ws = 1": "parameter 'has_loop_ws' must be true or false, got 1",
    "dataflow = 1": "parameter 'dataflow' must be a string, got 1",
}


@pytest.mark.parametrize("text", INVALID)
def test_contradictions_are_named(text):
    with pytest.raises(ConfigError) as error:
        parse_config(text, "mine.toml", "mine")
    assert str(error.value) == f"mine.toml: {INVALID[text]}"


def test_unknown_parameter_lists_the_known_ones():
    with pytest.raises(ConfigError) as error:
        parse_config("dim = 16", "mine.toml", "mine")
    known = "acc_read_full_width, acc_read_small_width, "
    start = "mine.toml: unknown parameter 'dim'; known parameters are "
    assert str(error.value).startswith(start)
    assert known in str(error.value)
    assert "mesh_rows" in str(error.value)


def test_not_toml():
    with pytest.raises(ConfigError, match=r"^mine\.toml: not valid TOML: "):
        parse_config("mesh_rows =", "mine.toml", "mine")


def test_unknown_preset():
    with pytest.raises(ConfigError) as error:
        load_config("defualt")
    assert str(error.value) == (
        "unknown configuration 'defualt'; presets are default, int8_32x32, int8_4x4, int8_8x8, "
        "lean, zcu102, or give the path of a .toml file"
    )


def test_files(tmp_path):
    path = tmp_path / "small.toml"
    path.write_text("mesh_rows = 8\nmesh_columns = 8\n")
    config = load_config(str(path))
    assert (config.name, config.dim) == ("small", 8)

    path.write_text("mesh_rows = 8\n")
    with pytest.raises(ConfigError) as error:
        load_config(str(path))
    assert str(error.value) == f"{path}: the array must be square, got 8 rows and 16 columns"

    with pytest.raises(ConfigError) as error:
        load_config(str(tmp_path / "absent.toml"))
    assert str(error.value) == (
        f"{tmp_path / 'absent.toml'}: cannot read the configuration: No such file or directory"
    )

    path.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match="cannot read the configuration: not a text file"):
        load_config(str(path))


def test_digest_identifies_the_hardware():
    config = GemminiConfig()
    assert len(config.digest) == 16
    int(config.digest, 16)
    # The name does not count, every other parameter does.
    assert dataclasses.replace(config, name="other").digest == config.digest
    digests = {load_config(name).digest for name in preset_names()}
    assert len(digests) == len(preset_names())
    assert dataclasses.replace(config, clock_mhz=501).digest != config.digest


def test_digest_is_the_same_in_every_process():
    script = "from gemmini_xdsl.hardware import GemminiConfig; print(GemminiConfig().digest)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == GemminiConfig().digest


def test_differences():
    assert GemminiConfig().differences() == {}
    assert load_config("zcu102").differences() == {"accumulator_banks": 1, "clock_mhz": 100}
