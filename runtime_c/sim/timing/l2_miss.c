/* Misses of the L2: what is evicted, what is asked for, and when it comes (section 9 and the L2
 * generator).
 *
 * Between the L2 and memory sits an adapter (cork). Released lines go to it through SourceC, whole
 * if they are modified, and requests through SourceA. It answers releases of clean lines and
 * requests for mere permission itself; the rest shares one channel to memory, modified lines first.
 * On the channel back, data from memory come first, then acknowledgements, which wait for a cycle
 * without data: while two wait, further releases wait behind them. */
#include "model.h"

static void emit_dram(struct gemmini_timing *t, int kind, uint64_t line, uint8_t use,
                      uint8_t funct) {
    if (funct == FUNCT_FLUSH)
        return; /* the core's own access */
    struct command access = {
        .rs1 = line << t->g.line_shift, .rs2 = funct, .funct = use, .entry = -1};
    timing_emit(t, kind, &access, -1);
}

/* Makes room for the line of `mshr` and plans what has to be done. */
void l2_miss(struct gemmini_timing *t, struct mshr *mshr) {
    struct l2 *l2 = &t->memory.l2;
    const struct l2_request *r = &mshr->request;
    struct cache_line *place = l2_victim(l2, r->line);
    emit_dram(t, GEMMINI_TIMING_L2_MISS, r->line, r->use, r->funct);
    l2->fills++;
    mshr->dirty = place->valid && place->dirty;
    if (mshr->dirty)
        emit_dram(t, GEMMINI_TIMING_DRAM_WRITE, place->tag, FUNCT_MVOUT, FUNCT_MVOUT);
    mshr->steps = ACQUIRE | GRANT_ACK | ANSWER | WRITE_BACK | (place->valid ? RELEASE : 0);
    mshr->released = place->valid ? NEVER : 0;
    mshr->granted = mshr->usable = mshr->whole = mshr->data = NEVER;
    *place = (struct cache_line){.tag = r->line, .valid = true, .dirty = r->use == FUNCT_MVOUT};
    if (r->whole) {
        /* Only permission is asked for; no data are read. */
        cycle_t now = t->now * PERMISSIONS, free = l2->permission_free;
        l2->permission_free =
            (free + PERMISSIONS > now ? free : now) + (cycle_t)t->p.l2_permission_interval;
        return;
    }
    emit_dram(t, GEMMINI_TIMING_DRAM_READ, r->line, r->use, r->funct);
}

/* ---- queues ---- */

static void put(struct miss_queue *q, uint8_t mshr, cycle_t ready) {
    q->items[(q->head + q->count++) % MAX_MSHRS] = (struct miss_step){mshr, 0, ready};
}

static uint8_t take(struct miss_queue *q) {
    uint8_t mshr = q->items[q->head].mshr;
    q->head = (uint8_t)((q->head + 1) % MAX_MSHRS);
    q->count--;
    return mshr;
}

static bool waits(const struct miss_queue *q, cycle_t now) {
    return q->count > 0 && q->items[q->head].ready <= now;
}

/* ---- what registers send ---- */

static uint32_t words_of(const struct gemmini_timing *t, const struct miss_step *e) {
    return t->memory.l2.mshrs[e->mshr].dirty ? t->g.line_cycles : 1;
}

/* Words of an eviction that have left SourceC: memory takes no word in the cycle after the first,
 * which came with the address. */
static uint32_t words_left(const struct miss_step *e) {
    return e->cycles > 1 ? e->cycles - 1U : e->cycles;
}

bool l2_may_release(const struct gemmini_timing *t) {
    const struct l2 *l2 = &t->memory.l2;
    const struct miss_queue *q = &l2->releases;
    uint32_t words = 0;
    if (l2->source_c_free > t->now)
        return false;
    for (uint32_t i = 0; i < q->count; i++) {
        const struct miss_step *e = &q->items[(q->head + i) % MAX_MSHRS];
        if (e->ready <= t->now) {
            cycle_t there = t->now - e->ready + 1;
            uint32_t all = words_of(t, e);
            words += (there < all ? (uint32_t)there : all) - words_left(e);
        }
    }
    return words <= SOURCE_C_ROOM;
}

void l2_release(struct gemmini_timing *t, uint32_t which) {
    struct l2 *l2 = &t->memory.l2;
    put(&l2->releases, (uint8_t)which, t->now + PLAN_TO_CORK);
    if (l2->mshrs[which].dirty) {
        l2->evicts = t->now;
        l2->source_c_free = t->now + t->g.line_cycles;
        l2_delay_put(t);
    }
}

