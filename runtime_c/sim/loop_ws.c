/* LOOP_WS: the FSM that unrolls a tiled matrix product (ISA section 9). */
#include "simulator.h"

enum {
    ACCUMULATOR_ELEMENT_BYTES = 4,
    LOOP_CONFIG_COMMANDS = GEMMINI_FUNCT_LOOP_WS_STRIDES_DC - GEMMINI_FUNCT_LOOP_WS_BOUNDS + 1,
    ALL_CONFIGURED = (1 << LOOP_CONFIG_COMMANDS) - 1
};

/* One matrix of the loop in DRAM and in local memory, by stored tiles. */
struct matrix {
    uint64_t dram;   /* 0: no transfer */
    uint64_t stride; /* elements from row to row */
    uint32_t element_bytes;
    uint32_t local; /* local address of the first tile */
    uint32_t rows;  /* stored tiles in each direction */
    uint32_t cols;
    uint32_t row_pad; /* elements missing in the last tile */
    uint32_t col_pad;
    uint32_t blocks; /* tiles of a row that one command moves */
};

struct loop {
    gemmini_sim *sim;
    const struct loop_registers *registers;
    bool accumulate;
    bool transpose_a;
    bool transpose_b;
    struct matrix a, b, d, c;
    uint32_t product_base; /* accumulator row of the first tile of C */
};

