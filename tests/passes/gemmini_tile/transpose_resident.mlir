// RUN: gemmini-opt %s -p gemmini-tile | filecheck %s
// RUN: gemmini-opt %s -p gemmini-tile | gemmini-opt | filecheck %s

// CHECK-DAG: sym_name = "gemmini_identity_0"
// CHECK-DAG: sym_name = "gemmini_reversed_identity_0"

// In the os dataflow A is transposed, through three slots of four blocks, and stays while strips of B
// come and go.
// CHECK-LABEL: @output_stationary
// CHECK-NEXT: %[[A:.*]] = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<4x2 of 16x16, scratchpad>
// CHECK-NEXT: %[[FACTOR:.*]] = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
// CHECK-NEXT: %[[STAGING:.*]] = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 3>
// CHECK-NEXT: %[[I:.*]] = memref.get_global @gemmini_identity_0 : memref<16x16xi8>
// CHECK-NEXT: gemmini.load %[[I]][0, 0] to %[[FACTOR]][0] size [16, 16]
// CHECK-NEXT: gemmini.load_transposed %a to %[[A]] by %[[FACTOR]] through %[[STAGING]] {cols = 64 : i32} 
// CHECK-NEXT: %[[B:.*]] = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
// CHECK-NEXT: %[[C:.*]] = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, accumulator, slots = 2>
// CHECK: scf.for
// CHECK-NOT: gemmini.load %a
// CHECK: gemmini.load %b[{{.*}}, 0] to %[[B]]
// CHECK: gemmini.tile_matmul %[[A]][0], %[[B]][0] to %[[C]][0] size [20, {{.*}}, 64] {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b}
func.func @output_stationary(%a: memref<20x64xi8>, %b: memref<40x64xi8>, %c: memref<20x40xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x64xi8>, memref<40x64xi8>) outs(%c : memref<20x40xi8>) {transpose_b, schedule = #gemmini.schedule<tile = [2, 1, 4], order = "nmk", dataflow = os, double_buffer = ["b", "c"], transpose_resident = true>}
  return
}

// In the ws dataflow B is, and products take it as it lies then.
// CHECK-LABEL: @weight_stationary
// CHECK: %[[B:.*]] = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<3x2 of 16x16, scratchpad>
// CHECK: %[[STAGING:.*]] = gemmini.alloc : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 3>
// CHECK: gemmini.load_transposed %b to %[[B]] by %{{.*}} through %[[STAGING]] {cols = 48 : i32, id = 1 : i32}
// CHECK: gemmini.tile_matmul %{{.*}}, %[[B]][0]
// CHECK-NOT: transpose_b
func.func @weight_stationary(%a: memref<64x40xi8>, %b: memref<20x40xi8>, %c: memref<64x20xi8>) {
  gemmini.matmul ins(%a, %b : memref<64x40xi8>, memref<20x40xi8>) outs(%c : memref<64x20xi8>) {transpose_b, schedule = #gemmini.schedule<tile = [1, 2, 3], double_buffer = ["a", "c"], transpose_resident = true>}
  return
}

// A single row is 17 rows of a block each, in two squares; its bias goes to all rows of the sums,
// of which the last is the result.
// CHECK-LABEL: @row
// CHECK: %[[VECTOR:.*]] = memref.collapse_shape %a {{.*}} : memref<1x272xi8> into memref<272xi8>
// CHECK-NEXT: %[[BLOCKS:.*]] = memref.expand_shape %[[VECTOR]] {{.*}} : memref<272xi8> into memref<17x16xi8>
// CHECK: %[[A:.*]] = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<1x2 of 16x16, scratchpad>
// CHECK: %[[STAGING:.*]] = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 3>
// CHECK: memref.get_global @gemmini_reversed_identity_0
// CHECK: gemmini.load_transposed %[[BLOCKS]] to %[[A]] {{.*}} {cols = 16 : i32, dataflow = #gemmini<dataflow os>}
// CHECK: gemmini.load %bias[{{.*}}] to %{{.*}} size [16, {{.*}}]
// CHECK: gemmini.tile_matmul %[[A]][0], {{.*}} {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b, packed_a}
// CHECK: gemmini.store {{.*}} size [1, {{.*}}] {{.*}}last_row
func.func @row(%a: memref<1x272xi8>, %b: memref<40x272xi8>, %bias: memref<40xi32>, %c: memref<1x40xi8>) {
  gemmini.matmul ins(%a, %b : memref<1x272xi8>, memref<40x272xi8>) bias(%bias : memref<40xi32>) outs(%c : memref<1x40xi8>) {transpose_b, schedule = #gemmini.schedule<tile = [1, 1, 17], order = "nmk", dataflow = os, double_buffer = ["b", "c"], transpose_resident = true>}
  return
}
