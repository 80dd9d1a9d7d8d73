"""Reading the header that is generated with the hardware.

The text follows upstream's generator (`GemminiConfigs.generateHeader`).
"""

from __future__ import annotations

import pytest

from gemmini_xdsl.hardware import ConfigError, GemminiConfig, load_config
from gemmini_xdsl.hardware.params_header import parse_params_header

HEADER = """\
#ifndef GEMMINI_PARAMS_H
#define GEMMINI_PARAMS_H

#include <stdint.h>
#include <limits.h>

#define XCUSTOM_ACC 3
#define DIM 16
#define ADDR_LEN 32
#define BANK_NUM 4
#define BANK_ROWS 4096
#define ACC_ROWS 1024
#define MAX_BYTES 64
#define MAX_BLOCK_LEN (MAX_BYTES/(DIM*1))
#define MAX_BLOCK_LEN_ACC (MAX_BYTES/(DIM*4))

typedef int8_t elem_t;
static const elem_t elem_t_max = 127;
static const elem_t elem_t_min = -128;
typedef int32_t acc_t;
typedef int64_t full_t;

#define HAS_MVIN_SCALE
typedef float scale_t;
typedef uint32_t scale_t_bits;

typedef int32_t scale_acc_t;
typedef uint32_t scale_acc_t_bits;

typedef float acc_scale_t;
typedef uint32_t acc_scale_t_bits;

#define row_align(blocks) __attribute__((aligned(blocks*DIM*sizeof(elem_t))))
#define row_align_acc(blocks) __attribute__((aligned(blocks*DIM*sizeof(acc_t))))

#define MVIN_SCALE_IDENTITY 1.0
#define ACC_SCALE_IDENTITY 1.0

#define ROUNDING_RIGHT_SHIFT(x, shift) \\
    ((shift) > 0 ? (((x) >> (shift)) + 1) : ((x) << (-(shift))))

#define ACC_SCALE_T_IS_FLOAT
#define ACC_SCALE_EXP_BITS 8
#define ACC_SCALE_SIG_BITS 24

#define ACC_READ_SMALL_WIDTH
#define ACC_READ_FULL_WIDTH

#define HAS_FIRST_LAYER_OPTIMIZATIONS

#endif // GEMMINI_PARAMS_H
"""


def test_the_default_header_gives_the_default_configuration() -> None:
    config = parse_params_header(HEADER, "gemmini_params.h")
    assert config.digest == GemminiConfig().digest
    assert config.name == "gemmini_params"


def test_sizes_and_features_follow_the_header() -> None:
    text = (
        HEADER.replace("DIM 16", "DIM 8")
        .replace("BANK_NUM 4", "BANK_NUM 8")
        .replace("BANK_ROWS 4096", "BANK_ROWS 1024")
        .replace("ACC_ROWS 1024", "ACC_ROWS (2 * 512)")
        .replace("XCUSTOM_ACC 3", "XCUSTOM_ACC 2 // custom-2")
        .replace("#define HAS_MVIN_SCALE", "")
        .replace("#define ACC_READ_FULL_WIDTH", "/* #define ACC_READ_FULL_WIDTH */")
        .replace("#define HAS_FIRST_LAYER_OPTIMIZATIONS", "#define HAS_NORMALIZATIONS")
    )
    config = parse_params_header(text, "gemmini_params.h")
    assert (config.dim, config.scratchpad_banks, config.scratchpad_rows) == (8, 8, 8192)
    assert (config.accumulator_rows, config.scratchpad_kib) == (1024, 64)
    assert (config.max_block_cols, config.max_block_cols_acc, config.opcode) == (8, 2, 2)
    assert not config.has_mvin_scale
    assert not config.acc_read_full_width
    assert not config.has_first_layer_optimizations
    assert config.has_normalizations


def test_the_rest_comes_from_the_base() -> None:
    base = load_config("zcu102")
    config = parse_params_header(HEADER, "gemmini_params.h", base)
    assert config.digest == base.digest
    assert config.accumulator_banks == 1


def test_headers_are_configurations_by_their_path(tmp_path) -> None:
    path = tmp_path / "gemmini_params.h"
    path.write_text(HEADER.replace("BANK_ROWS 4096", "BANK_ROWS 2048"))
    assert load_config(str(path)).scratchpad_kib == 128
    toml = tmp_path / "board.toml"
    toml.write_text('params_header = "gemmini_params.h"\naccumulator_banks = 1\n')
    config = load_config(str(toml))
    assert (config.scratchpad_kib, config.accumulator_banks, config.name) == (128, 1, "board")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("#define DIM 16", ""), "lacks the macro DIM; not a gemmini_params.h?"),
        (("#define DIM 16", "#define DIM 0"), "DIM must be positive, got 0"),
        (("#define DIM 16", "#define DIM DIM"), "which is no integer expression"),
        (("#define DIM 16", "#define DIM 16)"), "DIM is '16)', which is no integer expression"),
        (("#define DIM 16", "#define DIM f()"), "DIM is 'f()', which is no integer expression"),
        (("#define DIM 16", "#define DIM 1/0"), "DIM is '1/0', which is no integer expression"),
        (("#define DIM 16", "#define DIM 12"), "must be a power of two, got 12"),
        (("BANK_ROWS 4096", "BANK_ROWS 3"), "gives 192 bytes, which are not whole KiB"),
        (("int8_t elem_t", "float elem_t"), "elem_t is float; only hardware with int8_t"),
        (("int32_t acc_t", "float acc_t"), "acc_t is float; only hardware with int32_t"),
        (("typedef int8_t elem_t;", ""), "lacks the type elem_t"),
        (("float scale_t", "int8_t scale_t"), "scale_t is int8_t; only hardware with float"),
        (("float acc_scale_t", "int acc_scale_t"), "acc_scale_t is int; only hardware"),
        (("#define HAS_MVIN_SCALE", "#define HAS_MVIN_SCALE\n#define HAS_MVIN_ACC_SCALE"),
         "hardware with HAS_MVIN_ACC_SCALE is not supported"),
        (("MAX_BLOCK_LEN (MAX_BYTES/(DIM*1))", "MAX_BLOCK_LEN 2"),
         "MAX_BLOCK_LEN is 2, but DIM and MAX_BYTES give 4"),
        (("BANK_NUM 4", "BANK_NUM 3"), "must be a power of two"),
    ],
)  # fmt: skip
def test_what_is_not_supported_is_refused_by_name(change, message: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        parse_params_header(HEADER.replace(*change), "params.h")
    assert message in str(refusal.value)
    assert str(refusal.value).startswith("params.h: ")


def test_files_that_cannot_be_read_are_refused(tmp_path) -> None:
    with pytest.raises(ConfigError, match="cannot read the header: No such file"):
        load_config(str(tmp_path / "none.h"))
    (tmp_path / "binary.h").write_bytes(b"\xff\xfe\x80")
    with pytest.raises(ConfigError, match="not a text file"):
        load_config(str(tmp_path / "binary.h"))
