// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// Buffers, sizes and transposes that gemmini.tile_matmul cannot multiply.

// CHECK: Operation does not verify: a must be a scratchpad buffer, got !gemmini.buffer<4x2 of 16x16, accumulator>{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, accumulator>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] : !gemmini.buffer<4x2 of 16x16, accumulator>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: b must be a scratchpad buffer, got !gemmini.buffer<2x3 of 16x16, accumulator>{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, accumulator>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, accumulator>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: c must be an accumulator buffer, got !gemmini.buffer<4x3 of 16x16, scratchpad>{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, scratchpad>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: expected 3 sizes, got 2{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48] : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: slot 1 does not exist: the buffer has 1{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[1], %b[0] to %c[0] size [64, 48, 32] : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: slot 1 does not exist: the buffer has 1{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[1] size [64, 48, 32] : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: expected 1 slot, got 2{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0, 0] to %c[0] size [64, 48, 32] : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: grids do not match: a is 4x3, b is 2x3, c is 4x3{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] : !gemmini.buffer<4x3 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: grids do not match: a is 4x2, b is 2x3, c is 5x3{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<5x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<5x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: grids do not match: a is 2x4, b is 2x3, c is 4x3{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] {transpose_a} : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: grids do not match: a is 4x2, b is 3x2, c is 4x3{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] {transpose_b} : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: blocks do not match: a is 16x8, b is 16x16, c is 16x16{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x8, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] : !gemmini.buffer<4x2 of 16x8, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: blocks do not match: a is 16x16, b is 16x4, c is 16x16{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x4, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x4, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: k blocks of 32 can overflow the 20-bit sums of config 'int8_32x32'; at most 31 are exact{{$}}
module attributes {gemmini.config = #gemmini.config<"int8_32x32">} {
  func.func @f() {
    %a = gemmini.alloc : !gemmini.buffer<1x1 of 32x32, scratchpad>
    %b = gemmini.alloc : !gemmini.buffer<1x1 of 32x32, scratchpad>
    %c = gemmini.alloc : !gemmini.buffer<1x1 of 32x32, accumulator>
    gemmini.tile_matmul %a[0], %b[0] to %c[0] size [32, 32, 32] : !gemmini.buffer<1x1 of 32x32, scratchpad>, !gemmini.buffer<1x1 of 32x32, scratchpad>, !gemmini.buffer<1x1 of 32x32, accumulator>
    return
  }
}

// -----

// CHECK: Operation does not verify: m must be 1 to 64 for these buffers, got 65{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [65, 48, 32] : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: n must be 1 to 48 for these buffers, got 0{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 0, 32] : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: k must be 1 to 32 for these buffers, got 33{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 33] : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: order must be a permutation of "mnk", got "mmk"{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] {order = "mmk"} : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: transpose_a with transpose_b is illegal in the ws dataflow; use os{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<2x4 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<3x2 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] {transpose_a, transpose_b} : !gemmini.buffer<2x4 of 16x16, scratchpad>, !gemmini.buffer<3x2 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: transpose_b without transpose_a is illegal in the os dataflow; use ws{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<3x2 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] {transpose_b, dataflow = #gemmini<dataflow os>} : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<3x2 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: config 'lean' has no os dataflow{{$}}
module attributes {gemmini.config = #gemmini.config<"lean">} {
  func.func @f() {
    %a = gemmini.alloc : !gemmini.buffer<4x2 of 16x16, scratchpad>
    %b = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
    %c = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, accumulator>
    gemmini.tile_matmul %a[0], %b[0] to %c[0] size [64, 48, 32] {dataflow = #gemmini<dataflow os>} : !gemmini.buffer<4x2 of 16x16, scratchpad>, !gemmini.buffer<2x3 of 16x16, scratchpad>, !gemmini.buffer<4x3 of 16x16, accumulator>
    return
  }
}

// -----

// CHECK: Operation does not verify: packed_a needs the os dataflow with transpose_a and transpose_b: only there the columns of a are rows of the product{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<4x17 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [1, 64, 272] {transpose_b, packed_a} : !gemmini.buffer<1x2 of 16x16, scratchpad>, !gemmini.buffer<4x17 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: packed_a: for 17 blocks of k a must be 1x2 of 16x16, got !gemmini.buffer<17x1 of 16x16, scratchpad>{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<17x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<4x17 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [1, 64, 272] {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b, packed_a} : !gemmini.buffer<17x1 of 16x16, scratchpad>, !gemmini.buffer<4x17 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: packed_a: m must be 1 and k a multiple of 16{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<4x17 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [2, 64, 272] {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b, packed_a} : !gemmini.buffer<1x2 of 16x16, scratchpad>, !gemmini.buffer<4x17 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: packed_a: m must be 1 and k a multiple of 16{{$}}
func.func @f() {
  %a = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<4x17 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, accumulator>
  gemmini.tile_matmul %a[0], %b[0] to %c[0] size [1, 64, 270] {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b, packed_a} : !gemmini.buffer<1x2 of 16x16, scratchpad>, !gemmini.buffer<4x17 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, accumulator>
  return
}
