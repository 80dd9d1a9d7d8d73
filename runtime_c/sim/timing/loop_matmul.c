/* LoopMatmul: unrolls LOOP_WS into MVIN, PRELOAD, COMPUTE and MVOUT (section 1, ISA section 9).
 *
 * Five sub-FSMs share one output; at most one command leaves per cycle. Priority: store, execute,
 * loads of D, loads of A and B. */
#include "model.h"

static uint32_t minimum(uint32_t a, uint32_t b) {
    return a < b ? a : b;
}

bool loop_matmul_configured(const struct gemmini_timing *t) {
    return t->loop.slots[0].configured || t->loop.slots[1].configured;
}

static struct loop_slot *slot_to_configure(struct loop_matmul *l) {
    struct loop_slot *head = &l->slots[l->head];
    return head->configured ? &l->slots[!l->head] : head;
}

void loop_matmul_configure(struct gemmini_timing *t, const struct command *command) {
    struct loop_slot *slot = slot_to_configure(&t->loop);
    struct loop_config *c = &slot->config;
    uint64_t rs1 = command->rs1, rs2 = command->rs2;
    switch (command->funct) {
    case FUNCT_LOOP_WS_BOUNDS:
        c->pad_i = bits(rs1, 15, 0);
        c->pad_j = bits(rs1, 31, 16);
        c->pad_k = bits(rs1, 47, 32);
        c->max_i = bits(rs2, 15, 0);
        c->max_j = bits(rs2, 31, 16);
        c->max_k = bits(rs2, 47, 32);
        break;
    case FUNCT_LOOP_WS_ADDRS_AB:
        c->a = rs1;
        c->b = rs2;
        break;
    case FUNCT_LOOP_WS_ADDRS_DC:
        c->d = rs1;
        c->c = rs2;
        break;
    case FUNCT_LOOP_WS_STRIDES_AB:
        c->a_stride = rs1;
        c->b_stride = rs2;
        break;
    case FUNCT_LOOP_WS_STRIDES_DC:
        c->d_stride = rs1;
        c->c_stride = rs2;
        break;
    case FUNCT_LOOP_WS:
        c->accumulate = bits(rs1, 0, 0) != 0;
        c->full_c = bits(rs1, 1, 1) != 0;
        c->low_d = bits(rs1, 2, 2) != 0;
        c->b_spad_id = (uint8_t)bits(rs1, 17, 16);
        c->a_spad_id = (uint8_t)bits(rs1, 19, 18);
        c->a_transpose = bits(rs2, 0, 0) != 0;
        c->b_transpose = bits(rs2, 1, 1) != 0;
        c->resadd = bits(rs2, 2, 2) != 0;
        slot->configured = true;
        t->loop.settled = false;
        slot->index = command->index;
        break;
    default:
        break;
    }
}

/* The counts of commands in flight are registers: a completion is seen one cycle later. */
static void release(struct loop_matmul *l, cycle_t now) {
    if (l->released_at == now)
        return;
    for (int p = 0; p < PARTITIONS; p++) {
        l->in_flight[p] -= l->released[p];
        l->released[p] = 0;
    }
    l->released_at = now;
}

void loop_matmul_completed(struct gemmini_timing *t, enum partition partition) {
    release(&t->loop, t->now);
    t->loop.released[partition]++;
    wake(&t->loop.awake);
}

/* The loads that the next pair needs have been emitted. */
static bool loads_ahead(const struct loop_matmul *l) {
    const struct loop_sub_fsm *ex = &l->fsm[LOOP_EX];
    const struct loop_sub_fsm *a = &l->fsm[LOOP_LDA], *b = &l->fsm[LOOP_LDB];
    const struct loop_sub_fsm *d = &l->fsm[LOOP_LDD];
    bool a_done = a->slot != ex->slot || !a->active;
    bool b_done = b->slot != ex->slot || !b->active;
    bool d_done = d->slot != ex->slot || !d->active;
    /* The RTL compares B's column with A's k; see the open point in section 12. */
    return (a_done || a->k > ex->k || (a->k == ex->k && a->i > ex->i)) &&
           (b_done || b->k > ex->k || (a->k == ex->k && b->j > ex->j)) && d_done;
}

