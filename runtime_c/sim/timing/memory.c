/* The way to memory: crossbar of the two DMA ports, L2 and DRAM (sections 3 and 9).
 *
 * The request channel takes one beat per cycle (a Get, or one beat of a Put); the response channel
 * returns one beat per cycle (data of Gets, acknowledgements of Puts). Hits answer in order after a
 * fixed latency; misses hold a miss register and share the DRAM port. */
#include "model.h"

#include <stdlib.h>

bool memory_create(struct gemmini_timing *t) {
    struct memory *m = &t->memory;
    m->ways = (uint32_t)t->p.l2_ways;
    m->sets = (uint32_t)(t->p.l2_kib * 1024 / t->p.l2_line_bytes / t->p.l2_ways);
    m->lines = calloc((size_t)m->sets * m->ways, sizeof *m->lines);
    m->random = UINT64_C(0x6a09e667f3bcc908);
    m->locked = -1;
    return m->lines != NULL;
}

/* ---- L2 contents ---- */

static struct cache_line *set_of(struct memory *m, uint64_t line) {
    return &m->lines[(line % m->sets) * m->ways];
}

static struct cache_line *find(struct memory *m, uint64_t line) {
    struct cache_line *set = set_of(m, line);
    for (uint32_t way = 0; way < m->ways; way++)
        if (set[way].valid && set[way].tag == line)
            return &set[way];
    return NULL;
}

/* Replacement looks random in hardware, and does not prefer empty ways (the recorded DRAM streams
 * evict long before the L2 is full). Here it is a fixed pseudo-random sequence (xorshift). */
static struct cache_line *victim(struct memory *m, uint64_t line) {
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return &set_of(m, line)[(m->random >> 32) % m->ways];
}

/* What the host wrote is taken to be there as far as it fits: it was written more than once. */
static struct cache_line *empty_way(struct memory *m, uint64_t line) {
    struct cache_line *set = set_of(m, line);
    for (uint32_t way = 0; way < m->ways; way++)
        if (!set[way].valid)
            return &set[way];
    return NULL;
}

void memory_touch(struct gemmini_timing *t, uint64_t address, uint64_t bytes) {
    struct memory *m = &t->memory;
    uint64_t size = (uint64_t)t->p.l2_line_bytes;
    for (uint64_t line = address / size; line <= (address + bytes - 1) / size && bytes > 0;
         line++) {
        struct cache_line *place = find(m, line);
        if (!place)
            place = empty_way(m, line);
        if (!place)
            place = victim(m, line);
        *place = (struct cache_line){.tag = line, .valid = true, .dirty = true};
    }
}

void memory_fill(struct gemmini_timing *t) {
    enum { NO_ADDRESS = 1 }; /* above every line that a command can name */
    struct memory *m = &t->memory;
    for (uint32_t i = 0; i < m->sets * m->ways; i++)
        m->lines[i] = (struct cache_line){.tag = UINT64_MAX - NO_ADDRESS, .valid = true};
}

/* ---- DRAM ---- */

static void emit_dram(struct gemmini_timing *t, int kind, uint64_t line, enum funct funct) {
    struct command access = {
        .rs1 = line * (uint64_t)t->p.l2_line_bytes, .funct = (uint8_t)funct, .entry = -1};
    timing_emit(t, kind, &access, -1);
}

/* The evicted line is released to memory. The acknowledgement has the lowest priority on the way
 * back, behind the data of reads; until it comes the miss register is taken. */
static void evict(struct gemmini_timing *t, const struct cache_line *line, struct miss *miss) {
    struct memory *m = &t->memory;
    if (!line->valid)
        return;
    miss->release = t->now + (cycle_t)t->p.l2_release_latency;
    if (!line->dirty)
        return;
    emit_dram(t, GEMMINI_TIMING_DRAM_WRITE, line->tag, FUNCT_MVOUT);
    cycle_t transfer = (cycle_t)(t->p.l2_line_bytes / t->p.dram_bus_bytes);
    cycle_t start = t->now > m->dram_free ? t->now : m->dram_free;
    m->dram_free = start + transfer;
    miss->release = m->dram_free + (cycle_t)(t->p.l2_release_latency + t->p.dram_latency);
}

