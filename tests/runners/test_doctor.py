from __future__ import annotations

import json

from gemmini_xdsl.tools import doctor
from gemmini_xdsl.tools.gemmini import main


def test_what_is_missing_is_named_with_its_use(monkeypatch, tmp_path, capsys) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    for name in ("CC", "GEMMINI_RISCV_CC", "GEMMINI_SPIKE", "GEMMINI_RTL", "GEMMINI_UART_TSI"):
        monkeypatch.delenv(name, raising=False)
    assert main(["doctor"]) == 1
    out = capsys.readouterr().out
    assert "missing  host C compiler: no C compiler found" in out
    assert "missing  RISC-V compiler: no RISC-V cross compiler found" in out
    assert "needed for: gemmini run --on spike" in out


def test_programs_in_variables_are_found(monkeypatch, tmp_path, capsys) -> None:
    spike = tmp_path / "my-spike"
    spike.write_text("#!/bin/sh\n")
    spike.chmod(0o755)
    monkeypatch.setenv("GEMMINI_SPIKE", str(spike))
    main(["doctor", "--json"])
    found = {item["name"]: item for item in json.loads(capsys.readouterr().out)}
    assert found["runner spike"]["found"]
    assert found["runner spike"]["detail"] == f"{spike} (GEMMINI_SPIKE)"
    assert found["simulator library"]["found"]


def test_missing_packages_name_the_extra(monkeypatch) -> None:
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda _name: None)
    found = {item.name: item for item in doctor.examine()}
    assert "pip install 'gemmini-xdsl[riscv]'" in found["Python package unicorn"].detail
