// RUN: gemmini-opt %s --parsing-diagnostics --verify-diagnostics --split-input-file | filecheck %s

// Schedules, configurations and buffers that contradict themselves.

// CHECK: a schedule needs a tile, such as tile = [4, 4, 4]{{$}}
"test.op"() {a = #gemmini.schedule<>} : () -> ()

// -----

// CHECK: a schedule needs a tile, such as tile = [4, 4, 4]{{$}}
"test.op"() {a = #gemmini.schedule<order = "mnk">} : () -> ()

// -----

// CHECK: tile must be three sizes [m, n, k] of at least 1 block, got (4, 4){{$}}
"test.op"() {a = #gemmini.schedule<tile = [4, 4]>} : () -> ()

// -----

// CHECK: tile must be three sizes [m, n, k] of at least 1 block, got (4, 0, 4){{$}}
"test.op"() {a = #gemmini.schedule<tile = [4, 0, 4]>} : () -> ()

// -----

// CHECK: order must be a permutation of "mnk", got "mnm"{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], order = "mnm">} : () -> ()

// -----

// CHECK: inner_order must be a permutation of "mnk", got "mn"{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], inner_order = "mn">} : () -> ()

// -----

// CHECK: order must end in k, got "kmn": partial sums stay in the accumulator until k is done{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], order = "kmn">} : () -> ()

// -----

// CHECK: double_buffer must list "a", "b", "c" at most once, got ('d',){{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], double_buffer = ["d"]>} : () -> ()

// -----

// CHECK: double_buffer must list "a", "b", "c" at most once, got ('a', 'a'){{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], double_buffer = ["a", "a"]>} : () -> ()

// -----

// CHECK: mvin_cols must not be negative, got -16{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], mvin_cols = -16>} : () -> ()

// -----

// CHECK: mvout_cols must not be negative, got -1{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], mvout_cols = -1>} : () -> ()

// -----

// CHECK: unknown schedule field 'tiles'; fields are tile, order, inner_order, dataflow, double_buffer, mvin_cols, mvout_cols, placement, lowering, unroll, software_pipeline, prefetch_distance, transposed_tiles, prologue_tiles, swap_operands, transpose_resident, fold_rows{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], tiles = 2>} : () -> ()

// -----

// CHECK: unroll orders separate instructions: it needs lowering = isa{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], lowering = loop_ws, unroll = true>} : () -> ()

// -----

// CHECK: placement = interleaved needs unroll = true: it has no row that loops can add to{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], placement = interleaved>} : () -> ()

// -----

// CHECK: Expected boolean literal{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], unroll = 1>} : () -> ()

// -----

// CHECK: schedule field 'tile' is given twice{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], tile = [2, 2, 2]>} : () -> ()

// -----

// CHECK: unknown configuration 'nope'; presets are default, int8_32x32, int8_4x4, int8_8x8, lean, zcu102; other hardware is given by its parameters: <"nope", mesh_rows = 8, mesh_columns = 8>{{$}}
"test.op"() {a = #gemmini.config<"nope">} : () -> ()

// -----

// CHECK: unknown configuration 'mine.toml'; presets are {{.*}}; other hardware is given by its parameters
"test.op"() {a = #gemmini.config<"mine.toml">} : () -> ()

// -----

// CHECK: 'zcu102' is a preset with other values; choose another name{{$}}
"test.op"() {a = #gemmini.config<"zcu102", clock_mhz = 200>} : () -> ()

// -----

// CHECK: config 'mine': parameter 'mesh_rows' must be a power of two, got 12{{$}}
"test.op"() {a = #gemmini.config<"mine", mesh_rows = 12>} : () -> ()

// -----

// CHECK: config 'mine': the array must be square, got 8 rows and 16 columns{{$}}
"test.op"() {a = #gemmini.config<"mine", mesh_rows = 8>} : () -> ()

// -----

// CHECK: config 'mine': parameter 'dataflow' must be one of ws, os, both, got 'is'{{$}}
"test.op"() {a = #gemmini.config<"mine", dataflow = "is">} : () -> ()

// -----

// CHECK: config 'mine': input_type 'fp32' is not supported; only int8 is{{$}}
"test.op"() {a = #gemmini.config<"mine", input_type = "fp32">} : () -> ()

// -----

// CHECK: config 'mine': parameter 'has_loop_ws' must be true or false, got 1{{$}}
"test.op"() {a = #gemmini.config<"mine", has_loop_ws = 1>} : () -> ()

// -----

// CHECK: config 'mine': parameter 'mesh_rows' must be an integer, got '8'{{$}}
"test.op"() {a = #gemmini.config<"mine", mesh_rows = "8">} : () -> ()

// -----

// CHECK: expected two static sizes such as 4x13{{$}}
"test.op"() {a = !gemmini.buffer<4 of 16x16, scratchpad>} : () -> ()

// -----

// CHECK: expected two static sizes such as 4x13{{$}}
"test.op"() {a = !gemmini.buffer<4x4 of 16x?, scratchpad>} : () -> ()

// -----

// CHECK: expected two static sizes such as 4x13{{$}}
"test.op"() {a = !gemmini.buffer<4x0 of 16x16, scratchpad>} : () -> ()

// -----

// CHECK: buffer sizes and slot counts must be at least 1{{$}}
"test.op"() {a = !gemmini.buffer<4x4 of 16x16, scratchpad, slots = 0>} : () -> ()

// -----

// CHECK: software_pipeline orders the instructions of one tile: it needs unroll = true{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], software_pipeline = true>} : () -> ()

// -----

// CHECK: prefetch_distance must not be negative, got -1{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], prefetch_distance = -1>} : () -> ()

// -----

// CHECK: prefetch_distance and placement = cyclic need each other: what is loaded must lie in another bank than what is read{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], unroll = true, software_pipeline = true, prefetch_distance = 2>} : () -> ()

// -----

// CHECK: prefetch_distance and placement = cyclic need each other: what is loaded must lie in another bank than what is read{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], placement = cyclic, unroll = true, software_pipeline = true>} : () -> ()

// -----

// CHECK: prefetch_distance needs software_pipeline = true, transposed_tiles or transpose_resident = true{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], placement = cyclic, unroll = true, prefetch_distance = 2>} : () -> ()

// -----

// CHECK: fold_rows: its loads keep the pace of a software pipeline: it needs software_pipeline = true and a prefetch_distance{{$}}
"test.op"() {a = #gemmini.schedule<tile = [8, 1, 1], unroll = true, software_pipeline = true, fold_rows = true>} : () -> ()

// -----

// CHECK: transposed_tiles are those of a whole product: they need a prefetch_distance and no software_pipeline{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], unroll = true, transposed_tiles = 2>} : () -> ()

// -----

// CHECK: prologue_tiles must be 1 to 2, each with slots of its own, got 0{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], prologue_tiles = 0>} : () -> ()

// -----

// CHECK: prologue_tiles must be 1 to 2, each with slots of its own, got 3{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], unroll = true, software_pipeline = true, prologue_tiles = 3>} : () -> ()

// -----

// CHECK: prologue_tiles are those of a pipeline: they need software_pipeline = true{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], unroll = true, prologue_tiles = 2>} : () -> ()

// -----

// CHECK: prologue_tiles: with a prefetch_distance loads keep the pace of one tile's products; choose one of them{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], placement = cyclic, unroll = true, software_pipeline = true, prefetch_distance = 2, prologue_tiles = 2>} : () -> ()

// -----

// CHECK: transpose_resident takes separate instructions: it needs lowering = isa{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], lowering = loop_ws, transpose_resident = true>} : () -> ()

// -----

// CHECK: swap_operands takes separate instructions: it needs lowering = isa{{$}}
"test.op"() {a = #gemmini.schedule<tile = [1, 1, 1], lowering = loop_ws, swap_operands = true>} : () -> ()
