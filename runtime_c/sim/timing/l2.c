/* The L2: miss registers, refills and evictions, and the order of answers (section 9).
 *
 * Every request, hit or miss, takes a miss register (MSHR) for its set, the lowest free one;
 * further requests to that set wait behind it. The data pipeline (SourceD) takes a request when it
 * has moved all beats of the one before, round robin over the registers that are ready: answers do
 * not keep the order of requests. */
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
    mshr->data = mshr->done = 0;
    mshr->answered = mshr->evicts = mshr->acquires = mshr->unreleased = false;
    mshr->ready = t->now + (repeat ? 1 : REQUEST_TO_PLAN);
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
        mshr->ready = l2->probe_free + REQUEST_TO_PLAN;
        place->in_core = false;
    }
    if (mshr->request.use == FUNCT_MVOUT)
        place->dirty = true;
}

/* The request at hand needs its register no longer; the next one to the same set takes it. */
static void finish(struct gemmini_timing *t, uint32_t which) {
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

/* Misses go on; those that need their register no longer give it back. */
bool l2_refill_step(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    bool moved = false;
    for (uint64_t left = l2->used; left != 0; left &= left - 1) {
        uint32_t which = (uint32_t)__builtin_ctzll(left);
        const struct mshr *mshr = &l2->mshrs[which];
        if (mshr->missing && mshr->answered && mshr->done <= t->now && !mshr->unreleased) {
            finish(t, which);
            moved = true;
        }
    }
    return l2_miss_step(t) || moved;
}

/* ---- data pipeline ---- */

/* The register whose request the pipeline takes now, or -1. */
static int choose(const struct l2 *l2, cycle_t now) {
    uint64_t ready = 0;
    for (uint64_t left = l2->used; left != 0; left &= left - 1) {
        const struct mshr *mshr = &l2->mshrs[__builtin_ctzll(left)];
        if (!mshr->answered && mshr->ready <= now)
            ready |= left & -left;
    }
    if (ready == 0)
        return -1;
    uint64_t later = ready & ~((UINT64_C(2) << l2->served) - 1);
    return __builtin_ctzll(later != 0 ? later : ready);
}

static bool bank_taken(const struct gemmini_timing *t, cycle_t cycle, uint32_t bank) {
    const struct l2 *l2 = &t->memory.l2;
    const struct l2_write *write = &l2->writes[cycle % L2_WRITES];
    if (write->cycle == cycle && write->bank == bank)
        return true;
    const struct mshr *refill = l2->missing > 0 ? l2_arriving(l2, cycle) : NULL;
    return refill &&
           (cycle - refill->data) * (cycle_t)t->p.dram_bus_bytes >> t->g.beat_shift == bank;
}

/* The first cycle, not before `cycle`, in which neither a Put nor a line from memory writes to
 * `bank`. */
static cycle_t bank_free(const struct gemmini_timing *t, cycle_t cycle, uint32_t bank) {
    while (bank_taken(t, cycle, bank))
        cycle++;
    return cycle;
}

static cycle_t move_beats(struct gemmini_timing *t, const struct l2_request *r) {
    struct l2 *l2 = &t->memory.l2;
    uint32_t interval = 1;
    cycle_t pipeline = (cycle_t)(t->p.l2_hit_latency - REQUEST_TO_PLAN), cycle = t->now;
    uint32_t banks = 1U << (t->g.line_shift - t->g.beat_shift);
    uint32_t run = 0;
    cycle_t begun = 0;
    for (uint32_t beat = 0; beat < r->beats; beat++) {
        uint32_t bank = (r->bank + beat) & (banks - 1);
        cycle_t read = r->reads ? bank_free(t, cycle, bank) : cycle;
        if (r->client == WRITER) {
            struct l2_write *write = &l2->writes[(read + PLAN_TO_WRITE) % L2_WRITES];
            write->cycle = read + PLAN_TO_WRITE;
            write->bank = bank;
            if (beat == 0)
                memory_acknowledge(t, read + pipeline);
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

bool l2_answer_step(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    if (l2->used == 0 || l2->answer_free > t->now || !memory_may_return(t))
        return false;
    int which = choose(l2, t->now);
    if (which < 0)
        return false;
    struct mshr *mshr = &l2->mshrs[which];
    l2->served = (uint32_t)which;
    l2->answer_free = move_beats(t, &mshr->request);
    mshr->answered = true;
    if (!mshr->missing)
        finish(t, (uint32_t)which);
    return true;
}

void l2_reset(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    for (int i = 0; i < MAX_WAITING; i++)
        l2->waiting[i].next = i + 1 < MAX_WAITING ? (uint8_t)(i + 1) : NO_REQUEST;
    l2->free_waiting = 0;
    for (int i = 0; i < L2_WRITES; i++)
        l2->writes[i].cycle = NEVER;
}
