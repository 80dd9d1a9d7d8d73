/* The state of each hardware unit of the timing model. */
#ifndef GEMMINI_TIMING_STATE_H
#define GEMMINI_TIMING_STATE_H

#include "common.h"
#include "memory_state.h"

/* ---- front end ---- */

struct loop_config {
    uint32_t pad_i, pad_j, pad_k, max_i, max_j, max_k;
    uint64_t a, b, d, c;
    uint64_t a_stride, b_stride, d_stride, c_stride;
    bool accumulate, full_c, low_d, a_transpose, b_transpose, resadd;
    uint8_t a_spad_id, b_spad_id;
};

enum loop_fsm { LOOP_LDA, LOOP_LDB, LOOP_LDD, LOOP_EX, LOOP_ST, LOOP_FSMS };

struct loop_slot {
    struct loop_config config;
    bool configured, running;
    bool started[LOOP_FSMS], completed[LOOP_FSMS];
    uint64_t index; /* of the LOOP_WS command */
};

struct loop_sub_fsm {
    bool active, second; /* second: COMPUTE of a pair is next */
    bool nothing;        /* no memory address: ends at once */
    uint8_t slot;
    struct loop_config config;
    uint64_t index;
    uint32_t address; /* local base address */
    uint32_t i, j, k;
};

struct loop_matmul {
    struct loop_slot slots[CONCURRENT_LOOPS];
    uint8_t head;
    struct loop_sub_fsm fsm[LOOP_FSMS];
    uint32_t acc_base_d, acc_base_ex, acc_base_st; /* accumulator halves in use */
    int in_flight[PARTITIONS];                     /* emitted and not completed */
    uint8_t awake;            /* something may happen in this or the next cycle, a bit each */
    bool settled;             /* no sub-FSM starts or ends before one ends or a loop comes */
    int released[PARTITIONS]; /* completed in cycle `released_at` */
    cycle_t released_at;
};

struct front_end {
    struct queue raw, conv, matmul, unrolled;
};

/* ---- reservation station ---- */

struct row_range {
    uint64_t start, end; /* memory select in bit 32 */
    bool valid, wraps;
};

struct entry {
    struct command command;
    struct row_range a, b;
    uint64_t waits_for; /* bit 16 * partition + entry: other partitions' entries */
    bool valid, issued, is_config, a_is_destination;
};

struct reservation_station {
    struct entry entries[PARTITIONS][MAX_PARTITION];
    uint8_t order[PARTITIONS][MAX_PARTITION]; /* unissued entries, oldest first */
    uint8_t unissued[PARTITIONS];
    uint8_t used[PARTITIONS];
    uint8_t size[PARTITIONS];
    uint8_t awake; /* something may happen in this or the next cycle, a bit each */
    int full;      /* partition without room for the command at the front end's head, -1: none */
    int completing[PARTITIONS]; /* entry whose unit reports completion, -1: none */
    uint32_t a_stride, c_stride, block_stride[LOAD_STATES], pixel_repeats[LOAD_STATES];
    bool a_transpose, pooling;
};

/* ---- loads ---- */

struct command_tracker {
    struct {
        uint64_t left;
        int8_t entry;
        bool valid;
        cycle_t done; /* first cycle in which completion is offered */
    } slots[MAX_COMMAND_TRACKER];
    uint8_t size, used;
    uint8_t finished; /* commands whose completion is offered, or will be in the next cycle */
    cycle_t freed;
};

struct row_request {
    uint64_t address;
    uint32_t local;
    uint16_t cols, repeats, block_stride;
    uint8_t tracker, pixel_repeats;
    uint8_t funct;
    bool wide; /* accumulator-width elements */
    bool unscaled, zeros;
};

struct load_controller {
    struct queue commands;
    struct command_tracker tracker;
    uint64_t stride[LOAD_STATES];
    uint32_t block_stride[LOAD_STATES];
    uint8_t pixel_repeats[LOAD_STATES];
    bool shrink[LOAD_STATES], unscaled[LOAD_STATES];
    bool sending, requested; /* requested: the single row of this command was sent */
    uint32_t row;
    uint8_t current; /* tracker slot */
};

