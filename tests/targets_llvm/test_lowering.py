"""The `llvm` dialect, LLVM IR and assembly of single functions, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from riscv_programs import Linker, execute, needs_gcc
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.hardware import GemminiConfig
from gemmini_xdsl.passes.upstream_mlir import UpstreamMlirNotFoundError
from gemmini_xdsl.targets import llvm_machine_code
from gemmini_xdsl.targets.errors import TargetError
from gemmini_xdsl.targets.llvm_float_literals import with_portable_literals
from gemmini_xdsl.targets.llvm_library import CodeOptions, LlvmLibraryError, find_llvm_library
from gemmini_xdsl.targets.llvm_lowering import (
    to_llvm_dialect,
    to_llvm_ir,
)
from gemmini_xdsl.targets.llvm_machine_code import emit_object
from gemmini_xdsl.tools.compile import compile_input
from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.gemmini_opt import main
from gemmini_xdsl.tools.inputs import make_context, parse_mlir

COMMAND = """func.func @f(%a: i64, %b: i64) {
  rocc.command 5, %a, %b
  rocc.fence
  func.return
}"""


def parse(text: str) -> ModuleOp:
    return parse_mlir(text, "input", make_context())


@pytest.mark.usefixtures("upstream")
class TestText:
    def test_commands_are_assembly_with_side_effects(self) -> None:
        text = to_llvm_dialect(parse(COMMAND), "test", pretty=True)
        assert (
            'llvm.inline_asm has_side_effects ".insn r 0x7b, 3, 5, x0, $0, $1", '
            '"r,r,~{memory}" %arg0, %arg1 : (i64, i64) -> ()'
        ) in text
        assert 'llvm.inline_asm has_side_effects "fence", "~{memory}"' in text

    def test_opcode_is_that_of_the_configuration(self) -> None:
        config = '#gemmini.config<"other", opcode = 1>'
        module = f"builtin.module attributes {{gemmini.config = {config}}} {{{COMMAND}}}"
        assert '".insn r 0x2b, 3, 5, x0' in to_llvm_ir(parse(module), "test")

    def test_signatures_are_those_of_c(self) -> None:
        text = """
        func.func @"a-b"(%m: memref<4xi8>, %x: i8, %y: i1, %z: i64, %w: f32) -> i32 {
          %0 = arith.extsi %x : i8 to i32
          func.return %0 : i32
        }"""
        ir = to_llvm_ir(parse(text), "test")
        assert (
            "define signext i32 @a_b(ptr %0, i8 signext %1, i1 zeroext %2, i64 %3, float %4)"
        ) in ir
        assert ir.startswith('target datalayout = "e-m:e-p:64:64')
        assert 'target triple = "riscv64-unknown-elf"' in ir

    def test_buffers_are_static_and_aligned(self) -> None:
        text = """
        "memref.global"() <{sym_name = "weights", type = memref<2xi8>, constant,
            initial_value = dense<[1, 2]> : tensor<2xi8>, sym_visibility = "private"}> : () -> ()
        func.func @f(%i: index) -> i8 {
          %w = memref.get_global @weights : memref<2xi8>
          %a = memref.alloc() : memref<2xi8>
          %b = memref.alloca() {alignment = 128 : i64} : memref<2xi8>
          "memref.copy"(%w, %a) : (memref<2xi8>, memref<2xi8>) -> ()
          "memref.copy"(%a, %b) : (memref<2xi8>, memref<2xi8>) -> ()
          %0 = memref.load %b[%i] : memref<2xi8>
          memref.dealloc %a : memref<2xi8>
          func.return %0 : i8
        }"""
        ir = to_llvm_ir(parse(text), "test")
        assert "@buffer_0 = internal global [2 x i8] undef, align 64" in ir
        assert "@buffer_1 = internal global [2 x i8] undef, align 128" in ir
        assert "@weights = internal constant [2 x i8]" in ir
        assert "malloc" not in ir
        assert "memrefCopy" not in ir

    def test_private_functions_stay_inside(self) -> None:
        text = """
        func.func private @helper() {
          func.return
        }
        func.func private @apart() attributes {gemmini.no_inline} {
          func.return
        }
        func.func @f() {
          func.call @helper() : () -> ()
          func.call @apart() : () -> ()
          func.return
        }"""
        ir = to_llvm_ir(parse(text), "test")
        assert "define internal void @helper() {" in ir
        assert "define internal void @apart() #0 {" in ir
        assert "attributes #0 = { noinline }" in ir
        assert "define void @f()" in ir

    def test_another_parser_accepts_it(self) -> None:
        binding = pytest.importorskip("llvmlite.binding", reason="llvmlite is not installed")
        text = """
        func.func @f(%x: f32) -> f32 {
          %c = arith.constant 1.1 : f32
          %0 = arith.mulf %x, %c : f32
          func.return %0 : f32
        }"""
        binding.parse_assembly(to_llvm_ir(parse(text), "test")).verify()

    def test_command_line(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        path = tmp_path / "input.mlir"
        path.write_text(COMMAND)
        assert main([str(path), "-t", "gemmini-llvm"]) == 0
        assert "llvm.func @f(" in capsys.readouterr().out
        assert main([str(path), "-t", "gemmini-llvm{form=ir}"]) == 0
        assert "define void @f(" in capsys.readouterr().out


@pytest.mark.usefixtures("upstream")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "func.func @f() {\ngemmini.flush\nfunc.return\n}",
            "test: cannot emit 'gemmini.flush' in @f: lower it to RoCC commands first",
        ),
        ("func.func @f(%a: memref<?xi8>) {\nfunc.return\n}", "must have a static shape"),
        (
            "func.func @f(%a: memref<4xi8, strided<[?]>>) {\nfunc.return\n}",
            "its layout must be strided and static",
        ),
        ("func.func @f(%a: memref<4xbf16>) {\nfunc.return\n}", "has type bf16"),
        (
            "func.func @f(%a: memref<4xi8>) -> memref<4xi8> {\nfunc.return %a : memref<4xi8>\n}",
            "test: @f must return nothing or one scalar",
        ),
        (
            "func.func @f(%n: index) {\n%0 = memref.alloc(%n) : memref<?xi8>\nfunc.return\n}",
            "its shape must be static",
        ),
    ],
)
def test_refused(text: str, message: str) -> None:
    with pytest.raises(TargetError, match=message):
        to_llvm_dialect(parse(text), "test")


def test_without_upstream(monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(purpose: str) -> None:
        raise UpstreamMlirNotFoundError(f"{purpose} needs upstream MLIR")

    monkeypatch.setattr("gemmini_xdsl.targets.llvm_lowering.find_upstream", nothing)
    with pytest.raises(UpstreamMlirNotFoundError, match=r"^target 'test' needs upstream MLIR$"):
        to_llvm_dialect(parse(COMMAND), "test")


@pytest.mark.usefixtures("machine_code")
def test_compiled_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    compile_input("gemm:M=4,N=4,K=4", tmp_path / "out", emit=["mlir", "llvm", "asm", "object"])
    assert "define void @gemm(" in (tmp_path / "out" / "gemm.ll").read_text()
    assert ".insn r 123, 3, " in (tmp_path / "out" / "gemm.s").read_text()
    assert (tmp_path / "out" / "gemm.o").read_bytes().startswith(b"\x7fELF")
    monkeypatch.setattr(llvm_machine_code, "find_llvm_library", lambda: None)
    monkeypatch.setattr(llvm_machine_code, "find_clang", lambda: None)
    with pytest.raises(GemminiError, match=r"^gemm: --emit object: making machine code needs LLVM"):
        compile_input("gemm:M=4,N=4,K=4", tmp_path / "none", emit=["object"])
    assert not (tmp_path / "none").exists()


@pytest.mark.usefixtures("upstream")
class TestCompilers:
    def test_nothing_installed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(llvm_machine_code, "find_llvm_library", lambda: None)
        monkeypatch.setattr(llvm_machine_code, "find_clang", lambda: None)
        with pytest.raises(TargetError, match="needs LLVM's shared library or clang 16 or later"):
            emit_object(parse(COMMAND))

    def test_clang_is_called_with_our_abi(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        clang = tmp_path / "clang"
        clang.write_text('#!/bin/sh\ncat > /dev/null\necho "$@"\n')
        clang.chmod(0o755)
        monkeypatch.setattr(llvm_machine_code, "find_llvm_library", lambda: None)
        monkeypatch.setattr(llvm_machine_code, "find_clang", lambda: str(clang))
        called = emit_object(parse(COMMAND)).decode()
        assert "--target=riscv64-unknown-elf -march=rv64gc -mabi=lp64d" in called
        assert "-c -x ir - -o -" in called
        clang.write_text("#!/bin/sh\ncat > /dev/null\necho 'error: bad IR' >&2\nexit 1\n")
        with pytest.raises(TargetError, match=r"clang: error: bad IR$"):
            emit_object(parse(COMMAND))

    def test_old_clang_is_not_taken(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        for name, version in (("clang", 14), ("clang-19", 19)):
            (tmp_path / name).write_text(f"#!/bin/sh\necho 'Debian clang version {version}.0.6'\n")
            (tmp_path / name).chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        assert llvm_machine_code.find_clang.__wrapped__() == str(tmp_path / "clang-19")


@pytest.mark.usefixtures("machine_code")
def test_library_reports_what_it_refuses() -> None:
    library = find_llvm_library()
    if library is None:
        pytest.skip("LLVM's shared library (libllvm22) is not installed")
    options = CodeOptions("riscv64-unknown-elf", "generic-rv64", "+m", "lp64")
    with pytest.raises(LlvmLibraryError, match="kernel:1:1: error: expected top-level entity"):
        library.compile("nonsense", options, assembly=True)
    wrong = CodeOptions("nonsense-unknown-elf", "", "", "")
    with pytest.raises(LlvmLibraryError, match="nonsense"):
        library.compile("", wrong, assembly=True)


@pytest.mark.parametrize(
    ("new", "old"),
    [
        # From IEEE 754: 1.1f is 0x3F8CCCCD, and that value as a double 0x3FF19999A0000000.
        ("fmul float %0, 1.100000e+00", "fmul float %0, 0x3FF19999A0000000"),
        ("fmul float %0, f0x3F8CCCCD", "fmul float %0, 0x3FF19999A0000000"),
        ("fmul double %0, 1.100000e+00", "fmul double %0, 0x3FF199999999999A"),
        ("ret double f0x3FF199999999999A", "ret double 0x3FF199999999999A"),
        (
            "[float -0.0, float +inf, double -inf]",
            "[float 0x8000000000000000, float 0x7FF0000000000000, double 0xFFF0000000000000]",
        ),
        (
            "[float +qnan, float -nan(0x1), double +snan(0x1)]",
            "[float 0x7FF8000000000000, float 0xFFF8000020000000, double 0x7FF0000000000001]",
        ),
        ("ret float f0x7FA00000", "ret float 0x7FF4000000000000"),
        (
            'call void asm "float 1.5", "r"(float 1.5)',
            'call void asm "float 1.5", "r"(float 0x3FF8000000000000)',
        ),
        ("fptrunc double %8 to float", "fptrunc double %8 to float"),
        ("i32 1, @float.1.5, %double 1.5", "i32 1, @float.1.5, %double 1.5"),
    ],
)
def test_float_literals(new: str, old: str) -> None:
    assert with_portable_literals(new) == old
    assert with_portable_literals(old) == old


@needs_gcc
@pytest.mark.usefixtures("machine_code")
def test_scalar_code_computes(tmp_path: Path) -> None:
    text = """
    func.func @rows(%m: memref<3x4xi32, strided<[8, 1], offset: 2>>, %out: memref<4xi32>,
                    %low: i8) {
      %zero = arith.constant 0 : index
      %one = arith.constant 1 : index
      %four = arith.constant 4 : index
      %three = arith.constant 3 : index
      %start = arith.extsi %low : i8 to i32
      scf.for %j = %zero to %four step %one {
        %sum = scf.for %i = %zero to %three step %one iter_args(%s = %start) -> (i32) {
          %x = memref.load %m[%i, %j] : memref<3x4xi32, strided<[8, 1], offset: 2>>
          %t = arith.addi %s, %x : i32
          scf.yield %t : i32
        }
        memref.store %sum, %out[%j] : memref<4xi32>
      }
      func.return
    }"""
    linker = Linker(tmp_path, GemminiConfig())
    (tmp_path / "kernel.o").write_bytes(emit_object(parse(text)))
    linker.objects.insert(0, "kernel.o")
    source = """
    #include <stdint.h>
    void rows(int32_t *m, int32_t *out, int8_t low);
    int32_t gemmini_input_0[24], gemmini_output_1[4];
    int main(void) {
        for (int i = 0; i < 24; i++) gemmini_input_0[i] = i * i;
        rows(gemmini_input_0, gemmini_output_1, -100);
        return 0;
    }"""
    result = execute(linker.link({"main.c": source}), timing=False)
    assert (result.problem, result.status) == (None, 0)
    values = result.buffers["gemmini_output_1"].view("int32").tolist()
    flat = [i * i for i in range(24)]
    assert values == [sum(flat[2 + 8 * i + j] for i in range(3)) - 100 for j in range(4)]
