// builtin.module(func.func(convert-elementwise-to-linalg),canonicalize,cse)
func.func @elementwise_epilogue(%a: tensor<20x30xi8>, %b: tensor<30x40xi8>, %bias: tensor<40xi32>) -> tensor<20x40xi8> {
  %zero = arith.constant 0 : i32
  %low = arith.constant dense<-1.280000e+02> : tensor<20x40xf32>
  %high = arith.constant dense<1.270000e+02> : tensor<20x40xf32>
  %scale = arith.constant dense<1.562500e-02> : tensor<20x40xf32>
  %empty = tensor.empty() : tensor<20x40xi32>
  %init = linalg.fill ins(%zero : i32) outs(%empty : tensor<20x40xi32>) -> tensor<20x40xi32>
  %product = linalg.matmul ins(%a, %b : tensor<20x30xi8>, tensor<30x40xi8>) outs(%init : tensor<20x40xi32>) -> tensor<20x40xi32>
  %rows = linalg.broadcast ins(%bias : tensor<40xi32>) outs(%empty : tensor<20x40xi32>) dimensions = [0]
  %sum = arith.addi %product, %rows : tensor<20x40xi32>
  %float = arith.sitofp %sum : tensor<20x40xi32> to tensor<20x40xf32>
  %scaled = arith.mulf %float, %scale : tensor<20x40xf32>
  %rounded = math.roundeven %scaled : tensor<20x40xf32>
  %below = arith.minimumf %rounded, %high : tensor<20x40xf32>
  %clipped = arith.maximumf %below, %low : tensor<20x40xf32>
  %result = arith.fptosi %clipped : tensor<20x40xf32> to tensor<20x40xi8>
  return %result : tensor<20x40xi8>
}
