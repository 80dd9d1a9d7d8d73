// RUN: gemmini-opt %s -p convert-linalg-to-gemmini | filecheck %s

// What C holds before is not known.
// CHECK-LABEL: @no_initialisation
func.func @no_initialisation(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi32>) {
  // CHECK-NOT: gemmini.matmul
  // CHECK: func.return
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  func.return
}

// The initial value is read before the product overwrites it.
// CHECK-LABEL: @read_between
func.func @read_between(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi32>, %D: memref<2x3xi32>) {
  // CHECK-NOT: gemmini.matmul
  // CHECK: func.return
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%C : memref<2x3xi32>)
  "memref.copy"(%C, %D) : (memref<2x3xi32>, memref<2x3xi32>) -> ()
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  func.return
}

// uint8 elements.
// CHECK-LABEL: @unsigned_elements
func.func @unsigned_elements(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi32>) {
  // CHECK-NOT: gemmini.matmul
  // CHECK: func.return
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%C : memref<2x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extui %a : i8 to i32
    %1 = arith.extui %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  func.return
}

// int16 elements.
// CHECK-LABEL: @wide_elements
func.func @wide_elements(%A: memref<2x4xi16>, %B: memref<4x3xi16>, %C: memref<2x3xi32>) {
  // CHECK-NOT: gemmini.matmul
  // CHECK: func.return
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%C : memref<2x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<2x4xi16>, memref<4x3xi16>) outs(%C : memref<2x3xi32>) {
  ^bb0(%a: i16, %b: i16, %c: i32):
    %0 = arith.extsi %a : i16 to i32
    %1 = arith.extsi %b : i16 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  func.return
}

// A bias for every row is no bias of gemmini.matmul.
// CHECK-LABEL: @column_bias
func.func @column_bias(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi32>, %D: memref<2xi32>) {
  // CHECK-NOT: gemmini.matmul
  // CHECK: func.return
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%D : memref<2xi32>) outs(%C : memref<2x3xi32>) {
  ^bb0(%d: i32, %c: i32):
    linalg.yield %d : i32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%C : memref<2x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  func.return
}

// Floating point is never converted.
// CHECK-LABEL: @floating_point
func.func @floating_point(%A: memref<2x4xf32>, %B: memref<4x3xf32>, %C: memref<2x3xf32>) {
  // CHECK-NOT: gemmini.matmul
  // CHECK: func.return
  %zero = arith.constant 0.0 : f32
  linalg.fill ins(%zero : f32) outs(%C : memref<2x3xf32>)
  linalg.matmul ins(%A, %B : memref<2x4xf32>, memref<4x3xf32>) outs(%C : memref<2x3xf32>)
  func.return
}

// A convolution is no matrix product.
// CHECK-LABEL: @convolution
func.func @convolution(%A: memref<6xi8>, %B: memref<3x4xi8>, %C: memref<4x4xi32>) {
  // CHECK-NOT: gemmini.matmul
  // CHECK: func.return
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%C : memref<4x4xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i + k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<6xi8>, memref<3x4xi8>) outs(%C : memref<4x4xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  func.return
}

// The int32 sums have another user.
// CHECK-LABEL: @other_user
func.func @other_user(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi8>, %D: memref<2x3xi32>) {
  // CHECK: gemmini.matmul {{.*}} outs([[S:%.*]] : memref<2x3xi32>)
  // CHECK-NEXT: linalg.generic
  %S = memref.alloc() : memref<2x3xi32>
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%S : memref<2x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%S : memref<2x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%S : memref<2x3xi32>) outs(%C : memref<2x3xi8>) {
  ^bb0(%s: i32, %o: i8):
    %0 = arith.sitofp %s : i32 to f32
    %1 = arith.constant 0.25 : f32
    %2 = arith.mulf %0, %1 : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.constant 127.0 : f32
    %5 = arith.minimumf %3, %4 : f32
    %6 = arith.constant -128.0 : f32
    %7 = arith.maximumf %5, %6 : f32
    %8 = arith.fptosi %7 : f32 to i8
    linalg.yield %8 : i8
  }
  "memref.copy"(%S, %D) : (memref<2x3xi32>, memref<2x3xi32>) -> ()
  func.return
}

// C overwrites A while the array still reads it.
// CHECK-LABEL: @in_place
func.func @in_place(%A: memref<3x3xi8>, %B: memref<3x3xi8>) {
  // CHECK: gemmini.matmul {{.*}} outs([[S:%.*]] : memref<3x3xi32>)
  // CHECK-NEXT: linalg.generic
  %S = memref.alloc() : memref<3x3xi32>
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%S : memref<3x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<3x3xi8>, memref<3x3xi8>) outs(%S : memref<3x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%S : memref<3x3xi32>) outs(%A : memref<3x3xi8>) {
  ^bb0(%s: i32, %o: i8):
    %0 = arith.sitofp %s : i32 to f32
    %1 = arith.constant 0.25 : f32
    %2 = arith.mulf %0, %1 : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.constant 127.0 : f32
    %5 = arith.minimumf %3, %4 : f32
    %6 = arith.constant -128.0 : f32
    %7 = arith.maximumf %5, %6 : f32
    %8 = arith.fptosi %7 : f32 to i8
    linalg.yield %8 : i8
  }
  func.return
}

