// Made by the passes of torch-mlir 20261001.
#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1) -> (d1)>
module {
  func.func @torch_requantized_linear(%arg0: tensor<20x30xi8>, %arg1: tensor<40x30xi8>, %arg2: tensor<40xf32>) -> tensor<20x40xi8> {
    %c0_i32 = arith.constant 0 : i32
    %cst = arith.constant 0.000000e+00 : f32
    %cst_0 = arith.constant -1.280000e+02 : f32
    %cst_1 = arith.constant 1.270000e+02 : f32
    %cst_2 = arith.constant 3.125000e-02 : f32
    %cst_3 = arith.constant 8.000000e+00 : f32
    %0 = tensor.empty() : tensor<30x40xi8>
    %transposed = linalg.transpose ins(%arg1 : tensor<40x30xi8>) outs(%0 : tensor<30x40xi8>) permutation = [1, 0] 
    %1 = tensor.empty() : tensor<20x40xi32>
    %2 = linalg.fill ins(%c0_i32 : i32) outs(%1 : tensor<20x40xi32>) -> tensor<20x40xi32>
    %3 = linalg.quantized_matmul ins(%arg0, %transposed, %c0_i32, %c0_i32 : tensor<20x30xi8>, tensor<30x40xi8>, i32, i32) outs(%2 : tensor<20x40xi32>) -> tensor<20x40xi32>
    %4 = tensor.empty() : tensor<20x40xf32>
    %5 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%3 : tensor<20x40xi32>) outs(%4 : tensor<20x40xf32>) {
    ^bb0(%in: i32, %out: f32):
      %10 = arith.sitofp %in : i32 to f32
      %11 = arith.mulf %10, %cst_2 : f32
      linalg.yield %11 : f32
    } -> tensor<20x40xf32>
    %6 = linalg.generic {indexing_maps = [#map, #map1, #map], iterator_types = ["parallel", "parallel"]} ins(%5, %arg2 : tensor<20x40xf32>, tensor<40xf32>) outs(%4 : tensor<20x40xf32>) {
    ^bb0(%in: f32, %in_4: f32, %out: f32):
      %10 = arith.addf %in, %in_4 : f32
      linalg.yield %10 : f32
    } -> tensor<20x40xf32>
    %7 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%6 : tensor<20x40xf32>) outs(%4 : tensor<20x40xf32>) {
    ^bb0(%in: f32, %out: f32):
      %10 = arith.cmpf ugt, %in, %cst : f32
      %11 = arith.select %10, %in, %cst : f32
      linalg.yield %11 : f32
    } -> tensor<20x40xf32>
    %8 = tensor.empty() : tensor<20x40xi8>
    %9 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%7 : tensor<20x40xf32>) outs(%8 : tensor<20x40xi8>) {
    ^bb0(%in: f32, %out: i8):
      %10 = arith.divf %in, %cst_3 : f32
      %11 = math.roundeven %10 : f32
      %12 = arith.addf %11, %cst : f32
      %13 = arith.maximumf %12, %cst_0 : f32
      %14 = arith.minimumf %13, %cst_1 : f32
      %15 = arith.fptosi %14 : f32 to i8
      linalg.yield %15 : i8
    } -> tensor<20x40xi8>
    return %9 : tensor<20x40xi8>
  }
}
