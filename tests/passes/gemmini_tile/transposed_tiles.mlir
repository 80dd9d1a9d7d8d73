// RUN: gemmini-opt %s -p gemmini-tile | filecheck %s
// RUN: gemmini-opt %s -p gemmini-tile | gemmini-opt | filecheck %s

// Three tiles of k of 32, the last one of 16: the first one block by block, and two transposed, whose
// B is a row. The last one finishes one sum after another.
// CHECK-LABEL: @column
// CHECK: %[[ROW:.*]] = memref.collapse_shape %b {{\[\[}}0{{.*}}1{{.*}}]] : memref<80x1xi8> into memref<80xi8>
// CHECK-NEXT: gemmini.unroll prefetch_distance 2 {
// CHECK-NEXT: %[[A0:.*]] = gemmini.alloc {placement = #gemmini<placement cyclic>} : !gemmini.buffer<2x1 of 16x16, scratchpad, slots = 2>
// CHECK-NEXT: %[[B0:.*]] = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 2>
// CHECK-NEXT: %[[A1:.*]] = gemmini.alloc {placement = #gemmini<placement cyclic>} : !gemmini.buffer<2x2 of 16x16, scratchpad>
// CHECK-NEXT: %[[B1:.*]] = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<1x2 of 16x16, scratchpad>
// CHECK-NEXT: %[[A2:.*]] = gemmini.alloc {placement = #gemmini<placement cyclic>} : !gemmini.buffer<2x2 of 16x16, scratchpad>
// CHECK-NEXT: %[[B2:.*]] = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<2x1 of 16x16, scratchpad>
// CHECK-NEXT: %[[C:.*]] = gemmini.alloc {placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x1 of 16x16, accumulator>
// CHECK-NEXT: gemmini.load %a[0, 0] to %[[A0]][0] size [20, 16]
// CHECK-NEXT: gemmini.load %[[ROW]][0] to %[[B0]][0] size [1, 16] {id = 2 : i32}
// CHECK-NEXT: gemmini.tile_matmul {{.*}}transpose_b
// CHECK: gemmini.load %a[0, 16] to %[[A0]][1] size [20, 16]
// CHECK-NEXT: gemmini.load %[[ROW]][16] to %[[B0]][1] size [1, 16]
// CHECK: gemmini.tile_matmul {{.*}}transpose_b
// CHECK: gemmini.load %a[0, 32] to %[[A1]][0] size [20, 32]
// CHECK-NEXT: gemmini.load %[[ROW]][32] to %[[B1]][0] size [1, 32]
// CHECK: gemmini.tile_matmul {{.*}}transpose_b
// CHECK: gemmini.load %a[0, 64] to %[[A2]][0] size [20, 16]
// CHECK-NEXT: gemmini.load %b[64, 0] to %[[B2]][0] size [16, 1] {id = 1 : i32}
// CHECK-NOT: transpose_b
// CHECK: gemmini.tile_matmul {{.*}} accumulate({{.*}}) {order = "mnk"}
// CHECK-NEXT: gemmini.store %[[C]][0] to %c[0, 0] size [20, 1]
func.func @column(%a: memref<20x80xi8>, %b: memref<80x1xi8>, %c: memref<20x1xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x80xi8>, memref<80x1xi8>) outs(%c : memref<20x1xi8>) {schedule = #gemmini.schedule<tile = [2, 1, 2], placement = cyclic, unroll = true, prefetch_distance = 2, transposed_tiles = 2>}
  return
}
