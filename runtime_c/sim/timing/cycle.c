/* The cycle loop: all units once per cycle, and nothing at all while nothing can move. */
#include "model.h"

/* ---- busy and idle ---- */

bool model_busy(const struct gemmini_timing *t) {
    const struct front_end *f = &t->front;
    return f->raw.count + f->conv.count + f->matmul.count + f->unrolled.count > 0 ||
           loop_matmul_configured(t) ||
           t->rs.used[LOAD] + t->rs.used[EXECUTE] + t->rs.used[STORE] > 0 ||
           t->writer.in_flight > 0 || t->writer.state != WRITER_IDLE || t->reader.in_flight > 0 ||
           t->store.rows_inside > 0;
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

static bool loads_front_step(struct gemmini_timing *t) {
    struct dma_reader *r = &t->reader;
    bool moved = false;
    if (r->count > 0 || r->busy || r->in_tlb || r->in_translate)
        moved |= dma_reader_request_step(t);
    if (t->load.commands.count > 0)
        moved |= load_controller_step(t);
    else if (t->load.tracker.used == 0)
        t->active &= (uint8_t)~LOADING;
    return moved;
}

static bool stores_back_step(struct gemmini_timing *t) {
    const struct store_controller *s = &t->store;
    const struct dma_writer *w = &t->writer;
    bool moved = false;
    if (w->in_flight + s->issue.count > 0 || w->state != WRITER_IDLE)
        moved |= dma_writer_step(t);
    else if (s->rows_inside + s->commands.count + s->tracker.used == 0)
        t->active &= (uint8_t)~STORING;
    if (s->rows_inside > s->issue.count)
        moved |= store_read_step(t);
    return moved;
}

static bool on_the_way_step(struct gemmini_timing *t) {
    const struct memory *m = &t->memory;
    bool moved = memory_step(t);
    if (m->l2.used == 0 &&
        m->shared_count + m->ports[READER].count + m->ports[WRITER].count + m->fetch_count == 0)
        t->active &= (uint8_t)~ON_THE_WAY;
    return moved;
}

/* One cycle. Returns true if anything moved. Units without work are not even asked. */
static bool step(struct gemmini_timing *t) {
    bool moved = false;
    t->rs.awake >>= 1;
    t->loop.awake >>= 1;
    if (t->ex.mesh.out_count > 0)
        moved |= mesh_output_step(t);
    if ((t->active & LOADING) && t->load.tracker.used > 0) {
        moved |= mvin_scale_write_step(t);
        moved |= mvin_scale_step(t);
        moved |= dma_reader_response_step(t);
    }
    moved |= execute_controller_step(t);
    if (t->active != 0) {
        if (t->active & STORING)
            moved |= stores_back_step(t);
        if (t->active & ON_THE_WAY)
            moved |= on_the_way_step(t);
        if (t->active & LOADING)
            moved |= loads_front_step(t);
        if ((t->active & STORING) && t->store.commands.count > 0)
            moved |= store_controller_step(t);
    }
    if (t->ex.unroller.count > 0 && queue_ready(&t->ex.commands, t->now))
        moved |= execute_unroller_step(t);
    if ((t->rs.awake & AWAKE) || t->rs.completing[EXECUTE] >= 0 ||
        t->load.tracker.finished + t->store.tracker.finished > 0)
        moved |= reservation_station_step(t);
    if (t->loop.awake & AWAKE)
        moved |= loop_matmul_step(t);
    /* Both queues full is the usual state of a waiting core. */
    if (t->front.raw.count + t->front.conv.count > 0 &&
        (t->front.conv.count < FRONT_QUEUE_DEPTH || t->front.matmul.count < FRONT_QUEUE_DEPTH))
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
    if (m->reader_count > 0)
        earlier(&next,
                m->reader_data[m->reader_head].start + L2_TO_CLIENT +
                    (cycle_t)m->reader_beat * m->reader_data[m->reader_head].interval,
                now);
    if (m->fetch_count > 0)
        earlier(&next, m->fetches[m->fetch_head], now);
    if (m->ack_count > 0)
        earlier(&next, m->acks[m->ack_head], now);
    for (uint64_t left = m->l2.used; left != 0; left &= left - 1) {
        const struct mshr *mshr = &m->l2.mshrs[__builtin_ctzll(left)];
        earlier(&next, mshr->plan, now);
        earlier(&next, mshr->granted, now);
        earlier(&next, mshr->usable, now);
        earlier(&next, mshr->whole, now);
        earlier(&next, mshr->released, now);
    }
    earlier(&next, m->l2.answer_free, now);
    earlier(&next, (m->l2.permission_free + PERMISSIONS - 1) / PERMISSIONS, now);
    return next;
}

/* One cycle, and, if nothing moved in it, those that follow until something can; not beyond
 * `limit`. */
void model_advance(struct gemmini_timing *t, cycle_t limit) {
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

void model_step(struct gemmini_timing *t) {
    if (step(t))
        t->progress = t->now;
    if (t->listens_to_banks)
        banks_emit(t);
    counters_span(t, 1);
}
