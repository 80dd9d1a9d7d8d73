// RUN: gemmini-opt %s -p gemmini-lower-to-isa | filecheck %s

// 25 packed rows: two blocks, the second one of 9 rows, and 4 products with each, which share their
// weights. Results lie four rows apart. The lowest rows of the selector are the identity, so that
// weights of 4 rows select the first columns, and those of 16 the last ones.
// CHECK-LABEL: @unpack
// CHECK: gemmini.config_ex {dataflow = #gemmini<dataflow ws>, c_stride = 4 : i32
// CHECK: %[[PACKED:.*]] = gemmini.local_address %packed[0, 0]
// CHECK: %[[FIRST:.*]] = gemmini.local_address %b[0, 0]
// CHECK: %[[WEIGHTS:.*]] = gemmini.local_address %selector[0, 12]
// CHECK-NEXT: gemmini.preload %[[WEIGHTS]] : !gemmini.local_address<scratchpad> size [4, 16] to %[[FIRST]] : !gemmini.local_address<scratchpad> size [16, 16]
// CHECK-NEXT: gemmini.compute_preloaded %[[PACKED]] size [16, 4] size [16, 16]
// CHECK: %[[REST:.*]] = gemmini.local_address %packed[0, 16]
// CHECK: %[[BELOW:.*]] = gemmini.local_address %b[0, 64]
// CHECK-NEXT: gemmini.preload size [4, 16] to %[[BELOW]] : !gemmini.local_address<scratchpad> size [9, 16]
// CHECK-NEXT: gemmini.compute_accumulated %[[REST]] size [9, 4] size [9, 16]
// CHECK: gemmini.local_address %b[0, 1]
// CHECK: gemmini.local_address %selector[0, 8]
// CHECK: gemmini.local_address %b[0, 2]
// CHECK: gemmini.local_address %b[0, 3]
// CHECK: %[[ALL:.*]] = gemmini.local_address %selector[0, 0]
// CHECK-NEXT: gemmini.preload %[[ALL]] : !gemmini.local_address<scratchpad> size [16, 16]
// CHECK: gemmini.local_address %b[0, 67]
func.func @unpack() {
  %packed = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<7x1 of 16x16, scratchpad>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 100 : i32, cols = 4 : i32} : !gemmini.buffer<2x1 of 16x16, scratchpad>, !gemmini.buffer<7x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}

// More blocks are a loop, whatever their number.
// CHECK-LABEL: @loops
// CHECK-COUNT-2: scf.for
// CHECK-NOT: scf.for
func.func @loops() {
  %packed = gemmini.alloc : !gemmini.buffer<50x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<100x1 of 16x16, scratchpad>
  %selector = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %selector {rows = 1600 : i32, cols = 8 : i32} : !gemmini.buffer<50x1 of 16x16, scratchpad>, !gemmini.buffer<100x1 of 16x16, scratchpad>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  return
}
