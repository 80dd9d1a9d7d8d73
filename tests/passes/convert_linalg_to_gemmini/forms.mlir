// RUN: gemmini-opt %s -p convert-linalg-to-gemmini | filecheck %s
// RUN: gemmini-opt %s -p convert-linalg-to-gemmini --print-op-generic | gemmini-opt | filecheck %s

// Named operation, zero points as scalars, C initialised by a scalar.
// CHECK-LABEL: @quantized_matmul
func.func @quantized_matmul(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi32>) {
  // CHECK-NEXT: [[BIAS:%.*]] = arith.constant 9 : i32
  // CHECK-NEXT: gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) bias([[BIAS]] : i32) outs(%C : memref<2x3xi32>) {a_zero_point = -3 : i32, b_zero_point = 7 : i32}
  // CHECK-NEXT: func.return
  %nine = arith.constant 9 : i32
  %za = arith.constant -3 : i32
  %zb = arith.constant 7 : i32
  linalg.fill ins(%nine : i32) outs(%C : memref<2x3xi32>)
  linalg.quantized_matmul ins(%A, %B, %za, %zb : memref<2x4xi8>, memref<4x3xi8>, i32, i32) outs(%C : memref<2x3xi32>)
  func.return
}

// Loops and factors in another order, both operands stored transposed, scalar bias in an argument.
// CHECK-LABEL: @transposed
func.func @transposed(%A: memref<4x2xi8>, %B: memref<3x4xi8>, %d: i32, %C: memref<2x3xi32>) {
  // CHECK-NEXT: gemmini.matmul ins(%A, %B : memref<4x2xi8>, memref<3x4xi8>) bias(%d : i32) outs(%C : memref<2x3xi32>) {transpose_a, transpose_b}
  // CHECK-NEXT: func.return
  linalg.fill ins(%d : i32) outs(%C : memref<2x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(k, j, i) -> (j, k)>, affine_map<(k, j, i) -> (k, i)>, affine_map<(k, j, i) -> (i, j)>], iterator_types = ["reduction", "parallel", "parallel"]} ins(%B, %A : memref<3x4xi8>, memref<4x2xi8>) outs(%C : memref<2x3xi32>) {
  ^bb0(%b: i8, %a: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i16
    %2 = arith.extsi %1 : i16 to i32
    %3 = arith.muli %2, %0 : i32
    %4 = arith.addi %3, %c : i32
    linalg.yield %4 : i32
  }
  func.return
}

// The result's last dimension has the columns, whatever operand comes first.
// CHECK-LABEL: @swapped
func.func @swapped(%X: memref<3x4xi8>, %Y: memref<4x2xi8>, %C: memref<2x3xi32>) {
  // CHECK-NEXT: gemmini.matmul ins(%Y, %X : memref<4x2xi8>, memref<3x4xi8>) outs(%C : memref<2x3xi32>) {transpose_a, transpose_b}
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%C : memref<2x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (j, i)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%X, %Y : memref<3x4xi8>, memref<4x2xi8>) outs(%C : memref<2x3xi32>) {
  ^bb0(%x: i8, %y: i8, %c: i32):
    %0 = arith.extsi %x : i8 to i32
    %1 = arith.extsi %y : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  func.return
}