/* One Get in flight and what its data become (section 3). */
struct get {
    uint32_t local;
    uint16_t bytes, shift, row_offset, repeats, block_stride;
    uint8_t beats, tracker, pixel_repeats;
    uint8_t funct; /* MVIN, MVIN2 or MVIN3 */
    bool wide, unscaled;
};

struct dma_reader {
    struct row_request queue[MAX_QUEUE]; /* read_issue_q */
    uint8_t head, count, capacity;
    struct row_request row;
    bool busy;
    uint32_t bytes_requested, bytes_total;
    struct get gets[MAX_TRACKED];
    uint8_t in_flight, size;
    uint64_t free_mask;
    bool in_tlb, in_translate; /* tlb_q and translate_q hold a request */
    struct port_beat tlb, translate;
    /* BeatMerger */
    struct get merging;
    bool merging_valid;
    uint32_t bytes_read, bytes_sent;
    cycle_t slot_freed;
};

struct scaled_row {
    uint32_t local;
    uint16_t repeats, bytes;
    uint8_t tracker, pixel_repeats;
    bool valid, last, wide, unscaled;
};

struct mvin_scale {
    struct scaled_row repeat_stage;
    struct scaled_row rows[MVIN_SCALE_ROWS];
    cycle_t ready[MVIN_SCALE_ROWS]; /* cycle in which all elements of the row are scaled */
    uint8_t fired[MVIN_SCALE_ROWS]; /* elements sent into each lane */
    uint8_t head, tail, count;
    int last_grant; /* -1: none since reset */
    uint8_t unfed;  /* rows with elements that no lane has taken yet */
    struct scaled_row pixel_stage;
    struct scaled_row wide_stage; /* accumulator-width elements bypass the unit */
};

struct zero_writer {
    struct row_request row;
    bool valid;
    uint32_t col;
    struct scaled_row pixel_stage;
};

/* ---- local memories ---- */

struct banks {
    cycle_t spad_written[MAX_BANKS], spad_ex_written[MAX_BANKS], spad_ex_read[MAX_BANKS];
    cycle_t acc_ex_written[MAX_BANKS];
    cycle_t spad_stored[MAX_BANKS], acc_stored[MAX_BANKS]; /* read for a store */
    cycle_t acc_accumulated[MAX_BANKS]; /* last cycle that offered an accumulating write */
    struct accumulator_write {
        uint32_t row;
        cycle_t cycle;
    } acc_pipeline[MAX_BANKS][ACC_PIPELINE]; /* by cycle: a bank takes one row per cycle */
};

/* ---- execute ---- */

enum ex_state { EX_WAITING, EX_COMPUTE, EX_FLUSH, EX_FLUSHING };
/* Operands of a pass. */
enum { A = 0, B = 1, D = 2, OPERANDS = 3 };

enum ex_mode { EX_NONE, EX_PRELOAD, EX_OVERLAP, EX_MULTIPLY };

struct operand {
    uint32_t address; /* local address of row 0 */
    uint32_t step;    /* rows between consecutive rows */
    uint32_t rows;    /* rows that exist */
    uint32_t counter;
    bool garbage;
    bool reads;   /* not garbage and being fed */
    bool started; /* fired at least once in this pass */
    bool in_acc, reversed;
    uint64_t command; /* index of the command that names it */
    bool one_bank;    /* all rows are in `bank` */
    uint8_t bank;
    uint32_t first, end; /* counters of the rows that exist */
};

struct mesh_tag {
    uint64_t pass; /* number of the pass whose outputs carry this tag */
    uint32_t address, rows;
    uint32_t pass_rows; /* rows of the pass that brings the tag */
    int8_t entry;
    bool garbage;
};

struct control_signal {
    cycle_t ready; /* the rows that were requested with it are at the array */
    uint8_t fires; /* bit per operand */
    bool first;    /* of its pass; its tag is the oldest waiting one */
};

struct mesh_output {
    cycle_t cycle;
    uint32_t pass; /* its low half */
    uint8_t rows;
    bool last, flush;
};

#define MESH_OUTPUTS    1024
#define CONTROL_SIGNALS 16

