"""Whole emitted modules: control flow, memory, names, warnings and determinism."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.targets.c_module import emit_module
from gemmini_xdsl.targets.c_names import Names, is_reserved
from gemmini_xdsl.targets.errors import TargetError

Load = Callable[[str], ctypes.CDLL]
Parse = Callable[[str], ModuleOp]


def pointers(*arrays: NDArray[Any]) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(array.ctypes.data) for array in arrays]


def test_loop_carried_values_are_assigned_at_once(load_c: Load) -> None:
    library = load_c("""
      func.func @fibonacci(%n: index, %out: memref<2xi32>) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %zero = arith.constant 0 : i32
        %one = arith.constant 1 : i32
        %a, %b = scf.for %i = %c0 to %n step %c1 iter_args(%x = %zero, %y = %one) -> (i32, i32) {
          %s = arith.addi %x, %y : i32
          scf.yield %y, %s : i32, i32
        }
        memref.store %a, %out[%c0] : memref<2xi32>
        memref.store %b, %out[%c1] : memref<2xi32>
        func.return
      }
      func.func @rotate(%n: index, %out: memref<3xi32>) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c2 = arith.constant 2 : index
        %k1 = arith.constant 1 : i32
        %k2 = arith.constant 2 : i32
        %k3 = arith.constant 3 : i32
        %a, %b, %c = scf.for %i = %c0 to %n step %c1
            iter_args(%x = %k1, %y = %k2, %z = %k3) -> (i32, i32, i32) {
          scf.yield %y, %z, %x : i32, i32, i32
        }
        memref.store %a, %out[%c0] : memref<3xi32>
        memref.store %b, %out[%c1] : memref<3xi32>
        memref.store %c, %out[%c2] : memref<3xi32>
        func.return
      }
    """)
    out = np.zeros(3, np.int32)
    library.fibonacci(ctypes.c_uint64(10), *pointers(out))
    assert out[:2].tolist() == [55, 89]
    library.fibonacci(ctypes.c_uint64(0), *pointers(out))
    assert out[:2].tolist() == [0, 1]
    library.rotate(ctypes.c_uint64(4), *pointers(out))
    assert out.tolist() == [2, 3, 1]


def test_negative_bounds_use_a_signed_comparison(load_c: Load) -> None:
    library = load_c("""
      func.func @count(%lb: index, %ub: index, %out: memref<1xi64>) {
        %c0 = arith.constant 0 : index
        %c2 = arith.constant 2 : index
        %low = arith.constant -3 : index
        %high = arith.constant -1 : index
        %zero = arith.constant 0 : i64
        %one = arith.constant 1 : i64
        %ten = arith.constant 10 : i64
        %a = scf.for %i = %lb to %ub step %c2 iter_args(%x = %zero) -> (i64) {
          %y = arith.addi %x, %one : i64
          scf.yield %y : i64
        }
        %b = scf.for %i = %low to %high step %c2 iter_args(%x = %a) -> (i64) {
          %y = arith.addi %x, %ten : i64
          scf.yield %y : i64
        }
        memref.store %b, %out[%c0] : memref<1xi64>
        func.return
      }
    """)
    out = np.zeros(1, np.int64)
    for low, high in [(-5, 4), (0, 7), (3, -3), (-2, 0)]:
        library.count(ctypes.c_int64(low), ctypes.c_int64(high), *pointers(out))
        assert out[0] == len(range(low, high, 2)) + 10 * len(range(-3, -1, 2))


def test_while_if_and_switch(load_c: Load) -> None:
    library = load_c("""
      func.func @collatz(%start: i32, %out: memref<2xi32>) {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %zero = arith.constant 0 : i32
        %one = arith.constant 1 : i32
        %two = arith.constant 2 : i32
        %three = arith.constant 3 : i32
        %value, %steps = scf.while (%v = %start, %s = %zero) : (i32, i32) -> (i32, i32) {
          %more = arith.cmpi ne, %v, %one : i32
          scf.condition(%more) %v, %s : i32, i32
        } do {
        ^bb0(%v: i32, %s: i32):
          %bit = arith.andi %v, %one : i32
          %odd = arith.cmpi ne, %bit, %zero : i32
          %next = scf.if %odd -> (i32) {
            %t = arith.muli %v, %three : i32
            %u = arith.addi %t, %one : i32
            scf.yield %u : i32
          } else {
            %h = arith.divsi %v, %two : i32
            scf.yield %h : i32
          }
          %t = arith.addi %s, %one : i32
          scf.yield %next, %t : i32, i32
        }
        memref.store %value, %out[%c0] : memref<2xi32>
        memref.store %steps, %out[%c1] : memref<2xi32>
        func.return
      }
      func.func @choose(%k: index) -> i32 {
        %r = scf.index_switch %k -> i32
        case 2 {
          %a = arith.constant 20 : i32
          scf.yield %a : i32
        }
        case 5 {
          %a = arith.constant 50 : i32
          scf.yield %a : i32
        }
        default {
          %a = arith.constant -1 : i32
          scf.yield %a : i32
        }
        func.return %r : i32
      }
    """)
    out = np.zeros(2, np.int32)
    library.collatz(ctypes.c_int32(27), *pointers(out))
    assert out.tolist() == [1, 111]
    assert [library.choose(ctypes.c_uint64(k)) for k in (2, 5, 6)] == [20, 50, -1]


def test_views_globals_and_copies(load_c: Load) -> None:
    library = load_c("""
      "memref.global"() {sym_name = "table", sym_visibility = "private", constant,
        type = memref<2x3xi16>, initial_value = dense<[[1, -2, 3], [4, 5, -32768]]>
        : tensor<2x3xi16>} : () -> ()
      "memref.global"() {sym_name = "ones", sym_visibility = "private", constant,
        type = memref<4xf32>, initial_value = dense<1.5> : tensor<4xf32>} : () -> ()
      "memref.global"() {sym_name = "state", sym_visibility = "private",
        type = memref<i32>, initial_value} : () -> ()
      func.func @views(%m: memref<6x8xi16>, %f: memref<4xf32>, %i: index) -> i32 {
        %c0 = arith.constant 0 : index
        %c1 = arith.constant 1 : index
        %c2 = arith.constant 2 : index
        %t = memref.get_global @table : memref<2x3xi16>
        %v = memref.subview %m[%i, 1][2, 3][2, 2]
          : memref<6x8xi16> to memref<2x3xi16, strided<[16, 2], offset: ?>>
        "memref.copy"(%t, %v)
          : (memref<2x3xi16>, memref<2x3xi16, strided<[16, 2], offset: ?>>) -> ()
        %row = memref.subview %v[1, 0][1, 3][1, 1] : memref<2x3xi16, strided<[16, 2], offset: ?>>
          to memref<3xi16, strided<[2], offset: ?>>
        %x = memref.load %row[%c2] : memref<3xi16, strided<[2], offset: ?>>
        memref.store %x, %m[%c0, %c0] : memref<6x8xi16>
        %o = memref.get_global @ones : memref<4xf32>
        "memref.copy"(%o, %f) : (memref<4xf32>, memref<4xf32>) -> ()
        %state = memref.get_global @state : memref<i32>
        %old = memref.load %state[] : memref<i32>
        %one = arith.constant 1 : i32
        %new = arith.addi %old, %one : i32
        memref.store %new, %state[] : memref<i32>
        func.return %new : i32
      }
    """)
    m, f = np.zeros((6, 8), np.int16), np.zeros(4, np.float32)
    assert library.views(*pointers(m, f), ctypes.c_uint64(1)) == 1
    assert library.views(*pointers(m, f), ctypes.c_uint64(1)) == 2
    expected = np.zeros((6, 8), np.int16)
    expected[1:5:2, 1:7:2] = [[1, -2, 3], [4, 5, -32768]]
    expected[0, 0] = -32768
    np.testing.assert_array_equal(m, expected)
    np.testing.assert_array_equal(f, np.full(4, 1.5, np.float32))


AWKWARD = """
  func.func @"for"(%int: memref<4xi8> {gemmini.name = "int"},
                   %x: memref<4xi8> {gemmini.name = "gemmini_x", gemmini.role = "input"},
                   %y: memref<4xi8> {gemmini.name = "3 d-e.f"},
                   %z: memref<4xi8> {gemmini.name = "uint8_t"},
                   %w: memref<4xi8> {gemmini.name = "memcpy"},
                   %unused: index) {
    %c0 = arith.constant 0 : index
    %while = memref.load %x[%c0] : memref<4xi8>
    memref.store %while, %int[%c0] : memref<4xi8>
    memref.store %while, %y[%c0] : memref<4xi8>
    memref.store %while, %z[%c0] : memref<4xi8>
    memref.store %while, %w[%c0] : memref<4xi8>
    func.call @"a.b"(%z) : (memref<4xi8>) -> ()
    func.call @a_b(%z) : (memref<4xi8>) -> ()
    func.return
  }
  func.func @"a.b"(%a: memref<4xi8>) {
    %c0 = arith.constant 0 : index
    %a_b = arith.constant 1 : i8
    memref.store %a_b, %a[%c0] : memref<4xi8>
    func.return
  }
  func.func private @a_b(%a: memref<4xi8>) {
    func.return
  }
  func.func @round(%a: f32) -> f32 {
    %r = math.roundeven %a : f32
    func.return %r : f32
  }
