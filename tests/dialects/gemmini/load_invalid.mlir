// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// What gemmini.load can copy into which buffer.

// CHECK: Operation does not verify: expected a row or a matrix, got memref<2x32x64xi8>{{$}}
func.func @f(%m: memref<2x32x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0, 0] to %0[0] size [64, 64] : memref<2x32x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: shape must be static, got memref<?x64xi8>{{$}}
func.func @f(%m: memref<?x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [64, 64] : memref<?x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows must be contiguous (innermost stride 1), got memref<64x64xi8, strided<[1, 64]>>{{$}}
func.func @f(%m: memref<64x64xi8, strided<[1, 64]>>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [64, 64] : memref<64x64xi8, strided<[1, 64]>>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 source offsets, got 1{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0] to %0[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: source offsets must not be negative{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, -1] to %0[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: expected 1 slot, got 2{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0, 0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: slot 1 does not exist: the buffer has 1{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[1] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 sizes, got 1{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 64 for this buffer, got 0{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [0, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 64 for this buffer, got 65{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [65, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: columns must be 1 to 64 for this buffer, got 65{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [64, 65] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: columns must be 1 to 36 for this buffer, got 64{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x9, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x9, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: a scratchpad buffer is loaded from i8 elements, got memref<64x64xi32>{{$}}
func.func @f(%m: memref<64x64xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [64, 64] : memref<64x64xi32>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: an accumulator buffer is loaded from i32 elements, got memref<64x64xi8>{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.load %m[0, 0] to %0[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: id must be 0, 1 or 2, got 3{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [64, 64] {id = 3 : i32} : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: max_cols must be a multiple of 16 up to 64 for this MVIN on config 'default', got 24{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [64, 64] {max_cols = 24 : i32} : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: max_cols must be a multiple of 16 up to 64 for this MVIN on config 'default', got 80{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [64, 64] {max_cols = 80 : i32} : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: max_cols must be a multiple of 16 up to 64 for this MVIN on config 'default', got 0{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [64, 64] {max_cols = 0 : i32} : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: max_cols must be a multiple of 16 up to 16 for this MVIN on config 'default', got 32{{$}}
func.func @f(%m: memref<64x64xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.load %m[0, 0] to %0[0] size [64, 64] {max_cols = 32 : i32} : memref<64x64xi32>, !gemmini.buffer<4x4 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: accumulate applies to accumulator buffers only{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %m[0, 0] to %0[0] size [64, 64] {accumulate} : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}