/* The pairs that finish the next block to store have been emitted. */
static bool execute_ahead(const struct gemmini_timing *t) {
    const struct loop_sub_fsm *ex = &t->loop.fsm[LOOP_EX], *st = &t->loop.fsm[LOOP_ST];
    if (ex->slot != st->slot || !ex->active)
        return true;
    uint32_t width = st->config.full_c ? 1 : minimum(st->config.max_j, t->g.max_blocks);
    uint32_t blocks = minimum(width, st->config.max_j - st->j);
    return ex->k == st->config.max_k - 1 &&
           (ex->j >= st->j + blocks || (ex->j == st->j + blocks - 1 && ex->i > st->i));
}

/* Which of A and B loads next (WeightedArbiter in its static mode). */
static enum loop_fsm choose_load(const struct loop_matmul *l) {
    const struct loop_sub_fsm *a = &l->fsm[LOOP_LDA], *b = &l->fsm[LOOP_LDB];
    if (a->slot != b->slot)
        return a->slot == l->head ? LOOP_LDA : LOOP_LDB;
    if (!a->active)
        return LOOP_LDB;
    if (!b->active)
        return LOOP_LDA;
    return a->k > b->k || (b->k == 0 && b->j == 0) ? LOOP_LDB : LOOP_LDA;
}

/* A sub-FSM without a memory address has nothing to do. */
static bool has_nothing(const struct loop_config *c, enum loop_fsm which) {
    switch (which) {
    case LOOP_LDA:
        return c->a == 0;
    case LOOP_LDB:
        return c->b == 0;
    case LOOP_LDD:
        return c->d == 0;
    case LOOP_ST:
        return c->c == 0;
    default:
        return false;
    }
}

/* The sub-FSM whose command leaves this cycle, or LOOP_FSMS. */
static enum loop_fsm choose(const struct gemmini_timing *t) {
    const struct loop_matmul *l = &t->loop;
    const struct loop_sub_fsm *f = l->fsm;
    bool load = l->in_flight[LOAD] < t->rs.size[LOAD];
    if (f[LOOP_ST].active && !f[LOOP_ST].nothing && l->in_flight[STORE] < t->rs.size[STORE] &&
        execute_ahead(t))
        return LOOP_ST;
    if (f[LOOP_EX].active && l->in_flight[EXECUTE] < t->rs.size[EXECUTE] && loads_ahead(l))
        return LOOP_EX;
    if (!load)
        return LOOP_FSMS;
    if (f[LOOP_LDD].active && !f[LOOP_LDD].nothing)
        return LOOP_LDD;
    enum loop_fsm ab = choose_load(l);
    return f[ab].active && !f[ab].nothing ? ab : LOOP_FSMS;
}

static uint32_t next_half(const struct gemmini_timing *t, uint32_t base) {
    return base == 0 ? t->g.acc_rows / 2 : 0;
}

static void start(struct gemmini_timing *t, enum loop_fsm which, uint8_t id) {
    struct loop_matmul *l = &t->loop;
    struct loop_slot *slot = &l->slots[id];
    const struct loop_config *c = &slot->config;
    struct loop_sub_fsm *f = &l->fsm[which];
    uint32_t half = t->g.spad_rows / 2;
    *f = (struct loop_sub_fsm){.active = true,
                               .nothing = has_nothing(c, which),
                               .slot = id,
                               .config = slot->config,
                               .index = slot->index};
    slot->running = true;
    slot->started[which] = true;
    switch (which) {
    case LOOP_LDA:
        f->address = (c->a_spad_id ? c->a_spad_id - 1U : id) * half;
        break;
    case LOOP_LDB:
        f->address =
            (c->b_spad_id ? c->b_spad_id : id + 1U) * half - c->max_k * c->max_j * t->g.dim;
        break;
    case LOOP_LDD:
        f->address = l->acc_base_d;
        if (c->c != 0)
            l->acc_base_d = next_half(t, l->acc_base_d);
        break;
    case LOOP_EX:
        f->address = l->acc_base_ex;
        if (c->c != 0)
            l->acc_base_ex = next_half(t, l->acc_base_ex);
        break;
    default:
        f->address = l->acc_base_st;
        if (c->c != 0)
            l->acc_base_st = next_half(t, l->acc_base_st);
        break;
    }
}

