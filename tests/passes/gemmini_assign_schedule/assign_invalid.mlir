// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p gemmini-assign-schedule | filecheck %s

// 64 x 64 + 64 x 64 blocks of 16 rows are 131072 rows; the scratchpad has 16384.
// CHECK: f: gemmini.matmul: tile [64, 64, 64] needs 131072 scratchpad rows (a 65536, b 65536); config 'default' has 16384: choose a smaller tile or less double buffering
func.func @f(%a: memref<1024x1024xi8>, %b: memref<1024x1024xi8>, %c: memref<1024x1024xi8>) {
  gemmini.matmul ins(%a, %b : memref<1024x1024xi8>, memref<1024x1024xi8>) outs(%c : memref<1024x1024xi8>) {schedule = #gemmini.schedule<tile = [64, 64, 64]>}
  return
}

// -----

// 8 x 8 blocks of 16 rows, twice, are 2048 rows.
// CHECK: f: gemmini.matmul: tile [8, 8, 1] needs 2048 accumulator rows; config 'default' has 1024: choose a smaller tile or less double buffering
func.func @f(%a: memref<1024x1024xi8>, %b: memref<1024x1024xi8>, %c: memref<1024x1024xi8>) {
  gemmini.matmul ins(%a, %b : memref<1024x1024xi8>, memref<1024x1024xi8>) outs(%c : memref<1024x1024xi8>) {schedule = #gemmini.schedule<tile = [8, 8, 1], double_buffer = ["c"]>}
  return
}

// -----

// CHECK: f: gemmini.matmul: transpose_b without transpose_a is illegal in the os dataflow; use ws
func.func @f(%a: memref<8x8xi8>, %b: memref<8x8xi8>, %c: memref<8x8xi8>) {
  gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x8xi8>) outs(%c : memref<8x8xi8>) {transpose_b, schedule = #gemmini.schedule<tile = [1, 1, 1], dataflow = os>}
  return
}

// -----

// CHECK: f: gemmini.matmul: mvin_cols must be a multiple of 16 up to 64 here (0: the default), got 24
func.func @f(%a: memref<8x8xi8>, %b: memref<8x8xi8>, %c: memref<8x8xi8>) {
  gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x8xi8>) outs(%c : memref<8x8xi8>) {schedule = #gemmini.schedule<tile = [1, 1, 1], mvin_cols = 24>}
  return
}

// -----

// CHECK: f: gemmini.matmul: mvout_cols must be a multiple of 16 up to 16 here (0: the default), got 32
func.func @f(%a: memref<8x8xi8>, %b: memref<8x8xi8>, %c: memref<8x8xi32>) {
  gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x8xi8>) outs(%c : memref<8x8xi32>) {schedule = #gemmini.schedule<tile = [1, 1, 1], mvout_cols = 32>}
  return
}

// -----

// CHECK: f: gemmini.matmul: lowering loop_ws: the FSM is weight-stationary; set dataflow = ws
func.func @f(%a: memref<8x8xi8>, %b: memref<8x8xi8>, %c: memref<8x8xi8>) {
  gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x8xi8>) outs(%c : memref<8x8xi8>) {schedule = #gemmini.schedule<tile = [1, 1, 1], dataflow = os, lowering = loop_ws>}
  return
}

// -----

// The FSM has half of each memory: 8 x 8 blocks of C are 1024 rows, the half has 512.
// CHECK: f: gemmini.matmul: lowering loop_ws: tile [8, 8, 1] needs 1024 accumulator rows; the FSM has half of them, 512
func.func @f(%a: memref<128x16xi8>, %b: memref<16x128xi8>, %c: memref<128x128xi8>) {
  gemmini.matmul ins(%a, %b : memref<128x16xi8>, memref<16x128xi8>) outs(%c : memref<128x128xi8>) {schedule = #gemmini.schedule<tile = [8, 8, 1], lowering = loop_ws>}
  return
}

// -----

// (1 + 1) * 512 blocks of 16 rows are 16384 rows.
// CHECK: f: gemmini.matmul: lowering loop_ws: tile [1, 1, 512] needs 16384 scratchpad rows; the FSM has half of them, 8192
func.func @f(%a: memref<16x8192xi8>, %b: memref<8192x16xi8>, %c: memref<16x16xi8>) {
  gemmini.matmul ins(%a, %b : memref<16x8192xi8>, memref<8192x16xi8>) outs(%c : memref<16x16xi8>) {schedule = #gemmini.schedule<tile = [1, 1, 512], lowering = loop_ws>}
  return
}

// -----

builtin.module attributes {gemmini.config = #gemmini.config<"lean">} {
  // CHECK: f: gemmini.matmul: config 'lean' cannot execute this product: transpose_a with transpose_b is illegal in the ws dataflow; use os
  func.func @f(%a: memref<8x8xi8>, %b: memref<8x8xi8>, %c: memref<8x8xi8>) {
    gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x8xi8>) outs(%c : memref<8x8xi8>) {transpose_a, transpose_b}
    return
  }
}

// -----

builtin.module attributes {gemmini.config = #gemmini.config<"lean">} {
  // CHECK: f: gemmini.matmul: config 'lean' cannot execute this product: config 'lean' cannot store i32 results (acc_read_full_width = false)
  func.func @f(%a: memref<8x8xi8>, %b: memref<8x8xi8>, %c: memref<8x8xi32>) {
    gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x8xi8>) outs(%c : memref<8x8xi32>)
    return
  }
}

// -----

builtin.module attributes {gemmini.config = #gemmini.config<"int8_32x32">} {
  // CHECK: f: gemmini.matmul: lowering loop_ws: the FSM sums 32 products at a time, which can overflow the 20-bit sums of config 'int8_32x32'; use isa
  func.func @f(%a: memref<8x32xi8>, %b: memref<32x8xi8>, %c: memref<8x8xi8>) {
    gemmini.matmul ins(%a, %b : memref<8x32xi8>, memref<32x8xi8>) outs(%c : memref<8x8xi8>) {schedule = #gemmini.schedule<tile = [1, 1, 1], lowering = loop_ws>}
    return
  }
}
