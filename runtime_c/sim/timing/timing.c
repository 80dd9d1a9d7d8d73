/* The model as a whole: creation, the cycle loop, and the interface to the core. */
#include "model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool gemmini_timing_parameter_set(struct gemmini_timing_parameters *parameters, const char *name,
                                  int64_t value) {
    if (value < INT32_MIN || value > INT32_MAX)
        return false;
#define X(field)                                                                                   \
    if (strcmp(name, #field) == 0) {                                                               \
        parameters->field = (int32_t)value;                                                        \
        return true;                                                                               \
    }
    GEMMINI_TIMING_PARAMETERS(X)
#undef X
    return false;
}

size_t gemmini_timing_parameters_size(void) {
    return sizeof(struct gemmini_timing_parameters);
}

const char *gemmini_timing_refusal(const struct gemmini_timing_parameters *p) {
    int tags = p->max_simultaneous_matmuls + 1;
    int dim = p->mesh_rows * p->tile_rows;
    if (p->load_entries > MAX_PARTITION || p->store_entries > MAX_PARTITION ||
        p->execute_entries > MAX_PARTITION)
        return "the timing model holds at most 16 reservation-station entries of one type";
    if (p->load_queue_length > MAX_QUEUE || p->store_queue_length > MAX_QUEUE ||
        p->execute_queue_length > MAX_QUEUE)
        return "the timing model holds at most 16 commands in a unit's queue";
    if (p->max_in_flight_requests > MAX_TRACKED ||
        p->max_in_flight_requests / dim + 1 > MAX_COMMAND_TRACKER)
        return "the timing model tracks at most 64 memory requests and 8 commands in flight";
    if (p->scratchpad_banks > MAX_BANKS || p->accumulator_banks > MAX_BANKS)
        return "the timing model holds at most 16 banks of each local memory";
    if (tags > MAX_TAGS || p->accumulator_latency >= ACC_PIPELINE ||
        p->scratchpad_read_delay + 1 > CONTROL_SIGNALS - 1 || p->l2_mshrs > MAX_MSHRS)
        return "a latency or queue of the array or of the L2 is longer than the timing model holds";
    if (p->mvin_scale_units > 0 && dim / p->mvin_scale_units > 8)
        return "the timing model needs at least one MVIN multiplier for 8 columns";
    if (p->accumulator_single_ported)
        return "single-ported accumulators are not modelled";
    return NULL;
}

static int log2_ceil(uint32_t value) {
    int result = 0;
    while ((UINT32_C(1) << result) < value)
        result++;
    return result;
}

static uint32_t field_mask(uint32_t largest) {
    return (UINT32_C(1) << log2_ceil(largest + 1)) - 1;
}

static void derive_geometry(struct gemmini_timing *t) {
    enum { ACC_BYTES = 4, INPUT_BYTES = 1 };
    const struct gemmini_timing_parameters *p = &t->p;
    struct geometry *g = &t->g;
    g->dim = (uint32_t)(p->mesh_rows * p->tile_rows);
    g->spad_row_bytes = g->dim * INPUT_BYTES;
    g->acc_row_bytes = g->dim * ACC_BYTES;
    g->spad_rows = (uint32_t)p->scratchpad_kib * 1024 / g->spad_row_bytes;
    g->acc_rows = (uint32_t)p->accumulator_kib * 1024 / g->acc_row_bytes;
    g->spad_bank_rows = g->spad_rows / (uint32_t)p->scratchpad_banks;
    g->acc_bank_rows = g->acc_rows / (uint32_t)p->accumulator_banks;
    g->spad_bank_shift = (uint8_t)log2_ceil(g->spad_bank_rows);
    g->acc_bank_shift = (uint8_t)log2_ceil(g->acc_bank_rows);
    uint32_t rows = g->spad_rows > g->acc_rows ? g->spad_rows : g->acc_rows;
    g->row_mask = (UINT32_C(1) << log2_ceil(rows)) - 1;
    g->garbage_mask = LOCAL_IS_ACC | LOCAL_ACCUMULATE | LOCAL_READ_FULL | g->row_mask << 1 | 1;
    g->beat_bytes = (uint32_t)p->dma_bus_bits / 8;
    g->max_bytes = (uint32_t)p->dma_max_bytes;
    g->max_blocks = g->max_bytes / g->spad_row_bytes ? g->max_bytes / g->spad_row_bytes : 1;
    g->max_blocks_acc = g->max_bytes / g->acc_row_bytes ? g->max_bytes / g->acc_row_bytes : 1;
    g->dims_mask = field_mask(g->dim);
    g->move_cols_mask = field_mask(g->max_blocks * g->dim);
}

static void set_sizes(struct gemmini_timing *t) {
    const struct gemmini_timing_parameters *p = &t->p;
    t->front.raw.capacity = t->front.conv.capacity = FRONT_QUEUE_DEPTH;
    t->front.matmul.capacity = t->front.unrolled.capacity = FRONT_QUEUE_DEPTH;
    t->rs.size[LOAD] = (uint8_t)p->load_entries;
    t->rs.size[EXECUTE] = (uint8_t)p->execute_entries;
    t->rs.size[STORE] = (uint8_t)p->store_entries;
    t->load.commands.capacity = (uint8_t)p->load_queue_length;
    t->store.commands.capacity = (uint8_t)p->store_queue_length;
    t->ex.commands.capacity = (uint8_t)p->execute_queue_length;
    t->ex.unroller.capacity = UNROLLER_QUEUE_DEPTH;
    uint8_t commands = (uint8_t)(p->max_in_flight_requests / (int)t->g.dim + 1);
    t->load.tracker.size = t->store.tracker.size = commands;
    t->reader.capacity = (uint8_t)(p->scratchpad_read_delay + 1);
    t->reader.size = (uint8_t)p->max_in_flight_requests;
    t->reader.free_mask = p->max_in_flight_requests == MAX_TRACKED
                              ? UINT64_MAX
                              : (UINT64_C(1) << p->max_in_flight_requests) - 1;
    t->writer.size = (uint32_t)p->max_in_flight_requests;
    t->store.dispatch.capacity = WRITE_DISPATCH_DEPTH;
    t->store.norm.capacity = t->store.scale.capacity = (uint8_t)(p->scratchpad_read_delay + 2);
    t->store.issue.capacity = (uint8_t)(p->scratchpad_read_delay + 1);
    t->ex.mesh.tag_size = (uint8_t)(p->max_simultaneous_matmuls + 1);
    t->ex.mesh.latency =
        (uint32_t)((2 * (int)t->g.dim - 1) * (p->tile_latency + 1) + p->mesh_output_delay);
}

/* Rows in flight in the array: no more than its latency. A small ring stays in the host's cache. */
static void set_output_ring(struct mesh *mesh) {
    mesh->out_mask = (UINT32_C(1) << log2_ceil(mesh->latency + 2)) - 1;
}

/* Marks every "last cycle that ..." register as never. */
static void forget_cycles(struct gemmini_timing *t) {
    struct queue *queues[] = {&t->front.raw,      &t->front.conv,    &t->front.matmul,
                              &t->front.unrolled, &t->load.commands, &t->store.commands,
                              &t->ex.commands,    &t->ex.unroller};
    for (size_t i = 0; i < sizeof queues / sizeof *queues; i++)
        queues[i]->popped = NEVER;
    struct store_queue *rows[] = {&t->store.dispatch, &t->store.norm, &t->store.scale,
                                  &t->store.issue};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        rows[i]->popped = NEVER;
    t->load.tracker.freed = t->store.tracker.freed = NEVER;
    t->reader.slot_freed = NEVER;
    t->ex.mesh.completed = NEVER;
    t->ex.mesh.tag_freed = t->ex.mesh.row_count_freed = NEVER;
    t->writer.last_ack = NEVER;
    t->memory.shared_popped = NEVER;
    t->memory.ports[READER].popped = t->memory.ports[WRITER].popped = NEVER;
    for (int i = 0; i < MAX_BANKS; i++) {
        struct banks *b = &t->banks;
        b->spad_written[i] = b->spad_ex_written[i] = b->spad_ex_read[i] = NEVER;
        b->acc_ex_written[i] = b->acc_accumulated[i] = NEVER;
        b->spad_stored[i] = b->acc_stored[i] = NEVER;
        for (int j = 0; j < ACC_PIPELINE; j++)
            b->acc_pipeline[i][j].cycle = NEVER;
    }
}

struct gemmini_timing *gemmini_timing_create(const struct gemmini_timing_parameters *parameters) {
    if (gemmini_timing_refusal(parameters) != NULL)
        return NULL;
    struct gemmini_timing *t = calloc(1, sizeof *t);
    if (t == NULL)
        return NULL;
    t->p = *parameters;
    derive_geometry(t);
    set_sizes(t);
    set_output_ring(&t->ex.mesh);
    forget_cycles(t);
    t->rs.completing[EXECUTE] = -1;
    t->rs.full = -1;
    t->ex.rows_requested = t->ex.rows_refused = NEVER;
    t->scale.last_grant = -1;
    t->ex.pending[0] = t->ex.pending[1] = -1;
    if (!memory_create(t)) {
        free(t);
        return NULL;
    }
    return t;
}

void gemmini_timing_destroy(struct gemmini_timing *timing) {
    if (timing != NULL)
        free(timing->memory.lines);
    free(timing);
}

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

/* ---- busy and idle ---- */

static bool busy(const struct gemmini_timing *t) {
    const struct front_end *f = &t->front;
    return f->raw.count + f->conv.count + f->matmul.count + f->unrolled.count > 0 ||
           loop_matmul_configured(t) ||
           t->rs.used[LOAD] + t->rs.used[EXECUTE] + t->rs.used[STORE] > 0 ||
           t->writer.in_flight > 0 || t->writer.state != WRITER_IDLE || t->reader.in_flight > 0 ||
           t->store.issue.count + t->store.scale.count + t->store.dispatch.count > 0;
}

/* Index of the oldest command that has not completed. */
static uint64_t oldest_command(const struct gemmini_timing *t) {
    uint64_t oldest = t->commands;
    for (int p = 0; p < PARTITIONS; p++)
        for (int i = 0; i < t->rs.size[p]; i++)
            if (t->rs.entries[p][i].valid && t->rs.entries[p][i].command.index < oldest)
                oldest = t->rs.entries[p][i].command.index;
    return oldest;
}

static void report_hang(struct gemmini_timing *t) {
    uint64_t command = oldest_command(t);
    const char *why = "the accelerator hangs: this command never completes";
    if (t->ex.commands.count == 1 && queue_at(&t->ex.commands, 0)->funct == FUNCT_PRELOAD)
        why =
            "the accelerator hangs: a PRELOAD never completes without the COMPUTE that follows it";
    for (int i = 0; i < 3; i++)
        if (t->ex.state == EX_COMPUTE && t->ex.operands[i].reads && t->ex.operands[i].in_acc) {
            command = t->ex.operands[i].command;
            why = "the accelerator hangs: a compute operand in the accumulator is never delivered";
        }
    timing_stop(t, command, why);
}

/* One cycle. Returns true if anything moved. Units without work are not even asked. */
static bool step(struct gemmini_timing *t) {
    struct memory *m = &t->memory;
    struct dma_reader *r = &t->reader;
    bool moved = false;
    t->rs.awake >>= 1;
    t->loop.awake >>= 1;
    if (t->ex.mesh.out_count > 0)
        moved |= mesh_output_step(t);
    if (t->load.tracker.used > 0) {
        moved |= mvin_scale_write_step(t);
        moved |= mvin_scale_step(t);
        moved |= dma_reader_response_step(t);
    }
    moved |= execute_controller_step(t);
    if (t->writer.in_flight + t->store.issue.count > 0 || t->writer.state != WRITER_IDLE)
        moved |= dma_writer_step(t);
    if (t->store.dispatch.count + t->store.norm.count + t->store.scale.count > 0)
        moved |= store_read_step(t);
    if (m->response_count + m->shared_count + m->ports[READER].count + m->ports[WRITER].count +
            m->miss_count >
        0)
        moved |= memory_step(t);
    if (r->count > 0 || r->busy || r->in_tlb || r->in_translate)
        moved |= dma_reader_request_step(t);
    if (t->load.commands.count > 0)
        moved |= load_controller_step(t);
    if (t->store.commands.count > 0)
        moved |= store_controller_step(t);
    if (t->ex.unroller.count > 0 && queue_ready(&t->ex.commands, t->now))
        moved |= execute_unroller_step(t);
    if ((t->rs.awake & AWAKE) || t->rs.completing[EXECUTE] >= 0 ||
        t->load.tracker.finished + t->store.tracker.finished > 0)
        moved |= reservation_station_step(t);
    if (t->loop.awake & AWAKE)
        moved |= loop_matmul_step(t);
    if (t->front.raw.count + t->front.conv.count > 0)
        moved |= front_end_step(t);
    return moved;
}

static void earlier(cycle_t *next, cycle_t cycle, cycle_t now) {
    if (cycle > now && cycle < *next)
        *next = cycle;
}

/* The first cycle after `now` in which something that only waits for time can move. Called when
 * nothing moved in `now`; everything else then waits for one of these. */
static cycle_t next_event(const struct gemmini_timing *t) {
    const struct memory *m = &t->memory;
    const struct mvin_scale *s = &t->scale;
    cycle_t next = NEVER, now = t->now;
    if (t->ex.mesh.out_count > 0)
        earlier(&next, t->ex.mesh.outputs[t->ex.mesh.out_head].cycle, now);
    if (t->ex.control_count > 0)
        earlier(&next, t->ex.control[t->ex.control_head].ready, now);
    for (int i = 0; i < MVIN_SCALE_ROWS; i++)
        if (s->rows[i].valid)
            earlier(&next, s->ready[i], now);
    if (t->store.issue.count > 0)
        earlier(&next, t->store.issue.rows[t->store.issue.head].ready, now);
    for (int i = 0; i < CLIENTS; i++)
        if (m->ports[i].count > 0)
            earlier(&next, m->ports[i].beats[m->ports[i].head].ready, now);
    if (m->shared_count > 0)
        earlier(&next, m->shared[m->shared_head].ready, now);
    for (uint32_t i = 0; i < m->response_count; i++)
        earlier(&next, m->responses[m->response_first + i].ready, now);
    if (m->reader_count > 0)
        earlier(&next,
                m->reader_data[m->reader_head].start + L2_TO_CLIENT +
                    (cycle_t)m->reader_beat * m->reader_data[m->reader_head].interval,
                now);
    if (m->ack_count > 0)
        earlier(&next, m->acks[m->ack_head], now);
    for (uint32_t i = 0; i < m->miss_count; i++) {
        earlier(&next, m->misses[i].done, now);
        earlier(&next, m->misses[i].release, now);
    }
    earlier(&next, m->data_free, now);
    earlier(&next, m->permission_free, now);
    earlier(&next, m->acknowledge_free, now);
    return next;
}

/* One cycle, and, if nothing moved in it, those that follow until something can; not beyond
 * `limit`. */
static void advance(struct gemmini_timing *t, cycle_t limit) {
    if (step(t)) {
        if (t->listens_to_banks)
            banks_emit(t);
        if (t->ex.rows_requested == t->now && !t->counters.enabled)
            t->breakdown[GEMMINI_TIMING_ARRAY_BUSY]++;
        else
            counters_span(t, 1);
        t->progress = t->now++;
        return;
    }
    cycle_t next = t->now + 1;
    /* Writes in the accumulator's pipeline hold others back for a few cycles; these are stepped. */
    if (t->now - t->progress >= ACC_PIPELINE && !((t->rs.awake | t->loop.awake) & AWAKE_NEXT))
        next = next_event(t);
    if ((next == NEVER && limit == NEVER) ||
        t->now - t->progress > HANG_CYCLES + (cycle_t)t->p.dram_latency) {
        report_hang(t);
        return;
    }
    if (next > limit)
        next = limit;
    counters_span(t, next - t->now);
    t->now = next;
}

/* ---- the core's side ---- */

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
        advance(t, offered);
    while (!t->stopped && !queue_ready(&t->front.raw, t->now))
        advance(t, NEVER);
    if (t->stopped)
        return NEVER;
    /* The command enters after the queues have moved in the same cycle. */
    if (step(t))
        t->progress = t->now;
    if (t->listens_to_banks)
        banks_emit(t);
    counters_span(t, 1);
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
    while (busy(t) && !t->stopped)
        advance(t, NEVER);
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
        advance(t, NEVER);
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
    memory_touch(t, address, bytes);
}

void gemmini_timing_empty_l2(struct gemmini_timing *t) {
    memset(t->memory.lines, 0, (size_t)t->memory.sets * t->memory.ways * sizeof *t->memory.lines);
}

void gemmini_timing_fill_l2(struct gemmini_timing *t) {
    memory_fill(t);
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
