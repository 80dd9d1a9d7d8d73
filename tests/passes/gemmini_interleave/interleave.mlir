// RUN: gemmini-opt %s --split-input-file -p gemmini-interleave | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-interleave | gemmini-opt --split-input-file | filecheck %s

// Three iterations and one to drain: iteration t prefetches t and computes t - 1.
// CHECK-LABEL: @pipeline
// CHECK: %[[END:.*]] = arith.constant 4 : index
// CHECK: scf.for %[[T:.*]] = %{{.*}} to %[[END]]
// CHECK: %[[MORE:.*]] = arith.cmpi slt, %[[T]],
// CHECK-NEXT: scf.if %[[MORE]] {
// CHECK-NEXT: memref.store %[[T]], %p
// CHECK: %[[STARTED:.*]] = arith.cmpi sgt, %[[T]],
// CHECK-NEXT: scf.if %[[STARTED]] {
// CHECK: %[[PREVIOUS:.*]] = arith.subi %[[T]],
// CHECK-NEXT: memref.store %[[PREVIOUS]], %c
// CHECK-NEXT: memref.store %[[PREVIOUS]], %s
func.func @pipeline(%p: memref<1xindex>, %c: memref<1xindex>, %s: memref<1xindex>) {
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
