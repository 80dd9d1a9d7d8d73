// RUN: gemmini-opt %s -p 'gemmini-assign-schedule{heuristic=library}' | filecheck %s
// RUN: gemmini-opt %s -p 'gemmini-assign-schedule{heuristic=library order=nmk}' | filecheck %s --check-prefix=FIELD
// RUN: gemmini-opt %s -p 'gemmini-assign-schedule{heuristic=default}' | filecheck %s --check-prefix=DEFAULT

// The largest tiles that fit half of the scratchpad and half of the accumulator.
// CHECK: #gemmini.schedule<tile = [5, 6, 8], lowering = loop_ws>
// FIELD: #gemmini.schedule<tile = [5, 6, 8], order = "nmk", lowering = loop_ws>
// DEFAULT: #gemmini.schedule<tile
// DEFAULT-NOT: loop_ws
func.func @f(%a: memref<128x128xi8>, %b: memref<128x128xi8>, %c: memref<128x128xi8>) {
  gemmini.matmul ins(%a, %b : memref<128x128xi8>, memref<128x128xi8>) outs(%c : memref<128x128xi8>)
  return
}
