// RUN: gemmini-opt %s --split-input-file -p gemmini-list-schedule | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-list-schedule | gemmini-opt --split-input-file | filecheck %s

// The instructions take the region's place, and each configuration stands right before the first
// instruction that needs it. Loads that the first product needs come first, the store of the
// first block of sums does not wait for the second.
// CHECK-LABEL: @latency
// CHECK-NOT: gemmini.unroll
// CHECK: gemmini.config_ld {id = 1 : i32
// CHECK-NEXT: gemmini.mvin2 from %b
// CHECK-NEXT: gemmini.config_ld {id = 0 : i32
// CHECK-NEXT: gemmini.mvin from %a : memref<32x16xi8> at [0, 0] to %[[A0:.*]] size
// CHECK: gemmini.config_ex
// CHECK-NEXT: gemmini.preload %{{.*}} to %[[C0:.*]] : {{.*}} size [16, 16]
// CHECK-NEXT: gemmini.compute_preloaded %[[A0]]
// CHECK: gemmini.config_st
// CHECK-NEXT: gemmini.mvout %[[C0]] to %c[0, 0]
// CHECK: gemmini.mvout %{{.*}} to %c[16, 0]
// CHECK-NOT: gemmini.config
// CHECK: func.return
func.func @latency(%a: memref<32x16xi8>, %b: memref<16x16xi8>, %c: memref<32x16xi8>) {
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
  gemmini.config_ld {id = 0 : i32, stride = 16, block_stride = 16 : i32}
  gemmini.config_ld {id = 1 : i32, stride = 16, block_stride = 16 : i32}
  gemmini.config_st {stride = 16}
  gemmini.unroll {
    %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<2x1 of 16x16, scratchpad>
    %1 = gemmini.alloc {base = array<i64: 8192>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
    %2 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<2x1 of 16x16, accumulator>
    %a0 = gemmini.local_address %0[0, 0] : !gemmini.buffer<2x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %a1 = gemmini.local_address %0[0, 16] : !gemmini.buffer<2x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %b0 = gemmini.local_address %1[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %c0 = gemmini.local_address %2[0, 0] : !gemmini.buffer<2x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    %c1 = gemmini.local_address %2[0, 16] : !gemmini.buffer<2x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    gemmini.mvin2 from %b : memref<16x16xi8> at [0, 0] to %b0 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<32x16xi8> at [0, 0] to %a0 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<32x16xi8> at [16, 0] to %a1 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b0 : !gemmini.local_address<scratchpad> size [16, 16] to %c0 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a0 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %b0 : !gemmini.local_address<scratchpad> size [16, 16] to %c1 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a1 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.mvout %c0 to %c[0, 0] size [16, 16] : !gemmini.local_address<accumulator>, memref<32x16xi8>
    gemmini.mvout %c1 to %c[16, 0] size [16, 16] : !gemmini.local_address<accumulator>, memref<32x16xi8>
  }
  return
}

// -----

// What uses the same rows keeps its order: the second load overwrites what the first product
// reads, and the second product what the first store reads.
// CHECK-LABEL: @reuse
// CHECK: gemmini.mvin from %a : memref<32x16xi8> at [0, 0]
// CHECK: gemmini.compute_preloaded
// CHECK: gemmini.mvin from %a : memref<32x16xi8> at [16, 0]
// CHECK: gemmini.mvout %{{.*}} to %c[0, 0]
// CHECK: gemmini.compute_preloaded
// CHECK: gemmini.mvout %{{.*}} to %c[16, 0]
func.func @reuse(%a: memref<32x16xi8>, %c: memref<32x16xi8>) {
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
  gemmini.config_ld {id = 0 : i32, stride = 16, block_stride = 16 : i32}
  gemmini.config_st {stride = 16}
  gemmini.unroll {
    %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
    %2 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, accumulator>
    %a0 = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %c0 = gemmini.local_address %2[0, 0] : !gemmini.buffer<1x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    gemmini.mvin from %a : memref<32x16xi8> at [0, 0] to %a0 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %a0 : !gemmini.local_address<scratchpad> size [16, 16] to %c0 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a0 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.mvout %c0 to %c[0, 0] size [16, 16] : !gemmini.local_address<accumulator>, memref<32x16xi8>
    gemmini.mvin from %a : memref<32x16xi8> at [16, 0] to %a0 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload %a0 : !gemmini.local_address<scratchpad> size [16, 16] to %c0 : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a0 size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.mvout %c0 to %c[16, 0] size [16, 16] : !gemmini.local_address<accumulator>, memref<32x16xi8>
  }
  return
}

// -----

// Configuration that changes inside: the order of the program stays.
// CHECK-LABEL: @configuration_changes
// CHECK: gemmini.mvin from %a : memref<32x16xi8> at [16, 0]
// CHECK-NEXT: gemmini.config_ld {id = 0 : i32, stride = 32
// CHECK-NEXT: gemmini.mvin from %a : memref<32x16xi8> at [0, 0]
// CHECK-NEXT: func.return
func.func @configuration_changes(%a: memref<32x16xi8>) {
  gemmini.config_ld {id = 0 : i32, stride = 16, block_stride = 16 : i32}
  gemmini.unroll {
    %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<2x1 of 16x16, scratchpad>
    %a0 = gemmini.local_address %0[0, 0] : !gemmini.buffer<2x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %a1 = gemmini.local_address %0[0, 16] : !gemmini.buffer<2x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<32x16xi8> at [16, 0] to %a0 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.config_ld {id = 0 : i32, stride = 32, block_stride = 16 : i32}
    gemmini.mvin from %a : memref<32x16xi8> at [0, 0] to %a1 size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// What was loaded before the region is there from the start.
// CHECK-LABEL: @loaded_before
// CHECK: gemmini.preload
// CHECK-NEXT: gemmini.compute_preloaded
// CHECK-NEXT: gemmini.mvout
func.func @loaded_before(%c: memref<16x16xi8>) {
  %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x2 of 16x16, scratchpad>
  %1 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, accumulator>
  gemmini.unroll {
    %a = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %b = gemmini.local_address %0[0, 16] : !gemmini.buffer<1x2 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %s = gemmini.local_address %1[0, 0] : !gemmini.buffer<1x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    gemmini.preload %b : !gemmini.local_address<scratchpad> size [16, 16] to %s : !gemmini.local_address<accumulator> size [16, 16]
    gemmini.compute_preloaded %a size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.mvout %s to %c[0, 0] size [16, 16] : !gemmini.local_address<accumulator>, memref<16x16xi8>
  }
  return
}
