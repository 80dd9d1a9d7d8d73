// RUN: gemmini-opt %s --split-input-file -p gemmini-tile | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-tile | gemmini-opt --split-input-file | filecheck %s

// One tile: no loops, static sizes. A bias is loaded before the product and makes it accumulate.
// CHECK-LABEL: @one_tile
// CHECK-NEXT: %[[A:.*]] = gemmini.alloc : !gemmini.buffer<2x3 of 16x16, scratchpad>
// CHECK-NEXT: %[[B:.*]] = gemmini.alloc : !gemmini.buffer<3x2 of 16x16, scratchpad>
// CHECK-NEXT: %[[C:.*]] = gemmini.alloc : !gemmini.buffer<2x2 of 16x16, accumulator>
// CHECK-NEXT: gemmini.load %a[0, 0] to %[[A]][0] size [20, 40] :
// CHECK-NEXT: gemmini.load %b[0, 0] to %[[B]][0] size [40, 30] {id = 1 : i32} :
// CHECK-NEXT: gemmini.load %bias[0] to %[[C]][0] size [20, 30] {id = 2 : i32} :
// CHECK-NEXT: %[[T:.*]] = arith.constant true
// CHECK-NEXT: gemmini.tile_matmul %[[A]][0], %[[B]][0] to %[[C]][0] size [20, 30, 40] accumulate(%[[T]]) :
// CHECK-NEXT: gemmini.store %[[C]][0] to %c[0, 0] size [20, 30] {scale = 5.000000e-01 : f32, activation = #gemmini<activation relu>} :
// CHECK-NEXT: gemmini.fence
// CHECK-NEXT: func.return
func.func @one_tile(%a: memref<20x40xi8>, %b: memref<40x30xi8>, %bias: memref<30xi32>, %c: memref<20x30xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x40xi8>, memref<40x30xi8>) bias(%bias : memref<30xi32>) outs(%c : memref<20x30xi8>) {scale = 0.5 : f32, activation = #gemmini<activation relu>, schedule = #gemmini.schedule<tile = [2, 2, 3]>}
  return
}

// -----

