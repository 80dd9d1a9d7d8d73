// RUN: gemmini-opt %s | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC

func.func @plain(%a: memref<100x200xi8>, %b: memref<200x60xi8>, %c: memref<100x60xi32>) {
  gemmini.matmul ins(%a, %b : memref<100x200xi8>, memref<200x60xi8>) outs(%c : memref<100x60xi32>)
  return
}
// CHECK-LABEL: func.func @plain
// CHECK-NEXT:    gemmini.matmul ins(%a, %b : memref<100x200xi8>, memref<200x60xi8>) outs(%c : memref<100x60xi32>){{$}}
// GENERIC-LABEL: sym_name = "plain"
// GENERIC:       "gemmini.matmul"(%a, %b, %c) <{{{.*}}scale = 1.000000e+00 : f32
