/* DMA writer: collects the blocks of a row and sends them as aligned Puts (section 7). */
#include "model.h"

/* The Put that writes the most bytes; the smallest of equals. */
static void choose_packet(const struct geometry *g, struct dma_writer *w) {
    uint32_t best = 0, left = w->length - w->sent;
    uint64_t address = w->address + w->sent;
    for (uint32_t size = g->beat_bytes; size <= g->max_bytes; size *= 2) {
        uint32_t offset = (uint32_t)(address & (size - 1));
        uint32_t bytes = size - offset < left ? size - offset : left;
        if (bytes > best) {
            best = bytes;
            w->packet_bytes = size;
        }
    }
    w->packet_address = address & ~(uint64_t)(w->packet_bytes - 1);
    w->packet_beats = w->beats_left = w->packet_bytes / g->beat_bytes;
    w->partial = best < w->packet_bytes;
    w->sent += best;
}

static bool send_beat(struct gemmini_timing *t) {
    struct dma_writer *w = &t->writer;
    struct port_queue *port = &t->memory.ports[WRITER];
    if (w->in_flight + (w->last_ack == t->now) >= w->size || port->count == WRITER_BUFFERS)
        return false;
    if (w->state == WRITER_BLOCK) {
        choose_packet(&t->g, w);
        w->in_flight++;
        t->counters.bytes_written += w->packet_bytes;
        t->counters.write_latency -= t->now;
        w->state = WRITER_BEATS;
    }
    struct port_beat beat = {
        .ready = t->now + REQUEST_TO_CROSSBAR,
        .address = w->packet_address,
        .bytes = (uint16_t)w->packet_bytes,
        .beats = (uint8_t)w->beats_left,
        .partial = w->partial,
    };
    port_push(port, &beat);
    t->active |= ON_THE_WAY;
    if (--w->beats_left == 0)
        w->state = w->sent == w->length ? WRITER_IDLE : WRITER_BLOCK;
    return true;
}

static bool take_row(struct gemmini_timing *t) {
    struct dma_writer *w = &t->writer;
    struct store_queue *q = &t->store.issue;
    if (q->count == 0 || q->rows[q->head].ready > t->now)
        return false;
    const struct store_row *row = &q->rows[q->head];
    bool acc = local_is_acc(row->local);
    bool full = acc && (row->local & LOCAL_READ_FULL) && !local_is_garbage(&t->g, row->local);
    w->address = row->address;
    w->length = row->block * t->g.spad_row_bytes + row->cols * (full ? t->g.acc_bytes : 1);
    w->sent = 0;
    w->state = row->store ? WRITER_BLOCK : WRITER_IDLE;
    if (!acc)
        t->store.spad_rows_reading--;
    q->head = (uint8_t)((q->head + 1) & (STORE_ROWS - 1));
    q->count--;
    t->store.rows_inside--;
    return true;
}

bool dma_writer_step(struct gemmini_timing *t) {
    struct dma_writer *w = &t->writer;
    struct memory *m = &t->memory;
    bool moved = false;
    if (m->ack_count > 0 && m->acks[m->ack_head] <= t->now) {
        m->ack_head = (m->ack_head + 1) % MAX_TRACKED;
        m->ack_count--;
        w->in_flight--;
        t->counters.write_latency += t->now;
        w->last_ack = t->now;
        moved = true;
    }
    if (w->state != WRITER_IDLE)
        moved = send_beat(t) || moved;
    if (w->state == WRITER_IDLE)
        moved = take_row(t) || moved;
    return moved;
}
