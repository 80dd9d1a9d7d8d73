// builtin.module(canonicalize)
func.func @padded(%a: tensor<18x29xi8>, %b: tensor<30x40xi8>) -> tensor<20x40xi32> {
  %zero = arith.constant 0 : i32
  %fill = arith.constant 0 : i8
  %larger = tensor.pad %a low[0, 1] high[2, 0] {
  ^bb0(%i: index, %j: index):
    tensor.yield %fill : i8
  } : tensor<18x29xi8> to tensor<20x30xi8>
  %empty = tensor.empty() : tensor<20x40xi32>
  %init = linalg.fill ins(%zero : i32) outs(%empty : tensor<20x40xi32>) -> tensor<20x40xi32>
  %product = linalg.matmul ins(%larger, %b : tensor<20x30xi8>, tensor<30x40xi8>) outs(%init : tensor<20x40xi32>) -> tensor<20x40xi32>
  return %product : tensor<20x40xi32>
}
