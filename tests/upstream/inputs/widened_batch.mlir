// Made by the passes of torch-mlir 20261001.
#map = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
module {
  func.func @widened_batch(%arg0: tensor<3x20x30xi8>, %arg1: tensor<3x30x40xi8>) -> tensor<3x20x40xi32> {
    %c0_i32 = arith.constant 0 : i32
    %0 = tensor.empty() : tensor<3x20x40xi32>
    %1 = linalg.fill ins(%c0_i32 : i32) outs(%0 : tensor<3x20x40xi32>) -> tensor<3x20x40xi32>
    %2 = tensor.empty() : tensor<3x20x30xi32>
    %3 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg0 : tensor<3x20x30xi8>) outs(%2 : tensor<3x20x30xi32>) {
    ^bb0(%in: i8, %out: i32):
      %7 = arith.extsi %in : i8 to i32
      linalg.yield %7 : i32
    } -> tensor<3x20x30xi32>
    %4 = tensor.empty() : tensor<3x30x40xi32>
    %5 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel", "parallel"]} ins(%arg1 : tensor<3x30x40xi8>) outs(%4 : tensor<3x30x40xi32>) {
    ^bb0(%in: i8, %out: i32):
      %7 = arith.extsi %in : i8 to i32
      linalg.yield %7 : i32
    } -> tensor<3x30x40xi32>
    %6 = linalg.batch_matmul ins(%3, %5 : tensor<3x20x30xi32>, tensor<3x30x40xi32>) outs(%1 : tensor<3x20x40xi32>) -> tensor<3x20x40xi32>
    return %6 : tensor<3x20x40xi32>
  }
}
