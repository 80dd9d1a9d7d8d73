// Made by the passes of torch-mlir 20261001.
module {
  func.func @bufferized(%arg0: memref<20x30xi8>, %arg1: memref<30x40xi8>, %arg2: memref<20x40xi32>) -> memref<20x40xi32> {
    %c0_i32 = arith.constant 0 : i32
    linalg.fill ins(%c0_i32 : i32) outs(%arg2 : memref<20x40xi32>)
    linalg.matmul ins(%arg0, %arg1 : memref<20x30xi8>, memref<30x40xi8>) outs(%arg2 : memref<20x40xi32>)
    return %arg2 : memref<20x40xi32>
  }
}
