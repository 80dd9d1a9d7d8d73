// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// The function code has seven bits, and both operands have 64.

// CHECK: Operation does not verify: funct must be 0 to 127, got 128{{$}}
func.func @f(%x: i64) {
  rocc.command 128, %x, %x
  return
}

// -----

// CHECK: Operation does not verify: funct must be 0 to 127, got -1{{$}}
func.func @f(%x: i64) {
  rocc.command -1, %x, %x
  return
}

// -----

// CHECK: Operation does not verify: operand 'rs1' at position 0 does not verify:
// CHECK-NEXT: Expected attribute i64 but got i32
func.func @f(%x: i32, %y: i64) {
  "rocc.command"(%x, %y) <{funct = 0 : i64}> : (i32, i64) -> ()
  return
}

// -----

// CHECK: Operation does not verify: operand 'value' at position 0 does not verify:
// CHECK-NEXT: Expected attribute i64 but got index
func.func @f(%x: index) {
  %0 = "rocc.anchor"(%x) : (index) -> i64
  return
}

// -----

// CHECK: Operation does not verify: result 'result' at position 0 does not verify:
// CHECK-NEXT: Expected attribute i64 but got i32
func.func @f(%x: i64) {
  %0 = "rocc.anchor"(%x) : (i64) -> i32
  return
}
