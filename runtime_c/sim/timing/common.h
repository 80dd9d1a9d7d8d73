/* What all units of the timing model share: constants, commands, queues and local addresses. */
#ifndef GEMMINI_TIMING_COMMON_H
#define GEMMINI_TIMING_COMMON_H

#include "gemmini/timing.h"

#define NEVER UINT64_MAX

typedef uint64_t cycle_t;

/* Structure of the RTL that no configuration parameter changes. */
enum {
    FRONT_QUEUE_DEPTH = 2,    /* entries of each front-end queue (section 1) */
    UNROLLER_QUEUE_DEPTH = 2, /* entries of TransposePreloadUnroller (section 6) */
    CONCURRENT_LOOPS = 2,     /* slots of LoopMatmul (section 1) */
    WRITE_DISPATCH_DEPTH = 2, /* entries of write_dispatch_q (section 7) */
    NORMALIZER_DEPTH = 2, /* entries of the normaliser's queue without a normaliser (section 7) */
    MVIN_SCALE_ROWS = 3,  /* row buffers of the MVIN scale unit (section 3) */
    PORT_BUFFERS = 2,     /* entries of the TLBuffer before the crossbar (section 3) */
    SHARED_BUFFERS = 4,   /* entries of the two TLBuffers between crossbar and L2 (section 3) */
    WRITER_BUFFERS = 4,   /* the same and the two translation registers (section 7) */
    REQUEST_TO_CROSSBAR = 3, /* cycles: tlb_q, translate_q, TLBuffer (section 3) */
    BOUNDARY_TO_L2 = 1,      /* cycles: the second TLBuffer behind the crossbar (section 3) */
    CROSSBAR_TO_L2 = 1 + BOUNDARY_TO_L2, /* cycles: both of them (section 3) */
    L2_TO_CLIENT = 2,    /* cycles: the same two TLBuffers on the way back (section 3) */
    REQUEST_TO_PLAN = 2, /* cycles: directory and plan of an L2 request (L2 generator) */
    PLAN_TO_WRITE = 3,   /* cycles: from there to the write of a Put (L2 generator) */
    PERMISSIONS = 16,    /* misses per interval of l2_permission_interval */
    PLAN_TO_CORK = 3,    /* cycles: an eviction through SourceC (L2 generator) */
    CORK_TO_PLAN = 2,    /* cycles: an acknowledgement through SinkD (L2 generator) */
    WRITE_TO_CORK = 2,   /* cycles: that of a modified line, with next-cycle DRAM (dram) */
    CORE_TO_L2 = 6,      /* cycles: a fetch of the core to the L2 (half a hit's 15) */
    PROBE_INTERVAL = 10, /* cycles per modified line from the core's L1 (recordings) */
    LANE_REGISTERS = 2,  /* around a multiplier of the MVIN scale unit (recordings) */
    MIN_PASS_ROWS = 4,   /* rows of the shortest pass through the array (section 6) */
    HANG_CYCLES = 20000, /* cycles without any progress that are called a hang */
};

/* Upper bounds of array sizes; gemmini_timing_refusal() checks the parameters against them. */
enum {
    MAX_PARTITION = 16, /* entries of one reservation-station partition */
    MAX_QUEUE = 16,
    MAX_TRACKED = 64, /* memory requests in flight */
    MAX_COMMAND_TRACKER = 8,
    MAX_BANKS = 16,
    MAX_TAGS = 32,
    ACC_PIPELINE = 8, /* cycles that an accumulator write may be followed */
    LOAD_STATES = 3,
    MAX_LINE_BEATS = 8, /* beats of the largest request */
    MAX_FETCHES = 64,
};

enum funct {
    FUNCT_CONFIG = 0,
    FUNCT_MVIN2 = 1,
    FUNCT_MVIN = 2,
    FUNCT_MVOUT = 3,
    FUNCT_COMPUTE_PRELOADED = 4,
    FUNCT_COMPUTE_ACCUMULATED = 5,
    FUNCT_PRELOAD = 6,
    FUNCT_FLUSH = 7,
    FUNCT_LOOP_WS = 8,
    FUNCT_LOOP_WS_BOUNDS = 9,
    FUNCT_LOOP_WS_ADDRS_AB = 10,
    FUNCT_LOOP_WS_ADDRS_DC = 11,
    FUNCT_LOOP_WS_STRIDES_AB = 12,
    FUNCT_LOOP_WS_STRIDES_DC = 13,
    FUNCT_MVIN3 = 14,
    FUNCT_LOOP_CONV_WS = 15,
    FUNCT_CLKGATE = 22,
    FUNCT_COUNTER = 126,
};

