// builtin.module(func.func(tosa-to-linalg-named,tosa-to-linalg,tosa-to-arith),canonicalize)
func.func @tosa_matmul(%a: tensor<3x20x30xi8>, %b: tensor<3x30x40xi8>) -> tensor<3x20x40xi32> {
  %za = "tosa.const"() <{values = dense<3> : tensor<1xi8>}> : () -> tensor<1xi8>
  %zb = "tosa.const"() <{values = dense<-2> : tensor<1xi8>}> : () -> tensor<1xi8>
  %0 = tosa.matmul %a, %b, %za, %zb : (tensor<3x20x30xi8>, tensor<3x30x40xi8>, tensor<1xi8>, tensor<1xi8>) -> tensor<3x20x40xi32>
  return %0 : tensor<3x20x40xi32>
}