static uint32_t min_u32(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

bool execute_loop_config(gemmini_sim *sim, uint32_t funct, uint64_t rs1, uint64_t rs2) {
    struct loop_registers *registers = &sim->loop.slots[sim->loop.slot];
    uint32_t bit = UINT32_C(1) << (funct - GEMMINI_FUNCT_LOOP_WS_BOUNDS);
    switch (funct) {
    case GEMMINI_FUNCT_LOOP_WS_BOUNDS:
        if (!check_unused_bits(sim, "rs1", rs1 >> 48 << 48) ||
            !check_unused_bits(sim, "rs2", rs2 >> 48 << 48))
            return false;
        registers->pad_i = (uint32_t)rs1 & 0xFFFF;
        registers->pad_j = (uint32_t)(rs1 >> 16) & 0xFFFF;
        registers->pad_k = (uint32_t)(rs1 >> 32) & 0xFFFF;
        registers->i = (uint32_t)rs2 & 0xFFFF;
        registers->j = (uint32_t)(rs2 >> 16) & 0xFFFF;
        registers->k = (uint32_t)(rs2 >> 32) & 0xFFFF;
        break;
    case GEMMINI_FUNCT_LOOP_WS_ADDRESSES_AB:
        registers->a = rs1;
        registers->b = rs2;
        break;
    case GEMMINI_FUNCT_LOOP_WS_ADDRESSES_DC:
        registers->d = rs1;
        registers->c = rs2;
        break;
    case GEMMINI_FUNCT_LOOP_WS_STRIDES_AB:
        registers->a_stride = rs1;
        registers->b_stride = rs2;
        break;
    default:
        registers->d_stride = rs1;
        registers->c_stride = rs2;
        break;
    }
    registers->configured |= bit;
    registers->refreshed |= bit;
    return true;
}

static uint64_t pack_tile(uint32_t address, uint32_t rows, uint32_t cols) {
    return (uint64_t)rows << 48 | (uint64_t)cols << 32 | address;
}

/* Elements of tile `index` of `count`, in one direction. */
static uint32_t extent(const struct loop *loop, uint32_t index, uint32_t count, uint32_t pad) {
    return loop->sim->config.dim - (index == count - 1 ? pad : 0);
}

static uint32_t tile_address(const struct loop *loop, const struct matrix *matrix, uint32_t row,
                             uint32_t col) {
    return matrix->local + (row * matrix->cols + col) * loop->sim->config.dim;
}

/* Moves tiles [col, col + blocks) of a row of tiles. */
static bool move(const struct loop *loop, uint32_t funct, const struct matrix *matrix, uint32_t row,
                 uint32_t col) {
    uint32_t dim = loop->sim->config.dim;
    uint32_t blocks = min_u32(matrix->blocks, matrix->cols - col);
    uint64_t offset = (row * matrix->stride + col) * dim * matrix->element_bytes;
    uint32_t rows = extent(loop, row, matrix->rows, matrix->row_pad);
    uint32_t cols =
        (blocks - 1) * dim + extent(loop, col + blocks - 1, matrix->cols, matrix->col_pad);
    if (loop->sim->config.checked && offset > UINT32_MAX)
        return fail(loop->sim, "the DRAM offset of tile [%u][%u] exceeds 32 bits", row, col);
    return execute_unrolled(loop->sim, funct, matrix->dram + (uint32_t)offset,
                            pack_tile(tile_address(loop, matrix, row, col), rows, cols));
}

/* Loads the tile at (row, col) of the matrix as used, if the tiles of its command start there. */
static bool load(const struct loop *loop, uint32_t funct, const struct matrix *matrix,
                 bool transpose, uint32_t row, uint32_t col) {
    uint32_t stored_row = transpose ? col : row;
    uint32_t stored_col = transpose ? row : col;
    if (matrix->dram == 0 || stored_col % matrix->blocks != 0)
        return true;
    return move(loop, funct, matrix, stored_row, stored_col);
}

static uint32_t used_tile(const struct loop *loop, const struct matrix *matrix, bool transpose,
                          uint32_t row, uint32_t col) {
    return transpose ? tile_address(loop, matrix, col, row) : tile_address(loop, matrix, row, col);
}

static bool multiply_tile(const struct loop *loop, uint32_t i, uint32_t j, uint32_t k) {
    const struct loop_registers *registers = loop->registers;
    gemmini_sim *sim = loop->sim;
    uint32_t dim = sim->config.dim;
    uint32_t rows = extent(loop, i, registers->i, registers->pad_i);
    uint32_t cols = extent(loop, j, registers->j, registers->pad_j);
    uint32_t depth = extent(loop, k, registers->k, registers->pad_k);
    bool first = i == 0;
    uint32_t weights =
        first ? used_tile(loop, &loop->b, loop->transpose_b, k, j) : GEMMINI_GARBAGE_ADDRESS;
    uint32_t product = GEMMINI_ADDRESS_ACCUMULATOR |
                       (loop->accumulate || k > 0 ? GEMMINI_ADDRESS_ACCUMULATE : 0) |
                       (loop->product_base + (i * registers->j + j) * dim);
    return execute_unrolled(sim, GEMMINI_FUNCT_PRELOAD, pack_tile(weights, depth, cols),
                            pack_tile(product, rows, cols)) &&
           execute_unrolled(
               sim, first ? GEMMINI_FUNCT_COMPUTE_PRELOADED : GEMMINI_FUNCT_COMPUTE_ACCUMULATED,
               pack_tile(used_tile(loop, &loop->a, loop->transpose_a, i, k), rows, depth),
               pack_tile(GEMMINI_GARBAGE_ADDRESS, dim, dim));
}

/*
 * Executes D loads, then products with each load before its first use, then stores: the hardware
 * interleaves these streams, its hazard tracking makes the result the same.
 */
static bool unroll(const struct loop *loop) {
    const struct loop_registers *bounds = loop->registers;
    if (loop->d.dram != 0)
        for (uint32_t j = 0; j < bounds->j; j += loop->d.blocks)
            for (uint32_t i = 0; i < bounds->i; i++)
                if (!move(loop, GEMMINI_FUNCT_MVIN3, &loop->d, i, j))
                    return false;
    for (uint32_t k = 0; k < bounds->k; k++)
        for (uint32_t j = 0; j < bounds->j; j++) {
            if (!load(loop, GEMMINI_FUNCT_MVIN2, &loop->b, loop->transpose_b, k, j))
                return false;
            for (uint32_t i = 0; i < bounds->i; i++)
                if ((j == 0 &&
                     !load(loop, GEMMINI_FUNCT_MVIN, &loop->a, loop->transpose_a, i, k)) ||
                    !multiply_tile(loop, i, j, k))
                    return false;
        }
    if (loop->c.dram != 0)
        for (uint32_t j = 0; j < bounds->j; j += loop->c.blocks)
            for (uint32_t i = 0; i < bounds->i; i++)
                if (!move(loop, GEMMINI_FUNCT_MVOUT, &loop->c, i, j))
                    return false;
    return true;
}

static bool ranges_overlap(struct row_range a, struct row_range b) {
    return a.first < b.end && b.first < a.end;
}

static bool check_bounds(gemmini_sim *sim, const struct loop_registers *registers) {
    const gemmini_sim_config *hardware = &sim->config;
    uint32_t dim = hardware->dim;
    uint64_t a_tiles = (uint64_t)registers->i * registers->k;
    uint64_t b_tiles = (uint64_t)registers->k * registers->j;
    uint64_t c_tiles = (uint64_t)registers->i * registers->j;
    uint32_t half_scratchpad = hardware->scratchpad_rows / 2;
    uint32_t half_accumulator = hardware->accumulator_rows / 2;
    if (registers->i == 0 || registers->j == 0 || registers->k == 0)
        return fail(sim, "I, J and K must be at least 1, got %u, %u and %u", registers->i,
                    registers->j, registers->k);
    if (registers->pad_i >= dim || registers->pad_j >= dim || registers->pad_k >= dim)
        return fail(sim, "pads must be less than %u, got %u, %u and %u", dim, registers->pad_i,
                    registers->pad_j, registers->pad_k);
    if ((a_tiles + b_tiles) * dim > half_scratchpad)
        return fail(sim, "A and B need %llu rows, half the scratchpad has %u",
                    (unsigned long long)(a_tiles + b_tiles) * dim, half_scratchpad);
    if (c_tiles * dim > half_accumulator)
        return fail(sim, "C needs %llu rows, half the accumulator has %u",
                    (unsigned long long)c_tiles * dim, half_accumulator);
    return true;
}

/* Checked mode: the configuration that software must make for the FSM. */
static bool check_configuration(const struct loop *loop) {
    gemmini_sim *sim = loop->sim;
    const struct array_config *execute = &sim->execute;
    const struct matrix *loaded[LOAD_CONFIGS] = {&loop->a, &loop->b, &loop->d};
    if (loop->registers->refreshed != ALL_CONFIGURED)
        return fail(sim, "not all five LOOP_WS_CONFIG commands were sent for this loop");
    if (execute->transpose_a != loop->transpose_a || execute->transpose_b != loop->transpose_b)
        return fail(sim, "the transposes differ from those of CONFIG_EX");
    for (uint32_t id = 0; id < LOAD_CONFIGS; id++) {
        const struct load_config *config = &sim->load[id];
        const struct matrix *matrix = loaded[id];
        if (matrix->dram == 0 || !config->valid)
            continue;
        if (matrix->blocks > 1 && matrix->cols > 1 && config->block_stride != sim->config.dim)
            return fail(sim, "block_stride of CONFIG_LD id %u must be %u, got %u", id,
                        sim->config.dim, config->block_stride);
        if (id == 2 && config->shrink != (matrix->element_bytes == 1))
            return fail(sim, "low_D and the shrink flag of CONFIG_LD id 2 differ");
    }
    return true;
}

/*
 * Checked mode: loads of a loop run ahead of the previous loop's computations, so they must not
 * touch its rows unless another command or a fence separated the loops.
 */
static bool check_overlapping_loops(struct loop *loop) {
    gemmini_sim *sim = loop->sim;
    struct loop_state *state = &sim->loop;
    const struct loop_registers *registers = loop->registers;
    uint32_t dim = sim->config.dim;
    struct row_range a = {loop->a.local, loop->a.local + registers->i * registers->k * dim};
    struct row_range b = {loop->b.local, loop->b.local + registers->k * registers->j * dim};
    struct row_range accumulator = {loop->product_base,
                                    loop->product_base + registers->i * registers->j * dim};
    if (state->previous_in_flight) {
        const struct {
            const struct matrix *matrix;
            struct row_range range;
        } inputs[] = {{&loop->a, a}, {&loop->b, b}};
        for (uint32_t n = 0; n < 2; n++)
            if (inputs[n].matrix->dram != 0 &&
                (ranges_overlap(inputs[n].range, state->previous_a) ||
                 ranges_overlap(inputs[n].range, state->previous_b)))
                return fail(sim, "loads rows that the previous LOOP_WS may still be using");
        struct row_range d = {loop->d.local & ~GEMMINI_ADDRESS_ACCUMULATOR,
                              (loop->d.local & ~GEMMINI_ADDRESS_ACCUMULATOR) +
                                  registers->i * registers->j * dim};
        if (loop->d.dram != 0 && ranges_overlap(d, state->previous_accumulator))
            return fail(sim, "loads D over sums that the previous LOOP_WS may still be using");
    }
    state->previous_in_flight = true;
    state->previous_a = a;
    state->previous_b = b;
    state->previous_accumulator = accumulator;
    return true;
}

/* Accumulator base of one FSM; it moves to the other half for the loop after one that stores. */
static uint32_t take_accumulator_base(const gemmini_sim *sim, uint32_t *upper_half, uint64_t c) {
    uint32_t base = *upper_half != 0 ? sim->config.accumulator_rows / 2 : 0;
    if (c != 0)
        *upper_half ^= 1;
    return base;
}

/* First row of the half of the scratchpad that a matrix uses: its own, or that of the slot. */
static uint32_t scratchpad_half(const gemmini_sim *sim, uint32_t id) {
    return (id == 0 ? sim->loop.slot : id - 1) * (sim->config.scratchpad_rows / 2);
}

static bool check_run(gemmini_sim *sim, uint64_t rs1, uint64_t rs2) {
    uint32_t activation = (uint32_t)(rs1 >> 8) & 7;
    uint32_t b_id = (uint32_t)(rs1 >> 16) & 3;
    uint32_t a_id = (uint32_t)(rs1 >> 18) & 3;
    if ((rs2 & 4) != 0)
        return fail(sim, "residual addition is not modelled");
    if (rs2 >> 3 != 0)
        return fail(sim, "rs2 bits 63 to 3 (skips, scratchpad results) are not modelled");
    if (activation > GEMMINI_ACTIVATION_RELU)
        return fail(sim, "activation %u is not modelled", activation);
    if (a_id == 3 || b_id == 3)
        return fail(sim, "scratchpad ids must be 0 to 2, got %u for A and %u for B", a_id, b_id);
    if (!check_unused_bits(sim, "rs1", rs1 & ~UINT64_C(0xF0707)))
        return false;
    if (sim->loop.slots[sim->loop.slot].configured != ALL_CONFIGURED)
        return fail(sim, "LOOP_WS_CONFIG commands are missing for slot %u", sim->loop.slot);
    if (!sim->execute.valid)
        return fail(sim, "no CONFIG_EX precedes");
    if (sim->execute.output_stationary)
        return fail(sim, "CONFIG_EX selects OS, the FSM needs WS");
    if (sim->array.preloaded)
        return fail(sim, "comes between the PRELOAD of command %llu and its COMPUTE",
                    (unsigned long long)sim->array.preload_index);
    return true;
}

bool execute_loop(gemmini_sim *sim, uint64_t rs1, uint64_t rs2) {
    struct loop_state *state = &sim->loop;
    struct loop_registers *registers = &state->slots[state->slot];
    const gemmini_sim_config *hardware = &sim->config;
    if (!check_run(sim, rs1, rs2) || !check_bounds(sim, registers))
        return false;

    uint32_t dim = hardware->dim;
    bool full_c = (rs1 & 2) != 0;
    bool low_d = (rs1 & 4) != 0;
    bool transpose_a = (rs2 & 1) != 0;
    bool transpose_b = (rs2 & 2) != 0;
    uint32_t wide = hardware->dma_max_bytes > dim ? hardware->dma_max_bytes / dim : 1;
    uint32_t d_base = take_accumulator_base(sim, &state->upper_half_d, registers->c);
    uint32_t product_base = take_accumulator_base(sim, &state->upper_half_execute, registers->c);
    uint32_t c_base = take_accumulator_base(sim, &state->upper_half_store, registers->c);
    uint32_t a_start = scratchpad_half(sim, (uint32_t)(rs1 >> 18) & 3);
    uint32_t b_end =
        scratchpad_half(sim, (uint32_t)(rs1 >> 16) & 3) + hardware->scratchpad_rows / 2;
    struct loop loop = {
        .sim = sim,
        .registers = registers,
        .accumulate = (rs1 & 1) != 0,
        .transpose_a = transpose_a,
        .transpose_b = transpose_b,
        .product_base = product_base,
        .a = {.dram = registers->a,
              .stride = registers->a_stride,
              .element_bytes = 1,
              .local = a_start,
              .rows = transpose_a ? registers->k : registers->i,
              .cols = transpose_a ? registers->i : registers->k,
              .row_pad = transpose_a ? registers->pad_k : registers->pad_i,
              .col_pad = transpose_a ? registers->pad_i : registers->pad_k,
              .blocks = wide},
        /* The hardware reads the padding rows of B, too; nothing uses them. */
        .b = {.dram = registers->b,
              .stride = registers->b_stride,
              .element_bytes = 1,
              .local = b_end - registers->k * registers->j * dim,
              .rows = transpose_b ? registers->j : registers->k,
              .cols = transpose_b ? registers->k : registers->j,
              .row_pad = transpose_b ? registers->pad_j : registers->pad_k,
              .col_pad = transpose_b ? registers->pad_k : registers->pad_j,
              .blocks = wide},
        .d = {.dram = registers->d,
              .stride = registers->d_stride,
              .element_bytes = low_d ? 1 : ACCUMULATOR_ELEMENT_BYTES,
              .local = GEMMINI_ADDRESS_ACCUMULATOR | d_base,
              .rows = registers->i,
              .cols = registers->j,
              .row_pad = registers->pad_i,
              .col_pad = registers->pad_j,
              .blocks = low_d ? wide : 1},
        .c = {.dram = registers->c,
              .stride = registers->c_stride,
              .element_bytes = full_c ? ACCUMULATOR_ELEMENT_BYTES : 1,
              .local =
                  GEMMINI_ADDRESS_ACCUMULATOR | (full_c ? GEMMINI_ADDRESS_READ_FULL : 0) | c_base,
              .rows = registers->i,
              .cols = registers->j,
              .row_pad = registers->pad_i,
              .col_pad = registers->pad_j,
              .blocks = full_c ? 1 : wide},
    };
    if (hardware->checked && (!check_configuration(&loop) || !check_overlapping_loops(&loop)))
        return false;
    registers->refreshed = 0;
    state->slot ^= 1;
    return unroll(&loop);
}
