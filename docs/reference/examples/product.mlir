func.func @product(%A: memref<100x200xi8>, %B: memref<200x60xi8>, %C: memref<100x60xi32>) {
  %zero = arith.constant 0 : i32
  linalg.fill ins(%zero : i32) outs(%C : memref<100x60xi32>)
  linalg.generic {
    indexing_maps = [affine_map<(m, n, k) -> (m, k)>, affine_map<(m, n, k) -> (k, n)>,
                     affine_map<(m, n, k) -> (m, n)>],
    iterator_types = ["parallel", "parallel", "reduction"]
  } ins(%A, %B : memref<100x200xi8>, memref<200x60xi8>) outs(%C : memref<100x60xi32>) {
  ^bb0(%a: i8, %b: i8, %c: i32):
    %wide_a = arith.extsi %a : i8 to i32
    %wide_b = arith.extsi %b : i8 to i32
    %term = arith.muli %wide_a, %wide_b : i32
    %sum = arith.addi %c, %term : i32
    linalg.yield %sum : i32
  }
  func.return
}
