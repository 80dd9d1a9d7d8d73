/* Creation, dispatch, errors and statistics of simulators. */
#include "simulator.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum mnemonic {
    M_CONFIG_EX,
    M_CONFIG_LD,
    M_CONFIG_ST,
    M_CONFIG_NORM,
    M_MVIN,
    M_MVIN2,
    M_MVIN3,
    M_MVOUT,
    M_PRELOAD,
    M_COMPUTE_PRELOADED,
    M_COMPUTE_ACCUMULATED,
    M_FLUSH,
    M_LOOP_WS_CONFIG_BOUNDS,
    M_LOOP_WS_CONFIG_ADDRS_AB,
    M_LOOP_WS_CONFIG_ADDRS_DC,
    M_LOOP_WS_CONFIG_STRIDES_AB,
    M_LOOP_WS_CONFIG_STRIDES_DC,
    M_LOOP_WS,
    M_LOOP_WS_CONFIG_SPAD_AB,
    M_LOOP_WS_CONFIG_SPAD_C,
    M_LOOP_CONV_WS,
    M_LOOP_CONV_WS_CONFIG,
    M_MVOUT_SPAD,
    M_CLKGATE_EN,
    M_COUNTER,
    M_FENCE,
    M_UNKNOWN,
    MNEMONICS
};

static const char *const NAMES[MNEMONICS] = {
    [M_CONFIG_EX] = "CONFIG_EX",
    [M_CONFIG_LD] = "CONFIG_LD",
    [M_CONFIG_ST] = "CONFIG_ST",
    [M_CONFIG_NORM] = "CONFIG_NORM",
    [M_MVIN] = "MVIN",
    [M_MVIN2] = "MVIN2",
    [M_MVIN3] = "MVIN3",
    [M_MVOUT] = "MVOUT",
    [M_PRELOAD] = "PRELOAD",
    [M_COMPUTE_PRELOADED] = "COMPUTE_PRELOADED",
    [M_COMPUTE_ACCUMULATED] = "COMPUTE_ACCUMULATED",
    [M_FLUSH] = "FLUSH",
    [M_LOOP_WS_CONFIG_BOUNDS] = "LOOP_WS_CONFIG_BOUNDS",
    [M_LOOP_WS_CONFIG_ADDRS_AB] = "LOOP_WS_CONFIG_ADDRS_AB",
    [M_LOOP_WS_CONFIG_ADDRS_DC] = "LOOP_WS_CONFIG_ADDRS_DC",
    [M_LOOP_WS_CONFIG_STRIDES_AB] = "LOOP_WS_CONFIG_STRIDES_AB",
    [M_LOOP_WS_CONFIG_STRIDES_DC] = "LOOP_WS_CONFIG_STRIDES_DC",
    [M_LOOP_WS] = "LOOP_WS",
    [M_LOOP_WS_CONFIG_SPAD_AB] = "LOOP_WS_CONFIG_SPAD_AB",
    [M_LOOP_WS_CONFIG_SPAD_C] = "LOOP_WS_CONFIG_SPAD_C",
    [M_LOOP_CONV_WS] = "LOOP_CONV_WS",
    [M_LOOP_CONV_WS_CONFIG] = "LOOP_CONV_WS_CONFIG",
    [M_MVOUT_SPAD] = "MVOUT_SPAD",
    [M_CLKGATE_EN] = "CLKGATE_EN",
    [M_COUNTER] = "COUNTER",
    [M_FENCE] = "fence",
    [M_UNKNOWN] = "unknown",
};

_Static_assert((int)MNEMONICS <= (int)GEMMINI_SIM_MNEMONICS,
               "statistics have no room for all mnemonics");

