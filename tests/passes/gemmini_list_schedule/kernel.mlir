// RUN: gemmini-opt %s --split-input-file -p gemmini-list-schedule | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-list-schedule | gemmini-opt --split-input-file | filecheck %s

// Sums of the next tile are loaded into rows that are stored before: they wait for the store of the
// same rows, although there is one of each for two products.
// CHECK-LABEL: @sums
// CHECK: gemmini.preload
// CHECK-NEXT: gemmini.compute_preloaded
// CHECK-NEXT: gemmini.mvout %[[OTHER:.*]] to %c[%i, 0]
// CHECK-NEXT: gemmini.mvin3 from %d
// CHECK-NEXT: gemmini.preload
// CHECK-NEXT: gemmini.compute_preloaded
// CHECK-NEXT: func.return
func.func @sums(%i: index, %slot: index, %next: index, %d: memref<16xi32>, %c: memref<64x16xi8>) {
  %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x2 of 16x16, scratchpad>
  %1 = gemmini.alloc {base = array<i64: 0, 512>} : !gemmini.buffer<1x1 of 16x16, accumulator, slots = 2>
  gemmini.unroll kernel {
    %a = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %b = gemmini.local_address %0[0, 16] : !gemmini.buffer<1x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %s = gemmini.local_address %1[%slot, 0] : !gemmini.buffer<1x1 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
    %t = gemmini.local_address %1[%next, 0] : !gemmini.buffer<1x1 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
    gemmini.mvout %t to %c[%i, 0] size [16, 16] : !gemmini.local_address<accumulator>, memref<64x16xi8>
    gemmini.mvin3 from %d : memref<16xi32> at [0] to %t size [16, 16] : !gemmini.local_address<accumulator>
    gemmini.preload %b : !gemmini.local_address<scratchpad> size [16, 16] to %s : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b : !gemmini.local_address<scratchpad> size [16, 16] to %s : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}
