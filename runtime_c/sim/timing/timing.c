/* The interface of the model to the core and to its users. */
#include "model.h"

#include <stdio.h>
#include <string.h>

void gemmini_timing_listen(struct gemmini_timing *timing, gemmini_timing_listener *listener,
                           void *context) {
    timing->listener = listener;
    timing->listener_context = context;
}

void gemmini_timing_listen_to_banks(struct gemmini_timing *timing, bool on) {
    timing->listens_to_banks = on;
}

void timing_emit(struct gemmini_timing *t, int kind, const struct command *command, int id) {
    if (t->listener == NULL)
        return;
    struct gemmini_timing_event event = {
        .cycle = t->now - t->origin,
        .rs1 = command->rs1,
        .rs2 = command->rs2,
        .command = command->index,
        .kind = kind,
        .funct = command->funct,
        .id = id,
        .from_loop = command->from_loop,
    };
    t->listener(t->listener_context, &event);
}

void timing_stop(struct gemmini_timing *t, uint64_t command, const char *message) {
    t->stopped = true;
    t->error_command = command;
    snprintf(t->error, sizeof t->error, "command %llu: %s", (unsigned long long)command, message);
}

static const char *refused(const struct gemmini_timing *t, uint32_t funct, uint64_t rs1,
                           uint64_t rs2) {
    (void)t;
    switch (funct) {
    case FUNCT_CONFIG:
        return bits(rs1, 1, 0) == CONFIG_NORM ? "CONFIG_NORM needs hardware for normalisations"
                                              : NULL;
    case FUNCT_LOOP_WS:
        return bits(rs2, 2, 2) ? "LOOP_WS of a residual addition is not modelled" : NULL;
    case FUNCT_MVIN:
    case FUNCT_MVIN2:
    case FUNCT_MVIN3:
    case FUNCT_MVOUT:
    case FUNCT_COMPUTE_PRELOADED:
    case FUNCT_COMPUTE_ACCUMULATED:
    case FUNCT_PRELOAD:
    case FUNCT_FLUSH:
    case FUNCT_CLKGATE:
    case FUNCT_COUNTER:
    case FUNCT_LOOP_WS_BOUNDS:
    case FUNCT_LOOP_WS_ADDRS_AB:
    case FUNCT_LOOP_WS_ADDRS_DC:
    case FUNCT_LOOP_WS_STRIDES_AB:
    case FUNCT_LOOP_WS_STRIDES_DC:
        return NULL;
    default:
        return "the timing model has no such command";
    }
}

uint64_t gemmini_timing_command(struct gemmini_timing *t, uint64_t gap, uint32_t funct,
                                uint64_t rs1, uint64_t rs2) {
    if (t->stopped)
        return NEVER;
    struct command command = {
        .rs1 = rs1, .rs2 = rs2, .index = t->commands, .funct = (uint8_t)funct, .entry = -1};
    const char *why = refused(t, funct, rs1, rs2);
    if (why != NULL) {
        timing_stop(t, t->commands, why);
        return NEVER;
    }
    cycle_t offered = t->last_accept + gap;
    while (t->now < offered && !t->stopped)
        model_advance(t, offered);
    while (!t->stopped && !queue_ready(&t->front.raw, t->now))
        model_advance(t, NEVER);
    if (t->stopped)
        return NEVER;
    /* The command enters after the queues have moved in the same cycle. */
    model_step(t);
    queue_push(&t->front.raw, &command);
    if (t->stopped)
        return NEVER;
    timing_emit(t, GEMMINI_TIMING_ACCEPT, &command, -1);
    t->last_accept = t->now;
    t->progress = t->now;
    t->commands++;
    t->now++;
    return t->last_accept - t->origin;
}

uint64_t gemmini_timing_fence(struct gemmini_timing *t) {
    while (model_busy(t) && !t->stopped)
        model_advance(t, NEVER);
    if (t->stopped)
        return NEVER;
    t->last_accept = t->now;
    struct command none = {.entry = -1, .index = t->commands};
    timing_emit(t, GEMMINI_TIMING_IDLE, &none, -1);
    return t->now - t->origin;
}

