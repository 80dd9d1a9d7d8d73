// Made by the passes of torch-mlir 20261001.
#map = affine_map<(d0, d1) -> (d0, d1)>
module {
  func.func @elementwise_epilogue(%arg0: tensor<20x30xi8>, %arg1: tensor<30x40xi8>, %arg2: tensor<40xi32>) -> tensor<20x40xi8> {
    %c0_i32 = arith.constant 0 : i32
    %cst = arith.constant dense<-1.280000e+02> : tensor<20x40xf32>
    %cst_0 = arith.constant dense<1.270000e+02> : tensor<20x40xf32>
    %cst_1 = arith.constant dense<1.562500e-02> : tensor<20x40xf32>
    %0 = tensor.empty() : tensor<20x40xi32>
    %1 = linalg.fill ins(%c0_i32 : i32) outs(%0 : tensor<20x40xi32>) -> tensor<20x40xi32>
    %2 = linalg.matmul ins(%arg0, %arg1 : tensor<20x30xi8>, tensor<30x40xi8>) outs(%1 : tensor<20x40xi32>) -> tensor<20x40xi32>
    %broadcasted = linalg.broadcast ins(%arg2 : tensor<40xi32>) outs(%0 : tensor<20x40xi32>) dimensions = [0] 
    %3 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]} ins(%2, %broadcasted : tensor<20x40xi32>, tensor<20x40xi32>) outs(%2 : tensor<20x40xi32>) {
    ^bb0(%in: i32, %in_2: i32, %out: i32):
      %12 = arith.addi %in, %in_2 : i32
      linalg.yield %12 : i32
    } -> tensor<20x40xi32>
    %4 = tensor.empty() : tensor<20x40xf32>
    %5 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%3 : tensor<20x40xi32>) outs(%4 : tensor<20x40xf32>) {
    ^bb0(%in: i32, %out: f32):
      %12 = arith.sitofp %in : i32 to f32
      linalg.yield %12 : f32
    } -> tensor<20x40xf32>
    %6 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]} ins(%5, %cst_1 : tensor<20x40xf32>, tensor<20x40xf32>) outs(%5 : tensor<20x40xf32>) {
    ^bb0(%in: f32, %in_2: f32, %out: f32):
      %12 = arith.mulf %in, %in_2 : f32
      linalg.yield %12 : f32
    } -> tensor<20x40xf32>
    %7 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%6 : tensor<20x40xf32>) outs(%6 : tensor<20x40xf32>) {
    ^bb0(%in: f32, %out: f32):
      %12 = math.roundeven %in : f32
      linalg.yield %12 : f32
    } -> tensor<20x40xf32>
    %8 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]} ins(%7, %cst_0 : tensor<20x40xf32>, tensor<20x40xf32>) outs(%7 : tensor<20x40xf32>) {
    ^bb0(%in: f32, %in_2: f32, %out: f32):
      %12 = arith.minimumf %in, %in_2 : f32
      linalg.yield %12 : f32
    } -> tensor<20x40xf32>
    %9 = linalg.generic {indexing_maps = [#map, #map, #map], iterator_types = ["parallel", "parallel"]} ins(%8, %cst : tensor<20x40xf32>, tensor<20x40xf32>) outs(%8 : tensor<20x40xf32>) {
    ^bb0(%in: f32, %in_2: f32, %out: f32):
      %12 = arith.maximumf %in, %in_2 : f32
      linalg.yield %12 : f32
    } -> tensor<20x40xf32>
    %10 = tensor.empty() : tensor<20x40xi8>
    %11 = linalg.generic {indexing_maps = [#map, #map], iterator_types = ["parallel", "parallel"]} ins(%9 : tensor<20x40xf32>) outs(%10 : tensor<20x40xi8>) {
    ^bb0(%in: f32, %out: i8):
      %12 = arith.fptosi %in : f32 to i8
      linalg.yield %12 : i8
    } -> tensor<20x40xi8>
    return %11 : tensor<20x40xi8>
  }
}
