// RUN: gemmini-opt %s --split-input-file -p gemmini-lower-to-isa | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-lower-to-isa | gemmini-opt --split-input-file | filecheck %s

// m innermost: the first pair brings the weights, the others keep them.
// CHECK-LABEL: @weights_stay
// CHECK: gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
// CHECK: gemmini.preload %{{.*}} : !gemmini.local_address<scratchpad> size [16, 16] to %{{.*}} size [16, 16]
// CHECK-NEXT: gemmini.compute_preloaded %{{.*}} size [16, 16] size [16, 16]
// CHECK: scf.for
// CHECK: gemmini.preload size [16, 16] to %{{.*}} size [16, 16]
// CHECK-NEXT: gemmini.compute_accumulated %{{.*}} size [16, 16] size [16, 16]
func.func @weights_stay() {
  %0 = gemmini.alloc : !gemmini.buffer<4x1 of 16x16, scratchpad>
  %1 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<4x1 of 16x16, accumulator>
  gemmini.tile_matmul %0[0], %1[0] to %2[0] size [64, 16, 16] : !gemmini.buffer<4x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<4x1 of 16x16, accumulator>
  return
}

// -----

// k innermost: the first block overwrites, the loop over the others adds, and the short last
// block stands apart.
// CHECK-LABEL: @sum
// CHECK: %[[C0:.*]] = gemmini.local_address %2[0, 0] : !gemmini.buffer<1x1
// CHECK-NEXT: gemmini.preload %{{.*}} size [16, 16] to %[[C0]] : {{.*}} size [16, 16]
// CHECK: scf.for
// CHECK: %[[C1:.*]] = gemmini.local_address %2[0, 0] accumulate(%{{.*}})
// CHECK-NEXT: gemmini.preload %{{.*}} size [16, 16] to %[[C1]] : {{.*}} size [16, 16]
// CHECK: }
// CHECK: gemmini.preload %{{.*}} size [8, 16] to %{{.*}} size [16, 16]
// CHECK-NEXT: gemmini.compute_preloaded %{{.*}} size [16, 8] size [16, 16]
func.func @sum() {
  %0 = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad>
  %1 = gemmini.alloc : !gemmini.buffer<4x1 of 16x16, scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, accumulator>
  gemmini.tile_matmul %0[0], %1[0] to %2[0] size [16, 16, 56] {order = "mnk"} : !gemmini.buffer<1x4 of 16x16, scratchpad>, !gemmini.buffer<4x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, accumulator>
  return
}

// -----

// Output-stationary: zero is preloaded, both operands are streamed, and each block is drained.
// CHECK-LABEL: @output_stationary
// CHECK: gemmini.config_ex {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b}
// CHECK: scf.for
// CHECK: gemmini.preload size [16, 16] to %{{.*}} size [16, 16]
// CHECK-NEXT: gemmini.compute_preloaded %{{.*}} size [16, 16], %{{.*}} : !gemmini.local_address<scratchpad> size [16, 16]
// CHECK-NOT: compute_accumulated
func.func @output_stationary() {
  %0 = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %1 = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, accumulator>
  gemmini.tile_matmul %0[0], %1[0] to %2[0] size [16, 16, 32] {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b} : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<1x2 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, accumulator>
  return
}

// -----

// 20 x 24 x 40 are 2 x 2 x 3 blocks that lack 12, 8 and 8 elements.
// CHECK-LABEL: @loop_ws
// CHECK: gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
// CHECK: gemmini.config_ld {id = 0 : i32, stride = 40 : i64
// CHECK: gemmini.config_ld {id = 1 : i32, stride = 24 : i64
// CHECK: gemmini.config_ld {id = 2 : i32, stride = 0 : i64
// CHECK: gemmini.config_st {stride = 24 : i64}
// CHECK: gemmini.loop_ws a %a : memref<20x40xi8> at [0, 0] b %b : memref<40x24xi8> at [0, 0] d %bias : memref<24xi32> at [0] c %c : memref<20x24xi8> at [0, 0] tiles [2, 2, 3] pads [12, 8, 8] {strides = array<i64: 40, 24, 0, 24>, ex_accumulate}
func.func @loop_ws(%a: memref<20x40xi8>, %b: memref<40x24xi8>, %bias: memref<24xi32>, %c: memref<20x24xi8>) {
  gemmini.loop_tile %a[0, 0], %b[0, 0] bias %bias : memref<24xi32> at [0] to %c : memref<20x24xi8> at [0, 0] size [20, 24, 40] : memref<20x40xi8>, memref<40x24xi8>
  return
}
