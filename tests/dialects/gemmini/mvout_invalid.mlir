// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// MVOUT.

// CHECK: Operation does not verify: expected 2 destination offsets, got 1{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0] size [16, 64] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: destination offsets must not be negative{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, -1] size [16, 64] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 sizes, got 1{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, 0] size [16] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: accumulate applies to addresses that are written{{$}}
func.func @f(%m: memref<64x64xi8>, %x: i1) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] accumulate(%x) : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, 0] size [16, 64] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: this address stores i8 elements, got memref<64x64xi32>{{$}}
func.func @f(%m: memref<64x64xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, 0] size [16, 64] : !gemmini.local_address<accumulator>, memref<64x64xi32>
  return
}

// -----

// CHECK: Operation does not verify: a full address stores i32 elements, got memref<64x64xi8>{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] {full} : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, 0] size [16, 64] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: config 'lean' cannot store i32 elements (acc_read_full_width = false){{$}}
module attributes {gemmini.config = #gemmini.config<"lean">} {
  func.func @f(%m: memref<64x64xi32>) {
    %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
    %1 = gemmini.local_address %0[0, 0] {full} : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    gemmini.mvout %1 to %m[0, 0] size [16, 16] : !gemmini.local_address<accumulator>, memref<64x64xi32>
    return
  }
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 16, got 17{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, 0] size [17, 16] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 16, got 0{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, 0] size [0, 16] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: cols must be 1 to 64, got 65{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, 0] size [16, 65] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: cols must be 1 to 16, got 17{{$}}
func.func @f(%m: memref<64x64xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] {full} : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, 0] size [16, 17] : !gemmini.local_address<accumulator>, memref<64x64xi32>
  return
}

// -----

// CHECK: Operation does not verify: cols has no visible bound; clamp it by arith.minsi with a constant up to 64{{$}}
func.func @f(%m: memref<64x64xi8>, %n: index) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, 0] size [16, %n] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: rows 241 to 256 leave the slot, which has 256 rows{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 241] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, 0] size [16, 16] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: rows 200 to 263 leave the slot, which has 256 rows{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 200] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvout %1 to %m[0, 0] size [16, 64] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  return
}
