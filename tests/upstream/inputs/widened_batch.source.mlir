// builtin.module(func.func(convert-elementwise-to-linalg),canonicalize,cse)
func.func @widened_batch(%a: tensor<3x20x30xi8>, %b: tensor<3x30x40xi8>) -> tensor<3x20x40xi32> {
  %zero = arith.constant 0 : i32
  %empty = tensor.empty() : tensor<3x20x40xi32>
  %init = linalg.fill ins(%zero : i32) outs(%empty : tensor<3x20x40xi32>) -> tensor<3x20x40xi32>
  %a16 = arith.extsi %a : tensor<3x20x30xi8> to tensor<3x20x30xi16>
  %a32 = arith.extsi %a16 : tensor<3x20x30xi16> to tensor<3x20x30xi32>
  %b32 = arith.extsi %b : tensor<3x30x40xi8> to tensor<3x30x40xi32>
  %product = linalg.batch_matmul ins(%a32, %b32 : tensor<3x20x30xi32>, tensor<3x30x40xi32>) outs(%init : tensor<3x20x40xi32>) -> tensor<3x20x40xi32>
  return %product : tensor<3x20x40xi32>
}
