/* Front end: the chain of two-entry queues between the core and the reservation station
 * (section 1). Order is strictly preserved, so whatever cannot be allocated blocks what follows. */
#include "model.h"

bool front_end_step(struct gemmini_timing *t) {
    struct front_end *f = &t->front;
    bool moved = false;
    /* LoopConv passes commands through; its own commands are refused when they are offered. */
    if (f->conv.count > 0 && queue_ready(&f->matmul, t->now)) {
        queue_push(&f->matmul, queue_at(&f->conv, 0));
        queue_pop(&f->conv, 1, t->now);
        wake(&t->loop.awake);
        moved = true;
    }
    if (f->raw.count > 0 && queue_ready(&f->conv, t->now)) {
        queue_push(&f->conv, queue_at(&f->raw, 0));
        queue_pop(&f->raw, 1, t->now);
        moved = true;
    }
    return moved;
}