/* Brings `line` into the L2; returns the cycle in which its first bytes can be returned. */
static cycle_t fill(struct gemmini_timing *t, uint64_t line, enum funct use, bool whole_put) {
    struct memory *m = &t->memory;
    struct miss *miss = &m->misses[m->miss_count++];
    struct cache_line *place = victim(m, line);
    *miss = (struct miss){.line = line};
    emit_dram(t, GEMMINI_TIMING_L2_MISS, line, use);
    evict(t, place, miss);
    *place = (struct cache_line){.tag = line, .valid = true};
    if (whole_put) {
        /* Only permission is asked for; no data are read. */
        m->permission_free = t->now + (cycle_t)t->p.l2_permission_interval;
        miss->data = miss->done = t->now + (cycle_t)t->p.l2_miss_latency;
        return miss->done;
    }
    emit_dram(t, GEMMINI_TIMING_DRAM_READ, line, use);
    cycle_t transfer = (cycle_t)(t->p.l2_line_bytes / t->p.dram_bus_bytes);
    cycle_t start = t->now > m->dram_free ? t->now : m->dram_free;
    m->dram_free = start + transfer;
    cycle_t ready = start + (cycle_t)(t->p.l2_miss_latency + t->p.dram_latency);
    miss->data = ready - REFILL_TO_RESPONSE;
    miss->done = miss->data + transfer;
    return ready;
}

static bool reading_data(const struct memory *m, cycle_t now) {
    for (uint32_t i = 0; i < m->miss_count; i++)
        if (m->misses[i].data <= now && now < m->misses[i].done)
            return true;
    return false;
}

/* Frees miss registers; an acknowledgement passes in a cycle without data. */
static bool misses_step(struct gemmini_timing *t) {
    struct memory *m = &t->memory;
    bool moved = false, blocked = reading_data(m, t->now) || m->acknowledge_free > t->now;
    for (uint32_t i = 0; i < m->miss_count; i++)
        if (!blocked && m->misses[i].release != 0 && m->misses[i].release <= t->now) {
            m->misses[i].release = 0;
            m->acknowledge_free = t->now + RELEASE_INTERVAL;
            blocked = moved = true;
        }
    for (uint32_t i = 0; i < m->miss_count;)
        if (m->misses[i].done <= t->now && m->misses[i].release == 0) {
            m->misses[i] = m->misses[--m->miss_count];
            moved = true;
        } else {
            i++;
        }
    return moved;
}

/* Looks `line` up. Returns the cycle from which the request counts as a hit, or NEVER if no miss
 * register is free. */
static cycle_t look_up(struct gemmini_timing *t, uint64_t line, enum funct use, bool whole_put) {
    struct memory *m = &t->memory;
    for (uint32_t i = 0; i < m->miss_count; i++) {
        cycle_t ready = m->misses[i].data + REFILL_TO_RESPONSE;
        if (m->misses[i].line == line && ready > t->now)
            return ready;
    }
    struct cache_line *place = find(m, line);
    cycle_t ready = t->now;
    if (!place) {
        if (m->miss_count == (uint32_t)t->p.l2_mshrs || (whole_put && m->permission_free > t->now))
            return NEVER;
        ready = fill(t, line, use, whole_put);
        place = find(m, line);
    }
    if (use == FUNCT_MVOUT)
        place->dirty = true;
    return ready;
}

/* ---- channels ---- */

/* Waiting responses lie at `response_first` and behind; moves them to the front. */
static void make_room(struct memory *m) {
    for (uint32_t i = 0; i < m->response_count; i++)
        m->responses[i] = m->responses[m->response_first + i];
    m->response_first = 0;
}

