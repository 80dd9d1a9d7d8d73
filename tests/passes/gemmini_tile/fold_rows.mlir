// RUN: gemmini-opt %s -p gemmini-tile | filecheck %s
// RUN: gemmini-opt %s -p gemmini-tile | gemmini-opt | filecheck %s

// Four rows of C in one: rows 3, 7, ... of A are multiplied first, into all columns, and rows 0, 4,
// ... last, into the first ones. 33 rows of C are left of 132, so that the last tile begins at 17.
// CHECK: sym_name = "gemmini_selector_0", type = memref<16x16xi8>
// CHECK-LABEL: @fold
// The core repeats the bias.
// CHECK: %[[BIAS:.*]] = memref.alloc() : memref<16xi32>
// CHECK: scf.for
// CHECK: arith.andi
// CHECK: memref.load %bias
// CHECK: memref.store
// CHECK: gemmini.fence
// CHECK: %[[A3:.*]] = memref.subview %a[3, 0] [33, 20] [4, 1] : memref<132x20xi8> to memref<33x20xi8, strided<[80, 1], offset: 60>>
// CHECK: %[[A2:.*]] = memref.subview %a[2, 0] [33, 20] [4, 1]
// CHECK: %[[A1:.*]] = memref.subview %a[1, 0] [33, 20] [4, 1]
// CHECK: %[[A0:.*]] = memref.subview %a[0, 0] [33, 20] [4, 1]
// CHECK: %[[C:.*]] = memref.expand_shape {{.*}} : memref<528xi8> into memref<33x16xi8>
// CHECK: %[[B:.*]] = memref.expand_shape {{.*}} : memref<80xi8> into memref<5x16xi8>
// CHECK: gemmini.unroll software_pipeline prefetch_distance 2
// CHECK-COUNT-4: gemmini.alloc {placement = #gemmini<placement cyclic>} : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2>
// CHECK: gemmini.load %{{.*}}[0, 0] to %{{.*}}[0] size [16, 16] {id = 1 : i32}
// CHECK: gemmini.load %[[B]][0, 0] to %[[PACKED:.*]][0] size [5, 16] {id = 1 : i32}
// CHECK: gemmini.unpack %[[PACKED]] to %[[UNPACKED:.*]] by %{{.*}} {rows = 20 : i32, cols = 4 : i32}
// CHECK: scf.for
// CHECK: %[[ROW:.*]] = arith.minsi
// CHECK: gemmini.load %[[A3]][%[[ROW]], 0] to %[[FIRST:.*]][0] size [16, 20]
// CHECK: gemmini.load %[[A0]][%[[ROW]], 0] to %[[LAST:.*]][0] size [16, 20]
// CHECK: gemmini.tile_matmul %[[FIRST]][0], %[[UNPACKED]][0] to %[[SUM:.*]][0] size [16, 16, 20]
// CHECK: gemmini.tile_matmul {{.*}} size [16, 12, 20]
// CHECK: gemmini.tile_matmul {{.*}} size [16, 8, 20]
// CHECK: gemmini.tile_matmul %[[LAST]][0], %[[UNPACKED]][0] to %[[SUM]][0] size [16, 4, 20]
// CHECK: gemmini.load %[[BIAS]][0] to %[[SUM]][0] size [16, 16] {id = 2 : i32, accumulate}
// CHECK: gemmini.store %[[SUM]][0] to %[[C]][%[[ROW]], 0] size [16, 16]
func.func @fold(%a: memref<132x20xi8>, %b: memref<20x4xi8>, %bias: memref<4xi32>, %c: memref<132x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<132x20xi8>, memref<20x4xi8>) bias(%bias : memref<4xi32>) outs(%c : memref<132x4xi8>) {schedule = #gemmini.schedule<tile = [4, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}

// A bias matrix is seen like C.
// CHECK-LABEL: @full_bias
// CHECK: memref.expand_shape {{.*}} : memref<528xi32> into memref<33x16xi32>
// CHECK: gemmini.load {{.*}} size [16, 16] {id = 2 : i32, accumulate}
func.func @full_bias(%a: memref<132x20xi8>, %b: memref<20x4xi8>, %bias: memref<132x4xi32>, %c: memref<132x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<132x20xi8>, memref<20x4xi8>) bias(%bias : memref<132x4xi32>) outs(%c : memref<132x4xi8>) {schedule = #gemmini.schedule<tile = [4, 1, 2], double_buffer = ["a", "c"], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, fold_rows = true>}
  return
}
