// RUN: gemmini-opt %s -p 'gemmini-assign-schedule{lowering=loop_ws}' | filecheck %s
// RUN: gemmini-opt %s -p 'gemmini-assign-schedule{tile=2,2 lowering=loop_ws}' --verify-diagnostics | filecheck %s --check-prefix=SHORT

// CHECK: #gemmini.schedule<tile = [1, 1, 1], lowering = loop_ws>
// SHORT: f: gemmini.matmul: tile must be three sizes [m, n, k] of at least 1 block, got (2, 2)
func.func @f(%a: memref<16x16xi8>, %b: memref<16x16xi8>, %c: memref<16x16xi8>) {
  gemmini.matmul ins(%a, %b : memref<16x16xi8>, memref<16x16xi8>) outs(%c : memref<16x16xi8>)
  return
}
