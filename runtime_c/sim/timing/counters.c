/* What the cycles of a run were spent on: the breakdown by cause, and the performance counters
 * that the COUNTER instruction reads (ISA section 8); and which banks are in use.
 *
 * Both look at the state after a cycle in which a span of equal cycles begins: while nothing moves,
 * the signals do not change. */
#include "model.h"

/* ---- breakdown ---- */

static enum gemmini_timing_cause idle_cause(const struct gemmini_timing *t) {
    const struct reservation_station *rs = &t->rs;
    if (rs->unissued[EXECUTE] > 0) {
        const struct entry *oldest = &rs->entries[EXECUTE][rs->order[EXECUTE][0]];
        uint64_t partition_mask = (UINT64_C(1) << MAX_PARTITION) - 1;
        if (oldest->waits_for & partition_mask << MAX_PARTITION * LOAD)
            return GEMMINI_TIMING_WAITING_FOR_LOADS;
        if (oldest->waits_for != 0)
            return GEMMINI_TIMING_STORE_BOUND;
        return GEMMINI_TIMING_DRAIN;
    }
    if (t->front.unrolled.count > 0 && rs->full >= 0 && rs->used[rs->full] == rs->size[rs->full])
        return (enum gemmini_timing_cause)(GEMMINI_TIMING_STATION_FULL_LOAD + rs->full);
    if (rs->used[EXECUTE] > 0 || t->ex.mesh.out_count > 0)
        return GEMMINI_TIMING_DRAIN;
    if (rs->used[LOAD] > 0)
        return GEMMINI_TIMING_WAITING_FOR_LOADS;
    if (rs->used[STORE] > 0 || t->writer.in_flight > 0 || t->store.issue.count > 0)
        return GEMMINI_TIMING_STORE_BOUND;
    return GEMMINI_TIMING_HOST_BOUND;
}

static enum gemmini_timing_cause cause(const struct gemmini_timing *t) {
    if (t->ex.rows_requested == t->now)
        return GEMMINI_TIMING_ARRAY_BUSY;
    if (t->ex.rows_refused == t->now)
        return GEMMINI_TIMING_BANK_CONFLICTS;
    return idle_cause(t);
}

/* ---- counters ---- */

enum {
    EVENT_MAIN_LD = 1,
    EVENT_MAIN_LD_ST_EX = 7,
    EVENT_LOAD_DMA_WAIT = 8,
    EVENT_LOAD_ACTIVE = 9,
    EVENT_LOAD_SCRATCHPAD_WAIT = 10,
    EVENT_STORE_DMA_WAIT = 11,
    EVENT_STORE_ACTIVE = 12,
    EVENT_STORE_POOLING = 13,
    EVENT_STORE_SCRATCHPAD_WAIT = 14,
    EVENT_RDMA_ACTIVE = 18,
    EVENT_RDMA_TL_WAIT = 20,
    EVENT_WDMA_ACTIVE = 21,
    EVENT_WDMA_TL_WAIT = 23,
    EVENT_EXE_ACTIVE = 24,
    EVENT_EXE_FLUSH = 25,
    EVENT_EXE_CONTROL_Q = 26,
    EVENT_EXE_PRELOAD_HAZARD = 27,
    EVENT_EXE_OVERLAP_HAZARD = 28,
    EVENT_SCRATCHPAD_WAIT = 29, /* A, B, D */
    EVENT_GARBAGE = 35,         /* A, B, D */
    EVENT_STATION_FULL = 41,
    EVENT_STATION_ACTIVE = 42,
    EVENT_LOOP_MATMUL_ACTIVE = 43,
    EVENT_TRANSPOSE_UNROLLER = 44,
};

enum {
    EXTERNAL_STATION_LOADS = 1,
    EXTERNAL_STATION_STORES = 2,
    EXTERNAL_STATION_EXECUTES = 3,
    EXTERNAL_RDMA_BYTES = 4,
    EXTERNAL_WDMA_BYTES = 5,
    EXTERNAL_RDMA_LATENCY = 6,
    EXTERNAL_WDMA_LATENCY = 7,
};

