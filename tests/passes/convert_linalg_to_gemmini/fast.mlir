// RUN: gemmini-opt %s -p "convert-linalg-to-gemmini{requantization=fast}" 2>%t | filecheck %s
// RUN: filecheck --check-prefix=WARN --input-file %t %s
// RUN: gemmini-opt %s -p convert-linalg-to-gemmini | filecheck --check-prefix=EXACT %s

// WARN: warning: f: requant: the fixed-point multiplication becomes one in float32, rounded half to even: results may differ by one

// 1610612736 * 2^-36 = 0.0234375.
// CHECK-LABEL: @f
func.func @f(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi8>) {
  // CHECK: gemmini.matmul {{.*}} outs(%C : memref<2x3xi8>) {scale = 2.343750e-02 : f32, c_zero_point = 6 : i32}
  // CHECK-NEXT: func.return
  // EXACT: gemmini.matmul {{.*}} : memref<2x3xi32>)
  // EXACT-NEXT: linalg.generic
  %S = memref.alloc() : memref<2x3xi32>
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%S : memref<2x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%S : memref<2x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"], doc = "requant"} ins(%S : memref<2x3xi32>) outs(%C : memref<2x3xi8>) {
  ^bb0(%s: i32, %o: i8):
    %0 = arith.extsi %s : i32 to i64
    %1 = arith.constant 1610612736 : i64
    %2 = arith.muli %0, %1 : i64
    %3 = arith.constant 34359738368 : i64
    %4 = arith.addi %2, %3 : i64
    %5 = arith.constant 36 : i64
    %6 = arith.shrsi %4, %5 : i64
    %7 = arith.trunci %6 : i64 to i32
    %8 = arith.constant 6 : i32
    %9 = arith.addi %7, %8 : i32
    %10 = arith.constant 127 : i32
    %11 = arith.minsi %9, %10 : i32
    %12 = arith.constant -128 : i32
    %13 = arith.maxsi %11, %12 : i32
    %14 = arith.trunci %13 : i32 to i8
    linalg.yield %14 : i8
  }
  func.return
}
