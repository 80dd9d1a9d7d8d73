// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// What a pair must respect in the ws dataflow, where the configuration in force is seen.

// CHECK: Operation does not verify: in the ws dataflow a preload without a stationary operand keeps the weights and must be followed by compute_accumulated: stale weights could be used otherwise{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
  gemmini.preload size [16, 16] size [16, 16]
  gemmini.compute_preloaded %s size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// CHECK: Operation does not verify: in the ws dataflow the array emits 8 rows for this pair, C cannot have 9{{$}}
func.func @f() {
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %1 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, accumulator>
  %c = gemmini.local_address %1[0, 0] : !gemmini.buffer<1x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
  gemmini.preload size [16, 16] to %c : !gemmini.local_address<accumulator> size [9, 16]
  gemmini.compute_accumulated %s size [8, 16] size [8, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

builtin.module attributes {gemmini.config = #gemmini.config<"lean">} {
  // CHECK: Operation does not verify: config 'lean' ignores D (hardcode_d_to_garbage = true){{$}}
  func.func @f() {
    %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
    %s = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.preload %s : !gemmini.local_address<scratchpad> size [16, 16] size [16, 16]
    gemmini.compute_preloaded %s size [16, 16], %s : !gemmini.local_address<scratchpad> size [16, 16] : !gemmini.local_address<scratchpad>
    return
  }
}
