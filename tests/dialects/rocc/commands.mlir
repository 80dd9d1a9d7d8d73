// RUN: gemmini-opt %s | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC

func.func @f(%x: i64, %y: i64) {
  rocc.command 0, %x, %y
  rocc.command 127, %y, %x {mnemonic = "mvin"}
  %z = rocc.anchor %x
  %u = rocc.anchor %z {note = "text"}
  rocc.command 1, %z, %u
  rocc.fence
  return
}
// CHECK:      rocc.command 0, %x, %y{{$}}
// CHECK-NEXT: rocc.command 127, %y, %x {mnemonic = "mvin"}
// CHECK-NEXT: %z = rocc.anchor %x{{$}}
// CHECK-NEXT: %u = rocc.anchor %z {note = "text"}
// CHECK-NEXT: rocc.command 1, %z, %u
// CHECK-NEXT: rocc.fence
// GENERIC:      "rocc.command"(%x, %y) <{funct = 0 : i64}> : (i64, i64) -> ()
// GENERIC-NEXT: "rocc.command"(%y, %x) <{funct = 127 : i64, mnemonic = "mvin"}> : (i64, i64) -> ()
// GENERIC-NEXT: %z = "rocc.anchor"(%x) : (i64) -> i64
// GENERIC:      "rocc.fence"() : () -> ()
