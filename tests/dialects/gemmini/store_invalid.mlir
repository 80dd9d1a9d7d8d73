// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// What gemmini.store can copy out of which buffer.

// CHECK: Operation does not verify: only accumulator buffers are stored{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.store %0[0] to %m[0, 0] size [64, 64] : !gemmini.buffer<4x4 of 16x16, scratchpad>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: the destination must be a matrix, got memref<64xi8>{{$}}
func.func @f(%m: memref<64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0] size [64, 64] : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64xi8>
  return
}

// -----

// CHECK: Operation does not verify: rows must be contiguous (innermost stride 1), got memref<64x64xi8, strided<[1, 64]>>{{$}}
func.func @f(%m: memref<64x64xi8, strided<[1, 64]>>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0, 0] size [64, 64] : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi8, strided<[1, 64]>>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 destination offsets, got 1{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0] size [64, 64] : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: destination offsets must not be negative{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[-1, 0] size [64, 64] : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: slot 2 does not exist: the buffer has 2{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
  gemmini.store %0[2] to %m[0, 0] size [64, 64] : !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 sizes, got 3{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0, 0] size [64, 64, 1] : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 64 for this buffer, got 0{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0, 0] size [0, 1] : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: columns must be 1 to 64 for this buffer, got 65{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0, 0] size [64, 65] : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: the destination must have i8 or i32 elements: memref<64x64xi16>{{$}}
func.func @f(%m: memref<64x64xi16>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0, 0] size [64, 64] : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi16>
  return
}

// -----

// CHECK: Operation does not verify: an i32 destination takes neither scale nor activation{{$}}
func.func @f(%m: memref<64x64xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0, 0] size [64, 64] {scale = 5.000000e-01 : f32} : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi32>
  return
}

// -----

// CHECK: Operation does not verify: an i32 destination takes neither scale nor activation{{$}}
func.func @f(%m: memref<64x64xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0, 0] size [64, 64] {activation = #gemmini<activation relu>} : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi32>
  return
}

// -----

// CHECK: Operation does not verify: config 'lean' cannot store i32 elements (acc_read_full_width = false){{$}}
module attributes {gemmini.config = #gemmini.config<"lean">} {
  func.func @f(%m: memref<64x64xi32>) {
    %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
    gemmini.store %0[0] to %m[0, 0] size [64, 64] : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi32>
    return
  }
}

// -----

// CHECK: Operation does not verify: config 'no_small' cannot store i8 elements (acc_read_small_width = false){{$}}
module attributes {gemmini.config = #gemmini.config<"no_small", acc_read_small_width = false>} {
  func.func @f(%m: memref<64x64xi8>) {
    %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
    gemmini.store %0[0] to %m[0, 0] size [64, 64] : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi8>
    return
  }
}

// -----

// CHECK: Operation does not verify: max_cols must be a multiple of 16 up to 64 for this MVOUT on config 'default', got 8{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0, 0] size [64, 64] {max_cols = 8 : i32} : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: max_cols must be a multiple of 16 up to 16 for this MVOUT on config 'default', got 32{{$}}
func.func @f(%m: memref<64x64xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0, 0] size [64, 64] {max_cols = 32 : i32} : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi32>
  return
}

// -----

// CHECK: Operation does not verify: last_row: the tile is a single row of each block{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %0[0] to %m[0, 0] size [2, 64] {last_row} : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi8>
  return
}
