/* What the L2 holds, and which line leaves when another one comes (section 9). */
#include "model.h"

#include <stdlib.h>

bool l2_create(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    l2->ways = (uint32_t)t->p.l2_ways;
    l2->sets = (uint32_t)(t->p.l2_kib * 1024 / t->p.l2_line_bytes / t->p.l2_ways);
    l2->lines = calloc((size_t)l2->sets * l2->ways, sizeof *l2->lines);
    l2->owner = calloc(l2->sets, sizeof *l2->owner);
    l2_set_seed(t, GEMMINI_TIMING_SEED);
    return l2->lines != NULL && l2->owner != NULL;
}

/* Any two seeds give unrelated sequences. */
void l2_set_seed(struct gemmini_timing *t, uint64_t seed) {
    t->memory.l2.random = UINT64_C(0x6a09e667f3bcc908) ^ (seed * UINT64_C(0x9e3779b97f4a7c15));
    t->memory.l2.evictions = (uint32_t)t->p.l2_ways / 2;
}

static struct cache_line *set_of(struct l2 *l2, uint64_t line) {
    return &l2->lines[(line & (l2->sets - 1)) * l2->ways];
}

struct cache_line *l2_find(struct l2 *l2, uint64_t line) {
    struct cache_line *set = set_of(l2, line);
    for (uint32_t way = 0; way < l2->ways; way++)
        if (set[way].valid && set[way].tag == line)
            return &set[way];
    return NULL;
}

static uint32_t random_below(struct l2 *l2, uint32_t bound) {
    l2->random ^= l2->random << 13;
    l2->random ^= l2->random >> 7;
    l2->random ^= l2->random << 17;
    return (uint32_t)(l2->random >> 32) % bound;
}

static struct cache_line *nth_valid(struct l2 *l2, struct cache_line *set, uint32_t n) {
    uint32_t way = 0;
    for (; way < l2->ways; way++)
        if (set[way].valid && n-- == 0)
            break;
    return &set[way];
}

static struct cache_line *empty_way(struct l2 *l2, struct cache_line *set) {
    for (uint32_t way = 0; way < l2->ways; way++)
        if (!set[way].valid)
            return &set[way];
    return NULL;
}

/* The hardware picks a way at random and does not prefer empty ones, so that in a set with v of w
 * ways in use one line in w / v evicts another. A random draw here, against an unknown one there,
 * would be wrong twice: here evictions come as often as expected, evenly spaced, and only which
 * line of the set leaves is pseudo-random (xorshift). */
struct cache_line *l2_victim(struct l2 *l2, uint64_t line) {
    struct cache_line *set = set_of(l2, line), *empty = empty_way(l2, set);
    if (empty == NULL)
        return &set[random_below(l2, l2->ways)];
    uint32_t used = 0;
    for (uint32_t way = 0; way < l2->ways; way++)
        used += set[way].valid;
    l2->evictions += used;
    if (l2->evictions < l2->ways)
        return empty;
    l2->evictions -= l2->ways;
    return used > 0 ? nth_valid(l2, set, random_below(l2, used)) : empty;
}

/* What the host wrote is taken to be there as far as it fits: it was written more than once. */
void l2_hold(struct gemmini_timing *t, uint64_t address, uint64_t bytes, bool in_core) {
    struct l2 *l2 = &t->memory.l2;
    uint64_t size = (uint64_t)t->p.l2_line_bytes;
    for (uint64_t line = address / size; bytes > 0 && line <= (address + bytes - 1) / size;
         line++) {
        struct cache_line *place = l2_find(l2, line);
        if (!place)
            place = empty_way(l2, set_of(l2, line));
        if (!place)
            place = l2_victim(l2, line);
        *place = (struct cache_line){.tag = line, .valid = true, .dirty = true, .in_core = in_core};
    }
}

/* Lines above every one that a command can name. */
void l2_pass(struct gemmini_timing *t, uint64_t lines) {
    struct l2 *l2 = &t->memory.l2;
    for (; lines > 0; lines--) {
        uint64_t line = (UINT64_C(1) << 58) + l2->fills++;
        *l2_victim(l2, line) = (struct cache_line){.tag = line, .valid = true};
    }
}