"""

DEAD_VALUES = """
  func.func @dead(%m: memref<4x4xi8>, %n: index, %p: i1) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %zero = arith.constant 0 : i8
    %unread = memref.load %m[%c0, %n] : memref<4x4xi8>
    %buffer = memref.alloc() : memref<4xi8>
    memref.store %zero, %buffer[%c0] : memref<4xi8>
    %never = memref.alloc() : memref<4xi8>
    %v = memref.subview %m[%n, 0][1, 4][1, 1]
      : memref<4x4xi8> to memref<4xi8, strided<[1], offset: ?>>
    %address = "memref.extract_aligned_pointer_as_index"(%v)
      : (memref<4xi8, strided<[1], offset: ?>>) -> index
    %rs = arith.index_cast %address : index to i64
    rocc.command 7, %rs, %rs {mnemonic = "fl*/ush"}
    %a, %b = scf.for %i = %c0 to %n step %c1 iter_args(%x = %n, %y = %n) -> (index, index) {
      scf.yield %i, %y : index, index
    }
    %r = scf.if %p -> (index) {
      scf.yield %c0 : index
    } else {
      scf.yield %n : index
    }
    %always = arith.cmpi uge, %n, %c0 : index
    scf.if %always {
      rocc.fence
    }
    %w = scf.while (%k = %n) : (index) -> (index) {
      scf.condition(%p) %c0 : index
    } do {
    ^bb0(%k: index):
      scf.yield %n : index
    }
    scf.for %i = %c0 to %c0 step %c1 {
      rocc.fence
    }
    func.return
  }
