/* The scheduler of the L2: one miss register per cycle makes its next steps, if all units that
 * these need are ready; round robin (L2 generator). */
#include "model.h"

/* The directory has one port, and reads go first; a write waits in a register until there is a
 * cycle without a read. */
void l2_directory_read(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    if (l2->directory_free == t->now + 1)
        l2->directory_free++;
}

/* What a register would do in this cycle. Its end is not a step of its own. */
static unsigned next_steps(const struct mshr *mshr, cycle_t now) {
    unsigned left = mshr->steps, steps = 0;
    if (mshr->plan > now)
        return 0;
    if (left & RELEASE)
        return RELEASE;
    if (left & ACQUIRE)
        return ACQUIRE;
    if (mshr->granted <= now)
        steps |= left & GRANT_ACK;
    if (mshr->usable <= now)
        steps |= left & ANSWER;
    if (mshr->whole <= now && mshr->released <= now)
        steps |= left & WRITE_BACK;
    return steps;
}

/* Steps for which a unit is not ready. */
static unsigned blocked_steps(const struct gemmini_timing *t) {
    const struct l2 *l2 = &t->memory.l2;
    unsigned blocked = 0;
    if (l2->answer_free > t->now || !memory_may_return(t))
        blocked |= ANSWER;
    if (l2->directory_free > t->now)
        blocked |= RELEASE | WRITE_BACK;
    if (l2->missing == 0)
        return blocked;
    if (!l2_may_release(t))
        blocked |= RELEASE;
    if (!l2_may_acquire(t))
        blocked |= ACQUIRE;
    return blocked;
}

static void perform(struct gemmini_timing *t, uint32_t which, unsigned steps) {
    struct l2 *l2 = &t->memory.l2;
    struct mshr *mshr = &l2->mshrs[which];
    mshr->steps &= (uint8_t)~steps;
    if (steps & (RELEASE | WRITE_BACK))
        l2->directory_free = t->now + 2;
    if (steps & RELEASE)
        l2_release(t, which);
    if (steps & ACQUIRE)
        l2_acquire(t, which);
    if (steps & ANSWER) {
        l2->answer_free = l2_answer(t, &mshr->request);
        mshr->pipeline_left = l2->answer_free + PLAN_TO_WRITE;
    }
    if (mshr->steps == 0 && mshr->whole <= t->now && mshr->released <= t->now)
        l2_finish(t, which);
}

/* The registers that can make their next steps, a bit each. */
static uint64_t able_registers(const struct gemmini_timing *t) {
    const struct l2 *l2 = &t->memory.l2;
    unsigned blocked = blocked_steps(t);
    uint64_t able = 0;
    if (l2->missing == 0 && (blocked & ANSWER))
        return 0; /* hits need nothing but an answer */
    for (uint64_t left = l2->used; left != 0; left &= left - 1) {
        unsigned steps = next_steps(&l2->mshrs[__builtin_ctzll(left)], t->now);
        if (steps != 0 && (steps & blocked) == 0)
            able |= left & -left;
    }
    return able;
}

bool l2_schedule_step(struct gemmini_timing *t) {
    struct l2 *l2 = &t->memory.l2;
    uint64_t able = l2->used != 0 ? able_registers(t) : 0;
    if (able == 0)
        return false;
    uint64_t later = able & ~((UINT64_C(2) << l2->served) - 1);
    uint32_t which = (uint32_t)__builtin_ctzll(later != 0 ? later : able);
    l2->served = which;
    perform(t, which, next_steps(&l2->mshrs[which], t->now));
    return true;
}
