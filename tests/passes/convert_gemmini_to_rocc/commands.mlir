// RUN: gemmini-opt %s --split-input-file -p convert-gemmini-to-rocc | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p convert-gemmini-to-rocc | gemmini-opt --split-input-file | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p convert-gemmini-to-rocc -t gemmini-commands | filecheck %s --check-prefix=WORDS

// Operands worked out from the ISA reference, sections 3 to 6 and 8.
// CONFIG_EX: rs1 = 1.0f in [63:32], a_stride 1 in [31:16], ReLU 1 in [4:3], ws 1 in [2], transposed A in [8];
//            rs2 = c_stride 1 in [63:48].
// CONFIG_LD: rs1 = 1.0f in [63:32], block stride 16 in [31:16], pixel repeats 1 in [15:8], id 2 in [4:3], 1; rs2 = 208.
// CONFIG_ST: rs1 = ReLU 1 in [3:2], 2; rs2 = 0.5f in [63:32], stride 80.
// CHECK-LABEL: @configuration
// CHECK-COUNT-3: rocc.command 0, %{{.*}}, %{{.*}} {mnemonic = "config"}
// CHECK: rocc.command 7, %{{.*}}, %{{.*}} {mnemonic = "flush"}
// CHECK-NEXT: rocc.fence
// WORDS: 0x00 0x3f8000000001010c 0x0001000000000000 ; config
// WORDS-NEXT: 0x00 0x3f80000000100111 0x00000000000000d0 ; config
// WORDS-NEXT: 0x00 0x0000000000000006 0x3f00000000000050 ; config
// WORDS-NEXT: 0x07 0x0000000000000000 0x0000000000000000 ; flush
// WORDS-NEXT: fence
func.func @configuration() {
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>, activation = #gemmini<activation relu>, transpose_a}
  gemmini.config_ld {id = 2 : i32, stride = 208, block_stride = 16 : i32}
  gemmini.config_st {stride = 80, scale = 0.5 : f32, activation = #gemmini<activation relu>}
  gemmini.flush
  gemmini.fence
  return
}

// -----

// %a lies at 0x80000000 and has rows of 100 bytes: element [3, 5] is 305 = 0x131 bytes on.
// %c lies on the next cache line after 2000 bytes, at 0x80000800, with rows of 80 bytes:
// element [2, 1] is 164 = 0xa4 bytes on.
// Slot 1 of the scratchpad buffer begins at row 4096 = 0x1000, its row 32 is 0x1020. The
// accumulator slot begins at row 512 = 0x200, row 16 is 0x210; bit 31: accumulator, 30: add,
// 29: raw sums. Rows are in [63:48], columns in [47:32].
// CHECK-LABEL: @operands
// WORDS: 0x02 0x0000000080000131 0x0007003c00001020 ; mvin
// WORDS-NEXT: 0x0e 0x0000000000000000 0x0010001080000210 ; mvin3
// WORDS-NEXT: 0x06 0x0010000c00001020 0x0007000cc0000210 ; preload
// WORDS-NEXT: 0x04 0x0007001000001020 0x0007000cffffffff ; compute_preloaded
// WORDS-NEXT: 0x06 0x00100010ffffffff 0x00100010ffffffff ; preload
// WORDS-NEXT: 0x05 0x0010001000001020 0x00100010ffffffff ; compute_accumulated
// WORDS-NEXT: 0x03 0x00000000800008a4 0x00070010a0000210 ; mvout
func.func @operands(%a: memref<20x100xi8>, %c: memref<20x20xi32>) {
  %0 = gemmini.alloc {base = array<i64: 0, 4096>} : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2>
  %1 = gemmini.alloc {base = array<i64: 512>} : !gemmini.buffer<4x4 of 16x16, accumulator>
  %true = arith.constant true
  %p = gemmini.local_address %0[1, 32] : !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 2> -> !gemmini.local_address<scratchpad>
  %q = gemmini.local_address %1[0, 16] : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  %r = gemmini.local_address %1[0, 16] accumulate(%true) : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  %s = gemmini.local_address %1[0, 16] {full} : !gemmini.buffer<4x4 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.mvin from %a : memref<20x100xi8> at [3, 5] to %p size [7, 60] : !gemmini.local_address<scratchpad>
  gemmini.mvin3 to %q size [16, 16] : !gemmini.local_address<accumulator>
  gemmini.preload %p : !gemmini.local_address<scratchpad> size [16, 12] to %r : !gemmini.local_address<accumulator> size [7, 12]
  gemmini.compute_preloaded %p size [7, 16] size [7, 12] : !gemmini.local_address<scratchpad>
  gemmini.preload size [16, 16] size [16, 16]
  gemmini.compute_accumulated %p size [16, 16] size [16, 16] : !gemmini.local_address<scratchpad>
  gemmini.mvout %s to %c[2, 1] size [7, 16] : !gemmini.local_address<accumulator>, memref<20x20xi32>
  return
}

// -----

// LOOP_WS, section 9: pads and tiles in three fields of 16 bits; ex_accumulate bit 0, ReLU in [10:8],
// transposed B in rs2[1].
// WORDS: 0x09 0x0000000300020001 0x0000000600050004 ; loop_ws_config_bounds
// WORDS-NEXT: 0x0a 0x0000000080000000 0x0000000080000100 ; loop_ws_config_addrs_ab
// WORDS-NEXT: 0x0b 0x0000000080000240 0x0000000080000200 ; loop_ws_config_addrs_dc
// WORDS-NEXT: 0x0c 0x0000000000000010 0x0000000000000011 ; loop_ws_config_strides_ab
// WORDS-NEXT: 0x0d 0x0000000000000012 0x0000000000000013 ; loop_ws_config_strides_dc
// WORDS-NEXT: 0x08 0x0000000000000101 0x0000000000000002 ; loop_ws
func.func @loop_ws(%a: memref<16x16xi8>, %b: memref<16x16xi8>, %c: memref<4x16xi8>, %d: memref<16xi32>) {
  gemmini.loop_ws a %a : memref<16x16xi8> at [0, 0] b %b : memref<16x16xi8> at [0, 0] d %d : memref<16xi32> at [0] c %c : memref<4x16xi8> at [0, 0] tiles [4, 5, 6] pads [1, 2, 3] {strides = array<i64: 16, 17, 18, 19>, ex_accumulate, transpose_b, activation = #gemmini<activation relu>}
  return
}

// -----

// Operands are carried through loops: one addition for each that changes, none for those that
// do not.
// CHECK-LABEL: @strength_reduced
// CHECK: scf.for %{{.*}} iter_args(%[[ADDRESS:.*]] = %{{.*}}, %[[LOCAL:.*]] = %{{.*}}) -> (i64, i64) {
// CHECK-NEXT: rocc.command 2, %[[ADDRESS]], %[[LOCAL]] {mnemonic = "mvin"}
// CHECK: %[[NEXT_ADDRESS:.*]] = arith.addi %[[ADDRESS]], %{{.*}} : i64
// CHECK: %[[NEXT_LOCAL:.*]] = arith.addi %[[LOCAL]], %{{.*}} : i64
// CHECK-NEXT: scf.yield %[[NEXT_ADDRESS]], %[[NEXT_LOCAL]] : i64, i64
// WORDS: 0x02 0x0000000080000000 0x0010001000000000 ; mvin
// WORDS-NEXT: 0x02 0x0000000080000400 0x0010001000000010 ; mvin
// WORDS-NEXT: 0x02 0x0000000080000800 0x0010001000000020 ; mvin
func.func @strength_reduced(%a: memref<48x64xi8>) {
  %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<3x1 of 16x16, scratchpad>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c3 = arith.constant 3 : index
  %c16 = arith.constant 16 : index
  scf.for %i = %c0 to %c3 step %c1 {
    %row = arith.muli %i, %c16 : index
    %p = gemmini.local_address %0[0, %row] : !gemmini.buffer<3x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<48x64xi8> at [%row, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// Row 16 of an interleaved buffer is the first row of its second piece.
// WORDS: 0x02 0x0000000080000000 0x0010001000000000 ; mvin
// WORDS-NEXT: 0x02 0x0000000080000100 0x0010001000001000 ; mvin
func.func @pieces(%a: memref<32x16xi8>) {
  %0 = gemmini.alloc {base = array<i64: 0, 4096>, placement = #gemmini<placement interleaved>} : !gemmini.buffer<2x1 of 16x16, scratchpad>
  %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<2x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %q = gemmini.local_address %0[0, 16] : !gemmini.buffer<2x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %a : memref<32x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  gemmini.mvin from %a : memref<32x16xi8> at [16, 0] to %q size [16, 16] : !gemmini.local_address<scratchpad>
  return
}

// -----

// Without loops, an operand that lies within 12 bits of an anchor is that plus a constant, others
// become anchors themselves: rows 0 and 16 share one, row 4096 does not. The address of the last
// row, 2048 bytes on, is too far from the first.
// CHECK-LABEL: @anchored
// CHECK: %[[PLACE:.*]] = rocc.anchor
// CHECK: %[[ROW:.*]] = rocc.anchor
// CHECK-NEXT: rocc.command 2, %[[PLACE]], %[[ROW]] {mnemonic = "mvin"}
// CHECK-NEXT: %[[C16:.*]] = arith.constant 16 : i64
// CHECK-NEXT: %[[NEXT:.*]] = arith.addi %[[ROW]], %[[C16]] : i64
// CHECK-NEXT: rocc.command 2, %[[PLACE]], %[[NEXT]] {mnemonic = "mvin"}
// CHECK: %[[FAR_PLACE:.*]] = rocc.anchor
// CHECK: %[[FAR:.*]] = rocc.anchor
// CHECK-NEXT: rocc.command 2, %[[FAR_PLACE]], %[[FAR]] {mnemonic = "mvin"}
// WORDS: 0x02 0x0000000080000000 0x0010001000000000 ; mvin
// WORDS-NEXT: 0x02 0x0000000080000000 0x0010001000000010 ; mvin
// WORDS-NEXT: 0x02 0x0000000080000800 0x0010001000001000 ; mvin
func.func @anchored(%a: memref<144x16xi8>) {
  %0 = gemmini.alloc {base = array<i64: 0, 16, 4096>} : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 3>
  %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 3> -> !gemmini.local_address<scratchpad>
  %q = gemmini.local_address %0[1, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 3> -> !gemmini.local_address<scratchpad>
  %r = gemmini.local_address %0[2, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad, slots = 3> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %a : memref<144x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  gemmini.mvin from %a : memref<144x16xi8> at [0, 0] to %q size [16, 16] : !gemmini.local_address<scratchpad>
  gemmini.mvin from %a : memref<144x16xi8> at [128, 0] to %r size [16, 16] : !gemmini.local_address<scratchpad>
  return
}
