// RUN: gemmini-opt %s --split-input-file -p gemmini-allocate | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-allocate | gemmini-opt --split-input-file | filecheck %s

// Banks of 4096 rows (scratchpad) and 512 rows (accumulator): each slot begins one of its own.
// CHECK-LABEL: @banked
// CHECK-NEXT: gemmini.alloc {base = array<i64: 0, 4096>}
// CHECK-NEXT: gemmini.alloc {base = array<i64: 8192, 12288>}
// CHECK-NEXT: gemmini.alloc {base = array<i64: 0, 512>}
func.func @banked(%a: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  %1 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
  gemmini.load %a[0, 0] to %0[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  gemmini.load %a[0, 0] to %1[1] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  gemmini.tile_matmul %0[0], %1[1] to %2[0] size [64, 64, 64] : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>, !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>, !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
  return
}

// -----

// Packed: 4 x 4 blocks of 16 rows are 256 rows.
// CHECK-LABEL: @packed
// CHECK-NEXT: gemmini.alloc {placement = #gemmini<placement packed>, base = array<i64: 0, 256>}
// CHECK-NEXT: gemmini.alloc {placement = #gemmini<placement packed>, base = array<i64: 512>}
func.func @packed(%a: memref<64x64xi8>) {
  %0 = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  %1 = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %a[0, 0] to %1[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %a[0, 0] to %0[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// Lives that do not overlap share rows; a base that is given is respected.
// CHECK-LABEL: @lives
// CHECK: gemmini.alloc {base = array<i64: 0>}
// CHECK: gemmini.alloc {base = array<i64: 0>}
// CHECK: gemmini.alloc {base = array<i64: 100>}
// CHECK: gemmini.alloc {base = array<i64: 4096>}
func.func @lives(%a: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %a[0, 0] to %0[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  %1 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %a[0, 0] to %1[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  %2 = gemmini.alloc {base = array<i64: 100>} : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %3 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %a[0, 0] to %3[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %a[0, 0] to %2[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  return
}

// -----

// Five buffers for four banks: the fifth takes the lowest free rows.
// CHECK-LABEL: @more_than_banks
// CHECK-NEXT: base = array<i64: 0, 4096>
// CHECK-NEXT: base = array<i64: 8192, 12288>
// CHECK-NEXT: base = array<i64: 256>
func.func @more_than_banks(%a: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  %1 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  %2 = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %a[0, 0] to %2[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.load %a[0, 0] to %0[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  gemmini.load %a[0, 0] to %1[0] size [64, 64] : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// Interleaved: a row of 5 blocks is a piece of 64 rows and one of 16. In two banks the rows of the
// grid take turns; the second buffer takes the other two banks, and a second slot begins in the
// other bank of its two. Base: row by row, slot by slot.
// CHECK-LABEL: @interleaved
// CHECK-NEXT: gemmini.alloc {placement = #gemmini<placement interleaved>, base = array<i64: 0, 64, 4096, 4160>} : !gemmini.buffer<2x5 of 16x16
// CHECK-NEXT: gemmini.alloc {placement = #gemmini<placement interleaved>, base = array<i64: 8192, 12288, 12304, 8208>} : !gemmini.buffer<2x1 of 16x16, scratchpad, slots = 2>
// CHECK-NEXT: gemmini.alloc {placement = #gemmini<placement interleaved>, base = array<i64: 0, 512, 16>} : !gemmini.buffer<3x1 of 16x16, accumulator>
func.func @interleaved(%a: memref<64x80xi8>) {
  %0 = gemmini.alloc {placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x5 of 16x16, scratchpad>
  %1 = gemmini.alloc {placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x1 of 16x16, scratchpad, slots = 2>
  %2 = gemmini.alloc {placement = #gemmini<placement interleaved>} : !gemmini.buffer<3x1 of 16x16, accumulator>
  gemmini.load %a[0, 0] to %1[0] size [32, 16] : memref<64x80xi8>, !gemmini.buffer<2x1 of 16x16, scratchpad, slots = 2>
  gemmini.load %a[0, 0] to %0[0] size [32, 80] : memref<64x80xi8>, !gemmini.buffer<2x5 of 16x16, scratchpad>
  return
}

// -----

// Sums of one row of blocks take turns along it: some are stored while others are added to.
// CHECK-LABEL: @interleaved_row
// CHECK-NEXT: gemmini.alloc {placement = #gemmini<placement interleaved>, base = array<i64: 0, 512, 64>}
func.func @interleaved_row() {
  %0 = gemmini.alloc {placement = #gemmini<placement interleaved>} : !gemmini.buffer<1x9 of 16x16, accumulator>
  return
}

// -----

// What is too large for two banks goes on in the others.
// CHECK-LABEL: @interleaved_in_all_banks
// CHECK-NEXT: base = array<i64: 0, 512, {{.*}}>
func.func @interleaved_in_all_banks() {
  %0 = gemmini.alloc {placement = #gemmini<placement interleaved>} : !gemmini.buffer<16x4 of 16x16, accumulator>
  return
}

// -----

// The two slots of the first buffer take turns in banks of their own (0 and 1), which leaves two
// banks for the interleaved one.
// CHECK-LABEL: @beside_slots
// CHECK-NEXT: gemmini.alloc {base = array<i64: 0, 4096>}
// CHECK-NEXT: gemmini.alloc {placement = #gemmini<placement interleaved>, base = array<i64: 8192, 12288, 8208, 12304>}
func.func @beside_slots(%a: memref<64x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  %1 = gemmini.alloc {placement = #gemmini<placement interleaved>} : !gemmini.buffer<4x1 of 16x16, scratchpad>
  gemmini.load %a[0, 0] to %1[0] size [64, 16] : memref<64x64xi8>, !gemmini.buffer<4x1 of 16x16, scratchpad>
  gemmini.load %a[0, 0] to %0[0] size [16, 64] : memref<64x64xi8>, !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// In a pipeline groups of two pieces take turns in the three banks that the packed buffer leaves, in
// both slots alike.
// CHECK-LABEL: @cyclic_pieces
// CHECK: gemmini.alloc {placement = #gemmini<placement cyclic>, base = array<i64: 4096, 4160, 8192, 8256, 12288, 12352, 4224, 4288, 8320, 8384, 12416, 12480>}
// CHECK-NEXT: gemmini.alloc {placement = #gemmini<placement packed>, base = array<i64: 0>}
func.func @cyclic_pieces(%a: memref<16x16xi8>) {
  gemmini.unroll software_pipeline prefetch_distance 2 {
    %0 = gemmini.alloc {placement = #gemmini<placement cyclic>} : !gemmini.buffer<1x24 of 16x16, scratchpad, slots = 2>
    %1 = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<24x1 of 16x16, scratchpad>
    gemmini.load %a[0, 0] to %0[0] size [16, 16] : memref<16x16xi8>, !gemmini.buffer<1x24 of 16x16, scratchpad, slots = 2>
    gemmini.load %a[0, 0] to %1[0] size [16, 16] : memref<16x16xi8>, !gemmini.buffer<24x1 of 16x16, scratchpad>
  }
  return
}

// -----

// Where each tile has a slot, slots take turns, and one buffer goes on behind the other: the last
// slot of the first is in bank 1, so that the second begins in bank 2.
// CHECK-LABEL: @cyclic_slots
// CHECK: gemmini.alloc {placement = #gemmini<placement cyclic>, base = array<i64: 4096, 4112, 8192, 8208, 12288, 12304, 4128, 4144>}
// CHECK-NEXT: gemmini.alloc {placement = #gemmini<placement cyclic>, base = array<i64: 8224, 8288, 12320, 12384>}
// CHECK-NEXT: gemmini.alloc {placement = #gemmini<placement packed>, base = array<i64: 0>}
func.func @cyclic_slots(%a: memref<16x16xi8>) {
  gemmini.unroll prefetch_distance 2 {
    %0 = gemmini.alloc {placement = #gemmini<placement cyclic>} : !gemmini.buffer<2x1 of 16x16, scratchpad, slots = 4>
    %1 = gemmini.alloc {placement = #gemmini<placement cyclic>} : !gemmini.buffer<2x4 of 16x16, scratchpad, slots = 2>
    %2 = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<6x1 of 16x16, scratchpad>
    gemmini.load %a[0, 0] to %2[0] size [16, 16] : memref<16x16xi8>, !gemmini.buffer<6x1 of 16x16, scratchpad>
    gemmini.load %a[0, 0] to %0[0] size [16, 16] : memref<16x16xi8>, !gemmini.buffer<2x1 of 16x16, scratchpad, slots = 4>
    gemmini.load %a[0, 0] to %1[0] size [16, 16] : memref<16x16xi8>, !gemmini.buffer<2x4 of 16x16, scratchpad, slots = 2>
  }
  return
}

// -----

// What is read before a software pipeline only leaves its banks to what comes in turns, behind those
// in which nothing lies.
// CHECK-LABEL: @before_a_pipeline
// CHECK: gemmini.alloc {placement = #gemmini<placement cyclic>, base = array<i64: 8192, 12288, 4112, 8256, 12352, 4176>}
// CHECK-NEXT: gemmini.alloc {placement = #gemmini<placement packed>, base = array<i64: 0>}
// CHECK-NEXT: gemmini.alloc {base = array<i64: 4096>}
func.func @before_a_pipeline(%a: memref<16x16xi8>) {
  gemmini.unroll software_pipeline prefetch_distance 2 {
    %0 = gemmini.alloc {placement = #gemmini<placement cyclic>} : !gemmini.buffer<1x12 of 16x16, scratchpad, slots = 2>
    %1 = gemmini.alloc {placement = #gemmini<placement packed>} : !gemmini.buffer<6x1 of 16x16, scratchpad>
    %2 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
    gemmini.load %a[0, 0] to %2[0] size [16, 16] : memref<16x16xi8>, !gemmini.buffer<1x1 of 16x16, scratchpad>
    gemmini.load %a[0, 0] to %1[0] size [16, 16] : memref<16x16xi8>, !gemmini.buffer<6x1 of 16x16, scratchpad>
    gemmini.pipeline 3 prefetch {
    ^bb0(%next: index):
      gemmini.load %a[0, 0] to %0[0] size [16, 16] : memref<16x16xi8>, !gemmini.buffer<1x12 of 16x16, scratchpad, slots = 2>
    } compute {
    ^bb1(%current: index):
      gemmini.load %a[0, 0] to %1[0] size [16, 16] : memref<16x16xi8>, !gemmini.buffer<6x1 of 16x16, scratchpad>
    } store {
    ^bb2(%last: index):
    }
  }
  return
}