struct mesh {
    bool busy, flush;
    uint8_t written; /* operands of the next row that have arrived, a bit each */
    uint32_t rows, fired;
    uint64_t pass;
    struct mesh_tag tags[MAX_TAGS];
    uint8_t tag_head, tag_count, tag_size;
    cycle_t tag_freed, completed; /* last cycles of these */
    uint8_t row_count_used;       /* total_rows_q */
    cycle_t row_count_freed;
    struct mesh_output outputs[MESH_OUTPUTS];
    uint32_t out_head, out_count, out_mask; /* the mask bounds the part of `outputs` in use */
    uint32_t output_row;
    uint32_t latency;
};

struct execute_controller {
    struct queue unroller;
    struct queue commands;
    uint8_t unroller_state;
    bool unroll_b_transpose;
    enum ex_state state;
    enum ex_mode mode;
    bool output_stationary, a_transpose, bd_transpose;
    uint32_t a_stride, c_stride;
    struct operand operands[OPERANDS];
    uint32_t pass_rows;
    uint32_t row; /* of all operands while they go in step */
    bool in_step;
    cycle_t rows_requested;   /* last cycle in which a row of every operand was requested */
    cycle_t rows_refused;     /* last cycle in which a bank refused an operand */
    uint8_t refused_operands; /* a bit each */
    uint8_t hazard_place;     /* what waits for a result: 1 a PRELOAD, 2 an overlapped pass */
    int pending[2];           /* entries whose completion is still to be reported, -1: none */
    struct control_signal control[CONTROL_SIGNALS];
    uint8_t control_head, control_count;
    struct mesh_tag pass_tag;
    bool apart;                               /* no two operands of the pass share a bank */
    struct mesh_tag waiting[CONTROL_SIGNALS]; /* tags of passes on their way to the array */
    uint8_t waiting_head, waiting_count;
    struct mesh mesh;
};

/* ---- stores ---- */

struct store_row {
    uint64_t address;
    uint32_t local;
    uint16_t cols;
    uint8_t block, tracker;
    bool pool, store;
    cycle_t ready;
};

#define STORE_ROWS 16

struct store_queue {
    struct store_row rows[STORE_ROWS];
    uint8_t head, count, capacity;
    cycle_t popped;
};

struct pooling {
    uint32_t stride, size, out_dim, porows, pocols, orows, ocols, upad, lpad;
};

struct store_controller {
    struct queue commands;
    struct command_tracker tracker;
    uint64_t stride;
    struct pooling pool;
    bool sending, requested;
    uint32_t row, block;
    uint32_t porow, pocol, wrow, wcol;
    uint8_t current;
    uint32_t rows_inside;             /* in the four queues that follow */
    struct store_queue dispatch;      /* write_dispatch_q */
    struct store_queue norm;          /* write_norm_q */
    struct store_queue scale;         /* write_scale_q */
    struct store_queue issue;         /* write_issue_q */
    bool bank_response[2][MAX_BANKS]; /* scratchpad, accumulator: row read, not yet taken */
    uint8_t normalized;               /* rows in the queue that stands for the normaliser */
    cycle_t normalized_popped;
    int spad_rows_reading; /* scratchpad rows between SRAM and writer */
};

enum writer_state { WRITER_IDLE, WRITER_BLOCK, WRITER_BEATS };

struct dma_writer {
    enum writer_state state;
    uint64_t address;
    uint32_t length, sent, beats_left;
    uint32_t packet_bytes, packet_beats;
    uint64_t packet_address;
    bool partial;
    uint32_t in_flight, size;
    cycle_t last_ack;
};

enum { COUNTERS = 8 };

struct counters {
    uint8_t event[COUNTERS], external; /* external: a bit per counter */
    bool enabled, frozen;
    uint32_t value[COUNTERS], snapshot[COUNTERS];
    uint32_t answer;   /* what the last COUNTER command returned */
    uint64_t answered; /* COUNTER commands executed */
    uint64_t bytes_read, bytes_written;
    /* Sums of the cycles in which requests ended less those in which they began (modulo 2^64). */
    uint64_t read_latency, write_latency;
};

#endif
