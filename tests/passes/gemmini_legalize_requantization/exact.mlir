// RUN: gemmini-opt %s -p gemmini-legalize-requantization | filecheck %s
// RUN: gemmini-opt %s -p gemmini-legalize-requantization | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s -p gemmini-legalize-requantization --print-op-generic | gemmini-opt | filecheck %s

// What the hardware does stays, and a lower bound of 0 becomes ReLU.
// CHECK-LABEL: @hardware
func.func @hardware(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi8>, %D: memref<2x3xi32>) {
  // CHECK-NEXT: gemmini.matmul {{.*}} outs(%C : memref<2x3xi8>) {scale = 5.000000e-01 : f32}
  gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi8>) {scale = 0.5 : f32}
  // CHECK-NEXT: gemmini.matmul {{.*}} {scale = 5.000000e-01 : f32, activation = #gemmini<activation relu>}
  gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi8>) {scale = 0.5 : f32, clip_min = 0 : i32}
  // CHECK-NEXT: gemmini.matmul {{.*}} {scale = 5.000000e-01 : f32, activation = #gemmini<activation relu>}
  gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi8>) {scale = 0.5 : f32, clip_min = -7 : i32, activation = #gemmini<activation relu>}
  // CHECK-NEXT: gemmini.matmul {{.*}} outs(%D : memref<2x3xi32>)
  gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%D : memref<2x3xi32>)
  // CHECK-NEXT: func.return
  func.return
}

// The schedule, the bias and the zero points of the operands stay with the product.
// CHECK-LABEL: @zero_point
func.func @zero_point(%A: memref<4x2xi8>, %B: memref<4x3xi8>, %d: memref<3xi32>, %C: memref<2x3xi8>) {
  // CHECK-NEXT: [[SUMS:%.*]] = memref.alloc() : memref<2x3xi32>
  // CHECK-NEXT: gemmini.matmul ins(%A, %B : memref<4x2xi8>, memref<4x3xi8>) bias(%d : memref<3xi32>) outs([[SUMS]] : memref<2x3xi32>) {transpose_a, a_zero_point = 3 : i32, schedule = #gemmini.schedule<tile = [1, 1, 1]>}
  // CHECK-NEXT: linalg.generic {{.*}} ins([[SUMS]] : memref<2x3xi32>) outs(%C : memref<2x3xi8>)
  // CHECK:        [[REAL:%.*]] = arith.sitofp
  // CHECK:        [[SCALED:%.*]] = arith.mulf [[REAL]],
  // CHECK-NEXT:   [[ROUNDED:%.*]] = math.roundeven [[SCALED]]
  // CHECK-NEXT:   [[LOW:%.*]] = arith.constant -1.330000e+02 : f32
  // CHECK-NEXT:   [[HIGH:%.*]] = arith.constant 1.220000e+02 : f32
  // CHECK-NEXT:   [[ABOVE:%.*]] = arith.maximumf [[ROUNDED]], [[LOW]]
  // CHECK-NEXT:   [[INSIDE:%.*]] = arith.minimumf [[ABOVE]], [[HIGH]]
  // CHECK-NEXT:   [[INTEGER:%.*]] = arith.fptosi [[INSIDE]] : f32 to i32
  // CHECK-NEXT:   [[ZERO:%.*]] = arith.constant 5 : i32
  // CHECK-NEXT:   [[SHIFTED:%.*]] = arith.addi [[INTEGER]], [[ZERO]]
  // CHECK-NEXT:   arith.trunci [[SHIFTED]] : i32 to i8
  gemmini.matmul ins(%A, %B : memref<4x2xi8>, memref<4x3xi8>) bias(%d : memref<3xi32>) outs(%C : memref<2x3xi8>) {transpose_a, scale = 0.5 : f32, c_zero_point = 5 : i32, a_zero_point = 3 : i32, schedule = #gemmini.schedule<tile = [1, 1, 1]>}
  func.return
}

// With a negative scale a bound of 0 is no ReLU.
// CHECK-LABEL: @negative_scale
func.func @negative_scale(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi8>) {
  // CHECK: gemmini.matmul {{.*}} : memref<2x3xi32>)
  // CHECK: linalg.generic
  gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi8>) {scale = -0.5 : f32, clip_min = 0 : i32}
  func.return
}
