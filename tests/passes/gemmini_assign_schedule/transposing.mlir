// RUN: gemmini-opt %s -p 'gemmini-assign-schedule{swap-operands=true}' | filecheck %s
// RUN: gemmini-opt %s -p 'gemmini-assign-schedule{transpose-resident=true dataflow=os swap-operands=true}' | filecheck %s

// The other fields are those of a schedule for the swapped product.
// CHECK: schedule = #gemmini.schedule<tile = [1, 7, 16], inner_order = "nmk", dataflow = os, placement = interleaved, unroll = true, swap_operands = true, transpose_resident = true>
func.func @f(%a: memref<100x256xi8>, %b: memref<256x1xi8>, %c: memref<100x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<100x256xi8>, memref<256x1xi8>) outs(%c : memref<100x1xi8>)
  return
}