// Order m, n, k with k in one tile: A changes with m only and is loaded outside the loop over n.
// Sizes that divide are static; the last tile of n (60 = 32 + 28) is not.
// CHECK-LABEL: @resident
// CHECK: scf.for %[[M:.*]] = %{{.*}} to %{{.*}} step %{{.*}} {
// CHECK-NEXT: gemmini.load %a[%[[M]], 0] to %{{.*}}[0] size [32, 16]
// CHECK: scf.for %[[N:.*]] =
// CHECK: %[[LEFT:.*]] = arith.subi %{{.*}}, %[[N]]
// CHECK: %[[SIZE:.*]] = arith.minsi %[[LEFT]],
// CHECK: gemmini.load %b[0, %[[N]]] to %{{.*}}[0] size [16, %[[SIZE]]] {id = 1 : i32}
// CHECK-NEXT: gemmini.tile_matmul %{{.*}}[0], %{{.*}}[0] to %{{.*}}[0] size [32, %[[SIZE]], 16] :
// CHECK-NEXT: gemmini.store %{{.*}}[0] to %c[%[[M]], %[[N]]] size [32, %[[SIZE]]]
func.func @resident(%a: memref<64x16xi8>, %b: memref<16x60xi8>, %c: memref<64x60xi8>) {
  gemmini.matmul ins(%a, %b : memref<64x16xi8>, memref<16x60xi8>) outs(%c : memref<64x60xi8>) {schedule = #gemmini.schedule<tile = [2, 2, 1]>}
  return
}

// -----

// Order n, m: the loops change places. k is split, so that the first part overwrites.
// CHECK-LABEL: @split_k
// CHECK: scf.for %[[N:.*]] =
// CHECK: scf.for %[[M:.*]] =
// CHECK: scf.for %[[K:.*]] =
// CHECK-DAG: gemmini.load %a[%[[M]], %[[K]]]
// CHECK-DAG: gemmini.load %b[%[[K]], %[[N]]]
// CHECK: %[[LATER:.*]] = arith.cmpi ne, %[[K]],
// CHECK: gemmini.tile_matmul {{.*}} accumulate(%[[LATER]])
// CHECK-NEXT: }
// CHECK-NEXT: gemmini.store %{{.*}}[0] to %c[%[[M]], %[[N]]]
func.func @split_k(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi32>) {
  gemmini.matmul ins(%a, %b : memref<64x64xi8>, memref<64x64xi8>) outs(%c : memref<64x64xi32>) {schedule = #gemmini.schedule<tile = [2, 2, 2], order = "nmk">}
  return
}

// -----

// Transposed operands lie in DRAM, and in the buffers, as they are stored. Slots are made only
// for what is loaded (or stored) more than once: B is not.
// CHECK-LABEL: @transposed
// CHECK: gemmini.alloc : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2>
// CHECK-NEXT: gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
// CHECK-NEXT: gemmini.alloc : !gemmini.buffer<2x1 of 16x16, accumulator, slots = 2>
// CHECK: gemmini.load %b[0, 0]
// CHECK: gemmini.load %a[0, %{{.*}}] to %{{.*}}[0] size [16, 32]
// CHECK: gemmini.tile_matmul {{.*}} {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b}
func.func @transposed(%a: memref<16x64xi8>, %b: memref<16x16xi8>, %c: memref<64x16xi8>) {
  gemmini.matmul ins(%a, %b : memref<16x64xi8>, memref<16x16xi8>) outs(%c : memref<64x16xi8>) {transpose_a, transpose_b, schedule = #gemmini.schedule<tile = [2, 1, 1], dataflow = os, double_buffer = ["a", "b", "c"]>}
  return
}

// -----

// A scalar bias is written to a row by the core, and a fence lets the accelerator see it.
// CHECK-LABEL: @scalar_bias
// CHECK: %[[ROW:.*]] = memref.alloc() : memref<8xi32>
// CHECK: scf.for %[[J:.*]] =
// CHECK-NEXT: memref.store %bias, %[[ROW]][%[[J]]]
// CHECK: gemmini.fence
// CHECK: gemmini.load %[[ROW]][0]
func.func @scalar_bias(%a: memref<8x8xi8>, %b: memref<8x8xi8>, %bias: i32, %c: memref<8x8xi8>) {
  gemmini.matmul ins(%a, %b : memref<8x8xi8>, memref<8x8xi8>) bias(%bias : i32) outs(%c : memref<8x8xi8>) {schedule = #gemmini.schedule<tile = [1, 1, 1]>}
  return
}

// -----

// LOOP_WS: the first part of k loads the bias, the last one stores; those between only add.
// CHECK-LABEL: @loop_ws
// CHECK-NEXT: gemmini.loop_tile %a[0, 0], %b[0, 0] bias %bias : memref<16x16xi32> at [0, 0] size [16, 16, 32] :
// CHECK: scf.for %[[K:.*]] =
// CHECK-NEXT: gemmini.loop_tile %a[0, %[[K]]], %b[%[[K]], 0] size [16, 16, 32] {accumulate} :
// CHECK: gemmini.loop_tile %a[0, 96], %b[96, 0] to %c : memref<16x16xi8> at [0, 0] size [16, 16, 4] {accumulate, scale = 5.000000e-01 : f32} :
// CHECK-NEXT: gemmini.fence
func.func @loop_ws(%a: memref<16x100xi8>, %b: memref<100x16xi8>, %bias: memref<16x16xi32>, %c: memref<16x16xi8>) {
  gemmini.matmul ins(%a, %b : memref<16x100xi8>, memref<100x16xi8>) bias(%bias : memref<16x16xi32>) outs(%c : memref<16x16xi8>) {scale = 0.5 : f32, schedule = #gemmini.schedule<tile = [1, 1, 2], lowering = loop_ws>}
  return
}

// -----

// On a 32x32 array with 20-bit sums a block of k is 31 deep.
// CHECK-LABEL: @narrow_sums
// CHECK: !gemmini.buffer<1x2 of 32x31, scratchpad>
// CHECK: !gemmini.buffer<2x1 of 31x32, scratchpad>
builtin.module attributes {gemmini.config = #gemmini.config<"int8_32x32">} {
  func.func @narrow_sums(%a: memref<32x62xi8>, %b: memref<62x32xi8>, %c: memref<32x32xi8>) {
    gemmini.matmul ins(%a, %b : memref<32x62xi8>, memref<62x32xi8>) outs(%c : memref<32x32xi8>) {schedule = #gemmini.schedule<tile = [1, 1, 2]>}
    return
  }
}

// -----

// With `unroll` all of it stands in a region of its own; the fence stands behind it.
// CHECK-LABEL: @unrolled
// CHECK-NEXT: gemmini.unroll {
// CHECK-NEXT:   gemmini.alloc {placement = #gemmini<placement interleaved>} : !gemmini.buffer<1x2 of 16x16, scratchpad>
// CHECK:        scf.for
// CHECK:        gemmini.store
// CHECK-NEXT:   }
// CHECK-NEXT: }
// CHECK-NEXT: gemmini.fence
// CHECK-NEXT: func.return
func.func @unrolled(%a: memref<32x32xi8>, %b: memref<32x16xi8>, %c: memref<32x16xi8>) {
  gemmini.matmul ins(%a, %b : memref<32x32xi8>, memref<32x16xi8>) outs(%c : memref<32x16xi8>) {schedule = #gemmini.schedule<tile = [1, 1, 2], placement = interleaved, unroll = true>}
  return
}
