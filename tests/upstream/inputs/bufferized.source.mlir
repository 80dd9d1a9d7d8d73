// builtin.module(one-shot-bufferize{bufferize-function-boundaries function-boundary-type-conversion=identity-layout-map},drop-equivalent-buffer-results,canonicalize)
func.func @bufferized(%a: tensor<20x30xi8>, %b: tensor<30x40xi8>, %c: tensor<20x40xi32>) -> tensor<20x40xi32> {
  %zero = arith.constant 0 : i32
  %init = linalg.fill ins(%zero : i32) outs(%c : tensor<20x40xi32>) -> tensor<20x40xi32>
  %product = linalg.matmul ins(%a, %b : tensor<20x30xi8>, tensor<30x40xi8>) outs(%init : tensor<20x40xi32>) -> tensor<20x40xi32>
  return %product : tensor<20x40xi32>
}
