// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p gemmini-outline-body | filecheck %s

// CHECK: f: gemmini.alloc: the buffer has no rows yet, so that two functions cannot share it; run gemmini-allocate first{{$}}
func.func @f(%a: memref<16x16xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  scf.for %i = %c0 to %c1 step %c1 {
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  }
  gemmini.fence
  return
}
