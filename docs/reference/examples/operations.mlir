func.func @level_1(%A: memref<100x200xi8>, %B: memref<200x60xi8>, %bias: memref<60xi32>,
                   %C: memref<100x60xi8>) {
  gemmini.matmul ins(%A, %B : memref<100x200xi8>, memref<200x60xi8>) bias(%bias : memref<60xi32>)
    outs(%C : memref<100x60xi8>) {
      scale = 1.250000e-02 : f32, activation = #gemmini<activation relu>,
      schedule = #gemmini.schedule<tile = [4, 4, 13], double_buffer = ["a", "b"]>}
  func.return
}

func.func @level_2(%A: memref<64x64xi8>, %B: memref<64x64xi8>, %C: memref<64x64xi32>, %slot: index) {
  %a = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  %b = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  %c = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.load %A[0, 0] to %a[%slot] size [64, 64] {id = 0 : i32}
    : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  gemmini.load %B[0, 0] to %b[0] size [64, 64] {id = 1 : i32}
    : memref<64x64xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.tile_matmul %a[%slot], %b[0] to %c[0] size [64, 64, 64]
    : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>,
      !gemmini.buffer<4x4 of 16x16, scratchpad>, !gemmini.buffer<4x4 of 16x16, accumulator>
  gemmini.store %c[0] to %C[0, 0] size [64, 64]
    : !gemmini.buffer<4x4 of 16x16, accumulator>, memref<64x64xi32>
  func.return
}

func.func @transposed(%B: memref<100x64xi8>, %identity: memref<16x16xi8>) {
  %b = gemmini.alloc : !gemmini.buffer<4x7 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %staging = gemmini.alloc : !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 3>
  gemmini.load %identity[0, 0] to %factor[0] size [16, 16] {id = 1 : i32}
    : memref<16x16xi8>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.load_transposed %B to %b by %factor through %staging {cols = 64 : i32, id = 1 : i32}
    : memref<100x64xi8>, !gemmini.buffer<4x7 of 16x16, scratchpad>,
      !gemmini.buffer<1x1 of 16x16, scratchpad>,
      !gemmini.buffer<1x4 of 16x16, scratchpad, slots = 3>
  func.return
}

func.func @unpacked(%B: memref<16x16xi8>, %selector: memref<16x16xi8>) {
  %packed = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %b = gemmini.alloc : !gemmini.buffer<4x1 of 16x16, scratchpad>
  %factor = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.load %B[0, 0] to %packed[0] size [16, 16] {id = 1 : i32}
    : memref<16x16xi8>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.load %selector[0, 0] to %factor[0] size [16, 16] {id = 1 : i32}
    : memref<16x16xi8>, !gemmini.buffer<1x1 of 16x16, scratchpad>
  gemmini.unpack %packed to %b by %factor {rows = 64 : i32, cols = 4 : i32}
    : !gemmini.buffer<1x1 of 16x16, scratchpad>, !gemmini.buffer<4x1 of 16x16, scratchpad>,
      !gemmini.buffer<1x1 of 16x16, scratchpad>
  func.return
}

func.func @overlapped(%A: memref<100x200xi8>) {
  %a = gemmini.alloc : !gemmini.buffer<4x4 of 16x16, scratchpad>
  gemmini.pipeline 3 prefetch {
  ^bb0(%next: index):
    gemmini.load %A[%next, 0] to %a[0] size [16, 16]
      : memref<100x200xi8>, !gemmini.buffer<4x4 of 16x16, scratchpad>
  } compute {
  ^bb1(%current: index):
  } store {
  ^bb2(%last: index):
  }
  func.return
}

func.func @state_machine_tile(%A: memref<64x64xi8>, %B: memref<64x64xi8>, %C: memref<64x64xi8>) {
  gemmini.loop_tile %A[0, 0], %B[0, 0] to %C : memref<64x64xi8> at [0, 0] size [64, 64, 64]
    {scale = 5.000000e-01 : f32} : memref<64x64xi8>, memref<64x64xi8>
  func.return
}

func.func @level_3(%A: memref<16x16xi8>, %B: memref<16x16xi8>, %D: memref<16xi32>,
                   %C: memref<16x16xi8>, %S: memref<16x16xi32>) {
  %buffer = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %sums = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, accumulator>
  %a = gemmini.local_address %buffer[0, 0]
    : !gemmini.buffer<2x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %b = gemmini.local_address %buffer[0, 16]
    : !gemmini.buffer<2x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %c = gemmini.local_address %sums[0, 0]
    : !gemmini.buffer<1x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
  gemmini.config_ld {id = 0 : i32, stride = 16 : i64, block_stride = 16 : i32}
  gemmini.config_ld {id = 1 : i32, stride = 16 : i64, block_stride = 16 : i32}
  gemmini.config_ld {id = 2 : i32, stride = 0 : i64, block_stride = 16 : i32}
  gemmini.config_st {stride = 16 : i64, scale = 1.250000e-02 : f32}
  gemmini.mvin from %A : memref<16x16xi8> at [0, 0] to %a size [16, 16]
    : !gemmini.local_address<scratchpad>
  gemmini.mvin2 from %B : memref<16x16xi8> at [0, 0] to %b size [16, 16]
    : !gemmini.local_address<scratchpad>
  gemmini.mvin3 from %D : memref<16xi32> at [0] to %c size [16, 16]
    : !gemmini.local_address<accumulator>
  gemmini.preload %b : !gemmini.local_address<scratchpad> size [16, 16]
    to %c : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_preloaded %a size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  gemmini.preload size [16, 16] to %c : !gemmini.local_address<accumulator> size [16, 16]
  gemmini.compute_accumulated %a size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  gemmini.mvout %c to %C[0, 0] size [16, 16]
    : !gemmini.local_address<accumulator>, memref<16x16xi8>
  gemmini.flush
  gemmini.fence
  func.return
}

func.func @level_3_state_machine(%A: memref<64x64xi8>, %B: memref<64x64xi8>, %C: memref<64x64xi8>) {
  gemmini.loop_ws a %A : memref<64x64xi8> at [0, 0] b %B : memref<64x64xi8> at [0, 0]
    c %C : memref<64x64xi8> at [0, 0] tiles [4, 4, 4] pads [0, 0, 0]
    {strides = array<i64: 64, 64, 0, 64>}
  func.return
}

func.func @unrolled(%A: memref<32x16xi8>) {
  gemmini.config_ld {id = 0 : i32, stride = 16 : i64, block_stride = 16 : i32}
  gemmini.unroll {
    %buffer = gemmini.alloc {placement = #gemmini<placement interleaved>}
      : !gemmini.buffer<2x1 of 16x16, scratchpad>
    %zero = arith.constant 0 : index
    %one = arith.constant 1 : index
    %two = arith.constant 2 : index
    scf.for %block = %zero to %two step %one {
      %dim = arith.constant 16 : index
      %row = arith.muli %block, %dim : index
      %a = gemmini.local_address %buffer[0, %row]
        : !gemmini.buffer<2x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
      gemmini.mvin from %A : memref<32x16xi8> at [%row, 0] to %a size [16, 16]
        : !gemmini.local_address<scratchpad>
    }
  }
  func.return
}

func.func @level_4(%rs1: i64, %rs2: i64) {
  %base = rocc.anchor %rs1
  rocc.command 2, %base, %rs2 {mnemonic = "mvin"}
  rocc.fence
  func.return
}
