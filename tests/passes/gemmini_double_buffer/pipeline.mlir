// RUN: gemmini-opt %s --split-input-file -p gemmini-double-buffer | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-double-buffer | gemmini-opt --split-input-file | filecheck %s

// Two nested loops of 4 and 3 become 12 iterations. A is loaded once per iteration of the outer
// loop, when the iteration is a multiple of 3, into alternating slots; B every time, in one slot,
// so not ahead. C alternates with every tile.
// CHECK-LABEL: @nest
// CHECK: gemmini.pipeline 12 prefetch {
// CHECK-NEXT: ^bb0(%[[T:.*]]: index):
// CHECK: %[[THREE:.*]] = arith.constant 3 : index
// CHECK-NEXT: %[[POSITION:.*]] = arith.remui %[[T]], %[[THREE]]
// CHECK: %[[FIRST:.*]] = arith.cmpi eq, %[[POSITION]],
// CHECK-NEXT: scf.if %[[FIRST]] {
// CHECK: %[[TILE:.*]] = arith.divui %[[T]],
// CHECK: %[[M:.*]] = arith.muli %[[TILE]],
// CHECK: %[[SLOT:.*]] = arith.andi
// CHECK: gemmini.load %a[%[[M]], 0] to %{{.*}}[%[[SLOT]]] size [16, 16]
// CHECK-NOT: gemmini.load
// CHECK: } compute {
// CHECK: gemmini.load %b[0, %{{.*}}] to %{{.*}}[0] size [16, 16] {id = 1 : i32}
// CHECK: gemmini.tile_matmul %{{.*}}[%{{.*}}], %{{.*}}[0] to %{{.*}}[%{{.*}}] size [16, 16, 16]
// CHECK: } store {
// CHECK: gemmini.store
// CHECK-NOT: scf.for
func.func @nest(%a: memref<64x16xi8>, %b: memref<16x48xi8>, %c: memref<64x48xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 2>
  %1 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %2 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, accumulator, slots = 2>
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c48 = arith.constant 48 : index
  %c64 = arith.constant 64 : index
  scf.for %m = %c0 to %c64 step %c16 {
    gemmini.load %a[%m, 0] to %0[0] size [16, 16] : memref<64x16xi8>, !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 2>
    scf.for %n = %c0 to %c48 step %c16 {
      gemmini.load %b[0, %n] to %1[0] size [16, 16] {id = 1 : i32} : memref<16x48xi8>, !gemmini.buffer<1x1 of 16x16, scratchpad>
      gemmini.tile_matmul %0[0], %1[0] to %2[0] size [16, 16, 16] : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 2>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, accumulator, slots = 2>
      gemmini.store %2[0] to %c[%m, %n] size [16, 16] : !gemmini.buffer<1x1 of 16x16, accumulator, slots = 2>, memref<64x48xi8>
    }
  }
  return
}

// -----

// Buffers with one slot: the loops stay.
// CHECK-LABEL: @single
// CHECK-NOT: gemmini.pipeline
// CHECK: scf.for
func.func @single(%a: memref<64x16xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  scf.for %m = %c0 to %c64 step %c16 {
    gemmini.load %a[%m, 0] to %0[0] size [16, 16] : memref<64x16xi8>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  }
  return
}

// -----

// A nest with bounds that are not constant, or with other effects in it, is left alone.
// CHECK-LABEL: @unknown
// CHECK-NOT: gemmini.pipeline
func.func @unknown(%a: memref<64x16xi8>, %n: index) {
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 2>
  %c0 = arith.constant 0 : index
  %c16 = arith.constant 16 : index
  %c64 = arith.constant 64 : index
  %x = arith.constant 1 : i8
  scf.for %m = %c0 to %n step %c16 {
    gemmini.load %a[%m, 0] to %0[0] size [16, 16] : memref<64x16xi8>, !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 2>
  }
  scf.for %m = %c0 to %c64 step %c16 {
    gemmini.load %a[%m, 0] to %0[0] size [16, 16] : memref<64x16xi8>, !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 2>
    memref.store %x, %a[%m, %c0] : memref<64x16xi8>
  }
  return
}
