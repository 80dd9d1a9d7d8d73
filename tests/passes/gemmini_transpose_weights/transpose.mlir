// RUN: gemmini-opt %s -p gemmini-transpose-weights | filecheck %s
// RUN: gemmini-opt %s -p gemmini-transpose-weights | gemmini-opt --print-op-generic | gemmini-opt | filecheck %s

// CHECK-DAG: sym_name = "stored_transposed_weights_0", type = memref<3x2xi8>, initial_value = dense<{{\[\[}}0, 10], [1, 11], [2, 12{{\]\]}}>
// CHECK-DAG: sym_name = "on_beats_weights_0", type = memref<3x16xi8>
// CHECK-DAG: sym_name = "w"
"memref.global"() <{sym_name = "w", type = memref<2x3xi8>, initial_value = dense<[[0, 1, 2], [10, 11, 12]]> : tensor<2x3xi8>, sym_visibility = "private", constant}> : () -> ()
"memref.global"() <{sym_name = "v", type = memref<16x3xi8>, initial_value = dense<[[-20, -4, 12], [-19, -3, 13], [-18, -2, 14], [-17, -1, 15], [-16, 0, 16], [-15, 1, 17], [-14, 2, 18], [-13, 3, 19], [-12, 4, 20], [-11, 5, 21], [-10, 6, 22], [-9, 7, 23], [-8, 8, 24], [-7, 9, 25], [-6, 10, 26], [-5, 11, 27]]> : tensor<16x3xi8>, sym_visibility = "private", constant}> : () -> ()

// CHECK-LABEL: @stored_transposed
// CHECK: [[W:%.*]] = memref.get_global @stored_transposed_weights_0 : memref<3x2xi8>
// CHECK-NEXT: gemmini.matmul ins(%A, [[W]] : memref<5x3xi8>, memref<3x2xi8>) bias(%bias : memref<2xi32>) outs(%C : memref<5x2xi8>) {scale = 5.000000e-01 : f32
// CHECK-NOT: transpose_b
// CHECK: func.return
func.func @stored_transposed(%A: memref<5x3xi8>, %bias: memref<2xi32>, %C: memref<5x2xi8>) {
  %w = memref.get_global @w : memref<2x3xi8>
  gemmini.matmul ins(%A, %w : memref<5x3xi8>, memref<2x3xi8>) bias(%bias : memref<2xi32>) outs(%C : memref<5x2xi8>) {transpose_b, scale = 0.5 : f32}
  func.return
}

// Rows of 3 bytes begin anywhere, those of 16 on beats of the bus.
// CHECK-LABEL: @on_beats
// CHECK: [[V:%.*]] = memref.get_global @on_beats_weights_0 : memref<3x16xi8>
// CHECK-NEXT: gemmini.matmul ins(%A, [[V]] : memref<4x16xi8>, memref<3x16xi8>) outs(%C : memref<4x3xi8>) {transpose_b
func.func @on_beats(%A: memref<4x16xi8>, %C: memref<4x3xi8>) {
  %v = memref.get_global @v : memref<16x3xi8>
  gemmini.matmul ins(%A, %v : memref<4x16xi8>, memref<16x3xi8>) outs(%C : memref<4x3xi8>)
  func.return
}

// Of more rows than the array has, products take longer than loads.
// CHECK-LABEL: @many_rows
// CHECK: gemmini.matmul ins(%A, %v : memref<17x16xi8>, memref<16x3xi8>)
func.func @many_rows(%A: memref<17x16xi8>, %C: memref<17x3xi8>) {
  %v = memref.get_global @v : memref<16x3xi8>
  gemmini.matmul ins(%A, %v : memref<17x16xi8>, memref<16x3xi8>) outs(%C : memref<17x3xi8>)
  func.return
}

// What is no constant stays as it is, and what has a schedule.
// CHECK-LABEL: @left_alone
// CHECK: gemmini.matmul {{.*}}transpose_b
// CHECK: gemmini.matmul ins(%A, %w : {{.*}} {transpose_b, schedule = #gemmini.schedule<tile = [1, 1, 1]>
func.func @left_alone(%A: memref<5x3xi8>, %B: memref<2x3xi8>, %C: memref<5x2xi8>) {
  gemmini.matmul ins(%A, %B : memref<5x3xi8>, memref<2x3xi8>) outs(%C : memref<5x2xi8>) {transpose_b}
  %w = memref.get_global @w : memref<2x3xi8>
  gemmini.matmul ins(%A, %w : memref<5x3xi8>, memref<2x3xi8>) outs(%C : memref<5x2xi8>) {transpose_b, schedule = #gemmini.schedule<tile = [1, 1, 1]>}
  func.return
}
