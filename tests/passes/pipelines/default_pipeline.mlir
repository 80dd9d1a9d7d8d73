// RUN: gemmini-opt %s -p gemmini-default-pipeline | filecheck %s
// RUN: gemmini-opt %s -p 'gemmini-default-pipeline{config=zcu102 schedule="tile = [2, 2, 2], double_buffer = [\"a\", \"b\"]"}' | filecheck %s --check-prefix=OPTIONS
// RUN: gemmini-opt %s --verify-diagnostics -p 'gemmini-default-pipeline{config=none}' | filecheck %s --check-prefix=CONFIG
// RUN: gemmini-opt %s --verify-diagnostics -p 'gemmini-default-pipeline{schedule="tile = 3"}' | filecheck %s --check-prefix=SCHEDULE

// CHECK-LABEL: @f
// CHECK-NOT: gemmini.
// CHECK: rocc.command 0
// CHECK: rocc.command 8, {{.*}} {mnemonic = "loop_ws"}
// CHECK: rocc.fence
// OPTIONS: gemmini.config<"zcu102">
// OPTIONS: scf.for
// OPTIONS-NOT: loop_ws
// CONFIG: unknown configuration 'none'; presets are default, int8_32x32, int8_4x4, int8_8x8, lean, zcu102, or give the path of a .toml file
// SCHEDULE: schedule 'tile = 3':
func.func @f(%a: memref<64x64xi8>, %b: memref<64x64xi8>, %c: memref<64x64xi8>) {
  gemmini.matmul ins(%a, %b : memref<64x64xi8>, memref<64x64xi8>) outs(%c : memref<64x64xi8>) {schedule = #gemmini.schedule<tile = [4, 4, 4], lowering = loop_ws>}
  return
}