bool l2_may_acquire(const struct gemmini_timing *t) {
    return t->memory.l2.acquires.count < SOURCE_A_DEPTH;
}

void l2_acquire(struct gemmini_timing *t, uint32_t which) {
    put(&t->memory.l2.acquires, (uint8_t)which, t->now + 1);
}

/* ---- the adapter and memory ---- */

/* The register whose line comes from memory in `cycle`, or NULL. */
const struct mshr *l2_arriving(const struct l2 *l2, cycle_t cycle) {
    for (uint64_t left = l2->used; left != 0; left &= left - 1) {
        const struct mshr *mshr = &l2->mshrs[__builtin_ctzll(left)];
        if (mshr->missing && mshr->data <= cycle && cycle < mshr->whole)
            return mshr;
    }
    return NULL;
}

/* A word of the oldest eviction leaves. Returns true if it takes the channel to memory. */
static bool eviction_step(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    struct miss_queue *q = &l2->releases;
    if (!waits(q, t->now))
        return false;
    struct miss_step *e = &q->items[q->head];
    if (!l2->mshrs[e->mshr].dirty) {
        if (l2->release_acks.count < CORK_DEPTH)
            put(&l2->release_acks, take(q), t->now + 1);
        return false;
    }
    /* One cycle more than it has words; it waits for none. */
    if (e->cycles++ == t->g.line_cycles)
        put(&l2->write_acks, take(q), t->now + WRITE_TO_CORK + (cycle_t)t->p.dram_latency);
    return true;
}

/* The end of a line from memory. */
static void read_line(struct gemmini_timing *t, struct mshr *mshr) {
    struct l2 *l2 = &t->memory.l2;
    /* A miss adds its latency to the last word of a line. */
    cycle_t first =
        t->now + (cycle_t)(t->p.l2_miss_latency + t->p.dram_latency) - (cycle_t)t->g.line_cycles;
    mshr->data = first > l2->dram_free ? first : l2->dram_free;
    l2->dram_free = mshr->data + t->g.line_cycles;
    mshr->granted = mshr->data + 1;
    mshr->whole = l2->dram_free;
    /* Only a request for the line's start may overtake the rest of its data. */
    mshr->usable = mshr->request.bank == 0 ? mshr->granted : mshr->whole;
}

static void request_step(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    bool taken = eviction_step(t);
    if (!waits(&l2->acquires, t->now))
        return;
    struct mshr *mshr = &l2->mshrs[l2->acquires.items[l2->acquires.head].mshr];
    if (mshr->request.whole) {
        if (l2->grants.count < CORK_DEPTH)
            put(&l2->grants, take(&l2->acquires), t->now + 1);
    } else if (!taken) {
        take(&l2->acquires);
        read_line(t, mshr);
    }
}

/* SinkD holds back the acknowledgement of a release while the data pipeline is at the line. */
static bool is_held(const struct gemmini_timing *t, const struct mshr *mshr) {
    return (mshr->steps & ANSWER) == 0 && t->now + 1 < mshr->pipeline_left;
}

/* One answer that is not data, if there is a cycle for it. */
static void answer_step(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    struct miss_queue *q = waits(&l2->write_acks, t->now)     ? &l2->write_acks
                           : waits(&l2->release_acks, t->now) ? &l2->release_acks
                                                              : &l2->grants;
    if (!waits(q, t->now) || l2_arriving(l2, t->now + 1))
        return;
    struct mshr *mshr = &l2->mshrs[q->items[q->head].mshr];
    if (q == &l2->grants)
        mshr->granted = mshr->usable = mshr->whole = t->now + CORK_TO_PLAN;
    else if (is_held(t, mshr))
        return;
    else
        mshr->released = t->now + CORK_TO_PLAN;
    take(q);
    l2->answered = t->now + 1;
    l2_delay_put(t);
}

/* What leaves a full queue in one cycle makes room in the next. Returns true if anything waits. */
bool l2_memory_step(struct gemmini_timing *t) {
    const struct l2 *l2 = &t->memory.l2;
    request_step(t);
    answer_step(t);
    return l2->releases.count + l2->acquires.count + l2->release_acks.count + l2->grants.count +
               l2->write_acks.count >
           0;
}
