/* Reservation station: dependencies between commands of different units (section 2). */
#include "model.h"

static struct row_range make_range(const struct gemmini_timing *t, uint32_t local, uint32_t rows) {
    struct row_range range = {0};
    if (local_is_garbage(&t->g, local))
        return range;
    uint64_t memory = (uint64_t)local_is_acc(local) << 32;
    uint64_t row = local & t->g.row_mask;
    range.valid = true;
    range.start = memory | row;
    range.end = memory | ((row + rows) & t->g.row_mask);
    range.wraps = row + rows > t->g.row_mask;
    return range;
}

static bool overlaps(const struct row_range *x, const struct row_range *y) {
    /* Without branches: this is asked for every pair of commands of different units. */
    return x->valid & y->valid & (x->start >> 32 == y->start >> 32) &
           (((y->start <= x->start) & ((x->start < y->end) | y->wraps)) |
            ((x->start <= y->start) & ((y->start < x->end) | x->wraps)));
}

static enum partition partition_of(const struct command *command) {
    switch (command->funct) {
    case FUNCT_CONFIG:
        switch (bits(command->rs1, 1, 0)) {
        case CONFIG_EX:
            return EXECUTE;
        case CONFIG_LD:
            return LOAD;
        default:
            return STORE;
        }
    case FUNCT_MVIN:
    case FUNCT_MVIN2:
    case FUNCT_MVIN3:
        return LOAD;
    case FUNCT_MVOUT:
        return STORE;
    default:
        return EXECUTE;
    }
}

static uint32_t moved_rows(const struct gemmini_timing *t, uint64_t rs2, uint32_t block_stride) {
    uint32_t cols = move_cols(&t->g, rs2);
    uint32_t blocks = (cols + t->g.dim - 1) >> t->g.dim_shift;
    return (blocks ? blocks - 1 : 0) * block_stride + dims_rows(&t->g, rs2);
}

static void set_load_range(const struct gemmini_timing *t, struct entry *e) {
    const struct command *c = &e->command;
    int id = c->funct == FUNCT_MVIN2 ? 1 : c->funct == FUNCT_MVIN3 ? 2 : 0;
    uint32_t local = (uint32_t)c->rs2;
    e->a = make_range(t, local, moved_rows(t, c->rs2, t->rs.block_stride[id]));
    e->a_is_destination = true;
    if (e->a.valid && !local_is_acc(local) && t->rs.pixel_repeats[id] > 0) {
        uint64_t floor = e->a.start > t->g.spad_rows / 2 ? t->g.spad_rows / 2 : 0;
        uint64_t down = t->rs.pixel_repeats[id];
        e->a.start = e->a.start > floor + down ? e->a.start - down : floor;
    }
}

static void set_store_range(const struct gemmini_timing *t, struct entry *e) {
    uint32_t local = (uint32_t)e->command.rs2;
    e->a = make_range(t, local, moved_rows(t, e->command.rs2, t->g.dim));
    if (t->rs.pooling && e->a.valid) {
        /* A pooled store is taken to read to the end of its accumulator bank. */
        uint32_t bank = local_row(&t->g, local) / t->g.acc_bank_rows;
        e->a.end = (UINT64_C(1) << 32) | ((bank + 1) * t->g.acc_bank_rows);
        e->a.wraps = true;
    }
}

static void set_ranges(const struct gemmini_timing *t, struct entry *e) {
    const struct command *c = &e->command;
    switch (c->funct) {
    case FUNCT_CONFIG:
        break;
    case FUNCT_MVIN:
    case FUNCT_MVIN2:
    case FUNCT_MVIN3:
        set_load_range(t, e);
        break;
    case FUNCT_MVOUT:
        set_store_range(t, e);
        break;
    case FUNCT_PRELOAD:
        e->a = make_range(t, (uint32_t)c->rs2, dims_rows(&t->g, c->rs2) * t->rs.c_stride);
        e->a_is_destination = true;
        e->b = make_range(t, (uint32_t)c->rs1, dims_rows(&t->g, c->rs1));
        break;
    default: {
        uint32_t rows = t->rs.a_transpose ? dims_cols(&t->g, c->rs1) : dims_rows(&t->g, c->rs1);
        e->a = make_range(t, (uint32_t)c->rs1, rows * t->rs.a_stride);
        e->b = make_range(t, (uint32_t)c->rs2, dims_rows(&t->g, c->rs2));
        break;
    }
    }
}