static enum mnemonic mnemonic_of(uint32_t funct, uint64_t rs1) {
    switch (funct) {
    case GEMMINI_FUNCT_CONFIG:
        return M_CONFIG_EX + (enum mnemonic)(rs1 & 3);
    case GEMMINI_FUNCT_MVIN:
        return M_MVIN;
    case GEMMINI_FUNCT_MVIN2:
        return M_MVIN2;
    case GEMMINI_FUNCT_MVIN3:
        return M_MVIN3;
    case GEMMINI_FUNCT_MVOUT:
        return M_MVOUT;
    case GEMMINI_FUNCT_PRELOAD:
        return M_PRELOAD;
    case GEMMINI_FUNCT_COMPUTE_PRELOADED:
        return M_COMPUTE_PRELOADED;
    case GEMMINI_FUNCT_COMPUTE_ACCUMULATED:
        return M_COMPUTE_ACCUMULATED;
    case GEMMINI_FUNCT_FLUSH:
        return M_FLUSH;
    case GEMMINI_FUNCT_LOOP_WS_BOUNDS:
    case GEMMINI_FUNCT_LOOP_WS_ADDRESSES_AB:
    case GEMMINI_FUNCT_LOOP_WS_ADDRESSES_DC:
    case GEMMINI_FUNCT_LOOP_WS_STRIDES_AB:
    case GEMMINI_FUNCT_LOOP_WS_STRIDES_DC:
        return M_LOOP_WS_CONFIG_BOUNDS + (enum mnemonic)(funct - GEMMINI_FUNCT_LOOP_WS_BOUNDS);
    case GEMMINI_FUNCT_LOOP_WS:
        return M_LOOP_WS;
    case GEMMINI_FUNCT_LOOP_WS_SPAD_AB:
        return M_LOOP_WS_CONFIG_SPAD_AB;
    case GEMMINI_FUNCT_LOOP_WS_SPAD_C:
        return M_LOOP_WS_CONFIG_SPAD_C;
    case GEMMINI_FUNCT_LOOP_CONV_WS:
        return M_LOOP_CONV_WS;
    case GEMMINI_FUNCT_MVOUT_SPAD:
        return M_MVOUT_SPAD;
    case GEMMINI_FUNCT_CLKGATE_EN:
        return M_CLKGATE_EN;
    case GEMMINI_FUNCT_COUNTER:
        return M_COUNTER;
    default:
        if (funct >= GEMMINI_FUNCT_LOOP_CONV_WS_CONFIG_1 &&
            funct <= GEMMINI_FUNCT_LOOP_CONV_WS_CONFIG_6)
            return M_LOOP_CONV_WS_CONFIG;
        return M_UNKNOWN;
    }
}

const char *gemmini_sim_mnemonic(uint32_t index) {
    return index < MNEMONICS ? NAMES[index] : NULL;
}

bool fail(gemmini_sim *sim, const char *format, ...) {
    int used;
    if (sim->failed)
        return false;
    sim->failed = true;
    if (sim->unrolling)
        used = snprintf(sim->error, sizeof sim->error,
                        "command %llu (LOOP_WS, %s): ", (unsigned long long)sim->index,
                        NAMES[sim->unrolled]);
    else
        used =
            snprintf(sim->error, sizeof sim->error,
                     "command %llu (%s): ", (unsigned long long)sim->index, NAMES[sim->mnemonic]);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(sim->error + used, sizeof sim->error - (size_t)used, format, arguments);
    va_end(arguments);
    return false;
}

/* -- creation -------------------------------------------------------------------------------- */

static bool power_of_two(uint32_t value) {
    return value != 0 && (value & (value - 1)) == 0;
}

static const char *config_problem(const gemmini_sim_config *config) {
    if (!power_of_two(config->dim) || config->dim < 2 || config->dim > MAX_DIM)
        return "dim must be a power of two from 2 to 128";
    if (!power_of_two(config->scratchpad_rows) || !power_of_two(config->accumulator_rows))
        return "the memories must have a power of two of rows";
    if (config->scratchpad_rows < 2 * config->dim || config->accumulator_rows < 2 * config->dim)
        return "the memories must have at least 2*dim rows";
    if (config->row_bits < 1 || config->row_bits > 25 ||
        config->scratchpad_rows > UINT32_C(1) << config->row_bits ||
        config->accumulator_rows > UINT32_C(1) << config->row_bits)
        return "row_bits must be at most 25 and number all rows";
    if (config->array_bits < 17 || config->array_bits > 32)
        return "array_bits must be 17 to 32";
    if (!power_of_two(config->dma_max_bytes) || config->dma_max_bytes > 4096)
        return "dma_max_bytes must be a power of two up to 4096";
    if (!config->supports_ws && !config->supports_os)
        return "the array must support WS, OS or both";
    return NULL;
}

static bool allocate(gemmini_sim *sim) {
    const gemmini_sim_config *config = &sim->config;
    struct array_state *array = &sim->array;
    size_t tile = (size_t)config->dim * config->dim;
    sim->scratchpad = calloc((size_t)config->scratchpad_rows * config->dim, sizeof(int8_t));
    sim->accumulator = calloc((size_t)config->accumulator_rows * config->dim, sizeof(int32_t));
    sim->map.regions = calloc(MAX_REGIONS, sizeof *sim->map.regions);
    array->weights[0] = calloc(tile, sizeof(int16_t));
    array->weights[1] = calloc(tile, sizeof(int16_t));
    array->initial_sums = calloc(tile, sizeof(int32_t));
    array->sums = calloc(tile, sizeof(int32_t));
    array->a = calloc(tile, sizeof(int16_t));
    array->b = calloc(tile, sizeof(int16_t));
    array->product = calloc(tile, sizeof(int32_t));
    return sim->scratchpad != NULL && sim->accumulator != NULL && sim->map.regions != NULL &&
           array->weights[0] != NULL && array->weights[1] != NULL && array->initial_sums != NULL &&
           array->sums != NULL && array->a != NULL && array->b != NULL && array->product != NULL &&
           checker_create(sim);
}