enum config_kind { CONFIG_EX = 0, CONFIG_LD = 1, CONFIG_ST = 2, CONFIG_NORM = 3 };

/* LOADING and STORING are the bits of the partitions whose commands they are. */
enum activity { LOADING = 1, STORING = 4, ON_THE_WAY = 8 };

enum partition { LOAD = 0, EXECUTE = 1, STORE = 2, PARTITIONS = 3 };

struct command {
    uint64_t rs1, rs2;
    uint64_t index; /* of the core's command */
    uint8_t funct;
    bool from_loop;
    int8_t entry; /* reservation-station entry within its partition, -1: none */
};

/* A queue with registered outputs: what is pushed in one cycle can be popped in the next; a full
 * queue takes a new element only in the cycle after a pop. */
struct queue {
    struct command items[MAX_QUEUE];
    uint8_t head, count, capacity;
    uint8_t taken;  /* elements of the last pop */
    cycle_t popped; /* last cycle of a pop */
};

static inline bool queue_ready(const struct queue *queue, cycle_t now) {
    return queue->count + (queue->popped == now ? queue->taken : 0) < queue->capacity;
}

static inline void queue_push(struct queue *queue, const struct command *command) {
    queue->items[(queue->head + queue->count++) & (MAX_QUEUE - 1)] = *command;
}

static inline struct command *queue_at(struct queue *queue, int place) {
    return &queue->items[(queue->head + place) & (MAX_QUEUE - 1)];
}

static inline void queue_pop(struct queue *queue, int count, cycle_t now) {
    queue->head = (uint8_t)((queue->head + count) & (MAX_QUEUE - 1));
    queue->count = (uint8_t)(queue->count - count);
    queue->taken = (uint8_t)count;
    queue->popped = now;
}

/* Units that mostly wait for others sleep. Whoever changes what they look at wakes them for the
 * next cycle, in which registers and queues show the change. */
enum { AWAKE = 1, AWAKE_NEXT = 2 };

static inline void wake(uint8_t *awake) {
    *awake |= AWAKE_NEXT;
}

/* Local addresses (ISA section 2). */
#define LOCAL_IS_ACC     (UINT32_C(1) << 31)
#define LOCAL_ACCUMULATE (UINT32_C(1) << 30)
#define LOCAL_READ_FULL  (UINT32_C(1) << 29)
#define LOCAL_GARBAGE    UINT32_C(0xffffffff)

struct geometry {
    uint32_t dim;
    uint32_t spad_rows, acc_rows;
    uint32_t spad_bank_rows, acc_bank_rows;
    uint8_t spad_bank_shift, acc_bank_shift; /* log2 of the above: capacities are powers of two */
    uint32_t row_mask, garbage_mask;
    uint32_t spad_row_bytes, acc_row_bytes, acc_bytes; /* acc_bytes: of one element */
    uint32_t beat_bytes, max_bytes;
    /* log2 of these sizes, which are powers of two */
    uint8_t dim_shift, spad_row_shift, acc_row_shift, beat_shift, line_shift;
    uint32_t line_cycles;               /* of the DRAM port, per line of the L2 */
    uint32_t dims_mask, move_cols_mask; /* decoded bits of rows and columns */
    uint32_t max_blocks, max_blocks_acc;
};

/* Local address arithmetic. */

static inline bool local_is_acc(uint32_t local) {
    return (local & LOCAL_IS_ACC) != 0;
}

static inline bool local_is_garbage(const struct geometry *g, uint32_t local) {
    return (local & g->garbage_mask) == g->garbage_mask;
}

static inline uint32_t local_row(const struct geometry *g, uint32_t local) {
    return local & g->row_mask & ((local_is_acc(local) ? g->acc_rows : g->spad_rows) - 1);
}

static inline uint32_t local_bank(const struct geometry *g, uint32_t local) {
    return local_row(g, local) >> (local_is_acc(local) ? g->acc_bank_shift : g->spad_bank_shift);
}

static inline uint32_t local_add(const struct geometry *g, uint32_t local, uint32_t rows) {
    return (local & ~g->row_mask) | ((local + rows) & g->row_mask);
}

static inline uint32_t dims_rows(const struct geometry *g, uint64_t dims) {
    return (uint32_t)(dims >> 48) & g->dims_mask;
}

static inline uint32_t dims_cols(const struct geometry *g, uint64_t dims) {
    return (uint32_t)(dims >> 32) & g->dims_mask;
}

static inline uint32_t move_cols(const struct geometry *g, uint64_t dims) {
    return (uint32_t)(dims >> 32) & g->move_cols_mask;
}

static inline uint32_t bits(uint64_t word, int high, int low) {
    return (uint32_t)((word >> low) & ((UINT64_C(1) << (high - low + 1)) - 1));
}

#endif
