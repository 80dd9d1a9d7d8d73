// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// LOOP_WS.

// CHECK: Operation does not verify: config 'no_fsm' has no LOOP_WS (has_loop_ws = false){{$}}
module attributes {gemmini.config = #gemmini.config<"no_fsm", has_loop_ws = false>} {
  func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
    gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>}
    return
  }
}

// -----

// CHECK: Operation does not verify: expected 2 a offsets, got 1{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>}
  return
}

// -----

// CHECK: Operation does not verify: b offsets must not be negative{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, -4] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>}
  return
}

// -----

// CHECK: Operation does not verify: expected 2 c offsets, got 3{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0, 0] tiles [4, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>}
  return
}

// -----

// CHECK: Operation does not verify: expected 3 tiles, got 2{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>}
  return
}

// -----

// CHECK: Operation does not verify: expected 3 pads, got 1{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0] {strides = array<i64: 64, 64, 0, 64>}
  return
}

// -----

// CHECK: Operation does not verify: strides must be four element counts, of A, B, D and C{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0>}
  return
}

// -----

// CHECK: Operation does not verify: strides must be four element counts, of A, B, D and C{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, -1, 64>}
  return
}

// -----

// CHECK: Operation does not verify: pads must be 0 to 15, got 16{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 16, 0] {strides = array<i64: 64, 64, 0, 64>}
  return
}

// -----

// CHECK: Operation does not verify: a_spad_id must be 0 to 2, got 3{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>, a_spad_id = 3 : i32}
  return
}

// -----

// CHECK: Operation does not verify: b_spad_id must be 0 to 2, got -1{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>, b_spad_id = -1 : i32}
  return
}

// -----

// CHECK: Operation does not verify: transpose_a with transpose_b is illegal in the ws dataflow; use os{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>, transpose_a, transpose_b}
  return
}

// -----

// CHECK: Operation does not verify: a loop that loads D must set ex_accumulate{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] d %d : memref<64x64xi32> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>}
  return
}

// -----

// CHECK: Operation does not verify: config 'lean' cannot store i32 elements (acc_read_full_width = false){{$}}
module attributes {gemmini.config = #gemmini.config<"lean">} {
  func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
    gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>, full_c}
    return
  }
}

// -----

// CHECK: Operation does not verify: I must be 1 to 65535, got 0{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [0, 4, 4] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>}
  return
}

// -----

// CHECK: Operation does not verify: K must be 1 to 65535, got 65536{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 65536] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>}
  return
}

// -----

// CHECK: Operation does not verify: A and B need 8320 rows; half the scratchpad has 8192 on config 'default'{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [4, 4, 65] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>}
  return
}

// -----

// CHECK: Operation does not verify: C needs 576 rows; half the accumulator has 512 on config 'default'{{$}}
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>, %d: memref<64x64xi32>) {
  gemmini.loop_ws a %a : memref<64x64xi8> at [0, 0] b %b : memref<64x64xi8> at [0, 0] c %c : memref<64x64xi8> at [0, 0] tiles [6, 6, 1] pads [0, 0, 0] {strides = array<i64: 64, 64, 0, 64>}
  return
}
