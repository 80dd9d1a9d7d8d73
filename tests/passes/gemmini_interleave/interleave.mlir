// RUN: gemmini-opt %s --split-input-file -p gemmini-interleave | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-interleave | gemmini-opt --split-input-file | filecheck %s

// Regions that are not instructions: three iterations and one to drain; iteration t prefetches t
// and computes t - 1.
// CHECK-LABEL: @unknown
// CHECK: %[[END:.*]] = arith.constant 4 : index
// CHECK: scf.for %[[T:.*]] = %{{.*}} to %[[END]]
// CHECK: %[[MORE:.*]] = arith.cmpi slt, %[[T]],
// CHECK-NEXT: scf.if %[[MORE]] {
// CHECK: memref.store %[[T]], %p
// CHECK: %[[STARTED:.*]] = arith.cmpi sgt, %[[T]],
// CHECK-NEXT: scf.if %[[STARTED]] {
// CHECK: %[[PREVIOUS:.*]] = arith.subi %[[T]],
// CHECK-NEXT: memref.store %[[PREVIOUS]], %c
// CHECK-NEXT: memref.store %[[PREVIOUS]], %s
func.func @unknown(%p: memref<1xindex>, %c: memref<1xindex>, %s: memref<1xindex>) {
  %0 = arith.constant 0 : index
  gemmini.pipeline 3 prefetch {
  ^bb0(%t: index):
    memref.store %t, %p[%0] : memref<1xindex>
  } compute {
  ^bb0(%t: index):
    memref.store %t, %c[%0] : memref<1xindex>
  } store {
  ^bb0(%t: index):
    memref.store %t, %s[%0] : memref<1xindex>
  }
  return
}

// -----

// Nothing to prefetch: a plain loop.
// CHECK-LABEL: @no_prefetch
// CHECK: scf.for
// CHECK-NOT: scf.if
// CHECK: memref.store %{{.*}}, %c
func.func @no_prefetch(%c: memref<1xindex>) {
  %0 = arith.constant 0 : index
  gemmini.pipeline 3 prefetch {
  ^bb0(%t: index):
  } compute {
  ^bb0(%t: index):
    memref.store %t, %c[%0] : memref<1xindex>
  } store {
  ^bb0(%t: index):
  }
  return
}

// -----

