/* Store controller and the read side of stores: rows leave the local memories through a chain of
 * queues; accumulator rows pass the normaliser and the scale unit (section 7). */
#include "model.h"

static bool rows_ready(const struct store_queue *q, cycle_t now) {
    return q->count + (q->popped == now) < q->capacity;
}

static struct store_row *rows_front(struct store_queue *q) {
    return &q->rows[q->head];
}

static void rows_push(struct store_queue *q, const struct store_row *row) {
    q->rows[(q->head + q->count++) & (STORE_ROWS - 1)] = *row;
}

static void rows_pop(struct store_queue *q, cycle_t now) {
    q->head = (uint8_t)((q->head + 1) & (STORE_ROWS - 1));
    q->count--;
    q->popped = now;
}

/* ---- from write_scale_q into write_issue_q ---- */

static bool scale_row(struct gemmini_timing *t) {
    struct store_controller *s = &t->store;
    if (s->scale.count == 0 || s->issue.count == s->issue.capacity)
        return false;
    struct store_row row = *rows_front(&s->scale);
    bool acc = local_is_acc(row.local) && !local_is_garbage(&t->g, row.local);
    if (acc) {
        if (s->normalized == 0)
            return false;
        s->normalized--;
        s->normalized_popped = t->now;
        row.ready = t->now + (cycle_t)t->p.acc_scale_latency;
    } else if (row.ready <= t->now) {
        row.ready = t->now + 1;
    }
    rows_push(&s->issue, &row);
    rows_pop(&s->scale, t->now);
    return true;
}

/* ---- from write_norm_q into write_scale_q ---- */

static bool normalize_row(struct gemmini_timing *t) {
    struct store_controller *s = &t->store;
    if (s->norm.count == 0 || !rows_ready(&s->scale, t->now))
        return false;
    const struct store_row *row = rows_front(&s->norm);
    if (local_is_acc(row->local) && !local_is_garbage(&t->g, row->local)) {
        bool *response = &s->bank_response[1][local_bank(&t->g, row->local)];
        if (!*response || s->normalized + (s->normalized_popped == t->now) == NORMALIZER_DEPTH)
            return false;
        *response = false;
        s->normalized++;
    }
    rows_push(&s->scale, row);
    rows_pop(&s->norm, t->now);
    return true;
}

/* ---- from write_dispatch_q: the read of the local memory ---- */

static bool read_row(struct gemmini_timing *t) {
    struct store_controller *s = &t->store;
    if (s->dispatch.count == 0 || !rows_ready(&s->norm, t->now))
        return false;
    struct store_row row = *rows_front(&s->dispatch);
    row.ready = t->now;
    if (!local_is_garbage(&t->g, row.local)) {
        uint32_t bank = local_bank(&t->g, row.local);
        if (local_is_acc(row.local)) {
            if (s->bank_response[1][bank] || t->banks.acc_accumulated[bank] == t->now ||
                accumulator_row_in_flight(t, row.local))
                return false;
            s->bank_response[1][bank] = true;
            t->banks.acc_stored[bank] = t->now;
        } else {
            /* The SRAM's output register and delay line hold only so many rows. */
            if (s->spad_rows_reading > t->p.scratchpad_read_delay ||
                t->banks.spad_written[bank] == t->now || t->banks.spad_ex_written[bank] == t->now ||
                t->banks.spad_ex_read[bank] == t->now)
                return false;
            s->spad_rows_reading++;
            t->banks.spad_stored[bank] = t->now;
            row.ready = t->now + 1 + (cycle_t)t->p.scratchpad_read_delay;
        }
    }
    rows_push(&s->norm, &row);
    rows_pop(&s->dispatch, t->now);
    tracker_returned(&s->tracker, row.tracker, 1, t->now);
    return true;
}

bool store_read_step(struct gemmini_timing *t) {
    bool moved = scale_row(t);
    moved = normalize_row(t) || moved;
    return read_row(t) || moved;
}

/* ---- controller ---- */

void store_controller_configure(struct gemmini_timing *t, const struct command *c) {
    struct store_controller *s = &t->store;
    struct pooling *p = &s->pool;
    s->stride = c->rs2 & UINT32_MAX;
    p->stride = bits(c->rs1, 5, 4);
    p->size = bits(c->rs1, 7, 6);
    if (p->stride == 0 && p->size == 0)
        return;
    p->out_dim = bits(c->rs1, 31, 24);
    p->orows = bits(c->rs1, 55, 48);
    p->ocols = bits(c->rs1, 63, 56);
    if (p->stride != 0) {
        p->porows = bits(c->rs1, 39, 32);
        p->pocols = bits(c->rs1, 47, 40);
        p->upad = bits(c->rs1, 9, 8);
        p->lpad = bits(c->rs1, 11, 10);
    }
}

