// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p gemmini-assign-schedule | filecheck %s

// CHECK: f: gemmini.matmul: transpose_resident: B must be stored transposed, and in the os dataflow A must not be; other products can do without{{$}}
func.func @f(%a: memref<20x64xi8>, %b: memref<64x40xi8>, %c: memref<20x40xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x64xi8>, memref<64x40xi8>) outs(%c : memref<20x40xi8>) {schedule = #gemmini.schedule<tile = [2, 3, 4], transpose_resident = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: transpose_resident: B must be stored transposed, and in the os dataflow A must not be; other products can do without{{$}}
func.func @f(%a: memref<64x20xi8>, %b: memref<40x64xi8>, %c: memref<20x40xi8>) {
  gemmini.matmul ins(%a, %b : memref<64x20xi8>, memref<40x64xi8>) outs(%c : memref<20x40xi8>) {transpose_a, transpose_b, schedule = #gemmini.schedule<tile = [2, 3, 4], dataflow = os, transpose_resident = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: transpose_resident: in the os dataflow the tile must hold all of A, got tile [1, 3, 4]{{$}}
func.func @f(%a: memref<20x64xi8>, %b: memref<40x64xi8>, %c: memref<20x40xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x64xi8>, memref<40x64xi8>) outs(%c : memref<20x40xi8>) {transpose_b, schedule = #gemmini.schedule<tile = [1, 3, 4], dataflow = os, transpose_resident = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: transpose_resident: in the ws dataflow the tile must hold all of B, got tile [2, 3, 2]{{$}}
func.func @f(%a: memref<20x64xi8>, %b: memref<40x64xi8>, %c: memref<20x40xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x64xi8>, memref<40x64xi8>) outs(%c : memref<20x40xi8>) {transpose_b, schedule = #gemmini.schedule<tile = [2, 3, 2], transpose_resident = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: transpose_resident: K of a product of one row must be a multiple of 16, got 72{{$}}
func.func @f(%a: memref<1x72xi8>, %b: memref<40x72xi8>, %c: memref<1x40xi8>) {
  gemmini.matmul ins(%a, %b : memref<1x72xi8>, memref<40x72xi8>) outs(%c : memref<1x40xi8>) {transpose_b, schedule = #gemmini.schedule<tile = [1, 3, 5], dataflow = os, transpose_resident = true>}
  return
}

// -----

// CHECK: f: gemmini.matmul: transpose_resident: config 'dry' cannot transpose: that takes products over all rows of the array (array_bits) and ex_write_to_spad{{$}}
module attributes {gemmini.config = #gemmini.config<"dry", ex_write_to_spad = false>} {
func.func @f(%a: memref<20x64xi8>, %b: memref<40x64xi8>, %c: memref<20x40xi8>) {
  gemmini.matmul ins(%a, %b : memref<20x64xi8>, memref<40x64xi8>) outs(%c : memref<20x40xi8>) {transpose_b, schedule = #gemmini.schedule<tile = [2, 3, 4], transpose_resident = true>}
  return
}
}
