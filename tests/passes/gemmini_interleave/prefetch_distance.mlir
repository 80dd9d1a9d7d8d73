// RUN: gemmini-opt %s -p gemmini-tile,gemmini-double-buffer,gemmini-allocate,gemmini-lower-to-isa,gemmini-interleave | filecheck %s
// RUN: gemmini-opt %s -p gemmini-tile,gemmini-double-buffer,gemmini-allocate,gemmini-lower-to-isa,gemmini-interleave | gemmini-opt -p gemmini-hoist-config,gemmini-unroll,gemmini-list-schedule | filecheck %s --check-prefix=ORDER

// Strips of 16 rows in four pieces of 64 columns. The prologue loads B (one bank), all of the first
// strip, and one piece of the second.
// CHECK-LABEL: @rows
// CHECK: gemmini.alloc {placement = #gemmini<placement cyclic>, base = array<i64: 4096, 4160, 8192, 12288, 4224, 4288, 8256, 12352>} : !gemmini.buffer<1x16 of 16x16, scratchpad, slots = 2>
// CHECK: gemmini.alloc {placement = #gemmini<placement packed>, base = array<i64: 0>} : !gemmini.buffer<16x1 of 16x16, scratchpad>
// CHECK: gemmini.unroll prologue prefetch_distance 1 {

// The kernel loads pieces 1 to 3 of its own strip and piece 0 of the next. Both use one number for
// the slot of the strip.
// CHECK: scf.for
// CHECK: gemmini.unroll kernel prefetch_distance 1 {
// CHECK: scf.for %{{.*}} = %{{.*}} to %{{.*}} step
// CHECK: gemmini.local_address %{{.*}}[%[[SLOT:.*]], %{{.*}}] : !gemmini.buffer<1x16 of 16x16
// CHECK: gemmini.mvin from %a
// CHECK: gemmini.mvin from %a
// CHECK: gemmini.local_address %{{.*}}[%[[SLOT]], %{{.*}}] : !gemmini.buffer<1x16 of 16x16
// CHECK: gemmini.preload
// CHECK: gemmini.unroll {

// Each piece is loaded before the products of the piece before it, four of them.
// ORDER-LABEL: @rows
// ORDER: scf.for
// ORDER-NOT: gemmini.preload
// ORDER: gemmini.mvin from %a{{.*}} at [%{{.*}}, 64]
// ORDER-COUNT-4: gemmini.compute_preloaded
// ORDER-NEXT: gemmini.mvin from %a{{.*}} at [%{{.*}}, 128]
// ORDER-COUNT-4: gemmini.compute_preloaded
// ORDER: gemmini.mvin from %a{{.*}} at [%{{.*}}, 192]
// ORDER-COUNT-4: gemmini.compute_preloaded
// ORDER: gemmini.mvin from %a{{.*}} at [%{{.*}}, 0]
// ORDER-COUNT-4: gemmini.compute_preloaded
// ORDER-NEXT: }
func.func @rows(%a: memref<80x256xi8>, %b: memref<256x4xi8>, %c: memref<80x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<80x256xi8>, memref<256x4xi8>) outs(%c : memref<80x4xi8>) {schedule = #gemmini.schedule<tile = [1, 1, 16], inner_order = "mkn", double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 1>}
  return
}
