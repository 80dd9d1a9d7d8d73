/* MVIN scale unit, pixel repeater and the write side of the local memories (sections 3 and 5).
 *
 * int8 rows pass a register that repeats them (bias broadcast), three row buffers whose elements
 * share a few multipliers, the pixel repeater, and then wait for their bank. int32 rows bypass the
 * multipliers and the pixel repeater. */
#include "model.h"

bool mvin_scale_ready(const struct gemmini_timing *t, bool wide) {
    return wide ? !t->scale.wide_stage.valid : !t->scale.repeat_stage.valid;
}

bool mvin_scale_accept(struct gemmini_timing *t, const struct scaled_row *row) {
    if (row->wide)
        t->scale.wide_stage = *row;
    else
        t->scale.repeat_stage = *row;
    return true;
}

void accumulator_write(struct gemmini_timing *t, uint32_t bank, uint32_t row, bool accumulates) {
    struct accumulator_write *write = &t->banks.acc_pipeline[bank][t->now % ACC_PIPELINE];
    write->row = row;
    write->cycle = t->now;
    if (accumulates)
        t->banks.acc_accumulated[bank] = t->now;
}

/* The row is among the writes still on their way into the bank. */
bool accumulator_row_in_flight(const struct gemmini_timing *t, uint32_t local) {
    uint32_t bank = local_bank(&t->g, local), row = local_row(&t->g, local);
    for (cycle_t ago = 1; ago <= (cycle_t)t->p.accumulator_latency && ago <= t->now; ago++) {
        const struct accumulator_write *write =
            &t->banks.acc_pipeline[bank][(t->now - ago) % ACC_PIPELINE];
        if (write->cycle == t->now - ago && write->row == row)
            return true;
    }
    return false;
}

/* The bank takes a row in this cycle unless the array writes to it. */
static bool write_row(struct gemmini_timing *t, uint32_t local, bool scratchpad_finishes) {
    uint32_t bank = local_bank(&t->g, local);
    if (!local_is_acc(local)) {
        if (t->banks.spad_ex_written[bank] == t->now)
            return false;
        t->banks.spad_written[bank] = t->now;
        return true;
    }
    bool accumulates = (local & LOCAL_ACCUMULATE) != 0;
    if (t->banks.acc_ex_written[bank] == t->now || scratchpad_finishes)
        return false;
    if (accumulates && accumulator_row_in_flight(t, local))
        return false;
    accumulator_write(t, bank, local_row(&t->g, local), accumulates);
    return true;
}

static void row_returned(struct gemmini_timing *t, const struct scaled_row *row) {
    if (row->last)
        tracker_returned(&t->load.tracker, row->tracker, row->bytes, t->now);
}

bool mvin_scale_write_step(struct gemmini_timing *t) {
    struct mvin_scale *s = &t->scale;
    struct scaled_row *pixel = &s->pixel_stage, *wide = &s->wide_stage;
    bool moved = false, finishes = false;
    bool scratchpad_finishes = pixel->valid && pixel->last && !local_is_acc(pixel->local);
    bool narrow_to_acc = pixel->valid && local_is_acc(pixel->local);
    if (pixel->valid && write_row(t, pixel->local, false)) {
        moved = true;
        if (--pixel->pixel_repeats == 0) {
            finishes = pixel->last;
            row_returned(t, pixel);
            pixel->valid = false;
        }
    }
    if (wide->valid && !narrow_to_acc) {
        uint32_t local = local_add(&t->g, wide->local, wide->repeats);
        if (write_row(t, local, scratchpad_finishes)) {
            moved = true;
            if (wide->repeats-- == 0) {
                finishes = finishes || wide->last;
                row_returned(t, wide);
                wide->valid = false;
            }
        }
    }
    if (t->zero.valid || t->zero.pixel_stage.valid)
        moved = zero_writer_step(t, finishes) || moved;
    return moved;
}

/* The lanes work in step: each cycle every lane takes one element of the row whose turn it is. The
 * turn goes round robin over all elements of all row buffers, which has two stable patterns: rows
 * one after another, or three at a time with a gap. */
static bool feed_lanes(struct gemmini_timing *t) {
    struct mvin_scale *s = &t->scale;
    if (s->unfed == 0)
        return false;
    int turns = (int)t->g.dim / t->p.mvin_scale_units;
    /* The first scaled MVIN after reset runs in the slow pattern (recordings and figures): the turn
     * stands inside the row buffer that it finds. */
    if (s->last_grant < 0)
        s->last_grant = s->head * turns;
    for (int n = 1; n <= turns * MVIN_SCALE_ROWS; n++) {
        int place = (s->last_grant + n) % (turns * MVIN_SCALE_ROWS);
        int row = place / turns, element = place % turns;
        if (!s->rows[row].valid || s->rows[row].unscaled || s->ready[row] != NEVER ||
            (s->fired[row] >> element & 1))
            continue;
        s->fired[row] |= (uint8_t)(1U << element);
        s->last_grant = place;
        if (s->fired[row] != (1U << turns) - 1)
            return true;
        s->unfed--;
        s->ready[row] = t->now + LANE_REGISTERS + (cycle_t)t->p.mvin_scale_latency;
        return true;
    }
    return false;
}

static void take_row(struct gemmini_timing *t) {
    struct mvin_scale *s = &t->scale;
    struct scaled_row row = s->repeat_stage;
    row.last = row.last && row.repeats == 0;
    row.local = local_add(&t->g, row.local, row.repeats);
    s->rows[s->tail] = row;
    s->fired[s->tail] = 0;
    s->ready[s->tail] = row.unscaled ? t->now + 1 : NEVER;
    s->unfed += !row.unscaled;
    s->tail = (uint8_t)((s->tail + 1) % MVIN_SCALE_ROWS);
    if (s->repeat_stage.repeats-- == 0)
        s->repeat_stage.valid = false;
}

bool mvin_scale_step(struct gemmini_timing *t) {
    struct mvin_scale *s = &t->scale;
    if (!s->repeat_stage.valid && !s->rows[s->head].valid)
        return false;
    bool moved = false;
    bool room = !s->rows[s->tail].valid;
    if (s->rows[s->head].valid && s->ready[s->head] <= t->now && !s->pixel_stage.valid) {
        s->pixel_stage = s->rows[s->head];
        s->rows[s->head].valid = false;
        s->head = (uint8_t)((s->head + 1) % MVIN_SCALE_ROWS);
        moved = true;
    }
    moved = feed_lanes(t) || moved;
    if (s->repeat_stage.valid && room) {
        take_row(t);
        moved = true;
    }
    return moved;
}
