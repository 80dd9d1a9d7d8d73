// builtin.module(torchdynamo-export-to-torch-backend-pipeline)
// builtin.module(torch-backend-to-linalg-on-tensors-backend-pipeline)
func.func @torch_quantized_mm(%a: !torch.vtensor<[20,30],si8>, %b: !torch.vtensor<[30,40],si8>) -> !torch.vtensor<[20,40],f32> {
  %za = torch.constant.int 3
  %zb = torch.constant.int -2
  %sa = torch.constant.float 1.250000e-01
  %sb = torch.constant.float 2.500000e-01
  %qa = torch.aten._make_per_tensor_quantized_tensor %a, %sa, %za : !torch.vtensor<[20,30],si8>, !torch.float, !torch.int -> !torch.vtensor<[20,30],!torch.qint8>
  %da = torch.aten.dequantize.self %qa : !torch.vtensor<[20,30],!torch.qint8> -> !torch.vtensor<[20,30],f32>
  %qb = torch.aten._make_per_tensor_quantized_tensor %b, %sb, %zb : !torch.vtensor<[30,40],si8>, !torch.float, !torch.int -> !torch.vtensor<[30,40],!torch.qint8>
  %db = torch.aten.dequantize.self %qb : !torch.vtensor<[30,40],!torch.qint8> -> !torch.vtensor<[30,40],f32>
  %0 = torch.aten.mm %da, %db : !torch.vtensor<[20,30],f32>, !torch.vtensor<[30,40],f32> -> !torch.vtensor<[20,40],f32>
  return %0 : !torch.vtensor<[20,40],f32>
}