static bool may_start(const struct loop_slot *slot, enum loop_fsm which) {
    if (!slot->configured || slot->started[which])
        return false;
    if (which == LOOP_EX)
        return slot->started[LOOP_LDA] && slot->started[LOOP_LDB] && slot->started[LOOP_LDD];
    return which != LOOP_ST || slot->started[LOOP_EX];
}

static bool all_completed(const struct loop_slot *slot) {
    for (int f = 0; f < LOOP_FSMS; f++)
        if (!slot->completed[f])
            return false;
    return slot->running;
}

/* Sub-FSMs that start or end. `idle`: those that had nothing to do when the cycle began. */
static bool transitions(struct gemmini_timing *t, const bool idle[LOOP_FSMS], bool head_done) {
    struct loop_matmul *l = &t->loop;
    bool moved = false;
    /* From the last to the first: a sub-FSM sees only what had started before this cycle. */
    for (int f = LOOP_FSMS - 1; f >= 0; f--) {
        if (!idle[f])
            continue;
        struct loop_slot *slot = &l->slots[l->fsm[f].slot];
        uint8_t id = l->slots[l->head].started[f] ? !l->head : l->head;
        bool starts = may_start(&l->slots[id], (enum loop_fsm)f);
        if (slot->running && slot->started[f] && !slot->completed[f]) {
            slot->completed[f] = true;
            moved = true;
        }
        if (starts) {
            start(t, (enum loop_fsm)f, id);
            moved = true;
        }
    }
    if (head_done) {
        struct loop_slot *slot = &l->slots[l->head];
        struct loop_config config = slot->config;
        *slot = (struct loop_slot){.config = config};
        l->head = !l->head;
        moved = true;
    }
    return moved;
}

/* Configured loops: what starts, what ends, what is emitted. All decisions are taken on the state
 * at the start of the cycle. */
static bool loops_step(struct gemmini_timing *t) {
    struct loop_matmul *l = &t->loop;
    bool idle[LOOP_FSMS], settled = l->settled, ended = false;
    release(l, t->now);
    bool head_done = !settled && all_completed(&l->slots[l->head]);
    enum loop_fsm chosen = queue_ready(&t->front.unrolled, t->now) ? choose(t) : LOOP_FSMS;
    for (int f = 0; f < LOOP_FSMS && !settled; f++) {
        idle[f] = !l->fsm[f].active;
        if (!idle[f] && l->fsm[f].nothing) {
            l->fsm[f].active = false;
            ended = true;
        }
    }
    if (chosen != LOOP_FSMS) {
        loop_matmul_emit(t, chosen);
        ended = ended || !l->fsm[chosen].active;
    }
    bool changed = !settled && transitions(t, idle, head_done);
    l->settled = !changed && !ended;
    return changed || ended || chosen != LOOP_FSMS;
}

bool loop_matmul_step(struct gemmini_timing *t) {
    struct front_end *f = &t->front;
    bool configured = loop_matmul_configured(t);
    const struct command *command = f->matmul.count > 0 ? queue_at(&f->matmul, 0) : NULL;
    bool is_loop =
        command && command->funct >= FUNCT_LOOP_WS && command->funct <= FUNCT_LOOP_WS_STRIDES_DC;
    bool take = is_loop && !slot_to_configure(&t->loop)->configured;
    bool moved = configured && loops_step(t);
    if (take) {
        loop_matmul_configure(t, command);
        queue_pop(&f->matmul, 1, t->now);
        moved = true;
    } else if (command && !is_loop && !configured && queue_ready(&f->unrolled, t->now)) {
        queue_push(&f->unrolled, command);
        queue_pop(&f->matmul, 1, t->now);
        wake(&t->rs.awake);
        moved = true;
    }
    if (moved)
        wake(&t->loop.awake);
    return moved;
}
