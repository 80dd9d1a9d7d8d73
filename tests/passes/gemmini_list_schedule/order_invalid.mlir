// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p gemmini-list-schedule | filecheck %s

// CHECK: f: scf.for: has a region inside gemmini.unroll; run gemmini-unroll first{{$}}
func.func @f() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  gemmini.unroll {
    scf.for %i = %c0 to %c1 step %c1 {
    }
  }
  return
}

// -----

// CHECK: f: gemmini.local_address: the buffer has no rows yet; run gemmini-allocate first{{$}}
func.func @f(%a: memref<16x16xi8>) {
  gemmini.unroll {
    %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
    %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// CHECK: f: gemmini.mvin: has sizes or offsets known at run time only; run gemmini-unroll first{{$}}
func.func @f(%a: memref<16x16xi8>, %n: index) {
  gemmini.unroll {
    %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
    %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<16x16xi8> at [0, %n] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// CHECK: f: gemmini.local_address: has a slot or a row known at run time only; run gemmini-unroll first{{$}}
func.func @f(%a: memref<16x16xi8>, %n: index) {
  gemmini.unroll {
    %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
    %p = gemmini.local_address %0[0, %n] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// CHECK: f: gemmini.compute_preloaded: must follow the gemmini.preload that it belongs to{{$}}
func.func @f(%a: memref<16x16xi8>) {
  gemmini.unroll {
    %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
    %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.compute_preloaded %p size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// CHECK: f: gemmini.fence: cannot be ordered in gemmini.unroll{{$}}
func.func @f() {
  gemmini.unroll {
    gemmini.fence
  }
  return
}

// -----

// CHECK: f: gemmini.compute_accumulated: uses weights of a product that does not stand before it{{$}}
func.func @f(%a: memref<16x16xi8>) {
  gemmini.unroll {
    %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
    %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.preload size [16, 16] size [16, 16]
    gemmini.compute_accumulated %p size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// CHECK: a local address must come from gemmini.local_address to be ordered by{{$}}
func.func @f(%a: memref<16x16xi8>, %p: !gemmini.local_address<scratchpad>) {
  gemmini.unroll {
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}
