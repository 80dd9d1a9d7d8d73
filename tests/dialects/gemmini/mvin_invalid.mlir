// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// MVIN, MVIN2 and MVIN3.

// CHECK: Operation does not verify: the scratchpad takes i8 elements, got memref<64x64xi32>{{$}}
func.func @f(%m: memref<64x64xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %m : memref<64x64xi32> at [0, 0] to %1 size [16, 64] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: the accumulator takes i8 (shrunk) or i32 elements, got memref<64x64xi16>{{$}}
func.func @f(%m: memref<64x64xi16>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvin from %m : memref<64x64xi16> at [0, 0] to %1 size [16, 16] : !gemmini.local_address<accumulator>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 source offsets, got 1{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %m : memref<64x64xi8> at [0] to %1 size [16, 64] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: source offsets must not be negative{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %m : memref<64x64xi8> at [-1, 0] to %1 size [16, 64] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 sizes, got 1{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %m : memref<64x64xi8> at [0, 0] to %1 size [16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 16, got 0{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin2 from %m : memref<64x64xi8> at [0, 0] to %1 size [0, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 16, got 17{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin3 from %m : memref<64x64xi8> at [0, 0] to %1 size [17, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: cols must be 1 to 64, got 0{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %m : memref<64x64xi8> at [0, 0] to %1 size [16, 0] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: cols must be 1 to 64, got 65{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin2 from %m : memref<64x64xi8> at [0, 0] to %1 size [16, 65] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: cols must be 1 to 16, got 17{{$}}
func.func @f(%m: memref<64x64xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvin3 from %m : memref<64x64xi32> at [0, 0] to %1 size [16, 17] : !gemmini.local_address<accumulator>
  return
}

// -----

// CHECK: Operation does not verify: cols must be 1 to 16, got 17{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvin to %1 size [16, 17] : !gemmini.local_address<accumulator>
  return
}

// -----

// CHECK: Operation does not verify: rows has no visible bound; clamp it by arith.minsi with a constant up to 16{{$}}
func.func @f(%m: memref<64x64xi8>, %n: index) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %m : memref<64x64xi8> at [0, 0] to %1 size [%n, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 16, got 17{{$}}
func.func @f(%m: memref<64x64xi8>, %n: index) {
  %k = arith.constant 17 : index
  %r = arith.minsi %n, %k : index
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %m : memref<64x64xi8> at [0, 0] to %1 size [%r, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows 250 to 265 leave the slot, which has 256 rows{{$}}
func.func @f(%m: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 250] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %m : memref<64x64xi8> at [0, 0] to %1 size [16, 64] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: full applies to addresses that MVOUT reads{{$}}
func.func @f(%m: memref<64x64xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %1 = gemmini.local_address %0[0, 0] {full} : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvin from %m : memref<64x64xi32> at [0, 0] to %1 size [16, 16] : !gemmini.local_address<accumulator>
  return
}

// -----

// CHECK: Operation does not verify: cols must be 1 to 64, got 80{{$}}
module attributes {gemmini.config = #gemmini.config<"int8_4x4">} {
  func.func @f(%m: memref<64x64xi8>) {
    %0 = gemmini.alloc : !gemmini.buffer<1x1 of 4x4, scratchpad>
    %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 4x4, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.mvin from %m : memref<64x64xi8> at [0, 0] to %1 size [4, 80] : !gemmini.local_address<scratchpad>
    return
  }
}
