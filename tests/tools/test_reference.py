"""The numpy reference against values worked out by hand and by plain Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from xdsl.dialects.builtin import ModuleOp

from gemmini_xdsl.tools.errors import GemminiError
from gemmini_xdsl.tools.inputs import make_context, parse_mlir
from gemmini_xdsl.tools.reference import evaluate_function
from gemmini_xdsl.tools.shorthand import build_gemm, parse_shorthand


def module(text: str) -> ModuleOp:
    return parse_mlir(text, "test", make_context())


def test_product_by_hand() -> None:
    gemm = build_gemm(
        parse_shorthand("gemm:M=2,N=2,K=2,bias=row,act=relu,scale=0.5,za=1,zb=-1,zc=3")
    )
    a = np.array([[1, 2], [3, 4]], np.int8)
    b = np.array([[5, -6], [7, 8]], np.int8)
    bias = np.array([-10, 0], np.int32)
    c = np.zeros((2, 2), np.int8)
    # (a - 1) @ (b + 1) = [[8, 9], [36, 17]]; + bias = [[-2, 9], [26, 17]]; ReLU; * 0.5 =
    # [[0, 4.5], [13, 8.5]]; ties to even: [[0, 4], [13, 8]]; + 3.
    evaluate_function(gemm, "gemm", [a, b, bias, c])
    assert c.tolist() == [[3, 7], [16, 11]]


def test_sums_wrap_and_results_saturate() -> None:
    a = np.full((1, 2), -128, np.int8)
    b = np.full((2, 1), -128, np.int8)
    bias = np.array([[2**31 - 1]], np.int32)
    wide = np.zeros((1, 1), np.int32)
    gemm = build_gemm(parse_shorthand("gemm:M=1,N=1,K=2,bias=full,out=i32"))
    evaluate_function(gemm, "gemm", [a, b, bias, wide])
    assert wide[0, 0] == 2 * 128 * 128 + 2**31 - 1 - 2**32
    narrow = np.zeros((1, 1), np.int8)
    gemm = build_gemm(parse_shorthand("gemm:M=1,N=1,K=2,bias=scalar"))
    for start, result in ((0, 127), (-(2**20), -128), (-(2**15) - 5, -5)):
        evaluate_function(gemm, "gemm", [a, b, np.int32(start), narrow])
        assert narrow[0, 0] == result


def test_transposed_operands() -> None:
    a = np.array([[1, 2, 3]], np.int8)
    b = np.array([[4], [5]], np.int8)
    c = np.zeros((3, 2), np.int32)
    gemm = build_gemm(parse_shorthand("gemm:M=3,N=2,K=1,out=i32,ta=1,tb=1"))
    evaluate_function(gemm, "gemm", [a, b, c])
    assert c.tolist() == [[4, 5], [8, 10], [12, 15]]


def test_control_flow_and_memory() -> None:
    text = """
      func.func private @add(%m: memref<4xi32, strided<[1], offset: ?>>, %k: i32) {
        %c0 = arith.constant 0 : index
        %c4 = arith.constant 4 : index
        %c1 = arith.constant 1 : index
        scf.for %i = %c0 to %c4 step %c1 {
          %x = memref.load %m[%i] : memref<4xi32, strided<[1], offset: ?>>
          %y = arith.addi %x, %k : i32
          memref.store %y, %m[%i] : memref<4xi32, strided<[1], offset: ?>>
        }
        func.return
      }
      func.func @f(%m: memref<3x4xi32>, %n: i32) {
        %c2 = arith.constant 2 : index
        %zero = arith.constant 0 : i32
        %one = arith.constant 1 : i32
        %row = memref.subview %m[%c2, 0][1, 4][1, 1]
          : memref<3x4xi32> to memref<4xi32, strided<[1], offset: ?>>
        %bits = scf.while (%v = %n) : (i32) -> (i32) {
          %more = arith.cmpi sgt, %v, %zero : i32
          scf.condition(%more) %v : i32
        } do {
        ^bb0(%v: i32):
          func.call @add(%row, %v) : (memref<4xi32, strided<[1], offset: ?>>, i32) -> ()
          %h = arith.shrsi %v, %one : i32
          scf.yield %h : i32
        }
        func.return
      }
    """
    m = np.zeros((3, 4), np.int32)
    evaluate_function(module(text), "f", [m, np.int32(6)])
    assert m.tolist() == [[0] * 4, [0] * 4, [6 + 3 + 1] * 4]


def test_reductions_keep_their_order() -> None:
    text = """
      func.func @f(%a: memref<3x4xf32>, %s: memref<3xf32>) {
        linalg.generic {
          indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i)>],
          iterator_types = ["parallel", "reduction"]
        } ins(%a : memref<3x4xf32>) outs(%s : memref<3xf32>) {
        ^bb0(%x: f32, %y: f32):
          %z = arith.addf %y, %x : f32
          linalg.yield %z : f32
        }
        func.return
      }
    """
    a = np.array([[1e8, 1, -1e8, 1], [1, 1e8, -1e8, 1], [0.1, 0.2, 0.3, 0.4]], np.float32)
    s = np.zeros(3, np.float32)
    evaluate_function(module(text), "f", [a, s])
    sums = []
    for row in a:
        total = np.float32(0)
        for value in row:
            total = np.float32(total + value)
        sums.append(total)
    assert s.tolist() == [float(total) for total in sums]


@pytest.mark.parametrize("op", ["math.exp", "math.tanh"])
def test_unknown_operations_are_named(op: str) -> None:
    text = f"""
      func.func @f(%m: memref<1xf32>) {{
        %c0 = arith.constant 0 : index
        %x = memref.load %m[%c0] : memref<1xf32>
        %y = {op} %x : f32
        memref.store %y, %m[%c0] : memref<1xf32>
        func.return
      }}
    """
    arrays: list[Any] = [np.zeros(1, np.float32)]
    with pytest.raises(GemminiError, match=f"the reference cannot evaluate '{op}'"):
        evaluate_function(module(text), "f", arrays)
