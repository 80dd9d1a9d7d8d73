// RUN: gemmini-opt %s -p gemmini-tile,gemmini-double-buffer,gemmini-allocate,gemmini-lower-to-isa,gemmini-interleave | filecheck %s
// RUN: gemmini-opt %s -p gemmini-tile,gemmini-double-buffer,gemmini-allocate,gemmini-lower-to-isa,gemmini-interleave | gemmini-opt -p gemmini-hoist-config,gemmini-unroll,gemmini-list-schedule | filecheck %s --check-prefix=ORDER

// Three strips of 16 rows; the last one begins at row 24 and overlaps the second. The prologue loads
// B, the first two strips of A, and computes the first.
// CHECK-LABEL: @rows
// CHECK: gemmini.alloc {base = array<i64: 0, 4096>} : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2>
// CHECK: gemmini.unroll prologue {
// CHECK: gemmini.mvin2 from %b
// CHECK: gemmini.mvin from %a
// CHECK: gemmini.preload
// CHECK: gemmini.mvin from %a
// CHECK-NOT: gemmini.mvout
// CHECK: }
// The kernel stores the strip before, loads the next one, and computes one, for strips 1 and 2.
// What depends on the strip's number alone is computed before it.
// CHECK: scf.for %[[I:.*]] = %{{.*}} to %{{.*}} step
// CHECK: %[[BEFORE:.*]] = arith.subi %[[I]]
// CHECK: arith.constant 24 : index
// CHECK: arith.minsi
// CHECK: gemmini.unroll kernel {
// CHECK-NOT: arith.minsi
// CHECK: gemmini.mvout {{.*}} to %c
// CHECK: gemmini.mvin from %a
// CHECK: gemmini.preload
// CHECK-NOT: gemmini.mvout

// The epilogue stores the last strip.
// CHECK: gemmini.unroll {
// CHECK: gemmini.mvout
// CHECK-NOT: gemmini.preload
// CHECK: gemmini.fence

// In the loop, four products: the transfers stand in the middle of what they are spread over.
// ORDER-LABEL: @rows
// ORDER: scf.for
// ORDER-NOT: gemmini.config
// ORDER: gemmini.preload
// ORDER-NEXT: gemmini.compute_preloaded
// ORDER-NEXT: gemmini.mvout %{{.*}} to %c
// ORDER-NEXT: gemmini.preload
// ORDER-NEXT: gemmini.compute_preloaded
// ORDER-NEXT: gemmini.mvin from %a
// ORDER-NEXT: gemmini.preload
// ORDER-NEXT: gemmini.compute_preloaded
// ORDER-NEXT: gemmini.mvout %{{.*}} to %c
// ORDER-NEXT: gemmini.preload
// ORDER-NEXT: gemmini.compute_preloaded
// ORDER-NEXT: }
// ORDER: gemmini.mvout
// ORDER-NEXT: gemmini.mvout
// ORDER-NEXT: gemmini.fence
func.func @rows(%a: memref<40x32xi8>, %b: memref<32x32xi8>, %c: memref<40x32xi8>) {
  gemmini.matmul ins(%a, %b : memref<40x32xi8>, memref<32x32xi8>) outs(%c : memref<40x32xi8>) {schedule = #gemmini.schedule<tile = [1, 2, 2], inner_order = "mnk", double_buffer = ["a", "c"], unroll = true, software_pipeline = true>}
  return
}

// Four strips, two of them in the prologue, which stores the first one.
// CHECK-LABEL: @two_in_prologue
// CHECK: gemmini.unroll prologue prologue_tiles 2 {
// CHECK: gemmini.mvin2 from %b
// CHECK: gemmini.mvin from %a
// CHECK: gemmini.preload
// CHECK: gemmini.mvin from %a
// CHECK: gemmini.preload
// CHECK: gemmini.mvout {{.*}} to %c
// CHECK: gemmini.mvin from %a
// CHECK-NOT: gemmini.mvout
// CHECK: }
// The kernel is for strips 2 and 3.
// CHECK: %[[FIRST:.*]] = arith.constant 2 : index
// CHECK: scf.for %{{.*}} = %[[FIRST]] to
// CHECK: gemmini.unroll kernel {

// The strips have four products each. Those of the second stand where the first one waits for the
// next row of B, or come last; only then is the first one stored and the third one loaded.
// ORDER-LABEL: @two_in_prologue
// ORDER: gemmini.compute_preloaded %[[FIRST0:.*]] size [16, 16] size
// ORDER: gemmini.compute_preloaded %[[FIRST0]] size
// ORDER: gemmini.compute_preloaded %[[SECOND0:.*]] size [16, 16] size
// ORDER: gemmini.compute_preloaded %[[SECOND0]] size
// ORDER: gemmini.compute_preloaded %[[FIRST1:.*]] size [16, 16] size
// ORDER: gemmini.compute_preloaded %[[FIRST1]] size
// ORDER-NEXT: gemmini.config_st
// ORDER-NEXT: gemmini.mvout
// ORDER-NEXT: gemmini.preload
// ORDER-NEXT: gemmini.compute_preloaded %[[SECOND1:.*]] size [16, 16] size
// ORDER-NEXT: gemmini.mvout
// ORDER-NEXT: gemmini.mvin from %a : memref<64x32xi8> at [32, 0] to
// ORDER-NEXT: gemmini.preload
// ORDER-NEXT: gemmini.compute_preloaded %[[SECOND1]] size
// ORDER: scf.for
func.func @two_in_prologue(%a: memref<64x32xi8>, %b: memref<32x32xi8>, %c: memref<64x32xi8>) {
  gemmini.matmul ins(%a, %b : memref<64x32xi8>, memref<32x32xi8>) outs(%c : memref<64x32xi8>) {schedule = #gemmini.schedule<tile = [1, 2, 2], inner_order = "mnk", double_buffer = ["a", "c"], unroll = true, software_pipeline = true, prologue_tiles = 2>}
  return
}
