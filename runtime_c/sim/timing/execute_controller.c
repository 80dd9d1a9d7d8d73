/* Execute controller: which PRELOAD and COMPUTE go together, and when their rows are read from the
 * banks (section 6). */
#include "model.h"

static bool is_compute(const struct command *c) {
    return c->funct == FUNCT_COMPUTE_PRELOADED || c->funct == FUNCT_COMPUTE_ACCUMULATED;
}

void execute_controller_configure(struct gemmini_timing *t, const struct command *c) {
    struct execute_controller *e = &t->ex;
    e->a_stride = bits(c->rs1, 31, 16);
    e->c_stride = bits(c->rs2, 63, 48);
    if (bits(c->rs1, 7, 7))
        return;
    e->output_stationary = !bits(c->rs1, 2, 2);
    e->a_transpose = bits(c->rs1, 8, 8) != 0;
    e->bd_transpose = bits(c->rs1, 9, 9) != 0;
}

/* The operands of the commands from `first` on wait for a result that is still in the array. */
static bool hazard(struct gemmini_timing *t, struct queue *q, int first) {
    if (!t->p.ex_read_from_acc && !t->p.ex_write_to_spad)
        return false;
    const struct command *preload = queue_at(q, first), *compute = queue_at(q, first + 1);
    if (!mesh_will_write(t, (uint32_t)preload->rs1) &&
        !mesh_will_write(t, (uint32_t)compute->rs1) && !mesh_will_write(t, (uint32_t)compute->rs2))
        return false;
    t->ex.hazard_place = (uint8_t)(first + 1);
    return true;
}

static bool execute_config(struct gemmini_timing *t, const struct command *c) {
    struct execute_controller *e = &t->ex;
    if (e->pending[0] >= 0 || e->pending[1] >= 0 || t->rs.completing[EXECUTE] >= 0)
        return false;
    execute_controller_configure(t, c);
    t->rs.completing[EXECUTE] = c->entry;
    queue_pop(&e->commands, 1, t->now);
    return true;
}

static bool waiting_step(struct gemmini_timing *t) {
    struct execute_controller *e = &t->ex;
    struct queue *q = &e->commands;
    bool in_progress = mesh_in_progress(&e->mesh, t->now);
    if (q->count == 0) {
        if (in_progress && e->output_stationary)
            e->state = EX_FLUSH;
        return in_progress && e->output_stationary;
    }
    const struct command *head = queue_at(q, 0);
    bool config = head->funct == FUNCT_CONFIG;
    bool third_needed = t->p.ex_read_from_acc || t->p.ex_write_to_spad ||
                        execute_through_transposer(e) || e->bd_transpose;
    if (config && !in_progress)
        return execute_config(t, head);
    e->hazard_place = 0;
    if (head->funct == FUNCT_PRELOAD && q->count > 1 && !hazard(t, q, 0)) {
        execute_begin_pass(t, EX_PRELOAD);
    } else if (is_compute(head) && q->count > 1 && queue_at(q, 1)->funct == FUNCT_PRELOAD &&
               (!third_needed || (q->count > 2 && !hazard(t, q, 1)))) {
        execute_begin_pass(t, EX_OVERLAP);
    } else if (is_compute(head)) {
        execute_begin_pass(t, EX_MULTIPLY);
    } else if (in_progress && (e->output_stationary || config)) {
        e->state = EX_FLUSH;
    } else {
        return false;
    }
    return true;
}

/* ---- rows ---- */

/* An operand holds back while it is one row ahead of another, or while a more important operand
 * reads the same bank for the same row. */
static bool must_wait(const struct gemmini_timing *t, int which, const uint32_t bank[OPERANDS]) {
    const struct execute_controller *e = &t->ex;
    const struct operand *o = &e->operands[which];
    for (int other = 0; other < OPERANDS; other++) {
        const struct operand *p = &e->operands[other];
        if (other == which)
            continue;
        uint32_t next = p->counter + 1 == e->pass_rows ? 0 : p->counter + 1;
        if (o->started && o->counter == next)
            return true;
        bool same_bank = o->reads && p->reads && o->in_acc == p->in_acc &&
                         (o->in_acc || bank[which] == bank[other]);
        if (same_bank && other < which && o->started == p->started && o->counter == p->counter)
            return true;
    }
    return false;
}

static bool row_exists(const struct gemmini_timing *t, const struct operand *o) {
    return (o->reversed ? t->g.dim - 1 - o->counter : o->counter) < o->rows;
}

