"""`gemmini-opt` as its users see it: output, messages, exit status, output files."""

import os
import re
import stat
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from typing import ClassVar

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp
from xdsl.dialects.func import ReturnOp
from xdsl.passes import ModulePass
from xdsl.universe import Universe
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.hardware import ConfigError
from gemmini_xdsl.passes.registry import get_all_passes
from gemmini_xdsl.targets.registry import get_all_targets
from gemmini_xdsl.tools import gemmini_opt
from gemmini_xdsl.tools.universe import GEMMINI_UNIVERSE, load_universe

VALID = "func.func @f() {\n  return\n}\n"
PRINTED = "builtin.module {\n  func.func @f() {\n    func.return\n  }\n}\n\n"
DISAGREE = """\
func.func @g(%a: memref<4x3xi8>, %b: memref<5x4xi8>, %c: memref<4x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<5x4xi8>) outs(%c : memref<4x4xi8>)
  return
}
"""


@dataclass
class Outcome:
    status: int
    stdout: str
    stderr: str


Run = Callable[..., Outcome]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the tool in this process on a text given as its standard input."""

    def run_tool(*args: str, text: str | bytes = VALID) -> Outcome:
        data = text.encode() if isinstance(text, str) else text
        monkeypatch.setattr(sys, "stdin", TextIOWrapper(BytesIO(data)))
        status = gemmini_opt.main(args)
        captured = capsys.readouterr()
        return Outcome(status, captured.out, captured.err)

    return run_tool


def refused(outcome: Outcome, *message: str) -> None:
    assert outcome.status == 1
    assert outcome.stdout == ""
    assert outcome.stderr == "\n".join(message) + "\n"


# -- success -----------------------------------------------------------------------------------


def test_prints_the_module(run: Run) -> None:
    assert run() == Outcome(0, PRINTED, "")


def test_dash_is_standard_input_and_output(run: Run) -> None:
    assert run("-", "-o", "-") == Outcome(0, PRINTED, "")


def test_applies_upstream_passes_in_order(run: Run) -> None:
    text = "func.func @f() -> i32 {\n  %0 = arith.constant 1 : i32\n  return %0 : i32\n}\n"
    outcome = run("-p", "cse,canonicalize,convert-arith-to-riscv", text=text)
    assert outcome.status == 0
    assert "rv32.li 1" in outcome.stdout or "riscv.li 1" in outcome.stdout


def test_splits_the_input(run: Run) -> None:
    outcome = run("--split-input-file", text=f"{VALID}// -----\n{VALID}")
    assert outcome == Outcome(0, f"{PRINTED}// -----\n{PRINTED}", "")


def test_runs_as_a_program(tmp_path: Path) -> None:
    (tmp_path / "in.mlir").write_text(VALID)
    program = Path(sys.executable).parent / "gemmini-opt"
    done = subprocess.run([program, "in.mlir"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, PRINTED, "")
    done = subprocess.run([program, "no.mlir"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "gemmini-opt: error: no.mlir: No such file or directory\n"


def test_reader_that_stops_early_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "in.mlir").write_text("".join(f"func.func private @f{i}()\n" for i in range(9999)))
    program = Path(sys.executable).parent / "gemmini-opt"
    command = f"{program} in.mlir | head -n 1"
    done = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("builtin.module {\n", "")


# -- refusals ----------------------------------------------------------------------------------


def test_unknown_option(run: Run) -> None:
    refused(run("--bogus"), "gemmini-opt: error: unrecognized arguments: --bogus")


def test_option_without_its_value(run: Run) -> None:
    refused(run("-p"), "gemmini-opt: error: argument -p/--passes: expected one argument")


def test_unknown_pass_with_a_suggestion(run: Run) -> None:
    refused(
        run("-p", "canonicalise"),
        "gemmini-opt: error: unknown pass 'canonicalise'; did you mean 'canonicalize'?",
    )


def test_unknown_pass(run: Run) -> None:
    refused(
        run("-p", "cse,zzz"),
        "gemmini-opt: error: unknown pass 'zzz'; gemmini-opt --help lists all",
    )


def test_unknown_target(run: Run) -> None:
    refused(run("-t", "mlirr"), "gemmini-opt: error: unknown target 'mlirr'; did you mean 'mlir'?")


@pytest.mark.parametrize("pipeline", ["cse{", "cse}", "cse{a=}", "cse cse", ",", "cse{a=1,}", "é"])
def test_malformed_pipeline(run: Run, pipeline: str) -> None:
    outcome = run("-p", pipeline)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("gemmini-opt: error: argument -p: not understood\n")


def test_malformed_target(run: Run) -> None:
    outcome = run("-t", "mlir{")
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("gemmini-opt: error: argument -t: not understood\n")


def test_unknown_pass_option(run: Run) -> None:
    outcome = run("-p", "scf-for-loop-unroll{nope=1}")
    assert (outcome.status, outcome.stdout) == (1, "")
    assert re.fullmatch(
        r"gemmini-opt: error: pass 'scf-for-loop-unroll': .*\"nope\".*\(its options: .*\)\n",
        outcome.stderr,
    )


def test_pass_option_of_a_wrong_type(run: Run) -> None:
    outcome = run("-p", "convert-linalg-to-loops{x=1}")
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.count("\n") == 1


def test_missing_input(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "missing.mlir"
    refused(run(str(path)), f"gemmini-opt: error: {path}: No such file or directory")


def test_input_is_a_directory(run: Run, tmp_path: Path) -> None:
    refused(run(str(tmp_path)), f"gemmini-opt: error: {tmp_path}: Is a directory")


def test_unknown_extension(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "module.txt"
    path.write_text(VALID)
    refused(
        run(str(path)),
        f"gemmini-opt: error: {path}: the format does not follow from the extension; "
        "name it, as in -f mlir",
    )
    assert run(str(path), "-f", "mlir").stdout == PRINTED


def test_parse_error_shows_the_line(run: Run) -> None:
    refused(
        run(text="func.func @f() {\n  %0 = nope.op\n  return\n}\n"),
        "<stdin>:2:3: error: Operation nope.op is not registered",
        "  %0 = nope.op",
        "  ^",
    )


def test_parse_error_in_a_later_chunk_names_the_line_of_the_file(run: Run) -> None:
    outcome = run("--split-input-file", text=f"{VALID}// -----\n\nnope.op\n")
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("<stdin>:6:1: error: Operation nope.op is not registered\n")


def test_long_lines_are_cut_around_the_error(run: Run) -> None:
    text = f'"test.op"() {{a = "{"x" * 5000}", b = }} : () -> ()\n'
    outcome = run("--allow-unregistered-dialect", text=text)
    assert outcome.status == 1
    assert all(len(line) <= 200 for line in outcome.stderr.splitlines())
    _, context, caret = outcome.stderr.splitlines()
    assert context[caret.index("^")] == "}"


def test_string_without_an_end(run: Run) -> None:
    outcome = run(text=f'"{"a" * 200}\n')
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("<stdin>:1:1: error: End of file reached before closing")


def test_lines_are_counted_in_text_that_is_not_ascii(run: Run) -> None:
    outcome = run(text=f"// ä\u20ac\U0001f600\n{DISAGREE}")
    assert outcome.stderr.startswith("<stdin>:3:3: error: 'gemmini.matmul': A and B disagree")


def test_not_text(run: Run) -> None:
    outcome = run(text=b"\xff\xfe\x00func")
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("gemmini-opt: <stdin>: error: parsing failed: ")
    assert outcome.stderr.count("\n") == 1


def test_input_nested_too_deeply(run: Run) -> None:
    refused(run(text="module {" * 20000), "gemmini-opt: error: <stdin>: nested too deeply")


def test_verification_error_names_the_line_and_operation(run: Run) -> None:
    refused(
        run(text=VALID + DISAGREE),
        "<stdin>:5:3: error: 'gemmini.matmul': A and B disagree on K: A has 3, B has 5 "
        "(after transposition)",
    )


def test_verification_error_in_a_later_chunk(run: Run) -> None:
    outcome = run("--split-input-file", text=f"{VALID}// -----\n{DISAGREE}")
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("<stdin>:6:3: error: 'gemmini.matmul': A and B disagree")


def test_verify_diagnostics_prints_them_and_goes_on(run: Run) -> None:
    outcome = run("--verify-diagnostics", "--split-input-file", text=f"{DISAGREE}// -----\n{VALID}")
    assert (outcome.status, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith("A and B disagree on K: A has 3, B has 5")
    assert outcome.stdout.endswith(f"// -----\n{PRINTED}")


def test_unknown_configuration_in_the_input(run: Run) -> None:
    text = 'builtin.module attributes {gemmini.config = #gemmini.config<"nope">} {}\n'
    column = text.index('"nope"') + 1
    outcome = run(text=text)
    assert (outcome.status, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith(f"<stdin>:1:{column}: error: unknown configuration 'nope'")


# -- output files ------------------------------------------------------------------------------


def test_output_file(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.mlir"
    assert run("-o", str(path)) == Outcome(0, "", "")
    assert path.read_text() == PRINTED
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(path.stat().st_mode) == 0o666 & ~mask


def test_failure_leaves_the_output_file_alone(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "out.mlir"
    assert run("-o", str(path), text=DISAGREE).status == 1
    assert list(tmp_path.iterdir()) == []
    path.write_text("old")
    path.chmod(0o640)
    text = f"{VALID}// -----\n{DISAGREE}"
    assert run("-o", str(path), "--split-input-file", text=text).status == 1
    assert path.read_text() == "old"
    assert run("-o", str(path)).status == 0
    assert path.read_text() == PRINTED
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_output_file_behind_a_link_and_device(run: Run, tmp_path: Path) -> None:
    real, link = tmp_path / "real.mlir", tmp_path / "link.mlir"
    real.write_text("old")
    link.symlink_to(real)
    assert run("-o", str(link)).status == 0
    assert link.is_symlink()
    assert real.read_text() == PRINTED
    assert run("-o", "/dev/null").status == 0
    assert not Path("/dev/null").is_file()


def test_output_file_in_a_missing_folder(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "no" / "out.mlir"
    refused(run("-o", str(path)), f"gemmini-opt: error: {path}: No such file or directory")


def test_output_file_is_a_folder(run: Run, tmp_path: Path) -> None:
    refused(run("-o", str(tmp_path)), f"gemmini-opt: error: {tmp_path}: Is a directory")


# -- passes that fail --------------------------------------------------------------------------


@dataclass(frozen=True)
class Failing(ModulePass):
    """Fails."""

    name = "test-failing"
    how: str = "refusal"

    def apply(self, ctx: Context, op: ModuleOp) -> None:
        """Fail as `how` says."""
        match self.how:
            case "refusal":
                raise PassFailedException("K = 7 is not supported")
            case "config":
                raise ConfigError("unknown configuration 'nope'")
            case "invalid":
                for inner in list(op.walk()):
                    if isinstance(inner, ReturnOp):
                        inner.detach()
                        inner.erase()
                return
        raise KeyError("tile")


@pytest.fixture
def failing_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GEMMINI_UNIVERSE.all_passes, Failing.name, lambda: Failing)


@pytest.mark.usefixtures("failing_pass")
class TestFailingPass:
    INTERNAL: ClassVar[str] = (
        "gemmini-opt: internal error: pass 'test-failing': KeyError: 'tile' "
        "(a bug; GEMMINI_DEBUG=1 shows the traceback)\n"
    )

    def test_refusal(self, run: Run) -> None:
        refused(
            run("-p", "test-failing"),
            "gemmini-opt: <stdin>: error: pass 'test-failing': K = 7 is not supported",
        )

    def test_refusal_as_a_diagnostic(self, run: Run) -> None:
        outcome = run("--verify-diagnostics", "-p", "test-failing")
        assert outcome == Outcome(0, "K = 7 is not supported\n", "")

    def test_refused_configuration(self, run: Run) -> None:
        refused(
            run("-p", "test-failing{how=config}"),
            "gemmini-opt: <stdin>: error: pass 'test-failing' failed: unknown configuration 'nope'",
        )

    def test_invalid_result(self, run: Run) -> None:
        refused(
            run("-p", "test-failing{how=invalid}"),
            "<stdin>:1:1: error: verification after pass 'test-failing': 'func.func': "
            "Operation func.func contains empty block in single-block region that expects at "
            "least a terminator",
        )

    def test_internal_error_is_one_line(self, run: Run) -> None:
        assert run("-p", "test-failing{how=bug}") == Outcome(2, "", self.INTERNAL)

    def test_internal_error_with_its_traceback(
        self, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("GEMMINI_DEBUG", "1")
        outcome = run("-p", "test-failing{how=bug}")
        assert (outcome.status, outcome.stdout) == (2, "")
        assert outcome.stderr.startswith("Traceback (most recent call last):\n")
        assert outcome.stderr.endswith(self.INTERNAL)

    def test_wrong_option(self, run: Run) -> None:
        outcome = run("-p", "test-failing{how=1}")
        assert (outcome.status, outcome.stdout) == (1, "")
        assert re.fullmatch(
            r"gemmini-opt: error: pass 'test-failing': Incompatible types: .*"
            r'\(its options: how: str = "refusal"\)\n',
            outcome.stderr,
        )


def test_failure_of_an_upstream_pass(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    upstream = load_universe()
    upstream.all_passes["test-failing"] = lambda: Failing
    monkeypatch.setattr(gemmini_opt, "load_universe", lambda: upstream)
    refused(
        run("-p", "test-failing{how=bug}"),
        "gemmini-opt: <stdin>: error: pass 'test-failing' failed: KeyError: 'tile'",
    )


# -- help and registration ---------------------------------------------------------------------


def test_help_lists_our_passes_and_targets_with_their_options(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(GEMMINI_UNIVERSE.all_passes, Failing.name, lambda: Failing)
    with pytest.raises(SystemExit) as exit_:
        gemmini_opt.main(["--help"])
    assert exit_.value.code == 0
    text = capsys.readouterr().out
    assert '  test-failing\n      Fails.\n        how: str = "refusal"\n' in text
    ours, upstream = text.split("\npasses of xDSL:\n")
    for name in [*get_all_passes(), *get_all_targets()]:
        assert f"\n  {name}\n" in ours
    assert "canonicalize" in upstream
    assert "riscv-asm" in upstream
    assert max(len(line) for line in upstream.splitlines()) <= 100


def test_works_with_and_without_the_entry_point(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = Universe.get_multiverse()
    assert "gemmini" in installed.all_dialects, "the entry point is not installed"
    bare = Universe(
        all_dialects={k: v for k, v in installed.all_dialects.items() if k != "gemmini"},
        all_passes={k: v for k, v in installed.all_passes.items() if k not in get_all_passes()},
        all_targets={k: v for k, v in installed.all_targets.items() if k not in get_all_targets()},
    )
    monkeypatch.setattr(Universe, "get_multiverse", staticmethod(lambda: bare))
    found = load_universe()
    assert set(found.all_dialects) == set(installed.all_dialects)
    assert set(found.all_passes) == set(installed.all_passes)
    assert set(found.all_targets) == set(installed.all_targets)
    outcome = run(text=DISAGREE.replace("5x4", "3x4"))
    assert outcome.status == 0
    assert "gemmini.matmul ins" in outcome.stdout


def test_plain_xdsl_opt_knows_us(tmp_path: Path) -> None:
    (tmp_path / "in.mlir").write_text(DISAGREE.replace("5x4", "3x4"))
    program = Path(sys.executable).parent / "xdsl-opt"
    done = subprocess.run([program, "in.mlir"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "gemmini.matmul ins" in done.stdout