/* Events 1 to 7: exactly these of load, store and execute controller are busy. */
static bool main_event(const struct gemmini_timing *t, uint32_t event) {
    enum { LD = 1, ST = 2, EX = 4 };
    static const uint8_t wanted[] = {0, LD, ST, EX, LD | ST, LD | EX, ST | EX, LD | ST | EX};
    unsigned busy = 0;
    if (t->load.commands.count > 0 || t->load.tracker.used > 0)
        busy |= LD;
    if (t->store.commands.count > 0 || t->store.tracker.used > 0)
        busy |= ST;
    if (t->ex.commands.count > 0 || mesh_in_progress(&t->ex.mesh, t->now))
        busy |= EX;
    return busy == wanted[event];
}

/* Translation always hits and there is no im2col: the events of both stay at zero. */
static bool active(const struct gemmini_timing *t, uint32_t event) {
    const struct execute_controller *e = &t->ex;
    const struct memory *m = &t->memory;
    bool loads_wait = t->load.sending && t->reader.count == t->reader.capacity;
    bool stores_wait = t->store.sending && t->store.dispatch.count == t->store.dispatch.capacity;
    if (event >= EVENT_MAIN_LD && event <= EVENT_MAIN_LD_ST_EX)
        return main_event(t, event);
    if (event >= EVENT_SCRATCHPAD_WAIT && event < EVENT_SCRATCHPAD_WAIT + 3)
        return e->refused_operands >> (event - EVENT_SCRATCHPAD_WAIT) & 1 &&
               e->rows_refused == t->now;
    if (event >= EVENT_GARBAGE && event < EVENT_GARBAGE + 3)
        return e->state == EX_COMPUTE && e->operands[event - EVENT_GARBAGE].garbage;
    switch (event) {
    case EVENT_LOAD_DMA_WAIT:
        return loads_wait && t->load.row == 0;
    case EVENT_LOAD_ACTIVE:
        return t->load.sending && t->load.row > 0;
    case EVENT_LOAD_SCRATCHPAD_WAIT:
        return loads_wait;
    case EVENT_STORE_DMA_WAIT:
        return stores_wait && t->store.row == 0 && t->store.block == 0;
    case EVENT_STORE_ACTIVE:
        return t->store.sending && t->store.pool.stride == 0;
    case EVENT_STORE_POOLING:
        return t->store.sending && t->store.pool.stride != 0;
    case EVENT_STORE_SCRATCHPAD_WAIT:
        return stores_wait;
    case EVENT_RDMA_ACTIVE:
        return t->reader.busy;
    case EVENT_RDMA_TL_WAIT:
        return t->reader.in_translate && m->ports[READER].count == PORT_BUFFERS;
    case EVENT_WDMA_ACTIVE:
        return t->writer.state != WRITER_IDLE;
    case EVENT_WDMA_TL_WAIT:
        return m->ports[WRITER].count == WRITER_BUFFERS;
    case EVENT_EXE_ACTIVE:
        return e->state == EX_COMPUTE;
    case EVENT_EXE_FLUSH:
        return e->state == EX_FLUSH || e->state == EX_FLUSHING;
    case EVENT_EXE_CONTROL_Q:
        return e->state == EX_COMPUTE && e->control_count > t->p.scratchpad_read_delay;
    case EVENT_EXE_PRELOAD_HAZARD:
        return e->hazard_place == 1 && e->state == EX_WAITING;
    case EVENT_EXE_OVERLAP_HAZARD:
        return e->hazard_place == 2 && e->state == EX_WAITING;
    case EVENT_STATION_FULL:
        return t->front.unrolled.count > 0 && t->rs.full >= 0;
    case EVENT_STATION_ACTIVE:
        return t->rs.used[LOAD] + t->rs.used[EXECUTE] + t->rs.used[STORE] > 0;
    case EVENT_LOOP_MATMUL_ACTIVE:
        return loop_matmul_configured(t);
    case EVENT_TRANSPOSE_UNROLLER:
        return e->unroller_state != 0;
    default:
        return false;
    }
}

