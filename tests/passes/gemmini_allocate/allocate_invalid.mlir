// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p gemmini-allocate | filecheck %s

// 33 x 32 blocks of 16 rows are 16896 rows, one more row of blocks than the scratchpad has.
// CHECK: f: gemmini.alloc: 16896 rows do not fit the scratchpad: 0 of 16384 rows of config 'default' are in use; choose a smaller tile or less double buffering
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<33x32 of 16x16, scratchpad>
  return
}

// -----

// CHECK: f: gemmini.alloc: 64 rows do not fit the accumulator: 1024 of 1024 rows of config 'default' are in use; choose a smaller tile or less double buffering
func.func @f() {
  %0 = gemmini.alloc {placement = #gemmini<placement interleaved>} : !gemmini.buffer<17x4 of 16x16, accumulator>
  return
}
