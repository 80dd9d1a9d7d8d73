// RUN: gemmini-opt %s --split-input-file -p gemmini-assign-schedule | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p 'gemmini-assign-schedule{unroll=false}' | filecheck %s --check-prefix=LOOPS

// A product that fits an instruction cache is unrolled, as one tile if that fits: 2 x 3 x 4 blocks.
// CHECK-LABEL: @small
// CHECK: #gemmini.schedule<tile = [2, 3, 4], {{.*}}placement = interleaved, unroll = true>
// LOOPS-LABEL: @small
// LOOPS: #gemmini.schedule<tile =
// LOOPS-NOT: unroll
// LOOPS: return
func.func @small(%a: memref<30x64xi8>, %b: memref<64x40xi8>, %c: memref<30x40xi8>) {
  gemmini.matmul ins(%a, %b : memref<30x64xi8>, memref<64x40xi8>) outs(%c : memref<30x40xi8>)
  return
}

// -----

// One that is long in M or N only runs in a loop over strips that are unrolled, LOOP_WS being slower.
// CHECK-LABEL: @tall
// CHECK: unroll = true, software_pipeline = true>
// CHECK: return
func.func @tall(%a: memref<1024x64xi8>, %b: memref<64x64xi8>, %c: memref<1024x64xi8>) {
  gemmini.matmul ins(%a, %b : memref<1024x64xi8>, memref<64x64xi8>) outs(%c : memref<1024x64xi8>)
  return
}

// -----

// Strips of a larger one do not fit an instruction cache: it runs on LOOP_WS or in loops, which
// nothing but time decides.
// CHECK-LABEL: @large
// CHECK: #gemmini.schedule<tile =
// CHECK-NOT: unroll
// CHECK: return
func.func @large(%a: memref<512x512xi8>, %b: memref<512x512xi8>, %c: memref<512x512xi8>) {
  gemmini.matmul ins(%a, %b : memref<512x512xi8>, memref<512x512xi8>) outs(%c : memref<512x512xi8>)
  return
}

// -----

// Without LOOP_WS a larger one stays in loops.
// CHECK-LABEL: @no_state_machine
// CHECK: #gemmini.schedule<tile =
// CHECK-NOT: unroll
// CHECK-NOT: loop_ws
// CHECK: return
module attributes {gemmini.config = #gemmini.config<"mine", has_loop_ws = false>} {
  func.func @no_state_machine(%a: memref<256x256xi8>, %b: memref<256x64xi8>, %c: memref<256x64xi8>) {
    gemmini.matmul ins(%a, %b : memref<256x256xi8>, memref<256x64xi8>) outs(%c : memref<256x64xi8>)
    return
  }
}