/* The row of an operand is read, or need not be; false if its bank is busy. */
static bool read_row(struct gemmini_timing *t, const struct operand *o, uint32_t bank,
                     bool *reads) {
    struct banks *b = &t->banks;
    if (!o->reads || !row_exists(t, o))
        return true;
    /* Operands in the accumulator are never delivered: the RTL hangs (section 13). */
    if (o->in_acc)
        return false;
    b->spad_ex_read[bank] = t->now;
    if (b->spad_written[bank] == t->now || b->spad_ex_written[bank] == t->now)
        return false;
    *reads = true;
    return true;
}

/* Requests one row of each operand that may go; returns a bit per operand. */
static unsigned fire_rows(struct gemmini_timing *t, bool *reads) {
    struct execute_controller *e = &t->ex;
    struct operand *o = e->operands;
    uint32_t bank[OPERANDS];
    unsigned fires = 0;
    for (int i = 0; i < OPERANDS; i++)
        bank[i] = o[i].one_bank ? o[i].bank : execute_operand_bank(t, &o[i], o[i].counter);
    for (int i = 0; i < OPERANDS; i++)
        if (!must_wait(t, i, bank) && read_row(t, &o[i], bank[i], reads))
            fires |= 1U << i;
    return fires;
}

static void step_operands(struct execute_controller *e, unsigned fires) {
    for (int i = 0; i < OPERANDS; i++)
        if (fires >> i & 1) {
            struct operand *o = &e->operands[i];
            o->counter = o->counter + 1 == e->pass_rows ? 0 : o->counter + 1;
            o->started = true;
        }
}

/* All operands have requested all rows with those of this cycle. */
static bool last_rows(const struct execute_controller *e, unsigned fires) {
    for (int i = 0; i < OPERANDS; i++) {
        const struct operand *o = &e->operands[i];
        if (o->counter != 0 && !(o->counter == e->pass_rows - 1 && (fires >> i & 1)))
            return false;
    }
    return true;
}

/* The usual case: operands in different banks, none of which is written in this cycle, go row by
 * row. Returns false, without effect, if the case is not the usual one. */
static bool all_rows_free(struct gemmini_timing *t, bool *reads) {
    struct execute_controller *e = &t->ex;
    struct banks *b = &t->banks;
    for (int i = 0; i < OPERANDS; i++) {
        const struct operand *o = &e->operands[i];
        if (e->row < o->first || e->row >= o->end)
            continue;
        if (o->in_acc)
            return false;
        b->spad_ex_read[o->bank] = t->now;
        if (b->spad_written[o->bank] == t->now || b->spad_ex_written[o->bank] == t->now)
            return false;
        *reads = true;
    }
    return true;
}

static void leave_step(struct execute_controller *e) {
    e->in_step = false;
    for (int i = 0; i < OPERANDS; i++) {
        e->operands[i].counter = e->row;
        e->operands[i].started = e->row > 0;
    }
}

/* All operands have requested the same rows. */
static bool in_step(const struct operand *o) {
    return o[A].counter == o[B].counter && o[A].counter == o[D].counter;
}

static void end_pass(struct gemmini_timing *t) {
    struct execute_controller *e = &t->ex;
    struct queue *q = &e->commands;
    const struct command *head = queue_at(q, 0), *next = queue_at(q, 1);
    switch (e->mode) {
    case EX_PRELOAD:
        e->pending[0] = e->pass_tag.garbage ? head->entry : -1;
        queue_pop(q, 1, t->now);
        break;
    case EX_OVERLAP:
        e->pending[0] = head->entry;
        e->pending[1] = e->pass_tag.garbage ? next->entry : -1;
        queue_pop(q, 2, t->now);
        break;
    default:
        e->pending[0] = head->entry;
        queue_pop(q, 1, t->now);
        break;
    }
    e->mode = EX_NONE;
    e->state = EX_WAITING;
}

static bool compute_step(struct gemmini_timing *t) {
    struct execute_controller *e = &t->ex;
    struct operand *o = e->operands;
    if (e->control_count == t->p.scratchpad_read_delay + 1)
        return false;
    enum { ALL = (1 << OPERANDS) - 1 };
    bool reads = false, first, done;
    unsigned fires = ALL;
    if (e->in_step && !all_rows_free(t, &reads))
        leave_step(e);
    if (e->in_step) {
        first = e->row == 0;
        done = ++e->row == e->pass_rows;
    } else {
        first = !o[A].started && !o[B].started && !o[D].started;
        fires = fire_rows(t, &reads);
        done = !first && last_rows(e, fires);
        step_operands(e, fires);
        if (e->apart && in_step(o) && o[A].counter != 0) {
            e->in_step = true;
            e->row = o[A].counter;
        }
    }
    e->control[(e->control_head + e->control_count++) % CONTROL_SIGNALS] = (struct control_signal){
        .ready = t->now + 1 + (reads ? (cycle_t)t->p.scratchpad_read_delay : 0),
        .fires = (uint8_t)fires,
        .first = first && fires != 0,
    };
    if (first && fires != 0)
        e->waiting[(e->waiting_head + e->waiting_count++) % CONTROL_SIGNALS] = e->pass_tag;
    if (fires == ALL || in_step(o)) {
        e->rows_requested = t->now;
    } else {
        e->rows_refused = t->now;
        e->refused_operands = (uint8_t)(ALL & ~fires);
    }
    if (done)
        end_pass(t);
    return fires != 0;
}

