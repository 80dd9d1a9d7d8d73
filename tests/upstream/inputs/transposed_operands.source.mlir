// builtin.module(func.func(linalg-morph-ops{named-to-generic},linalg-fuse-elementwise-ops,linalg-specialize-generic-ops),canonicalize)
func.func @transposed_operands(%a: tensor<30x20xi8>, %b: tensor<40x30xi8>) -> tensor<20x40xi32> {
  %zero = arith.constant 0 : i32
  %empty = tensor.empty() : tensor<20x40xi32>
  %init = linalg.fill ins(%zero : i32) outs(%empty : tensor<20x40xi32>) -> tensor<20x40xi32>
  %empty_a = tensor.empty() : tensor<20x30xi8>
  %ta = linalg.transpose ins(%a : tensor<30x20xi8>) outs(%empty_a : tensor<20x30xi8>) permutation = [1, 0]
  %empty_b = tensor.empty() : tensor<30x40xi8>
  %tb = linalg.transpose ins(%b : tensor<40x30xi8>) outs(%empty_b : tensor<30x40xi8>) permutation = [1, 0]
  %product = linalg.matmul ins(%ta, %tb : tensor<20x30xi8>, tensor<30x40xi8>) outs(%init : tensor<20x40xi32>) -> tensor<20x40xi32>
  return %product : tensor<20x40xi32>
}
