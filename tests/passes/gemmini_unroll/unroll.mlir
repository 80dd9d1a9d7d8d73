// RUN: gemmini-opt %s --split-input-file -p gemmini-unroll | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-unroll | gemmini-opt --split-input-file | filecheck %s

// Buffers and addresses come first, each address once; then what the loop executes. The last
// iteration is narrower, and only the first one overwrites.
// CHECK-LABEL: @loop
// CHECK-NEXT: gemmini.unroll {
// CHECK-NEXT:   %[[A:.*]] = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x3 of 16x16, scratchpad>
// CHECK-NEXT:   %[[C:.*]] = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, accumulator>
// CHECK-NEXT:   %[[A0:.*]] = gemmini.local_address %[[A]][0, 0]
// CHECK-NEXT:   %[[OVER:.*]] = gemmini.local_address %[[C]][0, 0] :
// CHECK-NEXT:   %[[A1:.*]] = gemmini.local_address %[[A]][0, 16]
// CHECK-NEXT:   %[[TRUE:.*]] = arith.constant true
// CHECK-NEXT:   %[[ADD:.*]] = gemmini.local_address %[[C]][0, 0] accumulate(%[[TRUE]]) :
// CHECK-NEXT:   %[[A2:.*]] = gemmini.local_address %[[A]][0, 32]
// CHECK-NEXT:   gemmini.mvin from %a : memref<16x40xi8> at [0, 0] to %[[A0]] size [16, 16]
// CHECK-NEXT:   gemmini.preload %[[A0]] : {{.*}} size [16, 16] to %[[OVER]] : {{.*}} size [16, 16]
// CHECK-NEXT:   gemmini.compute_preloaded %[[A0]] size [16, 16] size [16, 16]
// CHECK-NEXT:   gemmini.mvin from %a : memref<16x40xi8> at [0, 16] to %[[A1]] size [16, 16]
// CHECK-NEXT:   gemmini.preload %[[A1]] : {{.*}} size [16, 16] to %[[ADD]] : {{.*}} size [16, 16]
// CHECK-NEXT:   gemmini.compute_preloaded %[[A1]] size [16, 16] size [16, 16]
// CHECK-NEXT:   gemmini.mvin from %a : memref<16x40xi8> at [0, 32] to %[[A2]] size [16, 8]
// CHECK-NEXT:   gemmini.preload %[[A2]] : {{.*}} size [16, 16] to %[[ADD]] : {{.*}} size [16, 16]
// CHECK-NEXT:   gemmini.compute_preloaded %[[A2]] size [16, 8] size [16, 16]
// CHECK-NEXT: }
// CHECK-NEXT: func.return
func.func @loop(%a: memref<16x40xi8>) {
  gemmini.unroll {
    %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x3 of 16x16, scratchpad>
    %1 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, accumulator>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c3 = arith.constant 3 : index
    %c16 = arith.constant 16 : index
    %c40 = arith.constant 40 : index
    scf.for %i = %c0 to %c3 step %c1 {
      %col = arith.muli %i, %c16 : index
      %left = arith.subi %c40, %col : index
      %width = arith.minsi %left, %c16 : index
      %later = arith.cmpi ne, %i, %c0 : index
      %p = gemmini.local_address %0[0, %col] : !gemmini.buffer<1x3 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
      %q = gemmini.local_address %1[0, 0] accumulate(%later) : !gemmini.buffer<1x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
      gemmini.mvin from %a : memref<16x40xi8> at [0, %col] to %p size [16, %width] : !gemmini.local_address<scratchpad>
      gemmini.preload %p : !gemmini.local_address<scratchpad> size [16, 16] to %q : !gemmini.local_address<accumulator> size [16, 16]
      gemmini.compute_preloaded %p size [16, %width] size [16, 16] : !gemmini.local_address<scratchpad>
    }
  }
  return
}

// -----

