// RUN: gemmini-opt %s | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | gemmini-opt | filecheck %s

"test.op"() {
  least = #gemmini.schedule<tile = [1, 2, 3]>,
  defaults = #gemmini.schedule<tile = [1, 1, 1], order = "mnk", inner_order = "knm", dataflow = ws, double_buffer = [], mvin_cols = 0, mvout_cols = 0, placement = banked, lowering = isa>,
  all = #gemmini.schedule<tile = [4, 4, 13], order = "nmk", inner_order = "mnk", dataflow = os, double_buffer = ["a", "b", "c"], mvin_cols = 64, mvout_cols = 32, placement = packed, lowering = loop_ws>,
  any_order = #gemmini.schedule<lowering = loop_ws, tile = [8, 8, 8], double_buffer = ["c"]>,
  unrolled = #gemmini.schedule<unroll = true, tile = [2, 3, 4], placement = interleaved>,
  looped = #gemmini.schedule<tile = [2, 3, 4], unroll = false>,
  pipelined = #gemmini.schedule<tile = [2, 3, 4], software_pipeline = true, unroll = true>,
  filled = #gemmini.schedule<tile = [2, 3, 4], prologue_tiles = 2, software_pipeline = true, unroll = true>,
  plain = #gemmini.schedule<tile = [2, 3, 4], prologue_tiles = 1>,
  swapped = #gemmini.schedule<transpose_resident = true, tile = [1, 3, 4], swap_operands = true>
} : () -> ()

// CHECK: "test.op"()
// CHECK-SAME: least = #gemmini.schedule<tile = [1, 2, 3]>,
// CHECK-SAME: defaults = #gemmini.schedule<tile = [1, 1, 1]>,
// CHECK-SAME: all = #gemmini.schedule<tile = [4, 4, 13], order = "nmk", inner_order = "mnk", dataflow = os, double_buffer = ["a", "b", "c"], mvin_cols = 64, mvout_cols = 32, placement = packed, lowering = loop_ws>,
// CHECK-SAME: any_order = #gemmini.schedule<tile = [8, 8, 8], double_buffer = ["c"], lowering = loop_ws>,
// CHECK-SAME: unrolled = #gemmini.schedule<tile = [2, 3, 4], placement = interleaved, unroll = true>,
// CHECK-SAME: looped = #gemmini.schedule<tile = [2, 3, 4]>,
// CHECK-SAME: pipelined = #gemmini.schedule<tile = [2, 3, 4], unroll = true, software_pipeline = true>,
// CHECK-SAME: filled = #gemmini.schedule<tile = [2, 3, 4], unroll = true, software_pipeline = true, prologue_tiles = 2>,
// CHECK-SAME: plain = #gemmini.schedule<tile = [2, 3, 4]>,
// CHECK-SAME: swapped = #gemmini.schedule<tile = [1, 3, 4], swap_operands = true, transpose_resident = true>