static bool accept(struct gemmini_timing *t) {
    struct memory *m = &t->memory;
    if (m->shared_count == 0)
        return false;
    if (m->response_first + m->response_count == RESPONSES)
        make_room(m);
    const struct port_beat *beat = &m->shared[m->shared_head];
    if (beat->ready > t->now || m->response_first + m->response_count == RESPONSES)
        return false;
    int client = m->shared_client[m->shared_head];
    if (beat->beats == 1) {
        bool put = client == WRITER;
        bool whole = put && beat->bytes == t->p.l2_line_bytes && !beat->partial;
        enum funct use = put                               ? FUNCT_MVOUT
                         : t->reader.gets[beat->slot].wide ? FUNCT_MVIN3
                                                           : FUNCT_MVIN;
        uint64_t line = beat->address / (uint64_t)t->p.l2_line_bytes;
        cycle_t ready = look_up(t, line, use, whole);
        if (ready == NEVER)
            return false;
        /* The answer to a miss starts with its first data and goes on at the pace of memory. */
        uint32_t interval = t->g.beat_bytes / (uint32_t)t->p.dram_bus_bytes;
        if (put || ready == t->now || interval == 0)
            interval = 1;
        m->responses[m->response_first + m->response_count++] = (struct response){
            .ready = ready + (cycle_t)t->p.l2_hit_latency,
            .order = m->next_order++,
            .slot = beat->slot,
            .beats = put ? 1 : (uint8_t)(beat->bytes / t->g.beat_bytes),
            .client = (uint8_t)client,
            .interval = (uint8_t)interval,
        };
    }
    m->shared_head ^= 1;
    m->shared_count--;
    m->shared_popped = t->now;
    return true;
}

/* The oldest response that is ready takes the response channel for all its beats. */
static bool respond(struct gemmini_timing *t) {
    struct memory *m = &t->memory;
    if (m->response_count == 0 || m->data_free > t->now || m->reader_count == READER_BEATS)
        return false;
    uint32_t first = m->response_first, end = first + m->response_count, best = first;
    while (best < end && m->responses[best].ready > t->now)
        best++;
    if (best == end)
        return false;
    struct response r = m->responses[best];
    for (; best > first; best--)
        m->responses[best] = m->responses[best - 1];
    m->response_first++;
    if (--m->response_count == 0)
        m->response_first = 0;
    m->data_free = t->now + (cycle_t)r.beats * r.interval;
    if (r.client == READER) {
        uint32_t place = (m->reader_head + m->reader_count++) % READER_BEATS;
        m->reader_data[place].start = t->now;
        m->reader_data[place].slot = r.slot;
        m->reader_data[place].beats = r.beats;
        m->reader_data[place].interval = r.interval;
    } else {
        m->acks[(m->ack_head + m->ack_count++) % MAX_TRACKED] = t->now + L2_TO_CLIENT;
    }
    return true;
}

static bool arbitrate(struct gemmini_timing *t) {
    struct memory *m = &t->memory;
    if (m->ports[READER].count + m->ports[WRITER].count == 0 ||
        m->shared_count + (m->shared_popped == t->now) >= 2)
        return false;
    for (int n = 1; n <= CLIENTS; n++) {
        int client = m->locked >= 0 ? m->locked : (m->last_granted + n) % CLIENTS;
        struct port_queue *port = &m->ports[client];
        if (port->count == 0 || port->beats[port->head].ready > t->now)
            continue;
        struct port_beat beat = port->beats[port->head];
        port->head = (port->head + 1) & 7;
        port->count--;
        port->popped = t->now;
        beat.ready = t->now + CROSSBAR_TO_L2;
        uint32_t place = (m->shared_head + m->shared_count++) & 1;
        m->shared[place] = beat;
        m->shared_client[place] = (uint8_t)client;
        m->last_granted = client;
        m->locked = beat.beats > 1 ? client : -1;
        return true;
    }
    return false;
}

bool memory_step(struct gemmini_timing *t) {
    bool moved = t->memory.miss_count > 0 && misses_step(t);
    moved = respond(t) || moved;
    moved = accept(t) || moved;
    return arbitrate(t) || moved;
}