static bool depends(const struct entry *e, enum partition newer, const struct entry *old,
                    enum partition older) {
    switch (newer) {
    case LOAD:
        return overlaps(&e->a, &old->a) || (older == EXECUTE && overlaps(&e->a, &old->b));
    case EXECUTE:
        if (older == LOAD)
            return overlaps(&e->a, &old->a) || overlaps(&e->b, &old->a);
        return e->a_is_destination && overlaps(&e->a, &old->a);
    default:
        return (older == LOAD || old->a_is_destination) && overlaps(&e->a, &old->a);
    }
}

static uint64_t entry_bit(int partition, int entry) {
    return UINT64_C(1) << (MAX_PARTITION * partition + entry);
}

/* `completing` and the entries that complete on issue this cycle no longer count. */
static uint64_t dependencies(const struct reservation_station *rs, const struct entry *e,
                             enum partition newer, uint64_t gone) {
    uint64_t waits_for = 0;
    for (int p = 0; p < PARTITIONS; p++) {
        if (p == (int)newer)
            continue;
        for (int i = 0, seen = 0; seen < rs->used[p]; i++) {
            const struct entry *old = &rs->entries[p][i];
            seen += old->valid;
            if (old->valid && !old->is_config && !(gone & entry_bit(p, i)) &&
                depends(e, newer, old, (enum partition)p))
                waits_for |= entry_bit(p, i);
        }
    }
    return waits_for;
}

void reservation_station_configure(struct gemmini_timing *t, const struct command *c) {
    struct reservation_station *rs = &t->rs;
    switch (bits(c->rs1, 1, 0)) {
    case CONFIG_EX:
        rs->a_stride = bits(c->rs1, 31, 16);
        rs->c_stride = bits(c->rs2, 63, 48);
        if (!bits(c->rs1, 7, 7))
            rs->a_transpose = bits(c->rs1, 8, 8) != 0;
        break;
    case CONFIG_LD: {
        uint32_t id = bits(c->rs1, 4, 3), repeats = bits(c->rs1, 12, 8);
        if (id < LOAD_STATES) {
            rs->block_stride[id] = bits(c->rs1, 31, 16);
            rs->pixel_repeats[id] = repeats > 0 ? repeats - 1 : 0;
        }
        break;
    }
    case CONFIG_ST:
        rs->pooling = bits(c->rs1, 5, 4) != 0;
        break;
    default:
        break;
    }
}

/* Entries are named as in the RTL's traces: loads from 0, execute from 16, stores from 32. */
static int entry_name(enum partition partition, int entry) {
    return MAX_PARTITION * (int)partition + entry;
}

static struct queue *unit_queue(struct gemmini_timing *t, enum partition partition) {
    switch (partition) {
    case LOAD:
        return &t->load.commands;
    case EXECUTE:
        return &t->ex.unroller;
    default:
        return &t->store.commands;
    }
}

static void free_entry(struct gemmini_timing *t, enum partition partition, int entry) {
    struct reservation_station *rs = &t->rs;
    struct entry *e = &rs->entries[partition][entry];
    e->valid = false;
    rs->used[partition]--;
    if (e->command.from_loop)
        loop_matmul_completed(t, partition);
    uint64_t mask = ~entry_bit((int)partition, entry);
    for (int p = 0; p < PARTITIONS; p++)
        for (int i = 0; i < rs->unissued[p]; i++)
            rs->entries[p][rs->order[p][i]].waits_for &= mask;
}

static bool older_store_executes(const struct reservation_station *rs) {
    for (int i = 0; i < rs->size[STORE]; i++)
        if (rs->entries[STORE][i].valid && rs->entries[STORE][i].issued)
            return true;
    return false;
}

/* Issues the oldest waiting command of a type; returns its entry, or -1. */
static int issue(struct gemmini_timing *t, enum partition partition) {
    struct reservation_station *rs = &t->rs;
    int entry = rs->order[partition][0];
    struct entry *e = &rs->entries[partition][entry];
    struct queue *queue = unit_queue(t, partition);
    if (e->waits_for != 0 || !queue_ready(queue, t->now))
        return -1;
    if (partition == STORE && t->p.serial_stores && older_store_executes(rs))
        return -1;
    e->issued = true;
    if (partition != EXECUTE)
        t->active |= (uint8_t)(1U << partition);
    rs->unissued[partition]--;
    for (int i = 0; i < rs->unissued[partition]; i++)
        rs->order[partition][i] = rs->order[partition][i + 1];
    queue_push(queue, &e->command);
    timing_emit(t, GEMMINI_TIMING_ISSUE, &e->command, entry_name(partition, entry));
    return entry;
}

