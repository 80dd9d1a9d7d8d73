// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// Addresses outside their buffer, and flags of the other memory.

// CHECK: Operation does not verify: an address in !gemmini.buffer<4x4 of 16x16, scratchpad> lies in the scratchpad{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<accumulator>
  return
}

// -----

// CHECK: Operation does not verify: expected 2 slot and row, got 1{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: slot and row must not be negative{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, -1] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: slot 1 does not exist: the buffer has 1{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[1, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: row 256 is outside the slot, which has 256 rows{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 256] : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: accumulate and full apply to accumulator addresses only{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] {full} : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: accumulate and full apply to accumulator addresses only{{$}}
func.func @f(%x: i1) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] accumulate(%x) : !gemmini.buffer<4x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  return
}
