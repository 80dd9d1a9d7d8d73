/* Zero writer: an MVIN from address 0 writes one row per cycle without memory traffic. It has the
 * lowest priority at the banks (section 3). */
#include "model.h"

bool zero_writer_accept(struct gemmini_timing *t, const struct row_request *row) {
    struct zero_writer *z = &t->zero;
    if (z->valid)
        return false;
    z->row = *row;
    z->valid = true;
    z->col = 0;
    return true;
}

static bool write(struct gemmini_timing *t, bool other_finishes) {
    struct scaled_row *row = &t->zero.pixel_stage;
    uint32_t bank = local_bank(&t->g, row->local);
    bool acc = local_is_acc(row->local);
    bool taken =
        acc ? t->banks.acc_ex_written[bank] == t->now
            : t->banks.spad_ex_written[bank] == t->now || t->banks.spad_written[bank] == t->now;
    if (taken || other_finishes)
        return false;
    if (acc)
        accumulator_write(t, bank, local_row(&t->g, row->local),
                          (row->local & LOCAL_ACCUMULATE) != 0);
    else
        t->banks.spad_written[bank] = t->now;
    if (row->last)
        tracker_returned(&t->load.tracker, row->tracker, row->bytes, t->now);
    row->valid = false;
    return true;
}

bool zero_writer_step(struct gemmini_timing *t, bool other_finishes) {
    struct zero_writer *z = &t->zero;
    bool moved = z->pixel_stage.valid && write(t, other_finishes);
    if (!z->valid || z->pixel_stage.valid)
        return moved;
    uint32_t element = local_is_acc(z->row.local) ? t->g.acc_bytes : 1;
    z->pixel_stage = (struct scaled_row){
        .local = local_add(&t->g, z->row.local, z->row.block_stride * (z->col / t->g.dim)),
        .bytes = (uint16_t)(z->row.cols * element),
        .tracker = z->row.tracker,
        .valid = true,
        .last = z->col + t->g.dim >= z->row.cols,
    };
    z->col += t->g.dim;
    if (z->col >= z->row.cols)
        z->valid = false;
    return true;
}