static uint32_t external_value(const struct gemmini_timing *t, uint32_t event) {
    switch (event) {
    case EXTERNAL_STATION_LOADS:
        return t->rs.used[LOAD];
    case EXTERNAL_STATION_STORES:
        return t->rs.used[STORE];
    case EXTERNAL_STATION_EXECUTES:
        return t->rs.used[EXECUTE];
    case EXTERNAL_RDMA_BYTES:
        return (uint32_t)t->counters.bytes_read;
    case EXTERNAL_WDMA_BYTES:
        return (uint32_t)t->counters.bytes_written;
    case EXTERNAL_RDMA_LATENCY:
        return (uint32_t)(t->counters.read_latency + t->now * t->reader.in_flight);
    case EXTERNAL_WDMA_LATENCY:
        return (uint32_t)(t->counters.write_latency + t->now * t->writer.in_flight);
    default:
        return 0;
    }
}

static uint32_t value_of(const struct gemmini_timing *t, uint32_t index) {
    const struct counters *c = &t->counters;
    return c->external >> index & 1 ? external_value(t, c->event[index]) : c->value[index];
}

/* Executes a COUNTER command at the head of the front end; the result is for the core. */
void counters_command(struct gemmini_timing *t, uint64_t rs1) {
    struct counters *c = &t->counters;
    uint32_t index = bits(rs1, 6, 4) % COUNTERS;
    if (bits(rs1, 0, 0)) {
        *c = (struct counters){.answered = c->answered};
    } else if (bits(rs1, 3, 3)) {
        uint32_t event = bits(rs1, 17, 12);
        c->event[index] = (uint8_t)event;
        c->external = (uint8_t)((c->external & ~(1U << index)) | bits(rs1, 31, 31) << index);
        c->enabled = true;
    }
    if (bits(rs1, 1, 1))
        c->frozen = false;
    if (bits(rs1, 2, 2)) {
        for (uint32_t i = 0; i < COUNTERS; i++)
            c->snapshot[i] = value_of(t, i);
        c->frozen = true;
    }
    c->answer = c->frozen ? c->snapshot[index] : value_of(t, index);
    c->answered++;
}

void counters_span(struct gemmini_timing *t, cycle_t cycles) {
    struct counters *c = &t->counters;
    t->breakdown[cause(t)] += cycles;
    if (!c->enabled)
        return;
    for (uint32_t i = 0; i < COUNTERS; i++)
        if (c->event[i] != 0 && !(c->external >> i & 1) && active(t, c->event[i]))
            c->value[i] += (uint32_t)cycles;
}

/* ---- bank occupancy ---- */

void banks_emit(struct gemmini_timing *t) {
    const struct banks *b = &t->banks;
    const struct command none = {.entry = -1, .index = t->commands};
    cycle_t now = t->now;
    for (int i = 0; i < t->p.scratchpad_banks; i++) {
        if (b->spad_written[i] == now || b->spad_ex_written[i] == now)
            timing_emit(t, GEMMINI_TIMING_BANK_WRITE, &none, i);
        else if (b->spad_ex_read[i] == now || b->spad_stored[i] == now)
            timing_emit(t, GEMMINI_TIMING_BANK_READ, &none, i);
    }
    for (int i = 0; i < t->p.accumulator_banks; i++) {
        if (b->acc_pipeline[i][now % ACC_PIPELINE].cycle == now)
            timing_emit(t, GEMMINI_TIMING_BANK_WRITE, &none, MAX_BANKS + i);
        if (b->acc_stored[i] == now)
            timing_emit(t, GEMMINI_TIMING_BANK_READ, &none, MAX_BANKS + i);
    }
}
