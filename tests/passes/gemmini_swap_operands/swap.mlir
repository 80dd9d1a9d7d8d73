// RUN: gemmini-opt %s -p gemmini-swap-operands | filecheck %s
// RUN: gemmini-opt %s -p gemmini-swap-operands | gemmini-opt | filecheck %s

// B and C are rows in memory; A, as it is stored, is B transposed. Zero points change places as well.
// CHECK-LABEL: @column
// CHECK: %[[B:.*]] = memref.collapse_shape %b {{.*}} : memref<80x1xi8> into memref<80xi8>
// CHECK-NEXT: %[[ROW:.*]] = memref.expand_shape %[[B]] {{.*}} : memref<80xi8> into memref<1x80xi8>
// CHECK-NEXT: %[[C:.*]] = memref.collapse_shape %c {{.*}} : memref<20x1xi8> into memref<20xi8>
// CHECK-NEXT: %[[RESULT:.*]] = memref.expand_shape %[[C]] {{.*}} : memref<20xi8> into memref<1x20xi8>
// CHECK-NEXT: gemmini.matmul ins(%[[ROW]], %a : memref<1x80xi8>, memref<20x80xi8>) outs(%[[RESULT]] : memref<1x20xi8>) {
// CHECK-SAME: transpose_b
// CHECK-SAME: scale = 5.000000e-01 : f32
// CHECK-SAME: a_zero_point = 4 : i32, b_zero_point = 3 : i32, c_zero_point = 5 : i32
// CHECK-SAME: schedule = #gemmini.schedule<tile = [1, 2, 5], dataflow = os, transpose_resident = true>
func.func @column(%a: memref<20x80xi8>, %b: memref<80x1xi8>, %c: memref<20x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x80xi8>, memref<80x1xi8>) outs(%c : memref<20x1xi8>) {scale = 5.000000e-01 : f32, a_zero_point = 3 : i32, b_zero_point = 4 : i32, c_zero_point = 5 : i32, schedule = #gemmini.schedule<tile = [1, 2, 5], dataflow = os, swap_operands = true, transpose_resident = true>}
  return
}

// A that is stored transposed needs no transposition any more, a row stays one, and a bias of a
// column becomes one of a row.
// CHECK-LABEL: @stored_transposed
// CHECK: %[[BIAS:.*]] = memref.collapse_shape %bias {{.*}} : memref<20x1xi32> into memref<20xi32>
// CHECK: gemmini.matmul ins(%{{.*}}, %a : memref<1x80xi8>, memref<80x20xi8>) bias(%[[BIAS]] : memref<20xi32>) outs
// CHECK-NOT: transpose_b
// CHECK-SAME: schedule = #gemmini.schedule<tile = [1, 2, 5]>
func.func @stored_transposed(%a: memref<80x20xi8>, %b: memref<1x80xi8>, %bias: memref<20x1xi32>, %c: memref<20x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<80x20xi8>, memref<1x80xi8>) bias(%bias : memref<20x1xi32>) outs(%c : memref<20x1xi8>) {transpose_a, transpose_b, schedule = #gemmini.schedule<tile = [1, 2, 5], swap_operands = true>}
  return
}

// The only element of a bias belongs to all columns.
// CHECK-LABEL: @row_bias
// CHECK: %[[ZERO:.*]] = arith.constant 0 : index
// CHECK: %[[BIAS:.*]] = memref.load %bias[%[[ZERO]]] : memref<1xi32>
// CHECK: gemmini.matmul {{.*}} bias(%[[BIAS]] : i32)
func.func @row_bias(%a: memref<80x20xi8>, %b: memref<80x1xi8>, %bias: memref<1xi32>, %c: memref<20x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<80x20xi8>, memref<80x1xi8>) bias(%bias : memref<1xi32>) outs(%c : memref<20x1xi8>) {transpose_a, schedule = #gemmini.schedule<tile = [1, 2, 5], swap_operands = true>}
  return
}

// CHECK-LABEL: @left_alone
// CHECK-NEXT: gemmini.matmul ins(%a, %b : memref<20x80xi8>, memref<80x1xi8>)
func.func @left_alone(%a: memref<20x80xi8>, %b: memref<80x1xi8>, %c: memref<20x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x80xi8>, memref<80x1xi8>) outs(%c : memref<20x1xi8>) {schedule = #gemmini.schedule<tile = [2, 1, 5]>}
  return
}
