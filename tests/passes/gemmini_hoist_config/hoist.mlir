// RUN: gemmini-opt %s --split-input-file -p gemmini-hoist-config | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-hoist-config | gemmini-opt --split-input-file | filecheck %s

// What is set again in every iteration, and under a condition, is set once before the loop.
// CHECK-LABEL: @loop
// CHECK-NOT: scf.for
// CHECK: gemmini.config_ld {id = 0 : i32, stride = 16 : i64, block_stride = 16 : i32}
// CHECK: gemmini.config_ld {id = 1 : i32, stride = 32 : i64, block_stride = 16 : i32}
// CHECK: scf.for
// CHECK-NOT: gemmini.config
// CHECK: gemmini.mvin2
func.func @loop(%a: memref<16x16xi8>, %n: index, %p: i1) {
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    gemmini.config_ld {id = 0 : i32, stride = 16, block_stride = 16 : i32}
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %1 size [16, 16] : !gemmini.local_address<scratchpad>
    scf.if %p {
      gemmini.config_ld {id = 1 : i32, stride = 32, block_stride = 16 : i32}
      gemmini.mvin2 from %a : memref<16x16xi8> at [0, 0] to %1 size [16, 16] : !gemmini.local_address<scratchpad>
    }
  }
  return
}

// -----

// Two settings of one id in a loop: both stay.
// CHECK-LABEL: @changing
// CHECK: scf.for
// CHECK-NEXT: gemmini.config_ld {id = 0 : i32, stride = 16
// CHECK-NEXT: gemmini.mvin
// CHECK-NEXT: gemmini.config_ld {id = 0 : i32, stride = 32
// CHECK-NEXT: gemmini.mvin
func.func @changing(%a: memref<16x16xi8>, %n: index) {
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    gemmini.config_ld {id = 0 : i32, stride = 16, block_stride = 16 : i32}
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %1 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.config_ld {id = 0 : i32, stride = 32, block_stride = 16 : i32}
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %1 size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// A use that relies on the state of the iteration before: moving the setting would be seen.
// CHECK-LABEL: @carried
// CHECK: scf.for
// CHECK-NEXT: gemmini.mvin
// CHECK-NEXT: gemmini.config_ld
func.func @carried(%a: memref<16x16xi8>, %n: index) {
  %0 = gemmini.alloc : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %1 = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  gemmini.config_ld {id = 0 : i32, stride = 32, block_stride = 16 : i32}
  scf.for %i = %c0 to %n step %c1 {
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %1 size [16, 16] : !gemmini.local_address<scratchpad>
    gemmini.config_ld {id = 0 : i32, stride = 16, block_stride = 16 : i32}
  }
  return
}

// -----

// What is in force already is not set again; a different kind does not disturb it.
// CHECK-LABEL: @repeated
// CHECK-NEXT: gemmini.config_st {stride = 16 : i64}
// CHECK-NEXT: gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
// CHECK-NEXT: gemmini.config_st {stride = 32 : i64}
// CHECK-NEXT: gemmini.config_st {stride = 16 : i64}
// CHECK-NEXT: func.return
func.func @repeated() {
  gemmini.config_st {stride = 16}
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
  gemmini.config_st {stride = 16}
  gemmini.config_st {stride = 32}
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
  gemmini.config_st {stride = 16}
  return
}

// -----

// Products on memory of their own need no fence between them; one that reads what the other
// wrote, overwrites what it read, or follows work of the core, does.
// CHECK-LABEL: @fences
// CHECK: gemmini.loop_ws a %a
// CHECK-NEXT: gemmini.loop_ws a %b
// CHECK-NEXT: gemmini.fence
// CHECK-NEXT: gemmini.loop_ws a %c
// CHECK-NEXT: gemmini.fence
// CHECK-NEXT: gemmini.loop_ws a %d : memref<16x16xi8> at [0, 0] c %c
// CHECK-NEXT: gemmini.fence
// CHECK-NEXT: memref.load
// CHECK-NEXT: gemmini.fence
// CHECK-NEXT: gemmini.loop_ws a %e
// CHECK-NEXT: gemmini.fence
func.func @fences(%a: memref<16x16xi8>, %b: memref<16x16xi8>, %c: memref<16x16xi8>, %d: memref<16x16xi8>, %e: memref<16x16xi8>, %i: index) {
  gemmini.loop_ws a %a : memref<16x16xi8> at [0, 0] c %c : memref<16x16xi8> at [0, 0] tiles [1, 1, 1] pads [0, 0, 0] {strides = array<i64: 16, 16, 16, 16>}
  gemmini.fence
  gemmini.loop_ws a %b : memref<16x16xi8> at [0, 0] c %d : memref<16x16xi8> at [0, 0] tiles [1, 1, 1] pads [0, 0, 0] {strides = array<i64: 16, 16, 16, 16>}
  gemmini.fence
  gemmini.loop_ws a %c : memref<16x16xi8> at [0, 0] c %e : memref<16x16xi8> at [0, 0] tiles [1, 1, 1] pads [0, 0, 0] {strides = array<i64: 16, 16, 16, 16>}
  gemmini.fence
  gemmini.loop_ws a %d : memref<16x16xi8> at [0, 0] c %c : memref<16x16xi8> at [0, 0] tiles [1, 1, 1] pads [0, 0, 0] {strides = array<i64: 16, 16, 16, 16>}
  gemmini.fence
  %x = memref.load %c[%i, %i] : memref<16x16xi8>
  gemmini.fence
  gemmini.loop_ws a %e : memref<16x16xi8> at [0, 0] c %c : memref<16x16xi8> at [0, 0] tiles [1, 1, 1] pads [0, 0, 0] {strides = array<i64: 16, 16, 16, 16>}
  gemmini.fence
  return
}