gemmini_sim *gemmini_sim_create(const gemmini_sim_config *config, char *message,
                                size_t message_bytes) {
    const char *problem = config_problem(config);
    gemmini_sim *sim = problem == NULL ? calloc(1, sizeof *sim) : NULL;
    if (sim != NULL) {
        sim->config = *config;
        if (allocate(sim)) {
            gemmini_sim_reset(sim);
            return sim;
        }
        gemmini_sim_destroy(sim);
    }
    if (message != NULL && message_bytes > 0)
        snprintf(message, message_bytes, "%s", problem != NULL ? problem : "out of memory");
    return NULL;
}

void gemmini_sim_destroy(gemmini_sim *sim) {
    if (sim == NULL)
        return;
    struct array_state *array = &sim->array;
    free(sim->scratchpad);
    free(sim->accumulator);
    free(sim->map.regions);
    free(array->weights[0]);
    free(array->weights[1]);
    free(array->initial_sums);
    free(array->sums);
    free(array->a);
    free(array->b);
    free(array->product);
    checker_destroy(sim);
    free(sim);
}

void gemmini_sim_reset(gemmini_sim *sim) {
    const gemmini_sim_config *config = &sim->config;
    struct array_state *array = &sim->array;
    memset(sim->scratchpad, 0, (size_t)config->scratchpad_rows * config->dim);
    memset(sim->accumulator, 0,
           (size_t)config->accumulator_rows * config->dim * sizeof *sim->accumulator);
    sim->execute = (struct array_config){0};
    memset(sim->load, 0, sizeof sim->load);
    sim->store = (struct store_config){0};
    sim->loop = (struct loop_state){0};
    array->preloaded = false;
    array->weights_valid[0] = false;
    array->weights_valid[1] = false;
    array->sums_valid = false;
    array->sums_leaving = false;
    sim->statistics = (gemmini_sim_statistics){0};
    sim->next_index = 0;
    sim->index = 0;
    sim->unrolling = false;
    sim->failed = false;
    checker_reset(sim);
}

/* -- commands -------------------------------------------------------------------------------- */

static bool execute(gemmini_sim *sim, uint32_t funct, uint64_t rs1, uint64_t rs2) {
    switch (funct) {
    case GEMMINI_FUNCT_CONFIG:
        return execute_configuration(sim, rs1, rs2);
    case GEMMINI_FUNCT_MVIN:
        return execute_mvin(sim, 0, rs1, rs2);
    case GEMMINI_FUNCT_MVIN2:
        return execute_mvin(sim, 1, rs1, rs2);
    case GEMMINI_FUNCT_MVIN3:
        return execute_mvin(sim, 2, rs1, rs2);
    case GEMMINI_FUNCT_MVOUT:
        return execute_mvout(sim, rs1, rs2);
    case GEMMINI_FUNCT_PRELOAD:
        return execute_preload(sim, rs1, rs2);
    case GEMMINI_FUNCT_COMPUTE_PRELOADED:
        return execute_compute(sim, true, rs1, rs2);
    case GEMMINI_FUNCT_COMPUTE_ACCUMULATED:
        return execute_compute(sim, false, rs1, rs2);
    case GEMMINI_FUNCT_FLUSH:
        return check_unused_bits(sim, "rs1", rs1 & ~UINT64_C(1)) &&
               check_unused_bits(sim, "rs2", rs2);
    case GEMMINI_FUNCT_LOOP_WS:
    case GEMMINI_FUNCT_LOOP_WS_BOUNDS:
    case GEMMINI_FUNCT_LOOP_WS_ADDRESSES_AB:
    case GEMMINI_FUNCT_LOOP_WS_ADDRESSES_DC:
    case GEMMINI_FUNCT_LOOP_WS_STRIDES_AB:
    case GEMMINI_FUNCT_LOOP_WS_STRIDES_DC:
        if (!sim->config.has_loop_ws)
            return fail(sim, "this configuration has no LOOP_WS");
        return funct == GEMMINI_FUNCT_LOOP_WS ? execute_loop(sim, rs1, rs2)
                                              : execute_loop_config(sim, funct, rs1, rs2);
    default:
        if (sim->mnemonic == M_UNKNOWN)
            return fail(sim, "funct7 %u is not an instruction", funct);
        if (sim->mnemonic == M_COUNTER)
            return fail(sim, "performance counters are not modelled");
        return fail(sim, "%s is not modelled", NAMES[sim->mnemonic]);
    }
}

