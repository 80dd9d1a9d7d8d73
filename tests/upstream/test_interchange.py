"""Every level of the pipeline in upstream MLIR, and back."""

from __future__ import annotations

from pathlib import Path

import pytest
from xdsl.context import Context
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.passes.pipelines import default_pipeline, schedule_pass, set_config
from gemmini_xdsl.passes.upstream_mlir import (
    UpstreamMlir,
    UpstreamMlirError,
    from_generic_text,
    from_upstream,
    to_generic_text,
    to_upstream,
)
from gemmini_xdsl.passes.upstream_mlir.bindings import BindingsBackend
from gemmini_xdsl.passes.upstream_mlir.mlir_opt import MlirOptBackend
from gemmini_xdsl.tools.compile import cpu_passes
from gemmini_xdsl.tools.inputs import load_input, parse_mlir
from gemmini_xdsl.tools.source_locations import LocatingParser

TESTS = Path(__file__).parents[1]
VALID_FILES = sorted(
    path.relative_to(TESTS)
    for folder in ("dialects", "passes")
    for path in (TESTS / folder).rglob("*.mlir")
    if not path.stem.endswith("_invalid") and "Output" not in path.parts
)

LEVELS = {
    "int32": ("gemm:M=100,N=60,K=200,out=i32", "tile = [4, 2, 2]", "default"),
    "int8": (
        "gemm:M=33,N=70,K=50,bias=row,act=relu,scale=0.01,out=i8",
        'tile = [1, 1, 1], dataflow = os, double_buffer = ["a", "b"]',
        "default",
    ),
    "loop_ws": (
        "gemm:M=64,N=64,K=64,out=i8,scale=0.5",
        "tile = [2, 2, 2], lowering = loop_ws",
        "default",
    ),
    "zero points": ("gemm:M=20,N=20,K=20,out=i8,scale=0.5,za=3,zb=-2", None, "int8_8x8"),
    "output zero point": ("gemm:M=9,N=17,K=20,out=i8,scale=0.5,zc=3,ta=1", None, "zcu102"),
}


@pytest.mark.parametrize("name", LEVELS)
def test_every_level_goes_there_and_comes_back(
    name: str, context: Context, bindings: BindingsBackend
) -> None:
    shorthand, schedule, config = LEVELS[name]
    module = load_input(shorthand, context).module
    set_config(module, config)
    assign = None if schedule is None else schedule_pass(context, schedule)
    passes = [*default_pipeline(schedule=assign), *cpu_passes()]
    assert_round_trip(module, context, bindings)
    for item in passes:
        item.apply(context, module)
        assert_round_trip(module, context, bindings)


def test_every_level_through_the_binary(context: Context, mlir_opt: MlirOptBackend) -> None:
    module = load_input("gemm:M=33,N=70,K=50,bias=row,scale=0.01,zc=1,out=i8", context).module
    for item in [*default_pipeline(), *cpu_passes()]:
        item.apply(context, module)
        assert_round_trip(module, context, mlir_opt)


@pytest.mark.parametrize("path", VALID_FILES, ids=str)
def test_every_file_of_our_own_tests_parses_there(
    path: Path, context: Context, bindings: BindingsBackend
) -> None:
    for index, chunk in enumerate((TESTS / path).read_text().split("// -----")):
        module = parse_mlir(chunk, f"{path}#{index}", context)
        assert_round_trip(module, context, bindings)


def assert_round_trip(module: ModuleOp, context: Context, upstream: UpstreamMlir) -> None:
    text = to_generic_text(module)
    again = from_generic_text(upstream.run(text), context)
    assert module.is_structurally_equivalent(again)


def test_conversion_in_memory(context: Context, bindings: BindingsBackend) -> None:
    module = load_input("gemm:M=20,N=20,K=20", context).module
    there = to_upstream(module)
    assert isinstance(there, bindings.bindings.ir.Module)
    assert [op.operation.name for op in there.body.operations] == ["func.func"]
    assert from_upstream(there, context).is_structurally_equivalent(module)


def test_conversion_into_a_given_context(context: Context, bindings: BindingsBackend) -> None:
    module = load_input("gemm:M=20,N=20,K=20", context).module
    with bindings.bindings.context() as given:
        assert to_upstream(module, given).context is given


def test_locations_survive(context: Context, upstream: UpstreamMlir) -> None:
    text = "func.func @f(%a : i32) -> i32 {\n  func.return %a : i32\n}\n"
    module = LocatingParser(context, text, "input.mlir").parse_module()
    there = upstream.run(to_generic_text(module))
    assert 'loc("input.mlir":2:3)' in there
    again = to_generic_text(from_generic_text(there, context))
    assert 'loc("input.mlir":2:3)' in again


def test_what_upstream_refuses_is_named_with_our_position(
    context: Context, upstream: UpstreamMlir
) -> None:
    text = "func.func @f(%a : i32) {\n  %0 = arith.addi %a, %a : i32\n  func.return\n}\n"
    module = LocatingParser(context, text, "input.mlir").parse_module()
    # xDSL does not check the number of operands of a return.
    wrong = to_generic_text(module).replace('"func.return"()', '"func.return"(%0)')
    wrong = wrong.replace('() -> () loc("input.mlir":3:3)', '(i32) -> () loc("input.mlir":3:3)')
    with pytest.raises(UpstreamMlirError, match=r"^upstream MLIR: input\.mlir:3:3: error: .*1 "):
        upstream.run(wrong)


def test_what_xdsl_cannot_read_is_said(context: Context) -> None:
    with pytest.raises(UpstreamMlirError, match="xDSL cannot read what upstream MLIR made"):
        from_generic_text('"builtin.module"() ({ "x.y"() : () -> () }) : () -> ()', context)
