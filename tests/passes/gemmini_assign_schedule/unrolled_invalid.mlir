// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p gemmini-assign-schedule | filecheck %s

// 16^3 products are 8192 instructions, 16 rows of blocks 4 loads each for A and for B, and 256 stores.
// CHECK: f: gemmini.matmul: unroll: 8576 instructions; at most 1200 fit an instruction cache beside other code: leave the loops (unroll = false){{$}}
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
