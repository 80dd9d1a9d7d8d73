// RUN: gemmini-opt %s -p gemmini-legalize-requantization --verify-diagnostics --split-input-file | filecheck %s

builtin.module attributes {gemmini.config = #gemmini.config<"lean">} {
  func.func @f(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi32>) {
    gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi32>)
    func.return
  }
}
// CHECK: f: gemmini.matmul: config 'lean' cannot store i32 results (acc_read_full_width = false); requantise to int8 by a float32 scale without an output zero point, or allow requantization=fast

// -----

builtin.module {
  func.func @g(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi8>) {
    gemmini.matmul ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi8>) {scale = 0x7F800000 : f32}
    func.return
  }
}
// CHECK: g: gemmini.matmul: scale must be finite, got inf
