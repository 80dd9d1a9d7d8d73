// Made by the passes of torch-mlir 20261001.
#map = affine_map<(d0, d1) -> (d0, d1)>
#map1 = affine_map<(d0, d1, d2) -> (d0, d2)>
#map2 = affine_map<(d0, d1, d2) -> (d2, d1)>
#map3 = affine_map<(d0, d1, d2) -> (d0, d1)>
#map4 = affine_map<(d0, d1) -> (d1)>
module {
  func.func @fused_epilogue(%arg0: tensor<20x30xi8>, %arg1: tensor<30x40xi8>, %arg2: tensor<40xi32>) -> tensor<20x40xi8> {
    %cst = arith.constant -1.280000e+02 : f32
    %cst_0 = arith.constant 1.270000e+02 : f32
    %cst_1 = arith.constant 1.562500e-02 : f32
    %c0_i32 = arith.constant 0 : i32
    %0 = tensor.empty() : tensor<20x40xi32>
    %1 = linalg.generic {indexing_maps = [#map], iterator_types = ["parallel", "parallel"]} outs(%0 : tensor<20x40xi32>) {
    ^bb0(%out: i32):
      linalg.yield %c0_i32 : i32
    } -> tensor<20x40xi32>
    %2 = linalg.generic {indexing_maps = [#map1, #map2, #map3], iterator_types = ["parallel", "parallel", "reduction"]} ins(%arg0, %arg1 : tensor<20x30xi8>, tensor<30x40xi8>) outs(%1 : tensor<20x40xi32>) {
    ^bb0(%in: i8, %in_2: i8, %out: i32):
      %5 = arith.extsi %in : i8 to i32
      %6 = arith.extsi %in_2 : i8 to i32
      %7 = arith.muli %5, %6 : i32
      %8 = arith.addi %out, %7 : i32
      linalg.yield %8 : i32
    } -> tensor<20x40xi32>
    %3 = tensor.empty() : tensor<20x40xi8>
    %4 = linalg.generic {indexing_maps = [#map, #map4, #map], iterator_types = ["parallel", "parallel"]} ins(%2, %arg2 : tensor<20x40xi32>, tensor<40xi32>) outs(%3 : tensor<20x40xi8>) {
    ^bb0(%in: i32, %in_2: i32, %out: i8):
      %5 = arith.addi %in, %in_2 : i32
      %6 = arith.sitofp %5 : i32 to f32
      %7 = arith.mulf %6, %cst_1 : f32
      %8 = math.roundeven %7 : f32
      %9 = arith.minimumf %8, %cst_0 : f32
      %10 = arith.maximumf %9, %cst : f32
      %11 = arith.fptosi %10 : f32 to i8
      linalg.yield %11 : i8
    } -> tensor<20x40xi8>
    return %4 : tensor<20x40xi8>
  }
}
