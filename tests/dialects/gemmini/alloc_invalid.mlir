// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// Blocks larger than the array; allocated rows outside the memory.

// CHECK: Operation does not verify: a block holds at most 16x16 elements on config 'default', got 17x16{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 17x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: a block holds at most 8x8 elements on config 'int8_8x8', got 16x8{{$}}
module attributes {gemmini.config = #gemmini.config<"int8_8x8">} {
  func.func @f() {
    %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x8, scratchpad>
    return
  }
}

// -----

// CHECK: Operation does not verify: base must give one row per slot: 2 slots, 1 rows{{$}}
func.func @f() {
  %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// CHECK: Operation does not verify: slot of 16 rows at row -16 leaves the scratchpad, which has 16384 rows on config 'default'{{$}}
func.func @f() {
  %0 = gemmini.alloc {base = array<i64: -16>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: slot of 16 rows at row 16369 leaves the scratchpad, which has 16384 rows on config 'default'{{$}}
func.func @f() {
  %0 = gemmini.alloc {base = array<i64: 16369>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: slot of 32 rows at row 1000 leaves the accumulator, which has 1024 rows on config 'default'{{$}}
func.func @f() {
  %0 = gemmini.alloc {base = array<i64: 1000>} : !gemmini.buffer<1x2 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: slots of 32 rows at rows 0 and 20 overlap{{$}}
func.func @f() {
  %0 = gemmini.alloc {base = array<i64: 20, 0>} : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2>
  return
}

// -----

// Rows of 5 blocks are two pieces each: 4 blocks that one MVIN moves, and 1.
// CHECK: Operation does not verify: base must give one row per piece: 4 pieces, 2 rows{{$}}
func.func @f() {
  %0 = gemmini.alloc {base = array<i64: 0, 64>, placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x5 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: base must give one row per piece: 8 pieces, 4 rows{{$}}
func.func @f() {
  %0 = gemmini.alloc {base = array<i64: 0, 64, 128, 192>, placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x5 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// CHECK: Operation does not verify: slots of 64 rows at rows 100 and 128 overlap{{$}}
func.func @f() {
  %0 = gemmini.alloc {base = array<i64: 100, 0, 128, 20>, placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x5 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: slot of 16 rows at row 16370 leaves the scratchpad, which has 16384 rows on config 'default'{{$}}
func.func @f() {
  %0 = gemmini.alloc {base = array<i64: 0, 16370>, placement = #gemmini<placement interleaved>} : !gemmini.buffer<1x5 of 16x16, scratchpad>
  return
}
