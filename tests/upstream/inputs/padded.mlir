// Made by the passes of torch-mlir 20261001.
module {
  func.func @padded(%arg0: tensor<18x29xi8>, %arg1: tensor<30x40xi8>) -> tensor<20x40xi32> {
    %c0_i32 = arith.constant 0 : i32
    %c0_i8 = arith.constant 0 : i8
    %padded = tensor.pad %arg0 low[0, 1] high[2, 0] {
    ^bb0(%arg2: index, %arg3: index):
      tensor.yield %c0_i8 : i8
    } : tensor<18x29xi8> to tensor<20x30xi8>
    %0 = tensor.empty() : tensor<20x40xi32>
    %1 = linalg.fill ins(%c0_i32 : i32) outs(%0 : tensor<20x40xi32>) -> tensor<20x40xi32>
    %2 = linalg.matmul ins(%padded, %arg1 : tensor<20x30xi8>, tensor<30x40xi8>) outs(%1 : tensor<20x40xi32>) -> tensor<20x40xi32>
    return %2 : tensor<20x40xi32>
  }
}
