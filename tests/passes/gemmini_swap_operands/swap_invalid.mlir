// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p gemmini-swap-operands | filecheck %s

// CHECK: f: gemmini.matmul: swap_operands: the transpose of a result of one column is a row in memory; others would have to be transposed, got N = 2{{$}}
func.func @f(%a: memref<20x80xi8>, %b: memref<80x2xi8>, %c: memref<20x2xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x80xi8>, memref<80x2xi8>) outs(%c : memref<20x2xi8>) {schedule = #gemmini.schedule<tile = [1, 2, 5], swap_operands = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: swap_operands: B, C and a bias of one column must lie in consecutive elements; here one is a column of a wider matrix{{$}}
func.func @f(%a: memref<20x80xi8>, %b: memref<80x1xi8>, %c: memref<20x1xi8, strided<[3, 1]>>) {
  gemmini.matmul ins(%a, %b : memref<20x80xi8>, memref<80x1xi8>) outs(%c : memref<20x1xi8, strided<[3, 1]>>) {schedule = #gemmini.schedule<tile = [1, 2, 5], swap_operands = true>}
  return
}

// -----

// A row and B transposed, which the os dataflow cannot multiply.
// CHECK: f: gemmini.matmul: transpose_b without transpose_a is illegal in the os dataflow; use ws{{$}}
func.func @f(%a: memref<20x80xi8>, %b: memref<80x1xi8>, %c: memref<20x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x80xi8>, memref<80x1xi8>) outs(%c : memref<20x1xi8>) {schedule = #gemmini.schedule<tile = [1, 2, 5], dataflow = os, swap_operands = true>}
  return
}
