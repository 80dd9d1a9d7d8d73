// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// The trip count and the regions of gemmini.pipeline.

// CHECK: Operation does not verify: trip_count must be at least 1, got 0{{$}}
func.func @f() {
  gemmini.pipeline 0 prefetch {
  ^bb0(%t: index):
  } compute {
  ^bb1(%t: index):
  } store {
  ^bb2(%t: index):
  }
  return
}

// -----

// CHECK: Operation does not verify: each region takes one argument, the iteration, of index{{$}}
func.func @f() {
  gemmini.pipeline 2 prefetch {
  ^bb0(%t: index):
  } compute {
  ^bb1(%t: i32):
  } store {
  ^bb2(%t: index):
  }
  return
}

// -----

// CHECK: Operation does not verify: each region takes one argument, the iteration, of index{{$}}
func.func @f() {
  gemmini.pipeline 2 prefetch {
  ^bb0(%t: index):
  } compute {
  ^bb1(%t: index):
  } store {
  ^bb2(%t: index, %u: index):
  }
  return
}
