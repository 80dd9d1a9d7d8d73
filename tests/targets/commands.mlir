// RUN: gemmini-opt %s -t 'gemmini-commands{function=stream}' | filecheck %s
// RUN: gemmini-opt %s -t 'gemmini-commands{function=stream base=4096}' | filecheck %s --check-prefix=BASE
// RUN: gemmini-opt %s -t 'gemmini-commands{function=stream base="0x10000"}' | filecheck %s --check-prefix=HEX

// CHECK:      # Commands of @stream for default ({{[0-9a-f]+}}): funct rs1 rs2 ; name
// CHECK-NEXT: # A = 0x80000000 (input int8 10x10)
// CHECK-NEXT: # arg1 = 0x80000080 (output int8 4x4)

// 100 bytes of A take two lines of 64 bytes; the buffer comes after both arguments.
// Two tiles of A, by an address that the loop carries.
// CHECK-NEXT: 0x02 0x0000000080000000 0x0000000000000003 ; mvin
// CHECK-NEXT: 0x02 0x0000000080000014 0x0000000000000003 ; mvin
// The loaded value decides nothing about commands.
// CHECK-NEXT: 0x03 0x0000000080000080 0x0000000080000014 ; mvout
// From the callee, with a view's offset of 1 * 4 + 2.
// CHECK-NEXT: 0x7f 0x0000000080000086 0x00000000800000c0
// CHECK-NEXT: fence
// CHECK-NOT:  {{.}}

// BASE:      # A = 0x1000 (
// BASE-NEXT: # arg1 = 0x1080 (
// BASE-NEXT: 0x02 0x0000000000001000

// HEX: # A = 0x10000 (

func.func private @callee(%x: memref<4x4xi8>) {
  %view = memref.subview %x[1, 2][2, 2][1, 1] : memref<4x4xi8> to memref<2x2xi8, strided<[4, 1], offset: 6>>
  %b, %o, %s0, %s1, %t0, %t1 = memref.extract_strided_metadata %view : memref<2x2xi8, strided<[4, 1], offset: 6>> -> memref<i8>, index, index, index, index, index
  %p = "memref.extract_aligned_pointer_as_index"(%view) : (memref<2x2xi8, strided<[4, 1], offset: 6>>) -> index
  %q = arith.addi %p, %o : index
  %rs1 = arith.index_cast %q : index to i64
  %buffer = memref.alloc() : memref<4xi8>
  %r = "memref.extract_aligned_pointer_as_index"(%buffer) : (memref<4xi8>) -> index
  %rs2 = arith.index_cast %r : index to i64
  rocc.command 127, %rs1, %rs2
  rocc.fence
  func.return
}

func.func @stream(%a: memref<10x10xi8> {gemmini.name = "A", gemmini.role = "input"}, %c: memref<4x4xi8>) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c2 = arith.constant 2 : index
  %step = arith.constant 20 : i64
  %three = arith.constant 3 : i64
  %pa = "memref.extract_aligned_pointer_as_index"(%a) : (memref<10x10xi8>) -> index
  %a0 = arith.index_cast %pa : index to i64
  %x = memref.load %a[%c0, %c0] : memref<10x10xi8>
  %end = scf.for %i = %c0 to %c2 step %c1 iter_args(%address = %a0) -> (i64) {
    rocc.command 2, %address, %three {mnemonic = "mvin"}
    %next = arith.addi %address, %step : i64
    scf.yield %next : i64
  }
  %zero = arith.constant 0 : i8
  %positive = arith.cmpi sgt, %x, %zero : i8
  scf.if %positive {
    memref.store %x, %c[%c0, %c0] : memref<4x4xi8>
  }
  %pc = "memref.extract_aligned_pointer_as_index"(%c) : (memref<4x4xi8>) -> index
  %c64 = arith.index_cast %pc : index to i64
  %lower = arith.constant -20 : i64
  %back = arith.addi %end, %lower : i64
  rocc.command 3, %c64, %back {mnemonic = "mvout"}
  func.call @callee(%c) : (memref<4x4xi8>) -> ()
  func.return
}
