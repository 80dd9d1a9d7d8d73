/* The start of a pass through the array: its operands, its rows, its tag (section 6). */
#include "model.h"

bool execute_through_transposer(const struct execute_controller *e) {
    return e->output_stationary ? !e->a_transpose : e->a_transpose;
}

static void set_operand(struct gemmini_timing *t, struct operand *o, const struct command *source,
                        bool second, bool fed, bool transposed) {
    uint64_t dims = !fed ? LOCAL_GARBAGE : second ? source->rs2 : source->rs1;
    o->command = source->index;
    o->address = (uint32_t)dims;
    o->garbage = local_is_garbage(&t->g, o->address);
    o->reads = fed && !o->garbage;
    o->rows = transposed ? dims_cols(&t->g, dims) : dims_rows(&t->g, dims);
    o->in_acc = local_is_acc(o->address);
    o->counter = 0;
    o->started = false;
}

uint32_t execute_operand_bank(const struct gemmini_timing *t, const struct operand *o,
                              uint32_t row) {
    uint32_t offset = o->reversed ? t->g.dim - 1 - row : row * o->step;
    return local_bank(&t->g, local_add(&t->g, o->address, offset));
}

static void find_bank(const struct gemmini_timing *t, struct operand *o) {
    o->bank = (uint8_t)execute_operand_bank(t, o, 0);
    o->one_bank = o->bank == execute_operand_bank(t, o, t->g.dim - 1) &&
                  o->step * t->g.dim <= t->g.acc_bank_rows;
}

static void find_rows(const struct gemmini_timing *t, struct operand *o) {
    uint32_t rows = o->rows < t->g.dim ? o->rows : t->g.dim;
    o->first = o->reversed ? t->g.dim - rows : 0;
    o->end = !o->reads ? 0 : o->reversed ? t->g.dim : rows;
}

static bool may_share(const struct operand *o, const struct operand *p) {
    return o->in_acc == p->in_acc &&
           (o->in_acc || !o->one_bank || !p->one_bank || o->bank == p->bank);
}

/* Operand addresses come from the commands at the head of the queue. */
void execute_begin_pass(struct gemmini_timing *t, enum ex_mode mode) {
    struct execute_controller *e = &t->ex;
    bool a_transposer = execute_through_transposer(e);
    bool b_transposer = e->output_stationary && e->bd_transpose;
    bool d_transposer = !e->output_stationary && e->bd_transpose;
    int preload_at = mode == EX_PRELOAD ? 0 : 1;
    int a_at = preload_at == 0 ? 1 : a_transposer ? 2 : 0;
    int b_at = preload_at == 0 ? 1 : b_transposer ? 2 : 0;
    const struct command *preload = queue_at(&e->commands, preload_at);
    bool feed_a = mode == EX_OVERLAP || (mode == EX_PRELOAD) == a_transposer;
    bool feed_b = mode == EX_OVERLAP || (mode == EX_PRELOAD) == b_transposer;
    bool feed_d = mode != EX_MULTIPLY;
    struct operand *o = e->operands;
    /* Places beyond the queue are only looked at for operands that are not fed. */
    set_operand(t, &o[A], queue_at(&e->commands, a_at), false, feed_a, e->a_transpose);
    set_operand(t, &o[B], queue_at(&e->commands, b_at), true, feed_b, b_transposer);
    set_operand(t, &o[D], preload, false, feed_d, d_transposer);
    o[A].step = e->a_stride;
    o[B].step = o[D].step = 1;
    o[D].reversed = true;
    e->pass_rows = t->g.dim;
    if (!e->output_stationary && !o[D].reads && !a_transposer && !b_transposer && !d_transposer) {
        uint32_t rows_a = o[A].reads ? o[A].rows : 1, rows_b = o[B].reads ? o[B].rows : 1;
        e->pass_rows = rows_a > rows_b ? rows_a : rows_b;
        if (e->pass_rows < MIN_PASS_ROWS)
            e->pass_rows = MIN_PASS_ROWS;
        if (e->pass_rows > t->g.dim)
            e->pass_rows = t->g.dim;
    }
    e->pass_tag = (struct mesh_tag){.garbage = true, .entry = -1, .pass_rows = e->pass_rows};
    if (feed_d) {
        uint32_t c = (uint32_t)preload->rs2;
        e->pass_tag.address = c;
        e->pass_tag.rows = dims_rows(&t->g, preload->rs2);
        e->pass_tag.garbage = local_is_garbage(&t->g, c);
        e->pass_tag.entry = e->pass_tag.garbage ? -1 : preload->entry;
    }
    e->apart = true;
    for (int i = 0; i < OPERANDS; i++) {
        find_bank(t, &o[i]);
        find_rows(t, &o[i]);
        for (int j = 0; j < i; j++)
            e->apart = e->apart && !(o[i].reads && o[j].reads && may_share(&o[i], &o[j]));
    }
    for (int i = 0; i < OPERANDS; i++)
        e->apart = e->apart && (o[i].one_bank || !o[i].reads);
    e->in_step = e->apart;
    e->row = 0;
    e->mode = mode;
    e->state = EX_COMPUTE;
}
