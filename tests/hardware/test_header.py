"""The C header that is written from a configuration."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest

from gemmini_xdsl.hardware import GemminiConfig, load_config, preset_names
from gemmini_xdsl.hardware.header import write_c_header


def macros(text):
    return dict(re.findall(r"^#define (GEMMINI_\w+) (.+)$", text, re.MULTILINE))


def test_default_header():
    config = GemminiConfig()
    expected = {
        "GEMMINI_CONFIG_NAME": '"default"',
        "GEMMINI_CONFIG_DIGEST": f"0x{config.digest}",
        "GEMMINI_OPCODE": "0x7b",
        "GEMMINI_DIM": "16",
        "GEMMINI_MAX_BLOCK_COLS": "4",
        "GEMMINI_MAX_BLOCK_COLS_ACC": "1",
        "GEMMINI_SCRATCHPAD_ROWS": "16384",
        "GEMMINI_SCRATCHPAD_BANKS": "4",
        "GEMMINI_ACCUMULATOR_ROWS": "1024",
        "GEMMINI_ACCUMULATOR_BANKS": "2",
        "GEMMINI_HAS_WS": "1",
        "GEMMINI_HAS_OS": "1",
        "GEMMINI_HAS_LOOP_WS": "1",
        "GEMMINI_HAS_MVIN_SCALE": "1",
        "GEMMINI_ACC_READ_FULL_WIDTH": "1",
        "GEMMINI_ACC_READ_SMALL_WIDTH": "1",
        "GEMMINI_CLOCK_MHZ": "500",
    }
    assert expected.items() <= macros(write_c_header(config)).items()


def test_header_follows_the_configuration():
    lean = macros(write_c_header(load_config("lean")))
    assert (lean["GEMMINI_HAS_OS"], lean["GEMMINI_ACC_READ_FULL_WIDTH"]) == ("0", "0")
    assert macros(write_c_header(GemminiConfig(opcode=0)))["GEMMINI_OPCODE"] == "0x0b"
    assert macros(write_c_header(GemminiConfig(opcode=2)))["GEMMINI_OPCODE"] == "0x5b"


def test_header_is_reproducible():
    for name in preset_names():
        assert write_c_header(load_config(name)) == write_c_header(load_config(name))


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_header_is_valid_c_and_preprocessor_arithmetic(tmp_path, name, compiler):
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    config = load_config(name)
    (tmp_path / "config.h").write_text(write_c_header(config))
    source = tmp_path / "use.c"
    source.write_text(
        '#include "config.h"\n#include "config.h"\n'
        f"#if GEMMINI_CONFIG_DIGEST != 0x{config.digest}\n#error digest\n#endif\n"
        "const char *name = GEMMINI_CONFIG_NAME;\n"
        "unsigned long long digest = GEMMINI_CONFIG_DIGEST;\n"
        f'_Static_assert(GEMMINI_DIM == {config.dim}, "dim");\n'
    )
    flags = ["-std=c17", "-Wall", "-Wextra", "-Werror", "-pedantic", "-fsyntax-only"]
    done = subprocess.run([compiler, *flags, source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
