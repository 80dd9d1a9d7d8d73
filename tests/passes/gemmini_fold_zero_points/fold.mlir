// RUN: gemmini-opt %s -p gemmini-fold-zero-points | filecheck %s
// RUN: gemmini-opt %s -p gemmini-fold-zero-points | gemmini-opt --print-op-generic | gemmini-opt | filecheck %s

// CHECK: "memref.global"() <{sym_name = "constant_bias_bias_0", type = memref<3xi32>, initial_value = dense<[590, -60, -695]> : tensor<3xi32>, {{.*}}constant
// CHECK: "memref.global"() <{sym_name = "constant_weights_bias_0", type = memref<3xi32>, initial_value = dense<[580, -80, -725]> : tensor<3xi32>, {{.*}}constant
"memref.global"() <{sym_name = "w", type = memref<4x3xi8>, initial_value = dense<[[-128, 2, 3], [4, 5, 6], [7, 8, 9], [1, 1, 127]]> : tensor<4x3xi8>, sym_visibility = "private", constant}> : () -> ()
"memref.global"() <{sym_name = "d", type = memref<3xi32>, initial_value = dense<[10, 20, 30]> : tensor<3xi32>, sym_visibility = "private", constant}> : () -> ()

// Sums of the columns of the weights: -116, 16, 145.
// CHECK-LABEL: @constant_weights
func.func @constant_weights(%A: memref<2x4xi8>, %C: memref<2x3xi32>) {
  // CHECK: [[BIAS:%.*]] = memref.get_global @constant_weights_bias_0 : memref<3xi32>
  // CHECK-NEXT: gemmini.matmul {{.*}} bias([[BIAS]] : memref<3xi32>) outs(%C : memref<2x3xi32>)
  // CHECK-NOT: zero_point
  // CHECK: func.return
  %w = memref.get_global @w : memref<4x3xi8>
  gemmini.matmul ins(%A, %w : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi32>) {a_zero_point = 5 : i32}
  func.return
}

// CHECK-LABEL: @constant_bias
func.func @constant_bias(%A: memref<2x4xi8>, %C: memref<2x3xi32>) {
  // CHECK: [[BIAS:%.*]] = memref.get_global @constant_bias_bias_0 : memref<3xi32>
  // CHECK-NEXT: gemmini.matmul {{.*}} bias([[BIAS]] : memref<3xi32>)
  %w = memref.get_global @w : memref<4x3xi8>
  %d = memref.get_global @d : memref<3xi32>
  gemmini.matmul ins(%A, %w : memref<2x4xi8>, memref<4x3xi8>) bias(%d : memref<3xi32>) outs(%C : memref<2x3xi32>) {a_zero_point = 5 : i32}
  func.return
}

// Sums of weights that are not constant are computed before the kernel.
// CHECK-LABEL: @row
func.func @row(%A: memref<2x4xi8>, %B: memref<3x4xi8>, %C: memref<2x3xi8>) {
  // CHECK-NEXT: [[SUMS:%.*]] = memref.alloc() : memref<3xi32>
  // CHECK-NEXT: [[ZERO:%.*]] = arith.constant 0 : i32
  // CHECK-NEXT: linalg.fill ins([[ZERO]] : i32) outs([[SUMS]] : memref<3xi32>)
  // CHECK-NEXT: linalg.generic {indexing_maps = [affine_map<(d0, d1) -> (d0, d1)>, affine_map<(d0, d1) -> (d0)>], iterator_types = ["parallel", "reduction"], {{.*}} ins(%B : memref<3x4xi8>) outs([[SUMS]] : memref<3xi32>)
  // CHECK:      gemmini.matmul {{.*}} bias([[SUMS]] : memref<3xi32>) outs(%C : memref<2x3xi8>) {transpose_b, scale = 5.000000e-01 : f32, c_zero_point = 3 : i32}
  gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<3x4xi8>) outs(%C : memref<2x3xi8>) {transpose_b, a_zero_point = 5 : i32, scale = 0.5 : f32, c_zero_point = 3 : i32}
  func.return
}

// A zero point of B makes the bias a matrix.
// CHECK-LABEL: @matrix
func.func @matrix(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %d: i32, %C: memref<2x3xi32>) {
  // CHECK: memref.alloc() : memref<2xi32>
  // CHECK: [[BIAS:%.*]] = memref.alloc() : memref<2x3xi32>
  // CHECK: gemmini.matmul {{.*}} bias([[BIAS]] : memref<2x3xi32>)
  // CHECK-NOT: zero_point
  // CHECK: func.return
  gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) bias(%d : i32) outs(%C : memref<2x3xi32>) {b_zero_point = -5 : i32}
  func.return
}

// What does not change in a loop is computed once, before it.
// CHECK-LABEL: @hoisted
func.func @hoisted(%A: memref<7x2x4xi8>, %B: memref<4x3xi8>, %C: memref<7x2x3xi32>) {
  // CHECK: linalg.generic
  // CHECK: scf.for
  // CHECK-NOT: linalg.generic
  // CHECK: gemmini.matmul
  %0 = arith.constant 0 : index
  %1 = arith.constant 1 : index
  %7 = arith.constant 7 : index
  scf.for %i = %0 to %7 step %1 {
    %a = memref.subview %A[%i, 0, 0] [1, 2, 4] [1, 1, 1] : memref<7x2x4xi8> to memref<2x4xi8, strided<[4, 1], offset: ?>>
    %c = memref.subview %C[%i, 0, 0] [1, 2, 3] [1, 1, 1] : memref<7x2x3xi32> to memref<2x3xi32, strided<[3, 1], offset: ?>>
    gemmini.matmul ins(%a, %B : memref<2x4xi8, strided<[4, 1], offset: ?>>, memref<4x3xi8>) outs(%c : memref<2x3xi32, strided<[3, 1], offset: ?>>) {a_zero_point = 1 : i32}
  }
  func.return
}

// CHECK-LABEL: @unchanged
func.func @unchanged(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi32>) {
  // CHECK-NEXT: gemmini.matmul
  // CHECK-NEXT: func.return
  gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi32>)
  func.return
}
