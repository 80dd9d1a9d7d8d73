// RUN: gemmini-opt %s -p gemmini-tile,gemmini-double-buffer,gemmini-allocate,gemmini-lower-to-isa,gemmini-interleave,convert-gemmini-to-rocc -t gemmini-commands | filecheck %s

// Three tiles of 4, 4 and 1 blocks. The bias of the last tile goes to the slot of the first one
// (row 0 of the accumulator, 0x80000000), which is stored by two MVOUTs of 32 columns: both come
// before it.
// CHECK: 0x0e {{.*}} 0x0010001080000000 ; mvin3
// CHECK: 0x03 {{.*}} 0x0010002080000000 ; mvout
// CHECK: 0x03 {{.*}} 0x0010002080000020 ; mvout
// CHECK: 0x0e {{.*}} 0x0010000480000000 ; mvin3
// CHECK: 0x03 {{.*}} 0x0010000480000000 ; mvout
func.func @f(%a: memref<16x1xi8>, %b: memref<1x132xi8>, %d: memref<132xi32>, %c: memref<16x132xi8>) {
  gemmini.matmul ins(%a, %b : memref<16x1xi8>, memref<1x132xi8>) bias(%d : memref<132xi32>) outs(%c : memref<16x132xi8>) {schedule = #gemmini.schedule<tile = [4, 4, 3], inner_order = "nmk", double_buffer = ["a", "b", "c"], mvout_cols = 32>}
  return
}
