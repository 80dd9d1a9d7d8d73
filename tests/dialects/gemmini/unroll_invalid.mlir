// RUN: gemmini-opt %s --parsing-diagnostics --verify-diagnostics --split-input-file | filecheck %s

// The region is one block without arguments or a terminator of its own.

// CHECK: Region 'body' at position 0 expected a single block, but got 0 blocks{{$}}
func.func @f() {
  gemmini.unroll {
  }
  return
}

// -----

// CHECK: Operation does not verify: its block takes no arguments, got 1{{$}}
func.func @f() {
  "gemmini.unroll"() ({
  ^first(%x: index):
    gemmini.fence
  }) : () -> ()
  return
}

// -----

// CHECK: prefetch_distance must be at least 1, got 0{{$}}
gemmini.unroll kernel prefetch_distance 0 {
  gemmini.fence
}

// -----

// CHECK: prologue_tiles must be 1 to 2, got 0{{$}}
gemmini.unroll software_pipeline prologue_tiles 0 {
  gemmini.fence
}

// -----

// CHECK: prologue_tiles must be 1 to 2, got 3{{$}}
gemmini.unroll software_pipeline prologue_tiles 3 {
  gemmini.fence
}

// -----

// CHECK: prologue_tiles are those of a software_pipeline or a prologue{{$}}
gemmini.unroll kernel prologue_tiles 2 {
  gemmini.fence
}

// -----

// CHECK: prologue_tiles and prefetch_distance exclude each other{{$}}
gemmini.unroll software_pipeline prefetch_distance 2 prologue_tiles 2 {
  gemmini.fence
}
