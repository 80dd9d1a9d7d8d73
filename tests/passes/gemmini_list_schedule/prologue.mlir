// RUN: gemmini-opt %s --split-input-file -p gemmini-list-schedule | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-list-schedule | gemmini-opt --split-input-file | filecheck %s

// The resident operand takes turns in banks by its rows of blocks: all products of one row come
// before those of the next, although the program goes through K for one sum after another. Loads
// follow the products. What another tile needs comes last.
// CHECK-LABEL: @by_rows
// CHECK-DAG: %[[A0:.*]] = gemmini.local_address %{{.*}}[0, 0] : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2>
// CHECK-DAG: %[[A1:.*]] = gemmini.local_address %{{.*}}[0, 16] : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2>
// CHECK-DAG: %[[NEXT:.*]] = gemmini.local_address %{{.*}}[1, 0] : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2>
// CHECK-DAG: %[[B00:.*]] = gemmini.local_address %{{.*}}[0, 0] : !gemmini.buffer<2x2 of 16x16, scratchpad>
// CHECK-DAG: %[[B01:.*]] = gemmini.local_address %{{.*}}[0, 16] : !gemmini.buffer<2x2 of 16x16, scratchpad>
// CHECK-DAG: %[[B10:.*]] = gemmini.local_address %{{.*}}[0, 32] : !gemmini.buffer<2x2 of 16x16, scratchpad>
// CHECK-DAG: %[[B11:.*]] = gemmini.local_address %{{.*}}[0, 48] : !gemmini.buffer<2x2 of 16x16, scratchpad>
// CHECK:      gemmini.mvin2 from %b : memref<32x32xi8> at [0, 0] to %[[B00]]
// CHECK-NEXT: gemmini.mvin from %a : memref<32x32xi8> at [0, 0] to %[[A0]]
// CHECK-NEXT: gemmini.mvin2 from %b : memref<32x32xi8> at [16, 0] to %[[B10]]
// CHECK-NEXT: gemmini.mvin from %a : memref<32x32xi8> at [16, 0] to %[[NEXT]]
// CHECK-NEXT: gemmini.preload %[[B00]]
// CHECK-NEXT: gemmini.compute_preloaded %[[A0]]
// CHECK-NEXT: gemmini.preload %[[B01]]
// CHECK-NEXT: gemmini.compute_preloaded %[[A0]]
// CHECK-NEXT: gemmini.preload %[[B10]]
// CHECK-NEXT: gemmini.compute_preloaded %[[A1]]
// CHECK-NEXT: gemmini.preload %[[B11]]
// CHECK-NEXT: gemmini.compute_preloaded %[[A1]]
// CHECK-NEXT: func.return
func.func @by_rows(%a: memref<32x32xi8>, %b: memref<32x32xi8>) {
  %0 = gemmini.alloc {base = array<i64: 0, 4096>} : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2>
  %1 = gemmini.alloc {base = array<i64: 8192, 12288>, placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x2 of 16x16, scratchpad>
  %2 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x2 of 16x16, accumulator>
  %true = arith.constant true
  gemmini.unroll prologue {
    %a0 = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
    %a1 = gemmini.local_address %0[0, 16] : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
    %next = gemmini.local_address %0[1, 0] : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
    %b00 = gemmini.local_address %1[0, 0] : !gemmini.buffer<2x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %b01 = gemmini.local_address %1[0, 16] : !gemmini.buffer<2x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %b10 = gemmini.local_address %1[0, 32] : !gemmini.buffer<2x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %b11 = gemmini.local_address %1[0, 48] : !gemmini.buffer<2x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %c0 = gemmini.local_address %2[0, 0] : !gemmini.buffer<1x2 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    %c1 = gemmini.local_address %2[0, 16] : !gemmini.buffer<1x2 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    %d0 = gemmini.local_address %2[0, 0] accumulate(%true) : !gemmini.buffer<1x2 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    %d1 = gemmini.local_address %2[0, 16] accumulate(%true) : !gemmini.buffer<1x2 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    gemmini.mvin from %a : memref<32x32xi8> at [16, 0] to %next size [16, 32] : !gemmini.local_address<scratchpad>
    gemmini.mvin2 from %b : memref<32x32xi8> at [0, 0] to %b00 size [16, 32] : !gemmini.local_address<scratchpad>
    gemmini.mvin2 from %b : memref<32x32xi8> at [16, 0] to %b10 size [16, 32] : !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<32x32xi8> at [0, 0] to %a0 size [16, 32] : !gemmini.local_address<scratchpad>
    gemmini.preload %b00 : !gemmini.local_address<scratchpad> size [16, 16] to %c0 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a0 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b10 : !gemmini.local_address<scratchpad> size [16, 16] to %d0 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a1 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b01 : !gemmini.local_address<scratchpad> size [16, 16] to %c1 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a0 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b11 : !gemmini.local_address<scratchpad> size [16, 16] to %d1 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a1 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// Rows that are loaded again after they were used: nothing is known to be resident, and the load
// waits for the product.
// CHECK-LABEL: @loaded_again
// CHECK:      gemmini.mvin2 from %b : memref<32x16xi8> at [0, 0] to %[[B:.*]] size
// CHECK-NEXT: gemmini.preload %[[B]]
// CHECK-NEXT: gemmini.compute_preloaded
// CHECK-NEXT: gemmini.mvin2 from %b : memref<32x16xi8> at [16, 0] to %[[B]] size
// CHECK-NEXT: gemmini.preload %[[B]]
// CHECK-NEXT: gemmini.compute_preloaded
// CHECK-NEXT: func.return
func.func @loaded_again(%b: memref<32x16xi8>) {
  %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %1 = gemmini.alloc {base = array<i64: 4096>, placement = #gemmini<placement interleaved>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %2 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x2 of 16x16, accumulator>
  gemmini.unroll prologue {
    %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %q = gemmini.local_address %1[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %s = gemmini.local_address %2[0, 0] : !gemmini.buffer<1x2 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    %t = gemmini.local_address %2[0, 16] : !gemmini.buffer<1x2 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    gemmini.mvin2 from %b : memref<32x16xi8> at [0, 0] to %q size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %q : !gemmini.local_address<scratchpad> size [16, 16] to %s : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %p size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.mvin2 from %b : memref<32x16xi8> at [16, 0] to %q size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %q : !gemmini.local_address<scratchpad> size [16, 16] to %t : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %p size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// Two tiles of four products each. The first one waits for a row of B that comes in two loads: one
// product of the second tile, of the row before, fits there. It is now the first of its sum, so that
// it overwrites, and the one that did adds. The others come last, and with them the store of the
// first tile's sum and the load into its slot of A.
// CHECK-LABEL: @two_tiles
// CHECK-DAG: %[[A00:.*]] = gemmini.local_address %{{.*}}[0, 0] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
// CHECK-DAG: %[[A01:.*]] = gemmini.local_address %{{.*}}[0, 16] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
// CHECK-DAG: %[[A02:.*]] = gemmini.local_address %{{.*}}[0, 32] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
// CHECK-DAG: %[[A10:.*]] = gemmini.local_address %{{.*}}[1, 0] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
// CHECK-DAG: %[[A11:.*]] = gemmini.local_address %{{.*}}[1, 16] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
// CHECK-DAG: %[[A12:.*]] = gemmini.local_address %{{.*}}[1, 32] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
// CHECK-DAG: %[[B00:.*]] = gemmini.local_address %{{.*}}[0, 0] : !gemmini.buffer<3x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
// CHECK-DAG: %[[B10:.*]] = gemmini.local_address %{{.*}}[0, 32] : !gemmini.buffer<3x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
// CHECK-DAG: %[[B20:.*]] = gemmini.local_address %{{.*}}[0, 64] : !gemmini.buffer<3x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
// CHECK-DAG: %[[B21:.*]] = gemmini.local_address %{{.*}}[0, 80] : !gemmini.buffer<3x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
// CHECK-DAG: %[[C0:.*]] = gemmini.local_address %{{.*}}[0, 0] : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
// CHECK-DAG: %[[D0:.*]] = gemmini.local_address %{{.*}}[0, 0] accumulate(%{{.*}}) : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
// CHECK-DAG: %[[E0:.*]] = gemmini.local_address %{{.*}}[0, 16] : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
// CHECK-DAG: %[[C1:.*]] = gemmini.local_address %{{.*}}[1, 0] : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
// CHECK-DAG: %[[D1:.*]] = gemmini.local_address %{{.*}}[1, 0] accumulate(%{{.*}}) : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
// CHECK-DAG: %[[E1:.*]] = gemmini.local_address %{{.*}}[1, 16] : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
// CHECK: gemmini.mvin2 {{.*}} to %[[B00]]
// CHECK-NEXT: gemmini.mvin2 {{.*}} to %[[B10]]
// CHECK-NEXT: gemmini.mvin2 {{.*}} to %[[B20]]
// CHECK-NEXT: gemmini.mvin2 {{.*}} to %[[B21]]
// CHECK-NEXT: gemmini.preload %[[B00]] : !gemmini.local_address<scratchpad> size [16, 16] to %[[C0]] :
// CHECK-NEXT: gemmini.compute_preloaded %[[A00]] size
// CHECK-NEXT: gemmini.preload %[[B10]] : !gemmini.local_address<scratchpad> size [16, 16] to %[[D0]] :
// CHECK-NEXT: gemmini.compute_preloaded %[[A01]] size
// CHECK-NEXT: gemmini.preload %[[B10]] : !gemmini.local_address<scratchpad> size [16, 16] to %[[C1]] :
// CHECK-NEXT: gemmini.compute_preloaded %[[A11]] size
// CHECK-NEXT: gemmini.preload %[[B20]] : !gemmini.local_address<scratchpad> size [16, 16] to %[[D0]] :
// CHECK-NEXT: gemmini.compute_preloaded %[[A02]] size
// CHECK-NEXT: gemmini.preload %[[B21]] : !gemmini.local_address<scratchpad> size [16, 16] to %[[E0]] :
// CHECK-NEXT: gemmini.compute_preloaded %[[A02]] size
// CHECK-NEXT: gemmini.preload %[[B00]] : !gemmini.local_address<scratchpad> size [16, 16] to %[[D1]] :
// CHECK-NEXT: gemmini.compute_preloaded %[[A10]] size
// CHECK-NEXT: gemmini.mvout %[[C0]] to %c
// CHECK-NEXT: gemmini.mvin {{.*}} to %[[A00]]
// CHECK-NEXT: gemmini.preload %[[B20]] : !gemmini.local_address<scratchpad> size [16, 16] to %[[D1]] :
// CHECK-NEXT: gemmini.compute_preloaded %[[A12]] size
// CHECK-NEXT: gemmini.preload %[[B21]] : !gemmini.local_address<scratchpad> size [16, 16] to %[[E1]] :
// CHECK-NEXT: gemmini.compute_preloaded %[[A12]] size
// CHECK-NEXT: func.return
func.func @two_tiles(%a: memref<48x48xi8>, %b: memref<48x32xi8>, %c: memref<48x32xi8>) {
  %0 = gemmini.alloc {base = array<i64: 0, 4096>} : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2>
  %1 = gemmini.alloc {base = array<i64: 8192, 12288, 8224>, placement = #gemmini<placement interleaved>} : !gemmini.buffer<3x2 of 16x16, scratchpad>
  %2 = gemmini.alloc {base = array<i64: 0, 512>} : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2>
  %true = arith.constant true
  gemmini.unroll prologue prologue_tiles 2 {
    %a00 = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
    %a01 = gemmini.local_address %0[0, 16] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
    %a02 = gemmini.local_address %0[0, 32] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
    %a10 = gemmini.local_address %0[1, 0] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
    %a11 = gemmini.local_address %0[1, 16] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
    %a12 = gemmini.local_address %0[1, 32] : !gemmini.buffer<1x3 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
    %b00 = gemmini.local_address %1[0, 0] : !gemmini.buffer<3x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %b10 = gemmini.local_address %1[0, 32] : !gemmini.buffer<3x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %b20 = gemmini.local_address %1[0, 64] : !gemmini.buffer<3x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %b21 = gemmini.local_address %1[0, 80] : !gemmini.buffer<3x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %c0 = gemmini.local_address %2[0, 0] : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
    %d0 = gemmini.local_address %2[0, 0] accumulate(%true) : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
    %e0 = gemmini.local_address %2[0, 16] : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
    %c1 = gemmini.local_address %2[1, 0] : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
    %d1 = gemmini.local_address %2[1, 0] accumulate(%true) : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
    %e1 = gemmini.local_address %2[1, 16] : !gemmini.buffer<1x2 of 16x16, accumulator, slots = 2> -> !gemmini.local_address<accumulator>
    gemmini.mvin2 from %b : memref<48x32xi8> at [0, 0] to %b00 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.mvin2 from %b : memref<48x32xi8> at [16, 0] to %b10 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.mvin2 from %b : memref<48x32xi8> at [32, 0] to %b20 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.mvin2 from %b : memref<48x32xi8> at [32, 16] to %b21 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b00 : !gemmini.local_address<scratchpad> size [16, 16] to %c0 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a00 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b10 : !gemmini.local_address<scratchpad> size [16, 16] to %d0 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a01 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b20 : !gemmini.local_address<scratchpad> size [16, 16] to %d0 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a02 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b21 : !gemmini.local_address<scratchpad> size [16, 16] to %e0 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a02 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b00 : !gemmini.local_address<scratchpad> size [16, 16] to %c1 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a10 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b10 : !gemmini.local_address<scratchpad> size [16, 16] to %d1 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a11 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b20 : !gemmini.local_address<scratchpad> size [16, 16] to %d1 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a12 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b21 : !gemmini.local_address<scratchpad> size [16, 16] to %e1 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a12 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.mvout %c0 to %c[0, 0] size [16, 16] : !gemmini.local_address<accumulator>, memref<48x32xi8>
    gemmini.mvin from %a : memref<48x48xi8> at [32, 0] to %a00 size [16, 48] : !gemmini.local_address<scratchpad>
  }
  return
}
