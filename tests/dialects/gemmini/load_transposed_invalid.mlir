// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// What gemmini.load_transposed can transpose, and through which buffers.

// CHECK: Operation does not verify: buffer must be a scratchpad buffer, got !gemmini.buffer<4x7 of 16x16, accumulator>{{$}}
func.func @f(%A: memref<100x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, accumulator>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 64 : i32} : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, accumulator>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// CHECK: Operation does not verify: staging must be a scratchpad buffer, got !gemmini.buffer<1x4 of 16x16, accumulator>{{$}}
func.func @f(%A: memref<100x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, accumulator>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 64 : i32} : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, accumulator>
  return
}

// -----

// CHECK: Operation does not verify: the source must be a matrix of i8, got memref<100x64xi32>{{$}}
func.func @f(%A: memref<100x64xi32>) {
  %a = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 64 : i32} : memref<100x64xi32>, !gemmini.buffer<4x7 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// CHECK: Operation does not verify: factor must be one block of 16x16, got !gemmini.buffer<1x2 of 16x16, scratchpad>{{$}}
func.func @f(%A: memref<100x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 64 : i32} : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, scratchpad>, !gemmini.buffer<1x2 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// CHECK: Operation does not verify: buffer must be 4x7 of 16x16 for this source, got !gemmini.buffer<7x4 of 16x16, scratchpad>{{$}}
func.func @f(%A: memref<100x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<7x4 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 64 : i32} : memref<100x64xi8>, !gemmini.buffer<7x4 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// CHECK: Operation does not verify: a slot of staging must be a row of whole groups of 4 blocks of 16x16, got !gemmini.buffer<1x5 of 16x16, scratchpad, slots = 2>{{$}}
func.func @f(%A: memref<100x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x5 of 16x16, scratchpad, slots = 2>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 64 : i32} : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x5 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// CHECK: Operation does not verify: cols: a row of 4 blocks is no groups of 48 columns{{$}}
func.func @f(%A: memref<100x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 48 : i32} : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// CHECK: Operation does not verify: cols must be a multiple of 16 up to 64 for this MVIN on config 'default', got 80{{$}}
func.func @f(%A: memref<100x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 80 : i32} : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// CHECK: Operation does not verify: id must be 0, 1 or 2, got 3{{$}}
func.func @f(%A: memref<100x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 64 : i32, id = 3 : i32} : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// CHECK: Operation does not verify: config 'still' has no os dataflow{{$}}
module attributes {gemmini.config = #gemmini.config<"still", dataflow = "ws">} {
func.func @f(%A: memref<100x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 64 : i32, dataflow = #gemmini<dataflow os>} : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  return
}
}

// -----

// CHECK: Operation does not verify: config 'dry' cannot write results to the scratchpad (ex_write_to_spad = false){{$}}
module attributes {gemmini.config = #gemmini.config<"dry", ex_write_to_spad = false>} {
func.func @f(%A: memref<100x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 64 : i32} : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  return
}
}
