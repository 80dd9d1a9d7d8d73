"""The runners of the user's programs, with programs that play their part."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from fake_programs import fake
from riscv_programs import link, needs_gcc

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.gemmini import main
from gemmini_xdsl.tools.runners.base import RunnerOptions
from gemmini_xdsl.tools.runners.external import RTL, SPIKE, ZCU102

pytestmark = needs_gcc


@pytest.fixture(scope="module")
def elf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("program") / "gemm.elf"
    path.write_bytes(link("int main(void) { return 0; }"))
    return path


@pytest.fixture(autouse=True)
def no_variables(monkeypatch) -> None:
    for name in ("GEMMINI_SPIKE", "GEMMINI_RTL", "GEMMINI_UART_TSI"):
        monkeypatch.delenv(name, raising=False)


def run(runner, elf: Path, program: Path, **options):
    return runner.run(elf, GemminiConfig(), RunnerOptions(program=str(program), **options))


def test_spike_gets_the_extension_and_its_verdict_is_read(elf, tmp_path) -> None:
    program = fake(tmp_path, "spike")
    outcome = run(SPIKE, elf, program)
    assert outcome.command == (str(program), "--extension=gemmini", str(elf))
    assert "arguments: --extension=gemmini" in outcome.console
    assert (outcome.verdict, outcome.cycles, outcome.status) == ("pass", 1234, 0)
    assert outcome.problem is None


def test_rtl_arguments_stand_between_the_permissive_switches(elf, tmp_path) -> None:
    program = fake(tmp_path, "simulator-chipyard")
    outcome = run(RTL, elf, program, arguments=("+max-cycles=100", "+verbose"))
    assert list(outcome.command[1:]) == [
        "+permissive", "+max-cycles=100", "+verbose", "+permissive-off", str(elf)
    ]  # fmt: skip
    assert outcome.verdict == "pass"


def test_a_board_is_reached_over_its_serial_line(elf, tmp_path) -> None:
    program = fake(tmp_path, "uart_tsi")
    tty = tmp_path / "ttyUSB1"
    tty.touch()
    outcome = run(ZCU102, elf, program, tty=str(tty))
    assert list(outcome.command[1:]) == [f"+tty={tty}", str(elf)]
    assert outcome.verdict == "pass"


def test_a_board_needs_its_serial_line(elf, tmp_path) -> None:
    program = fake(tmp_path, "uart_tsi")
    with pytest.raises(GemminiError, match="needs the board's serial line: --tty"):
        run(ZCU102, elf, program)
    with pytest.raises(GemminiError, match="does not exist; is the board on"):
        run(ZCU102, elf, program, tty=str(tmp_path / "none"))


@pytest.mark.parametrize("runner", [SPIKE, RTL, ZCU102])
def test_missing_programs_are_named_with_how_to_give_them(elf, tmp_path, runner) -> None:
    with pytest.raises(GemminiError) as refusal:
        run(runner, elf, tmp_path / "none")
    assert f"--on {runner.name}: program '{tmp_path}/none' not found" in str(refusal.value)
    assert f"--runner or in {runner.variable}" in str(refusal.value)


def test_rtl_has_no_default_program(elf) -> None:
    with pytest.raises(GemminiError, match="--on rtl: no program: give the binary"):
        RTL.run(elf, GemminiConfig(), RunnerOptions())


def test_the_environment_names_the_program(elf, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("GEMMINI_SPIKE", f"{fake(tmp_path, 'my-spike')} --isa=rv64gc")
    outcome = SPIKE.run(elf, GemminiConfig(), RunnerOptions())
    assert outcome.command[1] == "--isa=rv64gc"
    assert outcome.verdict == "pass"


def test_a_wrong_result_is_reported_in_one_line(elf, tmp_path) -> None:
    console = "gemm: 5 cycles\\ncheck C: WRONG: digest 0x1, expected 0x2\\nFAIL\\n"
    outcome = run(SPIKE, elf, fake(tmp_path, "spike", console=console, status=1))
    assert outcome.verdict == "fail"
    assert outcome.problem == (
        "exit status 1 (wrong result): check C: WRONG: digest 0x1, expected 0x2"
    )


def test_a_fail_with_status_zero_is_no_pass(elf, tmp_path) -> None:
    outcome = run(SPIKE, elf, fake(tmp_path, "spike", console="gemm: 5 cycles\\nFAIL\\n"))
    assert outcome.verdict == "fail"


def test_the_watchdog_of_the_program_is_reported(elf, tmp_path) -> None:
    console = "watchdog: no end after 100 cycles, at pc 0x80000000; last command: number 3\\n"
    outcome = run(SPIKE, elf, fake(tmp_path, "spike", console=console, status=3))
    assert outcome.problem is not None
    assert outcome.problem.startswith("exit status 3 (the watchdog ended the program): watchdog:")


def runs(pid: int) -> bool:
    """Whether a process runs still: a zombie, which init has not reaped yet, does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_a_hanging_program_is_ended_with_its_children(elf, tmp_path) -> None:
    child = tmp_path / "child.pid"
    end = (
        "import subprocess; p = subprocess.Popen(['sleep', '60']); "
        f"open({str(child)!r}, 'w').write(str(p.pid)); p.wait()"
    )
    started = time.monotonic()
    outcome = run(SPIKE, elf, fake(tmp_path, "spike", end=end), time_limit=1.5)
    assert time.monotonic() - started < 30
    assert outcome.problem == "no end within the time limit of 1.5 s"
    assert outcome.status is None
    assert outcome.cycles == 1234
    # A signal takes effect when its process is next scheduled.
    deadline = time.monotonic() + 30
    while runs(int(child.read_text())):
        assert time.monotonic() < deadline, "the child is still running"
        time.sleep(0.05)


