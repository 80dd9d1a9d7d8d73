// RUN: gemmini-opt %s | gemmini-opt | filecheck %s
// RUN: gemmini-opt %s --print-op-generic | gemmini-opt | filecheck %s

builtin.module attributes {gemmini.config = #gemmini.config<"zcu102">} {
  // A preset under its own name prints as that name, with or without its parameters.
  "test.op"() {a = #gemmini.config<"lean">, b = #gemmini.config<"int8_4x4", mesh_rows = 4, mesh_columns = 4, scratchpad_kib = 64, accumulator_kib = 16>} : () -> ()
  // Another one prints every parameter that differs from the default.
  "test.op"() {c = #gemmini.config<"mine", clock_mhz = 100, mesh_rows = 8, mesh_columns = 8, acc_read_full_width = false>} : () -> ()
  "test.op"() {d = #gemmini.config<"os_only", dataflow = "os", has_loop_ws = false, has_loop_conv_ws = false>} : () -> ()
  // A copy of the default under another name still prints one parameter.
  "test.op"() {e = #gemmini.config<"copy", opcode = 3>} : () -> ()
}

// CHECK:      builtin.module attributes {gemmini.config = #gemmini.config<"zcu102">} {
// CHECK-NEXT:   "test.op"() {a = #gemmini.config<"lean">, b = #gemmini.config<"int8_4x4">} : () -> ()
// CHECK-NEXT:   "test.op"() {c = #gemmini.config<"mine", mesh_rows = 8, mesh_columns = 8, acc_read_full_width = false, clock_mhz = 100>} : () -> ()
// CHECK-NEXT:   "test.op"() {d = #gemmini.config<"os_only", dataflow = "os", has_loop_ws = false, has_loop_conv_ws = false>} : () -> ()
// CHECK-NEXT:   "test.op"() {e = #gemmini.config<"copy", opcode = 3>} : () -> ()
