// RUN: gemmini-opt %s -p gemmini-lower-to-isa,gemmini-unroll,canonicalize | filecheck %s

// Three rows of two groups of two blocks. Two are loaded before the first one is transposed; a loop
// loads one and transposes the one before, and the last one is left.
// CHECK-LABEL: @groups
// CHECK: gemmini.config_ld {id = 0 : i32, stride = 64 : i64
// CHECK: gemmini.config_ex {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b
// CHECK: gemmini.mvin from %A : memref<40x64xi8> at [0, 0] to %{{.*}} size [16, 32]
// CHECK: gemmini.mvin from %A : memref<40x64xi8> at [0, 32] to %{{.*}} size [16, 32]
// CHECK-COUNT-2: gemmini.compute_preloaded
// CHECK: scf.for
// CHECK-COUNT-1: gemmini.mvin
// CHECK-COUNT-2: gemmini.compute_preloaded
// CHECK: }
// The last group has 8 rows, which are columns of blocks 2 and 3 of the third column.
// CHECK: %[[LAST:.*]] = gemmini.local_address %a[0, 128]
// CHECK: gemmini.preload size [16, 16] to %[[LAST]] : !gemmini.local_address<scratchpad> size [16, 16]
// CHECK: gemmini.compute_preloaded %{{.*}} size [16, 8], %{{.*}} size [8, 16]
// CHECK: gemmini.local_address %a[0, 176]
// CHECK-NOT: gemmini.mvin
func.func @groups(%A: memref<40x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x3 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 32 : i32, dataflow = #gemmini<dataflow os>} : memref<40x64xi8>, !gemmini.buffer<4x3 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2>
  return
}

// Weight-stationary, the factor is the weights, which stay. A narrow last block has as many rows of
// the result.
// CHECK-LABEL: @weights
// CHECK: gemmini.config_ex {dataflow = #gemmini<dataflow ws>, transpose_a
// CHECK-NOT: transpose_b
// CHECK: gemmini.mvin2 from %B : memref<10x20xi8> at [0, 0] to %{{.*}} size [10, 16]
// CHECK: gemmini.mvin2 from %B : memref<10x20xi8> at [0, 16] to %{{.*}} size [10, 4]
// CHECK: gemmini.preload %{{.*}} : !gemmini.local_address<scratchpad> size [16, 16] to %{{.*}} size [16, 16]
// CHECK-NEXT: gemmini.compute_preloaded %{{.*}} size [16, 10] size [16, 16]
// CHECK: gemmini.preload size [16, 16] to %{{.*}} size [4, 16]
// CHECK-NEXT: gemmini.compute_accumulated %{{.*}} size [4, 10] size [4, 16]
func.func @weights(%B: memref<10x20xi8>) {
  %b = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 8>
  gemmini.load_transposed %B to %b by %factor through %staging {cols = 16 : i32, id = 1 : i32} : memref<10x20xi8>, !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 8>
  return
}

// Block t of a packed row is column 15 - t: products of 16 - t rows, the last of which goes to row 15
// of the sums. Block 16 is in the next square.
// CHECK-LABEL: @packed
// CHECK-DAG: %[[A:.*]] = gemmini.local_address %a[0, 0]
// CHECK-DAG: %[[C:.*]] = gemmini.local_address %c[0, 0] :
// CHECK-DAG: %[[C1:.*]] = gemmini.local_address %c[0, 1] accumulate
// CHECK-DAG: %[[C15:.*]] = gemmini.local_address %c[0, 15] accumulate
// CHECK-DAG: %[[A16:.*]] = gemmini.local_address %a[0, 16]
// CHECK-DAG: %[[SUM:.*]] = gemmini.local_address %c[0, 0] accumulate
// CHECK: gemmini.preload size [16, 16] to %[[C]] : !gemmini.local_address<accumulator> size [16, 16]
// CHECK-NEXT: gemmini.compute_preloaded %[[A]] size [16, 16], %{{.*}} size [16, 16]
// CHECK-NEXT: gemmini.preload size [15, 16] to %[[C1]] : !gemmini.local_address<accumulator> size [15, 16]
// CHECK-NEXT: gemmini.compute_preloaded %[[A]] size [15, 16], %{{.*}} size [16, 16]
// CHECK: gemmini.preload size [1, 16] to %[[C15]] : !gemmini.local_address<accumulator> size [1, 16]
// CHECK-NEXT: gemmini.compute_preloaded %[[A]] size [1, 16], %{{.*}} size [16, 16]
// CHECK-NEXT: gemmini.preload size [16, 16] to %[[SUM]] : !gemmini.local_address<accumulator> size [16, 16]
// CHECK-NEXT: gemmini.compute_preloaded %[[A16]] size [16, 16], %{{.*}} size [16, 16]
// CHECK: gemmini.local_address %c[0, 15]
// CHECK-NEXT: gemmini.mvout %{{.*}} to %C[0, 0] size [1, 16]
func.func @packed(%C: memref<1x16xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<1x17 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, accumulator>
  gemmini.unroll {
    gemmini.tile_matmul %a[0], %b[0] to %c[0] size [1, 16, 272] {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b, packed_a} : !gemmini.buffer<1x2 of 16x16, scratchpad>, !gemmini.buffer<1x17 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, accumulator>
  }
  gemmini.store %c[0] to %C[0, 0] size [1, 16] {last_row} : !gemmini.buffer<1x1 of 16x16, accumulator>, memref<1x16xi8>
  return
}
