"""Our dialects, passes and targets in xDSL's own tools."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gemmini_xdsl.passes.registry import get_all_passes
from gemmini_xdsl.targets.registry import get_all_targets
from gemmini_xdsl.tools.gemmini_gui import GuiError, main, make_app

PRODUCT = """func.func @product(%a: memref<20x30xi8>, %b: memref<30x40xi8>, %c: memref<20x40xi32>) {
  gemmini.matmul ins(%a, %b : memref<20x30xi8>, memref<30x40xi8>) outs(%c : memref<20x40xi32>)
  func.return
}
"""


def xdsl_opt(*arguments: str, text: str = "") -> str:
    program = Path(sys.executable).parent / "xdsl-opt"
    # Help texts are wrapped at hyphens, names or not.
    environment = {**os.environ, "COLUMNS": "100000"}
    done = subprocess.run(
        [program, *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=60,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_plain_xdsl_opt_lists_us() -> None:
    words = xdsl_opt("--help").replace(",", " ").replace("{", " ").replace("}", " ").split()
    assert set(get_all_passes()) <= set(words)
    assert set(get_all_targets()) <= set(words)


def test_plain_xdsl_opt_runs_us() -> None:
    passes = ("-p", "gemmini-default-pipeline{config=zcu102}")
    assert "rocc.command" in xdsl_opt(*passes, text=PRODUCT)
    assert "void product(" in xdsl_opt(*passes, "-t", "gemmini-c", text=PRODUCT)
    assert "; mvin" in xdsl_opt(*passes, "-t", "gemmini-commands", text=PRODUCT)


@pytest.mark.usefixtures("bindings")
def test_plain_xdsl_opt_runs_upstream() -> None:
    passes = 'gemmini-default-pipeline,mlir{pipeline="canonicalize,cse"}'
    assert "rocc.command" in xdsl_opt("-p", passes, text=PRODUCT)


def test_gui_shows_and_applies_our_passes() -> None:
    pytest.importorskip("textual", reason="xDSL's graphical parts (xdsl[gui]) are not installed")

    async def look() -> tuple[set[str], str]:
        app = make_app("product.mlir", PRODUCT, "gemmini-assign-schedule")
        async with app.run_test() as pilot:
            await pilot.pause()
            names = {item.module_pass.name for item in app.available_pass_list}
            return names, app.output_text_area.text

    names, text = asyncio.run(look())
    assert set(get_all_passes()) <= names
    assert "schedule = #gemmini.schedule<" in text


def test_gui_refuses_in_one_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main([str(tmp_path / "none.mlir")]) == 1
    error = capsys.readouterr().err
    assert error == f"gemmini-gui: error: {tmp_path}/none.mlir: No such file or directory\n"
    pytest.importorskip("textual", reason="xDSL's graphical parts (xdsl[gui]) are not installed")
    with pytest.raises(GuiError, match="no-such-pass"):
        make_app(passes="no-such-pass")
