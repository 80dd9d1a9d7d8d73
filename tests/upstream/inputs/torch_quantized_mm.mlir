// Made by the passes of torch-mlir 20261001.
#map = affine_map<(d0, d1) -> (d0, d1)>
module {
  func.func @torch_quantized_mm(%arg0: tensor<20x30xi8>, %arg1: tensor<30x40xi8>) -> tensor<20x40xf32> {
    %c0_i32 = arith.constant 0 : i32
    %c3_i32 = arith.constant 3 : i32
    %c-2_i32 = arith.constant -2 : i32
    %cst = arith.constant 3.125000e-02 : f32
    %0 = tensor.empty() : tensor<20x40xi32>
    %1 = linalg.fill ins(%c0_i32 : i32) outs(%0 : tensor<20x40xi32>) -> tensor<20x40xi32>
    %2 = linalg.quantized_matmul ins(%arg0, %arg1, %c3_i32, %c-2_i32 : tensor<20x30xi8>, tensor<30x40xi8>, i32, i32) outs(%1 : tensor<20x40xi32>) -> tensor<20x40xi32>
    %3 = tensor.empty() : tensor<20x40xf32>
    %4 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%2 : tensor<20x40xi32>) outs(%3 : tensor<20x40xf32>) {
    ^bb0(%in: i32, %out: f32):
      %5 = arith.sitofp %in : i32 to f32
      %6 = arith.mulf %5, %cst : f32
      linalg.yield %6 : f32
    } -> tensor<20x40xf32>
    return %4 : tensor<20x40xf32>
  }
}
