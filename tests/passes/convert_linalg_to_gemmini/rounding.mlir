// RUN: gemmini-opt %s -p convert-linalg-to-gemmini 2>%t | filecheck %s
// RUN: filecheck --check-prefix=WARN --input-file %t %s
// RUN: gemmini-opt %s -p "convert-linalg-to-gemmini{strict_rounding=true}" --verify-diagnostics | filecheck --check-prefix=STRICT %s

// WARN: warning: f: requant: rounds half away from zero, but the hardware rounds half to even: exact ties differ by one
// STRICT: f: requant: rounds half away from zero, but the hardware rounds half to even: exact ties differ by one; use a rounding half to even (nearbyint, math.roundeven) or drop strict_rounding

// Half away from zero.
// CHECK-LABEL: @f
func.func @f(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi8>) {
  // CHECK: gemmini.matmul {{.*}} outs(%C : memref<2x3xi8>) {scale = 2.500000e-01 : f32}
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
    %0 = arith.sitofp %s : i32 to f32
    %1 = arith.constant 0.25 : f32
    %2 = arith.mulf %0, %1 : f32
    %3 = math.round %2 : f32
    %4 = arith.constant 127.0 : f32
    %5 = arith.minimumf %3, %4 : f32
    %6 = arith.constant -128.0 : f32
    %7 = arith.maximumf %5, %6 : f32
    %8 = arith.fptosi %7 : f32 to i8
    linalg.yield %8 : i8
  }
  func.return
}
