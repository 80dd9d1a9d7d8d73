// RUN: gemmini-opt %s -p 'gemmini-assign-schedule{fold-rows=true}' | filecheck %s
// RUN: gemmini-opt %s -p 'gemmini-assign-schedule{fold-rows=true prefetch-distance=2}' | filecheck %s

// The other fields are those of a schedule that can fold rows.
// CHECK: schedule = #gemmini.schedule<tile = [4, 1, 7], inner_order = "mnk", double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>
func.func @f(%a: memref<400x100xi8>, %b: memref<100x4xi8>, %c: memref<400x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<400x100xi8>, memref<100x4xi8>) outs(%c : memref<400x4xi8>)
  return
}
