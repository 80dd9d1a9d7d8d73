// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p gemmini-tile | filecheck %s

// CHECK: f: gemmini.matmul: has no schedule; run gemmini-assign-schedule first
func.func @f(%a: memref<8x8xi8>, %b: memref<8x8xi8>, %c: memref<8x8xi8>) {
  gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x8xi8>) outs(%c : memref<8x8xi8>)
  return
}

// -----

// CHECK: f: gemmini.matmul: has zero points; run gemmini-fold-zero-points first
func.func @f(%a: memref<8x8xi8>, %b: memref<8x8xi8>, %c: memref<8x8xi8>) {
  gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x8xi8>) outs(%c : memref<8x8xi8>) {a_zero_point = 3 : i32, schedule = #gemmini.schedule<tile = [1, 1, 1]>}
  return
}

// -----

// CHECK: f: gemmini.matmul: the hardware has neither an output zero point nor a clip range other than int8; run gemmini-legalize-requantization first
func.func @f(%a: memref<8x8xi8>, %b: memref<8x8xi8>, %c: memref<8x8xi8>) {
  gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x8xi8>) outs(%c : memref<8x8xi8>) {clip_min = -5 : i32, schedule = #gemmini.schedule<tile = [1, 1, 1]>}
  return
}

// -----

// CHECK: f: gemmini.matmul: tile [64, 1, 64] needs 66560 scratchpad rows (a 65536, b 1024); config 'default' has 16384: choose a smaller tile or less double buffering
func.func @f(%a: memref<1024x1024xi8>, %b: memref<1024x8xi8>, %c: memref<1024x8xi8>) {
  gemmini.matmul ins(%a, %b : memref<1024x1024xi8>, memref<1024x8xi8>) outs(%c : memref<1024x8xi8>) {schedule = #gemmini.schedule<tile = [64, 1, 64]>}
  return
}

// -----

// CHECK: f: gemmini.matmul: swaps its operands; run gemmini-swap-operands first{{$}}
func.func @f(%a: memref<8x8xi8>, %b: memref<8x1xi8>, %c: memref<8x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x1xi8>) outs(%c : memref<8x1xi8>) {schedule = #gemmini.schedule<tile = [1, 1, 1], swap_operands = true>}
  return
}