/* ---- between the banks and the array ---- */

/* Data of the oldest requested row reach the input registers of the array. Returns true if that
 * started a pass. */
static bool feed_mesh(struct gemmini_timing *t, bool ready, bool *moved) {
    struct execute_controller *e = &t->ex;
    if (e->control_count == 0)
        return false;
    const struct control_signal *signal = &e->control[e->control_head];
    if (signal->ready > t->now || (signal->first && !ready))
        return false;
    bool starts = signal->first;
    if (starts) {
        mesh_start(t, &e->waiting[e->waiting_head]);
        e->waiting_head = (uint8_t)((e->waiting_head + 1) % CONTROL_SIGNALS);
        e->waiting_count--;
    }
    e->mesh.written |= signal->fires;
    *moved = *moved || signal->fires != 0;
    e->control_head = (uint8_t)((e->control_head + 1) % CONTROL_SIGNALS);
    e->control_count--;
    return starts;
}

static bool report_pending(struct gemmini_timing *t) {
    struct execute_controller *e = &t->ex;
    if (t->rs.completing[EXECUTE] >= 0)
        return false;
    for (int i = 0; i < 2; i++)
        if (e->pending[i] >= 0) {
            t->rs.completing[EXECUTE] = e->pending[i];
            e->pending[i] = -1;
            return true;
        }
    return false;
}

/* The usual cycle in the middle of a pass: one row enters the array, one arrives at it and one is
 * requested, and none is the first or last of its pass. Returns false, without effect, for any
 * other cycle; what the general case below makes of these is the same. */
static bool steady_step(struct gemmini_timing *t) {
    struct execute_controller *e = &t->ex;
    struct mesh *m = &e->mesh;
    struct control_signal *signal = &e->control[e->control_head];
    enum { ALL = (1 << OPERANDS) - 1 };
    if (!e->in_step || e->state != EX_COMPUTE || e->row == 0 || e->row + 1 == e->pass_rows ||
        e->pending[0] >= 0 || e->pending[1] >= 0 || e->control_count == 0 || signal->first ||
        signal->fires != ALL || signal->ready > t->now || !m->busy || m->flush ||
        m->written != ALL || m->fired + 1 == m->rows)
        return false;
    bool reads = false;
    if (!all_rows_free(t, &reads))
        return false;
    mesh_input_step(t);
    m->written = ALL;
    e->row++;
    e->control_head = (uint8_t)((e->control_head + 1) % CONTROL_SIGNALS);
    e->control[(e->control_head + e->control_count - 1) % CONTROL_SIGNALS] =
        (struct control_signal){
            .ready = t->now + 1 + (reads ? (cycle_t)t->p.scratchpad_read_delay : 0), .fires = ALL};
    e->rows_requested = t->now;
    return true;
}

bool execute_controller_step(struct gemmini_timing *t) {
    struct execute_controller *e = &t->ex;
    if (steady_step(t))
        return true;
    bool moved = report_pending(t);
    bool flushable = e->control_count == 0;
    bool asks = e->state >= EX_FLUSH || (!flushable && e->control[e->control_head].first);
    bool ready = asks && mesh_ready(&e->mesh, t->now);
    bool entered = mesh_input_step(t);
    bool started = feed_mesh(t, ready, &moved);
    switch (e->state) {
    case EX_FLUSH:
        if (flushable && ready) {
            mesh_start(t, NULL);
            started = true;
        }
        if (started)
            e->state = EX_FLUSHING;
        moved = moved || started;
        break;
    case EX_FLUSHING:
        if (ready) {
            e->state = EX_WAITING;
            moved = true;
        }
        break;
    default:
        if (e->state == EX_WAITING)
            moved = waiting_step(t) || moved;
        if (e->state == EX_COMPUTE)
            moved = compute_step(t) || moved;
        break;
    }
    return moved || entered;
}