static bool allocate(struct gemmini_timing *t, uint64_t gone) {
    struct reservation_station *rs = &t->rs;
    struct queue *unrolled = &t->front.unrolled;
    if (unrolled->count == 0 || (rs->full >= 0 && rs->used[rs->full] == rs->size[rs->full]))
        return false;
    rs->full = -1;
    const struct command *c = queue_at(unrolled, 0);
    if (c->funct == FUNCT_FLUSH || c->funct == FUNCT_CLKGATE || c->funct == FUNCT_COUNTER) {
        if (c->funct == FUNCT_COUNTER)
            counters_command(t, c->rs1);
        queue_pop(unrolled, 1, t->now);
        wake(&t->loop.awake);
        return true;
    }
    enum partition partition = partition_of(c);
    if (rs->used[partition] == rs->size[partition]) {
        rs->full = (int)partition;
        return false;
    }
    int entry = 0;
    while (rs->entries[partition][entry].valid)
        entry++;
    struct entry *e = &rs->entries[partition][entry];
    *e = (struct entry){.command = *c, .valid = true, .is_config = c->funct == FUNCT_CONFIG};
    e->command.entry = (int8_t)entry;
    set_ranges(t, e);
    e->waits_for = dependencies(rs, e, partition, gone);
    if (e->is_config)
        reservation_station_configure(t, c);
    rs->used[partition]++;
    rs->order[partition][rs->unissued[partition]++] = (uint8_t)entry;
    timing_emit(t, GEMMINI_TIMING_ALLOCATE, &e->command, entry_name(partition, entry));
    queue_pop(unrolled, 1, t->now);
    wake(&t->loop.awake);
    return true;
}

static void complete(struct gemmini_timing *t, enum partition partition, int entry) {
    timing_emit(t, GEMMINI_TIMING_COMPLETE, &t->rs.entries[partition][entry].command,
                entry_name(partition, entry));
    t->last_completion = t->now;
    t->completed = true;
    free_entry(t, partition, entry);
}

bool reservation_station_step(struct gemmini_timing *t) {
    struct reservation_station *rs = &t->rs;
    uint64_t gone = 0;
    int completed = -1, on_issue[PARTITIONS];
    enum partition completed_partition = LOAD;
    /* One completion port; execute first, then loads, then stores. */
    static const enum partition priority[PARTITIONS] = {EXECUTE, LOAD, STORE};
    bool any = rs->completing[EXECUTE] >= 0 || t->load.tracker.finished > 0 ||
               t->store.tracker.finished > 0;
    for (int i = 0; any && i < PARTITIONS && completed < 0; i++) {
        completed_partition = priority[i];
        if (completed_partition == EXECUTE) {
            completed = rs->completing[EXECUTE];
            continue;
        }
        struct command_tracker *tracker =
            completed_partition == LOAD ? &t->load.tracker : &t->store.tracker;
        int slot = tracker->finished > 0 ? tracker_offer(tracker, t->now) : -1;
        if (slot >= 0) {
            completed = tracker->slots[slot].entry;
            tracker_release(tracker, slot, t->now);
        }
    }
    rs->completing[EXECUTE] = -1;
    if (completed >= 0)
        gone |= entry_bit((int)completed_partition, completed);
    bool moved = completed >= 0, configured = false;
    for (int p = 0; p < PARTITIONS; p++) {
        on_issue[p] = -1;
        int entry = rs->unissued[p] > 0 ? issue(t, (enum partition)p) : -1;
        if (entry < 0)
            continue;
        moved = true;
        if (p != EXECUTE && rs->entries[p][entry].is_config) {
            on_issue[p] = entry;
            configured = true;
        }
    }
    moved = allocate(t, gone) || moved;
    if (completed >= 0)
        complete(t, completed_partition, completed);
    for (int p = 0; p < PARTITIONS && configured; p++)
        if (on_issue[p] >= 0)
            free_entry(t, (enum partition)p, on_issue[p]);
    if (moved || t->load.tracker.finished + t->store.tracker.finished > 0)
        wake(&rs->awake);
    return moved;
}
