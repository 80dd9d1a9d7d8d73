// RUN: gemmini-opt %s --split-input-file -p gemmini-assign-schedule | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-assign-schedule | gemmini-opt --split-input-file | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p 'gemmini-assign-schedule{tile=1,2,3 order=nmk inner_order=mnk dataflow=os double_buffer=a,c mvin_cols=32 mvout_cols=48 placement=packed override=true}' | filecheck %s --check-prefix=FIELDS

// One block of each operand: there is only one tile.
// CHECK-LABEL: @one_block
// CHECK: schedule = #gemmini.schedule<tile = [1, 1, 1]
// FIELDS-LABEL: @one_block
// FIELDS: #gemmini.schedule<tile = [1, 2, 3], order = "nmk", inner_order = "mnk", dataflow = os, double_buffer = ["a", "c"], mvin_cols = 32, mvout_cols = 48, placement = packed>
func.func @one_block(%a: memref<16x16xi8>, %b: memref<16x16xi8>, %c: memref<16x16xi8>) {
  gemmini.matmul ins(%a, %b : memref<16x16xi8>, memref<16x16xi8>) outs(%c : memref<16x16xi8>)
  return
}

// -----

// Both operands transposed: only output-stationary can do it.
// CHECK-LABEL: @both_transposed
// CHECK: dataflow = os
func.func @both_transposed(%a: memref<8x8xi8>, %b: memref<8x8xi8>, %c: memref<8x8xi8>) {
  gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x8xi8>) outs(%c : memref<8x8xi8>) {transpose_a, transpose_b}
  return
}

// -----

// A schedule that is there is kept unless override is set.
// CHECK-LABEL: @kept
// CHECK: #gemmini.schedule<tile = [2, 2, 2]>
// FIELDS-LABEL: @kept
// FIELDS: #gemmini.schedule<tile = [1, 2, 3],
func.func @kept(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>) {
  gemmini.matmul ins(%a, %b : memref<64x64xi8>, memref<64x64xi8>) outs(%c : memref<64x64xi8>) {schedule = #gemmini.schedule<tile = [2, 2, 2]>}
  return
}
