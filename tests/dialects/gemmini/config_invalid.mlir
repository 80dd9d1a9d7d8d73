// RUN: gemmini-opt %s --verify-diagnostics --split-input-file | filecheck %s

// CONFIG_EX, CONFIG_LD and CONFIG_ST.

// CHECK: Operation does not verify: transpose_a with transpose_b is illegal in the ws dataflow; use os{{$}}
func.func @f() {
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>, transpose_a, transpose_b}
  return
}

// -----

// CHECK: Operation does not verify: transpose_b without transpose_a is illegal in the os dataflow; use ws{{$}}
func.func @f() {
  gemmini.config_ex {dataflow = #gemmini<dataflow os>, transpose_b}
  return
}

// -----

// CHECK: Operation does not verify: config 'lean' has no os dataflow{{$}}
module attributes {gemmini.config = #gemmini.config<"lean">} {
  func.func @f() {
    gemmini.config_ex {dataflow = #gemmini<dataflow os>}
    return
  }
}

// -----

// CHECK: Operation does not verify: config 'os_only' has no ws dataflow{{$}}
module attributes {gemmini.config = #gemmini.config<"os_only", dataflow = "os", has_loop_ws = false, has_loop_conv_ws = false>} {
  func.func @f() {
    gemmini.config_ex {dataflow = #gemmini<dataflow ws>}
    return
  }
}

// -----

// CHECK: Operation does not verify: a_stride must be 1 to 16383, got 0{{$}}
func.func @f() {
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>, a_stride = 0 : i32}
  return
}

// -----

// CHECK: Operation does not verify: c_stride must be 1 to 16383, got 16384{{$}}
func.func @f() {
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>, c_stride = 16384 : i32}
  return
}

// -----

// CHECK: Operation does not verify: in_shift must be 0 to 31, got 32{{$}}
func.func @f() {
  gemmini.config_ex {dataflow = #gemmini<dataflow ws>, in_shift = 32 : i32}
  return
}

// -----

// CHECK: Operation does not verify: c_stride must be 1 in the os dataflow: the drain address ignores it{{$}}
func.func @f() {
  gemmini.config_ex {dataflow = #gemmini<dataflow os>, c_stride = 2 : i32}
  return
}

// -----

// CHECK: Operation does not verify: id must be 0 to 2, got 3{{$}}
func.func @f() {
  gemmini.config_ld {id = 3 : i32, stride = 64 : i64, block_stride = 16 : i32}
  return
}

// -----

// CHECK: Operation does not verify: stride must not be negative, got -1{{$}}
func.func @f() {
  gemmini.config_ld {id = 0 : i32, stride = -1 : i64, block_stride = 16 : i32}
  return
}

// -----

// CHECK: Operation does not verify: block_stride must be 1 to 16383, got 0{{$}}
func.func @f() {
  gemmini.config_ld {id = 0 : i32, stride = 64 : i64, block_stride = 0 : i32}
  return
}

// -----

// CHECK: Operation does not verify: block_stride must be 1 to 16383, got 16384{{$}}
func.func @f() {
  gemmini.config_ld {id = 0 : i32, stride = 64 : i64, block_stride = 16384 : i32}
  return
}

// -----

// CHECK: Operation does not verify: block_stride must be 1 to 65535, got 65536{{$}}
module attributes {gemmini.config = #gemmini.config<"big", scratchpad_kib = 2048>} {
  func.func @f() {
    gemmini.config_ld {id = 0 : i32, stride = 64 : i64, block_stride = 65536 : i32}
    return
  }
}

// -----

// CHECK: Operation does not verify: config 'plain' cannot scale (has_mvin_scale = false){{$}}
module attributes {gemmini.config = #gemmini.config<"plain", has_mvin_scale = false>} {
  func.func @f() {
    gemmini.config_ld {id = 0 : i32, stride = 64 : i64, block_stride = 16 : i32, scale = 5.000000e-01 : f32}
    return
  }
}

// -----

// CHECK: Operation does not verify: stride must be 0 to 4294967295, got -1{{$}}
func.func @f() {
  gemmini.config_st {stride = -1 : i64}
  return
}

// -----

// CHECK: Operation does not verify: stride must be 0 to 4294967295, got 4294967296{{$}}
func.func @f() {
  gemmini.config_st {stride = 4294967296 : i64}
  return
}