/* The next row of a pooled store; steps the window counters. Returns true after the last one. */
static bool pooled_row(struct gemmini_timing *t, const struct command *c, struct store_row *row) {
    struct store_controller *s = &t->store;
    const struct pooling *p = &s->pool;
    int64_t orow = (int64_t)(s->porow * p->stride + s->wrow) - p->upad;
    int64_t ocol = (int64_t)(s->pocol * p->stride + s->wcol) - p->lpad;
    bool outside = orow < 0 || ocol < 0 || orow >= p->orows || ocol >= p->ocols;
    row->local = outside ? LOCAL_GARBAGE
                         : local_add(&t->g, (uint32_t)c->rs2, (uint32_t)(orow * p->ocols + ocol));
    row->address = c->rs1 + (s->porow * p->out_dim + s->pocol) * s->stride;
    row->pool = s->wrow != 0 || s->wcol != 0;
    row->store = s->wrow == p->size - 1 && s->wcol == p->size - 1;
    return s->wcol == p->size - 1 && s->wrow == p->size - 1 && s->pocol == p->pocols - 1 &&
           s->porow == p->porows - 1;
}

static void step_window(struct store_controller *s) {
    const struct pooling *p = &s->pool;
    if (++s->wcol < p->size)
        return;
    s->wcol = 0;
    if (++s->wrow < p->size)
        return;
    s->wrow = 0;
    if (++s->pocol < p->pocols)
        return;
    s->pocol = 0;
    if (++s->porow == p->porows)
        s->porow = 0;
}

bool store_controller_step(struct gemmini_timing *t) {
    struct store_controller *s = &t->store;
    const struct command *c = queue_at(&s->commands, 0);
    if (c->funct == FUNCT_CONFIG) {
        store_controller_configure(t, c);
        queue_pop(&s->commands, 1, t->now);
        wake(&t->rs.awake);
        return true;
    }
    if (s->sending && s->requested) {
        s->sending = s->requested = false;
        queue_pop(&s->commands, 1, t->now);
        wake(&t->rs.awake);
        return true;
    }
    const struct pooling *p = &s->pool;
    bool pooled = p->stride != 0, one_d = !pooled && p->size != 0;
    uint32_t cols = move_cols(&t->g, c->rs2), rows = dims_rows(&t->g, c->rs2);
    uint32_t blocks = (cols + t->g.dim - 1) >> t->g.dim_shift;
    if (one_d)
        rows = p->orows * p->ocols;
    uint32_t requests = pooled ? p->porows * p->pocols * p->size * p->size : rows * blocks;
    if (requests == 0 || cols == 0) {
        timing_stop(t, c->index, "an MVOUT of no rows or no columns");
        return false;
    }
    bool moved = false;
    if (!s->sending) {
        if (!tracker_ready(&s->tracker, t->now))
            return false;
        s->current = (uint8_t)tracker_allocate(&s->tracker, c->entry, requests, t->now);
        s->sending = true;
        s->row = s->block = 0;
        moved = true;
    }
    if (!rows_ready(&s->dispatch, t->now))
        return moved;
    struct store_row row = {.tracker = s->current, .block = (uint8_t)s->block};
    bool last;
    if (pooled) {
        row.cols = (uint16_t)cols;
        last = pooled_row(t, c, &row);
        step_window(s);
    } else {
        uint32_t out = one_d ? s->row / p->ocols * p->out_dim + s->row % p->ocols : s->row;
        row.local = local_add(&t->g, (uint32_t)c->rs2, s->block * t->g.dim + s->row);
        row.address = c->rs1 + out * s->stride;
        row.cols = (uint16_t)(s->block == blocks - 1 ? cols - s->block * t->g.dim : t->g.dim);
        row.store = s->block == blocks - 1;
        last = row.store && s->row == rows - 1;
        if (++s->block == blocks) {
            s->block = 0;
            s->row++;
        }
    }
    rows_push(&s->dispatch, &row);
    s->rows_inside++;
    if (last) {
        /* A single request leaves the controller busy for one more cycle. */
        if (requests == 1) {
            s->requested = true;
        } else {
            s->sending = false;
            queue_pop(&s->commands, 1, t->now);
            wake(&t->rs.awake);
        }
    }
    return true;
}