uint64_t gemmini_timing_counter(struct gemmini_timing *t, uint64_t gap, uint64_t rs1,
                                uint32_t *value) {
    uint64_t answered = t->counters.answered;
    if (t->p.num_counters == 0 && !t->stopped)
        timing_stop(t, t->commands, "COUNTER never answers: the hardware has no counters");
    if (gemmini_timing_command(t, gap, FUNCT_COUNTER, rs1, 0) == NEVER)
        return NEVER;
    while (t->counters.answered == answered && !t->stopped)
        model_advance(t, NEVER);
    if (t->stopped)
        return NEVER;
    *value = t->counters.answer;
    t->last_accept = t->now;
    return t->now - t->origin;
}

void gemmini_timing_configure(struct gemmini_timing *t, uint32_t funct, uint64_t rs1,
                              uint64_t rs2) {
    struct command command = {.rs1 = rs1, .rs2 = rs2, .funct = (uint8_t)funct, .entry = -1};
    if (funct >= FUNCT_LOOP_WS_BOUNDS && funct <= FUNCT_LOOP_WS_STRIDES_DC) {
        loop_matmul_configure(t, &command);
        return;
    }
    if (funct != FUNCT_CONFIG)
        return;
    reservation_station_configure(t, &command);
    switch (bits(rs1, 1, 0)) {
    case CONFIG_EX:
        execute_controller_configure(t, &command);
        if (!bits(rs1, 7, 7))
            t->ex.unroll_b_transpose = bits(rs1, 2, 2) && bits(rs1, 9, 9);
        break;
    case CONFIG_LD:
        load_controller_configure(t, &command);
        break;
    case CONFIG_ST:
        store_controller_configure(t, &command);
        break;
    default:
        break;
    }
}

void gemmini_timing_host_write(struct gemmini_timing *t, uint64_t address, uint64_t bytes) {
    l2_hold(t, address, bytes, false);
}

void gemmini_timing_host_hold(struct gemmini_timing *t, uint64_t address, uint64_t bytes) {
    l2_hold(t, address, bytes, true);
}

void gemmini_timing_host_fetch(struct gemmini_timing *t, uint64_t delay) {
    memory_fetch(t, t->last_accept + delay);
}

void gemmini_timing_set_seed(struct gemmini_timing *t, uint64_t seed) {
    l2_set_seed(t, seed);
}

void gemmini_timing_empty_l2(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    memset(l2->lines, 0, (size_t)l2->sets * l2->ways * sizeof *l2->lines);
    l2->fills = 0;
}

uint64_t gemmini_timing_l2_traffic(const struct gemmini_timing *t) {
    return t->memory.l2.fills * (uint64_t)t->p.l2_line_bytes;
}

void gemmini_timing_other_traffic(struct gemmini_timing *t, uint64_t bytes) {
    l2_pass(t, bytes / (uint64_t)t->p.l2_line_bytes);
}

void gemmini_timing_set_dram_latency(struct gemmini_timing *t, uint32_t cycles) {
    t->p.dram_latency = (int32_t)cycles;
}

void gemmini_timing_restart(struct gemmini_timing *t) {
    t->origin = t->last_accept = t->progress = t->now;
    t->last_completion = t->now;
    t->commands = 0;
    t->completed = false;
    memset(t->breakdown, 0, sizeof t->breakdown);
}

uint64_t gemmini_timing_cycles(const struct gemmini_timing *t) {
    return t->now - t->origin;
}

uint64_t gemmini_timing_breakdown(const struct gemmini_timing *t, enum gemmini_timing_cause cause) {
    return (unsigned)cause < GEMMINI_TIMING_CAUSES ? t->breakdown[cause] : 0;
}

uint64_t gemmini_timing_last_completion(const struct gemmini_timing *t) {
    /* Commands that complete on issue are not counted; without any other there is only the end. */
    return (t->completed ? t->last_completion : t->last_accept) - t->origin;
}

const char *gemmini_timing_error(const struct gemmini_timing *t) {
    return t->stopped ? t->error : NULL;
}

uint64_t gemmini_timing_error_command(const struct gemmini_timing *t) {
    return t->error_command;
}