// Producers that widen, subtract a zero point and transpose are not needed any more.
// CHECK-LABEL: @producers
func.func @producers(%A: memref<2x4xi8>, %B: memref<3x4xi8>, %C: memref<2x3xi32>) {
  // CHECK-NEXT: gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<3x4xi8>) outs(%C : memref<2x3xi32>) {transpose_b, b_zero_point = -12 : i32}
  // CHECK-NEXT: func.return
  %wide = memref.alloc() : memref<3x4xi32>
  %shifted = memref.alloc() : memref<3x4xi32>
  %turned = memref.alloc() : memref<4x3xi32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%B : memref<3x4xi8>) outs(%wide : memref<3x4xi32>) {
  ^bb0(%x: i8, %y: i32):
    %0 = arith.extsi %x : i8 to i32
    linalg.yield %0 : i32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%wide : memref<3x4xi32>) outs(%shifted : memref<3x4xi32>) {
  ^bb0(%x: i32, %y: i32):
    %0 = arith.constant 12 : i32
    %1 = arith.addi %x, %0 : i32
    linalg.yield %1 : i32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (j, i)>], iterator_types = ["parallel", "parallel"]} ins(%shifted : memref<3x4xi32>) outs(%turned : memref<4x3xi32>) {
  ^bb0(%x: i32, %y: i32):
    linalg.yield %x : i32
  }
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%C : memref<2x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %turned : memref<2x4xi8>, memref<4x3xi32>) outs(%C : memref<2x3xi32>) {
  ^bb0(%a: i8, %b: i32, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.muli %0, %b : i32
    %2 = arith.addi %c, %1 : i32
    linalg.yield %2 : i32
  }
  func.return
}

// A matrix added after the product is a bias; comparisons with select are maxima and minima.
// CHECK-LABEL: @epilogue
func.func @epilogue(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %D: memref<2x3xi32>, %C: memref<2x3xi8>) {
  // CHECK-NEXT: gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) bias(%D : memref<2x3xi32>) outs(%C : memref<2x3xi8>) {scale = 2.500000e-01 : f32, activation = #gemmini<activation relu>}
  // CHECK-NEXT: func.return
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
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%D, %S : memref<2x3xi32>, memref<2x3xi32>) outs(%C : memref<2x3xi8>) {
  ^bb0(%d: i32, %s: i32, %c: i8):
    %0 = arith.addi %d, %s : i32
    %1 = arith.constant 0 : i32
    %2 = arith.cmpi slt, %0, %1 : i32
    %3 = arith.select %2, %1, %0 : i32
    %4 = arith.sitofp %3 : i32 to f32
    %5 = arith.constant 4.0 : f32
    %6 = arith.divf %4, %5 : f32
    %7 = math.roundeven %6 : f32
    %8 = arith.constant 127.0 : f32
    %9 = arith.minimumf %7, %8 : f32
    %10 = arith.fptosi %9 : f32 to i8
    linalg.yield %10 : i8
  }
  func.return
}

// Batch dimensions become loops; weights without one stay as they are.
// CHECK-LABEL: @batched
func.func @batched(%A: memref<5x1x2x4xi8>, %B: memref<4x3xi8>, %D: memref<5x3xi32>, %C: memref<5x1x2x3xi32>) {
  // CHECK: scf.for [[I:%.*]] =
  // CHECK-NEXT: [[A:%.*]] = memref.subview %A[[[I]], 0, 0, 0] [1, 1, 2, 4] [1, 1, 1, 1] : memref<5x1x2x4xi8> to memref<2x4xi8, strided<[4, 1], offset: ?>>
  // CHECK-NEXT: [[D:%.*]] = memref.subview %D[[[I]], 0] [1, 3] [1, 1] : memref<5x3xi32> to memref<3xi32, strided<[1], offset: ?>>
  // CHECK-NEXT: [[C:%.*]] = memref.subview %C
  // CHECK-NEXT: gemmini.matmul ins([[A]], %B : {{.*}}) bias([[D]] : {{.*}}) outs([[C]] :
  linalg.generic {indexing_maps = [affine_map<(n, u, i, j) -> (n, j)>, affine_map<(n, u, i, j) -> (n, u, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel"]} ins(%D : memref<5x3xi32>) outs(%C : memref<5x1x2x3xi32>) {
  ^bb0(%d: i32, %c: i32):
    linalg.yield %d : i32
  }
  linalg.generic {indexing_maps = [affine_map<(n, u, i, j, k) -> (n, u, i, k)>, affine_map<(n, u, i, j, k) -> (k, j)>, affine_map<(n, u, i, j, k) -> (n, u, i, j)>], iterator_types = ["parallel", "parallel", "parallel", "parallel", "reduction"]} ins(%A, %B : memref<5x1x2x4xi8>, memref<4x3xi8>) outs(%C : memref<5x1x2x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  func.return
}
