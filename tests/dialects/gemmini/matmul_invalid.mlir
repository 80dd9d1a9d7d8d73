// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// The operands, shapes, element types and properties of gemmini.matmul.

// CHECK: Operation does not verify: A must be a matrix, got memref<4x3x2xi8>{{$}}
func.func @f(%a: memref<4x3x2xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3x2xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: B must be a matrix, got memref<15xi8>{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<15xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<15xi8>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: C must be a matrix, got memref<2x2x5xi8>{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<2x2x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<2x2x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: shape must be static, got memref<?x3xi8>{{$}}
func.func @f(%a: memref<?x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<?x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: A must not be empty, got memref<0x3xi8>{{$}}
func.func @f(%a: memref<0x3xi8>, %b: memref<3x5xi8>, %c: memref<0x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<0x3xi8>, memref<3x5xi8>) outs(%c : memref<0x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: rows must be contiguous (innermost stride 1), got memref<4x3xi8, strided<[1, 4]>>{{$}}
func.func @f(%a: memref<4x3xi8, strided<[1, 4]>>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8, strided<[1, 4]>>, memref<3x5xi8>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: row stride must be static, got memref<4x3xi8, strided<[?, 1]>>{{$}}
func.func @f(%a: memref<4x3xi8, strided<[?, 1]>>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8, strided<[?, 1]>>, memref<3x5xi8>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: layout must be the identity or strided, got memref<4x3xi8, affine_map<(d0, d1) -> (d1, d0)>>{{$}}
func.func @f(%a: memref<4x3xi8, affine_map<(d0, d1) -> (d1, d0)>>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8, affine_map<(d0, d1) -> (d1, d0)>>, memref<3x5xi8>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: A must have i8 elements, got memref<4x3xi32>{{$}}
func.func @f(%a: memref<4x3xi32>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi32>, memref<3x5xi8>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: B must have i8 elements, got memref<3x5xf32>{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xf32>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xf32>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: C must have i8 or i32 elements, got memref<4x5xi16>{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi16>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi16>)
  return
}

// -----

// CHECK: Operation does not verify: A and B disagree on K: A has 3, B has 4 (after transposition){{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<4x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<4x5xi8>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: A and B disagree on K: A has 4, B has 3 (after transposition){{$}}
func.func @f(%a: memref<3x4xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<3x4xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: A and B disagree on K: A has 4, B has 3 (after transposition){{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi8>) {transpose_a}
  return
}

// -----

// CHECK: Operation does not verify: A and B disagree on K: A has 3, B has 5 (after transposition){{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi8>) {transpose_b}
  return
}

// -----

// CHECK: Operation does not verify: C must be 4x5 for these operands, got 5x4{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<5x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<5x4xi8>)
  return
}

// -----

// CHECK: Operation does not verify: bias must be an i32 or a memref of i32, got memref<5xi8>{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>, %bias: memref<5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) bias(%bias : memref<5xi8>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: bias must be an i32 or a memref of i32, got i64{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>, %bias: i64) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) bias(%bias : i64) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: bias must be a row of 5 or a matrix of 4x5, got memref<4xi32>{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>, %bias: memref<4xi32>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) bias(%bias : memref<4xi32>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: bias must be a row of 5 or a matrix of 4x5, got memref<5x4xi32>{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>, %bias: memref<5x4xi32>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) bias(%bias : memref<5x4xi32>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: rows must be contiguous (innermost stride 1), got memref<4x5xi32, strided<[1, 4]>>{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>, %bias: memref<4x5xi32, strided<[1, 4]>>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) bias(%bias : memref<4x5xi32, strided<[1, 4]>>) outs(%c : memref<4x5xi8>)
  return
}

// -----

// CHECK: Operation does not verify: an i32 result is the raw sum: scale, activation, clip range and c_zero_point do not apply{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi32>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi32>) {scale = 5.000000e-01 : f32}
  return
}

// -----

// CHECK: Operation does not verify: an i32 result is the raw sum: scale, activation, clip range and c_zero_point do not apply{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi32>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi32>) {activation = #gemmini<activation relu>}
  return
}

// -----

// CHECK: Operation does not verify: an i32 result is the raw sum: scale, activation, clip range and c_zero_point do not apply{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi32>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi32>) {clip_min = 0 : i32}
  return
}

// -----

// CHECK: Operation does not verify: an i32 result is the raw sum: scale, activation, clip range and c_zero_point do not apply{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi32>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi32>) {c_zero_point = 1 : i32}
  return
}

// -----

// CHECK: Operation does not verify: clip range must lie in [-128, 127], got [-128, 128]{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi8>) {clip_max = 128 : i32}
  return
}

// -----

// CHECK: Operation does not verify: clip range must lie in [-128, 127], got [-129, 127]{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi8>) {clip_min = -129 : i32}
  return
}

// -----

// CHECK: Operation does not verify: clip range must lie in [-128, 127], got [3, 2]{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi8>) {clip_min = 3 : i32, clip_max = 2 : i32}
  return
}

// -----

// CHECK: Operation does not verify: a_zero_point must lie in [-128, 127], got 128{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi8>) {a_zero_point = 128 : i32}
  return
}

// -----

// CHECK: Operation does not verify: b_zero_point must lie in [-128, 127], got -129{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi8>) {b_zero_point = -129 : i32}
  return
}

// -----

// CHECK: Operation does not verify: c_zero_point must lie in [-128, 127], got 200{{$}}
func.func @f(%a: memref<4x3xi8>, %b: memref<3x5xi8>, %c: memref<4x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x3xi8>, memref<3x5xi8>) outs(%c : memref<4x5xi8>) {c_zero_point = 200 : i32}
  return
}
