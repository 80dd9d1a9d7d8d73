/* The way to the L2: the ports of the two DMA engines, their crossbar, and the way back (sections 3
 * and 9). The request channel takes one beat per cycle: a Get, or one beat of a Put. */
#include "model.h"

bool memory_create(struct gemmini_timing *t) {
    t->memory.locked = -1;
    l2_reset(t);
    return l2_create(t);
}

static bool accept(struct gemmini_timing *t) {
    struct memory *m = &t->memory;
    const struct port_beat *beat = &m->shared[m->shared_head];
    if (m->shared_count == 0 || beat->ready > t->now)
        return false;
    int client = m->shared_client[m->shared_head];
    bool put = client == WRITER;
    uint32_t beats = (uint32_t)beat->bytes >> t->g.beat_shift;
    /* The first beat is the request; the others of a Put only follow with their data. */
    if (!put || beat->beats == beats) {
        uint64_t line = beat->address >> t->g.line_shift;
        if (!l2_has_room(t, line))
            return false;
        struct l2_request request = {
            .line = line,
            .client = (uint8_t)client,
            .slot = beat->slot,
            .beats = (uint8_t)beats,
            .bank = (uint8_t)(beat->address >> t->g.beat_shift &
                              ((1U << (t->g.line_shift - t->g.beat_shift)) - 1)),
            .use = put                               ? FUNCT_MVOUT
                   : t->reader.gets[beat->slot].wide ? FUNCT_MVIN3
                                                     : FUNCT_MVIN,
            .funct = put ? FUNCT_MVOUT : t->reader.gets[beat->slot].funct,
            .whole = put && beat->bytes == t->p.l2_line_bytes && !beat->partial,
            .reads = !put || beat->partial,
        };
        if (!l2_accept(t, &request))
            return false;
    }
    m->shared_head = (m->shared_head + 1) % SHARED_BUFFERS;
    m->shared_count--;
    m->shared_popped = t->now;
    return true;
}

/* ---- fetches of the core ---- */

void memory_fetch(struct gemmini_timing *t, cycle_t cycle) {
    struct memory *m = &t->memory;
    if (m->fetch_count == MAX_FETCHES)
        return;
    m->fetches[(m->fetch_head + m->fetch_count++) % MAX_FETCHES] = cycle + CORE_TO_L2;
    t->active |= ON_THE_WAY;
}

/* Instructions that no command names: lines of their own, which memory has to deliver. */
static bool accept_fetch(struct gemmini_timing *t) {
    struct memory *m = &t->memory;
    uint64_t line = (UINT64_C(1) << 57) + m->fetched;
    if (m->fetch_count == 0 || m->fetches[m->fetch_head] > t->now || !l2_has_room(t, line))
        return false;
    struct l2_request request = {
        .line = line,
        .client = CORE,
        .beats = (uint8_t)(1U << (t->g.line_shift - t->g.beat_shift)),
        .use = FUNCT_FLUSH,
        .funct = FUNCT_FLUSH,
        .reads = true,
    };
    if (!l2_accept(t, &request))
        return false;
    m->fetch_head = (m->fetch_head + 1) % MAX_FETCHES;
    m->fetch_count--;
    m->fetched++;
    return true;
}

/* ---- the way back ---- */

bool memory_may_return(const struct gemmini_timing *t) {
    return t->memory.reader_count + MAX_LINE_BEATS <= READER_BEATS;
}

void memory_return(struct gemmini_timing *t, cycle_t cycle, uint8_t slot, uint32_t beats,
                   uint32_t interval, bool last) {
    struct memory *m = &t->memory;
    struct reader_data *data = &m->reader_data[(m->reader_head + m->reader_count++) % READER_BEATS];
    data->start = cycle;
    data->slot = slot;
    data->beats = (uint8_t)beats;
    data->interval = (uint8_t)interval;
    data->last = last;
}

void memory_acknowledge(struct gemmini_timing *t, cycle_t cycle) {
    struct memory *m = &t->memory;
    m->acks[(m->ack_head + m->ack_count++) % MAX_TRACKED] = cycle + L2_TO_CLIENT;
}

/* ---- crossbar ---- */

static bool arbitrate(struct gemmini_timing *t) {
    struct memory *m = &t->memory;
    if (m->ports[READER].count + m->ports[WRITER].count == 0 ||
        m->shared_count + (m->shared_popped == t->now) >= SHARED_BUFFERS)
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
        uint32_t place = (m->shared_head + m->shared_count++) % SHARED_BUFFERS;
        m->shared[place] = beat;
        m->shared_client[place] = (uint8_t)client;
        m->last_granted = client;
        m->locked = beat.beats > 1 ? client : -1;
        return true;
    }
    return false;
}

bool memory_step(struct gemmini_timing *t) {
    /* A register that is given back in this cycle is free from the next on. */
    bool moved = accept_fetch(t) || accept(t);
    moved = l2_schedule_step(t) || moved;
    if (t->memory.l2.missing > 0)
        moved = l2_memory_step(t) || moved;
    return arbitrate(t) || moved;
}
