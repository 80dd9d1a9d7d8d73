/* PRELOAD and COMPUTE: the systolic array in both dataflows (ISA section 6). */
#include "arithmetic.h"
#include "simulator.h"

#include <string.h>

enum { ACTIVE, IDLE };

/* The array takes at least so many rows for one COMPUTE. */
enum { MIN_EMITTED_ROWS = 4 };

static uint32_t min_u32(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

static uint32_t max_u32(uint32_t a, uint32_t b) {
    return a > b ? a : b;
}

void array_reconfigured(gemmini_sim *sim, bool dataflow_changed) {
    struct array_state *array = &sim->array;
    array->sums_valid = false;
    if (dataflow_changed) {
        array->weights_valid[ACTIVE] = false;
        array->weights_valid[IDLE] = false;
    }
}

/* How an operand of the array is stored, and what hazard tracking makes of it. */
struct layout {
    uint32_t stride; /* rows from one stored row to the next */
    bool transpose;
    bool tracks_transpose; /* the tracked rows are the stored rows also if transposed */
};

static const struct layout LAYOUT_OF_D = {.stride = 1, .transpose = false};

static struct layout layout_of_a(const gemmini_sim *sim) {
    return (struct layout){sim->execute.a_stride, sim->execute.transpose_a, true};
}

static struct layout layout_of_b(const gemmini_sim *sim) {
    return (struct layout){1, sim->execute.transpose_b, false};
}

/*
 * Checks an operand of the array and reads it, as used in the product, into `target`: DIM x DIM
 * elements with zeros around the operand. A transposed operand is stored as cols x rows.
 */
static bool read_operand(gemmini_sim *sim, const char *what, const struct tile *tile,
                         struct layout layout, int16_t *target) {
    uint32_t dim = sim->config.dim;
    uint32_t stored_rows = layout.transpose ? tile->cols : tile->rows;
    uint32_t stored_cols = layout.transpose ? tile->rows : tile->cols;
    uint32_t row_step = layout.transpose ? 1 : dim;
    uint32_t col_step = layout.transpose ? dim : 1;
    if (tile->address.memory == ACCUMULATOR)
        return fail(sim,
                    "%s lies in the accumulator: the array reading operands from there is "
                    "not modelled",
                    what);
    if (layout.stride == 0 && sim->config.checked)
        return fail(sim, "the row stride of %s is 0", what);
    if (!check_extent(sim, what, tile->address, (stored_rows - 1) * layout.stride + 1))
        return false;
    memset(target, 0, (size_t)dim * dim * sizeof *target);
    for (uint32_t r = 0; r < stored_rows; r++) {
        uint32_t row = local_row(sim, SCRATCHPAD, tile->address.row, r * layout.stride);
        bool tracked = !layout.transpose || layout.tracks_transpose || r < tile->rows;
        if (!check_operand_read(sim, what, tile->address.row, row, stored_cols, tracked))
            return false;
        const int8_t *source = scratchpad_row(sim, row);
        int16_t *first = target + (size_t)r * row_step;
        for (uint32_t c = 0; c < stored_cols; c++)
            first[(size_t)c * col_step] = source[c];
    }
    return true;
}

/* For inner loops that are only fast once their sizes are constant. */
#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline))
#else
#define INLINE static inline
#endif

/* product = a * b for DIM x DIM matrices, of a only `rows` x `depth`. */
INLINE void multiply_fixed(uint32_t dim, const int16_t *restrict a, const int16_t *restrict b,
                           uint32_t rows, uint32_t depth, int32_t *restrict product) {
    for (uint32_t i = 0; i < rows; i++) {
        int32_t *restrict sums = product + (size_t)i * dim;
        memset(sums, 0, dim * sizeof *sums);
        for (uint32_t k = 0; k < depth; k++) {
            int32_t factor = a[(size_t)i * dim + k];
            const int16_t *restrict row = b + (size_t)k * dim;
            for (uint32_t j = 0; j < dim; j++)
                sums[j] += factor * row[j];
        }
    }
}

/* The same with constant sizes of the inner loops, which compilers vectorise. */
INLINE void multiply_by_size(uint32_t dim, const int16_t *a, const int16_t *b, uint32_t rows,
                             uint32_t depth, int32_t *product) {
    switch (dim) {
    case 4:
        multiply_fixed(4, a, b, rows, depth, product);
        break;
    case 8:
        multiply_fixed(8, a, b, rows, depth, product);
        break;
    case 16:
        multiply_fixed(16, a, b, rows, depth, product);
        break;
    case 32:
        multiply_fixed(32, a, b, rows, depth, product);
        break;
    default:
        multiply_fixed(dim, a, b, rows, depth, product);
    }
}

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_AVX2 __builtin_cpu_supports("avx2")

__attribute__((target("avx2"))) static void multiply_avx2(uint32_t dim, const int16_t *a,
                                                          const int16_t *b, uint32_t rows,
                                                          uint32_t depth, int32_t *product) {
    multiply_by_size(dim, a, b, rows, depth, product);
}
#else
#define HAS_AVX2      false
#define multiply_avx2 multiply_by_size
#endif

/* Libraries are built for any processor of their kind; wider vectors are used where there are
 * some. */
static void multiply(uint32_t dim, const int16_t *a, const int16_t *b, uint32_t rows,
                     uint32_t depth, int32_t *product) {
    if (HAS_AVX2)
        multiply_avx2(dim, a, b, rows, depth, product);
    else
        multiply_by_size(dim, a, b, rows, depth, product);
}

/* Checks what can be wrong with the place of a result. */
static bool check_destination(gemmini_sim *sim, const struct tile *c) {
    const gemmini_sim_config *hardware = &sim->config;
    uint32_t stride = sim->execute.c_stride;
    if (sim->execute.output_stationary && stride != 1)
        return fail(sim, "c_stride must be 1 in OS, got %u", stride);
    if (hardware->checked && stride == 0)
        return fail(sim, "c_stride is 0");
    if (hardware->checked && c->address.memory == SCRATCHPAD && !hardware->ex_write_to_spad)
        return fail(sim, "this configuration cannot write results to the scratchpad");
    return check_extent(sim, "C", c->address, (c->rows - 1) * stride + 1);
}

bool execute_preload(gemmini_sim *sim, uint64_t rs1, uint64_t rs2) {
    struct array_state *array = &sim->array;
    const struct array_config *config = &sim->execute;
    uint32_t dim = sim->config.dim;
    const char *what = config->output_stationary ? "D" : "B";
    struct tile stationary;
    if (!config->valid)
        return fail(sim, "no CONFIG_EX precedes");
    if (array->preloaded)
        return fail(sim, "the PRELOAD of command %llu has no COMPUTE",
                    (unsigned long long)array->preload_index);
    if (!decode_tile(sim, what, rs1, dim, dim, &stationary) ||
        !decode_tile(sim, "C", rs2, dim, dim, &array->destination))
        return false;
    if (!array->destination.address.garbage && !check_destination(sim, &array->destination))
        return false;

    if (config->output_stationary) {
        memset(array->initial_sums, 0, (size_t)dim * dim * sizeof *array->initial_sums);
        if (!stationary.address.garbage) {
            if (!read_operand(sim, what, &stationary, LAYOUT_OF_D, array->b))
                return false;
            for (size_t n = 0; n < (size_t)dim * dim; n++)
                array->initial_sums[n] = array->b[n];
        }
    } else {
        /* Garbage shifts an unknown number of zero rows into the idle buffer. */
        array->weights_valid[IDLE] = !stationary.address.garbage;
        array->weights_cols[IDLE] = stationary.cols;
        if (!stationary.address.garbage &&
            !read_operand(sim, what, &stationary, layout_of_b(sim), array->weights[IDLE]))
            return false;
    }
    array->preloaded = true;
    array->preload_index = sim->index;
    return true;
}

/* Writes rows of DIM sums to C, which is not garbage. */
static bool write_result(gemmini_sim *sim, const int32_t *sums) {
    const struct tile *c = &sim->array.destination;
    /* Local copies: for all the compiler knows, rows of local memory overlap the structures. */
    uint32_t dim = sim->config.dim, rows = c->rows, cols = c->cols;
    bool relu = sim->execute.relu, accumulate = c->address.accumulate;
    if (c->address.memory == SCRATCHPAD && !sim->config.ex_write_to_spad)
        return true;
    for (uint32_t i = 0; i < rows; i++, sums += dim) {
        uint32_t row = local_row(sim, c->address.memory, c->address.row, i * sim->execute.c_stride);
        if (!check_result(sim, c->address.memory, c->address.row, row, c->cols,
                          c->address.accumulate))
            return false;
        if (c->address.memory == SCRATCHPAD) {
            int8_t *target = scratchpad_row(sim, row);
            for (uint32_t j = 0; j < cols; j++) {
                int8_t value = saturate_int8(sums[j]);
                target[j] = relu && value < 0 ? 0 : value;
            }
        } else {
            int32_t *target = accumulator_row(sim, row);
            for (uint32_t j = 0; j < cols; j++)
                target[j] = accumulate ? wrapping_add(target[j], sums[j]) : sums[j];
        }
    }
    return true;
}

static bool compute_ws(gemmini_sim *sim, bool flip, const struct tile *a, struct tile *d) {
    struct array_state *array = &sim->array;
    const gemmini_sim_config *hardware = &sim->config;
    const struct tile *c = &array->destination;
    uint32_t dim = hardware->dim;
    bool new_weights = flip || array->weights_valid[IDLE];
    if (flip) {
        if (!array->weights_valid[IDLE])
            return fail(sim,
                        "the PRELOAD of command %llu has no weights: flipping to them would "
                        "use stale ones",
                        (unsigned long long)array->preload_index);
        int16_t *weights = array->weights[IDLE];
        array->weights[IDLE] = array->weights[ACTIVE];
        array->weights[ACTIVE] = weights;
        array->weights_valid[IDLE] = array->weights_valid[ACTIVE];
        array->weights_valid[ACTIVE] = true;
        uint32_t cols = array->weights_cols[IDLE];
        array->weights_cols[IDLE] = array->weights_cols[ACTIVE];
        array->weights_cols[ACTIVE] = cols;
    }
    if (!array->weights_valid[ACTIVE])
        return fail(sim, "the array holds no weights");
    if (hardware->hardcode_d_to_garbage && !d->address.garbage) {
        if (hardware->checked)
            return fail(sim, "this configuration ignores D");
        d->address.garbage = true;
    }
    if (a->address.garbage)
        return c->address.garbage ? true : fail(sim, "A is the garbage address but C is not");

    /* Whether new weights stretch the step to DIM rows depends on the commands that follow. */
    bool all_rows =
        sim->execute.transpose_a || sim->execute.transpose_b || (new_weights && !hardware->checked);
    uint32_t emitted = all_rows ? dim : max_u32(a->rows, d->address.garbage ? 0 : d->rows);
    emitted = max_u32(emitted, MIN_EMITTED_ROWS);
    if (!c->address.garbage && c->rows > emitted)
        return fail(sim, "C has %u rows but the array emits only %u", c->rows, emitted);
    if (!read_operand(sim, "A", a, layout_of_a(sim), array->a))
        return false;
    if (!d->address.garbage && !read_operand(sim, "D", d, LAYOUT_OF_D, array->b))
        return false;
    sim->statistics.macs += (uint64_t)a->rows * a->cols * array->weights_cols[ACTIVE];
    if (c->address.garbage)
        return true;

    multiply(dim, array->a, array->weights[ACTIVE], min_u32(c->rows, dim), a->cols, array->product);
    int32_t *restrict product = array->product;
    const int16_t *restrict addend = d->address.garbage ? NULL : array->b;
    uint32_t bits = hardware->array_bits;
    size_t elements = (size_t)c->rows * dim;
    for (size_t n = 0; n < elements && addend; n++)
        product[n] += addend[n];
    for (size_t n = 0; n < elements; n++)
        product[n] = wrap_to_bits(product[n], bits);
    return write_result(sim, array->product);
}

static bool compute_os(gemmini_sim *sim, bool flip, const struct tile *a, const struct tile *b) {
    struct array_state *array = &sim->array;
    const struct tile *c = &array->destination;
    uint32_t dim = sim->config.dim;
    uint32_t bits = sim->config.array_bits;
    size_t elements = (size_t)dim * dim;
    if (flip) {
        memcpy(array->sums, array->initial_sums, elements * sizeof *array->sums);
        array->sums_valid = true;
    } else if (!array->sums_valid) {
        return fail(sim, "the array holds no sums to continue");
    } else if (array->sums_leaving) {
        return fail(sim, "the sums left the array with the previous COMPUTE");
    }
    array->sums_leaving = !c->address.garbage;
    if (a->address.garbage)
        return fail(sim, "A is the garbage address: the sums would be undefined");
    if (!read_operand(sim, "A", a, layout_of_a(sim), array->a))
        return false;
    if (!b->address.garbage) {
        if (!read_operand(sim, "B", b, layout_of_b(sim), array->b))
            return false;
        sim->statistics.macs += (uint64_t)a->rows * a->cols * b->cols;
        multiply(dim, array->a, array->b, a->rows, a->cols, array->product);
        for (size_t n = 0; n < (size_t)a->rows * dim; n++)
            array->sums[n] = wrap_to_bits(wrapping_add(array->sums[n], array->product[n]), bits);
    }
    if (c->address.garbage)
        return true;
    /* The hardware saturates to array_bits here, where the sums, so wrapped, already fit. */
    for (size_t n = 0; n < (size_t)c->rows * dim; n++)
        array->product[n] = rounding_shift(array->sums[n], sim->execute.in_shift);
    return write_result(sim, array->product);
}

bool execute_compute(gemmini_sim *sim, bool flip, uint64_t rs1, uint64_t rs2) {
    struct array_state *array = &sim->array;
    bool output_stationary = sim->execute.output_stationary;
    uint32_t dim = sim->config.dim;
    struct tile a;
    struct tile second;
    if (!array->preloaded)
        return fail(sim, "no PRELOAD precedes");
    array->preloaded = false;
    check_begin_compute(sim);
    if (!decode_tile(sim, "A", rs1, dim, dim, &a) ||
        !decode_tile(sim, output_stationary ? "B" : "D", rs2, dim, dim, &second))
        return false;
    return output_stationary ? compute_os(sim, flip, &a, &second)
                             : compute_ws(sim, flip, &a, &second);
}
