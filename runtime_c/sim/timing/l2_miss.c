/* Misses of the L2: what is evicted, what is asked for, and when it comes (section 9 and the L2
 * generator).
 *
 * Requests to DRAM (reads and written lines) share one channel, as do the data that come back and
 * the acknowledgements of evictions. Acknowledgements have the lowest priority: they pass in a
 * cycle without data. While two wait, further evictions wait behind them, and with them the reads
 * of the lines that take their place. */
#include "model.h"

static void emit_dram(struct gemmini_timing *t, int kind, uint64_t line, uint8_t use,
                      uint8_t funct) {
    if (funct == FUNCT_FLUSH)
        return; /* the core's own access */
    struct command access = {
        .rs1 = line << t->g.line_shift, .rs2 = funct, .funct = use, .entry = -1};
    timing_emit(t, kind, &access, -1);
}

/* Makes room for the line of `mshr` and plans what memory has to do: first the eviction is sent,
 * then, in a step of its own, the request for the line. */
void l2_miss(struct gemmini_timing *t, struct mshr *mshr) {
    struct l2 *l2 = &t->memory.l2;
    const struct l2_request *r = &mshr->request;
    struct cache_line *place = l2_victim(l2, r->line);
    emit_dram(t, GEMMINI_TIMING_L2_MISS, r->line, r->use, r->funct);
    l2->fills++;
    mshr->evicts = mshr->unreleased = place->valid;
    mshr->dirty = place->valid && place->dirty;
    if (mshr->dirty)
        emit_dram(t, GEMMINI_TIMING_DRAM_WRITE, place->tag, FUNCT_MVOUT, FUNCT_MVOUT);
    *place = (struct cache_line){.tag = r->line, .valid = true, .dirty = r->use == FUNCT_MVOUT};
    mshr->plan = t->now + REQUEST_TO_PLAN;
    mshr->ready = mshr->data = mshr->done = NEVER;
    if (r->whole) {
        /* Only permission is asked for; no data are read. */
        cycle_t now = t->now * PERMISSIONS, free = l2->permission_free;
        l2->permission_free =
            (free + PERMISSIONS > now ? free : now) + (cycle_t)t->p.l2_permission_interval;
        mshr->data = mshr->done = t->now + (cycle_t)t->p.l2_miss_latency;
        mshr->ready = mshr->done + REQUEST_TO_PLAN;
        return;
    }
    mshr->acquires = true;
    emit_dram(t, GEMMINI_TIMING_DRAM_READ, r->line, r->use, r->funct);
}

static void put_out(struct miss_queue *q, struct miss_step e) {
    q->items[(q->head + q->count++) % MAX_MSHRS] = e;
}

static struct miss_step take_out(struct miss_queue *q) {
    struct miss_step e = q->items[q->head];
    q->head = (uint8_t)((q->head + 1) % MAX_MSHRS);
    q->count--;
    return e;
}

static bool waits(const struct miss_queue *q, cycle_t now) {
    return q->count > 0 && q->items[q->head].ready <= now;
}

/* The register whose line comes from memory in `cycle`, or NULL. */
const struct mshr *l2_arriving(const struct l2 *l2, cycle_t cycle) {
    for (uint64_t left = l2->used; left != 0; left &= left - 1) {
        const struct mshr *mshr = &l2->mshrs[__builtin_ctzll(left)];
        if (mshr->missing && mshr->data <= cycle && cycle < mshr->done)
            return mshr;
    }
    return NULL;
}

static void acknowledge_step(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    struct miss_queue *q = waits(&l2->written, t->now) ? &l2->written : &l2->acknowledged;
    if (waits(q, t->now) && !l2_arriving(l2, t->now))
        l2->mshrs[take_out(q).mshr].unreleased = false;
}

static void request_step(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    struct miss_queue *out = &l2->evictions_out;
    if (waits(out, t->now)) {
        struct miss_step *e = &out->items[out->head];
        if (!e->dirty && l2->acknowledged.count < CORK_DEPTH) {
            e->ready = t->now + CORK_TO_L2;
            put_out(&l2->acknowledged, take_out(out));
        } else if (e->dirty && l2->requests_free <= t->now) {
            /* One cycle for the address, then the data. */
            l2->requests_free = t->now + 1 + t->g.line_cycles;
            e->ready = l2->requests_free + CORK_TO_L2;
            put_out(&l2->written, take_out(out));
        }
    }
    if (!waits(&l2->acquires, t->now) || l2->requests_free > t->now)
        return;
    struct mshr *mshr = &l2->mshrs[take_out(&l2->acquires).mshr];
    l2->requests_free = t->now + 1;
    /* A miss adds its latency to the last word of a line. */
    cycle_t first =
        t->now + (cycle_t)(t->p.l2_miss_latency + t->p.dram_latency) - (cycle_t)t->g.line_cycles;
    mshr->data = first > l2->dram_free ? first : l2->dram_free;
    mshr->done = l2->dram_free = mshr->data + t->g.line_cycles;
    /* Only a request for the line's start may overtake the rest of its data. */
    mshr->ready = mshr->request.bank == 0 ? mshr->data + 1 : mshr->done - 1;
}

/* A register makes one step of its miss: it sends the eviction, or asks for the line. */
static void plan_step(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    struct miss_queue *out = &l2->evictions_out;
    bool evict = l2->source_c_free <= t->now && out->count < CORK_DEPTH;
    bool acquire = l2->acquires.count < SOURCE_A_DEPTH;
    uint64_t able = 0;
    for (uint64_t left = l2->used; left != 0; left &= left - 1) {
        const struct mshr *mshr = &l2->mshrs[__builtin_ctzll(left)];
        if (mshr->missing && mshr->plan <= t->now &&
            (mshr->evicts ? evict : mshr->acquires && acquire))
            able |= left & -left;
    }
    if (able == 0)
        return;
    uint64_t later = able & ~((UINT64_C(2) << l2->stepped) - 1);
    uint32_t which = (uint32_t)__builtin_ctzll(later != 0 ? later : able);
    struct mshr *mshr = &l2->mshrs[which];
    l2->stepped = which;
    mshr->plan = t->now + 1;
    if (mshr->evicts) {
        mshr->evicts = false;
        put_out(out, (struct miss_step){(uint8_t)which, mshr->dirty, t->now + PLAN_TO_CORK});
        l2->source_c_free = t->now + (mshr->dirty ? t->g.line_cycles : 1);
        return;
    }
    mshr->acquires = false;
    put_out(&l2->acquires, (struct miss_step){(uint8_t)which, false, t->now + 1});
}

bool l2_miss_step(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    /* Queues show in the next cycle that they have room. */
    plan_step(t);
    request_step(t);
    acknowledge_step(t);
    bool under_way = l2->acquires.count > 0;
    for (uint64_t left = l2->used; left != 0 && !under_way; left &= left - 1) {
        const struct mshr *mshr = &l2->mshrs[__builtin_ctzll(left)];
        under_way = mshr->evicts || mshr->acquires || mshr->unreleased;
    }
    return under_way;
}
