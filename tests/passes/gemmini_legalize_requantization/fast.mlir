// RUN: gemmini-opt %s -p "gemmini-legalize-requantization{requantization=fast}" 2>%t | filecheck %s
// RUN: filecheck --check-prefix=WARN --input-file %t %s

// WARN: warning: row: gemmini.matmul: output zero point 5 becomes 10 in the bias: results may differ by 1
// WARN: warning: none: gemmini.matmul: output zero point -7 becomes -2 in the bias: results may differ by 2

// CHECK-LABEL: @row
func.func @row(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %d: memref<3xi32>, %C: memref<2x3xi8>) {
  // CHECK-NEXT: [[BIAS:%.*]] = memref.alloc() : memref<3xi32>
  // CHECK-NEXT: linalg.generic {{.*}} ins(%d : memref<3xi32>) outs([[BIAS]] : memref<3xi32>)
  // CHECK:        [[C:%.*]] = arith.constant 10 : i32
  // CHECK-NEXT:   arith.addi {{.*}}, [[C]]
  // CHECK:      gemmini.matmul {{.*}} bias([[BIAS]] : memref<3xi32>) outs(%C : memref<2x3xi8>) {scale = 5.000000e-01 : f32}
  // CHECK-NEXT: func.return
  gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) bias(%d : memref<3xi32>) outs(%C : memref<2x3xi8>) {scale = 0.5 : f32, c_zero_point = 5 : i32}
  func.return
}

// CHECK-LABEL: @none
func.func @none(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi8>) {
  // CHECK-NEXT: [[BIAS:%.*]] = arith.constant -2 : i32
  // CHECK-NEXT: gemmini.matmul {{.*}} bias([[BIAS]] : i32) outs(%C : memref<2x3xi8>) {scale = 3.000000e+00 : f32}
  // ReLU before the zero point is a bound at the zero point.
  // CHECK-NEXT: linalg.generic {{.*}} outs(%C : memref<2x3xi8>)
  // CHECK:        arith.constant -7 : i8
  // CHECK-NEXT:   arith.maxsi
  // CHECK:        arith.constant 90 : i8
  // CHECK-NEXT:   arith.minsi
  gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi8>) {scale = 3.0 : f32, c_zero_point = -7 : i32, clip_max = 90 : i32, activation = #gemmini<activation relu>}
  func.return
}

// A zero point that needs too great a bias is not folded.
// CHECK-LABEL: @tiny_scale
func.func @tiny_scale(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi8>) {
  // CHECK: gemmini.matmul {{.*}} : memref<2x3xi32>)
  gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi8>) {scale = 1.0e-9 : f32, c_zero_point = 5 : i32}
  func.return
}
