/* Parameters of the model, and an idle model made from them. */
#include "model.h"

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
    const int32_t sizes[] = {dim, p->dma_bus_bits, p->l2_line_bytes,
                             p->l2_kib * 1024 / p->l2_line_bytes / p->l2_ways};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (sizes[i] <= 0 || (sizes[i] & (sizes[i] - 1)) != 0)
            return "the timing model needs powers of two: DIM, DMA bus, L2 lines and L2 sets";
    if (p->dma_max_bytes * 8 > MAX_LINE_BEATS * p->dma_bus_bits)
        return "the timing model moves at most 8 beats per memory request";
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
    g->acc_bytes = ACC_BYTES;
    g->beat_bytes = (uint32_t)p->dma_bus_bits / 8;
    g->dim_shift = (uint8_t)log2_ceil(g->dim);
    g->spad_row_shift = (uint8_t)log2_ceil(g->spad_row_bytes);
    g->acc_row_shift = (uint8_t)log2_ceil(g->acc_row_bytes);
    g->beat_shift = (uint8_t)log2_ceil(g->beat_bytes);
    g->line_shift = (uint8_t)log2_ceil((uint32_t)p->l2_line_bytes);
    g->line_cycles = (uint32_t)(p->l2_line_bytes / p->dram_bus_bytes);
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
    t->writer.last_ack = t->store.normalized_popped = NEVER;
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
        gemmini_timing_destroy(t);
        return NULL;
    }
    return t;
}

void gemmini_timing_destroy(struct gemmini_timing *timing) {
    if (timing != NULL) {
        free(timing->memory.l2.lines);
        free(timing->memory.l2.owner);
    }
    free(timing);
}
