// RUN: gemmini-opt %s -t gemmini-commands --split-input-file --verify-diagnostics | filecheck %s

// CHECK: gemmini-commands: the commands of @operand depend on data loaded from memory (memref.load), so there is no one command stream
func.func @operand(%m: memref<1xi64>) {
  %c0 = arith.constant 0 : index
  %x = memref.load %m[%c0] : memref<1xi64>
  rocc.command 2, %x, %x {mnemonic = "mvin"}
  func.return
}

// -----

// CHECK: gemmini-commands: the commands of @condition depend on data loaded from memory (memref.load)
func.func @condition(%m: memref<1xi1>, %n: memref<4xi8>) {
  %c0 = arith.constant 0 : index
  %x = memref.load %m[%c0] : memref<1xi1>
  scf.if %x {
    rocc.fence
  }
  func.return
}

// -----

// CHECK: gemmini-commands: the commands of @scalar depend on its scalar argument 0
func.func @scalar(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  scf.for %i = %c0 to %n step %c1 {
    rocc.fence
  }
  func.return
}

// -----

// CHECK: gemmini-commands: @forever calls itself
func.func @forever() {
  rocc.fence
  func.call @forever() : () -> ()
  func.return
}

// -----

// CHECK: gemmini-commands: the module has 2 public functions (one, two); choose one with function=NAME
func.func @one() {
  func.return
}
func.func @two() {
  func.return
}

// -----

// CHECK: gemmini-commands: cannot emit 'gemmini.matmul' in @level_one: lower the module to rocc commands first
func.func @level_one(%a: memref<4x4xi8>, %b: memref<4x4xi8>, %c: memref<4x4xi8>) {
  gemmini.matmul ins(%a, %b : memref<4x4xi8>, memref<4x4xi8>) outs(%c : memref<4x4xi8>)
  func.return
}

// -----

// CHECK: gemmini-commands: @divides divides by zero
func.func @divides() {
  %c0 = arith.constant 0 : i64
  %c1 = arith.constant 1 : i64
  %d = arith.divui %c1, %c0 : i64
  rocc.command 2, %d, %c0
  func.return
}
