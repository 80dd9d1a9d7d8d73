// RUN: gemmini-opt %s | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | filecheck %s --check-prefix=GENERIC

func.func @f(%x: i64, %y: i64) {
  rocc.command 0, %x, %y
  rocc.command 127, %y, %x {mnemonic = "mvin"}
  rocc.fence
  return
}
// CHECK:      rocc.command 0, %x, %y{{$}}
// CHECK-NEXT: rocc.command 127, %y, %x {mnemonic = "mvin"}
// CHECK-NEXT: rocc.fence
// GENERIC:      "rocc.command"(%x, %y) <{funct = 0 : i64}> : (i64, i64) -> ()
// GENERIC-NEXT: "rocc.command"(%y, %x) <{funct = 127 : i64, mnemonic = "mvin"}> : (i64, i64) -> ()
// GENERIC-NEXT: "rocc.fence"() : () -> ()
