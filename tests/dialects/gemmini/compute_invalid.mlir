// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// COMPUTE_PRELOADED and COMPUTE_ACCUMULATED.

// CHECK: Operation does not verify: expected 2 sizes, got 1{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %s size [16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 sizes, got 1{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_accumulated %s size [16, 16] size [16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 16, got 17{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %s size [17, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: cols must be 1 to 16, got 17{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %s size [16, 17] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows must be 1 to 16, got 0{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_accumulated %s size [16, 16] size [0, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: cols must be 1 to 16, got 18{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %s size [16, 16] size [16, 18] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: cols has no visible bound; clamp it by arith.minsi with a constant up to 16{{$}}
func.func @f(%n: index) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %s size [16, %n] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: operands must be in the scratchpad: reading operands from the accumulator hangs the array{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %d size [16, 16] size [16, 16] : !gemmini.local_address<accumulator>
  return
}

// -----

// CHECK: Operation does not verify: operands must be in the scratchpad: reading operands from the accumulator hangs the array{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %d = gemmini.local_address %2[0, 0] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] to %d : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_accumulated %s size [16, 16], %d : !gemmini.local_address<accumulator> size [16, 16] : !gemmini.local_address<scratchpad>
  return
}