// Of a condition the branch that is taken is left. Configuration and views stay.
// CHECK-LABEL: @branch
// CHECK: gemmini.unroll {
// CHECK-DAG: %[[VIEW:.*]] = memref.subview %a[16, 0] [16, 16] [1, 1]
// CHECK-DAG: %[[P:.*]] = gemmini.local_address
// CHECK: gemmini.config_ld {id = 0 : i32, stride = 16 : i64, block_stride = 16 : i32}
// CHECK-NEXT: gemmini.mvin from %[[VIEW]] : {{.*}} at [0, 0] to %[[P]] size [16, 16]
// CHECK-NEXT: gemmini.mvin from %[[VIEW]] : {{.*}} at [0, 0] to %[[P]] size [8, 16]
// CHECK-NEXT: }
func.func @branch(%a: memref<32x16xi8>) {
  gemmini.unroll {
    %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %c8 = arith.constant 8 : index
    %c16 = arith.constant 16 : index
    %view = memref.subview %a[16, 0] [16, 16] [1, 1] : memref<32x16xi8> to memref<16x16xi8, strided<[16, 1], offset: 256>>
    %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.config_ld {id = 0 : i32, stride = 16, block_stride = 16 : i32}
    scf.for %i = %c0 to %c2 step %c1 {
      %first = arith.cmpi eq, %i, %c0 : index
      scf.if %first {
        gemmini.mvin from %view : memref<16x16xi8, strided<[16, 1], offset: 256>> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
      } else {
        gemmini.mvin from %view : memref<16x16xi8, strided<[16, 1], offset: 256>> at [0, 0] to %p size [8, 16] : !gemmini.local_address<scratchpad>
      }
    }
  }
  return
}

// -----

// Loops elsewhere stay, and an empty loop leaves nothing.
// CHECK-LABEL: @others
// CHECK: scf.for
// CHECK: gemmini.unroll {
// CHECK-NOT: fence
// CHECK: func.return
func.func @others() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  scf.for %i = %c0 to %c2 step %c1 {
    gemmini.fence
  }
  gemmini.unroll {
    scf.for %i = %c0 to %c0 step %c1 {
      gemmini.fence
    }
  }
  return
}

// -----

// Buffers and addresses may stand outside; what is never executed may be anything.
// CHECK-LABEL: @outside
// CHECK: %[[BUFFER:.*]] = gemmini.alloc
// CHECK: gemmini.unroll {
// CHECK-NEXT: %[[ADDRESS:.*]] = gemmini.local_address %[[BUFFER]][0, 0]
// CHECK-NEXT: gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %[[ADDRESS]] size [16, 16]
// CHECK-NEXT: }
func.func @outside(%a: memref<16x16xi8>, %n: index) {
  %false = arith.constant false
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.unroll {
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
    scf.if %false {
      gemmini.mvin from %a : memref<16x16xi8> at [0, %n] to %p size [16, 16] : !gemmini.local_address<scratchpad>
      gemmini.fence
    }
  }
  return
}

// -----

