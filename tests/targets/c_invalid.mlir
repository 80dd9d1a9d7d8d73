// RUN: gemmini-opt %s -t gemmini-c --split-input-file --verify-diagnostics | filecheck %s

// CHECK: gemmini-c: cannot emit 'math.exp' in @needs_libm: it needs a C library, which the emitted code does without
func.func @needs_libm(%m: memref<1xf32>) {
  %c0 = arith.constant 0 : index
  %x = memref.load %m[%c0] : memref<1xf32>
  %y = math.exp %x : f32
  memref.store %y, %m[%c0] : memref<1xf32>
  func.return
}

// -----

// CHECK: gemmini-c: cannot emit 'linalg.fill' in @too_early: lower it first (convert-linalg-to-loops, lower-affine)
func.func @too_early(%m: memref<1xi8>) {
  %c = arith.constant 0 : i8
  linalg.fill ins(%c : i8) outs(%m : memref<1xi8>)
  func.return
}

// -----

// CHECK: gemmini-c: cannot emit 'gemmini.matmul' in @level_one: lower it first (gemmini-default-pipeline)
func.func @level_one(%a: memref<4x4xi8>, %b: memref<4x4xi8>, %c: memref<4x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x4xi8>, memref<4x4xi8>) outs(%c : memref<4x4xi8>)
  func.return
}

// -----

// CHECK: @dynamic: argument 'arg0' must have a static shape
func.func @dynamic(%m: memref<?xi8>) {
  func.return
}

// -----

// CHECK: @half: argument 'arg0' has type f16, which has no C counterpart here
func.func @half(%m: memref<4xf16>) {
  func.return
}

// -----

// CHECK: @twice: two arguments are named 'A'
func.func @twice(%a: memref<4xi8> {gemmini.name = "A"}, %b: memref<4xi8> {gemmini.name = "A"}) {
  func.return
}

// -----

// CHECK: @role: gemmini.role must be input, output or bias, got 'weights'
func.func @role(%a: memref<4xi8> {gemmini.role = "weights"}) {
  func.return
}

// -----

// CHECK: gemmini-c: @pair must return nothing or one scalar; give it an output argument instead
func.func @pair(%a: i32) -> (i32, i32) {
  func.return %a, %a : i32, i32
}

// -----

// CHECK: gemmini-c: cannot emit 'func.call' in @caller: @elsewhere has no body in this module
func.func private @elsewhere()
func.func @caller() {
  func.call @elsewhere() : () -> ()
  func.return
}

// -----

// CHECK: gemmini-c: cannot emit 'scf.if' in @chosen: a memref cannot be the result of control flow
func.func @chosen(%a: memref<4xi8>, %b: memref<4xi8>, %p: i1) {
  %c0 = arith.constant 0 : index
  %z = arith.constant 0 : i8
  %m = scf.if %p -> (memref<4xi8>) {
    scf.yield %a : memref<4xi8>
  } else {
    scf.yield %b : memref<4xi8>
  }
  memref.store %z, %m[%c0] : memref<4xi8>
  func.return
}

// -----

// CHECK: gemmini-c: @jumps has more than one block; control flow must be structured (scf)
func.func @jumps() {
  cf.br ^end
^end:
  func.return
}
