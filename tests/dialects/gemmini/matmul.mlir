// RUN: gemmini-opt %s | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC

func.func @plain(%a: memref<100x200xi8>, %b: memref<200x60xi8>, %c: memref<100x60xi32>) {
  gemmini.matmul ins(%a, %b : memref<100x200xi8>, memref<200x60xi8>) outs(%c : memref<100x60xi32>)
  return
}
// CHECK-LABEL: func.func @plain
// CHECK-NEXT:    gemmini.matmul ins(%a, %b : memref<100x200xi8>, memref<200x60xi8>) outs(%c : memref<100x60xi32>){{$}}
// GENERIC-LABEL: sym_name = "plain"
// GENERIC:       "gemmini.matmul"(%a, %b, %c) <{operandSegmentSizes = array<i32: 1, 1, 0, 1>, scale = 1.000000e+00 : f32, activation = #gemmini<activation none>, clip_min = -128 : i32, clip_max = 127 : i32, a_zero_point = 0 : i32, b_zero_point = 0 : i32, c_zero_point = 0 : i32}>

func.func @requantised(%a: memref<200x100xi8>, %b: memref<60x200xi8>, %bias: memref<60xi32>, %c: memref<100x60xi8>) {
  gemmini.matmul ins(%a, %b : memref<200x100xi8>, memref<60x200xi8>) bias(%bias : memref<60xi32>) outs(%c : memref<100x60xi8>) {transpose_a, transpose_b, scale = 1.250000e-02 : f32, activation = #gemmini<activation relu>, clip_min = -3 : i32, clip_max = 100 : i32, a_zero_point = 5 : i32, b_zero_point = -128 : i32, c_zero_point = 127 : i32, schedule = #gemmini.schedule<tile = [4, 4, 13]>}
  return
}
// CHECK-LABEL: func.func @requantised
// CHECK-NEXT:    gemmini.matmul ins(%a, %b : memref<200x100xi8>, memref<60x200xi8>) bias(%bias : memref<60xi32>) outs(%c : memref<100x60xi8>) {transpose_a, transpose_b, scale = 1.250000e-02 : f32, activation = #gemmini<activation relu>, clip_min = -3 : i32, clip_max = 100 : i32, a_zero_point = 5 : i32, b_zero_point = -128 : i32, c_zero_point = 127 : i32, schedule = #gemmini.schedule<tile = [4, 4, 13]>}{{$}}
// GENERIC-LABEL: sym_name = "requantised"
// GENERIC:       "gemmini.matmul"(%a, %b, %bias, %c) <{operandSegmentSizes = array<i32: 1, 1, 1, 1>

func.func @full_bias(%a: memref<1x1xi8>, %b: memref<1x7xi8>, %bias: memref<1x7xi32>, %c: memref<1x7xi8>) {
  gemmini.matmul ins(%a, %b : memref<1x1xi8>, memref<1x7xi8>) bias(%bias : memref<1x7xi32>) outs(%c : memref<1x7xi8>)
  return
}
// CHECK-LABEL: func.func @full_bias
// CHECK-NEXT:    gemmini.matmul ins(%a, %b : memref<1x1xi8>, memref<1x7xi8>) bias(%bias : memref<1x7xi32>) outs(%c : memref<1x7xi8>){{$}}

func.func @scalar_bias(%a: memref<4x4xi8>, %b: memref<4x4xi8>, %bias: i32, %c: memref<4x4xi32>) {
  gemmini.matmul ins(%a, %b : memref<4x4xi8>, memref<4x4xi8>) bias(%bias : i32) outs(%c : memref<4x4xi32>)
  return
}
// CHECK-LABEL: func.func @scalar_bias
// CHECK-NEXT:    gemmini.matmul ins(%a, %b : memref<4x4xi8>, memref<4x4xi8>) bias(%bias : i32) outs(%c : memref<4x4xi32>){{$}}

func.func @views(%a: memref<4x4xi8, strided<[32, 1], offset: 8>>, %b: memref<4x1xi8, strided<[3, 2]>>, %c: memref<4x1xi8, strided<[9, 1], offset: ?>>) {
  gemmini.matmul ins(%a, %b : memref<4x4xi8, strided<[32, 1], offset: 8>>, memref<4x1xi8, strided<[3, 2]>>) outs(%c : memref<4x1xi8, strided<[9, 1], offset: ?>>)
  return
}
// CHECK-LABEL: func.func @views
// CHECK-NEXT:    gemmini.matmul ins(%a, %b : memref<4x4xi8, strided<[32, 1], offset: 8>>, memref<4x1xi8, strided<[3, 2]>>) outs(%c : memref<4x1xi8, strided<[9, 1], offset: ?>>){{$}}
