// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// Tiles that the LOOP_WS state machine cannot take.

// CHECK: Operation does not verify: config 'no_fsm' has no LOOP_WS (has_loop_ws = false){{$}}
module attributes {gemmini.config = #gemmini.config<"no_fsm", has_loop_ws = false>} {
  func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>) {
    gemmini.loop_tile %a[0, 0], %b[0, 0] to %c : memref<64x64xi8> at [0, 0] size [64, 64, 64] : memref<64x64xi8>, memref<64x64xi8>
    return
  }
}

// -----

// CHECK: Operation does not verify: shape must be static, got memref<?x64xi8>{{$}}
func.func @f(%a: memref<?x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] to %c : memref<64x64xi8> at [0, 0] size [64, 64, 64] : memref<?x64xi8>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 a offsets, got 1{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>) {
  gemmini.loop_tile %a[0], %b[0, 0] to %c : memref<64x64xi8> at [0, 0] size [64, 64, 64] : memref<64x64xi8>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: b offsets must not be negative{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, -2] to %c : memref<64x64xi8> at [0, 0] size [64, 64, 64] : memref<64x64xi8>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: expected 1 bias offsets, got 2{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %d: memref<64xi32>, %c: memref<64x64xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] bias %d : memref<64xi32> at [0, 0] to %c : memref<64x64xi8> at [0, 0] size [64, 64, 64] : memref<64x64xi8>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 c offsets, got 3{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] to %c : memref<64x64xi8> at [0, 0, 0] size [64, 64, 64] : memref<64x64xi8>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: expected 3 sizes, got 2{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] to %c : memref<64x64xi8> at [0, 0] size [64, 64] : memref<64x64xi8>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: a must be a matrix of i8, got memref<64x64xi32>{{$}}
func.func @f(%a: memref<64x64xi32>, %b: memref<64x64xi8>, %c: memref<64x64xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] to %c : memref<64x64xi8> at [0, 0] size [64, 64, 64] : memref<64x64xi32>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: b must be a matrix of i8, got memref<64xi8>{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64xi8>, %c: memref<64x64xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0] to %c : memref<64x64xi8> at [0, 0] size [64, 64, 64] : memref<64x64xi8>, memref<64xi8>
  return
}

// -----

// CHECK: Operation does not verify: the bias must have i32 elements, got memref<64x64xi8>{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %d: memref<64x64xi8>, %c: memref<64x64xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] bias %d : memref<64x64xi8> at [0, 0] to %c : memref<64x64xi8> at [0, 0] size [64, 64, 64] : memref<64x64xi8>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: c must have i8 or i32 elements, got memref<64x64xi16>{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi16>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] to %c : memref<64x64xi16> at [0, 0] size [64, 64, 64] : memref<64x64xi8>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: config 'lean' cannot store i32 elements (acc_read_full_width = false){{$}}
module attributes {gemmini.config = #gemmini.config<"lean">} {
  func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi32>) {
    gemmini.loop_tile %a[0, 0], %b[0, 0] to %c : memref<64x64xi32> at [0, 0] size [64, 64, 64] : memref<64x64xi8>, memref<64x64xi8>
    return
  }
}

// -----

// CHECK: Operation does not verify: a loop starts from a bias or from the accumulator, not both{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %d: memref<64x64xi32>, %c: memref<64x64xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] bias %d : memref<64x64xi32> at [0, 0] to %c : memref<64x64xi8> at [0, 0] size [64, 64, 64] {accumulate} : memref<64x64xi8>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: transpose_a with transpose_b is illegal in the ws dataflow; use os{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] to %c : memref<64x64xi8> at [0, 0] size [64, 64, 64] {transpose_a, transpose_b} : memref<64x64xi8>, memref<64x64xi8>
  return
}

// -----

// CHECK: Operation does not verify: A and B of 17x16x16 blocks need 8448 rows; half the scratchpad has 8192{{$}}
func.func @f(%a: memref<256x512xi8>, %b: memref<512x256xi8>, %c: memref<256x256xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] to %c : memref<256x256xi8> at [0, 0] size [257, 256, 256] : memref<256x512xi8>, memref<512x256xi8>
  return
}

// -----

// CHECK: Operation does not verify: C of 6x6 blocks needs 576 rows; half the accumulator has 512{{$}}
func.func @f(%a: memref<256x512xi8>, %b: memref<512x256xi8>, %c: memref<256x256xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] to %c : memref<256x256xi8> at [0, 0] size [96, 96, 16] : memref<256x512xi8>, memref<512x256xi8>
  return
}
