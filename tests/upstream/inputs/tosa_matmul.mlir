// Made by the passes of torch-mlir 20261001.
module {
  func.func @tosa_matmul(%arg0: tensor<3x20x30xi8>, %arg1: tensor<3x30x40xi8>) -> tensor<3x20x40xi32> {
    %c-2_i32 = arith.constant -2 : i32
    %c3_i32 = arith.constant 3 : i32
    %c0_i32 = arith.constant 0 : i32
    %0 = tensor.empty() : tensor<3x20x40xi32>
    %1 = linalg.fill ins(%c0_i32 : i32) outs(%0 : tensor<3x20x40xi32>) -> tensor<3x20x40xi32>
    %2 = linalg.quantized_batch_matmul ins(%arg0, %arg1, %c3_i32, %c-2_i32 : tensor<3x20x30xi8>, tensor<3x30x40xi8>, i32, i32) outs(%1 : tensor<3x20x40xi32>) -> tensor<3x20x40xi32>
    return %2 : tensor<3x20x40xi32>
  }
}
