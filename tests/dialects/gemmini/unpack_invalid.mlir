// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// What gemmini.unpack can make rows of.

// CHECK: Operation does not verify: cols must divide 16 and be less, got 5{{$}}
func.func @f() {
  %packed = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<7x1 of 16x16, scratchpad>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 100 : i32, cols = 5 : i32} : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<7x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: cols must divide 16 and be less, got 16{{$}}
func.func @f() {
  %packed = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<7x1 of 16x16, scratchpad>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 100 : i32, cols = 16 : i32} : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<7x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: cols must divide 16 and be less, got 0{{$}}
func.func @f() {
  %packed = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<7x1 of 16x16, scratchpad>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 100 : i32, cols = 0 : i32} : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<7x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows: 99 rows of 4 elements are no whole rows of 16{{$}}
func.func @f() {
  %packed = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<7x1 of 16x16, scratchpad>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 99 : i32, cols = 4 : i32} : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<7x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: rows: 0 rows of 4 elements are no whole rows of 16{{$}}
func.func @f() {
  %packed = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<7x1 of 16x16, scratchpad>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 0 : i32, cols = 4 : i32} : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<7x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: packed must be 2x1 of 16x16 here, got !gemmini.buffer<1x1 of 16x16, scratchpad>{{$}}
func.func @f() {
  %packed = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<7x1 of 16x16, scratchpad>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 100 : i32, cols = 4 : i32} : !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<7x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: buffer must be 7x1 of 16x16 here, got !gemmini.buffer<1x7 of 16x16, scratchpad>{{$}}
func.func @f() {
  %packed = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<1x7 of 16x16, scratchpad>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 100 : i32, cols = 4 : i32} : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<1x7 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: selector must be 1x1 of 16x16 here, got !gemmini.buffer<1x1 of 16x8, scratchpad>{{$}}
func.func @f() {
  %packed = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<7x1 of 16x16, scratchpad>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x8, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 100 : i32, cols = 4 : i32} : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<7x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x8, scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: buffer must be a scratchpad buffer, got !gemmini.buffer<7x1 of 16x16, accumulator>{{$}}
func.func @f() {
  %packed = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<7x1 of 16x16, accumulator>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 100 : i32, cols = 4 : i32} : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<7x1 of 16x16, accumulator>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}
