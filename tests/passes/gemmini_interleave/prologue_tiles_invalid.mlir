// RUN: gemmini-opt %s --split-input-file --verify-diagnostics -p gemmini-interleave | filecheck %s

// The loop would have no tile left.
// CHECK: f: gemmini.pipeline: a software pipeline computes 2 of its 2 tiles before its loop, which needs one at least; use fewer prologue_tiles, or no software_pipeline{{$}}
func.func @f() {
  gemmini.unroll software_pipeline prologue_tiles 2 {
    gemmini.pipeline 2 prefetch {
    ^bb0(%t: index):
    } compute {
    ^bb1(%u: index):
    } store {
    ^bb2(%v: index):
    }
  }
  return
}

// -----

// CHECK: g: gemmini.pipeline: a software pipeline computes 1 of its 1 tiles before its loop, which needs one at least; use fewer prologue_tiles, or no software_pipeline{{$}}
func.func @g() {
  gemmini.unroll software_pipeline {
    gemmini.pipeline 1 prefetch {
    ^bb0(%t: index):
    } compute {
    ^bb1(%u: index):
    } store {
    ^bb2(%v: index):
    }
  }
  return
}
