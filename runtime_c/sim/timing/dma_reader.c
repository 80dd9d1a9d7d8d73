/* DMA reader: splits rows into aligned Gets, tracks them, and merges the beats that come back into
 * rows of local memory (section 3). */
#include "model.h"

/* The Get that returns the most bytes still needed; the smallest of equals. */
static uint32_t best_size(const struct geometry *g, uint64_t address, uint32_t left,
                          uint32_t *useful) {
    uint32_t best = 0;
    *useful = 0;
    for (uint32_t size = g->beat_bytes; size <= g->max_bytes; size *= 2) {
        uint32_t offset = (uint32_t)(address & (size - 1));
        uint32_t bytes = size - offset < left ? size - offset : left;
        if (bytes > *useful) {
            *useful = bytes;
            best = size;
        }
    }
    return best;
}

/* The next Get of the row at hand, and its entry in the tracker; false if all are in flight. */
static bool make_get(struct gemmini_timing *t, struct port_beat *out) {
    struct dma_reader *r = &t->reader;
    if (r->in_flight + (r->slot_freed == t->now) >= r->size)
        return false;
    uint32_t useful, left = r->bytes_total - r->bytes_requested;
    uint64_t address = r->row.address + r->bytes_requested;
    uint32_t size = best_size(&t->g, address, left, &useful);
    uint32_t shift = r->row.wide ? t->g.acc_row_shift : t->g.spad_row_shift;
    int slot = __builtin_ctzll(r->free_mask);
    r->free_mask &= r->free_mask - 1;
    r->in_flight++;
    r->gets[slot] = (struct get){
        .local =
            local_add(&t->g, r->row.local, r->row.block_stride * (r->bytes_requested >> shift)),
        .bytes = (uint16_t)useful,
        .shift = (uint16_t)(address & (size - 1)),
        .row_offset = (uint16_t)(r->bytes_requested & ((1U << shift) - 1)),
        .repeats = r->row.repeats,
        .block_stride = r->row.block_stride,
        .beats = (uint8_t)(size >> t->g.beat_shift),
        .tracker = r->row.tracker,
        .pixel_repeats = r->row.pixel_repeats,
        .funct = r->row.funct,
        .wide = r->row.wide,
        .unscaled = r->row.unscaled,
    };
    *out = (struct port_beat){
        .address = address & ~(uint64_t)(size - 1),
        .bytes = (uint16_t)size,
        .slot = (uint8_t)slot,
        .beats = 1,
    };
    t->counters.bytes_read += size;
    t->counters.read_latency -= t->now;
    r->bytes_requested += useful;
    if (r->bytes_requested == r->bytes_total)
        r->busy = false;
    return true;
}

/* Two registers for the address translation. A Get that finds the port's buffer full goes round
 * again, and no new one is made meanwhile. */
static bool translate_step(struct gemmini_timing *t) {
    struct dma_reader *r = &t->reader;
    bool moved = r->in_tlb || r->in_translate, retry = r->in_translate;
    struct port_beat again = r->translate;
    if (r->in_translate && port_ready(&t->memory.ports[READER], t->now)) {
        again.ready = t->now + 1;
        port_push(&t->memory.ports[READER], &again);
        t->active |= ON_THE_WAY;
        retry = false;
    }
    r->in_translate = r->in_tlb;
    r->translate = r->tlb;
    r->in_tlb = retry;
    if (retry)
        r->tlb = again;
    else if (r->busy)
        r->in_tlb = make_get(t, &r->tlb);
    return moved || r->in_tlb;
}

bool dma_reader_request_step(struct gemmini_timing *t) {
    struct dma_reader *r = &t->reader;
    bool moved = (r->busy || r->in_tlb || r->in_translate) && translate_step(t);
    if (!r->busy && r->count > 0) {
        r->row = r->queue[r->head];
        r->head = (uint8_t)((r->head + 1) & (MAX_QUEUE - 1));
        r->count--;
        r->busy = true;
        r->bytes_requested = 0;
        r->bytes_total = r->row.cols * (r->row.wide ? t->g.acc_bytes : 1);
        moved = true;
    }
    return moved;
}