// Four loads over eight products in two loops: the first tile is loaded before the loop; then each
// point earns 4 of the 8 that a load costs, so that every second point issues one. C has two
// slots, so the tile before is stored between the products in the same way, and the last one after
// the loop.
// CHECK-LABEL: @spread
// CHECK: scf.for
// CHECK: gemmini.mvin from %a
// CHECK: scf.for %[[T:.*]] =
// CHECK: %[[STARTED:.*]] = arith.cmpi sgt, %[[T]],
// CHECK: %[[STORES:.*]] = arith.select %[[STARTED]],
// CHECK: %[[NEXT:.*]] = arith.addi %[[T]],
// CHECK: %[[MORE:.*]] = arith.cmpi slt, %[[NEXT]],
// CHECK: %[[LOADS:.*]] = arith.select %[[MORE]],
// CHECK: scf.for %{{.*}} iter_args(%{{.*}}, %{{.*}}, %{{.*}}, %{{.*}}) -> (index, index, index, index) {
// CHECK: scf.for %{{.*}} iter_args(%[[C0:.*]] = %{{.*}}, %[[N0:.*]] = %{{.*}}, %[[C1:.*]] = %{{.*}}, %[[N1:.*]] = %{{.*}}) ->
// CHECK: gemmini.compute_preloaded
// CHECK: gemmini.compute_accumulated
// CHECK: %[[CREDIT:.*]] = arith.addi %[[C0]],
// CHECK: %[[DUE:.*]] = arith.cmpi sge, %[[CREDIT]],
// CHECK: scf.if %[[DUE]] -> (index, index) {
// CHECK: arith.cmpi slt, %[[N0]], %[[STORES]]
// CHECK: gemmini.mvout
// CHECK: %[[SPENT:.*]] = arith.subi %[[CREDIT]],
// CHECK: scf.yield %[[SPENT]],
// CHECK: } else {
// CHECK: scf.yield %[[CREDIT]], %[[N0]]
// CHECK: arith.addi %[[C1]],
// CHECK: arith.cmpi slt, %[[N1]], %[[LOADS]]
// CHECK: gemmini.mvin from %a
// CHECK: gemmini.mvout
func.func @spread(%a: memref<64x64xi8>, %c: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x1 of 16x16, scratchpad, slots = 2>
  %1 = gemmini.alloc : !gemmini.buffer<2x4 of 16x16, accumulator, slots = 2>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %c4 = arith.constant 4 : index
  gemmini.pipeline 3 prefetch {
  ^bb0(%t: index):
    %s = arith.andi %t, %c1 : index
    scf.for %i = %c0 to %c4 step %c1 {
      %p = gemmini.local_address %0[%s, 0] : !gemmini.buffer<4x1 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
      gemmini.mvin from %a : memref<64x64xi8> at [%i, %t] to %p size [16, 16] : !gemmini.local_address<scratchpad>
    }
  } compute {
  ^bb0(%t: index):
    %s = arith.andi %t, %c1 : index
    scf.for %i = %c0 to %c2 step %c1 {
      scf.for %j = %c0 to %c4 step %c1 {
        %p = gemmini.local_address %0[%s, 0] : !gemmini.buffer<4x1 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
        %q = gemmini.local_address %1[%s, 0] : !gemmini.buffer<2x4 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
        gemmini.preload %p : !gemmini.local_address<scratchpad> size [16, 16] to %q : !gemmini.local_address<accumulator> size [16, 16]
        gemmini.compute_preloaded %p size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
        gemmini.preload size [16, 16] to %q : !gemmini.local_address<accumulator> size [16, 16]
        gemmini.compute_accumulated %p size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
      }
    }
  } store {
  ^bb0(%t: index):
    %s = arith.andi %t, %c1 : index
    scf.for %i = %c0 to %c4 step %c1 {
      %q = gemmini.local_address %1[%s, 0] : !gemmini.buffer<2x4 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
      gemmini.mvout %q to %c[%i, %t] size [16, 16] : !gemmini.local_address<accumulator>, memref<64x64xi8>
    }
  }
  return
}

// -----

// One slot of C: the stores stay behind the products.
// CHECK-LABEL: @one_slot
// CHECK: scf.for
// CHECK: gemmini.compute_accumulated
// CHECK: gemmini.mvin
// CHECK: gemmini.mvout
// CHECK-NOT: gemmini.mvout
func.func @one_slot(%a: memref<64x64xi8>, %c: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 2>
  %1 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, accumulator>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c4 = arith.constant 4 : index
  gemmini.pipeline 3 prefetch {
  ^bb0(%t: index):
    %s = arith.andi %t, %c1 : index
    %p = gemmini.local_address %0[%s, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<64x64xi8> at [%t, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  } compute {
  ^bb0(%t: index):
    %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
    %q = gemmini.local_address %1[0, 0] : !gemmini.buffer<1x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    scf.for %i = %c0 to %c4 step %c1 {
      gemmini.preload %p : !gemmini.local_address<scratchpad> size [16, 16] to %q : !gemmini.local_address<accumulator> size [16, 16]
      gemmini.compute_preloaded %p size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
      gemmini.preload size [16, 16] to %q : !gemmini.local_address<accumulator> size [16, 16]
      gemmini.compute_accumulated %p size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    }
  } store {
  ^bb0(%t: index):
    %q = gemmini.local_address %1[0, 0] : !gemmini.buffer<1x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    gemmini.mvout %q to %c[%t, 0] size [16, 16] : !gemmini.local_address<accumulator>, memref<64x64xi8>
  }
  return
}
