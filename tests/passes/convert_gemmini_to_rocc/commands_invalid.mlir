// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p convert-gemmini-to-rocc | filecheck %s

// CHECK: f: gemmini.local_address: the buffer has no rows yet; run gemmini-allocate first
func.func @f(%a: memref<16x16xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: a local address must come from gemmini.local_address to be encoded
func.func @f(%a: memref<16x16xi8>, %p: !gemmini.local_address<scratchpad>) {
  gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: f: gemmini.local_address: a run-time slot needs equally spaced slots, got rows [0, 16, 64]
func.func @f(%a: memref<16x16xi8>, %slot: index) {
  %0 = gemmini.alloc {base = array<i64: 0, 16, 64>} : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 3>
  %p = gemmini.local_address %0[%slot, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 3> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: the offset of a memref must be static
func.func @f(%a: memref<16x16xi8, strided<[32, 1], offset: ?>>) {
  %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %a : memref<16x16xi8, strided<[32, 1], offset: ?>> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: f: gemmini.local_address: interleaved placement needs static rows; run gemmini-unroll first
func.func @f(%a: memref<16x16xi8>, %row: index) {
  %0 = gemmini.alloc {base = array<i64: 0, 4096>, placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %p = gemmini.local_address %0[0, %row] : !gemmini.buffer<2x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  return
}
