// RUN: gemmini-opt %s | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | gemmini-opt | filecheck %s

func.func @tiles(%A: memref<100x200xi8>, %B: memref<200x60xi8>, %D: memref<60xi32>, %C: memref<100x60xi8>, %S: memref<100x60xi32>, %i: index, %s: index, %m: index, %first: i1) {
  %a = gemmini.alloc : !gemmini.buffer<4x13 of 16x16, scratchpad, slots = 2>
  %b = gemmini.alloc {base = array<i64: 8192>, placement = #gemmini<placement packed>} : !gemmini.buffer<13x4 of 16x16, scratchpad>
  %c = gemmini.alloc {base = array<i64: 0, 512>} : !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
  gemmini.load %A[%i, 0] to %a[%s] size [%m, 200] {id = 1 : i32, max_cols = 64 : i32} : memref<100x200xi8>, !gemmini.buffer<4x13 of 16x16, scratchpad, slots = 2>
  gemmini.load %B[0, 0] to %b[0] size [200, 60] : memref<200x60xi8>, !gemmini.buffer<13x4 of 16x16, scratchpad>
  gemmini.load %D[0] to %c[1] size [64, 60] {id = 2 : i32} : memref<60xi32>, !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
  gemmini.load %D[0] to %c[0] size [64, 60] {accumulate, id = 2 : i32} : memref<60xi32>, !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
  gemmini.tile_matmul %a[%s], %b[0] to %c[1] size [%m, 60, 200] accumulate(%first) : !gemmini.buffer<4x13 of 16x16, scratchpad, slots = 2>, !gemmini.buffer<13x4 of 16x16, scratchpad>, !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
  gemmini.tile_matmul %b[0], %a[1] to %c[%s] size [48, 64, 200] {transpose_a, transpose_b, dataflow = #gemmini<dataflow os>, order = "mnk"} : !gemmini.buffer<13x4 of 16x16, scratchpad>, !gemmini.buffer<4x13 of 16x16, scratchpad, slots = 2>, !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
  gemmini.store %c[1] to %C[%i, 0] size [%m, 60] {scale = 5.000000e-01 : f32, activation = #gemmini<activation relu>, max_cols = 32 : i32} : !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>, memref<100x60xi8>
  gemmini.store %c[%s] to %S[0, 16] size [64, 16] : !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>, memref<100x60xi32>
  return
}
// CHECK-LABEL: func.func @tiles
// CHECK-NEXT:    %a = gemmini.alloc : !gemmini.buffer<4x13 of 16x16, scratchpad, slots = 2>
// CHECK-NEXT:    %b = gemmini.alloc {base = array<i64: 8192>, placement = #gemmini<placement packed>} : !gemmini.buffer<13x4 of 16x16, scratchpad>
// CHECK-NEXT:    %c = gemmini.alloc {base = array<i64: 0, 512>} : !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
// CHECK-NEXT:    gemmini.load %A[%i, 0] to %a[%s] size [%m, 200] {id = 1 : i32, max_cols = 64 : i32} : memref<100x200xi8>, !gemmini.buffer<4x13 of 16x16, scratchpad, slots = 2>
// CHECK-NEXT:    gemmini.load %B[0, 0] to %b[0] size [200, 60] : memref<200x60xi8>, !gemmini.buffer<13x4 of 16x16, scratchpad>
// CHECK-NEXT:    gemmini.load %D[0] to %c[1] size [64, 60] {id = 2 : i32} : memref<60xi32>, !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
// CHECK-NEXT:    gemmini.load %D[0] to %c[0] size [64, 60] {accumulate, id = 2 : i32} : memref<60xi32>, !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
// CHECK-NEXT:    gemmini.tile_matmul %a[%s], %b[0] to %c[1] size [%m, 60, 200] accumulate(%first) : !gemmini.buffer<4x13 of 16x16, scratchpad, slots = 2>, !gemmini.buffer<13x4 of 16x16, scratchpad>, !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
// CHECK-NEXT:    gemmini.tile_matmul %b[0], %a[1] to %c[%s] size [48, 64, 200] {transpose_a, transpose_b, dataflow = #gemmini<dataflow os>, order = "mnk"} : !gemmini.buffer<13x4 of 16x16, scratchpad>, !gemmini.buffer<4x13 of 16x16, scratchpad, slots = 2>, !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>
// CHECK-NEXT:    gemmini.store %c[1] to %C[%i, 0] size [%m, 60] {scale = 5.000000e-01 : f32, activation = #gemmini<activation relu>, max_cols = 32 : i32} : !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>, memref<100x60xi8>
// CHECK-NEXT:    gemmini.store %c[%s] to %S[0, 16] size [64, 16] : !gemmini.buffer<4x4 of 16x16, accumulator, slots = 2>, memref<100x60xi32>
// CHECK-NEXT:    func.return

func.func @loops(%A: memref<100x200xi8>, %B: memref<200x60xi8>, %D: memref<60xi32>, %C: memref<100x60xi8>, %i: index, %m: index) {
  gemmini.loop_tile %A[%i, 0], %B[0, 0] bias %D : memref<60xi32> at [0] size [%m, 60, 100] : memref<100x200xi8>, memref<200x60xi8>
  gemmini.loop_tile %A[%i, 100], %B[100, 0] to %C : memref<100x60xi8> at [%i, 0] size [%m, 60, 100] {accumulate, scale = 5.000000e-01 : f32, activation = #gemmini<activation relu>} : memref<100x200xi8>, memref<200x60xi8>
  gemmini.loop_tile %B[0, 0], %A[0, 0] size [60, 100, 16] {transpose_a} : memref<200x60xi8>, memref<100x200xi8>
  return
}
// CHECK-LABEL: func.func @loops
// CHECK-NEXT:    gemmini.loop_tile %A[%i, 0], %B[0, 0] bias %D : memref<60xi32> at [0] size [%m, 60, 100] : memref<100x200xi8>, memref<200x60xi8>
// CHECK-NEXT:    gemmini.loop_tile %A[%i, 100], %B[100, 0] to %C : memref<100x60xi8> at [%i, 0] size [%m, 60, 100] {accumulate, scale = 5.000000e-01 : f32, activation = #gemmini<activation relu>} : memref<100x200xi8>, memref<200x60xi8>
// CHECK-NEXT:    gemmini.loop_tile %B[0, 0], %A[0, 0] size [60, 100, 16] {transpose_a} : memref<200x60xi8>, memref<100x200xi8>
// CHECK-NEXT:    func.return

func.func @overlapped(%A: memref<100x200xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.pipeline 3 prefetch {
  ^bb0(%t: index):
    gemmini.load %A[%t, 0] to %a[0] size [16, 16] : memref<100x200xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  } compute {
  ^bb1(%u: index):
  } store {
  ^bb2(%v: index):
  }
  return
}
// CHECK-LABEL: func.func @overlapped
// CHECK:         gemmini.pipeline 3 prefetch {
// CHECK-NEXT:    ^{{.*}}(%t: index):
// CHECK-NEXT:      gemmini.load %A[%t, 0] to %a[0] size [16, 16] : memref<100x200xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
// CHECK-NEXT:    } compute {
// CHECK-NEXT:    ^{{.*}}(%u: index):
// CHECK-NEXT:    } store {
// CHECK-NEXT:    ^{{.*}}(%v: index):
// CHECK-NEXT:    }

func.func @unrolled(%A: memref<100x200xi8>) {
  gemmini.unroll {
    %a = gemmini.alloc {placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x5 of 16x16, scratchpad>
    gemmini.load %A[0, 0] to %a[0] size [32, 80] : memref<100x200xi8>, !gemmini.buffer<2x5 of 16x16, scratchpad>
  } {note = "text"}
  %b = gemmini.alloc {base = array<i64: 0, 128, 64, 144>, placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x5 of 16x16, scratchpad>
  return
}
// CHECK-LABEL: func.func @unrolled
// CHECK-NEXT:    gemmini.unroll {
// CHECK-NEXT:      %a = gemmini.alloc {placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x5 of 16x16, scratchpad>
// CHECK-NEXT:      gemmini.load %A[0, 0] to %a[0] size [32, 80] : memref<100x200xi8>, !gemmini.buffer<2x5 of 16x16, scratchpad>
// CHECK-NEXT:    } {note = "text"}
// CHECK-NEXT:    %b = gemmini.alloc {base = array<i64: 0, 128, 64, 144>, placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x5 of 16x16, scratchpad>
// CHECK-NEXT:    func.return

func.func @pipelined(%A: memref<100x200xi8>) {
  gemmini.unroll software_pipeline {
    gemmini.fence
  }
  gemmini.unroll kernel {
    gemmini.fence
  }
  gemmini.unroll kernel prefetch_distance 3 {
    gemmini.fence
  }
  gemmini.unroll software_pipeline prologue_tiles 2 {
    gemmini.fence
  }
  return
}
// CHECK-LABEL: func.func @pipelined
// CHECK-NEXT:    gemmini.unroll software_pipeline {
// CHECK-NEXT:      gemmini.fence
// CHECK-NEXT:    }
// CHECK-NEXT:    gemmini.unroll kernel {
// CHECK-NEXT:      gemmini.fence
// CHECK-NEXT:    }
// CHECK-NEXT:    gemmini.unroll kernel prefetch_distance 3 {
// CHECK-NEXT:      gemmini.fence
// CHECK-NEXT:    }
// CHECK-NEXT:    gemmini.unroll software_pipeline prologue_tiles 2 {
// CHECK-NEXT:      gemmini.fence
// CHECK-NEXT:    }
// CHECK-NEXT:    func.return

func.func @transposed(%A: memref<100x64xi8>, %I: memref<16x16xi8>, %C: memref<1x64xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 4>
  gemmini.load_transposed %A to %a by %factor through %staging {cols = 32 : i32, id = 1 : i32, dataflow = #gemmini<dataflow os>}
    : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 4>
  %row = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<4x17 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, accumulator>
  gemmini.tile_matmul %row[0], %b[0] to %c[0] size [1, 64, 272] {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b, packed_a}
    : !gemmini.buffer<1x2 of 16x16, scratchpad>, !gemmini.buffer<4x17 of 16x16, scratchpad>, !gemmini.buffer<1x4 of 16x16, accumulator>
  gemmini.store %c[0] to %C[0, 0] size [1, 64] {last_row} : !gemmini.buffer<1x4 of 16x16, accumulator>, memref<1x64xi8>
  return
}
// CHECK-LABEL: func.func @transposed
// CHECK:         gemmini.load_transposed %A to %a by %factor through %staging {cols = 32 : i32, id = 1 : i32, dataflow = #gemmini<dataflow os>} : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<1x2 of 16x16, scratchpad, slots = 4>
// CHECK:         gemmini.tile_matmul %row[0], %b[0] to %c[0] size [1, 64, 272] {dataflow = #gemmini<dataflow os>, transpose_a, transpose_b, packed_a}
// CHECK-NEXT:    gemmini.store %c[0] to %C[0, 0] size [1, 64] {last_row}

func.func @unpacked() {
  %packed = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<7x1 of 16x16, scratchpad>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 100 : i32, cols = 4 : i32}
    : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<7x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}
// CHECK-LABEL: func.func @unpacked
// CHECK:         gemmini.unpack %packed to %b by %selector {rows = 100 : i32, cols = 4 : i32} : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<7x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>
