// RUN: gemmini-opt %s --split-input-file -p gemmini-outline-body | filecheck %s
// RUN: gemmini-opt %s --split-input-file -p gemmini-outline-body | gemmini-opt --split-input-file | filecheck %s

// Three loads stay in front of the call and the fence behind it. What the body does not use is not
// passed to it; names and roles go along. Rows keep their place.
// CHECK-LABEL: func.func @loop(
// CHECK-SAME: %a: memref<16x64xi8>, %b: memref<16x16xi8> {gemmini.name = "B"}, %c: memref<16x64xi8> {gemmini.name = "C"}
// CHECK-NEXT:   gemmini.config_ld {id = 0 : i32
// CHECK-NEXT:   %[[A:.*]] = gemmini.alloc {base = array<i64: 64>} : !gemmini.buffer<1x4 of 16x16, scratchpad>
// CHECK-NEXT:   %[[P:.*]] = gemmini.local_address %[[A]][0, 0]
// CHECK-NEXT:   gemmini.mvin from %a : memref<16x64xi8> at [0, 0] to %[[P]]
// CHECK-NEXT:   gemmini.mvin from %a : memref<16x64xi8> at [0, 16] to %[[P]]
// CHECK-NEXT:   gemmini.mvin2 from %b : memref<16x16xi8> at [0, 0] to %[[P]]
// CHECK-NEXT:   func.call @loop_body(%b, %c) : (memref<16x16xi8>, memref<16x64xi8>) -> ()
// CHECK-NEXT:   gemmini.fence
// CHECK-NEXT:   func.return
// CHECK-LABEL: func.func private @loop_body(
// CHECK-SAME: %b: memref<16x16xi8> {gemmini.name = "B"}, %c: memref<16x64xi8> {gemmini.name = "C"}) attributes {gemmini.no_inline}
// CHECK:        gemmini.alloc {base = array<i64: 64>} : !gemmini.buffer<1x4 of 16x16, scratchpad>
// CHECK-NOT:    gemmini.fence
// CHECK:        gemmini.mvin2 from %b : memref<16x16xi8> at [0, 0]
// CHECK-NEXT:   scf.for
// CHECK-NEXT:     gemmini.mvout
// CHECK-NEXT:   }
// CHECK-NEXT:   func.return
func.func @loop(%a: memref<16x64xi8>, %b: memref<16x16xi8> {gemmini.name = "B"}, %c: memref<16x64xi8> {gemmini.name = "C"}) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %0 = gemmini.alloc {base = array<i64: 64>} : !gemmini.buffer<1x4 of 16x16, scratchpad>
  %1 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, accumulator>
  %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x4 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  %q = gemmini.local_address %1[0, 0] : !gemmini.buffer<1x1 of 16x16, accumulator> -> !gemmini.local_address<accumulator>
  gemmini.config_ld {id = 0 : i32, stride = 64 : i64, block_stride = 16 : i32}
  gemmini.mvin from %a : memref<16x64xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  gemmini.mvin from %a : memref<16x64xi8> at [0, 16] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  gemmini.mvin2 from %b : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  gemmini.mvin2 from %b : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  scf.for %i = %c0 to %c1 step %c1 {
    gemmini.mvout %q to %c[0, 0] size [16, 16] : !gemmini.local_address<accumulator>, memref<16x64xi8>
  }
  gemmini.fence
  return
}

// -----

// Without a loop first: nothing but configurations stays. A symbol of that name is in the way.
// CHECK-LABEL: func.func @taken_body()
// CHECK-LABEL: func.func @taken(
// CHECK-NEXT:   gemmini.config_ld
// CHECK-NEXT:   func.call @taken_body_1(%a)
// CHECK-NEXT:   gemmini.fence
// CHECK-LABEL: func.func private @taken_body_1(
func.func @taken_body() {
  return
}

func.func @taken(%a: memref<16x16xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  gemmini.config_ld {id = 0 : i32, stride = 16 : i64, block_stride = 16 : i32}
  scf.for %i = %c0 to %c1 step %c1 {
    %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
    %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  }
  gemmini.fence
  return
}

// -----

// Too short, the core computes, no fence at the end, or a result: all stay as they are.
// CHECK-LABEL: func.func @short(
// CHECK-NOT: func.call
// CHECK-NOT: no_inline
func.func @short(%a: memref<16x16xi8>) {
  %0 = gemmini.alloc {base = array<i64: 0>} : !gemmini.buffer<1x1 of 16x16, scratchpad>
  %p = gemmini.local_address %0[0, 0] : !gemmini.buffer<1x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  gemmini.fence
  return
}

func.func @core(%a: memref<16x16xi8>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %zero = arith.constant 0 : i8
  scf.for %i = %c0 to %n step %c1 {
    memref.store %zero, %a[%i, %c0] : memref<16x16xi8>
  }
  gemmini.fence
  return
}

func.func @not_last(%a: memref<16x16xi8>, %n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  gemmini.fence
  scf.for %i = %c0 to %n step %c1 {
    gemmini.fence
  }
  return
}

func.func @result(%n: index) -> index {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    gemmini.fence
  }
  gemmini.fence
  return %c0 : index
}

func.func private @declared(memref<16x16xi8>)
