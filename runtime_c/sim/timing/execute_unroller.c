/* TransposePreloadUnroller: commands on their way to the execute controller. With a transposed B, a
 * PRELOAD of new weights becomes two passes (section 6). */
#include "model.h"

enum { UNROLL_IDLE, UNROLL_FIRST_COMPUTE, UNROLL_SECOND_PRELOAD };

static uint64_t with_garbage(uint64_t operand) {
    return (operand & ~UINT64_C(0xffffffff)) | LOCAL_GARBAGE;
}

bool execute_unroller_step(struct gemmini_timing *t) {
    struct execute_controller *e = &t->ex;
    struct queue *q = &e->unroller;
    struct command c = *queue_at(q, 0);
    bool preload = c.funct == FUNCT_PRELOAD && e->unroller_state == UNROLL_IDLE;
    bool unroll = preload && e->unroll_b_transpose && q->count > 1 &&
                  queue_at(q, 1)->funct == FUNCT_COMPUTE_PRELOADED;
    if ((preload && e->unroll_b_transpose && q->count < 2) || !queue_ready(&e->commands, t->now))
        return false;
    if (unroll) {
        c.rs2 = with_garbage(c.rs2);
        c.entry = -1;
        e->unroller_state = UNROLL_FIRST_COMPUTE;
    } else if (e->unroller_state == UNROLL_FIRST_COMPUTE) {
        c = *queue_at(q, 1);
        c.funct = FUNCT_COMPUTE_ACCUMULATED;
        c.entry = -1;
        e->unroller_state = UNROLL_SECOND_PRELOAD;
    } else {
        if (e->unroller_state == UNROLL_SECOND_PRELOAD)
            c.rs1 = with_garbage(c.rs1);
        e->unroller_state = UNROLL_IDLE;
        if (c.funct == FUNCT_CONFIG && !bits(c.rs1, 7, 7))
            e->unroll_b_transpose = bits(c.rs1, 2, 2) && bits(c.rs1, 9, 9);
        queue_pop(q, 1, t->now);
        wake(&t->rs.awake);
    }
    queue_push(&e->commands, &c);
    return true;
}
