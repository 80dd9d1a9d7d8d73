// RUN: gemmini-opt %s -p gemmini-tile,gemmini-double-buffer,gemmini-allocate,gemmini-lower-to-isa,gemmini-interleave | filecheck %s
// RUN: gemmini-opt %s -p gemmini-tile,gemmini-double-buffer,gemmini-allocate,gemmini-lower-to-isa,gemmini-interleave,gemmini-hoist-config,gemmini-unroll,gemmini-list-schedule | filecheck %s --check-prefix=ORDER

// Strips of five blocks of columns, wider than an MVIN: the bias is added to the sums of the strip
// before, which are then stored. The prologue loads none, and no product adds to it.
// CHECK-LABEL: @wide
// CHECK: gemmini.unroll prologue {
// CHECK-NOT: gemmini.mvin3
// CHECK-NOT: accumulate(
// CHECK: gemmini.unroll kernel {
// CHECK: %[[TRUE:.*]] = arith.constant true
// CHECK: gemmini.local_address %{{.*}}[%[[BEFORE:.*]], %{{.*}}] accumulate(%[[TRUE]])
// CHECK: gemmini.mvin3 from %d
// CHECK: gemmini.local_address %{{.*}}[%[[BEFORE]], %{{.*}}]
// CHECK: gemmini.mvout
// CHECK: gemmini.preload
// CHECK-NOT: gemmini.mvin3
// CHECK: gemmini.unroll {
// CHECK: gemmini.mvin3 from %d
// CHECK: gemmini.mvout
// CHECK: gemmini.fence

// Five of each in the loop, each block's bias right before its store, one of them for each product.
// ORDER-LABEL: @wide
// ORDER: scf.for
// ORDER: gemmini.mvin3 from %d : memref<80xi32> at [0] to %[[FIRST:.*]] size
// ORDER-NEXT: gemmini.mvout
// ORDER-NEXT: gemmini.preload
// ORDER-NEXT: gemmini.compute_preloaded
// ORDER: gemmini.mvin3 from %d : memref<80xi32> at [16]
// ORDER-NEXT: gemmini.mvout
// ORDER: gemmini.mvin3 from %d : memref<80xi32> at [64]
// ORDER-NEXT: gemmini.mvout
// ORDER: }
func.func @wide(%a: memref<48x16xi8>, %b: memref<16x80xi8>, %d: memref<80xi32>, %c: memref<48x80xi8>) {
  gemmini.matmul ins(%a, %b : memref<48x16xi8>, memref<16x80xi8>) bias(%d : memref<80xi32>) outs(%c : memref<48x80xi8>) {schedule = #gemmini.schedule<tile = [1, 5, 1], inner_order = "mnk", double_buffer = ["a", "c"], unroll = true, software_pipeline = true>}
  return
}
