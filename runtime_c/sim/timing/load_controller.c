/* Load controller: turns an MVIN into one request per row, two MVINs at a time (section 3). */
#include "model.h"

/* ---- command tracker, shared with the store controller ---- */

bool tracker_ready(const struct command_tracker *tracker, cycle_t now) {
    return tracker->used + (tracker->freed == now) < tracker->size;
}

int tracker_allocate(struct command_tracker *tracker, int entry, uint64_t amount, cycle_t now) {
    int slot = 0;
    while (tracker->slots[slot].valid)
        slot++;
    tracker->slots[slot].valid = true;
    tracker->slots[slot].entry = (int8_t)entry;
    tracker->slots[slot].left = amount;
    tracker->slots[slot].done = amount > 0 ? NEVER : now + 1;
    tracker->finished += amount == 0;
    tracker->used++;
    return slot;
}

void tracker_returned(struct command_tracker *tracker, int slot, uint64_t amount, cycle_t now) {
    tracker->slots[slot].left -= amount;
    if (tracker->slots[slot].left == 0) {
        tracker->slots[slot].done = now + 1;
        tracker->finished++;
    }
}

/* The lowest slot whose command is finished, or -1. */
int tracker_offer(const struct command_tracker *tracker, cycle_t now) {
    for (int i = 0; i < tracker->size; i++)
        if (tracker->slots[i].valid && tracker->slots[i].done <= now)
            return i;
    return -1;
}

void tracker_release(struct command_tracker *tracker, int slot, cycle_t now) {
    tracker->slots[slot].valid = false;
    tracker->used--;
    tracker->finished--;
    tracker->freed = now;
}

/* ---- load controller ---- */

static int load_state(const struct command *c) {
    return c->funct == FUNCT_MVIN2 ? 1 : c->funct == FUNCT_MVIN3 ? 2 : 0;
}

void load_controller_configure(struct gemmini_timing *t, const struct command *c) {
    enum { IDENTITY_SCALE = 0x3f800000 };
    uint32_t id = bits(c->rs1, 4, 3), repeats = bits(c->rs1, 12, 8);
    if (id >= LOAD_STATES)
        return;
    struct load_controller *l = &t->load;
    l->stride[id] = c->rs2;
    l->block_stride[id] = bits(c->rs1, 31, 16);
    l->shrink[id] = bits(c->rs1, 2, 2) != 0;
    l->unscaled[id] = bits(c->rs1, 63, 32) == IDENTITY_SCALE || t->p.mvin_scale_units == 0;
    l->pixel_repeats[id] = (uint8_t)(repeats > 0 ? repeats : 1);
}

static bool send_row(struct gemmini_timing *t, const struct row_request *row) {
    if (row->zeros)
        return zero_writer_accept(t, row);
    struct dma_reader *r = &t->reader;
    if (r->count == r->capacity)
        return false;
    r->queue[(r->head + r->count++) & (MAX_QUEUE - 1)] = *row;
    return true;
}

bool load_controller_step(struct gemmini_timing *t) {
    struct load_controller *l = &t->load;
    const struct command *c = queue_at(&l->commands, 0);
    if (c->funct == FUNCT_CONFIG) {
        load_controller_configure(t, c);
        queue_pop(&l->commands, 1, t->now);
        wake(&t->rs.awake);
        return true;
    }
    if (l->sending && l->requested) {
        l->sending = l->requested = false;
        queue_pop(&l->commands, 1, t->now);
        wake(&t->rs.awake);
        return true;
    }
    if (!l->sending && !tracker_ready(&l->tracker, t->now))
        return false;
    int id = load_state(c);
    uint32_t local = (uint32_t)c->rs2;
    bool zeros = c->rs1 == 0, wide = local_is_acc(local) && !l->shrink[id];
    bool broadcast = l->stride[id] == 0 && !zeros;
    uint32_t rows = dims_rows(&t->g, c->rs2), cols = move_cols(&t->g, c->rs2);
    uint32_t requests = broadcast ? 1 : rows;
    if (rows == 0 || cols == 0) {
        timing_stop(t, c->index, "an MVIN of no rows or no columns");
        return false;
    }
    bool moved = false;
    if (!l->sending) {
        uint64_t element = wide || (zeros && local_is_acc(local)) ? t->g.acc_bytes : 1;
        l->current =
            (uint8_t)tracker_allocate(&l->tracker, c->entry, requests * cols * element, t->now);
        l->sending = true;
        l->row = 0;
        moved = true;
    }
    struct row_request row = {
        .address = c->rs1 + l->row * l->stride[id],
        .local = local_add(&t->g, local, l->row),
        .cols = (uint16_t)cols,
        .repeats = (uint16_t)(broadcast ? rows - 1 : 0),
        .block_stride = (uint16_t)l->block_stride[id],
        .tracker = l->current,
        .pixel_repeats = l->pixel_repeats[id],
        .funct = c->funct,
        .wide = wide,
        .unscaled = l->unscaled[id],
        .zeros = zeros,
    };
    if (!send_row(t, &row))
        return moved;
    l->row++;
    if (l->row == requests) {
        /* A single row leaves the controller busy for one more cycle. */
        if (requests == 1) {
            l->requested = true;
        } else {
            l->sending = false;
            queue_pop(&l->commands, 1, t->now);
            wake(&t->rs.awake);
        }
    }
    return true;
}