// Products that share weights: the one of four rows comes first. It takes the array four cycles
// unless the next weights enter meanwhile, which takes sixteen.
// CHECK-LABEL: @short_first
// CHECK-DAG: %[[B:.*]] = gemmini.local_address %{{.*}}[0, 0] : !gemmini.buffer<1x1
// CHECK-DAG: %[[A0:.*]] = gemmini.local_address %{{.*}}[0, 0] : !gemmini.buffer<3x1 of 16x16, scratchpad>
// CHECK-DAG: %[[A1:.*]] = gemmini.local_address %{{.*}}[0, 16] : !gemmini.buffer<3x1 of 16x16, scratchpad>
// CHECK-DAG: %[[A2:.*]] = gemmini.local_address %{{.*}}[0, 32] : !gemmini.buffer<3x1 of 16x16, scratchpad>
// CHECK-DAG: %[[C0:.*]] = gemmini.local_address %{{.*}}[0, 0] : !gemmini.buffer<3x1 of 16x16, accumulator>
// CHECK-DAG: %[[C1:.*]] = gemmini.local_address %{{.*}}[0, 16] : !gemmini.buffer<3x1 of 16x16, accumulator>
// CHECK-DAG: %[[C2:.*]] = gemmini.local_address %{{.*}}[0, 32] : !gemmini.buffer<3x1 of 16x16, accumulator>
// CHECK:      gemmini.preload %[[B]] : !gemmini.local_address<scratchpad> size [16, 8] to %[[C2]] : !gemmini.local_address<accumulator> size [4, 8]
// CHECK-NEXT: gemmini.compute_preloaded %[[A2]] size [4, 16] size [4, 8] :
// CHECK-NEXT: gemmini.preload size [16, 8] to %[[C0]] : !gemmini.local_address<accumulator> size [16, 8]
// CHECK-NEXT: gemmini.compute_accumulated %[[A0]] size [16, 16] size [16, 8] :
// CHECK-NEXT: gemmini.preload size [16, 8] to %[[C1]] : !gemmini.local_address<accumulator> size [16, 8]
// CHECK-NEXT: gemmini.compute_accumulated %[[A1]] size [16, 16] size [16, 8] :
// CHECK-NEXT: }
func.func @short_first() {
  gemmini.unroll {
    %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
    %1 = gemmini.alloc {base = array<i64: 4096>} : !gemmini.buffer<3x1 of 16x16, scratchpad>
    %2 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<3x1 of 16x16, accumulator>
    %b = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %a0 = gemmini.local_address %1[0, 0] : !gemmini.buffer<3x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %c0 = gemmini.local_address %2[0, 0] : !gemmini.buffer<3x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    %a1 = gemmini.local_address %1[0, 16] : !gemmini.buffer<3x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %c1 = gemmini.local_address %2[0, 16] : !gemmini.buffer<3x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    %a2 = gemmini.local_address %1[0, 32] : !gemmini.buffer<3x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %c2 = gemmini.local_address %2[0, 32] : !gemmini.buffer<3x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    gemmini.preload %b : !gemmini.local_address<scratchpad> size [16, 8] to %c0 : !gemmini.local_address<accumulator> size [16, 8]
    gemmini.compute_preloaded %a0 size [16, 16] size [16, 8] : !gemmini.local_address<scratchpad>
    gemmini.preload size [16, 8] to %c1 : !gemmini.local_address<accumulator> size [16, 8]
    gemmini.compute_accumulated %a1 size [16, 16] size [16, 8] : !gemmini.local_address<scratchpad>
    gemmini.preload size [16, 8] to %c2 : !gemmini.local_address<accumulator> size [4, 8]
    gemmini.compute_accumulated %a2 size [4, 16] size [4, 8] : !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// Products that add to the same sums keep their order.
// CHECK-LABEL: @same_sums
// CHECK:      gemmini.compute_preloaded %{{.*}} size [16, 16]
// CHECK-NEXT: gemmini.preload
// CHECK-NEXT: gemmini.compute_accumulated %{{.*}} size [4, 16]
// CHECK-NEXT: }
func.func @same_sums() {
  gemmini.unroll {
    %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<3x1 of 16x16, scratchpad>
    %1 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<3x1 of 16x16, accumulator>
    %a = gemmini.local_address %0[0, 0] : !gemmini.buffer<3x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %b = gemmini.local_address %0[0, 16] : !gemmini.buffer<3x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    %c = gemmini.local_address %1[0, 0] : !gemmini.buffer<3x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
    gemmini.preload %b : !gemmini.local_address<scratchpad> size [16, 8] to %c : !gemmini.local_address<accumulator> size [16, 8]
    gemmini.compute_preloaded %a size [16, 16] size [16, 8] : !gemmini.local_address<scratchpad>
    gemmini.preload size [16, 8] to %c : !gemmini.local_address<accumulator> size [4, 8]
    gemmini.compute_accumulated %a size [4, 16] size [4, 8] : !gemmini.local_address<scratchpad>
  }
  return
}
