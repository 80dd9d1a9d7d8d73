// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p gemmini-assign-schedule | filecheck %s

// CHECK: f: gemmini.matmul: fold_rows: operands must not be stored transposed, and rows of B, C and a bias must follow each other without gaps{{$}}
func.func @f(%a: memref<132x20xi8>, %b: memref<4x20xi8>, %c: memref<132x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<132x20xi8>, memref<4x20xi8>) outs(%c : memref<132x4xi8>) {transpose_b, schedule = #gemmini.schedule<tile = [4, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: fold_rows: operands must not be stored transposed, and rows of B, C and a bias must follow each other without gaps{{$}}
func.func @f(%a: memref<20x132xi8>, %b: memref<20x4xi8>, %c: memref<132x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x132xi8>, memref<20x4xi8>) outs(%c : memref<132x4xi8>) {transpose_a, schedule = #gemmini.schedule<tile = [4, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: fold_rows: operands must not be stored transposed, and rows of B, C and a bias must follow each other without gaps{{$}}
func.func @f(%a: memref<132x20xi8>, %b: memref<20x4xi8, strided<[8, 1]>>, %c: memref<132x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<132x20xi8>, memref<20x4xi8, strided<[8, 1]>>) outs(%c : memref<132x4xi8>) {schedule = #gemmini.schedule<tile = [4, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: fold_rows: N must divide 16 and be less, and rows of 16 elements must hold all of B and of C, got M = 132, N = 5, K = 20{{$}}
func.func @f(%a: memref<132x20xi8>, %b: memref<20x5xi8>, %c: memref<132x5xi8>) {
  gemmini.matmul ins(%a, %b : memref<132x20xi8>, memref<20x5xi8>) outs(%c : memref<132x5xi8>) {schedule = #gemmini.schedule<tile = [4, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: fold_rows: N must divide 16 and be less, and rows of 16 elements must hold all of B and of C, got M = 132, N = 16, K = 20{{$}}
func.func @f(%a: memref<132x20xi8>, %b: memref<20x16xi8>, %c: memref<132x16xi8>) {
  gemmini.matmul ins(%a, %b : memref<132x20xi8>, memref<20x16xi8>) outs(%c : memref<132x16xi8>) {schedule = #gemmini.schedule<tile = [4, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: fold_rows: N must divide 16 and be less, and rows of 16 elements must hold all of B and of C, got M = 131, N = 4, K = 20{{$}}
func.func @f(%a: memref<131x20xi8>, %b: memref<20x4xi8>, %c: memref<131x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<131x20xi8>, memref<20x4xi8>) outs(%c : memref<131x4xi8>) {schedule = #gemmini.schedule<tile = [4, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: fold_rows: N must divide 16 and be less, and rows of 16 elements must hold all of B and of C, got M = 132, N = 4, K = 22{{$}}
func.func @f(%a: memref<132x22xi8>, %b: memref<22x4xi8>, %c: memref<132x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<132x22xi8>, memref<22x4xi8>) outs(%c : memref<132x4xi8>) {schedule = #gemmini.schedule<tile = [4, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: fold_rows: takes the ws dataflow, and products over all rows of the array (array_bits) into the scratchpad (ex_write_to_spad), got dataflow os on config 'default'{{$}}
func.func @f(%a: memref<132x20xi8>, %b: memref<20x4xi8>, %c: memref<132x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<132x20xi8>, memref<20x4xi8>) outs(%c : memref<132x4xi8>) {schedule = #gemmini.schedule<tile = [4, 1, 2], dataflow = os, double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: fold_rows: takes the ws dataflow, and products over all rows of the array (array_bits) into the scratchpad (ex_write_to_spad), got dataflow ws on config 'dry'{{$}}
module attributes {gemmini.config = #gemmini.config<"dry", ex_write_to_spad = false>} {
func.func @f(%a: memref<132x20xi8>, %b: memref<20x4xi8>, %c: memref<132x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<132x20xi8>, memref<20x4xi8>) outs(%c : memref<132x4xi8>) {schedule = #gemmini.schedule<tile = [4, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}
}

// -----

// CHECK: f: gemmini.matmul: fold_rows: the tile must hold all of B and 4 blocks of rows, got tile [2, 1, 2]{{$}}
func.func @f(%a: memref<132x20xi8>, %b: memref<20x4xi8>, %c: memref<132x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<132x20xi8>, memref<20x4xi8>) outs(%c : memref<132x4xi8>) {schedule = #gemmini.schedule<tile = [2, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: fold_rows: the tile must hold all of B and 4 blocks of rows, got tile [4, 1, 1]{{$}}
func.func @f(%a: memref<132x20xi8>, %b: memref<20x4xi8>, %c: memref<132x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<132x20xi8>, memref<20x4xi8>) outs(%c : memref<132x4xi8>) {schedule = #gemmini.schedule<tile = [4, 1, 1], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: software_pipeline: there is one tile only, so there is nothing to overlap{{$}}
func.func @f(%a: memref<64x20xi8>, %b: memref<20x4xi8>, %c: memref<64x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<64x20xi8>, memref<20x4xi8>) outs(%c : memref<64x4xi8>) {schedule = #gemmini.schedule<tile = [4, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}
