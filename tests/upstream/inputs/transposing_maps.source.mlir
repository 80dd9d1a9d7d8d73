// builtin.module(canonicalize)
func.func @transposing_maps(%a: tensor<20x30xi8>, %b: tensor<40x30xi8>) -> tensor<20x40xi32> {
  %zero = arith.constant 0 : i32
  %empty = tensor.empty() : tensor<20x40xi32>
  %init = linalg.fill ins(%zero : i32) outs(%empty : tensor<20x40xi32>) -> tensor<20x40xi32>
  %product = linalg.matmul
      indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (n, k)>, affine_map<(m, n, k) -> (m, n)>]
      ins(%a, %b : tensor<20x30xi8>, tensor<40x30xi8>) outs(%init : tensor<20x40xi32>) -> tensor<20x40xi32>
  return %product : tensor<20x40xi32>
}
