// RUN: gemmini-opt %s | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | gemmini-opt | filecheck %s

func.func @configuration() {
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
  gemmini.config_ex {dataflow = #gemmini<dataflow os>, activation = #gemmini<activation relu>, transpose_a, transpose_b, a_stride = 2 : i32, in_shift = 31 : i32}
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>, transpose_b, c_stride = 16383 : i32}
  gemmini.config_ld {id = 0 : i32, stride = 200 : i64, block_stride = 16 : i32}
  gemmini.config_ld {id = 2 : i32, stride = 0 : i64, block_stride = 16383 : i32, scale = 5.000000e-01 : f32, shrink}
  gemmini.config_st {stride = 60 : i64}
  gemmini.config_st {stride = 4294967295 : i64, scale = 1.250000e-02 : f32, activation = #gemmini<activation relu>}
  return
}
// CHECK-LABEL: func.func @configuration
// CHECK-NEXT:    gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
// CHECK-NEXT:    gemmini.config_ex {dataflow = #gemmini<dataflow os>, activation = #gemmini<activation relu>, transpose_a, transpose_b, a_stride = 2 : i32, in_shift = 31 : i32}
// CHECK-NEXT:    gemmini.config_ex {dataflow = #gemmini<dataflow ws>, transpose_b, c_stride = 16383 : i32}
// CHECK-NEXT:    gemmini.config_ld {id = 0 : i32, stride = 200 : i64, block_stride = 16 : i32}
// CHECK-NEXT:    gemmini.config_ld {id = 2 : i32, stride = 0 : i64, block_stride = 16383 : i32, scale = 5.000000e-01 : f32, shrink}
// CHECK-NEXT:    gemmini.config_st {stride = 60 : i64}
// CHECK-NEXT:    gemmini.config_st {stride = 4294967295 : i64, scale = 1.250000e-02 : f32, activation = #gemmini<activation relu>}
// CHECK-NEXT:    func.return

func.func @instructions(%A: memref<100x200xi8>, %D: memref<60xi32>, %C: memref<100x60xi8>, %S: memref<100x60xi32>, %s: index, %n: index, %acc: i1) {
  %sp = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  %ac = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  %k = arith.constant 16 : index
  %r = arith.minsi %n, %k : index
  %a = gemmini.local_address %sp[%s, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
  %b = gemmini.local_address %sp[1, %n] : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
  %c = gemmini.local_address %ac[0, 240] accumulate(%acc) : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  %d = gemmini.local_address %ac[0, 16] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  %f = gemmini.local_address %ac[0, 0] {full} : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvin from %A : memref<100x200xi8> at [%n, 64] to %a size [%r, 64] : !gemmini.local_address<scratchpad>
  gemmini.mvin2 from %D : memref<60xi32> at [0] to %d size [16, 16] : !gemmini.local_address<accumulator>
  gemmini.mvin3 to %c size [16, 16] : !gemmini.local_address<accumulator>
  gemmini.preload %b : !gemmini.local_address<scratchpad> size [16, 16] to %c : !gemmini.local_address<accumulator> size [%r, 16]
  gemmini.compute_preloaded %a size [%r, 16] size [%r, 16] : !gemmini.local_address<scratchpad>
  gemmini.preload size [16, 16] to %c : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_accumulated %a size [16, 16], %b : !gemmini.local_address<scratchpad> size [16, 16] : !gemmini.local_address<scratchpad>
  gemmini.preload size [1, 2] size [3, 4]
  gemmini.compute_accumulated %a size [5, 6] size [7, 8] : !gemmini.local_address<scratchpad>
  gemmini.mvout %d to %C[%n, 0] size [%r, 60] : !gemmini.local_address<accumulator>, memref<100x60xi8>
  gemmini.mvout %f to %S[0, 48] size [16, 12] : !gemmini.local_address<accumulator>, memref<100x60xi32>
  gemmini.flush
  gemmini.fence
  return
}
// CHECK-LABEL: func.func @instructions
// CHECK:         %a = gemmini.local_address %sp[%s, 0] : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
// CHECK-NEXT:    %b = gemmini.local_address %sp[1, %n] : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
// CHECK-NEXT:    %c = gemmini.local_address %ac[0, 240] accumulate(%acc) : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
// CHECK-NEXT:    %d = gemmini.local_address %ac[0, 16] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
// CHECK-NEXT:    %f = gemmini.local_address %ac[0, 0] {full} : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
// CHECK-NEXT:    gemmini.mvin from %A : memref<100x200xi8> at [%n, 64] to %a size [%r, 64] : !gemmini.local_address<scratchpad>
// CHECK-NEXT:    gemmini.mvin2 from %D : memref<60xi32> at [0] to %d size [16, 16] : !gemmini.local_address<accumulator>
// CHECK-NEXT:    gemmini.mvin3 to %c size [16, 16] : !gemmini.local_address<accumulator>
// CHECK-NEXT:    gemmini.preload %b : !gemmini.local_address<scratchpad> size [16, 16] to %c : !gemmini.local_address<accumulator> size [%r, 16]
// CHECK-NEXT:    gemmini.compute_preloaded %a size [%r, 16] size [%r, 16] : !gemmini.local_address<scratchpad>
// CHECK-NEXT:    gemmini.preload size [16, 16] to %c : !gemmini.local_address<accumulator> size [16, 16]
// CHECK-NEXT:    gemmini.compute_accumulated %a size [16, 16], %b : !gemmini.local_address<scratchpad> size [16, 16] : !gemmini.local_address<scratchpad>
// CHECK-NEXT:    gemmini.preload size [1, 2] size [3, 4]
// CHECK-NEXT:    gemmini.compute_accumulated %a size [5, 6] size [7, 8] : !gemmini.local_address<scratchpad>
// CHECK-NEXT:    gemmini.mvout %d to %C[%n, 0] size [%r, 60] : !gemmini.local_address<accumulator>, memref<100x60xi8>
// CHECK-NEXT:    gemmini.mvout %f to %S[0, 48] size [16, 12] : !gemmini.local_address<accumulator>, memref<100x60xi32>
// CHECK-NEXT:    gemmini.flush
// CHECK-NEXT:    gemmini.fence
// CHECK-NEXT:    func.return

func.func @loop(%A: memref<100x200xi8>, %B: memref<200x60xi8>, %D: memref<60xi32>, %C: memref<100x60xi8>, %n: index) {
  gemmini.loop_ws a %A : memref<100x200xi8> at [%n, 0] b %B : memref<200x60xi8> at [0, 0] d %D : memref<60xi32> at [0] c %C : memref<100x60xi8> at [%n, 0] tiles [4, 4, 13] pads [0, 4, 8] {strides = array<i64: 200, 60, 0, 60>, ex_accumulate, activation = #gemmini<activation relu>, a_spad_id = 1 : i32, b_spad_id = 2 : i32}
  gemmini.loop_ws a %A : memref<100x200xi8> at [0, 0] b %B : memref<200x60xi8> at [0, 0] tiles [%n, 1, 1] pads [0, 0, 0] {strides = array<i64: 200, 60, 0, 0>, full_c, low_d, transpose_a}
  gemmini.loop_ws c %C : memref<100x60xi8> at [0, 0] tiles [1, 1, 1] pads [15, 15, 15] {strides = array<i64: 0, 0, 0, 60>, transpose_b}
  return
}
// CHECK-LABEL: func.func @loop
// CHECK-NEXT:    gemmini.loop_ws a %A : memref<100x200xi8> at [%n, 0] b %B : memref<200x60xi8> at [0, 0] d %D : memref<60xi32> at [0] c %C : memref<100x60xi8> at [%n, 0] tiles [4, 4, 13] pads [0, 4, 8] {strides = array<i64: 200, 60, 0, 60>, ex_accumulate, activation = #gemmini<activation relu>, a_spad_id = 1 : i32, b_spad_id = 2 : i32}
// CHECK-NEXT:    gemmini.loop_ws a %A : memref<100x200xi8> at [0, 0] b %B : memref<200x60xi8> at [0, 0] tiles [%n, 1, 1] pads [0, 0, 0] {strides = array<i64: 200, 60, 0, 0>, full_c, low_d, transpose_a}
// CHECK-NEXT:    gemmini.loop_ws c %C : memref<100x60xi8> at [0, 0] tiles [1, 1, 1] pads [15, 15, 15] {strides = array<i64: 0, 0, 0, 60>, transpose_b}
// CHECK-NEXT:    func.return