def test_a_simulator_that_dies_is_reported(elf, tmp_path) -> None:
    program = fake(tmp_path, "spike", end="import os; os.kill(os.getpid(), 11)")
    outcome = run(SPIKE, elf, program)
    assert outcome.problem is not None
    assert outcome.problem.endswith("spike was ended by signal 11")


def test_a_program_that_prints_nothing_of_ours_has_not_passed(elf, tmp_path) -> None:
    outcome = run(SPIKE, elf, fake(tmp_path, "spike", console="spike: bad option\\n"))
    assert outcome.verdict == "fail"
    assert outcome.problem is not None
    assert "ended without the program's output" in outcome.problem


def test_a_program_that_cannot_be_executed_is_named(elf, tmp_path) -> None:
    program = tmp_path / "spike"
    program.write_bytes(b"\x00garbage")
    program.chmod(0o755)
    with pytest.raises(GemminiError, match="cannot be run: Exec format error"):
        run(SPIKE, elf, program)


def test_carriage_returns_of_serial_lines_are_understood(elf, tmp_path) -> None:
    tty = tmp_path / "tty"
    tty.touch()
    program = fake(tmp_path, "uart_tsi", console="gemm: 77 cycles\\r\\nPASS\\r\\n")
    outcome = run(ZCU102, elf, program, tty=str(tty))
    assert (outcome.verdict, outcome.cycles) == ("pass", 77)


def test_the_command_line_is_shown_and_failures_exit_with_1(elf, tmp_path, capsys) -> None:
    program = fake(tmp_path, "spike")
    assert main(["run", str(elf), "--on", "spike", "--runner", str(program), "--check"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines()[0] == f"$ {program} --extension=gemmini {elf}"
    assert "gemm: 1234 cycles" in out
    failing = fake(tmp_path, "failing", console="gemm: 1 cycles\\nFAIL\\n", status=1)
    arguments = ["run", str(elf), "--on", "spike", "--runner", str(failing), "--json"]
    assert main(arguments) == 1
    result = json.loads(capsys.readouterr().out)
    assert (result["check"], result["cycles"], result["status"]) == ("fail", 1, 1)


def test_unknown_runners_are_a_usage_error(elf, capsys) -> None:
    assert main(["run", str(elf), "--on", "qemu"]) == 2
    assert "--on must be one of host_sim, riscv, spike, rtl, zcu102; got 'qemu'" in (
        capsys.readouterr().err
    )


def test_options_of_directories_do_not_fit_files(elf, tmp_path, capsys) -> None:
    program = str(fake(tmp_path, "spike"))
    arguments = ["run", str(elf), "--on", "spike", "--runner", program, "--bring-up"]
    assert main(arguments) == 2
    assert "need a compiled directory" in capsys.readouterr().err


def test_truncated_programs_are_not_handed_over(elf, tmp_path, capsys) -> None:
    short = tmp_path / "short.elf"
    short.write_bytes(elf.read_bytes()[:100])
    program = str(fake(tmp_path, "spike"))
    assert main(["run", str(short), "--on", "spike", "--runner", program]) == 1
    assert "short.elf: truncated ELF file" in capsys.readouterr().err
