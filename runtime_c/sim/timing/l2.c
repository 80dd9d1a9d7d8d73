/* The L2: miss registers and the data pipeline (section 9).
 *
 * Every request, hit or miss, takes a miss register (MSHR) for its set, the lowest free one;
 * further requests to that set wait behind it. The data pipeline (SourceD) takes a request when it
 * has moved all beats of the one before. The banks of the data are shared with lines that come
 * from memory or go there, and these go first. */
#include "model.h"

enum { NO_REQUEST = 255 };

/* ---- miss registers ---- */

static uint8_t *owner_of(struct l2 *l2, uint64_t line) {
    return &l2->owner[line & (l2->sets - 1)];
}

/* A new request in `mshr`; `repeat`: for the line of the request before, which needs no look-up. */
static void start(struct gemmini_timing *t, struct mshr *mshr, bool repeat) {
    struct l2 *l2 = &t->memory.l2;
    struct cache_line *place = l2_find(l2, mshr->request.line);
    mshr->granted = mshr->usable = mshr->whole = mshr->data = mshr->released = 0;
    mshr->pipeline_left = 0;
    mshr->steps = ANSWER;
    mshr->plan = t->now + (repeat ? 1 : REQUEST_TO_PLAN);
    if (!repeat)
        l2_directory_read(t);
    if (!place) {
        l2_miss(t, mshr);
        l2->missing++;
        mshr->missing = true;
        return;
    }
    if (place->in_core) {
        /* The core's L1 holds the line modified; it gives back one line after the other. */
        cycle_t first = t->now > l2->probe_free ? t->now : l2->probe_free;
        l2->probe_free = first + PROBE_INTERVAL;
        mshr->plan = l2->probe_free + REQUEST_TO_PLAN;
        place->in_core = false;
    }
    if (mshr->request.use == FUNCT_MVOUT) {
        if (!place->dirty)
            mshr->steps |= WRITE_BACK;
        place->dirty = true;
    }
}

/* The request at hand needs its register no longer; the next one to the same set takes it. */
void l2_finish(struct gemmini_timing *t, uint32_t which) {
    struct l2 *l2 = &t->memory.l2;
    struct mshr *mshr = &l2->mshrs[which];
    if (mshr->missing)
        l2->missing--;
    mshr->missing = false;
    if (mshr->first == NO_REQUEST) {
        l2->used &= ~(UINT64_C(1) << which);
        *owner_of(l2, mshr->request.line) = 0;
        return;
    }
    uint8_t next = mshr->first;
    bool repeat = l2->waiting[next].line == mshr->request.line;
    mshr->request = l2->waiting[next];
    mshr->first = mshr->request.next;
    l2->waiting[next].next = l2->free_waiting;
    l2->free_waiting = next;
    start(t, mshr, repeat);
}

static bool wait_behind(struct l2 *l2, struct mshr *mshr, const struct l2_request *request) {
    if (l2->free_waiting == NO_REQUEST)
        return false;
    uint8_t place = l2->free_waiting;
    l2->free_waiting = l2->waiting[place].next;
    l2->waiting[place] = *request;
    l2->waiting[place].next = NO_REQUEST;
    if (mshr->first == NO_REQUEST)
        mshr->first = place;
    else
        l2->waiting[mshr->last].next = place;
    mshr->last = place;
    return true;
}

bool l2_has_room(struct gemmini_timing *t, uint64_t line) {
    struct l2 *l2 = &t->memory.l2;
    uint64_t all = (UINT64_C(1) << t->p.l2_mshrs) - 1;
    return l2->used != all || *owner_of(l2, line) != 0;
}

bool l2_accept(struct gemmini_timing *t, const struct l2_request *request) {
    struct l2 *l2 = &t->memory.l2;
    uint8_t *owner = owner_of(l2, request->line);
    if (*owner != 0)
        return wait_behind(l2, &l2->mshrs[*owner - 1], request);
    uint32_t free = (uint32_t)__builtin_ctzll(~l2->used);
    if (request->whole && l2->permission_free > t->now * PERMISSIONS && !l2_find(l2, request->line))
        return false;
    l2->used |= UINT64_C(1) << free;
    *owner = (uint8_t)(free + 1);
    struct mshr *mshr = &l2->mshrs[free];
    mshr->request = *request;
    mshr->first = NO_REQUEST;
    start(t, mshr, false);
    return true;
}

/* ---- data pipeline ---- */

/* The bank of a word that memory sends or takes in one cycle. */
static uint32_t word_bank(const struct gemmini_timing *t, cycle_t word) {
    return (uint32_t)(word * (cycle_t)t->p.dram_bus_bytes >> t->g.beat_shift);
}