static void notify(gemmini_sim *sim, uint32_t funct, uint64_t rs1, uint64_t rs2) {
    if (sim->listener != NULL)
        sim->listener(sim->listener_context, funct, rs1, rs2);
}

bool execute_unrolled(gemmini_sim *sim, uint32_t funct, uint64_t rs1, uint64_t rs2) {
    sim->unrolling = true;
    sim->unrolled = mnemonic_of(funct, rs1);
    sim->statistics.executed[sim->unrolled]++;
    notify(sim, funct, rs1, rs2);
    bool done = execute(sim, funct, rs1, rs2);
    sim->unrolling = false;
    return done;
}

int gemmini_sim_command(gemmini_sim *sim, uint32_t funct, uint64_t rs1, uint64_t rs2) {
    if (sim->failed)
        return GEMMINI_SIM_ERROR;
    sim->index = sim->next_index++;
    sim->mnemonic = mnemonic_of(funct, rs1);
    sim->statistics.issued[sim->mnemonic]++;
    bool belongs_to_loop =
        funct >= GEMMINI_FUNCT_LOOP_WS && funct <= GEMMINI_FUNCT_LOOP_WS_STRIDES_DC;
    if (!belongs_to_loop)
        sim->loop.previous_in_flight = false; /* other commands wait for the FSM */
    if (funct != GEMMINI_FUNCT_LOOP_WS) {
        sim->statistics.executed[sim->mnemonic]++;
        notify(sim, funct, rs1, rs2);
    }
    return execute(sim, funct, rs1, rs2) ? GEMMINI_SIM_OK : GEMMINI_SIM_ERROR;
}

int gemmini_sim_fence(gemmini_sim *sim) {
    if (sim->failed)
        return GEMMINI_SIM_ERROR;
    sim->index = sim->next_index++;
    sim->mnemonic = M_FENCE;
    sim->statistics.issued[M_FENCE]++;
    sim->statistics.executed[M_FENCE]++;
    sim->loop.previous_in_flight = false;
    if (sim->config.checked && sim->array.preloaded) {
        fail(sim, "the PRELOAD of command %llu has no COMPUTE: the array would hang",
             (unsigned long long)sim->array.preload_index);
        return GEMMINI_SIM_ERROR;
    }
    check_fence(sim);
    return GEMMINI_SIM_OK;
}

const char *gemmini_sim_error(const gemmini_sim *sim) {
    return sim->failed ? sim->error : NULL;
}

uint64_t gemmini_sim_error_index(const gemmini_sim *sim) {
    return sim->index;
}

void gemmini_sim_get_statistics(const gemmini_sim *sim, gemmini_sim_statistics *statistics) {
    *statistics = sim->statistics;
}

void gemmini_sim_listen(gemmini_sim *sim, gemmini_sim_listener *listener, void *context) {
    sim->listener = listener;
    sim->listener_context = context;
}

/* -- rows ------------------------------------------------------------------------------------ */

int gemmini_sim_read_scratchpad(const gemmini_sim *sim, uint32_t row, int8_t *elements) {
    if (row >= sim->config.scratchpad_rows)
        return GEMMINI_SIM_ERROR;
    memcpy(elements, scratchpad_row(sim, row), sim->config.dim);
    return GEMMINI_SIM_OK;
}

int gemmini_sim_write_scratchpad(gemmini_sim *sim, uint32_t row, const int8_t *elements) {
    if (row >= sim->config.scratchpad_rows)
        return GEMMINI_SIM_ERROR;
    memcpy(scratchpad_row(sim, row), elements, sim->config.dim);
    check_initialised(sim, SCRATCHPAD, row);
    return GEMMINI_SIM_OK;
}

int gemmini_sim_read_accumulator(const gemmini_sim *sim, uint32_t row, int32_t *elements) {
    if (row >= sim->config.accumulator_rows)
        return GEMMINI_SIM_ERROR;
    memcpy(elements, accumulator_row(sim, row), sim->config.dim * sizeof *elements);
    return GEMMINI_SIM_OK;
}

int gemmini_sim_write_accumulator(gemmini_sim *sim, uint32_t row, const int32_t *elements) {
    if (row >= sim->config.accumulator_rows)
        return GEMMINI_SIM_ERROR;
    memcpy(accumulator_row(sim, row), elements, sim->config.dim * sizeof *elements);
    check_initialised(sim, ACCUMULATOR, row);
    return GEMMINI_SIM_OK;
}
