// RUN: gemmini-opt %s --split-input-file -p gemmini-lower-to-isa | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-lower-to-isa | gemmini-opt --split-input-file | filecheck %s

// 20 x 100 elements: 2 rows of blocks, of 16 and 4 rows, times 2 MVINs, of 64 and 36 columns. The
// grid has 7 columns: a row of blocks is 7 * 16 = 112 rows of the scratchpad, an MVIN 4 * 16 = 64.
// CHECK-LABEL: @load
// CHECK: gemmini.config_ld {id = 1 : i32, stride = 300 : i64, block_stride = 16 : i32}
// CHECK: %[[ALL:.*]] = arith.constant 4 : index
// CHECK: scf.for %[[N:.*]] = %{{.*}} to %[[ALL]]
// CHECK: %[[ROW:.*]] = arith.divui %[[N]],
// CHECK: %[[COL:.*]] = arith.andi %[[N]],
// CHECK: %[[HEIGHT:.*]] = arith.minsi
// CHECK: %[[WIDTH:.*]] = arith.minsi
// CHECK: %[[P:.*]] = gemmini.local_address %0[1, %{{.*}}]
// CHECK: gemmini.mvin2 from %a : memref<50x300xi8> at [%{{.*}}, %{{.*}}] to %[[P]] size [%[[HEIGHT]], %[[WIDTH]]]
func.func @load(%a: memref<50x300xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<2x7 of 16x16, scratchpad, slots = 2>
  gemmini.load %a[2, 7] to %0[1] size [20, 100] {id = 1 : i32} : memref<50x300xi8>, !gemmini.buffer<2x7 of 16x16, scratchpad, slots = 2>
  return
}

// -----

// A row bias has stride 0; full-width rows move one block of columns at a time.
// CHECK-LABEL: @bias
// CHECK: gemmini.config_ld {id = 2 : i32, stride = 0 : i64, block_stride = 16 : i32}
// CHECK: %[[WIDTH:.*]] = arith.minsi
// CHECK: gemmini.mvin3 from %bias : memref<20xi32> at [%{{.*}}] to %{{.*}} size [16, %[[WIDTH]]]
func.func @bias(%bias: memref<20xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, accumulator>
  gemmini.load %bias[0] to %0[0] size [16, 20] {id = 2 : i32} : memref<20xi32>, !gemmini.buffer<1x2 of 16x16, accumulator>
  return
}

// -----

// What is added goes to addresses that accumulate.
// CHECK-LABEL: @add
// CHECK: %[[TRUE:.*]] = arith.constant true
// CHECK: %[[P:.*]] = gemmini.local_address %0[0, %{{.*}}] accumulate(%[[TRUE]])
// CHECK: gemmini.mvin3 from %bias : memref<32xi32> at [%{{.*}}] to %[[P]] size [16, 16]
func.func @add(%bias: memref<32xi32>) {
  %0 = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, accumulator>
  gemmini.load %bias[0] to %0[0] size [16, 32] {id = 2 : i32, accumulate} : memref<32xi32>, !gemmini.buffer<1x2 of 16x16, accumulator>
  return
}

// -----

// max_cols limits an MVIN.
// CHECK-LABEL: @narrow
// CHECK: scf.for
// CHECK: gemmini.mvin from %a : memref<16x64xi8> at [0, %{{.*}}] to %{{.*}} size [16, 32]
func.func @narrow(%a: memref<16x64xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad>
  gemmini.load %a[0, 0] to %0[0] size [16, 64] {max_cols = 32 : i32} : memref<16x64xi8>, !gemmini.buffer<1x4 of 16x16, scratchpad>
  return
}

// -----

// Blocks of k narrower than the array are moved one by one.
// CHECK-LABEL: @shallow
// CHECK: scf.for
// CHECK: gemmini.mvin from %a : memref<32x62xi8> at [0, %{{.*}}] to %{{.*}} size [32, 31]
builtin.module attributes {gemmini.config = #gemmini.config<"int8_32x32">} {
  func.func @shallow(%a: memref<32x62xi8>) {
    %0 = gemmini.alloc : !gemmini.buffer<1x2 of 32x31, scratchpad>
    gemmini.load %a[0, 0] to %0[0] size [32, 62] : memref<32x62xi8>, !gemmini.buffer<1x2 of 32x31, scratchpad>
    return
  }
}

// -----

// Raw sums leave by full addresses, four bytes an element, one block after another; the last one
// has 20 - 16 columns.
// CHECK-LABEL: @store
// CHECK: gemmini.config_st {stride = 80 : i64}
// CHECK: scf.for %[[J:.*]] =
// CHECK: %[[START:.*]] = arith.muli %[[J]],
// CHECK: %[[LEFT:.*]] = arith.subi %{{.*}}, %[[START]]
// CHECK: %[[WIDTH:.*]] = arith.minsi %[[LEFT]],
// CHECK: %[[P:.*]] = gemmini.local_address %0[0, %{{.*}}] {full}
// CHECK: gemmini.mvout %[[P]] to %c[0, %{{.*}}] size [16, %[[WIDTH]]]
// CHECK: gemmini.config_st {stride = 20 : i64, scale = 5.000000e-01 : f32, activation = #gemmini<activation relu>}
// CHECK: %[[Q:.*]] = gemmini.local_address %0[0, 0]
// CHECK: gemmini.mvout %[[Q]] to %d[0, 0] size [16, 20]
func.func @store(%c: memref<16x20xi32>, %d: memref<16x20xi8>) {
  %0 = gemmini.alloc : !gemmini.buffer<1x2 of 16x16, accumulator>
  gemmini.store %0[0] to %c[0, 0] size [16, 20] : !gemmini.buffer<1x2 of 16x16, accumulator>, memref<16x20xi32>
  gemmini.store %0[0] to %d[0, 0] size [16, 20] {scale = 0.5 : f32, activation = #gemmini<activation relu>, max_cols = 32 : i32} : !gemmini.buffer<1x2 of 16x16, accumulator>, memref<16x20xi8>
  return
}
