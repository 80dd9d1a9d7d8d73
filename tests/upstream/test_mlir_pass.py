"""Passes of upstream MLIR in our pipelines."""

from __future__ import annotations

import pytest
from xdsl.context import Context
from xdsl.dialects import arith, func, scf
from xdsl.dialects.builtin import ModuleOp
from xdsl.utils.exceptions import PassFailedException

from gemmini_xdsl.dialects import rocc
from gemmini_xdsl.passes.gemmini_assign_schedule import GemminiAssignSchedulePass
from gemmini_xdsl.passes.mlir_pipeline import MlirPass
from gemmini_xdsl.passes.pipelines import default_pipeline
from gemmini_xdsl.passes.upstream_mlir import UpstreamMlir
from gemmini_xdsl.targets.command_stream import command_stream
from gemmini_xdsl.tools.gemmini_opt import main
from gemmini_xdsl.tools.inputs import load_input, parse_mlir

CLEAN_UP = "canonicalize,cse,loop-invariant-code-motion,canonicalize,cse"


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch, upstream: UpstreamMlir) -> None:
    monkeypatch.setattr("gemmini_xdsl.passes.mlir_pipeline.find_upstream", lambda purpose: upstream)


def operations(module: ModuleOp) -> int:
    return sum(1 for _ in module.walk())


@pytest.mark.usefixtures("use")
def test_commands_stay_as_they_are(context: Context) -> None:
    module = load_input("gemm:M=100,N=60,K=200,bias=row,scale=0.01", context).module
    # With loops there is something to clean up.
    for item in default_pipeline(schedule=GemminiAssignSchedulePass(unroll=False)):
        item.apply(context, module)
    before, size = command_stream(module).items, operations(module)
    MlirPass(CLEAN_UP).apply(context, module)
    module.verify()
    assert command_stream(module).items == before
    assert operations(module) < size


@pytest.mark.usefixtures("use")
def test_between_all_of_our_passes(context: Context) -> None:
    plain = load_input("gemm:M=50,N=70,K=90,bias=full,scale=0.01", context).module
    cleaned = plain.clone()
    for item in default_pipeline():
        item.apply(context, plain)
        item.apply(context, cleaned)
        MlirPass(CLEAN_UP).apply(context, cleaned)
    assert command_stream(cleaned).items == command_stream(plain).items


@pytest.mark.usefixtures("use")
def test_constants_leave_the_loop_and_our_operations_do_not(context: Context) -> None:
    text = """
    func.func @f(%n : index) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      scf.for %i = %zero to %n step %one {
        %a = arith.constant 5 : i64
        %b = arith.addi %a, %a : i64
        rocc.command 2, %a, %b
        rocc.command 2, %a, %b
      }
      func.return
    }"""
    module = parse_mlir(text, "input", context)
    MlirPass("canonicalize,loop-invariant-code-motion").apply(context, module)
    (loop,) = [op for op in module.walk() if isinstance(op, scf.ForOp)]
    assert [type(op) for op in loop.body.block.ops] == [rocc.CommandOp] * 2 + [scf.YieldOp]
    (function,) = [op for op in module.walk() if isinstance(op, func.FuncOp)]
    constants = [op for op in function.body.block.ops if isinstance(op, arith.ConstantOp)]
    assert {op.value.value.data for op in constants} == {0, 1, 5, 10}
    assert function.body.block.args[0].name_hint == "n"


@pytest.mark.usefixtures("use")
def test_nested_pipeline_and_anchors(context: Context) -> None:
    text = "func.func @f() {\n%0 = arith.constant 1 : i32\nfunc.return\n}"
    for pipeline in ("func.func(canonicalize)", "builtin.module(func.func(canonicalize))"):
        module = parse_mlir(text, "input", context)
        MlirPass(pipeline).apply(context, module)
        assert not [op for op in module.walk() if isinstance(op, arith.ConstantOp)]


@pytest.mark.usefixtures("use")
@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("no-such-pass", "'no-such-pass' does not refer to a registered pass"),
        ("canonicalize{no-such=1}", "no-such"),
        ("canonicalize(", "upstream MLIR: "),
        (" ", "the pipeline is empty"),
    ],
)
def test_wrong_pipelines(pipeline: str, message: str, context: Context) -> None:
    with pytest.raises(PassFailedException, match=message):
        MlirPass(pipeline).apply(context, ModuleOp([]))


def test_command_line(tmp_path, capsys, upstream: UpstreamMlir) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "input.mlir"
    path.write_text("func.func @f() {\n  %0 = arith.constant 1 : i32\n  func.return\n}\n")
    assert main([str(path), "-p", 'mlir{pipeline="func.func(canonicalize),cse"}']) == 0
    assert "arith.constant" not in capsys.readouterr().out
    assert main([str(path), "-p", 'mlir{pipeline="nonsense"}']) == 1
    output = capsys.readouterr()
    assert output.out == ""
    assert "pass 'mlir': upstream MLIR: " in output.err
    assert len(output.err.splitlines()) == 1
    assert main([str(path), "-p", "mlir"]) == 1
    assert "its options: pipeline: str (required)" in capsys.readouterr().err