/* Words to and from memory use a bank first, and so do answers without words, the first one. */
static bool taken_by_memory(const struct gemmini_timing *t, cycle_t cycle, uint32_t bank) {
    const struct l2 *l2 = &t->memory.l2;
    if (l2->answered == cycle && bank == 0)
        return true;
    if (l2->evicts <= cycle && cycle < l2->source_c_free &&
        word_bank(t, cycle - l2->evicts) == bank)
        return true;
    const struct mshr *refill = l2->missing > 0 ? l2_arriving(l2, cycle) : NULL;
    return refill && word_bank(t, cycle - refill->data) == bank;
}

/* The first cycle, not before `cycle`, in which neither a Put nor memory uses `bank`. */
static cycle_t first_read(const struct gemmini_timing *t, cycle_t cycle, uint32_t bank) {
    const struct l2_write *writes = t->memory.l2.writes;
    while ((writes[cycle % L2_WRITES].cycle == cycle && writes[cycle % L2_WRITES].bank == bank) ||
           taken_by_memory(t, cycle, bank))
        cycle++;
    return cycle;
}

/* Puts write in order, as soon as memory does not use the bank. */
static cycle_t write_beat(struct gemmini_timing *t, cycle_t cycle, uint32_t bank) {
    struct l2 *l2 = &t->memory.l2;
    if (cycle <= l2->put_last)
        cycle = l2->put_last + 1;
    while (taken_by_memory(t, cycle, bank))
        cycle++;
    l2->writes[cycle % L2_WRITES] = (struct l2_write){cycle, bank};
    l2->put_last = cycle;
    return cycle;
}

/* Memory begins to use banks: the last Put, if it has not written yet, may have to wait, and with
 * it the pipeline. */
void l2_delay_put(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    cycle_t first = l2->put_first;
    if (first < t->now)
        return;
    for (cycle_t cycle = first; cycle <= l2->put_last; cycle++)
        if (l2->writes[cycle % L2_WRITES].cycle == cycle)
            l2->writes[cycle % L2_WRITES].cycle = NEVER;
    l2->put_last = first - 1;
    for (uint32_t beat = 0; beat < l2->put_beats; beat++) {
        cycle_t cycle = write_beat(t, first, l2->put_bank + beat);
        if (beat == 0)
            l2->put_first = cycle;
    }
    cycle_t left = l2->put_last - PLAN_TO_WRITE + 1;
    if (l2->answer_free < left)
        l2->answer_free = left;
}

/* Answers `r` from now on; returns the first cycle in which the pipeline is free again. */
cycle_t l2_answer(struct gemmini_timing *t, const struct l2_request *r) {
    struct l2 *l2 = &t->memory.l2;
    uint32_t interval = 1;
    cycle_t pipeline = (cycle_t)(t->p.l2_hit_latency - BOUNDARY_TO_L2 - REQUEST_TO_PLAN);
    cycle_t cycle = t->now;
    uint32_t banks = 1U << (t->g.line_shift - t->g.beat_shift);
    uint32_t run = 0;
    cycle_t begun = 0;
    for (uint32_t beat = 0; beat < r->beats; beat++) {
        uint32_t bank = (r->bank + beat) & (banks - 1);
        cycle_t read = r->reads ? first_read(t, cycle, bank) : cycle;
        if (r->client == WRITER) {
            cycle_t write = write_beat(t, read + PLAN_TO_WRITE, bank);
            read = write - PLAN_TO_WRITE;
            if (beat == 0) {
                l2->put_first = write;
                l2->put_bank = (uint8_t)bank;
                l2->put_beats = r->beats;
                memory_acknowledge(t, read + pipeline);
            }
        } else if (r->client == CORE) {
            /* Nobody waits for it here. */
        } else if (run > 0 && read == cycle) {
            run++;
        } else {
            if (run > 0)
                memory_return(t, begun + pipeline, r->slot, run, interval, false);
            begun = read;
            run = 1;
        }
        cycle = read + interval;
    }
    if (run > 0)
        memory_return(t, begun + pipeline, r->slot, run, interval, true);
    return cycle;
}

void l2_reset(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    for (int i = 0; i < MAX_WAITING; i++)
        l2->waiting[i].next = i + 1 < MAX_WAITING ? (uint8_t)(i + 1) : NO_REQUEST;
    l2->free_waiting = 0;
    for (int i = 0; i < L2_WRITES; i++)
        l2->writes[i].cycle = NEVER;
}