// B changes before the requantisation, where the product would run.
// CHECK-LABEL: @operand_changes
func.func @operand_changes(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %E: memref<4x3xi8>, %C: memref<2x3xi8>) {
  // CHECK: gemmini.matmul {{.*}} outs([[S:%.*]] : memref<2x3xi32>)
  // CHECK-NEXT: "memref.copy"
  // CHECK-NEXT: linalg.generic
  %S = memref.alloc() : memref<2x3xi32>
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%S : memref<2x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%S : memref<2x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  "memref.copy"(%E, %B) : (memref<4x3xi8>, memref<4x3xi8>) -> ()
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%S : memref<2x3xi32>) outs(%C : memref<2x3xi8>) {
  ^bb0(%s: i32, %o: i8):
    %0 = arith.sitofp %s : i32 to f32
    %1 = arith.constant 0.25 : f32
    %2 = arith.mulf %0, %1 : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.constant 127.0 : f32
    %5 = arith.minimumf %3, %4 : f32
    %6 = arith.constant -128.0 : f32
    %7 = arith.maximumf %5, %6 : f32
    %8 = arith.fptosi %7 : f32 to i8
    linalg.yield %8 : i8
  }
  func.return
}

// The requantisation transposes.
// CHECK-LABEL: @transposed_epilogue
func.func @transposed_epilogue(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<3x2xi8>) {
  // CHECK: gemmini.matmul {{.*}} outs([[S:%.*]] : memref<2x3xi32>)
  // CHECK-NEXT: linalg.generic
  %S = memref.alloc() : memref<2x3xi32>
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%S : memref<2x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%S : memref<2x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%S : memref<2x3xi32>) outs(%C : memref<3x2xi8>) {
  ^bb0(%s: i32, %o: i8):
    %0 = arith.sitofp %s : i32 to f32
    %1 = arith.constant 0.25 : f32
    %2 = arith.mulf %0, %1 : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.constant 127.0 : f32
    %5 = arith.minimumf %3, %4 : f32
    %6 = arith.constant -128.0 : f32
    %7 = arith.maximumf %5, %6 : f32
    %8 = arith.fptosi %7 : f32 to i8
    linalg.yield %8 : i8
  }
  func.return
}

// The int32 sums leave the function.
// CHECK-LABEL: @escapes
func.func @escapes(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi8>) {
  // CHECK: gemmini.matmul {{.*}} outs([[S:%.*]] : memref<2x3xi32>)
  // CHECK-NEXT: linalg.generic
  %S = memref.alloc() : memref<2x3xi32>
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%S : memref<2x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%S : memref<2x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%S : memref<2x3xi32>) outs(%C : memref<2x3xi8>) {
  ^bb0(%s: i32, %o: i8):
    %0 = arith.sitofp %s : i32 to f32
    %1 = arith.constant 0.25 : f32
    %2 = arith.mulf %0, %1 : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.constant 127.0 : f32
    %5 = arith.minimumf %3, %4 : f32
    %6 = arith.constant -128.0 : f32
    %7 = arith.maximumf %5, %6 : f32
    %8 = arith.fptosi %7 : f32 to i8
    linalg.yield %8 : i8
  }
  "test.op"(%S) : (memref<2x3xi32>) -> ()
  func.return
}

// An unknown operation may write an operand between the product and its requantisation.
// CHECK-LABEL: @unknown_operation
func.func @unknown_operation(%A: memref<2x4xi8>, %B: memref<4x3xi8>, %C: memref<2x3xi8>) {
  // CHECK: gemmini.matmul {{.*}} outs([[S:%.*]] : memref<2x3xi32>)
  // CHECK-NEXT: "test.op"
  // CHECK-NEXT: linalg.generic
  %S = memref.alloc() : memref<2x3xi32>
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%S : memref<2x3xi32>)
  linalg.generic {indexing_maps = [affine_map<(i, j, k) -> (i, k)>, affine_map<(i, j, k) -> (k, j)>, affine_map<(i, j, k) -> (i, j)>], iterator_types = ["parallel", "parallel", "reduction"]} ins(%A, %B : memref<2x4xi8>, memref<4x3xi8>) outs(%S : memref<2x3xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %0 = arith.extsi %a : i8 to i32
    %1 = arith.extsi %b : i8 to i32
    %2 = arith.muli %0, %1 : i32
    %3 = arith.addi %c, %2 : i32
    linalg.yield %3 : i32
  }
  "test.op"() : () -> ()
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]} ins(%S : memref<2x3xi32>) outs(%C : memref<2x3xi8>) {
  ^bb0(%s: i32, %o: i8):
    %0 = arith.sitofp %s : i32 to f32
    %1 = arith.constant 0.25 : f32
    %2 = arith.mulf %0, %1 : f32
    %3 = math.roundeven %2 : f32
    %4 = arith.constant 127.0 : f32
    %5 = arith.minimumf %3, %4 : f32
    %6 = arith.constant -128.0 : f32
    %7 = arith.maximumf %5, %6 : f32
    %8 = arith.fptosi %7 : f32 to i8
    linalg.yield %8 : i8
  }
  func.return
}
