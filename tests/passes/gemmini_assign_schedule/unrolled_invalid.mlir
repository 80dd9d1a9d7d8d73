// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p gemmini-assign-schedule | filecheck %s

// 16^3 products are 8192 instructions, 16 rows of blocks 4 loads each for A and for B, and 256 stores.
// CHECK: f: gemmini.matmul: unroll: 8576 instructions; at most 1280 fit an instruction cache beside other code: leave the loops (unroll = false){{$}}
func.func @f(%a: memref<256x256xi8>, %b: memref<256x256xi8>, %c: memref<256x256xi8>) {
  gemmini.matmul ins(%a, %b : memref<256x256xi8>, memref<256x256xi8>) outs(%c : memref<256x256xi8>) {schedule = #gemmini.schedule<tile = [16, 16, 16], unroll = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: placement interleaved: mvin_cols must divide 64, got 48{{$}}
func.func @f(%a: memref<96x96xi8>, %b: memref<96x96xi8>, %c: memref<96x96xi8>) {
  gemmini.matmul ins(%a, %b : memref<96x96xi8>, memref<96x96xi8>) outs(%c : memref<96x96xi8>) {schedule = #gemmini.schedule<tile = [6, 6, 6], mvin_cols = 48, placement = interleaved, unroll = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: placement interleaved: mvout_cols must divide 64, got 48{{$}}
func.func @f(%a: memref<96x96xi8>, %b: memref<96x96xi8>, %c: memref<96x96xi8>) {
  gemmini.matmul ins(%a, %b : memref<96x96xi8>, memref<96x96xi8>) outs(%c : memref<96x96xi8>) {schedule = #gemmini.schedule<tile = [6, 6, 6], mvout_cols = 48, placement = interleaved, unroll = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: unroll: the tile must hold all of k, and all of m or of n, which leaves most freedom to order instructions, got tile [6, 6, 3]{{$}}
func.func @f(%a: memref<96x96xi8>, %b: memref<96x96xi8>, %c: memref<96x96xi8>) {
  gemmini.matmul ins(%a, %b : memref<96x96xi8>, memref<96x96xi8>) outs(%c : memref<96x96xi8>) {schedule = #gemmini.schedule<tile = [6, 6, 3], unroll = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: software_pipeline: there is one tile only, so there is nothing to overlap{{$}}
func.func @f(%a: memref<96x96xi8>, %b: memref<96x96xi8>, %c: memref<96x96xi8>) {
  gemmini.matmul ins(%a, %b : memref<96x96xi8>, memref<96x96xi8>) outs(%c : memref<96x96xi8>) {schedule = #gemmini.schedule<tile = [6, 6, 6], double_buffer = ["a", "c"], unroll = true, software_pipeline = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: software_pipeline: one tile is computed while others are loaded and stored: double_buffer must name "b" and "c" here{{$}}
func.func @f(%a: memref<96x96xi8>, %b: memref<96x96xi8>, %c: memref<96x96xi8>) {
  gemmini.matmul ins(%a, %b : memref<96x96xi8>, memref<96x96xi8>) outs(%c : memref<96x96xi8>) {schedule = #gemmini.schedule<tile = [6, 1, 6], double_buffer = ["a", "c"], unroll = true, software_pipeline = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: prefetch_distance: without software_pipeline the tile must hold all of m and n, got tile [1, 1, 2]{{$}}
func.func @f(%a: memref<96x96xi8>, %b: memref<96x1xi8>, %c: memref<96x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<96x96xi8>, memref<96x1xi8>) outs(%c : memref<96x1xi8>) {schedule = #gemmini.schedule<tile = [1, 1, 2], placement = cyclic, unroll = true, prefetch_distance = 2, transposed_tiles = 1>}
  return
}

// -----

// CHECK: f: gemmini.matmul: transposed_tiles: only weights of one column lie in memory like their transpose, got N = 2, dataflow ws{{$}}
func.func @f(%a: memref<96x96xi8>, %b: memref<96x2xi8>, %c: memref<96x2xi8>) {
  gemmini.matmul ins(%a, %b : memref<96x96xi8>, memref<96x2xi8>) outs(%c : memref<96x2xi8>) {schedule = #gemmini.schedule<tile = [6, 1, 2], placement = cyclic, unroll = true, prefetch_distance = 2, transposed_tiles = 1>}
  return
}

// -----

// CHECK: f: gemmini.matmul: transposed_tiles: the array can transpose one operand only, and none is left{{$}}
func.func @f(%a: memref<96x96xi8>, %b: memref<96x1xi8>, %c: memref<96x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<96x96xi8>, memref<96x1xi8>) outs(%c : memref<96x1xi8>) {transpose_a, schedule = #gemmini.schedule<tile = [6, 1, 2], placement = cyclic, unroll = true, prefetch_distance = 2, transposed_tiles = 1>}
  return
}

// -----

// CHECK: f: gemmini.matmul: transposed_tiles: k has 3 tiles, got 4{{$}}
func.func @f(%a: memref<96x96xi8>, %b: memref<96x1xi8>, %c: memref<96x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<96x96xi8>, memref<96x1xi8>) outs(%c : memref<96x1xi8>) {schedule = #gemmini.schedule<tile = [6, 1, 2], placement = cyclic, unroll = true, prefetch_distance = 2, transposed_tiles = 4>}
  return
}

// -----

// CHECK: f: gemmini.matmul: prologue_tiles: there are 2 tiles, and the loop needs at least one of them, got 2{{$}}
func.func @f(%a: memref<32x96xi8>, %b: memref<96x96xi8>, %c: memref<32x96xi8>) {
  gemmini.matmul ins(%a, %b : memref<32x96xi8>, memref<96x96xi8>) outs(%c : memref<32x96xi8>) {schedule = #gemmini.schedule<tile = [1, 6, 6], double_buffer = ["a", "c"], unroll = true, software_pipeline = true, prologue_tiles = 2>}
  return
}

// -----

// CHECK: f: gemmini.matmul: software_pipeline: the operand that stays lies in pieces, so that mvin_cols must divide 64, got 48{{$}}
func.func @f(%a: memref<16x80xi8>, %b: memref<80x64xi8>, %c: memref<16x64xi8>) {
  gemmini.matmul ins(%a, %b : memref<16x80xi8>, memref<80x64xi8>) outs(%c : memref<16x64xi8>) {schedule = #gemmini.schedule<tile = [1, 3, 5], mvin_cols = 48, double_buffer = ["b", "c"], unroll = true, software_pipeline = true>}
  return
}
