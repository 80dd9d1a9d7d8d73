// RUN: gemmini-opt %s | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | gemmini-opt | filecheck %s

"test.op"() {
  a = #gemmini<activation none>, b = #gemmini<activation relu>,
  c = #gemmini<dataflow ws>, d = #gemmini<dataflow os>,
  e = #gemmini<space scratchpad>, f = #gemmini<space accumulator>,
  g = #gemmini<placement banked>, h = #gemmini<placement packed>,
  i = !gemmini.buffer<4x13 of 16x8, scratchpad>,
  j = !gemmini.buffer<1x1 of 1x1, accumulator, slots = 2>,
  k = !gemmini.local_address<scratchpad>, l = !gemmini.local_address<accumulator>
} : () -> ()

// CHECK:      a = #gemmini<activation none>, b = #gemmini<activation relu>,
// CHECK-SAME: c = #gemmini<dataflow ws>, d = #gemmini<dataflow os>,
// CHECK-SAME: e = #gemmini<space scratchpad>, f = #gemmini<space accumulator>,
// CHECK-SAME: g = #gemmini<placement banked>, h = #gemmini<placement packed>,
// CHECK-SAME: i = !gemmini.buffer<4x13 of 16x8, scratchpad>,
// CHECK-SAME: j = !gemmini.buffer<1x1 of 1x1, accumulator, slots = 2>,
// CHECK-SAME: k = !gemmini.local_address<scratchpad>, l = !gemmini.local_address<accumulator>
