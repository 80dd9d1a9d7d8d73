// builtin.module(torchdynamo-export-to-torch-backend-pipeline)
// builtin.module(torch-backend-to-linalg-on-tensors-backend-pipeline)
func.func @torch_requantized_linear(%a: !torch.vtensor<[20,30],si8>, %w: !torch.vtensor<[40,30],si8>, %bias: !torch.vtensor<[40],f32>) -> !torch.vtensor<[20,40],si8> {
  %int12 = torch.constant.int 12
  %zero = torch.constant.int 0
  %one = torch.constant.int 1
  %sa = torch.constant.float 1.250000e-01
  %sw = torch.constant.float 2.500000e-01
  %so = torch.constant.float 8.000000e+00
  %qa = torch.aten._make_per_tensor_quantized_tensor %a, %sa, %zero : !torch.vtensor<[20,30],si8>, !torch.float, !torch.int -> !torch.vtensor<[20,30],!torch.qint8>
  %da = torch.aten.dequantize.self %qa : !torch.vtensor<[20,30],!torch.qint8> -> !torch.vtensor<[20,30],f32>
  %qw = torch.aten._make_per_tensor_quantized_tensor %w, %sw, %zero : !torch.vtensor<[40,30],si8>, !torch.float, !torch.int -> !torch.vtensor<[40,30],!torch.qint8>
  %dw = torch.aten.dequantize.self %qw : !torch.vtensor<[40,30],!torch.qint8> -> !torch.vtensor<[40,30],f32>
  %t = torch.aten.transpose.int %dw, %zero, %one : !torch.vtensor<[40,30],f32>, !torch.int, !torch.int -> !torch.vtensor<[30,40],f32>
  %0 = torch.aten.mm %da, %t : !torch.vtensor<[20,30],f32>, !torch.vtensor<[30,40],f32> -> !torch.vtensor<[20,40],f32>
  %1 = torch.aten.add.Tensor %0, %bias, %one : !torch.vtensor<[20,40],f32>, !torch.vtensor<[40],f32>, !torch.int -> !torch.vtensor<[20,40],f32>
  %2 = torch.aten.relu %1 : !torch.vtensor<[20,40],f32> -> !torch.vtensor<[20,40],f32>
  %3 = torch.aten.quantize_per_tensor %2, %so, %zero, %int12 : !torch.vtensor<[20,40],f32>, !torch.float, !torch.int, !torch.int -> !torch.vtensor<[20,40],!torch.qint8>
  %4 = torch.aten.int_repr %3 : !torch.vtensor<[20,40],!torch.qint8> -> !torch.vtensor<[20,40],si8>
  return %4 : !torch.vtensor<[20,40],si8>
}
