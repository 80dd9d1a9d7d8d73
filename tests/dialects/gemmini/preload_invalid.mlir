// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// PRELOAD.

// CHECK: Operation does not verify: expected 2 sizes, got 1{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 sizes, got 3{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16, 1]
  gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 16, got 17{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [17, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: cols must be 1 to 16, got 0{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 0] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 16, got 0{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [0, 16]
  gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: cols must be 1 to 16, got 17{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 17]
  gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows has no visible bound; clamp it by arith.minsi with a constant up to 16{{$}}
func.func @f(%n: index) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [%n, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: the stationary operand must be in the scratchpad: reading operands from the accumulator hangs the array{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %d : !gemmini.local_address<accumulator> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: config 'lean' cannot write results to the scratchpad (ex_write_to_spad = false){{$}}
module attributes {gemmini.config = #gemmini.config<"lean">} {
  func.func @f() {
    %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
    %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
    %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<scratchpad> size [16, 16]
    gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    return
  }
}

// -----

// CHECK: Operation does not verify: rows 248 to 263 leave the slot, which has 256 rows{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 248] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: a preload must be followed by its compute in the same block: alone it never completes{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.fence
  return
}

// -----

// CHECK: Operation does not verify: a preload must be followed by its compute in the same block: alone it never completes{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.preload size [16, 16] size [16, 16]
  gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}