"""


@pytest.mark.parametrize("text", [AWKWARD, DEAD_VALUES], ids=["names", "dead values"])
@pytest.mark.parametrize("include_header", [False, True])
def test_no_compiler_warns(
    compile_object: Callable[[str, str], None], parse: Parse, text: str, include_header: bool
) -> None:
    emitted = emit_module(parse(text), "kernel", include_header=include_header)
    compile_object(emitted.source, emitted.header)


def test_output_is_deterministic_and_leaves_the_module_alone(parse: Parse) -> None:
    first, second = parse(AWKWARD + DEAD_VALUES), parse(AWKWARD + DEAD_VALUES)
    before = str(first)
    assert emit_module(first) == emit_module(second) == emit_module(first)
    assert str(first) == before


def test_only_freestanding_headers_are_included(parse: Parse) -> None:
    source = emit_module(parse(AWKWARD + DEAD_VALUES)).source
    assert set(re.findall(r"#include (.*)", source)) == {
        '"kernel.h"',
        "<stdint.h>",
        "<gemmini/config.h>",
        "<gemmini/rocc.h>",
    }


def test_another_hardware_is_refused(parse: Parse, headers: Any, tmp_path: Any) -> None:
    import subprocess

    text = 'builtin.module attributes {gemmini.config = #gemmini.config<"lean">} {\n'
    source = emit_module(parse(text + DEAD_VALUES + "}"), include_header=False).source
    path = tmp_path / "kernel.c"
    path.write_text(source)
    command = ["gcc", "-c", f"-I{headers}", str(path), "-o", str(tmp_path / "kernel.o")]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode != 0
    assert "this kernel was compiled for another Gemmini: lean" in result.stderr


def test_names_are_valid_and_unique() -> None:
    names = Names()
    wanted = ["a", "a", "a_1", "for", "for", "x.y", "x_y", "1", "", "__a", "INT8_C", "é"]
    made = [names.fresh(name) for name in wanted]
    assert len(set(made)) == len(made)
    assert all(re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", name) for name in made)
    assert not any(is_reserved(name) for name in made)
    inner = Names(names)
    assert inner.fresh("a") not in made


def test_a_global_cannot_be_written(parse: Parse) -> None:
    text = """
      "memref.global"() {sym_name = "t", sym_visibility = "private", constant,
        type = memref<2xi8>, initial_value = dense<1> : tensor<2xi8>} : () -> ()
      func.func @f() {
        %c0 = arith.constant 0 : index
        %t = memref.get_global @t : memref<2xi8>
        %x = arith.constant 1 : i8
        memref.store %x, %t[%c0] : memref<2xi8>
        func.return
      }
    """
    with pytest.raises(TargetError, match=r"'memref\.store' in @f: the memory is constant"):
        emit_module(parse(text))
