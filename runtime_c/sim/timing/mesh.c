/* The array with its delays: passes of rows go in, rows of results come out a fixed time later,
 * and a tag says where the results of a pass belong (section 6). */
#include "model.h"

enum { ALL_OPERANDS = 7 }; /* a bit for each of A, B and D */

static bool row_complete(const struct mesh *m) {
    return m->flush || m->written == ALL_OPERANDS;
}

bool mesh_ready(const struct mesh *m, cycle_t now) {
    bool last_fire = m->busy && row_complete(m) && m->fired == m->rows - 1;
    return (!m->busy || last_fire) && m->tag_count + (m->tag_freed == now) < m->tag_size &&
           m->row_count_used + (m->row_count_freed == now) < m->tag_size;
}

/* A matmul is in the array; one that completes in this cycle still counts. */
bool mesh_in_progress(const struct mesh *m, cycle_t now) {
    if (m->completed == now)
        return true;
    for (int i = 0; i < m->tag_count; i++)
        if (m->tags[(m->tag_head + i) % MAX_TAGS].entry >= 0)
            return true;
    return false;
}

/* Whether a matmul still in the array writes to `local`, judged by equal start addresses. */
bool mesh_will_write(const struct gemmini_timing *t, uint32_t local) {
    const struct mesh *m = &t->ex.mesh;
    if (local_is_garbage(&t->g, local))
        return false;
    uint32_t mask = LOCAL_IS_ACC | t->g.row_mask;
    for (int i = 0; i < m->tag_count; i++) {
        const struct mesh_tag *tag = &m->tags[(m->tag_head + i) % MAX_TAGS];
        if (!tag->garbage && ((tag->address ^ local) & mask) == 0)
            return true;
    }
    return false;
}

/* Starts a pass. `tag` is NULL for a flush. */
void mesh_start(struct gemmini_timing *t, const struct mesh_tag *tag) {
    struct mesh *m = &t->ex.mesh;
    m->busy = true;
    m->flush = tag == NULL;
    m->rows = tag ? tag->pass_rows : t->g.dim;
    m->fired = 0;
    m->pass++;
    if (!tag)
        return;
    struct mesh_tag *place = &m->tags[(m->tag_head + m->tag_count++) % MAX_TAGS];
    *place = *tag;
    place->pass = m->pass + (t->ex.output_stationary ? 2 : 1);
    m->row_count_used++;
}

/* A row whose operands have all arrived enters the array. */
bool mesh_input_step(struct gemmini_timing *t) {
    struct mesh *m = &t->ex.mesh;
    if (!m->busy || !row_complete(m))
        return false;
    uint32_t place = (m->out_head + m->out_count++) & m->out_mask;
    bool last = ++m->fired == m->rows;
    m->outputs[place] = (struct mesh_output){.cycle = t->now + m->latency,
                                             .pass = (uint32_t)m->pass,
                                             .rows = (uint8_t)m->rows,
                                             .last = last,
                                             .flush = m->flush};
    m->written = 0;
    if (last)
        m->busy = false;
    return true;
}

static void write_result(struct gemmini_timing *t, const struct mesh_tag *tag, uint32_t rows) {
    const struct execute_controller *e = &t->ex;
    uint32_t row = e->mesh.output_row;
    uint32_t offset = e->output_stationary ? rows - 1 - row * e->c_stride : row * e->c_stride;
    uint32_t written = e->output_stationary ? rows - 1 - row : row;
    if (written >= tag->rows)
        return;
    uint32_t local = local_add(&t->g, tag->address, offset);
    uint32_t memory_row = local_row(&t->g, local);
    if (local_is_acc(local)) {
        uint32_t bank = memory_row >> t->g.acc_bank_shift;
        accumulator_write(t, bank, memory_row, (local & LOCAL_ACCUMULATE) != 0);
        t->banks.acc_ex_written[bank] = t->now;
    } else if (t->p.ex_write_to_spad) {
        t->banks.spad_ex_written[memory_row >> t->g.spad_bank_shift] = t->now;
    }
}

/* Drops the oldest tag; returns the next one, or NULL. */
static struct mesh_tag *drop_tag(struct mesh *m, cycle_t now) {
    m->tag_head = (uint8_t)((m->tag_head + 1) % MAX_TAGS);
    m->tag_freed = now;
    return --m->tag_count > 0 ? &m->tags[m->tag_head] : NULL;
}

/* The results that carry `tag` have not left the array yet. */
static bool comes_later(const struct mesh_tag *tag, const struct mesh_output *out) {
    return (int32_t)((uint32_t)tag->pass - out->pass) > 0;
}

bool mesh_output_step(struct gemmini_timing *t) {
    struct mesh *m = &t->ex.mesh;
    if (m->out_count == 0 || m->outputs[m->out_head].cycle > t->now)
        return false;
    const struct mesh_output out = m->outputs[m->out_head];
    m->out_head = (m->out_head + 1) & m->out_mask;
    m->out_count--;
    struct mesh_tag *tag = m->tag_count > 0 ? &m->tags[m->tag_head] : NULL;
    /* A change of dataflow may leave the tag of a dropped result before the one that matters. */
    if (tag && tag->garbage && !comes_later(tag, &out) && m->tag_count > 1 && out.last) {
        const struct mesh_tag *next = &m->tags[(m->tag_head + 1) % MAX_TAGS];
        if (!comes_later(next, &out))
            tag = drop_tag(m, t->now);
    }
    if (tag && comes_later(tag, &out))
        tag = NULL;
    if (tag && !tag->garbage)
        write_result(t, tag, out.rows);
    m->output_row = out.last ? 0 : m->output_row + 1;
    if (!out.last)
        return true;
    if (!out.flush) {
        m->row_count_used--;
        m->row_count_freed = t->now;
    }
    if (tag) {
        if (tag->entry >= 0) {
            t->rs.completing[EXECUTE] = tag->entry;
            m->completed = t->now;
        }
        drop_tag(m, t->now);
    }
    return true;
}