/* BeatMerger's output: one row, or part of one, per cycle. Returns true if the request at hand is
 * finished and a new one may start in this cycle. */
static bool merge_out(struct gemmini_timing *t, bool *moved) {
    struct dma_reader *r = &t->reader;
    const struct get *get = &r->merging;
    uint32_t row_bytes = get->wide ? t->g.acc_row_bytes : t->g.spad_row_bytes;
    uint32_t length = get->beats * t->g.beat_bytes;
    uint32_t useful = r->bytes_read > get->shift ? r->bytes_read - get->shift : 0;
    if (useful > get->bytes)
        useful = get->bytes;
    if (r->bytes_read == length && r->bytes_sent == get->bytes) {
        /* The last row left before the last beat came: the slot is found empty one cycle late. */
        r->merging_valid = false;
        *moved = true;
        return false;
    }
    bool valid =
        useful > r->bytes_sent && (useful - r->bytes_sent >= row_bytes || useful == get->bytes);
    if (!valid || !mvin_scale_ready(t, get->wide))
        return false;
    uint32_t offset = r->bytes_sent == 0 ? get->row_offset : 0;
    uint32_t sent = r->bytes_sent + row_bytes - offset;
    if (sent > get->bytes)
        sent = get->bytes;
    uint32_t block =
        (get->row_offset + r->bytes_sent) >> (get->wide ? t->g.acc_row_shift : t->g.spad_row_shift);
    struct scaled_row row = {
        .local = local_add(&t->g, get->local, get->block_stride * block),
        .repeats = get->repeats,
        .bytes = get->bytes,
        .tracker = get->tracker,
        .pixel_repeats = get->pixel_repeats,
        .valid = true,
        .last = sent == get->bytes,
        .wide = get->wide,
        .unscaled = get->unscaled,
    };
    mvin_scale_accept(t, &row);
    r->bytes_sent = sent;
    *moved = true;
    if (row.last && r->bytes_read == length) {
        r->merging_valid = false;
        return true;
    }
    return false;
}

bool dma_reader_response_step(struct gemmini_timing *t) {
    struct dma_reader *r = &t->reader;
    struct memory *m = &t->memory;
    bool moved = false;
    bool was_valid = r->merging_valid;
    uint32_t sent_before = r->bytes_sent;
    bool may_start = !was_valid || merge_out(t, &moved);
    if (m->reader_count == 0)
        return moved;
    cycle_t beat_at = m->reader_data[m->reader_head].start +
                      (cycle_t)m->reader_beat * m->reader_data[m->reader_head].interval;
    if (beat_at + L2_TO_CLIENT > t->now)
        return moved;
    /* A beat is at the reader. */
    int slot = m->reader_data[m->reader_head].slot;
    if (was_valid && !may_start) {
        uint32_t length = r->merging.beats * t->g.beat_bytes;
        if (r->bytes_read == length)
            return moved;
        r->bytes_read += t->g.beat_bytes;
        if (sent_before == r->merging.bytes && r->bytes_read == length)
            r->merging_valid = false;
    } else {
        r->merging = r->gets[slot];
        r->merging_valid = true;
        r->bytes_read = t->g.beat_bytes;
        r->bytes_sent = 0;
    }
    if (++m->reader_beat == m->reader_data[m->reader_head].beats) {
        bool last = m->reader_data[m->reader_head].last;
        m->reader_beat = 0;
        m->reader_head = (m->reader_head + 1) % READER_BEATS;
        m->reader_count--;
        if (!last)
            return true;
        r->free_mask |= UINT64_C(1) << slot;
        r->in_flight--;
        t->counters.read_latency += t->now;
        r->slot_freed = t->now;
    }
    return true;
}
