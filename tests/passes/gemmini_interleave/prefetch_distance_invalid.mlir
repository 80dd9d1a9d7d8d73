// RUN: gemmini-opt %s --verify-diagnostics -p gemmini-interleave | filecheck %s

// How many loads there are is known at run time only, so none can be the third one.
// CHECK: f: gemmini.pipeline: prefetch_distance needs loads that can be counted when compiling; leave it out{{$}}
func.func @f(%a: memref<64x16xi8>, %count: index) {
  %0 = gemmini.alloc {base = array<i64: 0, 4096>} : !gemmini.buffer<4x1 of 16x16, scratchpad, slots = 2>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  gemmini.unroll software_pipeline prefetch_distance 2 {
    gemmini.pipeline 3 prefetch {
    ^bb0(%t: index):
      scf.for %i = %c0 to %count step %c1 {
        %address = gemmini.local_address %0[0, 0] : !gemmini.buffer<4x1 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
        gemmini.mvin from %a : memref<64x16xi8> at [%i, 0] to %address size [16, 16] : !gemmini.local_address<scratchpad>
      }
    } compute {
    ^bb1(%u: index):
    } store {
    ^bb2(%v: index):
    }
  }
  return
}
