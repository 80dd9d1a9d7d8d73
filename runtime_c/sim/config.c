/* CONFIG_EX, CONFIG_LD and CONFIG_ST (ISA section 5). */
#include "arithmetic.h"
#include "simulator.h"

static uint32_t field(uint64_t operand, uint32_t high, uint32_t low) {
    return (uint32_t)(operand >> low & ((UINT64_C(2) << (high - low)) - 1));
}

static bool config_ex(gemmini_sim *sim, uint64_t rs1, uint64_t rs2) {
    const gemmini_sim_config *hardware = &sim->config;
    struct array_config *config = &sim->execute;
    bool only_strides = field(rs1, 7, 7) != 0;
    bool output_stationary = field(rs1, 2, 2) == 0;
    uint32_t activation = field(rs1, 4, 3);
    bool transpose_a = field(rs1, 8, 8) != 0;
    bool transpose_b = field(rs1, 9, 9) != 0;

    if (sim->array.preloaded)
        return fail(sim, "comes between the PRELOAD of command %llu and its COMPUTE",
                    (unsigned long long)sim->array.preload_index);
    if (!check_unused_bits(sim, "rs1", rs1 & UINT64_C(0xFC60)) ||
        !check_unused_bits(sim, "rs2", rs2 & UINT64_C(0xFFFFFFFFFFE0)))
        return false;
    check_array_drained(sim);
    if (only_strides) {
        array_reconfigured(sim, false);
        config->a_stride = field(rs1, 31, 16);
        config->c_stride = field(rs2, 63, 48);
        return true;
    }
    if (!hardware->supports_ws || !hardware->supports_os) {
        if (hardware->checked && output_stationary != !hardware->supports_ws)
            return fail(sim, "the array supports the %s dataflow only",
                        hardware->supports_ws ? "WS" : "OS");
        output_stationary = !hardware->supports_ws;
    }
    if (output_stationary && transpose_b && !transpose_a)
        return fail(sim, "in OS, B can be transposed only together with A");
    if (!output_stationary && transpose_a && transpose_b)
        return fail(sim, "in WS, A and B cannot both be transposed");
    if (activation > GEMMINI_ACTIVATION_RELU && hardware->has_normalizations)
        return fail(sim, "activation %u is not modelled", activation);
    if (activation > GEMMINI_ACTIVATION_RELU && hardware->checked)
        return fail(sim, "activation %u does not exist in this configuration", activation);
    array_reconfigured(sim, config->valid && config->output_stationary != output_stationary);
    *config = (struct array_config){
        .valid = true,
        .output_stationary = output_stationary,
        .relu = activation == GEMMINI_ACTIVATION_RELU,
        .transpose_a = transpose_a,
        .transpose_b = transpose_b,
        .a_stride = field(rs1, 31, 16),
        .c_stride = field(rs2, 63, 48),
        .in_shift = field(rs2, 4, 0),
    };
    return true;
}

static bool config_ld(gemmini_sim *sim, uint64_t rs1, uint64_t rs2) {
    uint32_t id = field(rs1, 4, 3);
    uint32_t scale = field(rs1, 63, 32);
    uint32_t row_mask = (UINT32_C(1) << sim->config.row_bits) - 1;
    if (id >= LOAD_CONFIGS)
        return fail(sim, "id must be 0 to %d, got %u", LOAD_CONFIGS - 1, id);
    if (!check_unused_bits(
            sim, "rs1",
            rs1 & (UINT64_C(0xE0E0) | (UINT64_C(0xFFFF0000) & ~((uint64_t)row_mask << 16)))))
        return false;
    if (!sim->config.has_mvin_scale) {
        if (sim->config.checked && scale != GEMMINI_SCALE_ONE)
            return fail(sim, "this configuration has no MVIN scale: it must be 1.0");
        scale = GEMMINI_SCALE_ONE;
    }
    struct load_config *config = &sim->load[id];
    bool scale_changed = !config->valid || config->scale != scale;
    config->valid = true;
    config->shrink = field(rs1, 2, 2) != 0;
    config->pixel_repeats = field(rs1, 12, 8);
    config->block_stride = field(rs1, 31, 16) & row_mask;
    config->scale = scale;
    config->stride = rs2;
    if (scale_changed)
        for (int32_t value = INT8_MIN; value <= INT8_MAX; value++)
            config->scaled[(uint8_t)value] =
                scale == GEMMINI_SCALE_ONE ? (int8_t)value : scale_to_int8(value, scale);
    return true;
}

static bool config_st(gemmini_sim *sim, uint64_t rs1, uint64_t rs2) {
    struct store_config *config = &sim->store;
    uint32_t scale = field(rs2, 63, 32);
    bool pooling = field(rs1, 7, 4) != 0;
    /* Without a window the geometry fields do nothing. */
    if (!pooling && !check_unused_bits(sim, "rs1", rs1 & ~UINT64_C(0xF)))
        return false;
    config->valid = true;
    config->activation = field(rs1, 3, 2);
    config->pooling = pooling;
    config->stride = field(rs2, 31, 0);
    if (scale != GEMMINI_SCALE_KEEP) {
        config->scale = scale;
        config->scale_valid = true;
    }
    return true;
}

bool execute_configuration(gemmini_sim *sim, uint64_t rs1, uint64_t rs2) {
    switch (field(rs1, 1, 0)) {
    case GEMMINI_CONFIG_EX:
        return config_ex(sim, rs1, rs2);
    case GEMMINI_CONFIG_LD:
        return config_ld(sim, rs1, rs2);
    case GEMMINI_CONFIG_ST:
        return config_st(sim, rs1, rs2);
    default:
        if (!sim->config.has_normalizations)
            return fail(sim, "this configuration has no normalisations: "
                             "the hardware would execute an MVOUT");
        return fail(sim, "normalisations are not modelled");
    }
}
