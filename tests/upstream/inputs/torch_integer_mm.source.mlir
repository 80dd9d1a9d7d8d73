// builtin.module(torchdynamo-export-to-torch-backend-pipeline)
// builtin.module(torch-backend-to-linalg-on-tensors-backend-pipeline)
func.func @torch_integer_mm(%a: !torch.vtensor<[20,30],si8>, %b: !torch.vtensor<[40,30],si8>) -> !torch.vtensor<[20,40],si32> {
  %int3 = torch.constant.int 3
  %false = torch.constant.bool false
  %none = torch.constant.none
  %zero = torch.constant.int 0
  %one = torch.constant.int 1
  %x = torch.aten.to.dtype %a, %int3, %false, %false, %none : !torch.vtensor<[20,30],si8>, !torch.int, !torch.bool, !torch.bool, !torch.none -> !torch.vtensor<[20,30],si32>
  %y = torch.aten.to.dtype %b, %int3, %false, %false, %none : !torch.vtensor<[40,30],si8>, !torch.int, !torch.bool, !torch.bool, !torch.none -> !torch.vtensor<[40,30],si32>
  %t = torch.aten.transpose.int %y, %zero, %one : !torch.vtensor<[40,30],si32>, !torch.int, !torch.int -> !torch.vtensor<[30,40],si32>
  %0 = torch.aten.mm %x, %t : !torch.vtensor<[20,30],si32>, !torch.vtensor<[30,40],si32> -> !torch.vtensor<[20,40],si32>
  return %0 : !torch.vtensor<[20,40],si32>
}
