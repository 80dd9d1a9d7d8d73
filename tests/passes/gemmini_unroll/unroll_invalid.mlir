// RUN: gemmini-opt %s --verify-diagnostics --split-input-file -p gemmini-unroll | filecheck %s

// CHECK: f: scf.for: 'scf.for' depends on a value that is known at run time only, so it cannot be unrolled{{$}}
func.func @f(%n: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  gemmini.unroll {
    scf.for %i = %c0 to %n step %c1 {
    }
  }
  return
}

// -----

// CHECK: f: scf.if: 'scf.if' depends on a value that is known at run time only, so it cannot be unrolled{{$}}
func.func @f(%p: i1) {
  gemmini.unroll {
    scf.if %p {
    }
  }
  return
}

// -----

// CHECK: f: gemmini.local_address: 'gemmini.local_address' depends on a value that is known at run time only, so it cannot be unrolled{{$}}
func.func @f(%row: index) {
  gemmini.unroll {
    %0 = gemmini.alloc : !gemmini.buffer<2x1 of 16x16, scratchpad>
    %p = gemmini.local_address %0[0, %row] : !gemmini.buffer<2x1 of 16x16, scratchpad> -> !gemmini.local_address<scratchpad>
  }
  return
}

// -----

// CHECK: f: scf.for: a loop that carries values stays a loop{{$}}
func.func @f(%a: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  gemmini.unroll {
    %r = scf.for %i = %c0 to %c1 step %c1 iter_args(%x = %c0) -> (index) {
      scf.yield %x : index
    }
  }
  return
}

// -----

// CHECK: f: arith.shli: 'arith.shli' cannot be evaluated when the code is unrolled{{$}}
func.func @f() {
  %c1 = arith.constant 1 : index
  gemmini.unroll {
    %0 = arith.shli %c1, %c1 : index
  }
  return
}

// -----

// CHECK: f: arith.divui: 'arith.divui' cannot be evaluated when the code is unrolled{{$}}
func.func @f() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  gemmini.unroll {
    %0 = arith.divui %c1, %c0 : index
  }
  return
}

// -----

// CHECK: f: scf.for: a loop needs a step of at least 1 to be unrolled, got 0{{$}}
func.func @f() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  gemmini.unroll {
    scf.for %i = %c0 to %c1 step %c0 {
    }
  }
  return
}

// -----

// CHECK: f: gemmini.fence: 'gemmini.fence' cannot be unrolled{{$}}
func.func @f() {
  gemmini.unroll {
    gemmini.fence
  }
  return
}

// -----

// CHECK: f: scf.yield: unrolling executes more than 81920 operations; leave the loops, or make them shorter{{$}}
func.func @f() {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %huge = arith.constant 1000000000000 : index
  gemmini.unroll {
    scf.for %i = %c0 to %huge step %c1 {
    }
  }
  return
}

// -----

// CHECK: f: memref.subview: 'memref.subview' with operands besides the matrix cannot be unrolled{{$}}
func.func @f(%a: memref<32x16xi8>, %row: index) {
  gemmini.unroll {
    %view = memref.subview %a[%row, 0] [16, 16] [1, 1] : memref<32x16xi8> to memref<16x16xi8, strided<[16, 1], offset: ?>>
  }
  return
}

// -----

// CHECK: f: gemmini.mvin: a local address must come from gemmini.local_address to be unrolled{{$}}
func.func @f(%a: memref<16x16xi8>, %p: !gemmini.local_address<scratchpad>) {
  gemmini.unroll {
    gemmini.mvin from %a : memref<16x16xi8> at [0, 0] to %p size [16, 16] : !gemmini.local_address<scratchpad>
  }
  return
}
