/* MVIN and MVOUT (ISA sections 4 and 7). */
#include "arithmetic.h"
#include "simulator.h"

#include <string.h>

enum { INPUT_BYTES = 1, ACCUMULATOR_BYTES = 4 };

/* Columns that one command moves in elements of `element_bytes`. */
static uint32_t max_cols(const gemmini_sim *sim, uint32_t element_bytes) {
    uint32_t cols = sim->config.dma_max_bytes / element_bytes;
    return cols > sim->config.dim ? cols - cols % sim->config.dim : sim->config.dim;
}

static uint32_t min_u32(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static uint32_t blocks_of(const gemmini_sim *sim, uint32_t cols) {
    return (cols + sim->config.dim - 1) / sim->config.dim;
}

/* Accumulator elements lie in DRAM in the machine's order, which is little endian. */
static int32_t load_int32(const uint8_t *bytes) {
    uint32_t value = (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
                     (uint32_t)bytes[3] << 24;
    return int32_from_bits(value);
}

static void store_int32(uint8_t *bytes, int32_t value) {
    uint32_t bits = (uint32_t)value;
    bytes[0] = (uint8_t)bits;
    bytes[1] = (uint8_t)(bits >> 8);
    bytes[2] = (uint8_t)(bits >> 16);
    bytes[3] = (uint8_t)(bits >> 24);
}

/* Writes `cols` elements, the bytes at `source` or zeros, to one local row. */
static void load_row(gemmini_sim *sim, const struct load_config *config,
                     struct local_address destination, uint32_t row, const uint8_t *source,
                     uint32_t cols) {
    if (destination.memory == SCRATCHPAD) {
        int8_t *target = scratchpad_row(sim, row);
        if (source == NULL)
            memset(target, 0, cols);
        else if (config->scale == GEMMINI_SCALE_ONE)
            memcpy(target, source, cols);
        else
            for (uint32_t c = 0; c < cols; c++)
                target[c] = config->scaled[source[c]];
        return;
    }
    int32_t *target = accumulator_row(sim, row);
    for (uint32_t c = 0; c < cols; c++) {
        int32_t value = 0;
        if (source != NULL)
            value = config->shrink ? config->scaled[source[c]]
                                   : load_int32(source + (size_t)c * ACCUMULATOR_BYTES);
        target[c] = destination.accumulate ? wrapping_add(target[c], value) : value;
    }
}

bool execute_mvin(gemmini_sim *sim, uint32_t id, uint64_t rs1, uint64_t rs2) {
    const struct load_config *config = &sim->load[id];
    uint32_t dim = sim->config.dim;
    struct local_address destination = decode_address(sim, (uint32_t)rs2);
    if (!config->valid)
        return fail(sim, "no CONFIG_LD has set up id %u", id);
    if (destination.garbage)
        return fail(sim, "the destination is the garbage address");
    bool full_width = destination.memory == ACCUMULATOR && !config->shrink;
    uint32_t element_bytes = full_width ? ACCUMULATOR_BYTES : INPUT_BYTES;
    struct tile tile;
    if (!decode_tile(sim, "the destination", rs2, max_cols(sim, element_bytes),
                     max_cols(sim, INPUT_BYTES), &tile))
        return false;
    uint32_t blocks = blocks_of(sim, tile.cols);
    if (config->block_stride < tile.rows)
        return fail(sim, "block_stride of id %u must be at least rows (%u), got %u", id, tile.rows,
                    config->block_stride);
    if (config->pixel_repeats > 1)
        return fail(sim, "pixel repeats are not modelled");
    if (rs1 == 0 && destination.memory == ACCUMULATOR && config->shrink)
        return fail(sim, "zeros cannot be written to the accumulator with shrink = 1");
    if (!check_extent(sim, "the destination", destination,
                      (blocks - 1) * config->block_stride + tile.rows))
        return false;

    check_begin_load(sim);
    const uint8_t *source = NULL;
    for (uint32_t r = 0; r < tile.rows; r++) {
        if (rs1 != 0 && (r == 0 || config->stride != 0)) {
            source = dram_read(sim, rs1 + r * config->stride, tile.cols * element_bytes);
            if (source == NULL)
                return false;
        }
        for (uint32_t b = 0; b < blocks; b++) {
            uint32_t cols = min_u32(dim, tile.cols - b * dim);
            uint32_t row =
                local_row(sim, destination.memory, destination.row, b * config->block_stride + r);
            if (!check_load(sim, destination.memory,
                            local_row(sim, destination.memory, destination.row, 0), row, cols,
                            destination.accumulate))
                return false;
            load_row(sim, config, destination, row,
                     source == NULL ? NULL : source + (size_t)b * dim * element_bytes, cols);
        }
    }
    return true;
}

static bool check_store(gemmini_sim *sim, const struct tile *tile, uint32_t blocks) {
    const gemmini_sim_config *hardware = &sim->config;
    const struct store_config *config = &sim->store;
    if (config->pooling)
        return fail(sim, "pooling is not modelled");
    if (tile->address.garbage || tile->address.memory == SCRATCHPAD)
        return true;
    if (tile->address.read_full) {
        if (!hardware->acc_read_full_width)
            return fail(sim, "this configuration cannot store full-width accumulator elements");
        if (blocks > 1)
            return fail(sim, "full-width elements of more than %u columns cannot be stored at once",
                        hardware->dim);
        return true;
    }
    if (!hardware->acc_read_small_width)
        return fail(sim, "this configuration cannot store scaled accumulator elements");
    if (config->activation > GEMMINI_ACTIVATION_RELU)
        return fail(sim, "activation %u is not modelled", config->activation);
    if (!config->scale_valid)
        return fail(sim, "no CONFIG_ST has set a scale");
    return true;
}

/* Writes `cols` elements of one local row to DRAM. */
static void store_row(const gemmini_sim *sim, struct local_address source, uint32_t row,
                      uint8_t *target, uint32_t cols) {
    if (source.garbage) {
        memset(target, 0, cols);
    } else if (source.memory == SCRATCHPAD) {
        memcpy(target, scratchpad_row(sim, row), cols);
    } else if (source.read_full) {
        const int32_t *values = accumulator_row(sim, row);
        for (uint32_t c = 0; c < cols; c++)
            store_int32(target + (size_t)c * ACCUMULATOR_BYTES, values[c]);
    } else {
        bool relu = sim->store.activation == GEMMINI_ACTIVATION_RELU;
        const int32_t *values = accumulator_row(sim, row);
        for (uint32_t c = 0; c < cols; c++) {
            int32_t value = relu && values[c] < 0 ? 0 : values[c];
            target[c] = (uint8_t)scale_to_int8(value, sim->store.scale);
        }
    }
}

bool execute_mvout(gemmini_sim *sim, uint64_t rs1, uint64_t rs2) {
    const struct store_config *config = &sim->store;
    uint32_t dim = sim->config.dim;
    uint32_t most_cols = max_cols(sim, INPUT_BYTES);
    struct tile tile;
    if (!config->valid)
        return fail(sim, "no CONFIG_ST precedes");
    if (!decode_tile(sim, "the source", rs2, most_cols, most_cols, &tile))
        return false;
    if (tile.address.garbage &&
        (tile.rows < 1 || tile.rows > dim || tile.cols < 1 || tile.cols > most_cols))
        return fail(sim, "stores %u x %u zeros, at most %u x %u are possible", tile.rows, tile.cols,
                    dim, most_cols);
    uint32_t blocks = blocks_of(sim, tile.cols);
    if (!check_store(sim, &tile, blocks) ||
        !check_extent(sim, "the source", tile.address, (blocks - 1) * dim + tile.rows))
        return false;

    bool full_width =
        !tile.address.garbage && tile.address.memory == ACCUMULATOR && tile.address.read_full;
    uint32_t element_bytes = full_width ? ACCUMULATOR_BYTES : INPUT_BYTES;
    for (uint32_t r = 0; r < tile.rows; r++) {
        uint8_t *target =
            dram_write(sim, rs1 + (uint64_t)r * config->stride, tile.cols * element_bytes);
        if (target == NULL)
            return false;
        for (uint32_t b = 0; b < blocks; b++) {
            uint32_t cols = min_u32(dim, tile.cols - b * dim);
            uint32_t row = local_row(sim, tile.address.memory, tile.address.row, b * dim + r);
            if (!tile.address.garbage &&
                !check_read(sim, "the source", tile.address.memory, row, cols))
                return false;
            store_row(sim, tile.address, row, target + (size_t)b * dim * element_bytes, cols);
        }
    }
    return true;
}
