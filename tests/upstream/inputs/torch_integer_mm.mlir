// Made by the passes of torch-mlir 20261001.
#map = affine_map<(d0, d1) -> (d0, d1)>
module {
  func.func @torch_integer_mm(%arg0: tensor<20x30xi8>, %arg1: tensor<40x30xi8>) -> tensor<20x40xi32> {
    %c0_i64 = arith.constant 0 : i64
    %0 = tensor.empty() : tensor<20x30xi32>
    %1 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg0 : tensor<20x30xi8>) outs(%0 : tensor<20x30xi32>) {
    ^bb0(%in: i8, %out: i32):
      %10 = arith.extsi %in : i8 to i32
      linalg.yield %10 : i32
    } -> tensor<20x30xi32>
    %2 = tensor.empty() : tensor<40x30xi32>
    %3 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%arg1 : tensor<40x30xi8>) outs(%2 : tensor<40x30xi32>) {
    ^bb0(%in: i8, %out: i32):
      %10 = arith.extsi %in : i8 to i32
      linalg.yield %10 : i32
    } -> tensor<40x30xi32>
    %4 = tensor.empty() : tensor<30x40xi32>
    %transposed = linalg.transpose ins(%3 : tensor<40x30xi32>) outs(%4 : tensor<30x40xi32>) permutation = [1, 0] 
    %5 = tensor.empty() : tensor<20x40xi64>
    %6 = linalg.fill ins(%c0_i64 : i64) outs(%5 : tensor<20x40xi64>) -> tensor<20x40xi64>
    %7 = linalg.matmul ins(%1, %transposed : tensor<20x30xi32>, tensor<30x40xi32>) outs(%6 : tensor<20x40xi64>) -> tensor<20x40xi64>
    %8 = tensor.empty() : tensor<20x40xi32>
    %9 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%7 : tensor<20x40xi64>) outs(%8 : tensor<20x40xi32>) {
    ^bb0(%in: i64, %out: i32):
      %10 = arith.trunci %in : i64 to i32
      linalg.yield %10 : i32
    } -> tensor<20x40xi32>
    return %9 : tensor<20x40xi32>
  }
}
